/* SPDX-License-Identifier: MIT */
/*
 * For tests of what a machine without restartable sequences does, and of what
 * happens behind the front in the name of any CPU.
 */
#ifndef UNIT_NO_FRONT_H
#define UNIT_NO_FRONT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arena/front.h"

/* To be called first in main(): runs the program again without rseq areas. */
static inline void without_front(char **argv)
{
	if (!getenv("TEST_NO_FRONT")) {
		setenv("TEST_NO_FRONT", "1", 1);
		setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
		execv("/proc/self/exe", argv);
	}
	if (front_exists()) {
		fprintf(stderr, "there is a front without rseq\n");
		exit(EXIT_FAILURE);
	}
}

#endif /* UNIT_NO_FRONT_H */
