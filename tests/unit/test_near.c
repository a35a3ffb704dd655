// SPDX-License-Identifier: MIT
/*
 * Several arenas per node: which one is a CPU's own, and that the others are
 * asked before anything is made new. On two simulated nodes with four each.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena/arena.h"
#include "chunk/topology.h"
#include "no_front.h"
#include "tests/run_suite.h"

#define NR_TEST_NODES 2u
#define NR_SHARES 4u

/* Classes by size: 1 page, 8 pages. */
#define A_LINE (FIRST_CLASS(WINDOW_SKEWED) + 15)
#define LARGEST NR_SIZES

/* Of the first window, and of the first node there. */
static struct arena *arena(unsigned share)
{
	return arena_at(share);
}

/* A CPU of the first node whose own arena is that of the share. */
static unsigned cpu_of(unsigned share)
{
	return topology.unit_cpu[share];
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

/* All of the arena's fresh numbers, less `spare`, are ours from now on. */
static void leave_chunks(struct arena *arena, unsigned spare)
{
	chunk_id id[8], last;
	unsigned i;

	for (i = 0; i < spare; i++)
		ck_assert(pool_claim(&arena->pool, &id[i]));
	while (pool_claim(&arena->pool, &last))
		;
	while (i-- > 0)
		pool_unclaim(&arena->pool, id[i]);
}

/* Takes pages of the node's first chunk until `nr` are left. */
static void leave_pages(unsigned nr)
{
	chunk_id first = arena(0)->first;
	page_id head;

	while (chunk_count_free(first) > nr)
		arena_note_claim(arena(0), chunk_claim_run(first, 1, &head));
}

/* A full slab of the share's arena that nobody has reserved. */
static page_id full_slab(unsigned class, unsigned share)
{
	struct request r = {.class = class, .cpu = cpu_of(share)};
	struct object object;
	page_id head;

	leave_pages(CHUNK_PAGES / 2);
	head = pick(class, share);
	ck_assert_ptr_eq(arena_of(page_chunk(head)), arena(share));
	while (slot_advance(&r, &object))
		;
	slots_drain(WINDOW_SKEWED);
	return head;
}

/* Frees objects of a full slab until it is listed. */
static void make_room(page_id head, unsigned class)
{
	unsigned bit;

	for (bit = 0; bit <= size_classes[class].spare; bit++)
		arena_unclaim((struct object){page_word(head, 0), bit}, class);
}

/* --- which there are ------------------------------------------------------ */

START_TEST(arenas__several_a_node__numbered_node_by_node)
{
	unsigned i;

	ck_assert_uint_eq(layout.node_arenas, NR_SHARES);
	ck_assert_uint_eq(layout.nr_arenas, NR_TEST_NODES * NR_SHARES);
	ck_assert_uint_eq(arena_count(), NR_WINDOWS * layout.nr_arenas);
	for (i = 0; i < arena_count(); i++) {
		const struct arena *a = arena_at(i);

		ck_assert_uint_eq(a->window, i / layout.nr_arenas);
		ck_assert_uint_eq(a->node, i / NR_SHARES % NR_TEST_NODES);
		ck_assert_ptr_eq(arena_in(a->window, i % layout.nr_arenas), a);
		ck_assert_ptr_eq(arena_of(a->first), a);
	}
}
END_TEST

START_TEST(near__any_cpu__all_of_its_node_once_then_all_of_the_next)
{
	unsigned cpu = topology.unit_cpu[_i], far, i;

	for (far = 0; far < NR_TEST_NODES; far++) {
		unsigned node = (topology.cpu_node[cpu] + far) % NR_TEST_NODES;
		bool seen[NR_SHARES] = {false};

		for (i = 0; i < NR_SHARES; i++) {
			struct arena *a =
				arena_near(WINDOW_SKEWED, cpu, far, i);
			long share = a - arena_first(WINDOW_SKEWED, node);

			ck_assert(share >= 0 && share < (long)NR_SHARES);
			ck_assert(!seen[share]);
			seen[share] = true;
		}
	}
}
END_TEST

START_TEST(near__neighbouring_cpus__each_its_own)
{
	unsigned i, j;

	for (i = 0; i < NR_SHARES; i++)
		for (j = 0; j < i; j++)
			ck_assert_ptr_ne(
				arena_near(WINDOW_SKEWED, cpu_of(i), 0, 0),
				arena_near(WINDOW_SKEWED, cpu_of(j), 0, 0));
}
END_TEST

START_TEST(start__several_a_node__the_first_alone_has_a_chunk)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++)
		ck_assert_uint_eq(load_relaxed(&arena_at(i)->nr_chunks),
				  i < layout.nr_arenas && i % NR_SHARES == 0);
}
END_TEST

/* How many a node has, by what it is made of and asked for. */
static const struct {
	unsigned nr_cpus, nr_nodes;
	const char *asked, *huge;
	unsigned nr;
} machines[] = {
	{1, 1, NULL, NULL, 1},    {2, 1, NULL, NULL, 2},
	{7, 1, NULL, NULL, 4},    {64, 1, NULL, NULL, 8},
	{64, 8, NULL, NULL, 8},   {64, 16, NULL, NULL, 4},
	{128, 64, NULL, NULL, 1}, {16, 1, NULL, "1", 1},
	{16, 1, "1", NULL, 1},    {16, 1, "3", NULL, 2},
	{1, 1, "8", NULL, 8},     {16, 16, "8", NULL, 4},
	{16, 1, "4", "1", 4},     {16, 1, "9", NULL, 8},
};

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

START_TEST(arenas__by_cpus_and_nodes__a_power_of_two_of_each)
{
	static struct topology_source source;
	unsigned nr = machines[_i].nr_cpus, cpu;

	for (cpu = 0; cpu < nr; cpu++) {
		source.possible[cpu / 64] |= UINT64_C(1) << cpu % 64;
		source.node_of_cpu[cpu] = (int)(cpu % machines[_i].nr_nodes);
	}
	set("PCPU_ARENAS", machines[_i].asked);
	set("PCPU_HUGEPAGES", machines[_i].huge);
	topology_build(&topology, &source);
	topology.placed = false;
	memset(&layout, 0, sizeof(layout));
	ck_assert(layout_init(false));
	ck_assert_uint_eq(layout.node_arenas, machines[_i].nr);
	ck_assert_uint_eq(layout.nr_arenas,
			  machines[_i].nr * machines[_i].nr_nodes);
}
END_TEST

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
	leave_chunks(arena(2), 0);
	ck_assert_ptr_eq(picked_in(LARGEST, 2), arena(3));
	for (share = 0; share < NR_SHARES; share++)
		leave_chunks(arena(share), 0);
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

/* -------------------------------------------------------------------------- */

static void simulate(char **argv)
{
	if (getenv("TEST_IS_SIMULATED"))
		return;
	setenv("TEST_IS_SIMULATED", "1", 1);
	setenv("PCPU_POSSIBLE_CPUS", "64", 1);
	setenv("PCPU_NODES", "2", 1);
	setenv("PCPU_ARENAS", "5", 1); /* rounded down */
	execv("/proc/self/exe", argv);
	abort();
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("near");
	TCase *tc = tcase_create("near");

	(void)argc;
	simulate(argv);
	without_front(argv);
	tcase_add_test(tc, arenas__several_a_node__numbered_node_by_node);
	tcase_add_loop_test(
		tc, near__any_cpu__all_of_its_node_once_then_all_of_the_next, 0,
		64);
	tcase_add_test(tc, near__neighbouring_cpus__each_its_own);
	tcase_add_test(tc, start__several_a_node__the_first_alone_has_a_chunk);
	tcase_add_loop_test(tc,
			    arenas__by_cpus_and_nodes__a_power_of_two_of_each,
			    0, sizeof(machines) / sizeof(*machines));
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
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
