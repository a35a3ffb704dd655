// SPDX-License-Identifier: MIT
/*
 * Numbering of CPUs, units and nodes; simulated topologies, read anew.
 */
#include "chunk/topology.h"

#include "tests/run_suite.h"
#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* --- lists ---------------------------------------------------------------- */

static uint64_t mask[CPU_MASK_WORDS];

static unsigned members(void)
{
	unsigned i, nr = 0;

	for (i = 0; i < CPU_MASK_WORDS; i++)
		nr += (unsigned)__builtin_popcountll(mask[i]);
	return nr;
}

static bool member(unsigned cpu)
{
	return mask[cpu / 64] >> cpu % 64 & 1;
}

static const struct {
	const char *list;
	unsigned nr, first, last;
} lists[] = {
	{"0", 1, 0, 0},
	{"0\n", 1, 0, 0},
	{"0-3", 4, 0, 3},
	{"0-3,8\n", 5, 0, 8},
	{"5,7,9-10", 4, 5, 10},
	{"63-64", 2, 63, 64},
	{"0-8191", 8192, 0, 8191},
	{"8191", 1, 8191, 8191},
	{"3,3,2-3", 2, 2, 3},
	{"10,2", 2, 2, 10},
};
#define NR_LISTS ((int)(sizeof(lists) / sizeof(*lists)))

START_TEST(parse_list__legal__those_cpus)
{
	memset(mask, 0xff, sizeof(mask));
	ck_assert(topology_parse_list(lists[_i].list, mask));
	ck_assert_uint_eq(members(), lists[_i].nr);
	ck_assert(member(lists[_i].first));
	ck_assert(member(lists[_i].last));
}
END_TEST

static const char *const no_lists[] = {"",
				       "\n",
				       "a",
				       "-1",
				       "3-1",
				       "1,",
				       "0-",
				       "0-+3",
				       "0- 3",
				       "0\nx",
				       ",1",
				       "1;2",
				       "8192",
				       "0-8192",
				       "1 2",
				       " 1",
				       "0x1",
				       "1-2-3",
				       "99999999999999999999999",
				       "0-99999999999999999999999"};
#define NR_NO_LISTS ((int)(sizeof(no_lists) / sizeof(*no_lists)))

START_TEST(parse_list__illegal__refused)
{
	ck_assert(!topology_parse_list(no_lists[_i], mask));
}
END_TEST

/* --- injected sources ----------------------------------------------------- */

static struct topology_source source;
static struct topology t;

static void start(void)
{
	unsigned cpu;

	memset(&source, 0, sizeof(source));
	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++)
		source.node_of_cpu[cpu] = -1;
}

static void add(unsigned cpu, int node)
{
	source.possible[cpu / 64] |= UINT64_C(1) << cpu % 64;
	source.node_of_cpu[cpu] = node;
}

static bool is_possible(unsigned cpu)
{
	return source.possible[cpu / 64] >> cpu % 64 & 1;
}

/* What holds for every topology. */
static void check_numbers(void)
{
	unsigned cpu, unit, node, nr = 0;

	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++) {
		unit = t.cpu_unit[cpu];
		nr += is_possible(cpu);
		if ((unit != NO_UNIT) != is_possible(cpu))
			ck_abort_msg("CPU %u: unit %u", cpu, unit);
		if (unit == NO_UNIT)
			continue;
		if (unit >= t.nr_units || t.unit_cpu[unit] != cpu)
			ck_abort_msg("unit %u is not CPU %u", unit, cpu);
		if (cpu >= t.nr_cpu_ids || t.cpu_node[cpu] >= t.nr_nodes)
			ck_abort_msg("CPU %u is out of range", cpu);
		node = t.cpu_node[cpu];
		if (unit < t.first_unit[node] || unit >= t.first_unit[node + 1])
			ck_abort_msg("unit %u is not of node %u", unit, node);
	}
	ck_assert_uint_eq(t.nr_units, nr);
	ck_assert(is_possible(t.nr_cpu_ids - 1));
	ck_assert_uint_eq(t.first_unit[0], 0);
	ck_assert_uint_eq(t.first_unit[t.nr_nodes], nr);
	for (node = 0; node < t.nr_nodes; node++)
		ck_assert_uint_lt(t.first_unit[node], t.first_unit[node + 1]);
}

static void build(void)
{
	memset(&t, 0xa5, sizeof(t));
	topology_build(&t, &source);
	check_numbers();
}

START_TEST(build__one_cpu__one_unit_one_node)
{
	start();
	add(0, 0);
	build();
	ck_assert_uint_eq(t.nr_cpu_ids, 1);
	ck_assert_uint_eq(t.nr_nodes, 1);
	ck_assert(!t.placed);
}
END_TEST

START_TEST(build__sparse_cpus__dense_units)
{
	start();
	add(3, 0);
	add(70, 0);
	add(8191, 0);
	build();
	ck_assert_uint_eq(t.nr_cpu_ids, 8192);
	ck_assert_uint_eq(t.nr_units, 3);
	ck_assert_uint_eq(t.cpu_unit[70], 1);
	ck_assert_uint_eq(t.cpu_unit[0], NO_UNIT);
}
END_TEST

START_TEST(build__interleaved_nodes__units_node_after_node)
{
	unsigned cpu;

	start();
	for (cpu = 0; cpu < 16; cpu++)
		add(cpu, (int)(cpu % 2));
	build();
	ck_assert_uint_eq(t.nr_nodes, 2);
	ck_assert_uint_eq(t.first_unit[1], 8);
	ck_assert_uint_eq(t.cpu_unit[14], 7);
	ck_assert_uint_eq(t.cpu_unit[1], 8);
	ck_assert(t.placed);
}
END_TEST

/* Node 1 has memory alone, so no CPU names it. */
START_TEST(build__sparse_node_ids__dense_nodes_that_keep_their_id)
{
	start();
	add(0, 8);
	add(1, 0);
	add(2, 300);
	add(3, 8);
	build();
	ck_assert_uint_eq(t.nr_nodes, 3);
	ck_assert_int_eq(t.node_id[t.cpu_node[0]], 8);
	ck_assert_int_eq(t.node_id[t.cpu_node[1]], 0);
	ck_assert_int_eq(t.node_id[t.cpu_node[2]], 300);
	ck_assert_uint_eq(t.cpu_node[3], t.cpu_node[0]);
}
END_TEST

START_TEST(build__no_node_is_known__one_node)
{
	unsigned cpu;

	start();
	for (cpu = 0; cpu < 100; cpu++)
		add(cpu, -1);
	build();
	ck_assert_uint_eq(t.nr_nodes, 1);
	ck_assert(!t.placed);
}
END_TEST

START_TEST(build__unknown_node__that_of_the_cpu_before)
{
	start();
	add(0, -1);
	add(1, 5);
	add(2, -1);
	add(9, 2);
	add(11, -1);
	build();
	ck_assert_uint_eq(t.cpu_node[2], t.cpu_node[1]);
	ck_assert_uint_eq(t.cpu_node[11], t.cpu_node[9]);
	ck_assert_int_eq(t.node_id[t.cpu_node[0]], 0);
}
END_TEST

START_TEST(build__more_nodes_than_the_limit__the_rest_share_the_last)
{
	unsigned cpu;

	start();
	for (cpu = 0; cpu < 200; cpu++)
		add(cpu, 2 * (int)cpu);
	build();
	ck_assert_uint_eq(t.nr_nodes, NODES_MAX);
	ck_assert_uint_eq(t.cpu_node[62], 62);
	ck_assert_int_eq(t.node_id[NODES_MAX - 1], 2 * (NODES_MAX - 1));
	ck_assert_uint_eq(t.cpu_node[199], NODES_MAX - 1);
	ck_assert_uint_eq(t.first_unit[NODES_MAX] - t.first_unit[NODES_MAX - 1],
			  200 - (NODES_MAX - 1));
}
END_TEST

START_TEST(build__random_sources__numbers_agree)
{
	unsigned round, i;

	for (round = 0; round < 200; round++) {
		unsigned nr = 1 + (unsigned)(next_random() % 300);
		unsigned nodes = 1 + (unsigned)(next_random() % 80);
		unsigned span = 1 + (unsigned)(next_random() % 8192);

		start();
		for (i = 0; i < nr; i++)
			add((unsigned)(next_random() % span),
			    (int)(next_random() % (nodes + 1)) - 1);
		build();
	}
}
END_TEST

/* --- the system's and simulated ones -------------------------------------- */

/* A real CPU or two can have holes between them; those stay. */
static void read_as(const char *cpus, const char *nodes)
{
	unsetenv("PCPU_POSSIBLE_CPUS");
	unsetenv("PCPU_NODES");
	if (cpus)
		setenv("PCPU_POSSIBLE_CPUS", cpus, 1);
	if (nodes)
		setenv("PCPU_NODES", nodes, 1);
	memset(&t, 0xa5, sizeof(t));
	topology_read(&t);
}

START_TEST(read__nothing_simulated__every_configured_cpu)
{
	read_as(NULL, NULL);
	ck_assert_uint_ge(t.nr_units, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	ck_assert_uint_ge(t.nr_cpu_ids, t.nr_units);
	ck_assert(t.placed == (t.nr_nodes > 1));
}
END_TEST

START_TEST(read__cpus_simulated__so_many_and_not_placed)
{
	read_as("4099", NULL);
	ck_assert_uint_eq(t.nr_cpu_ids, 4099);
	ck_assert_uint_ne(t.cpu_unit[4098], NO_UNIT);
	ck_assert(!t.placed);
}
END_TEST

START_TEST(read__nodes_simulated__cpus_spread_evenly)
{
	unsigned node, share;

	read_as("4096", "64");
	ck_assert_uint_eq(t.nr_nodes, 64);
	ck_assert(!t.placed);
	share = t.nr_units / 64;
	for (node = 0; node < 64; node++) {
		unsigned nr = t.first_unit[node + 1] - t.first_unit[node];

		ck_assert_uint_ge(nr, share);
		ck_assert_uint_le(nr, share + 1);
	}
}
END_TEST

static const char *const bad_numbers[] = {
	"0", "8193", "x", "", "-5", "70 ", "99999999999999999999999", "0x99"};
#define NR_BAD_NUMBERS ((int)(sizeof(bad_numbers) / sizeof(*bad_numbers)))

/* Says so in a line each, and takes the system's. */
START_TEST(read__bad_number__reported_and_ignored)
{
	struct topology real;
	char line[512];
	ssize_t n;
	int ends[2];

	read_as(NULL, NULL);
	real = t;
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	read_as(bad_numbers[_i], bad_numbers[_i]);
	n = read(ends[0], line, sizeof(line) - 1);
	ck_assert_int_gt(n, 0);
	line[n] = '\0';
	ck_assert_ptr_nonnull(strstr(line, "libpcpu: PCPU_POSSIBLE_CPUS="));
	ck_assert_ptr_nonnull(strstr(line, "libpcpu: PCPU_NODES="));
	ck_assert_mem_eq(&real, &t, sizeof(t));
}
END_TEST

/* -------------------------------------------------------------------------- */

static TCase *case_build(void)
{
	TCase *tc = tcase_create("build");

	tcase_add_loop_test(tc, parse_list__legal__those_cpus, 0, NR_LISTS);
	tcase_add_loop_test(tc, parse_list__illegal__refused, 0, NR_NO_LISTS);
	tcase_add_test(tc, build__one_cpu__one_unit_one_node);
	tcase_add_test(tc, build__sparse_cpus__dense_units);
	tcase_add_test(tc, build__interleaved_nodes__units_node_after_node);
	tcase_add_test(tc,
		       build__sparse_node_ids__dense_nodes_that_keep_their_id);
	tcase_add_test(tc, build__no_node_is_known__one_node);
	tcase_add_test(tc, build__unknown_node__that_of_the_cpu_before);
	tcase_add_test(
		tc, build__more_nodes_than_the_limit__the_rest_share_the_last);
	tcase_add_test(tc, build__random_sources__numbers_agree);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("topology");
	TCase *tc = tcase_create("read");
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) | 1;
	printf("SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	tcase_add_test(tc, read__nothing_simulated__every_configured_cpu);
	tcase_add_test(tc, read__cpus_simulated__so_many_and_not_placed);
	tcase_add_test(tc, read__nodes_simulated__cpus_spread_evenly);
	tcase_add_loop_test(tc, read__bad_number__reported_and_ignored, 0,
			    NR_BAD_NUMBERS);
	suite_add_tcase(suite, case_build());
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
