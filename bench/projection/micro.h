// SPDX-License-Identifier: MIT
#ifndef BENCH_PROJECTION_MICRO_H
#define BENCH_PROJECTION_MICRO_H

#include "study.h"

/*
 * The costs that have nothing to do with an allocator: all single ones but
 * COST_HARNESS. Needs two cores. NULL, or what went wrong.
 */
const char *micro_measure(struct costs *costs);

#endif
