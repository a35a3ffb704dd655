// SPDX-License-Identifier: MIT
/*
 * The machine as the library sees it, against what QEMU was told to build
 * (NUMA_CPUS, NUMA_PRESENT, NUMA_IDS) and what /sys says. (Rows 25 and 34 of
 * the table of faults.)
 */
#include <pcpu.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "arena/arena.h"
#include "chunk/registry.h"
#include "guest.h"

static unsigned expected(const char *name)
{
	const char *text = getenv(name);

	require(text, "no %s", name);
	return (unsigned)strtoul(text, NULL, 10);
}

/* --- CPUs and nodes ------------------------------------------------------- */

START_TEST(cpus__possible__all_have_a_unit_and_a_copy)
{
	uint64_t possible[CPU_MASK_WORDS];
	unsigned cpu, nr = 0;
	int at;
	char *p;

	guest_list("/sys/devices/system/cpu/possible", possible);
	/* Linux 6.12.117 does not count sockets that are empty, unless
	 * the firmware says that they may be filled: that of QEMU does not. */
	if (guest_count(possible) != expected("NUMA_PRESENT"))
		ck_assert_uint_eq(guest_count(possible), expected("NUMA_CPUS"));
	ck_assert_uint_eq(topology.nr_units, guest_count(possible));
	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++)
		if ((topology.cpu_unit[cpu] != NO_UNIT) !=
		    guest_is_in(possible, cpu))
			ck_abort_msg("CPU %u", cpu);
	p = pcpu_alloc(8, 8);
	pcpu_for_each_cpu (at) {
		ck_assert(guest_is_in(possible, (unsigned)at));
		*pcpu_ptr(p, at) = (char)(at + 1);
		nr++;
	}
	ck_assert_uint_eq(nr, guest_count(possible));
	pcpu_for_each_cpu (at)
		ck_assert_int_eq(*pcpu_ptr(p, at), (char)(at + 1));
}
END_TEST

START_TEST(cpus__plugged_in__on_the_nodes_that_the_system_says)
{
	unsigned cpu, nr = 0;

	for (cpu = 0; cpu < topology.nr_cpu_ids; cpu++) {
		int node = guest_node_of_cpu(cpu);

		if (node < 0)
			continue;
		nr++;
		ck_assert_int_eq(topology.node_id[topology.cpu_node[cpu]],
				 node);
	}
	ck_assert_uint_eq(nr, expected("NUMA_PRESENT"));
}
END_TEST

START_TEST(nodes__with_cpus__by_the_systems_numbers)
{
	const char *ids = getenv("NUMA_IDS");
	char text[256] = "";
	unsigned node;

	for (node = 0; node < topology.nr_nodes; node++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s%d", node ? "," : "", topology.node_id[node]);
	ck_assert_str_eq(text, ids);
	ck_assert(topology.placed == (topology.nr_nodes > 1));
}
END_TEST

START_TEST(nodes__memory__of_the_node_or_the_nearest_with_memory)
{
	unsigned node;

	for (node = 0; node < topology.nr_nodes; node++)
		ck_assert_int_eq(topology.memory_id[node],
				 guest_memory_node(topology.node_id[node]));
}
END_TEST

/* --- order of fallback ---------------------------------------------------- */

START_TEST(nodes__from_each_one__itself_then_near_first)
{
	unsigned node, i;

	for (node = 0; node < topology.nr_nodes; node++) {
		const uint8_t *near = topology.near[node];
		int id = topology.node_id[node], last = 0;

		ck_assert_uint_eq(near[0], node);
		for (i = 1; i < topology.nr_nodes; i++) {
			int d = guest_distance(id, topology.node_id[near[i]]);

			ck_assert_int_ge(d, last);
			last = d;
		}
	}
}
END_TEST

/* Little address space, so that arenas are small. */
static void limit_memory(void)
{
	struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};

	require(setrlimit(RLIMIT_AS, &limit) == 0, "errno %d", errno);
}

/* An arena after the other is used up, in the order of distance. */
static void job_spill(void)
{
	unsigned cpu = pcpu_nr_cpus() - 1, node, here = 0, i = 0;
	struct found found;
	void *p;

	while (!guest_is_online(cpu))
		cpu--;
	guest_pin(cpu);
	node = topology.cpu_node[cpu];
	while ((p = pcpu_alloc(PCPU_SIZE_MAX, 64)) != NULL) {
		require(registry_find(p, &found), "%p", p);
		here = arena_of(page_chunk(word_page(found.object.word)))->node;
		if (here == topology.near[node][i])
			continue;
		require(here == topology.near[node][++i],
			"node %u, place %u: %u", node, i, here);
	}
	require(i == topology.nr_nodes - 1, "the last is place %u", i);
}

START_TEST(arenas__used_up__near_ones_next)
{
	struct support_exec exec = {"spill", NULL, limit_memory};
	struct support_child child;

	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
}
END_TEST

/* --- a cpuset that leaves a process one node ------------------------------ */

#define GROUP "/tmp/cgroup/numa"

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	require(file && fputs(text, file) >= 0 && fclose(file) == 0,
		"%s to %s: errno %d", text, path, errno);
}

static void enter_cpuset(void)
{
	char node[16];

	guest_require();
	snprintf(node, sizeof(node), "%d",
		 topology.memory_id[topology.nr_nodes - 1]);
	mkdir("/tmp/cgroup", 0700);
	require(mount("none", "/tmp/cgroup", "cgroup2", 0, NULL) == 0 ||
			errno == EBUSY,
		"errno %d", errno);
	put("/tmp/cgroup/cgroup.subtree_control", "+cpuset");
	mkdir(GROUP, 0700);
	put(GROUP "/cpuset.mems", node);
	put(GROUP "/cgroup.procs", "0");
	setenv("NUMA_ALLOWED", node, 1);
}

static void job_cpuset(void)
{
	int cpu, allowed = atoi(getenv("NUMA_ALLOWED"));
	char *p = pcpu_alloc(64, 64);
	unsigned node;

	for (node = 0; node < topology.nr_nodes; node++)
		require(topology.memory_id[node] == allowed, "node %u", node);
	pcpu_for_each_cpu (cpu) {
		*pcpu_ptr(p, cpu) = 1;
		require(guest_page_node(pcpu_ptr(p, cpu)) == allowed, "CPU %d",
			cpu);
	}
	pcpu_free(p);
}

START_TEST(cpuset_of_one_node__all_copies_on_it)
{
	struct support_exec exec = {"cpuset", NULL, enter_cpuset};
	struct support_child child;

	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
}
END_TEST

/* -------------------------------------------------------------------------- */

static Suite *suite(void)
{
	Suite *suite = suite_create("machine");
	TCase *tc = tcase_create("machine");

	tcase_add_test(tc, cpus__possible__all_have_a_unit_and_a_copy);
	tcase_add_test(tc, cpus__plugged_in__on_the_nodes_that_the_system_says);
	tcase_add_test(tc, nodes__with_cpus__by_the_systems_numbers);
	tcase_add_test(tc,
		       nodes__memory__of_the_node_or_the_nearest_with_memory);
	tcase_add_test(tc, nodes__from_each_one__itself_then_near_first);
	tcase_add_test(tc, arenas__used_up__near_ones_next);
	tcase_add_test(tc, cpuset_of_one_node__all_copies_on_it);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	static const struct support_job jobs[] = {
		{"spill", job_spill}, {"cpuset", job_cpuset}, {NULL, NULL}};

	return guest_main(argc, argv, suite, jobs);
}
