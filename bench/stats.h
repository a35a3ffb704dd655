// SPDX-License-Identifier: MIT
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

enum { MAX_REPEATS = 64 };

struct summary {
	double min;
	double median;
	double max;
};

/* Sorts the values; 0 for none of them. */
double stats_median(double *value, unsigned nr);

/* Leaves the values as they are; nr is MAX_REPEATS at most. */
struct summary stats_summary(const double *value, unsigned nr);

#endif
