// SPDX-License-Identifier: MIT
/*
 * The arenas of simulated nodes: their numbers, the order of fallback, and how
 * chunks come (arena/grow.c) and go. Without CK_FORK, as TSan takes the lock of
 * a worker in a forked child for one held twice: each test has its own arena.
 */
#include "arena/arena.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "chunk/topology.h"
#include "chunk/word.h"
#include "pcpu.h"
#include "simulate.h"
#include "tests/run_suite.h"

#define NR_TEST_NODES 16u

/* Classes by size: 1 page, 8 pages. */
#define A_LINE (FIRST_CLASS(WINDOW_SKEWED) + 15)
#define LARGEST NR_SIZES

static struct arena *spare;

/* The first CPU of a node. */
static unsigned cpu_of(unsigned node)
{
	return topology.unit_cpu[topology.first_unit[node]];
}

/* An arena that nobody has used. */
static struct arena *spare_arena(void)
{
	return spare;
}

static void set_up(void)
{
	static unsigned nr_used;

	spare = arena_at(arena_count() - ++nr_used);
	ck_assert_uint_eq(spare->window, WINDOW_PAGES);
}

static uint32_t nr_chunks(const struct arena *arena)
{
	return load_relaxed(&arena->nr_chunks);
}

static uint32_t nr_empty(const struct arena *arena)
{
	return load_relaxed(&arena->nr_empty);
}

static bool grow(struct arena *arena, unsigned class, bool nowait,
		 page_id *head)
{
	struct request r = {.class = class, .nowait = nowait};
	struct object object;

	if (!arena_grow(arena, &r, &object))
		return false;
	ck_assert_uint_eq(object_index(object), 0);
	*head = word_page(object.word);
	return true;
}

/* A new chunk whose one slab is free again, but not reaped yet. */
static page_id grow_and_empty(struct arena *arena)
{
	unsigned class = A_LINE + arena->window * NR_SIZES;
	page_id head;

	ck_assert(grow(arena, class, false, &head));
	slab_unclaim((struct object){page_word(head, 0), 0});
	slab_unreserve(head);
	ck_assert(slab_retire(head, class));
	return head;
}

static bool is_shelved(struct arena *arena, unsigned kind, uint32_t chunk)
{
	return shelf_find(&arena->shelves, kind, chunk) == chunk;
}

/* --- start ---------------------------------------------------------------- */

START_TEST(init__again__changes_nothing)
{
	struct arena *arena = arena_at(0);
	atom64 *words = layout.words;

	errno = 0;
	ck_assert(arena_init());
	ck_assert(arena_is_ready());
	ck_assert_ptr_eq(layout.words, words);
	ck_assert_uint_eq(nr_chunks(arena), 1);
}
END_TEST

START_TEST(arenas__each_window_and_node__one_and_chunks_tell_which)
{
	unsigned window, node;

	ck_assert_uint_eq(layout.nr_nodes, NR_TEST_NODES);
	ck_assert_uint_eq(arena_count(), NR_WINDOWS * NR_TEST_NODES);
	for (window = 0; window < NR_WINDOWS; window++)
		for (node = 0; node < NR_TEST_NODES; node++) {
			unsigned index = window * NR_TEST_NODES + node;
			struct arena *arena = arena_at(index);
			uint32_t first = arena->pool.first.nr;
			uint32_t last = first + layout.arena_chunks - 1;

			ck_assert_uint_eq(arena->window, window);
			ck_assert_uint_eq(arena->node, node);
			ck_assert_uint_eq(first, index * layout.arena_chunks);
			ck_assert_ptr_eq(arena_of((chunk_id){first}), arena);
			ck_assert_ptr_eq(arena_of((chunk_id){last}), arena);
			ck_assert_uint_eq(
				page_window(chunk_page((chunk_id){last}, 63)),
				window);
		}
}
END_TEST

START_TEST(nearest__simulated_nodes__own_first_then_around_the_ring)
{
	unsigned window, node, i;

	for (window = 0; window < NR_WINDOWS; window++)
		for (node = 0; node < NR_TEST_NODES; node++)
			for (i = 0; i < NR_TEST_NODES; i++) {
				unsigned want = (node + i) % NR_TEST_NODES;

				ck_assert_ptr_eq(
					arena_near(window, cpu_of(node), i, 0),
					arena_at(window * NR_TEST_NODES +
						 want));
			}
}
END_TEST

/* So that NOWAIT callers find something. */
START_TEST(start__skewed_window__an_empty_chunk_on_each_node)
{
	unsigned node, nr;

	for (node = 0; node < NR_TEST_NODES; node++) {
		struct arena *arena = arena_at(node);

		ck_assert_uint_eq(nr_chunks(arena), 1);
		ck_assert_uint_eq(nr_empty(arena), 1);
		ck_assert_uint_eq(
			load_relaxed(&chunk_of(arena->pool.first)->free),
			CHUNK_EMPTY);
		for (nr = 1; nr <= SLAB_PAGES_MAX; nr++)
			ck_assert(is_shelved(arena, SHELF_RUN(nr), 0));
		ck_assert_uint_eq(nr_chunks(arena_at(NR_TEST_NODES + node)), 0);
	}
}
END_TEST

/* --- grow ----------------------------------------------------------------- */

START_TEST(grow__fresh_number__linked_with_a_reserved_slab_in_front)
{
	struct arena *arena = spare_arena();
	unsigned class = LARGEST + NR_SIZES, nr;
	page_id head;

	ck_assert(grow(arena, class, false, &head));
	ck_assert_uint_eq(head.nr, chunk_page(arena->pool.first, 1).nr);
	ck_assert(slab_is(head, class));
	ck_assert(slab_is_reserved(head));
	ck_assert_uint_eq(load_relaxed(&chunk_of(arena->pool.first)->free),
			  CHUNK_EMPTY & ~word_run(1, 8));
	for (nr = 1; nr <= SLAB_PAGES_MAX; nr++)
		ck_assert(is_shelved(arena, SHELF_RUN(nr), 0));
	ck_assert_uint_eq(nr_chunks(arena), 1);
	ck_assert_uint_eq(nr_empty(arena), 0);
}
END_TEST

/* More than a word has bits, where the layout has so many: under memcheck it
 * has not. */
START_TEST(grow__several_times__low_numbers_first_and_counted)
{
	struct arena *arena = spare_arena();
	uint32_t all = arena->pool.nr_chunks, nr = all < 70 ? all : 70, i;
	page_id head;

	ck_assert_uint_gt(nr, 1);
	for (i = 0; i < nr; i++) {
		ck_assert(grow(arena, A_LINE + NR_SIZES, false, &head));
		ck_assert_uint_eq(page_chunk(head).nr,
				  arena->pool.first.nr + i);
	}
	ck_assert_uint_eq(nr_chunks(arena), nr);
	ck_assert_uint_eq(load_relaxed(&arena->max_chunks), nr);
}
END_TEST

START_TEST(grow__without_waiting__no_fresh_number)
{
	page_id head;

	ck_assert(!grow(spare_arena(), A_LINE + NR_SIZES, true, &head));
	ck_assert_uint_eq(nr_chunks(spare_arena()), 0);
	ck_assert(!pool_is_taken(&spare_arena()->pool,
				 spare_arena()->pool.first));
}
END_TEST

/* Its pages are still there, so that costs least, and no system entry. */
START_TEST(grow__chunk_set_aside__taken_back_even_without_waiting)
{
	struct arena *arena = spare_arena();
	page_id one = grow_and_empty(arena), two = grow_and_empty(arena), head;

	urcu_bp_read_lock(); /* no round ends: what is set aside stays so */
	arena_reap(one, A_LINE + NR_SIZES);
	arena_reap(two, A_LINE + NR_SIZES);
	ck_assert_uint_eq(nr_chunks(arena), 1);
	ck_assert(grow(arena, A_LINE + NR_SIZES, _i, &head));
	ck_assert_uint_eq(page_chunk(head).nr, page_chunk(two).nr);
	ck_assert_uint_eq(nr_chunks(arena), 2);
	ck_assert_uint_eq(load_relaxed(&arena->max_chunks), 2);
	urcu_bp_read_unlock();
}
END_TEST

START_TEST(grow__no_number_left__refused)
{
	struct arena *arena = spare_arena();
	chunk_id id;
	page_id head;

	while (pool_claim(&arena->pool, &id))
		;
	ck_assert(!grow(arena, A_LINE + NR_SIZES, false, &head));
	pool_unclaim(&arena->pool, id);
	ck_assert(grow(arena, A_LINE + NR_SIZES, false, &head));
}
END_TEST

START_TEST(link_first__no_chunk_or_some__an_empty_one_or_nothing)
{
	struct arena *arena = spare_arena();

	arena_link_first(arena);
	ck_assert_uint_eq(nr_chunks(arena), 1);
	ck_assert_uint_eq(nr_empty(arena), 1);
	arena_link_first(arena);
	ck_assert_uint_eq(nr_chunks(arena), 1);
	ck_assert_uint_eq(load_relaxed(&chunk_of(arena->pool.first)->free),
			  CHUNK_EMPTY);
}
END_TEST

/* --- reap and retire ------------------------------------------------------ */

START_TEST(reap__slab_of_a_chunk_in_use__its_run_is_offered)
{
	struct arena *arena = spare_arena();
	unsigned class = A_LINE + NR_SIZES;
	page_id head = grow_and_empty(arena), other;
	atom64 *room = &chunk_of(arena->pool.first)->room;

	ck_assert(chunk_claim_run(arena->pool.first, 62, &other));
	shelf_remove(&arena->shelves, SHELF_RUN(1), 0);
	shelf_remove(&arena->shelves, SHELF_RUN(2), 0);
	fetch_or_relaxed(room, word_bit(page_index(head)));
	arena_reap(head, class);
	ck_assert(is_shelved(arena, SHELF_RUN(1), 0));
	ck_assert(!is_shelved(arena, SHELF_RUN(2), 0));
	ck_assert_uint_eq(load_relaxed(room), 0);
	ck_assert_uint_eq(nr_empty(arena), 0);
}
END_TEST

START_TEST(reap__first_chunk_that_empties__kept_and_the_next_set_aside)
{
	struct arena *arena = spare_arena();
	page_id one = grow_and_empty(arena), two = grow_and_empty(arena);

	urcu_bp_read_lock(); /* no round ends: what is set aside stays so */
	arena_reap(one, A_LINE + NR_SIZES);
	ck_assert_uint_eq(nr_empty(arena), 1);
	ck_assert_uint_eq(nr_chunks(arena), 2);
	arena_reap(two, A_LINE + NR_SIZES);
	ck_assert_uint_eq(nr_empty(arena), 1);
	ck_assert_uint_eq(nr_chunks(arena), 1);
	ck_assert_uint_eq(load_relaxed(&chunk_of(page_chunk(two))->free), 0);
	ck_assert(pool_is_taken(&arena->pool, page_chunk(two)));
	ck_assert_uint_eq(load_relaxed(&arena->max_chunks), 2);
	urcu_bp_read_unlock();
}
END_TEST

START_TEST(retire_empty__all_that_are_empty__and_no_other)
{
	struct arena *arena = spare_arena();
	page_id empty = grow_and_empty(arena), live;

	urcu_bp_read_lock(); /* no round ends: what is set aside stays so */
	ck_assert(grow(arena, A_LINE + NR_SIZES, false, &live));
	arena_reap(empty, A_LINE + NR_SIZES);
	arena_retire_empty(arena);
	ck_assert_uint_eq(nr_empty(arena), 0);
	ck_assert_uint_eq(nr_chunks(arena), 1);
	ck_assert_uint_ne(load_relaxed(&chunk_of(page_chunk(live))->free), 0);
	arena_retire_empty(arena);
	ck_assert_uint_eq(nr_chunks(arena), 1);
	urcu_bp_read_unlock();
}
END_TEST

/* -------------------------------------------------------------------------- */

static TCase *case_chunks(void)
{
	TCase *tc = tcase_create("chunks");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(
		tc, grow__fresh_number__linked_with_a_reserved_slab_in_front);
	tcase_add_test(tc, grow__several_times__low_numbers_first_and_counted);
	tcase_add_test(tc, grow__without_waiting__no_fresh_number);
	tcase_add_loop_test(
		tc, grow__chunk_set_aside__taken_back_even_without_waiting, 0,
		2);
	tcase_add_test(tc, grow__no_number_left__refused);
	tcase_add_test(tc, reap__slab_of_a_chunk_in_use__its_run_is_offered);
	tcase_add_test(
		tc,
		reap__first_chunk_that_empties__kept_and_the_next_set_aside);
	tcase_add_test(tc, retire_empty__all_that_are_empty__and_no_other);
	tcase_add_test(tc,
		       link_first__no_chunk_or_some__an_empty_one_or_nothing);
	return tc;
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("arena");
	TCase *tc = tcase_create("start");

	(void)argc;
	simulate(argv, NR_TEST_NODES * pcpu_nr_cpus(), NR_TEST_NODES, 1);
	tcase_add_test(tc, init__again__changes_nothing);
	tcase_add_test(tc,
		       arenas__each_window_and_node__one_and_chunks_tell_which);
	tcase_add_test(
		tc, nearest__simulated_nodes__own_first_then_around_the_ring);
	tcase_add_test(tc, start__skewed_window__an_empty_chunk_on_each_node);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, case_chunks());
	return run_suite_here(suite);
}
