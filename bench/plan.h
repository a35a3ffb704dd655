// SPDX-License-Identifier: MIT
/*
 * plan.h - the matrix of an invocation: one cell per case, point and rival.
 *
 * Cells are kept in the order of the report: by case, then point, then rival.
 * Every cell holds its samples by repeat, so that figures are compared with
 * those of the same repeat, taken at nearly the same time.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "case.h"
#include "options.h"
#include "stats.h"

struct cell {
	const struct bench_case *bench;
	const struct rival *rival;
	unsigned cpus;
	unsigned threads;
	char note[128]; /* why it was not measured, or empty */
	/* By the case's metrics; NAN where there is none. */
	double value[MAX_METRICS][MAX_REPEATS];
};

struct plan {
	const struct options *options;
	unsigned cores;     /* that this process may use */
	unsigned real_cpus; /* what CPUS_REAL stands for */
	unsigned repeats;   /* finished or begun */
	bool cut_short;     /* by the time limit */
	unsigned nr;
	unsigned max;
	struct cell *cell;
};

void plan_build(struct plan *plan, const struct options *options);
void plan_free(struct plan *plan);

/* The rival's cell at the same case and point, or NULL. */
const struct cell *plan_peer(const struct plan *plan, const struct cell *cell,
			     const char *rival);
const struct cell *plan_cell(const struct plan *plan, const char *bench,
			     const char *rival, unsigned cpus,
			     unsigned threads);

/* The case's index of a metric, or -1. */
int metric_index(const struct bench_case *bench, const char *name);

/*
 * The figures of one metric, the null rival's time taken off where the case
 * says so. Returns how many there are, at most MAX_REPEATS.
 */
unsigned cell_values(const struct plan *plan, const struct cell *cell,
		     unsigned metric, double *value);

/*
 * The median over the repeats of one cell's figure divided by another's of
 * the same repeat; NAN when that cannot be said.
 */
double cell_ratio(const struct plan *plan, const struct cell *over,
		  const struct cell *under, unsigned metric);

#endif
