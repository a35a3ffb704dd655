/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the <linux/percpu.h> shim share: what the library prints,
 * an allocation whose arguments and result are global, and the bytes of all
 * copies of an object.
 */
#ifndef TESTS_UNIT_LINUX_SHIM_H
#define TESTS_UNIT_LINUX_SHIM_H

#include <linux/percpu.h>

#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/run_suite.h"

#define PAGE 4096u

/* --- what the library prints --------------------------------------------- */

static char printed[4096];

static inline void drain(int fd)
{
	ssize_t n = read(fd, printed, sizeof(printed) - 1);

	printed[n > 0 ? n : 0] = '\0';
}

/* For set-up that cannot fail, also in the children, where Check does not run.
 */
static inline void must(bool condition)
{
	if (!condition)
		abort();
}

/* Runs act(); what it writes to standard error is then in printed[]. */
static inline void capture(void (*act)(void))
{
	int saved = dup(STDERR_FILENO);
	int ends[2];

	must(saved >= 0 && !pipe(ends));
	must(!fcntl(ends[0], F_SETFL, O_NONBLOCK));
	must(dup2(ends[1], STDERR_FILENO) >= 0);
	act();
	must(dup2(saved, STDERR_FILENO) >= 0);
	close(ends[1]);
	close(saved);
	drain(ends[0]);
	close(ends[0]);
}

static inline unsigned lines_printed(void)
{
	unsigned nr = 0;
	const char *at;

	for (at = printed; (at = strchr(at, '\n')); at++)
		nr++;
	return nr;
}

/* --- an allocation for capture() ------------------------------------------ */

static size_t try_size, try_align;
static gfp_t try_gfp;
static void __percpu *try_result;

static inline void try_alloc(void)
{
	try_result = __alloc_percpu_gfp(try_size, try_align, try_gfp);
}

/* --- the bytes of all copies ---------------------------------------------- */

static inline void expect_zero(const char *handle, size_t size)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		const char *copy = per_cpu_ptr(handle, cpu);
		size_t i = 0;

		while (i < size && !copy[i])
			i++;
		if (i < size)
			ck_abort_msg("CPU %d, byte %zu: not zero", cpu, i);
	}
}

static inline void fill(char *handle, int byte, size_t size)
{
	int cpu;

	for_each_possible_cpu (cpu)
		memset(per_cpu_ptr(handle, cpu), byte, size);
}

#endif
