// SPDX-License-Identifier: MIT
/* The shim's <asm/local.h>: results, and counts of threads that are moved. */
#include <asm/local.h>
#include <linux/percpu.h>

#include <check.h>
#include <pthread.h>
#include <sched.h>

#include "tests/run_suite.h"

START_TEST(local__each_operation__result_as_in_the_kernel)
{
	local_t l = LOCAL_INIT(5);
	long old = 1;

	local_inc(&l);
	local_dec(&l);
	local_add(3, &l);
	local_sub(2, &l);
	ck_assert_int_eq(local_read(&l), 6);
	ck_assert_int_eq(local_add_return(4, &l), 10);
	ck_assert_int_eq(local_sub_return(1, &l), 9);
	ck_assert_int_eq(local_inc_return(&l), 10);
	ck_assert_int_eq(local_dec_return(&l), 9);
	ck_assert(!local_sub_and_test(8, &l));
	ck_assert(local_dec_and_test(&l));
	ck_assert(!local_inc_not_zero(&l));
	ck_assert(local_add_negative(-1, &l));
	ck_assert(local_inc_and_test(&l));
	ck_assert_int_eq(local_xchg(&l, 7), 0);
	ck_assert_int_eq(local_cmpxchg(&l, 6, 8), 7);
	ck_assert_int_eq(local_cmpxchg(&l, 7, 8), 7);
	ck_assert(!local_try_cmpxchg(&l, &old, 9));
	ck_assert_int_eq(old, 8);
	ck_assert(local_try_cmpxchg(&l, &old, 9));
	ck_assert(!local_add_unless(&l, 1, 9));
	ck_assert(local_add_unless(&l, 1, 10));
	ck_assert(local_inc_not_zero(&l));
	ck_assert_int_eq(local_read(&l), 11);
	__local_inc(&l);
	__local_dec(&l);
	__local_add(2, &l);
	__local_sub(1, &l);
	ck_assert_int_eq(local_read(&l), 12);
	local_set(&l, -1);
	ck_assert_int_eq(local_read(&l), -1);
}
END_TEST

#define THREADS 4
#define ROUNDS 20000

static local_t __percpu *counter;

/* Not in a section: the copy may be another CPU's when it is changed. */
static void *work(void *unused)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		local_t *copy = this_cpu_ptr(counter);

		if (i % 16 == 0)
			sched_yield();
		local_inc(copy);
	}
	return unused;
}

START_TEST(local_inc__of_a_copy_that_is_no_longer_ours__not_lost)
{
	pthread_t threads[THREADS];
	long sum = 0;
	int i;

	counter = alloc_percpu(local_t);
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, NULL),
				 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for_each_possible_cpu (i)
		sum += local_read(per_cpu_ptr(counter, i));
	ck_assert_int_eq(sum, (long)THREADS * ROUNDS);
	free_percpu(counter);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("linux_local");
	TCase *tc = tcase_create("local");

	tcase_add_test(tc, local__each_operation__result_as_in_the_kernel);
	tcase_add_test(tc,
		       local_inc__of_a_copy_that_is_no_longer_ours__not_lost);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
