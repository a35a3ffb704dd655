/* SPDX-License-Identifier: MIT */
/*
 * What the tests of arena/pages.c share: a machine of five CPUs, and copies
 * that are filled with one value.
 */
#ifndef UNIT_PAGES_FILL_H
#define UNIT_PAGES_FILL_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pcpu.h"

static inline void fill(char *p, size_t bytes, int value)
{
	int cpu;

	pcpu_for_each_cpu (cpu)
		memset(pcpu_ptr(p, cpu), value, bytes);
}

static inline bool is_filled(const char *p, size_t bytes, int value)
{
	int cpu;

	pcpu_for_each_cpu (cpu) {
		const char *copy = pcpu_ptr(p, cpu);

		if (*copy != value || memcmp(copy, copy + 1, bytes - 1) != 0)
			return false;
	}
	return true;
}

/* To be called first in main(). */
static inline void simulate_five_cpus(char **argv)
{
	if (getenv("TEST_IS_SIMULATED"))
		return;
	setenv("TEST_IS_SIMULATED", "1", 1);
	setenv("PCPU_POSSIBLE_CPUS", "5", 1);
	setenv("PCPU_NODES", "1", 1);
	/* Where pages come from is then the same on each of them. */
	setenv("PCPU_ARENAS", "1", 1);
	execv("/proc/self/exe", argv);
	abort();
}

#endif /* UNIT_PAGES_FILL_H */
