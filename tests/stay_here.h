/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STAY_HERE_H
#define TESTS_STAY_HERE_H

#include <sched.h>

/* The thread stays on its CPU, and those that it starts: then what is freed is
 * what comes next, and one CPU's slots alone have slabs reserved. */
static inline void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	sched_setaffinity(0, sizeof(here), &here);
}

#endif /* TESTS_STAY_HERE_H */
