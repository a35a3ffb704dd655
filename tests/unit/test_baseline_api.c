// SPDX-License-Identifier: MIT
/*
 * bench/baseline: the contracts of its functions, atomic callers, exhaustion.
 */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "baseline/baseline.h"
#include "baseline/check.h"
#include "baseline_model.h"

START_TEST(init__bad_config__einval)
{
	struct baseline_config config = {.nr_cpus = 0};

	ck_assert_int_eq(baseline_init(&config), -1);
	ck_assert_int_eq(errno, EINVAL);
	config.nr_cpus = 1;
	config.lock = (enum baseline_lock)(BASELINE_COHORT + 1);
	ck_assert_int_eq(baseline_init(&config), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(init__twice__ebusy_until_exit)
{
	struct baseline_config config = {.nr_cpus = 1};

	ck_assert_int_eq(baseline_init(&config), 0);
	ck_assert_int_eq(baseline_init(&config), -1);
	ck_assert_int_eq(errno, EBUSY);
	baseline_exit();
	ck_assert_int_eq(baseline_init(&config), 0);
	baseline_exit();
}
END_TEST

START_TEST(lock_name__each_kind__named)
{
	ck_assert_str_eq(baseline_lock_name(BASELINE_MUTEX), "mutex");
	ck_assert_str_eq(baseline_lock_name(BASELINE_TAS), "tas");
	ck_assert_str_eq(baseline_lock_name(BASELINE_TICKET), "ticket");
	ck_assert_str_eq(baseline_lock_name(BASELINE_MCS), "mcs");
	ck_assert_str_eq(baseline_lock_name(BASELINE_COHORT), "cohort");
	ck_assert_ptr_null(baseline_lock_name((enum baseline_lock)5));
}
END_TEST

START_TEST(alloc__bad_size_or_alignment__einval)
{
	static const struct {
		size_t size, align;
	} bad[] = {
		{0, 4},        {BASELINE_MAX_SIZE + 1, 4},
		{SIZE_MAX, 4}, {8, 3},
		{8, 24},       {8, 2 * PAGE},
		{8, SIZE_MAX}, {8, (size_t)1 << 63},
	};
	unsigned i;

	init(1, BASELINE_MUTEX, false);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		ck_assert_ptr_null(baseline_alloc(bad[i].size, bad[i].align));
		ck_assert_int_eq(errno, EINVAL);
		errno = 0;
		ck_assert_ptr_null(
			baseline_alloc_atomic(bad[i].size, bad[i].align));
		ck_assert_int_eq(errno, EINVAL);
	}
	baseline_free(NULL);
	ck_assert_uint_eq(nr_live(), 0);
	baseline_exit();
}
END_TEST

START_TEST(alloc__every_size_and_alignment__aligned_and_zero)
{
	size_t size, align;
	struct object o = {.tag = 0xabcd00};

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (size = 1; size <= BASELINE_MAX_SIZE; size = size * 2 + 1) {
		for (align = 0; align <= PAGE; align = align ? align * 2 : 1) {
			o.size = size;
			o.p = baseline_alloc(size, align);
			ck_assert_ptr_nonnull(o.p);
			expect_fresh(&o, align);
			write_tags(&o);
			unmake(&o);
		}
	}
	o.size = BASELINE_MAX_SIZE;
	o.p = baseline_alloc(o.size, PAGE);
	ck_assert_ptr_nonnull(o.p);
	expect_fresh(&o, PAGE);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(alloc__packed__no_gap_between_grains)
{
	char *a, *b, *c;

	init(1, BASELINE_MUTEX, false);
	a = baseline_alloc(1, 0);
	b = baseline_alloc(4, 4);
	c = baseline_alloc(5, 1);
	ck_assert_ptr_eq(b, a + 4);
	ck_assert_ptr_eq(c, b + 4);
	ck_assert_uint_eq(baseline_usable_size(c), 8);
	baseline_free(b);
	ck_assert_ptr_eq(baseline_alloc(4, 4), b);
	baseline_exit();
}
END_TEST

START_TEST(atomic__pages_used_up__fails_until_worker_ran)
{
	struct baseline_stats before, after;

	init(NR_CPUS, BASELINE_MUTEX, false);
	baseline_stats_get(&before);
	ck_assert_uint_gt(before.populated_bytes, 0);
	while (baseline_alloc_atomic(512, 64))
		;
	ck_assert_int_eq(errno, ENOMEM);
	baseline_stats_get(&after);
	ck_assert_uint_eq(after.nr_chunks, before.nr_chunks);
	ck_assert_uint_eq(after.populated_bytes, before.populated_bytes);
	ck_assert_uint_eq(after.live_bytes, after.populated_bytes);

	baseline_trim();
	ck_assert_ptr_nonnull(baseline_alloc_atomic(512, 64));
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(atomic__with_worker__served_again_soon)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	unsigned served = 0, tries = 0;

	init(NR_CPUS, BASELINE_TAS, true);
	while (served < 2000 && tries < 10000) {
		if (baseline_alloc_atomic(512, 0)) {
			served++;
		} else {
			tries++;
			nanosleep(&tick, NULL);
		}
	}
	ck_assert_uint_eq(served, 2000);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(alloc__address_space_used_up__enomem_and_live_intact)
{
	struct baseline_config config = {.nr_cpus = 1};
	void *first, *last = NULL, *p;
	size_t nr = 0;

	ck_assert_int_eq(baseline_init(&config), 0);
	first = baseline_alloc(8, 8);
	ck_assert_ptr_nonnull(first);
	memset(baseline_ptr(first, 0), 0x5a, 8);
	while ((p = baseline_alloc(BASELINE_MAX_SIZE, PAGE))) {
		last = p;
		nr++;
	}
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_uint_gt(nr, 0);
	ck_assert_uint_eq(nr_live(), nr + 1);
	ck_assert_mem_eq(baseline_ptr(first, 0), "ZZZZZZZZ", 8);
	baseline_free(last);
	ck_assert_ptr_eq(baseline_alloc(BASELINE_MAX_SIZE, PAGE), last);
	baseline_exit();
}
END_TEST

static Suite *baseline_suite(void)
{
	Suite *suite = suite_create("baseline_api");
	TCase *tc = add_case(suite);

	tcase_add_test(tc, init__bad_config__einval);
	tcase_add_test(tc, init__twice__ebusy_until_exit);
	tcase_add_test(tc, lock_name__each_kind__named);
	tcase_add_test(tc, alloc__bad_size_or_alignment__einval);
	tcase_add_test(tc, alloc__every_size_and_alignment__aligned_and_zero);
	tcase_add_test(tc, alloc__packed__no_gap_between_grains);
	tcase_add_test(tc, atomic__pages_used_up__fails_until_worker_ran);
	tcase_add_test(tc, atomic__with_worker__served_again_soon);
	tcase_add_test(tc,
		       alloc__address_space_used_up__enomem_and_live_intact);
	return suite;
}

int main(void)
{
	return run_suite(baseline_suite());
}
