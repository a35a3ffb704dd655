// SPDX-License-Identifier: MIT
/*
 * bench/baseline: memory is given back by trimming and by the worker, and
 * sparse chunks are set aside, drained and used again.
 */
#include <check.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include "baseline/baseline.h"
#include "baseline/check.h"
#include "baseline/slot.h"
#include "baseline_model.h"

static unsigned nr_resident(void *const *objects, unsigned nr)
{
	unsigned char resident;
	unsigned i, cpu, sum = 0;
	uintptr_t page;

	for (i = 0; i < nr; i++) {
		for (cpu = 0; cpu < NR_CPUS; cpu++) {
			page = (uintptr_t)baseline_ptr(objects[i], cpu);
			page &= ~(uintptr_t)(PAGE - 1);
			ck_assert_int_eq(mincore((void *)page, PAGE, &resident),
					 0);
			sum += resident & 1;
		}
	}
	return sum;
}

START_TEST(trim__all_freed__memory_is_given_back)
{
	enum { NR = 1000 };
	void *objects[NR];
	struct baseline_stats stats;
	size_t populated;
	unsigned i;

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < NR; i++)
		objects[i] = baseline_alloc(PAGE, PAGE);
	baseline_stats_get(&stats);
	populated = stats.populated_bytes;
	ck_assert_uint_ge(populated, (size_t)NR * PAGE);
	ck_assert_uint_eq(nr_resident(objects, NR), NR * NR_CPUS);

	for (i = 0; i < NR; i++)
		baseline_free(objects[i]);
	ck_assert_uint_ge(baseline_trim(),
			  (populated - BASELINE_UNIT_BYTES) * NR_CPUS);
	baseline_stats_get(&stats);
	ck_assert_uint_eq(stats.nr_chunks, 1);
	ck_assert_uint_le(stats.populated_bytes, BASELINE_UNIT_BYTES);
	ck_assert_uint_le(nr_resident(objects, NR),
			  BASELINE_UNIT_BYTES / PAGE * NR_CPUS);
	ck_assert_uint_eq(baseline_trim(), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

static unsigned nr_listed(unsigned slot)
{
	const struct bl_chunk *chunk;
	unsigned nr = 0;

	TAILQ_FOREACH (chunk, bl_slot_list(slot), link)
		nr++;
	return nr;
}

/* Nobody else is running: the lists may be read without the lock. */
START_TEST(slots__sparse_chunk__set_aside_drained_and_used_again)
{
	enum { NR = 256 };
	void *objects[NR];
	unsigned i, nr;

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < NR; i++)
		objects[i] = baseline_alloc(PAGE, PAGE);
	for (i = 0; i < NR; i++)
		if (i % 4)
			baseline_free(objects[i]);
	ck_assert_uint_gt(nr_listed(BL_SLOT_DEPOPULATE), 0);
	baseline_trim();
	ck_assert_uint_eq(nr_listed(BL_SLOT_DEPOPULATE), 0);
	nr = nr_listed(BL_SLOT_SIDELINED);
	ck_assert_uint_gt(nr, 0);
	/* When the chunk that was kept in reach is full. */
	for (i = 0; i < 3 * NR && nr_listed(BL_SLOT_SIDELINED) == nr; i++)
		ck_assert_ptr_nonnull(baseline_alloc(PAGE, PAGE));
	ck_assert_uint_eq(nr_listed(BL_SLOT_SIDELINED), nr - 1);
	ck_assert_uint_eq(nr_listed(BL_SLOT_FREE), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(grow__work_pending_and_no_worker__done_first)
{
	enum { NR = 256 };
	struct baseline_stats before, after;
	void *objects[NR];
	unsigned i;

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < NR; i++)
		objects[i] = baseline_alloc(PAGE, PAGE);
	baseline_stats_get(&before);
	for (i = 0; i < NR; i++)
		if (i % 4)
			baseline_free(objects[i]);
	ck_assert_uint_gt(nr_listed(BL_SLOT_DEPOPULATE), 0);
	for (i = 0; i < NR; i++)
		if (i % 4)
			ck_assert_ptr_nonnull(baseline_alloc(PAGE, PAGE));
	baseline_stats_get(&after);
	ck_assert_uint_eq(after.nr_chunks, before.nr_chunks);
	baseline_exit();
}
END_TEST

START_TEST(trim__sparse_chunks__empty_pages_are_given_back)
{
	enum { NR = 1000 };
	struct object objects[NR];
	struct baseline_stats before, after;
	unsigned i;

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < NR; i++) {
		objects[i] = (struct object){baseline_alloc(PAGE, PAGE), PAGE,
					     i << 8};
		write_tags(&objects[i]);
	}
	for (i = 0; i < NR; i++)
		if (i % 4)
			unmake(&objects[i]);
	baseline_stats_get(&before);
	ck_assert_uint_gt(baseline_trim(), 0);
	baseline_stats_get(&after);
	ck_assert_uint_eq(after.nr_chunks, before.nr_chunks);
	ck_assert_uint_lt(after.populated_bytes, before.populated_bytes / 2);
	ck_assert_uint_eq(baseline_check(), 0);

	/* Sidelined chunks serve again before a new one is made. */
	for (i = 0; i < NR; i++) {
		if (i % 4 == 0) {
			expect_tags(&objects[i]);
			continue;
		}
		objects[i].p = baseline_alloc(PAGE, PAGE);
		expect_fresh(&objects[i], PAGE);
		write_tags(&objects[i]);
	}
	baseline_stats_get(&after);
	ck_assert_uint_eq(after.nr_chunks, before.nr_chunks);
	for (i = 0; i < NR; i++)
		expect_tags(&objects[i]);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(worker__all_freed__chunks_go_by_themselves)
{
	/* Two, and one that was being drained while the last emptied: as the
	 * kernel's, it goes in the next round, which nothing asks for here. */
	enum { NR = 1000, NR_LEFT = 3 };
	const struct timespec tick = {.tv_nsec = 1000000};
	struct baseline_stats stats;
	void *objects[NR];
	unsigned i;

	init(NR_CPUS, BASELINE_MUTEX, true);
	for (i = 0; i < NR; i++)
		objects[i] = baseline_alloc(PAGE, PAGE);
	for (i = 0; i < NR; i++)
		baseline_free(objects[i]);
	for (i = 0; i < 10000; i++) {
		baseline_stats_get(&stats);
		if (stats.nr_chunks <= NR_LEFT)
			break;
		nanosleep(&tick, NULL);
	}
	ck_assert_uint_le(stats.nr_chunks, NR_LEFT);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

static Suite *baseline_suite(void)
{
	Suite *suite = suite_create("baseline_trim");
	TCase *tc = add_case(suite);

	tcase_add_test(tc, trim__all_freed__memory_is_given_back);
	tcase_add_test(tc,
		       slots__sparse_chunk__set_aside_drained_and_used_again);
	tcase_add_test(tc, grow__work_pending_and_no_worker__done_first);
	tcase_add_test(tc, trim__sparse_chunks__empty_pages_are_given_back);
	tcase_add_test(tc, worker__all_freed__chunks_go_by_themselves);
	return suite;
}

int main(void)
{
	return run_suite(baseline_suite());
}
