/* SPDX-License-Identifier: MIT */
/*
 * For tests: recomputes from the bitmaps all that the hints, counters and
 * lists claim, and compares.
 */
#ifndef BENCH_BASELINE_CHECK_H
#define BENCH_BASELINE_CHECK_H

/* The number of disagreements; the first few are named on stderr. */
unsigned baseline_check(void);

#endif
