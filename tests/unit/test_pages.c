// SPDX-License-Identifier: MIT
/*
 * Free pages of chunks in use and their memory: what a trim and the worker give
 * back, what a reader holds up, and that an allocation never waits for either.
 * On five simulated CPUs. Without CK_FORK, as a forked child with threads
 * leaves rounds to the worker: each test leaves nothing live behind.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "arena/arena.h"
#include "chunk/word.h"
#include "pages_fill.h"
#include "pcpu.h"
#include "reclaim/reclaim.h"
#include "simulate.h"
#include "tests/run_suite.h"
#include "tests/stay_here.h"

#define NR_OBJECTS 40u /* of a page each */

static bool fail_madvise;

#ifndef __SANITIZE_THREAD__
__attribute__((visibility("default"))) int madvise(void *start, size_t bytes,
						   int advice)
{
	if (fail_madvise && advice == MADV_DONTNEED) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_madvise, start, bytes, advice);
}
#endif

static char *objects[NR_OBJECTS];
static size_t align;

/* Objects in pages that follow each other, each filled. */
static void set_up(unsigned window)
{
	unsigned i;

	pcpu_trim();
	align = window == WINDOW_SKEWED ? 64 : 4096;
	for (i = 0; i < NR_OBJECTS; i++) {
		objects[i] = pcpu_alloc(PAGE_BYTES, align);
		ck_assert_ptr_nonnull(objects[i]);
		fill(objects[i], PAGE_BYTES, (int)i + 1);
	}
}

static void free_objects(unsigned first, unsigned nr)
{
	unsigned i;

	for (i = first; i < first + nr; i++) {
		pcpu_free(objects[i]);
		objects[i] = NULL;
	}
}

/* What is live was left alone. */
static void tear_down(void)
{
	unsigned i;

	for (i = 0; i < NR_OBJECTS; i++)
		if (objects[i])
			ck_assert(
				is_filled(objects[i], PAGE_BYTES, (int)i + 1));
	free_objects(0, NR_OBJECTS);
	pcpu_trim();
}

static struct pcpu_stats stats(void)
{
	struct pcpu_stats now;

	ck_assert_int_eq(pcpu_stats_get(&now), 0);
	return now;
}

static size_t all_units(size_t pages)
{
	return pages * PAGE_BYTES * layout.nr_units;
}

/* The system's pages under the objects, on one CPU. Copies of a freed object
 * stay where they were. */
static unsigned nr_resident(const char *first, int cpu)
{
	uintptr_t at =
		(uintptr_t)pcpu_ptr(first, cpu) & ~(uintptr_t)(PAGE_BYTES - 1);
	unsigned char vec[NR_OBJECTS + 1];
	unsigned nr = 0, i;

	ck_assert_int_eq(mincore((void *)at, sizeof(vec) * PAGE_BYTES, vec), 0);
	for (i = 0; i < sizeof(vec); i++)
		nr += vec[i] & 1;
	return nr;
}

/* --- a trim --------------------------------------------------------------- */

/* Runs of 1, 2 and 9 pages; of each, one stays where copies are skewed. */
START_TEST(trim__free_pages_between_used_ones__go_back_and_are_counted)
{
	size_t gone = _i == WINDOW_SKEWED ? 0 + 1 + 8 : 1 + 2 + 9;
	size_t left = 1 + 2 + 9 - gone;
	struct pcpu_stats before;
	char *first;
	int cpu;

	set_up((unsigned)_i);
	first = objects[0];
	before = stats();
	free_objects(3, 1);
	free_objects(10, 2);
	free_objects(20, 9);
	ck_assert_uint_eq(stats().populated_bytes, before.populated_bytes);
	ck_assert_uint_eq(pcpu_trim(), all_units(gone));
	ck_assert_uint_eq(stats().populated_bytes,
			  before.populated_bytes - gone * PAGE_BYTES);
	ck_assert_uint_eq(stats().empty_pop_pages, left);
	ck_assert_uint_eq(stats().unit_bytes, before.unit_bytes);
	/* The last page's skew reaches into one more. */
	pcpu_for_each_cpu (cpu)
		ck_assert_uint_le(nr_resident(first, cpu),
				  NR_OBJECTS + 1 - gone);
	/* What is left waits for no round. */
	ck_assert_uint_eq(pcpu_trim(), 0);
	ck_assert_uint_eq(stats().empty_pop_pages, left);
	tear_down();
}
END_TEST

/* I4, I8: virgin again, or zeroed. */
START_TEST(trim__pages_went_back__zero_when_used_again)
{
	unsigned i;

	set_up((unsigned)_i);
	free_objects(5, 12);
	ck_assert_uint_gt(pcpu_trim(), 0);
	for (i = 5; i < 17; i++) {
		objects[i] = pcpu_alloc(PAGE_BYTES, align);
		ck_assert(is_filled(objects[i], PAGE_BYTES, 0));
		fill(objects[i], PAGE_BYTES, (int)i + 1);
	}
	tear_down();
}
END_TEST

/* Page by page what goes back may lie beside what went back before. */
START_TEST(trim__after_each_free__all_but_the_last_page_of_each_run)
{
	size_t before;
	unsigned i;

	set_up(WINDOW_SKEWED);
	before = stats().populated_bytes;
	for (i = 4; i < 30; i += 2) {
		free_objects(i, 1);
		ck_assert_uint_eq(pcpu_trim(), 0);
	}
	for (i = 5; i < 29; i += 2) {
		free_objects(i, 1);
		ck_assert_uint_eq(pcpu_trim(), all_units(2));
	}
	ck_assert_uint_eq(stats().populated_bytes, before - 24 * PAGE_BYTES);
	tear_down();
}
END_TEST

START_TEST(trim__system_refuses__pages_stay_dirty_until_it_does_not)
{
	size_t before;

#ifdef __SANITIZE_THREAD__
	return;
#endif
	set_up((unsigned)_i);
	before = stats().populated_bytes;
	free_objects(5, 10);
	fail_madvise = true;
	ck_assert_uint_eq(pcpu_trim(), 0);
	fail_madvise = false;
	ck_assert_uint_eq(stats().populated_bytes, before);
	ck_assert_uint_eq(stats().empty_pop_pages, 10);
	objects[5] = pcpu_alloc(PAGE_BYTES, align);
	ck_assert(is_filled(objects[5], PAGE_BYTES, 0));
	fill(objects[5], PAGE_BYTES, 6);
	ck_assert_uint_gt(pcpu_trim(), 0);
	tear_down();
}
END_TEST

START_TEST(trim__larger_system_pages__pages_stay)
{
	set_up((unsigned)_i);
	free_objects(5, 10);
	layout.os_page = 16 * PAGE_BYTES;
	ck_assert_uint_eq(pcpu_trim(), 0);
	layout.os_page = PAGE_BYTES;
	ck_assert_uint_eq(stats().empty_pop_pages, 10);
	tear_down();
}
END_TEST

/* --- readers -------------------------------------------------------------- */

static size_t bytes_of_trim;

static void *trim(void *unused)
{
	(void)unused;
	bytes_of_trim = pcpu_trim();
	return NULL;
}

/* A trim that waits for us to leave our section. */
static pthread_t start_trim(void)
{
	pthread_t thread;

	ck_assert(!pthread_create(&thread, NULL, trim, NULL));
	usleep(50000);
	return thread;
}

START_TEST(trim__reader_in_its_section__memory_stays_until_it_leaves)
{
	const char *copy;
	pthread_t thread;

	set_up((unsigned)_i);
	copy = pcpu_ptr(objects[6], 0);
	urcu_bp_read_lock();
	free_objects(5, 4);
	thread = start_trim();
	ck_assert_int_eq(*copy, 7);
	ck_assert_uint_eq(stats().empty_pop_pages, 4);
	urcu_bp_read_unlock();
	pthread_join(thread, NULL);
	ck_assert_uint_eq(bytes_of_trim,
			  all_units(_i == WINDOW_SKEWED ? 3 : 4));
	ck_assert_int_eq(*copy, 0);
	tear_down();
}
END_TEST

/* Nothing is held back meanwhile; and what is freed after the grace period
 * began waits for the next. */
START_TEST(trim__page_used_while_it_waits__left_alone)
{
	const char *copy;
	pthread_t thread;

	set_up((unsigned)_i);
	urcu_bp_read_lock();
	free_objects(5, 4);
	thread = start_trim();
	/* The lowest run: those four. */
	objects[5] = pcpu_alloc_flags(PAGE_BYTES, align, PCPU_NOWAIT);
	objects[6] = pcpu_alloc_flags(PAGE_BYTES, align, PCPU_NOWAIT);
	fill(objects[5], PAGE_BYTES, 6);
	fill(objects[6], PAGE_BYTES, 77);
	copy = pcpu_ptr(objects[6], 0);
	free_objects(6, 1);
	arena_drain(WINDOW_SKEWED);
	arena_drain(WINDOW_PAGES);
	urcu_bp_read_unlock();
	pthread_join(thread, NULL);
	ck_assert_int_eq(*copy, 77);
	ck_assert_uint_le(bytes_of_trim, all_units(2));
	ck_assert_uint_gt(pcpu_trim(), 0);
	ck_assert_int_eq(*copy, 0);
	tear_down();
}
END_TEST

/* --- the worker ----------------------------------------------------------- */

/* Looks for up to five seconds. */
static bool becomes(size_t empty_pop_pages)
{
	unsigned i;

	for (i = 0; i < 1000; i++) {
		if (stats().empty_pop_pages == empty_pop_pages)
			return true;
		usleep(5000);
	}
	return false;
}

START_TEST(worker__many_free_pages__go_back_by_themselves)
{
	set_up((unsigned)_i);
	reclaim_start();
	free_objects(5, 10);
	ck_assert(becomes(_i == WINDOW_SKEWED ? 1 : 0));
	tear_down();
}
END_TEST

/* Three that could go: less than a sixteenth of the chunk. */
START_TEST(worker__few_free_pages__stay)
{
	set_up((unsigned)_i);
	reclaim_start();
	free_objects(5, _i == WINDOW_SKEWED ? 4 : 3);
	usleep(100000);
	ck_assert_uint_eq(stats().empty_pop_pages, _i == WINDOW_SKEWED ? 4 : 3);
	tear_down();
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite = suite_create("pages");
	TCase *tc = tcase_create("pages");

#define ADD(name) tcase_add_loop_test(tc, name, 0, NR_WINDOWS)
	(void)argc;
	/* With one arena pages come from the same places on each CPU. */
	simulate(argv, 5, 1, 1);
	stay_here();
	tcase_set_timeout(tc, 60);
	/* Those that must not have a worker come first. */
	ADD(trim__free_pages_between_used_ones__go_back_and_are_counted);
	ADD(trim__pages_went_back__zero_when_used_again);
	tcase_add_test(
		tc, trim__after_each_free__all_but_the_last_page_of_each_run);
	ADD(trim__system_refuses__pages_stay_dirty_until_it_does_not);
	ADD(trim__larger_system_pages__pages_stay);
	ADD(trim__reader_in_its_section__memory_stays_until_it_leaves);
	ADD(trim__page_used_while_it_waits__left_alone);
	ADD(worker__many_free_pages__go_back_by_themselves);
	ADD(worker__few_free_pages__stay);
	suite_add_tcase(suite, tc);
	return run_suite_here(suite);
}
