// SPDX-License-Identifier: MIT
/*
 * The kernel's percpu_counter: what it counts to, how far off it may look.
 */
#include <linux/percpu_counter.h>

#include <pthread.h>

#include "arena/arena.h"
#include "tests/exhaust.h"
#include "tests/support.h"

static struct percpu_counter counter;

static uint64_t live_objects(void)
{
	struct pcpu_stats stats;

	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	return stats.nr_cur_alloc;
}

START_TEST(counter__one_thread__sum_is_exact_and_read_within_a_batch)
{
	uint64_t before = live_objects();
	int64_t i, off;

	ck_assert(!percpu_counter_initialized(&counter));
	ck_assert_int_eq(percpu_counter_init(&counter, 7, GFP_KERNEL), 0);
	ck_assert(percpu_counter_initialized(&counter));
	for (i = 0; i < 1000; i++) {
		percpu_counter_inc(&counter);
		percpu_counter_add(&counter, 2);
		percpu_counter_dec(&counter);
		off = percpu_counter_sum(&counter) -
		      percpu_counter_read(&counter);
		ck_assert_int_lt(off, percpu_counter_batch *
					      (int64_t)num_possible_cpus());
		ck_assert_int_gt(off, -percpu_counter_batch *
					      (int64_t)num_possible_cpus());
	}
	percpu_counter_sub(&counter, 7);
	ck_assert_int_eq(percpu_counter_sum(&counter), 2000);
	percpu_counter_destroy(&counter);
	ck_assert(!percpu_counter_initialized(&counter));
	percpu_counter_destroy(&counter);
	ck_assert_uint_eq(live_objects(), before);
}
END_TEST

START_TEST(value__below_zero__positive_readers_say_zero)
{
	percpu_counter_init(&counter, 0, GFP_KERNEL);
	percpu_counter_add(&counter, -100000);
	ck_assert_int_eq(percpu_counter_read(&counter), -100000);
	ck_assert_int_eq(percpu_counter_read_positive(&counter), 0);
	ck_assert_int_eq(percpu_counter_sum_positive(&counter), 0);
	percpu_counter_set(&counter, 3);
	ck_assert_int_eq(percpu_counter_sum(&counter), 3);
	ck_assert_int_eq(percpu_counter_read_positive(&counter), 3);
	ck_assert_int_eq(percpu_counter_sum_positive(&counter), 3);
	percpu_counter_destroy(&counter);
}
END_TEST

/* Copies of 32 bits must not overflow, whatever the batch. */
START_TEST(add_local__huge_amounts__nothing_overflows)
{
	int64_t exact = 0;
	int i;

	percpu_counter_init(&counter, 0, GFP_KERNEL);
	for (i = 0; i < 100; i++) {
		percpu_counter_add_local(&counter, INT_MAX - 1);
		percpu_counter_add_local(&counter, LIBPCPU_BATCH_LIMIT - 1);
		exact += (int64_t)INT_MAX - 1 + LIBPCPU_BATCH_LIMIT - 1;
	}
	ck_assert_int_eq(percpu_counter_sum(&counter), exact);
	percpu_counter_sub_local(&counter, exact);
	ck_assert_int_eq(percpu_counter_sum(&counter), 0);
	percpu_counter_destroy(&counter);
}
END_TEST

START_TEST(add_batch__of_zero_and_below__goes_to_all_at_once)
{
	percpu_counter_init(&counter, 0, GFP_KERNEL);
	percpu_counter_add_batch(&counter, 5, 100);
	ck_assert_int_eq(percpu_counter_read(&counter), 0);
	percpu_counter_add_batch(&counter, 1, 0);
	percpu_counter_add_batch(&counter, 1, -1);
	ck_assert_int_ge(percpu_counter_read(&counter), 2);
	ck_assert_int_eq(percpu_counter_sum(&counter), 7);
	percpu_counter_destroy(&counter);
}
END_TEST

START_TEST(sync__what_the_copy_had__read_sees_it)
{
	percpu_counter_init(&counter, 0, GFP_KERNEL);
	preempt_disable();
	percpu_counter_add_local(&counter, -11);
	ck_assert_int_eq(percpu_counter_read(&counter), 0);
	percpu_counter_sync(&counter);
	ck_assert_int_eq(percpu_counter_read(&counter), -11);
	percpu_counter_sync(&counter);
	preempt_enable();
	ck_assert_int_eq(percpu_counter_sum(&counter), -11);
	percpu_counter_destroy(&counter);
}
END_TEST

START_TEST(compare__near_and_far__the_sign_of_the_exact_difference)
{
	percpu_counter_init(&counter, 0, GFP_KERNEL);
	percpu_counter_add(&counter, 5); /* which read() does not see */
	ck_assert_int_eq(percpu_counter_compare(&counter, 4), 1);
	ck_assert_int_eq(percpu_counter_compare(&counter, 5), 0);
	ck_assert_int_eq(percpu_counter_compare(&counter, 6), -1);
	ck_assert_int_eq(percpu_counter_compare(&counter, 1 << 30), -1);
	ck_assert_int_eq(percpu_counter_compare(&counter, -(1 << 30)), 1);
	ck_assert_int_eq(__percpu_counter_compare(&counter, 6, 1), -1);
	percpu_counter_destroy(&counter);
}
END_TEST

START_TEST(init_many__the_last_has_no_memory__none_is_left)
{
	struct percpu_counter many[8];
	char *some[4];
	uint64_t before;
	unsigned i;

	ck_assert_int_eq(percpu_counter_init_many(many, 4, GFP_KERNEL, 8), 0);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(percpu_counter_sum(&many[i]), 4);
	percpu_counter_destroy_many(many, 8);
	for (i = 0; i < 4; i++)
		some[i] = pcpu_alloc(4, 4);
	exhaust(4);
	for (i = 0; i < 4; i++)
		pcpu_free(some[i]);
	before = live_objects();
	memset(many, 0xa5, sizeof(many));
	ck_assert_int_eq(
		percpu_counter_init_many(many, 0, GFP_KERNEL | __GFP_NOWARN, 8),
		-ENOMEM);
	ck_assert_uint_eq(live_objects(), before);
	percpu_counter_destroy_many(many, 8); /* as some do all the same */
	ck_assert_int_eq(percpu_counter_init_many(many, 0, GFP_KERNEL, 4), 0);
}
END_TEST

static void *add(void *unused)
{
	unsigned i;

	for (i = 0; i < SUPPORT_SCALE(300000u); i++) {
		percpu_counter_add_batch(&counter, 3, 16);
		percpu_counter_dec(&counter);
		if (i % 1000 == 0)
			percpu_counter_sync(&counter);
	}
	return unused;
}

START_TEST(counter__several_threads__nothing_is_lost)
{
	pthread_t thread[4];
	unsigned i;

	percpu_counter_init(&counter, 1, GFP_KERNEL);
	for (i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, add, NULL);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(percpu_counter_sum(&counter),
			 1 + 4 * 2 * (int64_t)SUPPORT_SCALE(300000u));
	percpu_counter_destroy(&counter);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("linux_counter");
	TCase *tc = tcase_create("linux_counter");

	tcase_add_test(
		tc, counter__one_thread__sum_is_exact_and_read_within_a_batch);
	tcase_add_test(tc, value__below_zero__positive_readers_say_zero);
	tcase_add_test(tc, add_local__huge_amounts__nothing_overflows);
	tcase_add_test(tc, add_batch__of_zero_and_below__goes_to_all_at_once);
	tcase_add_test(tc, sync__what_the_copy_had__read_sees_it);
	tcase_add_test(tc,
		       compare__near_and_far__the_sign_of_the_exact_difference);
	tcase_add_test(tc, init_many__the_last_has_no_memory__none_is_left);
	tcase_add_test(tc, counter__several_threads__nothing_is_lost);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
