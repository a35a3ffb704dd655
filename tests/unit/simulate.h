/* SPDX-License-Identifier: MIT */
/*
 * For tests that need more CPUs, nodes or arenas than the machine has, or fewer
 * arenas.
 */
#ifndef UNIT_SIMULATE_H
#define UNIT_SIMULATE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pcpu/abi.h"

static inline void simulate_number(const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	if (value)
		setenv(name, text, 1);
}

/* To be called first in main(): runs the program again on a machine with so
 * many. What is 0 stays as it is. */
static inline void simulate(char **argv, unsigned cpus, unsigned nodes,
			    unsigned arenas)
{
	if (getenv("TEST_IS_SIMULATED"))
		return;
	setenv("TEST_IS_SIMULATED", "1", 1);
	simulate_number("PCPU_POSSIBLE_CPUS",
			cpus < LIBPCPU_CPUS_MAX ? cpus : LIBPCPU_CPUS_MAX);
	simulate_number("PCPU_NODES", nodes);
	simulate_number("PCPU_ARENAS", arenas);
	execv("/proc/self/exe", argv);
	abort();
}

#endif /* UNIT_SIMULATE_H */
