// SPDX-License-Identifier: MIT
/* lib/flex_proportions.c: all events are counted; fractions are fractions. */
#include <linux/flex_proportions.h>

#define NR_THREADS 6
#define NR_TYPES 3

static struct fprop_global all;
static struct fprop_local_percpu type[NR_TYPES];
static struct fprop_local_single single;
static bool periods;

static void count(unsigned thread, unsigned long nr)
{
	unsigned long numerator, denominator;

	fprop_inc_percpu(&all, &type[thread % NR_TYPES]);
	if (!periods)
		return;
	if (thread == 0 && nr % 1000 == 0)
		fprop_new_period(&all, 1);
	if (nr % 100 == 0) {
		fprop_fraction_percpu(&all, &type[nr / 100 % NR_TYPES],
				      &numerator, &denominator);
		require(denominator > 0 && numerator <= denominator);
	}
	__fprop_add_percpu_max(&all, &type[0], FPROP_FRAC_BASE / 2, 1);
}

void drive(void)
{
	s64 total = 1;
	unsigned i, j;
	const unsigned long *nr;

	require(fprop_global_init(&all, GFP_KERNEL) == 0);
	for (i = 0; i < NR_TYPES; i++)
		require(fprop_local_init_percpu(&type[i], GFP_KERNEL) == 0);
	nr = stress(count, NR_THREADS);
	for (i = 0; i < NR_TYPES; i++) {
		s64 mine = 0;

		for (j = i; j < NR_THREADS; j += NR_TYPES)
			mine += (s64)nr[j];
		pr_info("%lld of %lld\n",
			(long long)percpu_counter_sum(&type[i].events),
			(long long)mine);
		require(percpu_counter_sum(&type[i].events) == mine);
		total += mine;
	}
	require(percpu_counter_sum(&all.events) == total);
	periods = true;
	stress(count, NR_THREADS);
	require(percpu_counter_sum(&all.events) >= 1);
	fprop_local_init_single(&single);
	fprop_inc_single(&all, &single);
	require(single.events == 1);
	for (i = 0; i < NR_TYPES; i++)
		fprop_local_destroy_percpu(&type[i]);
	fprop_global_destroy(&all);
}
