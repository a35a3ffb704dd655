// SPDX-License-Identifier: MIT
/*
 * Which free pages of a chunk are idle, and of which the memory can go back.
 */
#include <check.h>
#include <stdlib.h>

#include "chunk/chunk.h"
#include "chunk/word.h"
#include "tests/run_suite.h"

/* The library links low chunks first, so this one stays ours. */
static chunk_id linked(unsigned nr)
{
	chunk_id id = {layout.arena_chunks - 1};

	chunk_link(id, nr);
	return id;
}

static uint64_t free_of(chunk_id id)
{
	return load_relaxed(&chunk_of(id)->free);
}

START_TEST(note_idle__some_pages_taken__the_free_ones_until_claimed)
{
	chunk_id id = linked(5);
	uint64_t idle = CHUNK_EMPTY & ~word_run(1, 5);
	page_id head;

	ck_assert_uint_eq(chunk_idle(id), 0);
	chunk_note_idle(id);
	ck_assert_uint_eq(chunk_idle(id), idle);
	ck_assert(chunk_claim_run(id, 3, &head));
	chunk_unclaim_run(head, 3);
	ck_assert_uint_eq(chunk_idle(id), idle & ~word_run(6, 3));
	/* Noted later than the others. */
	chunk_unclaim_run(chunk_page(id, 1), 5);
	ck_assert_uint_eq(chunk_idle(id), idle & ~word_run(6, 3));
	chunk_note_idle(id);
	ck_assert_uint_eq(chunk_idle(id), CHUNK_EMPTY);
}
END_TEST

START_TEST(claim_idle__any_page_taken__changes_nothing)
{
	chunk_id id = linked(5);
	uint64_t free = free_of(id);

	chunk_note_idle(id);
	ck_assert_uint_eq(chunk_claim_idle(id, word_run(5, 2)), 0);
	ck_assert_uint_eq(free_of(id), free);
	ck_assert_uint_eq(chunk_claim_idle(id, word_run(6, 2)), free);
	ck_assert_uint_eq(free_of(id), free & ~word_run(6, 2));
	ck_assert(chunk_is_idle(id, word_run(6, 2)));
	ck_assert(!chunk_is_idle(id, word_run(5, 2)));
	chunk_unclaim_run(chunk_page(id, 6), 2);
	ck_assert(chunk_is_idle(id, word_run(6, 2)));
}
END_TEST

START_TEST(retire_and_link__idle_pages__none_is)
{
	chunk_id id = linked(0);

	chunk_note_idle(id);
	ck_assert(chunk_retire(id));
	chunk_link(id, 8);
	chunk_unclaim_run(chunk_page(id, 1), 8);
	ck_assert_uint_eq(chunk_idle(id), 0);
}
END_TEST

/* In the skewed window a page needs the next one, but for the last. */
START_TEST(returnable__dirty_pages__with_a_free_page_behind)
{
	chunk_id id = linked(0);

	ck_assert_uint_eq(chunk_returnable(id, CHUNK_EMPTY), 0);
	store_relaxed(&chunk_of(id)->dirty, CHUNK_EMPTY);
	ck_assert_uint_eq(chunk_returnable(id, CHUNK_EMPTY), CHUNK_EMPTY);
	ck_assert_uint_eq(chunk_returnable(id, word_run(5, 3)), word_run(5, 2));
	ck_assert_uint_eq(chunk_returnable(id, word_bit(63)), word_bit(63));
	chunk_clean(id, word_run(5, 2));
	ck_assert_uint_eq(chunk_returnable(id, word_run(5, 3)), 0);
	ck_assert_uint_eq(load_relaxed(&chunk_of(id)->dirty),
			  CHUNK_EMPTY & ~word_run(5, 2));
	chunk_clean(id, CHUNK_EMPTY);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("idle");
	TCase *tc = tcase_create("idle");

	tcase_add_test(
		tc, note_idle__some_pages_taken__the_free_ones_until_claimed);
	tcase_add_test(tc, claim_idle__any_page_taken__changes_nothing);
	tcase_add_test(tc, retire_and_link__idle_pages__none_is);
	tcase_add_test(tc, returnable__dirty_pages__with_a_free_page_behind);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
