// SPDX-License-Identifier: MIT
/*
 * bench/baseline: the searches in bit maps, shadow-model runs with every hint
 * recomputed, threads under each kind of lock.
 *
 * The seed is printed; SEED=n in the environment repeats a run.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "baseline/baseline.h"
#include "baseline/bits.h"
#include "baseline/check.h"
#include "baseline_model.h"

#define NR_THREADS 4u

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOW_TOOL 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SLOW_TOOL 1
#endif
#endif
#ifndef SLOW_TOOL
#define SLOW_TOOL 0
#endif
#define SCALE(n) (SLOW_TOOL ? (n) / 4 : (n))

static uint64_t first_seed;

/* The word-wise searches against one bit at a time. */
START_TEST(bits__random_maps__as_bit_by_bit)
{
	struct rng rng = {first_seed};
	uint64_t map[4] = {0};
	unsigned round, size, from, want, i;

	for (round = 0; round < SCALE(20000u); round++) {
		size = 1 + below(&rng, 256);
		from = below(&rng, size);
		want = below(&rng, size - from + 1);
		if (below(&rng, 2))
			bl_bits_fill(map, from, want);
		else
			bl_bits_clear(map, from, want);
		for (i = 0; i < want; i++)
			ck_assert(bl_bit_test(map, from + i) ==
				  bl_bit_test(map, from));

		for (i = from; i < size && !bl_bit_test(map, i); i++)
			;
		ck_assert_uint_eq(bl_bits_next_one(map, size, from), i);
		for (i = from; i < size && bl_bit_test(map, i); i++)
			;
		ck_assert_uint_eq(bl_bits_next_zero(map, size, from), i);
		for (i = size; i && !bl_bit_test(map, i - 1); i--)
			;
		ck_assert_uint_eq(bl_bits_last_one(map, size),
				  i ? i - 1 : size);
	}
}
END_TEST

START_TEST(find_area__too_small_holes__largest_is_reported)
{
	/* Free: 2 to 4, 8 to 13, 20 to 39. */
	uint64_t map[1] = {~(uint64_t)0};
	struct bl_area_wish wish = {{0, 64}, 10, 1};
	struct bl_run skipped;

	bl_bits_clear(map, 2, 3);
	bl_bits_clear(map, 8, 6);
	bl_bits_clear(map, 20, 20);
	ck_assert_uint_eq(bl_bits_find_area(map, &wish, &skipped), 20);
	ck_assert_uint_eq(skipped.start, 8);
	ck_assert_uint_eq(skipped.end, 14);
	wish.align = 8;
	ck_assert_uint_eq(bl_bits_find_area(map, &wish, &skipped), 24);
	wish.nr = 21;
	ck_assert_uint_ge(bl_bits_find_area(map, &wish, &skipped), 64);
}
END_TEST

/* Loop test: bit 0 is the worker, the others choose the number of objects. */
START_TEST(random_ops__shadow_model__hints_as_recomputed)
{
	static const uint32_t sizes[] = {60, 600, 3000};
	static struct object objects[3000];
	struct rng rng = {first_seed + (unsigned)_i};
	uint32_t nr = sizes[_i / 2];
	unsigned round;

	memset(objects, 0, sizeof(objects));
	init(NR_CPUS, BASELINE_MUTEX, _i & 1);
	for (round = 0; round < SCALE(24u); round++) {
		replace_randomly(objects, nr, &rng, 2 * nr);
		check_all(objects, nr);
		free_most(objects, nr, &rng, below(&rng, 12));
		check_all(objects, nr);
		if (below(&rng, 2))
			baseline_trim();
		check_all(objects, nr);
	}
	free_most(objects, nr, &rng, 0);
	ck_assert_uint_eq(nr_live(), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

/* A hundred at a time, so that pages and blocks are crossed and emptied. */
START_TEST(random_ops__after_every_one__hints_as_recomputed)
{
	static struct object objects[100];
	struct rng rng = {first_seed + 77};
	unsigned i;

	memset(objects, 0, sizeof(objects));
	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < SCALE(2000u); i++) {
		replace_randomly(objects, 100, &rng, 1);
		ck_assert_uint_eq(baseline_check(), 0);
	}
	baseline_exit();
}
END_TEST

static void *churn(void *arg)
{
	struct rng rng = {first_seed + (uintptr_t)arg};
	struct object objects[64] = {{0}};

	replace_randomly(objects, 64, &rng, SCALE(8000u));
	free_most(objects, 64, &rng, 0);
	return NULL;
}

/* Loop test over the kinds of lock. */
START_TEST(threads__churn__nothing_shared_or_lost)
{
	pthread_t threads[NR_THREADS];
	uintptr_t i;

	init(NR_CPUS, (enum baseline_lock)_i, true);
	for (i = 0; i < NR_THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, churn, (void *)i), 0);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(nr_live(), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

/* Objects go through a shared table: freed by whoever finds them. */
static _Atomic(void *) table[256];

static void *pass_on(void *arg)
{
	struct rng rng = {first_seed + 1000 + (uintptr_t)arg};
	unsigned i;
	void *p;

	for (i = 0; i < SCALE(12000u); i++) {
		p = baseline_alloc(1 + below(&rng, 200), 0);
		ck_assert_ptr_nonnull(p);
		*(char *)baseline_ptr(p, below(&rng, NR_CPUS)) = 1;
		p = atomic_exchange(&table[below(&rng, 256)], p);
		baseline_free(p);
	}
	return NULL;
}

START_TEST(threads__freed_by_others__nothing_lost)
{
	pthread_t threads[NR_THREADS];
	uintptr_t i;

	init(NR_CPUS, (enum baseline_lock)_i, true);
	for (i = 0; i < NR_THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, pass_on, (void *)i),
			0);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 256; i++)
		baseline_free(atomic_exchange(&table[i], NULL));
	ck_assert_uint_eq(nr_live(), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

static Suite *baseline_suite(void)
{
	Suite *suite = suite_create("baseline_hints");
	TCase *tc = add_case(suite);

	tcase_add_test(tc, bits__random_maps__as_bit_by_bit);
	tcase_add_test(tc, find_area__too_small_holes__largest_is_reported);
	tcase_add_loop_test(tc, random_ops__shadow_model__hints_as_recomputed,
			    0, 6);
	tcase_add_test(tc, random_ops__after_every_one__hints_as_recomputed);
	tcase_add_loop_test(tc, threads__churn__nothing_shared_or_lost,
			    BASELINE_MUTEX, BASELINE_COHORT + 1);
	tcase_add_loop_test(tc, threads__freed_by_others__nothing_lost,
			    BASELINE_MUTEX, BASELINE_COHORT + 1);
	return suite;
}

int main(void)
{
	const char *seed = getenv("SEED");

	first_seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("SEED=%llu\n", (unsigned long long)first_seed);
	fflush(stdout);
	return run_suite(baseline_suite());
}
