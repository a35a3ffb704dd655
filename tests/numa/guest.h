/* SPDX-License-Identifier: MIT */
/*
 * What test programs of the guest share: the machine as /sys describes it, read
 * without the library's topology code, where a page lies, and CPUs that come
 * and go.
 */
#ifndef TESTS_NUMA_GUEST_H
#define TESTS_NUMA_GUEST_H

#include <numaif.h>
#include <sched.h>
#include <stdint.h>

#include "chunk/topology.h"
#include "chunk/units.h"
#include "tests/support.h"

#define GUEST_NODES 64

/* --- files ---------------------------------------------------------------- */

/* All of a small file; an empty text if there is none. */
static inline const char *guest_read(const char *path)
{
	static char text[8192];
	FILE *file = fopen(path, "re");
	size_t n = 0;

	if (file) {
		n = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return text;
}

/* A list as "0-3,8"; an empty one is none. */
static inline void guest_list(const char *path, uint64_t *mask)
{
	const char *text = guest_read(path);

	memset(mask, 0, CPU_MASK_WORDS * sizeof(*mask));
	require(!*text || *text == '\n' || topology_parse_list(text, mask),
		"%s: %s", path, text);
}

static inline bool guest_is_in(const uint64_t *mask, unsigned i)
{
	return mask[i / 64] >> i % 64 & 1;
}

static inline unsigned guest_count(const uint64_t *mask)
{
	unsigned i, nr = 0;

	for (i = 0; i < CPU_MASK_WORDS; i++)
		nr += (unsigned)__builtin_popcountll(mask[i]);
	return nr;
}

/* --- nodes ---------------------------------------------------------------- */

/* The node of a CPU that is plugged in, online or not; else -1. */
static inline int guest_node_of_cpu(unsigned cpu)
{
	char path[64];
	int node;

	for (node = 0; node < GUEST_NODES; node++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/cpu%u", node, cpu);
		if (!access(path, F_OK))
			return node;
	}
	return -1;
}

/* As the firmware says; a file has a number for each node that is online. */
static inline int guest_distance(int from, int to)
{
	uint64_t online[CPU_MASK_WORDS];
	char path[64], *text;
	int node;
	long d = 0;

	guest_list("/sys/devices/system/node/online", online);
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/distance",
		 from);
	text = (char *)guest_read(path);
	for (node = 0; node <= to; node++)
		if (guest_is_in(online, (unsigned)node))
			d = strtol(text, &text, 10);
	return (int)d;
}

/* Where a node's pages come from: itself, or the nearest that has memory. */
static inline int guest_memory_node(int node)
{
	uint64_t memory[CPU_MASK_WORDS];
	int other, d, nearest = 0, best = -1;

	guest_list("/sys/devices/system/node/has_memory", memory);
	if (guest_is_in(memory, (unsigned)node))
		return node;
	for (other = 0; other < GUEST_NODES; other++) {
		if (!guest_is_in(memory, (unsigned)other))
			continue;
		d = guest_distance(node, other);
		if (best < 0 || d < nearest) {
			best = other;
			nearest = d;
		}
	}
	return best;
}

/* The node that the page at p lies on; negative if there is none. */
static inline int guest_page_node(const void *p)
{
	uintptr_t page = (uintptr_t)p & ~(uintptr_t)(PAGE_BYTES - 1);
	void *pages[] = {(void *)page};
	int status = -1;

	require(move_pages(0, 1, pages, NULL, &status, 0) == 0, "errno %d",
		errno);
	return status;
}

/* --- CPUs ----------------------------------------------------------------- */

static inline void guest_pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	require(sched_setaffinity(0, sizeof(set), &set) == 0,
		"CPU %u: errno %d", cpu, errno);
}

static inline bool guest_is_online(unsigned cpu)
{
	uint64_t mask[CPU_MASK_WORDS];

	guest_list("/sys/devices/system/cpu/online", mask);
	return guest_is_in(mask, cpu);
}

/* To be called before anything that a real machine's users would notice. */
static inline void guest_require(void)
{
	require(strstr(guest_read("/proc/cmdline"), " libpcpu_guest "),
		"this is not the guest: the machine stays as it is");
}

static inline void guest_set_online(unsigned cpu, bool online)
{
	char path[64];
	FILE *file;

	guest_require();
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online",
		 cpu);
	file = fopen(path, "we");
	require(file, "%s: errno %d", path, errno);
	fprintf(file, "%d\n", online);
	require(fclose(file) == 0, "%s: errno %d", path, errno);
	require(guest_is_online(cpu) == online, "CPU %u", cpu);
}

/* --- the program ---------------------------------------------------------- */

/* As support_main(), with a list of the tests where init looks for it. */
static inline int guest_main(int argc, char **argv, Suite *(*suite)(void),
			     const struct support_job *jobs)
{
	char path[128];

	if (!access("/log", W_OK)) {
		snprintf(path, sizeof(path), "/log/%s.tap",
			 program_invocation_short_name);
		setenv("CK_TAP_LOG_FILE_NAME", path, 1);
	}
	return support_main(argc, argv, suite, jobs);
}

#endif /* TESTS_NUMA_GUEST_H */
