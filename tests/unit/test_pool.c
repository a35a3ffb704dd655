// SPDX-License-Identifier: MIT
/*
 * The chunk numbers of an arena: I9, number by number and beside threads. The
 * pool is one of ours, which no round of reclaim knows.
 */
#include "reclaim/pool.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "reclaim/reclaim.h"
#include "tests/run_suite.h"

#define FIRST 5000u
#define NR_CHUNKS 130u /* two words and two bits */

static uint64_t seed;
static struct pool pool;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void set_up(uint32_t nr_chunks)
{
	ck_assert(pool_init(&pool, (chunk_id){FIRST}, 0, nr_chunks));
}

static uint32_t claim(void)
{
	chunk_id id = {0};

	return pool_claim(&pool, &id) ? id.nr - FIRST : UINT32_MAX;
}

static uint32_t take_back(void)
{
	chunk_id id = {0};

	return pool_take_back(&pool, &id) ? id.nr - FIRST : UINT32_MAX;
}

static chunk_id nth(uint32_t n)
{
	return (chunk_id){FIRST + n};
}

static void claim_all(void)
{
	while (claim() != UINT32_MAX)
		;
}

/* What the worker does at the start of a round, by hand. */
static void collect(uint32_t n)
{
	fetch_and_relaxed(&pool.retired[n / 64], ~(UINT64_C(1) << n % 64));
	fetch_or_relaxed(&pool.waiting[n / 64], UINT64_C(1) << n % 64);
}

/* --- fresh numbers -------------------------------------------------------- */

START_TEST(claim__until_exhausted__every_number_once_lowest_first)
{
	static const uint32_t sizes[] = {1, 63, 64, 65, 128, NR_CHUNKS};
	uint32_t nr = sizes[_i], i;

	set_up(nr);
	for (i = 0; i < nr; i++) {
		ck_assert(!pool_is_taken(&pool, nth(i)));
		ck_assert_uint_eq(claim(), i);
		ck_assert(pool_is_taken(&pool, nth(i)));
	}
	ck_assert_uint_eq(claim(), UINT32_MAX);
	ck_assert_uint_eq(claim(), UINT32_MAX);
}
END_TEST

START_TEST(unclaim__any_number__is_the_next_fresh_one)
{
	uint32_t i;

	set_up(NR_CHUNKS);
	claim_all();
	for (i = 0; i < NR_CHUNKS; i++) {
		pool_unclaim(&pool, nth(i));
		ck_assert(!pool_is_taken(&pool, nth(i)));
		ck_assert_uint_eq(claim(), i);
	}
	ck_assert_uint_eq(claim(), UINT32_MAX);
}
END_TEST

/* --- numbers set aside ---------------------------------------------------- */

START_TEST(take_back__nothing_set_aside__nothing)
{
	set_up(NR_CHUNKS);
	ck_assert_uint_eq(take_back(), UINT32_MAX);
	claim_all();
	ck_assert_uint_eq(take_back(), UINT32_MAX);
}
END_TEST

START_TEST(take_back__retired_number__once_and_still_taken)
{
	uint32_t i;

	set_up(NR_CHUNKS);
	claim_all();
	for (i = 0; i < NR_CHUNKS; i += 43) {
		reclaim_retire(&pool, nth(i));
		ck_assert_uint_eq(load_relaxed(&pool.nr_set_aside), 1);
		ck_assert_uint_eq(claim(), UINT32_MAX);
		ck_assert_uint_eq(take_back(), i);
		ck_assert(pool_is_taken(&pool, nth(i)));
		ck_assert_uint_eq(load_relaxed(&pool.nr_set_aside), 0);
		ck_assert_uint_eq(take_back(), UINT32_MAX);
	}
}
END_TEST

START_TEST(take_back__number_that_waits_for_a_grace_period__too)
{
	set_up(NR_CHUNKS);
	claim_all();
	reclaim_retire(&pool, nth(129));
	collect(129);
	ck_assert_uint_eq(take_back(), 129);
	ck_assert_uint_eq(load_relaxed(&pool.nr_set_aside), 0);
	ck_assert_uint_eq(take_back(), UINT32_MAX);
}
END_TEST

/* Those that wait may be on their way; the others are sure to be there. */
START_TEST(take_back__both_sets_have_some__retired_ones_first)
{
	set_up(NR_CHUNKS);
	claim_all();
	reclaim_retire(&pool, nth(3));
	collect(3);
	reclaim_retire(&pool, nth(100));
	reclaim_retire(&pool, nth(70));
	ck_assert_uint_eq(load_relaxed(&pool.nr_set_aside), 3);
	ck_assert_uint_eq(take_back(), 70);
	ck_assert_uint_eq(take_back(), 100);
	ck_assert_uint_eq(take_back(), 3);
	ck_assert_uint_eq(take_back(), UINT32_MAX);
}
END_TEST

START_TEST(retire__from_anywhere__errno_stays)
{
	int code;

	set_up(NR_CHUNKS);
	claim_all();
	errno = EXDEV;
	reclaim_retire(&pool, nth(0));
	reclaim_retire(&pool, nth(1));
	code = errno;
	ck_assert_int_eq(code, EXDEV);
}
END_TEST

/* --- side by side --------------------------------------------------------- */

#define NR_THREADS 3
#define NR_ROUNDS 20000

static atom32 owner[NR_CHUNKS];
static atom32 nr_errors;

static void own(chunk_id id, uint32_t from, uint32_t to)
{
	if (id.nr - FIRST >= NR_CHUNKS ||
	    xchg_relaxed(&owner[id.nr - FIRST], to) != from)
		fetch_add_relaxed(&nr_errors, 1);
}

/* Claims fresh numbers or takes some back, and lets go of them either way. */
static void *claim_and_let_go(void *arg)
{
	uint32_t self = (uint32_t)(uintptr_t)arg;
	uint64_t random = seed + self * UINT64_C(0x9e3779b97f4a7c15);
	unsigned i;

	for (i = 0; i < NR_ROUNDS; i++) {
		uint64_t dice = next_random(&random);
		chunk_id id;

		if (!(dice & 1 ? pool_take_back(&pool, &id)
			       : pool_claim(&pool, &id)))
			continue;
		own(id, 0, self);
		if (dice % 32 == 0)
			sched_yield();
		own(id, self, 0);
		if (dice & 4)
			reclaim_retire(&pool, id);
		else
			pool_unclaim(&pool, id);
	}
	return NULL;
}

START_TEST(claim_retire_take_back__side_by_side__numbers_have_one_owner)
{
	pthread_t threads[NR_THREADS];
	uint32_t left = 0;
	uintptr_t i;

	set_up(NR_CHUNKS);
	for (i = 0; i < NR_THREADS; i++)
		ck_assert(!pthread_create(&threads[i], NULL, claim_and_let_go,
					  (void *)(i + 1)));
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(load_relaxed(&nr_errors), 0);
	/* Nothing is lost: all are fresh or set aside. */
	while (take_back() != UINT32_MAX)
		left++;
	ck_assert_uint_eq(load_relaxed(&pool.nr_set_aside), 0);
	while (claim() != UINT32_MAX)
		left++;
	ck_assert_uint_eq(left, NR_CHUNKS);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = tcase_create("pool");
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) | 1;
	printf("SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(
		tc, claim__until_exhausted__every_number_once_lowest_first, 0,
		6);
	tcase_add_test(tc, unclaim__any_number__is_the_next_fresh_one);
	tcase_add_test(tc, take_back__nothing_set_aside__nothing);
	tcase_add_test(tc, take_back__retired_number__once_and_still_taken);
	tcase_add_test(tc,
		       take_back__number_that_waits_for_a_grace_period__too);
	tcase_add_test(tc, take_back__both_sets_have_some__retired_ones_first);
	tcase_add_test(tc, retire__from_anywhere__errno_stays);
	tcase_add_test(
		tc,
		claim_retire_take_back__side_by_side__numbers_have_one_owner);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
