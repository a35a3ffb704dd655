// SPDX-License-Identifier: MIT
#include "chunk/topology.h"

#include <limits.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chunk/env.h"
#include "chunk/sysfile.h"

struct topology topology;

static bool mask_test(const uint64_t *mask, unsigned cpu)
{
	return mask[cpu / 64] >> cpu % 64 & 1;
}

static void mask_set(uint64_t *mask, unsigned cpu)
{
	mask[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

/* The number at *text, which is moved behind it. */
static bool parse_number(const char **text, unsigned long *number)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*number = strtoul(*text, &end, 10);
	*text = end;
	return true;
}

bool topology_parse_list(const char *list, uint64_t mask[CPU_MASK_WORDS])
{
	memset(mask, 0, CPU_MASK_WORDS * sizeof(*mask));
	for (;; list++) {
		unsigned long first, last;

		if (!parse_number(&list, &first))
			return false;
		last = first;
		if (*list == '-' && (list++, !parse_number(&list, &last)))
			return false;
		if (last < first || last >= LIBPCPU_CPUS_MAX)
			return false;
		for (; first <= last; first++)
			mask_set(mask, (unsigned)first);
		if (*list != ',')
			return !strcmp(list, "") || !strcmp(list, "\n");
	}
}

/*
 * Without /sys: at least every CPU that is configured and every one that we may
 * run on, as a CPU that runs us must be possible.
 */
static void guess_possible(uint64_t mask[CPU_MASK_WORDS])
{
	long nr = sysconf(_SC_NPROCESSORS_CONF);
	cpu_set_t *set = CPU_ALLOC(LIBPCPU_CPUS_MAX);
	size_t bytes = CPU_ALLOC_SIZE(LIBPCPU_CPUS_MAX);
	unsigned cpu;

	memset(mask, 0, CPU_MASK_WORDS * sizeof(*mask));
	mask_set(mask, 0);
	if (set && !sched_getaffinity(0, bytes, set))
		for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++)
			if (CPU_ISSET_S(cpu, bytes, set))
				mask_set(mask, cpu);
	for (cpu = 0; (long)cpu < nr && cpu < LIBPCPU_CPUS_MAX; cpu++)
		mask_set(mask, cpu);
	CPU_FREE(set);
}

static bool read_list(const char *path, uint64_t mask[CPU_MASK_WORDS])
{
	char list[4096];

	return sysfile_read(path, list, sizeof(list)) &&
	       topology_parse_list(list, mask);
}

/* Nodes that have memory for us; none if that is not known. */
static void read_memory(uint64_t mask[CPU_MASK_WORDS])
{
	uint64_t allowed[CPU_MASK_WORDS];
	unsigned i;

	if (!read_list("/sys/devices/system/node/has_memory", mask)) {
		memset(mask, 0, CPU_MASK_WORDS * sizeof(*mask));
		return;
	}
	/* A cpuset may leave us a part. */
	if (get_mempolicy(NULL, allowed, CPU_MASK_WORDS * 64, NULL,
			  MPOL_F_MEMS_ALLOWED))
		return;
	for (i = 0; i < CPU_MASK_WORDS; i++)
		mask[i] &= allowed[i];
}

/*
 * libnuma sets itself up in a constructor, which in a static program runs after
 * ours. Calling it twice does no harm; the shared library does not export it.
 */
void numa_init(void) __attribute__((weak));

/* The node of a CPU that is plugged in, or -1. */
static int find_node(unsigned cpu, const uint64_t nodes[CPU_MASK_WORDS])
{
	char path[64];
	unsigned node;

	for (node = 0; node < CPU_MASK_WORDS * 64; node++) {
		if (!mask_test(nodes, node))
			continue;
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%u/cpu%u", node, cpu);
		if (!access(path, F_OK))
			return (int)node;
	}
	return -1;
}

/* libnuma knows online CPUs only, if any. One that is offline may come back. */
static void read_offline(struct topology_source *source)
{
	uint64_t present[CPU_MASK_WORDS], nodes[CPU_MASK_WORDS];
	unsigned cpu;

	if (!read_list("/sys/devices/system/cpu/present", present) ||
	    !read_list("/sys/devices/system/node/online", nodes))
		return;
	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++)
		if (mask_test(source->possible, cpu) &&
		    mask_test(present, cpu) && source->node_of_cpu[cpu] < 0)
			source->node_of_cpu[cpu] = find_node(cpu, nodes);
}

static void read_nodes(struct topology_source *source)
{
	bool numa, ready;
	unsigned cpu;

	if (numa_init)
		numa_init();
	numa = numa_available() >= 0;
	/*
	 * musl runs the constructor of a shared object that uses the library
	 * of the program before libnuma's, which then would exit().
	 */
	ready = numa && numa_all_nodes_ptr;
	source->distance = ready ? numa_distance : NULL;
	read_memory(source->has_memory);
	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++) {
		source->node_of_cpu[cpu] = -1;
		if (ready && mask_test(source->possible, cpu))
			source->node_of_cpu[cpu] = numa_node_of_cpu((int)cpu);
	}
	if (numa)
		read_offline(source);
}

/* Nodes of unknown CPUs: that of the CPU before. Then number them densely. */
static void number_nodes(struct topology *t,
			 const struct topology_source *source)
{
	int last = -1;
	unsigned cpu, node;

	for (cpu = 0; cpu < t->nr_cpu_ids; cpu++) {
		int id = source->node_of_cpu[cpu];

		if (!mask_test(source->possible, cpu))
			continue;
		if (id < 0)
			id = last < 0 ? 0 : last;
		last = id;
		for (node = 0; node < t->nr_nodes; node++)
			if (t->node_id[node] == id)
				break;
		if (node == NODES_MAX)
			node = NODES_MAX - 1; /* share the last one */
		else if (node == t->nr_nodes)
			t->node_id[t->nr_nodes++] = id;
		t->cpu_node[cpu] = (uint8_t)node;
	}
}

/* What is not known is far: behind all others, in a ring. */
static int distance(const struct topology *t,
		    const struct topology_source *source, unsigned from,
		    unsigned to)
{
	unsigned nr = t->nr_nodes;
	int d = 0;

	if (from == to)
		return 0;
	if (source->distance)
		d = source->distance(t->node_id[from], t->node_id[to]);
	return d > 0 ? d : 1000 + (int)((to + nr - from) % nr);
}

/* Insertion keeps equals in the ring's order. */
static void sort_near(struct topology *t, const struct topology_source *source,
		      unsigned node)
{
	uint8_t *near = t->near[node];
	unsigned i, j;

	for (i = 0; i < t->nr_nodes; i++) {
		unsigned other = (node + i) % t->nr_nodes;
		int d = distance(t, source, node, other);

		for (j = i; j > 0 && distance(t, source, node, near[j - 1]) > d;
		     j--)
			near[j] = near[j - 1];
		near[j] = (uint8_t)other;
	}
}

/*
 * The system refuses to prefer a node without memory. What it does then is to
 * take pages from where the thread runs that touches them, which may be far.
 */
static int find_memory(const struct topology_source *source, int id)
{
	int other, d, best = INT_MAX, found = id;

	if (mask_test(source->has_memory, (unsigned)id) || !source->distance)
		return id;
	for (other = 0; other < (int)(CPU_MASK_WORDS * 64); other++) {
		if (!mask_test(source->has_memory, (unsigned)other))
			continue;
		d = source->distance(id, other);
		d = d > 0 ? d : INT_MAX - 1;
		if (d < best) {
			best = d;
			found = other;
		}
	}
	return found;
}

void topology_build(struct topology *t, const struct topology_source *source)
{
	unsigned cpu, node;

	memset(t, 0, sizeof(*t));
	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++) {
		t->cpu_unit[cpu] = NO_UNIT;
		if (mask_test(source->possible, cpu))
			t->nr_cpu_ids = cpu + 1;
	}
	number_nodes(t, source);
	t->placed = t->nr_nodes > 1;
	for (node = 0; node < t->nr_nodes; node++) {
		sort_near(t, source, node);
		t->memory_id[node] = find_memory(source, t->node_id[node]);
		t->first_unit[node] = t->nr_units;
		for (cpu = 0; cpu < t->nr_cpu_ids; cpu++) {
			if (!mask_test(source->possible, cpu) ||
			    t->cpu_node[cpu] != node)
				continue;
			t->unit_cpu[t->nr_units] = (uint16_t)cpu;
			t->cpu_unit[cpu] = (uint16_t)t->nr_units++;
		}
	}
	t->first_unit[node] = t->nr_units;
}

static unsigned highest_cpu(const uint64_t *mask)
{
	unsigned cpu = LIBPCPU_CPUS_MAX;

	while (!mask_test(mask, cpu - 1))
		cpu--;
	return cpu - 1;
}

static unsigned count_cpus(const uint64_t *mask)
{
	unsigned cpu, nr = 0;

	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++)
		nr += mask_test(mask, cpu);
	return nr;
}

/* A simulated CPU is never current; copies and nodes are as if it were. */
static bool simulate(struct topology_source *source)
{
	unsigned real = highest_cpu(source->possible) + 1;
	unsigned cpus =
		env_number("PCPU_POSSIBLE_CPUS", real, LIBPCPU_CPUS_MAX);
	unsigned nodes, nr, cpu, seen = 0;

	for (cpu = real; cpu < cpus; cpu++)
		mask_set(source->possible, cpu);
	nr = count_cpus(source->possible);
	nodes = env_number("PCPU_NODES", 1, nr < NODES_MAX ? nr : NODES_MAX);
	if (!nodes)
		return cpus > real;
	source->distance = NULL;
	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX; cpu++)
		if (mask_test(source->possible, cpu))
			source->node_of_cpu[cpu] =
				(int)((uint64_t)seen++ * nodes / nr);
	return true;
}

void topology_read(struct topology *t)
{
	static struct topology_source source; /* too large for a stack */
	bool simulated;

	if (!read_list("/sys/devices/system/cpu/possible", source.possible))
		guess_possible(source.possible);
	read_nodes(&source);
	simulated = simulate(&source);
	topology_build(t, &source);
	t->placed &= !simulated;
}
