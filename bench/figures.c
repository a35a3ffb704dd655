// SPDX-License-Identifier: MIT
/*
 * What is read out of the cells: figures net of the harness, and ratios.
 */
#include "plan.h"

#include <math.h>
#include <string.h>

const struct cell *plan_cell(const struct plan *plan, const char *bench,
			     const char *rival, unsigned cpus, unsigned threads)
{
	unsigned i;

	for (i = 0; i < plan->nr; i++) {
		const struct cell *cell = &plan->cell[i];

		if (cell->cpus == cpus && cell->threads == threads &&
		    !strcmp(cell->bench->name, bench) &&
		    !strcmp(cell->rival->name, rival))
			return cell;
	}
	return NULL;
}

const struct cell *plan_peer(const struct plan *plan, const struct cell *cell,
			     const char *rival)
{
	return plan_cell(plan, cell->bench->name, rival, cell->cpus,
			 cell->threads);
}

int metric_index(const struct bench_case *bench, const char *name)
{
	int i;

	for (i = 0; bench->metrics[i].name; i++) {
		if (!strcmp(bench->metrics[i].name, name))
			return i;
	}
	return -1;
}

static double net_value(const struct cell *cell, const struct cell *null,
			unsigned metric, unsigned repeat)
{
	double value = cell->value[metric][repeat];

	return null ? value - null->value[metric][repeat] : value;
}

/* The cell whose time is to be taken off, or NULL. */
static const struct cell *null_of(const struct plan *plan,
				  const struct cell *cell, unsigned metric)
{
	if (!(cell->bench->flags & CASE_NET) ||
	    !cell->bench->metrics[metric].is_cost ||
	    cell->rival->kind == RIVAL_NULL || cell->rival->kind == RIVAL_FLOOR)
		return NULL;
	return plan_peer(plan, cell, "null");
}

unsigned cell_values(const struct plan *plan, const struct cell *cell,
		     unsigned metric, double *value)
{
	const struct cell *null = null_of(plan, cell, metric);
	unsigned nr = 0, r;

	for (r = 0; r < plan->repeats; r++) {
		double one = net_value(cell, null, metric, r);

		if (!isnan(one))
			value[nr++] = one;
	}
	return nr;
}

double cell_ratio(const struct plan *plan, const struct cell *over,
		  const struct cell *under, unsigned metric)
{
	const struct cell *over_null, *under_null;
	double ratio[MAX_REPEATS];
	unsigned nr = 0, r;

	if (!over || !under)
		return (double)NAN;
	over_null = null_of(plan, over, metric);
	under_null = null_of(plan, under, metric);
	for (r = 0; r < plan->repeats; r++) {
		double a = net_value(over, over_null, metric, r);
		double b = net_value(under, under_null, metric, r);

		/* Below what the harness takes: the ratio with the harness in
		 * it, which is nearer to 1. */
		if (b <= 0) {
			a = over->value[metric][r];
			b = under->value[metric][r];
		}
		if (!isnan(a) && b > 0)
			ratio[nr++] = a / b;
	}
	return nr ? stats_median(ratio, nr) : (double)NAN;
}
