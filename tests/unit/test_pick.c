// SPDX-License-Identifier: MIT
/*
 * Steps 2 to 7 of an allocation, on four simulated nodes with an arena each:
 * each step only when the ones before found nothing.
 */
#include <check.h>

#include "arena/arena.h"
#include "chunk/topology.h"
#include "no_front.h"
#include "reserve_slabs.h"
#include "simulate.h"
#include "tests/run_suite.h"

#define NR_TEST_NODES 4u

/* The first CPU of a node. */
static unsigned cpu_of(unsigned node)
{
	return topology.unit_cpu[topology.first_unit[node]];
}

static struct arena *nearest(unsigned window, unsigned node, unsigned i)
{
	return arena_near(window, cpu_of(node), i, 0);
}

static bool try_pick(unsigned class, unsigned cpu, bool nowait,
		     struct object *object)
{
	struct request r = {.class = class, .cpu = cpu, .nowait = nowait};

	return arena_pick(&r, object);
}

static struct object pick(unsigned class, unsigned cpu)
{
	struct object object;

	ck_assert(try_pick(class, cpu, false, &object));
	return object;
}

static page_id head_of(struct object object)
{
	return word_page(object.word);
}

static struct arena *arena_of_object(struct object object)
{
	return arena_of(page_chunk(head_of(object)));
}

static uint32_t slot(unsigned class, unsigned cpu)
{
	return load_relaxed(&arena_slots[cpu].slot[class].word);
}

static void exhaust_all(unsigned window)
{
	unsigned node;

	for (node = 0; node < NR_TEST_NODES; node++)
		exhaust(nearest(window, node, 0));
}

/* Claims the rest of the slab and has the CPU's slot let go of it. */
static void fill_slab(unsigned class, unsigned cpu)
{
	struct request r = {.class = class, .cpu = cpu};
	struct object object;

	while (slot_advance(&r, &object))
		;
	slots_drain(size_classes[class].window);
	ck_assert_uint_eq(slot(class, cpu), 0);
}

/* --- steps 2 to 5 --------------------------------------------------------- */

START_TEST(pick__first_of_a_class__new_slab_on_the_cpus_node)
{
	unsigned node, window;

	for (window = 0; window < NR_WINDOWS; window++)
		for (node = 0; node < NR_TEST_NODES; node++) {
			unsigned class = A_LINE + window * NR_SIZES;
			unsigned cpu = cpu_of(node);
			struct object object = pick(class, cpu);

			ck_assert_ptr_eq(arena_of_object(object),
					 nearest(window, node, 0));
			ck_assert_uint_eq(slot(class, cpu), object.word.nr);
			ck_assert(slab_is_reserved(head_of(object)));
		}
}
END_TEST

START_TEST(pick__again__from_the_slab_that_the_slot_names)
{
	page_id head = head_of(pick(A_LINE, cpu_of(0)));
	unsigned n;

	for (n = 1; n < WORD_BITS; n++)
		ck_assert_uint_eq(head_of(pick(A_LINE, cpu_of(0))).nr, head.nr);
	ck_assert_uint_ne(head_of(pick(A_LINE, cpu_of(0))).nr, head.nr);
	ck_assert(!slab_is_reserved(head));
}
END_TEST

START_TEST(pick__by_two_cpus_of_a_node__two_slabs_of_one_chunk)
{
	unsigned other = topology.first_unit[1] - 1;
	page_id one = head_of(pick(A_LINE, cpu_of(0))), two;

	two = head_of(pick(A_LINE, topology.unit_cpu[other]));
	ck_assert_uint_ne(one.nr, two.nr);
	ck_assert_uint_eq(page_chunk(one).nr, page_chunk(two).nr);
}
END_TEST

START_TEST(pick__a_slab_is_listed__before_a_new_one)
{
	unsigned cpu = cpu_of(2);
	page_id full = head_of(pick(A_LINE, cpu));

	fill_slab(A_LINE, cpu);
	make_room(full, A_LINE);
	ck_assert_uint_eq(head_of(pick(A_LINE, cpu)).nr, full.nr);
	ck_assert(slab_is_reserved(full));
	ck_assert_uint_eq(load_relaxed(&chunk_of(page_chunk(full))->room), 0);
}
END_TEST

START_TEST(pick__slabs_listed_in_two_chunks__from_the_lower)
{
	unsigned cpu = cpu_of(0);
	page_id heads[70];
	unsigned i;

	for (i = 0; i < 70; i++) {
		heads[i] = head_of(pick(A_LINE, cpu));
		fill_slab(A_LINE, cpu);
	}
	ck_assert_uint_ne(page_chunk(heads[0]).nr, page_chunk(heads[69]).nr);
	make_room(heads[69], A_LINE);
	make_room(heads[7], A_LINE);
	ck_assert_uint_eq(head_of(pick(A_LINE, cpu)).nr, heads[7].nr);
}
END_TEST

/* Seven slabs of eight pages leave seven pages of 63. */
START_TEST(pick__new_slabs__in_the_lowest_chunk_with_such_a_run)
{
	struct arena *arena = nearest(WINDOW_SKEWED, 1, 0);
	unsigned cpu = cpu_of(1), i;

	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(page_chunk(head_of(pick(LARGEST, cpu))).nr,
				  arena->pool.first.nr + i / 7);
	ck_assert_uint_eq(load_relaxed(&arena->nr_chunks), 3);
	ck_assert_uint_eq(page_chunk(head_of(pick(A_LINE, cpu))).nr,
			  arena->pool.first.nr);
}
END_TEST

START_TEST(pick__hints_that_lead_nowhere__removed_on_the_way)
{
	struct arena *arena = nearest(WINDOW_SKEWED, 0, 0);
	struct shelves *shelves = &arena->shelves;
	uint32_t i;

	for (i = 1; i < layout.arena_chunks && i < 200; i += 9) {
		shelf_add(shelves, SHELF_CLASS(A_LINE), i);
		shelf_add(shelves, SHELF_RUN(1), i);
	}
	exhaust(arena);
	ck_assert_ptr_ne(arena_of_object(pick(A_LINE, cpu_of(0))), arena);
	ck_assert_uint_eq(shelf_find(shelves, SHELF_CLASS(A_LINE), 0),
			  UINT32_MAX);
	ck_assert_uint_eq(shelf_find(shelves, SHELF_RUN(1), 0), UINT32_MAX);
}
END_TEST

/* The chunk is on the shelves of both classes: both stay findable. */
START_TEST(pick__listed_slab_of_another_class__stays_listed)
{
	unsigned cpu = cpu_of(0);
	page_id full = head_of(pick(A_LINE, cpu));
	uint32_t i = pool_index(&arena_at(0)->pool, page_chunk(full));

	fill_slab(A_LINE, cpu);
	make_room(full, A_LINE);
	shelf_add(&arena_at(0)->shelves, SHELF_CLASS(A_LINE - 1), i);
	ck_assert_uint_ne(head_of(pick(A_LINE - 1, cpu)).nr, full.nr);
	ck_assert_uint_eq(head_of(pick(A_LINE, cpu)).nr, full.nr);
}
END_TEST

START_TEST(pick__own_node_can_grow__before_what_others_have_listed)
{
	unsigned cpu = cpu_of(1);
	page_id full = head_of(pick(LARGEST, cpu));
	struct arena *mine = nearest(WINDOW_SKEWED, 0, 0);
	unsigned i;

	fill_slab(LARGEST, cpu);
	arena_unclaim((struct object){page_word(full, 0), 0}, LARGEST);
	for (i = 0; i < 8; i++)
		ck_assert_ptr_eq(arena_of_object(pick(LARGEST, cpu_of(0))),
				 mine);
	ck_assert_uint_eq(load_relaxed(&mine->nr_chunks), 2);
}
END_TEST

/* --- steps 6 and 7 -------------------------------------------------------- */

/* On every node, in both windows: exhaust the arenas one after the other. */
START_TEST(pick__node_after_node_exhausted__from_the_next_nearest)
{
	unsigned node = (unsigned)_i % NR_TEST_NODES, i;
	unsigned window = (unsigned)_i / NR_TEST_NODES;
	unsigned class = LARGEST + window * NR_SIZES;
	struct object object;

	for (i = 0; i < NR_TEST_NODES; i++) {
		struct arena *arena = nearest(window, node, i);

		ck_assert_ptr_eq(arena_of_object(pick(class, cpu_of(node))),
				 arena);
		exhaust(arena);
	}
	ck_assert(!try_pick(class, cpu_of(node), false, &object));
	ck_assert(try_pick(class == LARGEST ? class + NR_SIZES : LARGEST,
			   cpu_of(node), false, &object));
}
END_TEST

START_TEST(pick__own_node_exhausted__what_others_have_listed)
{
	page_id full = head_of(pick(A_LINE, cpu_of(1)));

	fill_slab(A_LINE, cpu_of(1));
	make_room(full, A_LINE);
	exhaust_all(WINDOW_SKEWED);
	ck_assert_uint_eq(head_of(pick(A_LINE, cpu_of(3))).nr, full.nr);
	ck_assert_uint_eq(slot(A_LINE, cpu_of(3)), page_word(full, 0).nr);
}
END_TEST

START_TEST(pick__room_only_in_what_others_reserve__drained_for_us)
{
	page_id theirs = head_of(pick(A_LINE, cpu_of(2)));
	struct object object;

	exhaust_all(WINDOW_SKEWED);
	ck_assert(!try_pick(A_LINE, cpu_of(0), true, &object));
	ck_assert_uint_eq(slot(A_LINE, cpu_of(2)), page_word(theirs, 0).nr);
	ck_assert_uint_eq(head_of(pick(A_LINE, cpu_of(0))).nr, theirs.nr);
	ck_assert_uint_eq(slot(A_LINE, cpu_of(2)), 0);
}
END_TEST

/* What other classes keep reserved without need is pages for us. */
START_TEST(pick__pages_only_in_empty_reserved_slabs__retired_for_us)
{
	struct object theirs = pick(LARGEST, cpu_of(2));

	exhaust_all(WINDOW_SKEWED);
	arena_unclaim(theirs, LARGEST);
	ck_assert(slab_is(head_of(theirs), LARGEST));
	ck_assert_uint_eq(head_of(pick(A_LINE, cpu_of(0))).nr,
			  head_of(theirs).nr);
}
END_TEST

/* Fewer free objects than make it worth listing, or a hint that is late. */
START_TEST(pick__one_object_of_an_unlisted_slab__found_at_last)
{
	unsigned cpu = cpu_of(3);
	page_id full = head_of(pick(A_LINE, cpu));
	struct object last = {page_word(full, 0), 40}, object;

	fill_slab(A_LINE, cpu);
	exhaust_all(WINDOW_SKEWED);
	ck_assert(!try_pick(A_LINE, cpu_of(0), false, &object));
	arena_unclaim(last, A_LINE);
	ck_assert(!try_pick(A_LINE, cpu_of(0), true, &object));
	ck_assert(try_pick(A_LINE, cpu_of(0), false, &object));
	ck_assert_uint_eq(object.word.nr, last.word.nr);
	ck_assert_uint_eq(object.bit, last.bit);
	ck_assert(!try_pick(A_LINE, cpu_of(0), false, &object));
}
END_TEST

START_TEST(pick__without_waiting__no_fresh_chunk_but_all_there_is)
{
	unsigned nr = 0;
	struct object object;

	while (try_pick(LARGEST, cpu_of(0), true, &object))
		nr++;
	ck_assert_uint_eq(nr, 7 * NR_TEST_NODES); /* in each first chunk */
	ck_assert_ptr_eq(arena_of_object(pick(LARGEST, cpu_of(0))),
			 nearest(WINDOW_SKEWED, 0, 0));
}
END_TEST

/* -------------------------------------------------------------------------- */

static TCase *case_near(void)
{
	TCase *tc = tcase_create("near");

	tcase_add_test(tc, pick__first_of_a_class__new_slab_on_the_cpus_node);
	tcase_add_test(tc, pick__again__from_the_slab_that_the_slot_names);
	tcase_add_test(tc, pick__by_two_cpus_of_a_node__two_slabs_of_one_chunk);
	tcase_add_test(tc, pick__a_slab_is_listed__before_a_new_one);
	tcase_add_test(tc, pick__slabs_listed_in_two_chunks__from_the_lower);
	tcase_add_test(tc,
		       pick__new_slabs__in_the_lowest_chunk_with_such_a_run);
	tcase_add_test(tc, pick__hints_that_lead_nowhere__removed_on_the_way);
	tcase_add_test(tc, pick__listed_slab_of_another_class__stays_listed);
	tcase_add_test(tc,
		       pick__own_node_can_grow__before_what_others_have_listed);
	return tc;
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("pick");
	TCase *tc = tcase_create("far");

	(void)argc;
	/* So many CPUs leave each little address space, so it is exhausted
	 * soon. */
	simulate(argv, 4096, NR_TEST_NODES, 1);
	without_front(argv);
	tcase_add_loop_test(
		tc, pick__node_after_node_exhausted__from_the_next_nearest, 0,
		NR_WINDOWS * NR_TEST_NODES);
	tcase_add_test(tc, pick__own_node_exhausted__what_others_have_listed);
	tcase_add_test(tc,
		       pick__room_only_in_what_others_reserve__drained_for_us);
	tcase_add_test(
		tc, pick__pages_only_in_empty_reserved_slabs__retired_for_us);
	tcase_add_test(tc, pick__one_object_of_an_unlisted_slab__found_at_last);
	tcase_add_test(tc,
		       pick__without_waiting__no_fresh_chunk_but_all_there_is);
	suite_add_tcase(suite, case_near());
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
