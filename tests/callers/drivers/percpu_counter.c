// SPDX-License-Identifier: MIT
/* lib/percpu_counter.c: nothing is lost, whatever the batch. */
#include <linux/percpu_counter.h>

#define NR_THREADS 8

static struct percpu_counter counter, many;

static void add(unsigned thread, unsigned long nr)
{
	percpu_counter_add_batch(&counter, 3, nr % 2 ? 8 : 32);
	percpu_counter_dec(&counter);
	percpu_counter_add_local(&many, thread + 1);
	if (nr % 64 == 0) {
		percpu_counter_sync(&many);
		require(percpu_counter_read(&counter) >
			-percpu_counter_batch * (s64)num_possible_cpus());
	}
}

void drive(void)
{
	const unsigned long *nr;
	s64 total, local = 0;
	unsigned i;

	require(callers_init() == 0);
	require(percpu_counter_init(&counter, 5, GFP_KERNEL) == 0);
	require(percpu_counter_init(&many, 0, GFP_KERNEL) == 0);
	nr = stress(add, NR_THREADS);
	total = 5 + 2 * (s64)stress_total(nr, NR_THREADS);
	for (i = 0; i < NR_THREADS; i++)
		local += (s64)nr[i] * (i + 1);
	pr_info("%lld of %lld, %lld of %lld\n",
		(long long)percpu_counter_sum(&counter), (long long)total,
		(long long)percpu_counter_sum(&many), (long long)local);
	require(percpu_counter_sum(&counter) == total);
	require(percpu_counter_sum(&many) == local);
	require(percpu_counter_compare(&counter, total) == 0);
	require(percpu_counter_compare(&counter, total - 1) == 1);
	require(percpu_counter_compare(&counter, total + 1) == -1);
	percpu_counter_set(&counter, -3);
	require(percpu_counter_sum(&counter) == -3);
	require(percpu_counter_sum_positive(&counter) == 0);
	percpu_counter_destroy(&counter);
	percpu_counter_destroy(&many);
}
