// SPDX-License-Identifier: MIT
/*
 * Shelves of every size, against a plain table, and beside threads that make
 * and use up what the members stand for.
 */
#include "arena/shelf.h"

#include "tests/run_suite.h"
#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Around a word of chunks, and around a word of groups. */
static const uint32_t sizes[] = {1,   2,    63,   64,   65,
				 128, 4095, 4096, 4097, 70000};
#define NR_SIZES_TRIED ((int)(sizeof(sizes) / sizeof(*sizes)))
#define MOST 70000u
#define NONE UINT32_MAX
#define KIND SHELF_RUN(1)

static uint64_t seed;
static struct shelves shelves;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void set_up(uint32_t nr_chunks)
{
	ck_assert(shelf_init(&shelves, nr_chunks));
}

static uint32_t find(uint32_t from)
{
	return shelf_find(&shelves, KIND, from);
}

/* --- kinds ---------------------------------------------------------------- */

START_TEST(kinds__classes_of_a_window_and_runs__all_different)
{
	bool seen[NR_SHELVES] = {false};
	unsigned window = (unsigned)_i, i;

	for (i = 0; i < NR_SIZES + SLAB_PAGES_MAX; i++) {
		unsigned kind = i < NR_SIZES
					? SHELF_CLASS(FIRST_CLASS(window) + i)
					: SHELF_RUN(i - NR_SIZES + 1);

		ck_assert_uint_lt(kind, NR_SHELVES);
		ck_assert(!seen[kind]);
		seen[kind] = true;
	}
}
END_TEST

START_TEST(kinds__members_of_one__not_of_others)
{
	unsigned kind, other;

	set_up(100);
	for (kind = 0; kind < NR_SHELVES; kind++) {
		shelf_add(&shelves, kind, 70);
		for (other = 0; other < NR_SHELVES; other++)
			if (shelf_find(&shelves, other, 0) !=
			    (other == kind ? 70 : NONE))
				ck_abort_msg("%u shows in %u", kind, other);
		shelf_remove(&shelves, kind, 70);
	}
}
END_TEST

/* --- members -------------------------------------------------------------- */

START_TEST(find__nothing_shelved__nothing)
{
	uint32_t nr = sizes[_i];

	set_up(nr);
	ck_assert_uint_eq(find(0), NONE);
	ck_assert_uint_eq(find(nr - 1), NONE);
	ck_assert_uint_eq(find(nr), NONE);
	ck_assert_uint_eq(find(2 * nr + 4096), NONE);
}
END_TEST

START_TEST(find__one_member__from_anywhere_up_to_it)
{
	uint32_t nr = sizes[_i], chunk, from;

	set_up(nr);
	for (chunk = 0; chunk < nr; chunk += chunk / 3 + 1) {
		shelf_add(&shelves, KIND, chunk);
		for (from = 0; from <= chunk; from += from / 3 + 1)
			if (find(from) != chunk)
				ck_abort_msg("%u not found from %u", chunk,
					     from);
		ck_assert_uint_eq(find(chunk), chunk);
		ck_assert_uint_eq(find(chunk + 1), NONE);
		shelf_remove(&shelves, KIND, chunk);
		ck_assert_uint_eq(find(0), NONE);
	}
}
END_TEST

START_TEST(find__all_shelved__each_in_turn)
{
	uint32_t nr = sizes[_i], chunk;

	set_up(nr);
	for (chunk = 0; chunk < nr; chunk++)
		shelf_add(&shelves, KIND, chunk);
	for (chunk = 0; chunk < nr; chunk++) {
		if (find(chunk) != chunk || find(0) != chunk)
			ck_abort_msg("chunk %u", chunk);
		shelf_remove(&shelves, KIND, chunk);
	}
	ck_assert_uint_eq(find(0), NONE);
}
END_TEST

START_TEST(add_and_remove__twice__as_once)
{
	set_up(200);
	shelf_add(&shelves, KIND, 130);
	shelf_add(&shelves, KIND, 130);
	shelf_remove(&shelves, KIND, 130);
	ck_assert_uint_eq(find(0), NONE);
	shelf_remove(&shelves, KIND, 130);
	shelf_remove(&shelves, KIND, 0);
	ck_assert_uint_eq(find(0), NONE);
	shelf_add(&shelves, KIND, 130);
	shelf_add(&shelves, KIND, 131);
	shelf_remove(&shelves, KIND, 130);
	ck_assert_uint_eq(find(0), 131);
}
END_TEST

/* The bookkeeping ends where shelf_bytes() says: no word lies behind it. */
START_TEST(bytes__any_size__hold_all_words)
{
	uint32_t nr = sizes[_i];
	const char *start, *end;

	set_up(nr);
	start = (const char *)shelves.summary;
	end = start + shelf_bytes(nr);
	ck_assert_uint_ge(shelves.nr_groups * 64, nr);
	ck_assert_uint_ge(shelves.nr_summaries * 64, shelves.nr_groups);
	ck_assert_ptr_eq(shelves.summary + NR_SHELVES * shelves.nr_summaries,
			 shelves.leaf);
	ck_assert_ptr_eq(shelves.leaf + NR_SHELVES * shelves.nr_groups, end);
	shelf_add(&shelves, NR_SHELVES - 1, nr - 1);
	ck_assert_uint_eq(shelf_find(&shelves, NR_SHELVES - 1, 0), nr - 1);
}
END_TEST

static uint8_t table[MOST];

static uint32_t find_in_table(uint32_t from, uint32_t nr)
{
	while (from < nr && !table[from])
		from++;
	return from < nr ? from : NONE;
}

START_TEST(add_remove_find__at_random__as_a_table_says)
{
	uint32_t nr = sizes[_i];
	unsigned i;

	set_up(nr);
	for (i = 0; i < 4000; i++) {
		uint32_t from = (uint32_t)(next_random(&seed) % nr);
		uint32_t chunk = from / (1 + i % 300);

		table[chunk] = next_random(&seed) % 3 == 0;
		if (table[chunk])
			shelf_add(&shelves, KIND, chunk);
		else
			shelf_remove(&shelves, KIND, chunk);
		if (find(from) != find_in_table(from, nr))
			ck_abort_msg("from %u of %u", from, nr);
	}
}
END_TEST

/* --- side by side --------------------------------------------------------- */

#define NR_THREADS 3
#define NR_CHUNKS 130u
#define NR_ROUNDS 30000

/* What the members stand for: how much a chunk has to give. */
static atom32 stock[NR_CHUNKS];
static atom32 nr_taken, nr_made;

static bool take(uint32_t chunk)
{
	uint32_t old = load_relaxed(&stock[chunk]);

	while (old)
		if (cas_relaxed(&stock[chunk], &old, old - 1))
			return true;
	return false;
}

/* As arena/pick.c does: off the shelf, a second look, and back. */
static void find_and_take(void)
{
	uint32_t chunk = find(0);

	while (chunk != NONE) {
		if (take(chunk)) {
			fetch_add_relaxed(&nr_taken, 1);
			return;
		}
		shelf_remove(&shelves, KIND, chunk);
		if (load_seq_cst(&stock[chunk]))
			shelf_add(&shelves, KIND, chunk);
		chunk = find(chunk + 1);
	}
}

static void *make_and_take(void *arg)
{
	uint64_t random = seed + (uintptr_t)arg * UINT64_C(0x9e3779b97f4a7c15);
	unsigned i;

	for (i = 0; i < NR_ROUNDS; i++) {
		/* Few chunks in three groups, so that leaves become empty. */
		uint32_t chunk = (uint32_t)(next_random(&random) % 3 * 64);

		if (next_random(&random) % 2) {
			fetch_add_relaxed(&nr_made, 1);
			fetch_add_seq_cst(&stock[chunk], 1);
			shelf_add(&shelves, KIND, chunk);
		} else {
			find_and_take();
		}
	}
	return NULL;
}

START_TEST(add_and_remove__side_by_side__what_is_left_is_found)
{
	pthread_t threads[NR_THREADS];
	uint32_t left, chunk;
	uintptr_t i;

	set_up(NR_CHUNKS);
	for (i = 0; i < NR_THREADS; i++)
		ck_assert(!pthread_create(&threads[i], NULL, make_and_take,
					  (void *)(i + 1)));
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (chunk = 0; chunk < NR_CHUNKS; chunk++)
		if (load_relaxed(&stock[chunk]))
			ck_assert_uint_eq(find(chunk), chunk);
	left = load_relaxed(&nr_made) - load_relaxed(&nr_taken);
	for (; left; left--)
		find_and_take();
	ck_assert_uint_eq(load_relaxed(&nr_made), load_relaxed(&nr_taken));
	find_and_take();
	ck_assert_uint_eq(find(0), NONE);
}
END_TEST

/* Lockstep of two threads: both have come to the n-th meeting. */
static void meet(uint32_t n)
{
	static atom32 nr_come;
	unsigned nr_spins = 0;

	fetch_add_seq_cst(&nr_come, 1);
	while (load_seq_cst(&nr_come) < 2 * n)
		if (++nr_spins % 1000 == 0)
			sched_yield(); /* the other may have no core */
}

static void *remove_first(void *unused)
{
	uint32_t i;

	(void)unused;
	for (i = 0; i < NR_ROUNDS; i++) {
		meet(2 * i + 1);
		shelf_remove(&shelves, KIND, 70);
		meet(2 * i + 2);
	}
	return NULL;
}

/* The summary's bit is about to go with the one, and must stay for the other.
 */
START_TEST(add__while_the_last_of_its_group_is_removed__found)
{
	uint32_t i, nr_lost = 0;
	pthread_t thread;

	set_up(NR_CHUNKS);
	ck_assert(!pthread_create(&thread, NULL, remove_first, NULL));
	for (i = 0; i < NR_ROUNDS; i++) {
		shelf_remove(&shelves, KIND, 100);
		shelf_add(&shelves, KIND, 70);
		meet(2 * i + 1);
		shelf_add(&shelves, KIND, 100);
		meet(2 * i + 2);
		nr_lost += find(0) != 100;
	}
	pthread_join(thread, NULL);
	ck_assert_uint_eq(nr_lost, 0);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("shelf");
	TCase *tc = tcase_create("shelf");
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) | 1;
	printf("SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc,
			    kinds__classes_of_a_window_and_runs__all_different,
			    0, NR_WINDOWS);
	tcase_add_test(tc, kinds__members_of_one__not_of_others);
	tcase_add_loop_test(tc, find__nothing_shelved__nothing, 0,
			    NR_SIZES_TRIED);
	tcase_add_loop_test(tc, find__one_member__from_anywhere_up_to_it, 0,
			    NR_SIZES_TRIED);
	tcase_add_loop_test(tc, find__all_shelved__each_in_turn, 0,
			    NR_SIZES_TRIED);
	tcase_add_test(tc, add_and_remove__twice__as_once);
	tcase_add_loop_test(tc, bytes__any_size__hold_all_words, 0,
			    NR_SIZES_TRIED);
	tcase_add_loop_test(tc, add_remove_find__at_random__as_a_table_says, 0,
			    NR_SIZES_TRIED);
	tcase_add_test(tc, add_and_remove__side_by_side__what_is_left_is_found);
	tcase_add_test(tc, add__while_the_last_of_its_group_is_removed__found);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
