// SPDX-License-Identifier: MIT
/*
 * trace.h - a recorded run of the kernel, made ready to be replayed.
 *
 * The recording names the CPU and the thread of every event. A replay thread
 * (a *lane*) stands for a recorded CPU: what ran at the same time then may run
 * at the same time now, and no more, however many threads came and went.
 *
 *   recorded      us cpu thread op id        lane 0        lane 1
 *                  0   0      7  a  1        alloc 0!
 *                  3   1      9  a  2                      alloc 1
 *                  4   1      9  f  1                      wait lane 0 > 0
 *                                                          free 0
 *
 * T1  A lane holds its CPU's events in recorded order.
 * T2  An event waits for an earlier one on another lane if that one allocated
 *     what it frees, or was the previous event of the same recorded thread.
 *     A wait is a step of its own, left out where an earlier one covers it.
 * T3  A step that someone waits for is marked (! above): only these announce
 *     how far their lane is.
 * T4  Every wait looks back in recorded order: replays cannot deadlock.
 */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stdbool.h>
#include <stdint.h>

enum { MAX_LANES = 8 };

enum step_op { STEP_ALLOC, STEP_FREE, STEP_WAIT };

struct step {
	uint8_t op;
	uint8_t announces;
	uint16_t align;
	uint32_t size; /* STEP_WAIT: the lane waited for */
	uint32_t at;   /* the object; STEP_WAIT: the step to be passed */
};

struct lane {
	struct step *step;
	uint32_t nr;
	uint32_t max;
	/* Steps of each other lane that an earlier wait has seen passed. */
	uint32_t seen[MAX_LANES];
};

struct trace {
	unsigned nr_lanes;
	uint32_t nr_events;
	uint32_t nr_objects;
	struct lane lane[MAX_LANES];
};

/* NULL, or why "folder/name.csv.xz" cannot be replayed. */
const char *trace_load(struct trace *trace, const char *folder,
		       const char *name);

#endif
