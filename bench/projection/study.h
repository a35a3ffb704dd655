// SPDX-License-Identifier: MIT
/*
 * study.h - a machine: what its operations cost, and what it was seen to
 * do, from a file or as just measured.
 *
 * The file, costs.json, has for each cost its ns (or a list by copies) and a
 * line that says how it came about.
 */
#ifndef BENCH_PROJECTION_STUDY_H
#define BENCH_PROJECTION_STUDY_H

#include "model.h"

#include <stdbool.h>

enum { MAX_OBSERVED = 16 };

enum cost_index {
	COST_RMW,
	COST_TRANSFER,
	COST_MUTEX,
	COST_HARNESS,
	COST_ZERO_HOT,
	COST_ZERO_DIRTY,
	NR_COSTS,
	CURVE_PCPU = NR_COSTS,
	CURVE_BASELINE,
	NR_INPUTS,
};

/* What a report says of one thread count: medians, ns of the process; NAN:
 * unknown. */
struct observed {
	unsigned threads;
	unsigned copies;
	double pcpu;
	double pcpu_least; /* of the samples */
	double baseline;
	double harness;
};

struct observations {
	char source[256];
	unsigned nr;
	struct observed at[MAX_OBSERVED];
};

struct study {
	char machine[160];
	char date[40];
	struct costs costs;
	char how[NR_INPUTS][512];
	struct observations seen; /* nr is 0 if it came from a file */
};

const char *input_name(unsigned index);
double *cost_at(struct costs *costs, enum cost_index index);
struct curve *curve_of(struct costs *costs, unsigned index);

/* Each says what is wrong on stderr. */
bool study_load(struct study *study, const char *path);
bool study_save(struct study *study, const char *path);
bool counts_load(struct counts *counts, const char *path);

/* The pair cells of a benchmark's report, threads up to its cores. */
bool observations_load(struct observations *seen, const char *path);

/* The thread count's entry, made when it is new; NULL when there is no room. */
struct observed *observed_at(struct observations *seen, unsigned threads,
			     unsigned copies);

#endif
