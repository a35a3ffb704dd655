// SPDX-License-Identifier: MIT
/*
 * Runs of pages of one chunk given back, on 70 simulated units: some skews are
 * almost a page. Chunks high up, which the library does not come to.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chunk/chunk.h"
#include "chunk/layout.h"
#include "chunk/word.h"
#include "pcpu.h"
#include "simulate.h"
#include "tests/run_suite.h"

#define NR_TEST_CPUS 70u

/* First page and length; by themselves, at either gap, and from gap to gap. */
static const struct {
	unsigned first, nr;
} runs[] = {
	{10, 1}, {10, 2}, {10, 9}, {1, 1}, {1, 5}, {63, 1}, {60, 4}, {1, 63},
};
#define NR_RUNS ((int)(sizeof(runs) / sizeof(*runs)))

static bool fail_madvise;

__attribute__((visibility("default"))) int madvise(void *start, size_t bytes,
						   int advice);

#ifndef __SANITIZE_THREAD__
#include <sys/syscall.h>

int madvise(void *start, size_t bytes, int advice)
{
	if (fail_madvise && advice == MADV_DONTNEED) {
		errno = EINVAL; /* as of locked memory */
		return -1;
	}
	return (int)syscall(SYS_madvise, start, bytes, advice);
}
#endif

static unsigned window;
static chunk_id chunk;

static void choose_window(int index)
{
	window = (unsigned)index % NR_WINDOWS;
	chunk.nr = window * layout.window_pages / CHUNK_PAGES +
		   layout.arena_chunks - 2;
}

static char *data(unsigned unit, unsigned page)
{
	uintptr_t handle =
		page_handle(layout.page0[window], chunk_page(chunk, page));

	return (char *)(handle + (uintptr_t)layout.unit_offset[window][unit]);
}

static bool is_resident(const char *p)
{
	uintptr_t page = (uintptr_t)p & ~(uintptr_t)(PAGE_BYTES - 1);
	unsigned char vec;

	ck_assert_int_eq(mincore((void *)page, PAGE_BYTES, &vec), 0);
	return vec & 1;
}

/* All data of the chunk and the last of the one before; page 64 is the first
 * of the next, of which copies may reach into the gap. */
static void fill(void)
{
	unsigned unit;

	for (unit = 0; unit < layout.nr_units; unit++) {
		memset(data(unit, 0) - PAGE_BYTES, 0xa5, PAGE_BYTES);
		memset(data(unit, 1), 0xa5, 63 * PAGE_BYTES);
	}
}

static bool is_all(const char *p, size_t bytes, int value)
{
	return (unsigned char)*p == value && !memcmp(p, p + 1, bytes - 1);
}

/* Whether each page is what it should be on each unit: zero, or as it was; but
 * that of the last one of a run may be either, byte by byte. */
static void check_pages(uint64_t run, uint64_t zero)
{
	unsigned unit, page;

	for (unit = 0; unit < layout.nr_units; unit++) {
		ck_assert(is_all(data(unit, 0) - PAGE_BYTES, PAGE_BYTES, 0xa5));
		for (page = 1; page < CHUNK_PAGES; page++) {
			if (zero >> page & 1)
				ck_assert(is_all(data(unit, page), PAGE_BYTES,
						 0));
			else if (!(run >> page & 1))
				ck_assert(is_all(data(unit, page), PAGE_BYTES,
						 0xa5));
		}
	}
}

/* I4: case _i is a run in a window. */
START_TEST(depopulate__any_run__those_returnable_are_zero_and_no_other_touched)
{
	unsigned first = runs[_i / 2].first, nr = runs[_i / 2].nr;
	uint64_t run = word_run(first, nr);
	uint64_t zero;

	choose_window(_i);
	zero = layout_returnable(window, run);
	fill();
	ck_assert(layout_depopulate(chunk_page(chunk, first), nr));
	check_pages(run, zero);
	if (window == WINDOW_PAGES || first + nr == CHUNK_PAGES)
		ck_assert_uint_eq(zero, run);
	else
		ck_assert_uint_eq(zero, run & ~word_bit(first + nr - 1));
}
END_TEST

/* As many of the system's pages go, on every unit, as become clean. */
START_TEST(depopulate__any_run__memory_goes_on_every_unit)
{
	unsigned first = runs[_i / 2].first, nr = runs[_i / 2].nr;
	unsigned before[NR_TEST_CPUS], unit, page, least;

	choose_window(_i);
	least = word_count(layout_returnable(window, word_run(first, nr)));
	fill();
	for (unit = 0; unit < layout.nr_units; unit++)
		for (before[unit] = 0, page = 0; page <= CHUNK_PAGES; page++)
			before[unit] += is_resident(data(unit, page));
	ck_assert(layout_depopulate(chunk_page(chunk, first), nr));
	for (unit = 0; unit < layout.nr_units; unit++) {
		unsigned after = 0;

		for (page = 0; page <= CHUNK_PAGES; page++)
			after += is_resident(data(unit, page));
		ck_assert_uint_le(after + least, before[unit]);
	}
}
END_TEST

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	size_t kib = 0;

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Rss: %zu", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

/* Zeroing in front of the run must not make pages of the CPUs that never used
 * theirs. */
START_TEST(depopulate__memory_that_no_cpu_used__takes_none)
{
	size_t before;
	unsigned page;

	choose_window(0);
#ifdef __SANITIZE_THREAD__
	return; /* it notes each access somewhere */
#endif
	resident_bytes(); /* the stream's own memory */
	before = resident_bytes();
	for (page = 2; page < 62; page += 3)
		ck_assert(layout_depopulate(chunk_page(chunk, page), 2));
	/* 20 pages on 70 units would be 5.6 MB. */
	ck_assert_uint_lt(resident_bytes(), before + 256 * PAGE_BYTES);
}
END_TEST

START_TEST(depopulate__refused__says_so_and_the_neighbours_are_whole)
{
	choose_window(_i);
#ifdef __SANITIZE_THREAD__
	return;
#endif
	fill();
	fail_madvise = true;
	ck_assert(!layout_depopulate(chunk_page(chunk, 10), 4));
	fail_madvise = false;
	check_pages(word_run(10, 4), 0);
}
END_TEST

START_TEST(depopulate__larger_system_pages__says_so)
{
	choose_window(_i);
	fill();
	layout.os_page = 4 * PAGE_BYTES;
	ck_assert(!layout_depopulate(chunk_page(chunk, 10), 40));
	check_pages(0, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("depopulate");
	TCase *tc = tcase_create("depopulate");

	(void)argc;
	simulate(argv, NR_TEST_CPUS, 1, 0);
	tcase_add_loop_test(
		tc,
		depopulate__any_run__those_returnable_are_zero_and_no_other_touched,
		0, NR_RUNS * (int)NR_WINDOWS);
	tcase_add_loop_test(tc, depopulate__any_run__memory_goes_on_every_unit,
			    0, NR_RUNS * (int)NR_WINDOWS);
	tcase_add_test(tc, depopulate__memory_that_no_cpu_used__takes_none);
	tcase_add_loop_test(
		tc, depopulate__refused__says_so_and_the_neighbours_are_whole,
		0, NR_WINDOWS);
	tcase_add_loop_test(tc, depopulate__larger_system_pages__says_so, 0,
			    NR_WINDOWS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
