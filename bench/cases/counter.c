// SPDX-License-Identifier: MIT
/*
 * counter - counters with two modes, beside what they are made of, and trees.
 *
 * Loops beside each other (rounds.h):
 *
 *	plain	a volatile integer: set it to 0, add 1 ten times, read it
 *	single	a pcpu_counter of its only thread: init, the same, sum, destroy
 *	this	pcpu_this_add() to an integer of the copies' size
 *	shared	pcpu_counter_add() once it has copies
 *	tree	pcpu_counter_tree_add()
 *	approx	the tree's approximate value
 *	sum	its exact one, divided by the CPUs
 *
 * "memory" is what a counter of its only thread has allocated, bytes.
 */
#include "bench/case.h"
#include "bench/rounds.h"

#include <malloc.h>
#include <pcpu.h>
#include <pcpu/counter.h>

enum { ADDS = 10 };

static volatile int64_t plain, seen;
static int32_t *handle;
static struct pcpu_counter shared;
static struct pcpu_counter_tree tree;

static inline void live_plain(void)
{
	unsigned i;

	plain = 0;
	for (i = 0; i < ADDS; i++)
		plain += 1;
	seen = plain;
}

static inline void live_single(void)
{
	struct pcpu_counter counter;
	unsigned i;

	pcpu_counter_init(&counter, 0, 0);
	for (i = 0; i < ADDS; i++)
		pcpu_counter_add(&counter, 1);
	seen = pcpu_counter_sum(&counter);
	pcpu_counter_destroy(&counter);
}

ROUND_LOOP(do_plain, live_plain())
ROUND_LOOP(do_single, live_single())
ROUND_LOOP(do_this, pcpu_this_add(*handle, 1))
ROUND_LOOP(do_shared, pcpu_counter_add(&shared, 1))
ROUND_LOOP(do_tree, pcpu_counter_tree_add(&tree, 1))
ROUND_LOOP(do_approx, seen = pcpu_counter_tree_approximate(&tree))

/* In one of its turns, as it looks at all copies. */
static void do_sum(void)
{
	unsigned i;

	for (i = 0; i < ROUND / pcpu_nr_cpus(); i++)
		seen = pcpu_counter_tree_sum(&tree);
}

enum { PLAIN, SINGLE, THIS, SHARED, TREE, APPROX, SUM, NR_LOOPS };

static const struct loop loops[NR_LOOPS] = {
	[PLAIN] = {"plain", do_plain}, [SINGLE] = {"ns", do_single},
	[THIS] = {"this", do_this},    [SHARED] = {"shared", do_shared},
	[TREE] = {"tree", do_tree},    [APPROX] = {"approx", do_approx},
	[SUM] = {"sum", do_sum},
};

/* What the library and malloc() have handed out, bytes. */
static double memory_used(void)
{
	struct pcpu_stats now;

	if (pcpu_stats_get(&now))
		return 0;
	return (double)now.live_bytes + (double)mallinfo2().uordblks;
}

static double memory_of_one(void)
{
	double before = memory_used(), with;
	struct pcpu_counter counter;

	pcpu_counter_init(&counter, 0, 0);
	pcpu_counter_add(&counter, 1);
	with = memory_used();
	pcpu_counter_destroy(&counter);
	return with - before;
}

static void counter_run(const struct job *job, struct result *result)
{
	double ns[NR_LOOPS];
	unsigned i;

	handle = pcpu_alloc(sizeof(*handle), sizeof(*handle));
	if (!handle || pcpu_counter_init(&shared, 0, PCPU_COUNTER_SHARED) ||
	    pcpu_counter_tree_init(&tree, 0)) {
		result_fail(result, "no memory");
		return;
	}
	rounds_run(job, loops, NR_LOOPS, ns);
	for (i = 0; i < NR_LOOPS; i++)
		result_add(result, loops[i].name, ns[i]);
	result_add(result, "of_plain", ns[SINGLE] / ns[PLAIN]);
	result_add(result, "of_this", ns[SHARED] / ns[THIS]);
	result_add(result, "of_shared", ns[TREE] / ns[SHARED]);
	result_add(result, "memory", memory_of_one());
}

static const struct metric metrics[] = {
	{"plain", "volatile", 2, false},      {"ns", "single", 2, false},
	{"of_plain", "of it", 2, false},      {"memory", "memory", 0, false},
	{"this", "this_add", 2, false},       {"shared", "shared", 2, false},
	{"of_this", "of it", 2, false},       {"tree", "tree add", 2, false},
	{"of_shared", "of shared", 2, false}, {"approx", "approx", 2, false},
	{"sum", "sum/CPU", 2, false},         {NULL, NULL, 0, false},
};

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_LONG},
	{256, 1, MODES_ALL},
	{0, 0, 0},
};

const struct bench_case case_counter = {
	.name = "counter",
	.what = "a counter's life with one thread, then of 10 adds; one add; "
		"ns",
	.flags = CASE_OWN,
	.points = points,
	.metrics = metrics,
	.run = counter_run,
};
