// SPDX-License-Identifier: MIT
#ifndef BENCH_ATOMICS_SCENARIO_H
#define BENCH_ATOMICS_SCENARIO_H

#include <stdbool.h>

/* A few of the benchmark's cases, with a fixed number of steps. */
struct scenario {
	const char *name;
	const char *what;
	unsigned threads;
	void (*warm_up)(unsigned thread, unsigned threads);
	void (*run)(unsigned thread, unsigned pairs); /* what is counted */
	void (*clean_up)(unsigned thread);
	unsigned runners; /* threads whose pairs count: handoff has one */
};

extern const struct scenario scenarios[]; /* ends with .name == NULL */

/*
 * Run one, counting; each thread on a core of its own while they suffice.
 * *overlap is the part of the time that all threads were at it. False if
 * threads cannot be started.
 */
bool scenario_run(const struct scenario *scenario, unsigned pairs,
		  double *overlap);

#endif
