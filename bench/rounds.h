/* SPDX-License-Identifier: MIT */
/*
 * rounds.h - small loops beside each other.
 *
 * All loops run in turn, in rounds so short that most are not preempted, and
 * the least time of each counts: so the noise of the machine is left out, and
 * a ratio is of figures of the same moment.
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include "case.h"

enum { ROUND = 2000 }; /* turns of a loop in a round */

struct loop {
	const char *name; /* of the metric */
	void (*run)(void);
};

/* A loop of the statement, after another one. Out of line, so that loops do not
 * mix. */
#define ROUND_LOOP_WITH(name, first, statement)          \
	static __attribute__((noinline)) void name(void) \
	{                                                \
		first;                                   \
		unsigned i;                              \
                                                         \
		for (i = 0; i < ROUND; i++) {            \
			statement;                       \
		}                                        \
	}
#define ROUND_LOOP(name, statement) ROUND_LOOP_WITH(name, (void)0, statement)

/* ns of a turn of each loop, the least that was seen within the job's window;
 * at most MAX_METRICS loops. */
void rounds_run(const struct job *job, const struct loop *loops, unsigned nr,
		double *ns);

#endif
