// SPDX-License-Identifier: MIT
#ifndef BENCH_RUNNER_H
#define BENCH_RUNNER_H

#include "plan.h"

/*
 * Fill in the plan's samples. Each is taken by a process of its own, started
 * fresh; within a repeat the rivals of a point follow each other, and every
 * other repeat goes through the plan backward, so that no rival always runs
 * after the same other.
 */
void runner_run(struct plan *plan);

#endif
