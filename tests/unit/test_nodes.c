// SPDX-License-Identifier: MIT
/*
 * What the topology makes of distances, and of nodes without memory: sources
 * are injected.
 */
#include "chunk/topology.h"

#include "tests/run_suite.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct topology_source source;
static struct topology t;

/* A CPU on each of the nodes. */
static void build(unsigned nr, const int *nodes)
{
	unsigned cpu;

	for (cpu = 0; cpu < nr; cpu++) {
		source.possible[0] |= UINT64_C(1) << cpu;
		source.node_of_cpu[cpu] = nodes[cpu];
	}
	memset(&t, 0xa5, sizeof(t));
	topology_build(&t, &source);
	ck_assert_uint_eq(t.nr_nodes, nr);
}

static const int tens[] = {0, 10, 20, 30, 40};

/* Nodes lie on a line, but for 30, of which nothing is known. */
static int line(int from, int to)
{
	if (from == 30 || to == 30)
		return 0;
	return 10 + abs(to - from);
}

/* --- distances ------------------------------------------------------------ */

static void expect_near(unsigned node, const unsigned *expected)
{
	unsigned i;

	for (i = 0; i < t.nr_nodes; i++)
		if (t.near[node][i] != expected[i])
			ck_abort_msg("node %u, place %u: %u", node, i,
				     t.near[node][i]);
}

START_TEST(near__no_distances__around_the_ring)
{
	build(4, tens);
	expect_near(0, (unsigned[]){0, 1, 2, 3});
	expect_near(2, (unsigned[]){2, 3, 0, 1});
}
END_TEST

/* Of two that are as far the ring's next comes first. */
START_TEST(near__distances__itself_then_near_nodes_then_unknown_ones)
{
	source.distance = line;
	build(5, tens);
	expect_near(0, (unsigned[]){0, 1, 2, 4, 3});
	expect_near(1, (unsigned[]){1, 2, 0, 4, 3});
	expect_near(4, (unsigned[]){4, 2, 1, 0, 3});
	expect_near(3, (unsigned[]){3, 4, 0, 1, 2});
}
END_TEST

static int liar(int from, int to)
{
	return from == to ? 40 : 20;
}

START_TEST(near__node_far_from_itself__itself_first)
{
	source.distance = liar;
	build(2, tens);
	expect_near(0, (unsigned[]){0, 1});
	expect_near(1, (unsigned[]){1, 0});
}
END_TEST

/* --- memory --------------------------------------------------------------- */

static void add_memory(int node)
{
	source.has_memory[node / 64] |= UINT64_C(1) << node % 64;
}

START_TEST(memory__nothing_known__of_the_node_itself)
{
	unsigned node;

	source.distance = line;
	build(5, tens);
	for (node = 0; node < 5; node++)
		ck_assert_int_eq(t.memory_id[node], tens[node]);
}
END_TEST

/* It may have no CPU, and be further than the next one that has. */
START_TEST(memory__node_without__of_the_nearest_that_has_any)
{
	source.distance = line;
	add_memory(0);
	add_memory(24);
	add_memory(40);
	build(5, tens);
	ck_assert_int_eq(t.memory_id[0], 0);
	ck_assert_int_eq(t.memory_id[1], 0);
	ck_assert_int_eq(t.memory_id[2], 24);
	ck_assert_int_eq(t.memory_id[4], 40);
}
END_TEST

START_TEST(memory__node_without_and_unknown_distance__of_any_that_has)
{
	source.distance = line;
	add_memory(20);
	add_memory(1023);
	build(5, tens);
	ck_assert_int_eq(t.memory_id[3], 20);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("nodes");
	TCase *tc = tcase_create("sources");

	tcase_add_test(tc, near__no_distances__around_the_ring);
	tcase_add_test(
		tc, near__distances__itself_then_near_nodes_then_unknown_ones);
	tcase_add_test(tc, near__node_far_from_itself__itself_first);
	tcase_add_test(tc, memory__nothing_known__of_the_node_itself);
	tcase_add_test(tc, memory__node_without__of_the_nearest_that_has_any);
	tcase_add_test(
		tc, memory__node_without_and_unknown_distance__of_any_that_has);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
