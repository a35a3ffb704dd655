// SPDX-License-Identifier: MIT
/*
 * Several arenas per node: in which order they are asked, that nothing is made
 * new before, and whose runs of pages count when some go back. On two simulated
 * nodes with four each.
 */
#include <check.h>

#include "arena/arena.h"
#include "chunk/topology.h"
#include "no_front.h"
#include "reclaim/reclaim.h"
#include "reserve_slabs.h"
#include "simulate.h"
#include "tests/run_suite.h"
#include "tests/settle.h"

#define NR_TEST_NODES 2u
#define NR_SHARES 4u

/* Of the first window; of the first node up to NR_SHARES, then of the next. */
static struct arena *arena(unsigned share)
{
	return arena_at(share);
}

/* A CPU whose own arena is that of the share. */
static unsigned cpu_of(unsigned share)
{
	unsigned node = share / NR_SHARES;

	return topology.unit_cpu[topology.first_unit[node] + share % NR_SHARES];
}

static page_id pick(unsigned class, unsigned share)
{
	struct request r = {.class = class, .cpu = cpu_of(share)};
	struct object object;

	ck_assert(arena_pick(&r, &object));
	return word_page(object.word);
}

static struct arena *picked_in(unsigned class, unsigned share)
{
	return arena_of(page_chunk(pick(class, share)));
}

static uint32_t nr_chunks(unsigned share)
{
	return load_relaxed(&arena(share)->nr_chunks);
}

/* Takes pages of the first chunk of a share's node until `nr` are left. */
static void leave_pages_for(unsigned share, unsigned nr)
{
	struct arena *first = arena_first(WINDOW_SKEWED, share / NR_SHARES);
	page_id head;

	while (chunk_count_free(first->pool.first) > nr)
		arena_note_claim(first,
				 chunk_claim_run(first->pool.first, 1, &head));
}

static void leave_pages(unsigned nr)
{
	leave_pages_for(0, nr);
}

/* A full slab of the share's arena that nobody has reserved. */
static page_id full_slab(unsigned class, unsigned share)
{
	struct request r = {.class = class, .cpu = cpu_of(share)};
	struct object object;
	page_id head;

	leave_pages_for(share, CHUNK_PAGES / 2);
	head = pick(class, share);
	ck_assert_ptr_eq(arena_of(page_chunk(head)), arena(share));
	while (slot_advance(&r, &object))
		;
	slots_drain(WINDOW_SKEWED);
	return head;
}

/* --- in which order they are asked ---------------------------------------- */

START_TEST(pick__little_in_use__all_share_the_first_chunk)
{
	unsigned share;

	leave_pages(CHUNK_PAGES / 2 + NR_SHARES);
	for (share = 0; share < NR_SHARES; share++)
		ck_assert_ptr_eq(picked_in(A_LINE, share), arena(0));
}
END_TEST

START_TEST(pick__half_a_chunk_in_use__each_gets_one_and_but_one)
{
	unsigned share, i;

	leave_pages(CHUNK_PAGES / 2);
	for (i = 0; i < 3; i++)
		for (share = 1; share < NR_SHARES; share++)
			ck_assert_ptr_eq(picked_in(LARGEST, share),
					 arena(share));
	for (share = 1; share < NR_SHARES; share++)
		ck_assert_uint_eq(nr_chunks(share), 1);
}
END_TEST

/* There nothing is linked at the start. */
START_TEST(pick__pages_window__the_first_chunk_is_the_first_arenas)
{
	struct arena *first = arena_first(WINDOW_PAGES, 0);
	unsigned share;

	for (share = NR_SHARES; share-- > 0;)
		ck_assert_ptr_eq(picked_in(A_LINE + NR_SIZES, share), first);
	ck_assert_uint_eq(load_relaxed(&first->nr_chunks), 1);
}
END_TEST

/* Of two chunks the lower one went when it was empty. */
START_TEST(pick__first_chunk_is_gone__the_next_one_is_shared)
{
	page_id head[8];
	unsigned i, share;

	for (i = 0; i < 8; i++)
		head[i] = pick(LARGEST, 0);
	slots_drain(WINDOW_SKEWED);
	ck_assert_uint_eq(page_chunk(head[7]).nr, NR_SHARES);
	for (i = 8; i-- > 0;)
		arena_unclaim((struct object){page_word(head[i], 0), 0},
			      LARGEST);
	ck_assert_uint_eq(chunk_count_free(arena(0)->pool.first), 0);
	for (share = 1; share < NR_SHARES; share++)
		ck_assert_uint_eq(page_chunk(pick(A_LINE, share)).nr,
				  NR_SHARES);
}
END_TEST

/* It may have to give back what this one keeps. */
START_TEST(pick__second_chunk_of_the_node__there_is_a_worker)
{
	unsigned before = settle_nr_threads();

	leave_pages(CHUNK_PAGES / 2);
	pick(A_LINE, 0);
	ck_assert_uint_eq(settle_nr_threads(), before);
	ck_assert_ptr_eq(picked_in(A_LINE, 1), arena(1));
	/* TSan may start one of its own then. */
	ck_assert_uint_gt(settle_nr_threads(), before);
}
END_TEST

/* Seven slabs of eight pages leave seven pages of 63. */
START_TEST(pick__own_chunk_full__pages_of_the_others_before_another)
{
	unsigned i, share;

	leave_pages(CHUNK_PAGES / 2);
	for (share = 1; share < NR_SHARES; share++)
		ck_assert_ptr_eq(picked_in(LARGEST, share), arena(share));
	for (i = 1; i < 7; i++)
		ck_assert_ptr_eq(picked_in(LARGEST, 2), arena(2));
	for (i = 1; i < 7; i++)
		ck_assert_ptr_eq(picked_in(LARGEST, 2), arena(3));
	ck_assert_ptr_eq(picked_in(LARGEST, 2), arena(0));
	/* What is left in those of shares 0 and 1. */
	for (i = 0; i < 3 + 6; i++)
		ck_assert_ptr_ne(picked_in(LARGEST, 2), arena(2));
	ck_assert_ptr_eq(picked_in(LARGEST, 2), arena(2));
	for (share = 0; share < NR_SHARES; share++)
		ck_assert_uint_eq(nr_chunks(share), share == 2 ? 2 : 1);
}
END_TEST

START_TEST(pick__listed_in_own_and_in_another__own)
{
	page_id own = full_slab(A_LINE, 3), other = full_slab(A_LINE, 1);

	make_room(other, A_LINE);
	make_room(own, A_LINE);
	ck_assert_uint_eq(pick(A_LINE, 3).nr, own.nr);
	ck_assert_uint_eq(pick(A_LINE, 1).nr, other.nr);
}
END_TEST

START_TEST(pick__listed_in_another__before_new_pages_of_own)
{
	page_id other = full_slab(A_LINE, (unsigned)_i);
	unsigned share = ((unsigned)_i + 1) % NR_SHARES;

	make_room(other, A_LINE);
	ck_assert_uint_eq(pick(A_LINE, share).nr, other.nr);
	ck_assert_uint_ne(pick(A_LINE - 1, share).nr, other.nr);
}
END_TEST

START_TEST(pick__set_aside_in_another__before_a_fresh_chunk)
{
	struct request r = {.class = LARGEST};
	struct object object;
	chunk_id id;

	leave_pages(0);
	ck_assert(pool_claim(&arena(3)->pool, &id));
	pool_put(&arena(3)->pool, arena(3)->pool.retired, id);
	fetch_add_relaxed(&arena(3)->pool.nr_set_aside, 1);
	r.cpu = cpu_of(0);
	ck_assert(arena_pick(&r, &object));
	ck_assert_uint_eq(page_chunk(word_page(object.word)).nr, id.nr);
	ck_assert_uint_eq(nr_chunks(0), 1);
	ck_assert_uint_eq(nr_chunks(3), 1);
}
END_TEST

START_TEST(pick__own_cannot_grow__another_of_the_node_then_the_next_node)
{
	unsigned share;

	leave_pages(0);
	take_numbers(arena(2));
	ck_assert_ptr_eq(picked_in(LARGEST, 2), arena(3));
	for (share = 0; share < NR_SHARES; share++)
		take_numbers(arena(share));
	while (arena_of(page_chunk(pick(LARGEST, 2)))->node == 0)
		;
	/* The node's first has a chunk, so the same share's gets none. */
	ck_assert_ptr_eq(picked_in(LARGEST, 2), arena(NR_SHARES));
}
END_TEST

START_TEST(pick__without_waiting__what_any_arena_has)
{
	struct request r = {.class = LARGEST, .nowait = true};
	struct object object;
	unsigned nr;

	r.cpu = cpu_of(3);
	for (nr = 0; arena_pick(&r, &object); nr++)
		;
	ck_assert_uint_eq(nr, 7 * NR_TEST_NODES); /* in each first chunk */
}
END_TEST

/* Too few are free for the slab to be listed; the next node's arenas too. */
START_TEST(pick__one_object_of_an_unlisted_slab__found_in_any_arena)
{
	page_id full = full_slab(A_LINE, (unsigned)_i);
	struct request r = {.class = A_LINE};
	struct object last = nth(full, 40), object;
	unsigned i;

	r.cpu = cpu_of(((unsigned)_i + 1) % NR_SHARES);
	for (i = 0; i < layout.nr_arenas; i++)
		exhaust(arena(i));
	ck_assert(!arena_pick(&r, &object));
	arena_unclaim(last, A_LINE);
	ck_assert(!is_listed(full, A_LINE));
	ck_assert(arena_pick(&r, &object));
	ck_assert_uint_eq(object.word.nr, last.word.nr);
	ck_assert_uint_eq(object.bit, last.bit);
}
END_TEST

/* --- whose runs count when pages go back ---------------------------------- */

/* Makes the free pages of a chunk idle, with old data. */
static void make_idle(chunk_id id)
{
	store_relaxed(&chunk_of(id)->dirty, load_relaxed(&chunk_of(id)->free));
	chunk_note_idle(id);
}

static bool has_returnable(chunk_id id)
{
	return chunk_returnable(id, load_relaxed(&chunk_of(id)->free)) != 0;
}

/* The next node has a chunk full of them. */
START_TEST(give_back__only_long_run_of_the_node__stays)
{
	chunk_id first = arena(0)->pool.first;

	ck_assert_uint_eq(load_relaxed(&arena(NR_SHARES)->nr_chunks), 1);
	leave_pages(SLAB_PAGES_MAX);
	make_idle(first);
	ck_assert_uint_eq(arena_pages.give_back(), 0);
	ck_assert(has_returnable(first));
}
END_TEST

/* Share 0: its own second chunk. */
START_TEST(give_back__another_arena_has_such_a_run__both_go)
{
	chunk_id first = arena(0)->pool.first, second;

	leave_pages(_i ? CHUNK_PAGES / 2 : 0);
	second = page_chunk(pick(LARGEST, (unsigned)_i));
	ck_assert_uint_ne(second.nr, first.nr);
	ck_assert_ptr_eq(arena_of(second), arena((unsigned)_i));
	if (_i == 0)
		chunk_unclaim_run(chunk_page(first, 1), SLAB_PAGES_MAX);
	leave_pages(SLAB_PAGES_MAX);
	make_idle(first);
	make_idle(second);
	ck_assert_uint_gt(arena_pages.give_back(), 0);
	ck_assert(!has_returnable(first));
	ck_assert(!has_returnable(second));
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite = suite_create("near");
	TCase *tc = tcase_create("near");

	(void)argc;
	simulate(argv, 64, NR_TEST_NODES, NR_SHARES);
	without_front(argv);
	tcase_add_test(tc,
		       pick__pages_window__the_first_chunk_is_the_first_arenas);
	tcase_add_test(tc, pick__first_chunk_is_gone__the_next_one_is_shared);
	tcase_add_test(tc, pick__second_chunk_of_the_node__there_is_a_worker);
	tcase_add_test(tc, pick__little_in_use__all_share_the_first_chunk);
	tcase_add_test(tc,
		       pick__half_a_chunk_in_use__each_gets_one_and_but_one);
	tcase_add_test(
		tc, pick__own_chunk_full__pages_of_the_others_before_another);
	tcase_add_test(tc, pick__listed_in_own_and_in_another__own);
	tcase_add_loop_test(tc,
			    pick__listed_in_another__before_new_pages_of_own, 1,
			    NR_SHARES);
	tcase_add_test(tc, pick__set_aside_in_another__before_a_fresh_chunk);
	tcase_add_test(
		tc,
		pick__own_cannot_grow__another_of_the_node_then_the_next_node);
	tcase_add_test(tc, pick__without_waiting__what_any_arena_has);
	tcase_add_loop_test(
		tc, pick__one_object_of_an_unlisted_slab__found_in_any_arena, 0,
		2 * NR_SHARES);
	tcase_add_test(tc, give_back__only_long_run_of_the_node__stays);
	tcase_add_loop_test(tc,
			    give_back__another_arena_has_such_a_run__both_go, 0,
			    NR_SHARES);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
