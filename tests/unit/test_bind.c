// SPDX-License-Identifier: MIT
/*
 * What is bound to which node: mbind() is this program's own, and nodes that
 * the machine does not have do no harm.
 */
#include <check.h>
#include <numaif.h>
#include <string.h>

#include "arena/arena.h"
#include "chunk/topology.h"
#include "tests/run_suite.h"

#define NR_CALLS 4096u

static struct {
	uintptr_t first, end;
	unsigned long mask;
} calls[NR_CALLS];
static unsigned nr_calls;

/* As the library calls it: all nodes that matter are in the first word. */
__attribute__((visibility("default"))) long
mbind(void *at, unsigned long bytes, int mode, const unsigned long *mask,
      unsigned long maxnode, unsigned flags)
{
	(void)maxnode, (void)flags;
	if (mode != MPOL_PREFERRED || nr_calls == NR_CALLS)
		return -1;
	calls[nr_calls].first = (uintptr_t)at;
	calls[nr_calls].end = (uintptr_t)at + bytes;
	calls[nr_calls++].mask = *mask;
	return 0;
}

/* The node that an address was bound to last; -1 if to none. */
static int bound_to(const void *p)
{
	unsigned i;

	for (i = nr_calls; i-- > 0;)
		if ((uintptr_t)p >= calls[i].first &&
		    (uintptr_t)p < calls[i].end)
			return __builtin_ctzl(calls[i].mask);
	return -1;
}

/* 24 CPUs on so many nodes, with numbers of their own. */
static void lay_out(unsigned nr_nodes)
{
	static struct topology_source source;
	unsigned cpu;

	memset(&source, 0, sizeof(source));
	for (cpu = 0; cpu < 24; cpu++) {
		source.possible[0] |= UINT64_C(1) << cpu;
		source.node_of_cpu[cpu] = 2 * (int)(cpu % nr_nodes);
	}
	topology_build(&topology, &source);
	ck_assert(topology.placed == (nr_nodes > 1));
	memset(&layout, 0, sizeof(layout));
	nr_calls = 0;
	ck_assert(layout_init(false));
	ck_assert_uint_lt(nr_calls, NR_CALLS);
}

START_TEST(bind__any_nodes__each_units_copies_to_its_node)
{
	unsigned unit, w;

	lay_out((unsigned)_i);
	for (unit = 0; unit < layout.nr_units; unit++) {
		unsigned cpu = topology.unit_cpu[unit];
		int node = topology.node_id[topology.cpu_node[cpu]];

		for (w = 0; w < NR_WINDOWS; w++) {
			const char *first = (const char *)layout.window[w] +
					    layout.unit_offset[w][unit];

			ck_assert_int_eq(bound_to(first), node);
			ck_assert_int_eq(
				bound_to(first + layout.unit_bytes - 1), node);
		}
	}
}
END_TEST

/* Does an arena's first record of a chunk lie on a page of its own? It does not
 * in little address space, as under an emulator: arenas share pages then. */
static bool has_page(chunk_id first)
{
	uintptr_t start = (uintptr_t)chunk_of(first);
	uintptr_t end = (uintptr_t)(chunk_of(first) +
				    layout.arena_chunks * layout.node_arenas);

	return start / layout.os_page < end / layout.os_page;
}

/* Whatever the arenas' sizes: the first chunk is the one that is used. */
START_TEST(bind__any_nodes__bookkeeping_to_the_arenas_node)
{
	unsigned i;

	lay_out((unsigned)_i);
	for (i = 0; i < NR_WINDOWS * layout.nr_arenas; i++) {
		chunk_id chunk = {(i >> layout.node_shift) * layout.arena_chunks
					  << layout.node_shift |
				  i % layout.node_arenas};
		page_id page = chunk_page(chunk, 0);
		word_id word = page_word(page, 0);
		unsigned node = i % layout.nr_arenas / layout.node_arenas;
		int id = topology.node_id[node];

		ck_assert_int_eq(bound_to(word_of(word)), id);
		ck_assert_int_eq(bound_to(&layout.used[word.nr]), id);
		ck_assert_int_eq(bound_to(&layout.map[page.nr]), id);
		if (has_page(chunk))
			ck_assert_int_eq(bound_to(chunk_of(chunk)), id);
	}
}
END_TEST

START_TEST(bind__one_node__left_to_the_system)
{
	lay_out(1);
	ck_assert_uint_eq(nr_calls, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bind");
	TCase *tc = tcase_create("bind");

	tcase_add_loop_test(tc, bind__any_nodes__each_units_copies_to_its_node,
			    2, 13);
	tcase_add_loop_test(tc, bind__any_nodes__bookkeeping_to_the_arenas_node,
			    2, 13);
	tcase_add_test(tc, bind__one_node__left_to_the_system);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
