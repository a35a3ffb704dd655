// SPDX-License-Identifier: MIT
/*
 * targets.h - what the project set out to reach, against what was measured.
 */
#ifndef BENCH_TARGETS_H
#define BENCH_TARGETS_H

#include "plan.h"

enum { MAX_TARGETS = 64 };

struct target {
	char what[96];
	double limit;
	double measured;  /* NAN: not measured */
	bool at_most;     /* else: at least */
	const char *unit; /* behind both numbers */
};

unsigned targets_measure(const struct plan *plan,
			 struct target target[MAX_TARGETS]);
bool target_met(const struct target *target);

#endif
