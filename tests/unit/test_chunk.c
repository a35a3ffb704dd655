// SPDX-License-Identifier: MIT
/*
 * A chunk's word of free pages: the transitions of its head's drawing and the
 * rows of its role matrix.
 */
#include "chunk/chunk.h"

#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chunk/word.h"
#include "tests/run_suite.h"

#define DATA_PAGES (CHUNK_PAGES - 1)
#define NR_THREADS 3
#define NR_ROUNDS 60000

static uint64_t seed;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The library links low chunks first, so this one stays ours. */
static chunk_id spare_chunk(void)
{
	return (chunk_id){layout.arena_chunks - 1};
}

static uint64_t free_of(chunk_id id)
{
	return load_relaxed(&chunk_of(id)->free);
}

static chunk_id linked(unsigned nr)
{
	chunk_id id = spare_chunk();

	chunk_link(id, nr);
	return id;
}

/* --- transitions ---------------------------------------------------------- */

START_TEST(unlinked__any_operation__finds_nothing)
{
	chunk_id id = spare_chunk();
	page_id head;

	ck_assert_uint_eq(free_of(id), 0);
	ck_assert_uint_eq(chunk_claim_run(id, 1, &head), 0);
	ck_assert(!chunk_has_run(id, 1));
	ck_assert(!chunk_retire(id));
}
END_TEST

START_TEST(link__no_page_kept__all_but_the_gap_are_free)
{
	ck_assert_uint_eq(free_of(linked(0)), CHUNK_EMPTY);
	ck_assert_uint_eq(word_count(CHUNK_EMPTY), DATA_PAGES);
	ck_assert_uint_eq(CHUNK_EMPTY & 1, 0);
}
END_TEST

START_TEST(link__pages_kept__the_first_behind_the_gap)
{
	unsigned nr = (unsigned)_i;
	chunk_id id = linked(nr);

	ck_assert_uint_eq(free_of(id), CHUNK_EMPTY & ~word_run(1, nr));
	ck_assert_uint_eq(chunk_unclaim_run(chunk_page(id, 1), nr),
			  CHUNK_EMPTY);
}
END_TEST

/* I3 */
START_TEST(claim__until_none_is_left__lowest_first_and_never_twice)
{
	unsigned nr = (unsigned)_i;
	chunk_id id = linked(0);
	uint64_t before = CHUNK_EMPTY;
	unsigned i;

	for (i = 0; i < DATA_PAGES / nr; i++) {
		page_id head;

		ck_assert_uint_eq(chunk_claim_run(id, nr, &head), before);
		ck_assert_uint_eq(page_chunk(head).nr, id.nr);
		ck_assert_uint_eq(page_index(head), 1 + i * nr);
		before &= ~word_run(page_index(head), nr);
		ck_assert_uint_eq(free_of(id), before);
	}
	ck_assert(!chunk_has_run(id, nr));
	ck_assert_uint_eq(chunk_claim_run(id, nr, &(page_id){0}), 0);
	ck_assert_uint_eq(free_of(id), before);
}
END_TEST

START_TEST(claim__only_shorter_runs_are_free__nothing)
{
	chunk_id id = linked(0);
	page_id head;
	unsigned i;

	ck_assert_uint_ne(chunk_claim_run(id, DATA_PAGES, &head), 0);
	for (i = 1; i < CHUNK_PAGES; i += 2)
		chunk_unclaim_run(chunk_page(id, i), 1);
	ck_assert(chunk_has_run(id, 1));
	ck_assert(!chunk_has_run(id, 2));
	ck_assert_uint_eq(chunk_claim_run(id, 2, &head), 0);
	chunk_unclaim_run(chunk_page(id, 32), 1);
	ck_assert(chunk_has_run(id, 3));
	ck_assert_uint_ne(chunk_claim_run(id, 2, &head), 0);
	ck_assert_uint_eq(page_index(head), 31);
}
END_TEST

START_TEST(unclaim__last_pages__tells_that_the_chunk_is_empty)
{
	chunk_id id = linked(0);
	page_id one, two;

	ck_assert_uint_ne(chunk_claim_run(id, 3, &one), 0);
	ck_assert_uint_ne(chunk_claim_run(id, 8, &two), 0);
	ck_assert_uint_eq(chunk_unclaim_run(one, 3),
			  CHUNK_EMPTY & ~word_run(4, 8));
	ck_assert_uint_eq(chunk_unclaim_run(two, 8), CHUNK_EMPTY);
}
END_TEST

START_TEST(retire__any_single_page_taken__changes_nothing)
{
	uint64_t taken = word_bit((unsigned)_i);
	chunk_id id = linked(0);

	store_relaxed(&chunk_of(id)->free, CHUNK_EMPTY & ~taken);
	ck_assert(!chunk_retire(id));
	ck_assert_uint_eq(free_of(id), CHUNK_EMPTY & ~taken);
}
END_TEST

START_TEST(retire__empty__unlinked_until_linked_again)
{
	chunk_id id = linked(0);
	page_id head;

	ck_assert(chunk_retire(id));
	ck_assert_uint_eq(free_of(id), 0);
	ck_assert(!chunk_retire(id));
	ck_assert_uint_eq(chunk_claim_run(id, 1, &head), 0);
	chunk_link(id, 0);
	ck_assert_uint_ne(chunk_claim_run(id, 1, &head), 0);
}
END_TEST

START_TEST(any_operation__on_a_chunk__leaves_its_neighbours_alone)
{
	chunk_id id = spare_chunk(), before = {id.nr - 1}, after = {id.nr + 1};
	uint64_t was = free_of(after);

	chunk_link(id, 8);
	chunk_unclaim_run(chunk_page(id, 1), 8);
	chunk_claim_run(id, 63, &(page_id){0});
	ck_assert_uint_eq(free_of(before), 0);
	ck_assert_uint_eq(free_of(after), was);
}
END_TEST

START_TEST(claim_and_unclaim__at_random__pages_have_one_owner)
{
	chunk_id id = linked(0);
	uint64_t model = CHUNK_EMPTY;
	unsigned i;

	for (i = 0; i < NR_ROUNDS; i++) {
		unsigned nr = 1 + (unsigned)(next_random(&seed) % 8);
		unsigned at = 1 + (unsigned)(next_random(&seed) % (64 - nr));
		uint64_t run = word_run(at, nr);
		page_id head;

		if (!(run & ~model & CHUNK_EMPTY) || next_random(&seed) & 1) {
			if (chunk_claim_run(id, nr, &head)) {
				run = word_run(page_index(head), nr);
				if ((model & run) != run)
					ck_abort_msg("claimed a taken page");
				model &= ~run;
			}
		} else if (!(model & run)) {
			model |= run;
			if (chunk_unclaim_run(chunk_page(id, at), nr) != model)
				ck_abort_msg("unclaim");
		}
		if (free_of(id) != model)
			ck_abort_msg("%#" PRIx64 " is free, not %#" PRIx64,
				     free_of(id), model);
	}
}
END_TEST

/* --- roles ---------------------------------------------------------------- */

static atom32 owner[CHUNK_PAGES];
static atom32 nr_claims[CHUNK_PAGES]; /* of each page so far */
static atom32 nr_errors, nr_retired, nr_idle, nr_ended;

/* Pages of a run are ours alone; note it, and take the note off again. */
static void own(page_id head, unsigned nr, uint32_t from, uint32_t to)
{
	unsigned i;

	for (i = 0; i < nr; i++)
		if (xchg_relaxed(&owner[page_index(head) + i], to) != from)
			fetch_add_relaxed(&nr_errors, 1);
	for (i = 0; i < nr && !from; i++)
		fetch_add_relaxed(&nr_claims[page_index(head) + i], 1);
}

/* Whoever retires the chunk has all of its pages. */
static void try_retire(chunk_id id)
{
	page_id first = chunk_page(id, 1);

	if (!chunk_retire(id))
		return;
	own(first, DATA_PAGES, 0, UINT32_MAX);
	own(first, DATA_PAGES, UINT32_MAX, 0);
	fetch_add_relaxed(&nr_retired, 1);
	chunk_link(id, 0);
}

static void *play_all_roles(void *arg)
{
	uint32_t self = (uint32_t)(uintptr_t)arg;
	uint64_t random = seed + self * UINT64_C(0x9e3779b97f4a7c15);
	chunk_id id = spare_chunk();
	unsigned i;

	for (i = 0; i < NR_ROUNDS; i++) {
		unsigned nr = 1 + (unsigned)(next_random(&random) % 8);
		page_id head;

		if (chunk_claim_run(id, nr, &head)) {
			own(head, nr, 0, self);
			if (i % 16 == 0)
				sched_yield();
			own(head, nr, self, 0);
			chunk_unclaim_run(head, nr);
		}
		try_retire(id);
	}
	fetch_add_relaxed(&nr_ended, 1);
	return NULL;
}

/* Who claims a page that is idle still is the first since it was noted. */
static void try_idle(chunk_id id, unsigned page)
{
	page_id head = chunk_page(id, page);
	uint32_t before;

	chunk_note_idle(id);
	if (!(chunk_idle(id) >> page & 1))
		return;
	before = load_relaxed(&nr_claims[page]);
	sched_yield();
	if (!chunk_claim_idle(id, word_bit(page)))
		return;
	if (chunk_is_idle(id, word_bit(page))) {
		fetch_add_relaxed(&nr_idle, 1);
		if (load_relaxed(&nr_claims[page]) != before)
			fetch_add_relaxed(&nr_errors, 1);
	}
	own(head, 1, 0, UINT32_MAX);
	own(head, 1, UINT32_MAX, 0);
	chunk_unclaim_run(head, 1);
}

static void *note_and_claim(void *unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; load_relaxed(&nr_ended) < NR_THREADS; i++)
		try_idle(spare_chunk(), 1 + i % DATA_PAGES);
	return NULL;
}

START_TEST(claim_unclaim_retire_link__side_by_side__pages_have_one_owner)
{
	pthread_t threads[NR_THREADS], noter;
	chunk_id id = linked(0);
	uintptr_t i;

	ck_assert(!pthread_create(&noter, NULL, note_and_claim, NULL));
	for (i = 0; i < NR_THREADS; i++)
		ck_assert(!pthread_create(&threads[i], NULL, play_all_roles,
					  (void *)(i + 1)));
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(noter, NULL);
	ck_assert_uint_eq(load_relaxed(&nr_errors), 0);
	ck_assert_uint_gt(load_relaxed(&nr_idle), 0);
	ck_assert_uint_gt(load_relaxed(&nr_retired), 0);
	ck_assert_uint_eq(free_of(id), CHUNK_EMPTY);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("chunk");
	TCase *tc = tcase_create("chunk");
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) | 1;
	printf("SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, unlinked__any_operation__finds_nothing);
	tcase_add_test(tc, link__no_page_kept__all_but_the_gap_are_free);
	tcase_add_loop_test(tc, link__pages_kept__the_first_behind_the_gap, 1,
			    9);
	tcase_add_loop_test(
		tc, claim__until_none_is_left__lowest_first_and_never_twice, 1,
		9);
	tcase_add_test(tc, claim__only_shorter_runs_are_free__nothing);
	tcase_add_test(tc, unclaim__last_pages__tells_that_the_chunk_is_empty);
	tcase_add_loop_test(tc, retire__any_single_page_taken__changes_nothing,
			    1, CHUNK_PAGES);
	tcase_add_test(tc, retire__empty__unlinked_until_linked_again);
	tcase_add_test(tc,
		       any_operation__on_a_chunk__leaves_its_neighbours_alone);
	tcase_add_test(tc, claim_and_unclaim__at_random__pages_have_one_owner);
	tcase_add_test(
		tc,
		claim_unclaim_retire_link__side_by_side__pages_have_one_owner);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
