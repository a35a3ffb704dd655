// SPDX-License-Identifier: MIT
/*
 * Counters with two modes: a plain integer of one thread, and one per CPU.
 */
#include <pcpu/counter.h>
#include <pthread.h>

#include "arena/arena.h"
#include "tests/exhaust.h"
#include "tests/stay_here.h"
#include "tests/support.h"

static uint64_t live_objects(void)
{
	struct pcpu_stats stats;

	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	return stats.nr_cur_alloc;
}

/* --- one thread ----------------------------------------------------------- */

START_TEST(init__unknown_flag__einval)
{
	struct pcpu_counter counter;

	errno = 0;
	ck_assert_int_eq(pcpu_counter_init(&counter, 0, 0x400), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(counter__of_one_thread__is_exact_and_takes_no_memory)
{
	uint64_t before = live_objects();
	struct pcpu_counter counter;
	int i;

	ck_assert_int_eq(pcpu_counter_init(&counter, 7, 0), 0);
	for (i = 0; i < 1000; i++) {
		pcpu_counter_add(&counter, 3);
		pcpu_counter_dec(&counter);
	}
	pcpu_counter_add(&counter, INT64_C(1) << 40);
	ck_assert_int_eq(pcpu_counter_read(&counter),
			 2007 + (INT64_C(1) << 40));
	ck_assert_int_eq(pcpu_counter_sum(&counter), 2007 + (INT64_C(1) << 40));
	ck_assert(!pcpu_counter_is_shared(&counter));
	ck_assert_uint_eq(live_objects(), before);
	pcpu_counter_destroy(&counter);
}
END_TEST

START_TEST(value__below_zero__positive_readers_say_zero)
{
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 0, 0);
	pcpu_counter_sub(&counter, 5);
	ck_assert_int_eq(pcpu_counter_sum(&counter), -5);
	ck_assert_int_eq(pcpu_counter_sum_positive(&counter), 0);
	ck_assert_int_eq(pcpu_counter_read_positive(&counter), 0);
	pcpu_counter_add(&counter, 8);
	ck_assert_int_eq(pcpu_counter_sum_positive(&counter), 3);
	ck_assert_int_eq(pcpu_counter_read_positive(&counter), 3);
	pcpu_counter_destroy(&counter);
}
END_TEST

/* --- several threads ------------------------------------------------------ */

static void *add_five(void *counter)
{
	errno = 0;
	pcpu_counter_add(counter, 5);
	require(errno == 0, "errno %d", errno);
	return NULL;
}

static void in_another_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
	pthread_join(thread, NULL);
}

START_TEST(add__by_another_thread__the_counter_is_per_cpu_then)
{
	uint64_t before = live_objects();
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 1, 0);
	pcpu_counter_add(&counter, 10);
	in_another_thread(add_five, &counter);
	ck_assert(pcpu_counter_is_shared(&counter));
	ck_assert_uint_eq(live_objects(), before + 1);
	pcpu_counter_add(&counter, 100);
	ck_assert_int_eq(pcpu_counter_sum(&counter), 116);
	pcpu_counter_destroy(&counter);
	ck_assert_uint_eq(live_objects(), before);
}
END_TEST

START_TEST(unowned__first_who_adds_owns_it__the_second_shares_it)
{
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 0, PCPU_COUNTER_UNOWNED);
	in_another_thread(add_five, &counter);
	ck_assert(!pcpu_counter_is_shared(&counter));
	ck_assert_int_eq(pcpu_counter_sum(&counter), 5);
	/* Its place may have gone to this one's next thread, but not to us. */
	pcpu_counter_inc(&counter);
	ck_assert(pcpu_counter_is_shared(&counter));
	ck_assert_int_eq(pcpu_counter_sum(&counter), 6);
	pcpu_counter_destroy(&counter);
}
END_TEST

START_TEST(shared_and_upgrade__copies_at_once)
{
	uint64_t before = live_objects();
	struct pcpu_counter counters[3];
	int i;

	ck_assert_int_eq(
		pcpu_counter_init_many(counters, 3, 4, PCPU_COUNTER_SHARED), 0);
	ck_assert_uint_eq(live_objects(), before + 3);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(pcpu_counter_upgrade(&counters[i]), 0);
		pcpu_counter_sub(&counters[i], i);
		ck_assert_int_eq(pcpu_counter_sum(&counters[i]), 4 - i);
	}
	pcpu_counter_destroy_many(counters, 3);
	ck_assert_uint_eq(live_objects(), before);
}
END_TEST

#define ROUNDS SUPPORT_SCALE(2000u)
#define ADDS 200

static pthread_barrier_t barrier;

static void *add_in_each_round(void *counter)
{
	unsigned round, i;

	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		for (i = 0; i < ADDS; i++)
			pcpu_counter_add(counter, i % 7 == 0 ? -2 : 3);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static int64_t sum_of_one(void)
{
	int64_t sum = 0;
	int i;

	for (i = 0; i < ADDS; i++)
		sum += i % 7 == 0 ? -2 : 3;
	return sum;
}

/* The owner adds while the first other thread does, again and again. */
START_TEST(change_over__under_way_while_all_add__nothing_is_lost)
{
	static struct pcpu_counter counter;
	pthread_t thread[2];
	unsigned round, i;

	pthread_barrier_init(&barrier, NULL, 3);
	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, add_in_each_round, &counter);
	for (round = 0; round < ROUNDS; round++) {
		pcpu_counter_init(&counter, round, 0);
		pcpu_counter_batch_set(&counter, 16);
		pthread_barrier_wait(&barrier);
		for (i = 0; i < ADDS; i++)
			pcpu_counter_add(&counter, i % 7 == 0 ? -2 : 3);
		pthread_barrier_wait(&barrier);
		ck_assert_int_eq(pcpu_counter_sum(&counter),
				 round + 3 * sum_of_one());
		pcpu_counter_destroy(&counter);
	}
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}
END_TEST

/* --- batches -------------------------------------------------------------- */

START_TEST(batch__out_of_range__einval)
{
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 0, 0);
	errno = 0;
	ck_assert_int_eq(pcpu_counter_batch_set(&counter, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_int_eq(
		pcpu_counter_batch_set(&counter, PCPU_COUNTER_BATCH_MAX + 1),
		-1);
	ck_assert_int_eq(errno, EINVAL);
	pcpu_counter_destroy(&counter);
}
END_TEST

START_TEST(read__of_a_shared_counter__within_a_batch_for_each_cpu)
{
	int64_t error = 9 * (int64_t)pcpu_nr_cpus(), i;
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 0, PCPU_COUNTER_SHARED);
	pcpu_counter_batch_set(&counter, 10);
	for (i = 1; i < 1000; i++) {
		int64_t off;

		pcpu_counter_add(&counter, i % 3 == 0 ? -1 : 2);
		off = pcpu_counter_sum(&counter) - pcpu_counter_read(&counter);
		ck_assert_int_le(off, error);
		ck_assert_int_ge(off, -error);
	}
	ck_assert_int_eq(pcpu_counter_sum(&counter), 999);
	pcpu_counter_destroy(&counter);
}
END_TEST

/* On one CPU, so that only one copy has any. */
START_TEST(add__up_and_down__no_copy_keeps_a_batch)
{
	struct pcpu_counter counter;
	int64_t sum = 0, x;

	pcpu_counter_init(&counter, 0, PCPU_COUNTER_SHARED);
	pcpu_counter_batch_set(&counter, 5);
	stay_here();
	for (x = -7; x <= 7; x++) {
		int turn;

		for (turn = 0; turn < 20; turn++) {
			int64_t kept;

			pcpu_counter_add(&counter, turn % 3 ? x : -1);
			sum += turn % 3 ? x : -1;
			kept = sum - pcpu_counter_read(&counter);
			ck_assert_int_lt(kept, 5);
			ck_assert_int_gt(kept, -5);
			ck_assert_int_eq(pcpu_counter_sum(&counter), sum);
		}
	}
	pcpu_counter_destroy(&counter);
}
END_TEST

START_TEST(add__of_a_batch_or_more__is_seen_at_once)
{
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 0, PCPU_COUNTER_SHARED);
	pcpu_counter_add(&counter, INT64_C(-5000000000));
	ck_assert_int_eq(pcpu_counter_read(&counter), INT64_C(-5000000000));
	pcpu_counter_add_batch(&counter, 4, 4);
	ck_assert_int_eq(pcpu_counter_read(&counter), INT64_C(-4999999996));
	ck_assert_int_eq(pcpu_counter_sum(&counter), INT64_C(-4999999996));
	pcpu_counter_destroy(&counter);
}
END_TEST

/* A copy of 32 bits must not run over. */
START_TEST(add_batch__no_bound__counts_as_the_greatest)
{
	struct pcpu_counter counter;
	int64_t i;

	pcpu_counter_init(&counter, 0, PCPU_COUNTER_SHARED);
	for (i = 1; i <= 40; i++) {
		pcpu_counter_add_batch(&counter, 1 << 27, INT32_MAX);
		ck_assert_int_eq(pcpu_counter_sum(&counter), i << 27);
	}
	for (; i <= 120; i++)
		pcpu_counter_add_batch(&counter, -(1 << 27), INT32_MAX);
	ck_assert_int_eq(pcpu_counter_sum(&counter), -(INT64_C(40) << 27));
	pcpu_counter_destroy(&counter);
}
END_TEST

START_TEST(compare__near_and_far__the_sign_of_the_exact_difference)
{
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 0, PCPU_COUNTER_SHARED);
	pcpu_counter_add(&counter, 5); /* which read() does not see */
	ck_assert_int_eq(pcpu_counter_compare(&counter, 4), 1);
	ck_assert_int_eq(pcpu_counter_compare(&counter, 5), 0);
	ck_assert_int_eq(pcpu_counter_compare(&counter, 6), -1);
	ck_assert_int_eq(pcpu_counter_compare(&counter, 1 << 30), -1);
	ck_assert_int_eq(pcpu_counter_compare(&counter, -(1 << 30)), 1);
	/* Whose difference is no int64_t. */
	ck_assert_int_eq(pcpu_counter_compare(&counter, INT64_MIN), 1);
	pcpu_counter_set(&counter, -2);
	ck_assert_int_eq(pcpu_counter_compare(&counter, INT64_MAX), -1);
	pcpu_counter_destroy(&counter);
}
END_TEST

START_TEST(set__of_a_used_counter__has_that_value)
{
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 3, 0);
	pcpu_counter_inc(&counter);
	in_another_thread(add_five, &counter);
	pcpu_counter_inc(&counter);
	pcpu_counter_set(&counter, -2);
	ck_assert_int_eq(pcpu_counter_sum(&counter), -2);
	ck_assert_int_eq(pcpu_counter_read(&counter), -2);
	pcpu_counter_destroy(&counter);
}
END_TEST

/* --- no memory ------------------------------------------------------------ */

START_TEST(no_memory_for_copies__updates_are_not_lost)
{
	struct pcpu_counter counter;
	void *last;

	pcpu_counter_init(&counter, 0, 0);
	last = pcpu_alloc(4, 4);
	exhaust(4);
	errno = 0;
	ck_assert_int_eq(pcpu_counter_upgrade(&counter), -1);
	ck_assert_int_eq(errno, ENOMEM);
	pcpu_counter_inc(&counter);
	in_another_thread(add_five, &counter);
	ck_assert(!pcpu_counter_is_shared(&counter));
	ck_assert_int_eq(pcpu_counter_sum(&counter), 6);
	errno = 0;
	ck_assert_int_eq(pcpu_counter_init(&counter, 1, PCPU_COUNTER_SHARED),
			 -1);
	ck_assert_int_eq(errno, ENOMEM);
	pcpu_counter_init(&counter, 6, 0);
	pcpu_free(last);
	in_another_thread(add_five, &counter);
	ck_assert(pcpu_counter_is_shared(&counter));
	ck_assert_int_eq(pcpu_counter_sum(&counter), 11);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("counter");
	TCase *tc = tcase_create("counter");

	tcase_add_test(tc, init__unknown_flag__einval);
	tcase_add_test(tc,
		       counter__of_one_thread__is_exact_and_takes_no_memory);
	tcase_add_test(tc, value__below_zero__positive_readers_say_zero);
	tcase_add_test(tc, add__by_another_thread__the_counter_is_per_cpu_then);
	tcase_add_test(tc,
		       unowned__first_who_adds_owns_it__the_second_shares_it);
	tcase_add_test(tc, shared_and_upgrade__copies_at_once);
	tcase_add_test(tc,
		       change_over__under_way_while_all_add__nothing_is_lost);
	tcase_add_test(tc, batch__out_of_range__einval);
	tcase_add_test(tc,
		       read__of_a_shared_counter__within_a_batch_for_each_cpu);
	tcase_add_test(tc, add__up_and_down__no_copy_keeps_a_batch);
	tcase_add_test(tc, add__of_a_batch_or_more__is_seen_at_once);
	tcase_add_test(tc, add_batch__no_bound__counts_as_the_greatest);
	tcase_add_test(tc,
		       compare__near_and_far__the_sign_of_the_exact_difference);
	tcase_add_test(tc, set__of_a_used_counter__has_that_value);
	tcase_add_test(tc, no_memory_for_copies__updates_are_not_lost);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
