// SPDX-License-Identifier: MIT
/*
 * A node whose memory is used up: copies and bookkeeping spill to other nodes,
 * nobody is killed, and what is made later, with memory there again, lies where
 * it belongs. (Row 30 of the table of faults; 25 and 34 in test_machine.c.)
 */
#include <pcpu.h>
#include <sys/mman.h>

#include "guest.h"

#define STEP ((size_t)1 << 20)
#define OBJECT_BYTES 32768u
#define NR_OBJECTS 512u /* 16 MiB of each CPU's memory */

static char *ballast;
static size_t nr_steps;

/* Take a node's memory until the system gives that of others. */
static void exhaust(int node)
{
	const size_t most = (size_t)8 << 30;
	unsigned long mask = 1ul << node;

	guest_require();
	ballast = mmap(NULL, most, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	require(ballast != MAP_FAILED, "errno %d", errno);
	require(mbind(ballast, most, MPOL_PREFERRED, &mask, 64, 0) == 0,
		"node %d: errno %d", node, errno);
	madvise(ballast, most, MADV_NOHUGEPAGE);
	for (nr_steps = 0; nr_steps < most / STEP; nr_steps++) {
		char *step = ballast + nr_steps * STEP;

		memset(step, 1, STEP);
		if (guest_page_node(step + STEP - PAGE_BYTES) != node)
			return;
	}
	require(false, "node %d has no end", node);
}

static void let_go(void)
{
	madvise(ballast, (nr_steps + 1) * STEP, MADV_DONTNEED);
}

static void *objects[NR_OBJECTS];

static void alloc_all(void)
{
	unsigned i;

	for (i = 0; i < NR_OBJECTS; i++) {
		objects[i] = pcpu_alloc(OBJECT_BYTES, 64);
		ck_assert_ptr_nonnull(objects[i]);
	}
}

static void free_all(void)
{
	unsigned i;

	for (i = 0; i < NR_OBJECTS; i++)
		pcpu_free(objects[i]);
}

/* Write a CPU's copies. Returns how many pages are not on the node. */
static unsigned fill(unsigned cpu, int node)
{
	unsigned i, nr_far = 0;
	size_t at;

	for (i = 0; i < NR_OBJECTS; i++) {
		char *copy = pcpu_ptr((char *)objects[i], cpu);

		for (at = 0; at < OBJECT_BYTES; at += PAGE_BYTES) {
			require(copy[at] == 0, "object %u, byte %zu", i, at);
			copy[at] = (char)(i + at / PAGE_BYTES);
			nr_far += guest_page_node(copy + at) != node;
		}
	}
	return nr_far;
}

static void check(unsigned cpu)
{
	unsigned i;
	size_t at;

	for (i = 0; i < NR_OBJECTS; i++) {
		const char *copy = pcpu_ptr((char *)objects[i], cpu);

		for (at = 0; at < OBJECT_BYTES; at += PAGE_BYTES)
			require(copy[at] == (char)(i + at / PAGE_BYTES),
				"object %u, byte %zu", i, at);
	}
}

/* The first CPU of a node that has memory, and is not the one we run on. */
static unsigned find_cpu(int *node)
{
	unsigned cpu;

	for (cpu = 1; cpu < pcpu_nr_cpus(); cpu++) {
		*node = guest_node_of_cpu(cpu);
		if (*node > 0 && *node == guest_memory_node(*node))
			return cpu;
	}
	require(false, "all on node 0");
	return 0;
}

START_TEST(node_exhausted__copies_spill__later_ones_are_back)
{
	unsigned cpu, nr_far;
	int node;

	cpu = find_cpu(&node);
	guest_pin(0);
	exhaust(node);
	alloc_all();
	nr_far = fill(cpu, node);
	check(cpu);
	printf("%u pages spilled\n", nr_far);
	ck_assert_uint_gt(nr_far, NR_OBJECTS);
	free_all();
	let_go();
	pcpu_trim(); /* or the worker was first */
	alloc_all();
	ck_assert_uint_eq(fill(cpu, node), 0);
	check(cpu);
}
END_TEST

/* Chunks of its arena can be linked as before. */
START_TEST(node_exhausted__its_threads_allocate__small_objects)
{
	static void *small[20000];
	struct pcpu_stats before, after;
	unsigned cpu, i;
	int node;

	cpu = find_cpu(&node);
	if (!guest_is_online(cpu))
		guest_set_online(cpu, true);
	guest_pin(cpu);
	pcpu_stats_get(&before);
	exhaust(node);
	for (i = 0; i < 20000; i++) {
		small[i] = pcpu_alloc(128, 8);
		ck_assert_ptr_nonnull(small[i]);
		*(unsigned *)pcpu_ptr(small[i], cpu) = i;
	}
	pcpu_stats_get(&after);
	ck_assert_uint_gt(after.nr_chunks, before.nr_chunks + 5);
	for (i = 0; i < 20000; i++) {
		ck_assert_uint_eq(*(unsigned *)pcpu_ptr(small[i], cpu), i);
		pcpu_free(small[i]);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("exhausted");
	TCase *tc = tcase_create("exhausted");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, node_exhausted__copies_spill__later_ones_are_back);
	tcase_add_test(tc, node_exhausted__its_threads_allocate__small_objects);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return guest_main(argc, argv, suite, NULL);
}
