// SPDX-License-Identifier: MIT
#include "stats.h"

#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_median(double *value, unsigned nr)
{
	if (!nr)
		return 0;
	qsort(value, nr, sizeof(*value), by_value);
	return (value[(nr - 1) / 2] + value[nr / 2]) / 2;
}

struct summary stats_summary(const double *value, unsigned nr)
{
	struct summary summary = {0, 0, 0};
	double sorted[MAX_REPEATS];

	if (!nr)
		return summary;
	memcpy(sorted, value, nr * sizeof(*value));
	summary.median = stats_median(sorted, nr);
	summary.min = sorted[0];
	summary.max = sorted[nr - 1];
	return summary;
}
