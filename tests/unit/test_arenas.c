// SPDX-License-Identifier: MIT
/*
 * Several arenas per node: how many there are, their numbers, and which one is
 * a CPU's own. On two simulated nodes with four each.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "chunk/topology.h"
#include "simulate.h"
#include "tests/run_suite.h"

#define NR_TEST_NODES 2u
#define NR_SHARES 4u

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
		ck_assert_ptr_eq(arena_of(a->pool.first), a);
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
			ck_assert_ptr_ne(arena_near(WINDOW_SKEWED,
						    topology.unit_cpu[i], 0, 0),
					 arena_near(WINDOW_SKEWED,
						    topology.unit_cpu[j], 0,
						    0));
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

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite = suite_create("arenas");
	TCase *tc = tcase_create("arenas");

	(void)argc;
	simulate(argv, 64, NR_TEST_NODES, 5); /* rounded down */
	tcase_add_test(tc, arenas__several_a_node__numbered_node_by_node);
	tcase_add_loop_test(
		tc, near__any_cpu__all_of_its_node_once_then_all_of_the_next, 0,
		64);
	tcase_add_test(tc, near__neighbouring_cpus__each_its_own);
	tcase_add_test(tc, start__several_a_node__the_first_alone_has_a_chunk);
	tcase_add_loop_test(tc,
			    arenas__by_cpus_and_nodes__a_power_of_two_of_each,
			    0, sizeof(machines) / sizeof(*machines));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
