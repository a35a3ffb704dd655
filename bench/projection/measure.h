// SPDX-License-Identifier: MIT
#ifndef BENCH_PROJECTION_MEASURE_H
#define BENCH_PROJECTION_MEASURE_H

#include "study.h"

#include <stdbool.h>

/*
 * Measure this machine's costs, and its pairs at as many threads as it has
 * cores. Takes half a minute; NULL, or why it cannot be done.
 */
const char *measure_costs(struct study *study, const char *traces);

#endif
