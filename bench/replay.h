// SPDX-License-Identifier: MIT
#ifndef BENCH_REPLAY_H
#define BENCH_REPLAY_H

#include "case.h"
#include "trace.h"

/*
 * Replay a trace with one thread per lane, again and again until the window
 * has passed, after one replay that is not counted. *ns is the median time of
 * a replay, per event. NULL, or what went wrong.
 */
const char *replay_run(const struct job *job, const struct trace *trace,
		       double *ns);

#endif
