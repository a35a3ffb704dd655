/* SPDX-License-Identifier: MIT */
/*
 * Every two operations of ops.c beside each other.
 */
#ifndef TESTS_MODEL_PAIRS_H
#define TESTS_MODEL_PAIRS_H

#include "explore.h"

/* How many sets of pairs there are: one for each operation and shape. */
unsigned pairs_count(void);

/* Explore an operation beside itself and all that come after it in the list, on
 * one CPU and on two, and print a line. */
void pairs_explore(unsigned which, enum explore_model model);

#endif /* TESTS_MODEL_PAIRS_H */
