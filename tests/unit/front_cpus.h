/* SPDX-License-Identifier: MIT */
/*
 * What the tests of arena/front.h share: two CPUs to run on, and their slots.
 */
#ifndef UNIT_FRONT_CPUS_H
#define UNIT_FRONT_CPUS_H

#include <check.h>
#include <sched.h>

#include "arena/arena.h"

/* The first two CPUs that we may run on. */
static unsigned front_cpus[2];

/* To be called first in main(). Is there a front, and two CPUs to try it? */
static inline bool front_find_cpus(void)
{
	cpu_set_t allowed;
	unsigned cpu, nr = 0;

	if (!front_exists() ||
	    sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return false;
	for (cpu = 0; cpu < CPU_SETSIZE && nr < 2; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			front_cpus[nr++] = cpu;
	return nr == 2;
}

/* The thread stays on the i-th of them. */
static inline void front_pin(unsigned i)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(front_cpus[i], &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

static inline struct slot *front_slot(unsigned i, unsigned class)
{
	return &arena_slots[front_cpus[i]].slot[class];
}

/*
 * A sequence is tried once, and who is thrown out of it by chance is refused:
 * what must succeed is tried again.
 */
#define FRONT_TRY(call)                             \
	({                                          \
		unsigned tries_left = 1000;         \
		bool succeeded;                     \
                                                    \
		do                                  \
			succeeded = (call);         \
		while (!succeeded && --tries_left); \
		succeeded;                          \
	})

#endif /* UNIT_FRONT_CPUS_H */
