/* SPDX-License-Identifier: MIT */
/* Preemption in the middle of a section, for tests of what it excludes. */
#ifndef TESTS_PROVOKE_H
#define TESTS_PROVOKE_H

#include <sched.h>
#include <unistd.h>

#include "tests/support.h"

/* Be somewhere else, or let others run here. */
static inline void provoke(struct rng *rng)
{
	cpu_set_t set;

	switch (rng_below(rng, 64)) {
	case 0:
		CPU_ZERO(&set);
		CPU_SET(rng_below(rng, (size_t)sysconf(_SC_NPROCESSORS_CONF)),
			&set);
		/* A CPU that we may not use: then we stay. */
		sched_setaffinity(0, sizeof(set), &set);
		break;
	case 1:
	case 2:
		sched_yield();
		break;
	}
}

#endif /* TESTS_PROVOKE_H */
