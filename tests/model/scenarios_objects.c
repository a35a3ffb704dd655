// SPDX-License-Identifier: MIT
/*
 * What is built on copies: counters, and copies that are made on demand.
 */
#include <errno.h>
#include <pcpu.h>
#include <pcpu/counter.h>
#include <pcpu/lazy.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

/* --- counters ------------------------------------------------------------- */

static struct pcpu_counter counter;

static void count(void)
{
	pcpu_counter_add(&counter, 1);
}

static void count_twice(void)
{
	count();
	count();
}

static unsigned counter_objects(void)
{
	return pcpu_counter_is_shared(&counter);
}

static void expect_sum(int64_t value)
{
	int64_t sum = pcpu_counter_sum(&counter);

	explore_expect(sum == value, "the sum is %ld, not %ld", (long)sum,
		       (long)value);
}

static void expect_102(void)
{
	expect_sum(102);
}

static void expect_106(void)
{
	expect_sum(106);
}

static void expect_no_full_copy(int32_t *copies, int32_t batch)
{
	int cpu;

	pcpu_for_each_cpu (cpu) {
		int32_t copy = *pcpu_ptr(copies, cpu);

		explore_expect(copy < batch && copy > -batch,
			       "CPU %d's copy is %d, the batch %d", cpu, copy,
			       batch);
	}
}

static void expect_104(void)
{
	expect_sum(104);
}

static void begin_counter(void)
{
	pcpu_counter_init(&counter, 100, 0);
	counter.holder = (uintptr_t)explore_self_of(0);
}

SCENARIO(counter_upgrade) = {
	.name = "counter: the owner adds, two threads upgrade",
	.prepare = begin_counter,
	.thread = {count_twice, count, count},
	.nr_others = counter_objects,
	.after = expect_104,
	.nr_least = 100,
};

static void begin_unowned_counter(void)
{
	pcpu_counter_init(&counter, 100, PCPU_COUNTER_UNOWNED);
}

SCENARIO(counter_unowned) = {
	.name = "counter: two threads are the first",
	.prepare = begin_unowned_counter,
	.thread = {count, count},
	.nr_others = counter_objects,
	.after = expect_102,
	.nr_least = 10,
};

/* The second of a CPU makes a full batch. */
static void begin_shared_counter(void)
{
	pcpu_counter_init(&counter, 100, PCPU_COUNTER_SHARED);
	pcpu_counter_batch_set(&counter, 2);
	explore_leave_unowned(libpcpu_counter_copies(counter.holder));
}

SCENARIO(counter_batches_here) = {
	.name = "counter: two batches of one CPU",
	.prepare = begin_shared_counter,
	.thread = {count_twice, count_twice},
	.cpu = {1, 1},
	.nr_others = counter_objects,
	.after = expect_104,
	.nr_least = 50,
};

static void count_and_move(void)
{
	count_twice();
	explore_on_cpu(1);
	count_twice();
}

SCENARIO(counter_batches_move) = {
	.name = "counter: a batch of a thread that moves",
	.prepare = begin_shared_counter,
	.thread = {count_and_move, count_twice},
	.cpu = {1, 2},
	.nr_others = counter_objects,
	.after = expect_106,
	.nr_least = 20,
};

static void count_and_move_the_first(void)
{
	count_twice();
	explore_move(0, 2);
}

static void expect_104_at_rest(void)
{
	expect_104();
	expect_no_full_copy(libpcpu_counter_copies(counter.holder), 2);
}

SCENARIO(counter_batch_of_the_moved) = {
	.name = "counter: a batch of a thread that is moved",
	.prepare = begin_shared_counter,
	.thread = {count_twice, count_and_move_the_first},
	.cpu = {1, 1},
	.nr_others = counter_objects,
	.after = expect_104_at_rest,
	.nr_least = 50,
};

/* --- trees ---------------------------------------------------------------- */

/* As on twice as many CPUs, so that there are nodes. */
static struct pcpu_counter_tree tree = {.nr_cpus = 8};
static _Alignas(64) char nodes[2][64];

static void begin_tree(void)
{
	tree.batch = 1;
	memset(nodes, 0, sizeof(nodes));
	tree.nodes = (struct libpcpu_counter_node *)(void *)nodes;
	tree.copies = explore_alloc_unowned(sizeof(*tree.copies));
	tree.total = 0;
}

static void count_in_tree(void)
{
	pcpu_counter_tree_add(&tree, 2);
	pcpu_counter_tree_add(&tree, 3);
}

static unsigned one_object(void)
{
	return 1;
}

static void expect_10_in_tree(void)
{
	int64_t sum = pcpu_counter_tree_sum(&tree);
	int64_t total = pcpu_counter_tree_approximate(&tree);

	explore_expect(sum == 10, "the sum is %ld", (long)sum);
	explore_expect(total == 8,
		       "the total is %ld: full nodes of 4 are in it",
		       (long)total);
}

SCENARIO(tree_carry) = {
	.name = "counter tree: two threads carry from one node",
	.prepare = begin_tree,
	.thread = {count_in_tree, count_in_tree},
	.nr_others = one_object,
	.after = expect_10_in_tree,
	.bound = 3,
	.nr_least = 20,
};

/* Copies that hold a part of a batch, on one CPU. */
static void begin_tree_of_batches(void)
{
	begin_tree();
	tree.batch = 2;
}

static void expect_10_in_tree_at_rest(void)
{
	int64_t sum = pcpu_counter_tree_sum(&tree);

	explore_expect(sum == 10, "the sum is %ld", (long)sum);
	expect_no_full_copy(tree.copies, tree.batch);
}

SCENARIO(tree_batches_here) = {
	.name = "counter tree: two batches of one CPU",
	.prepare = begin_tree_of_batches,
	.thread = {count_in_tree, count_in_tree},
	.cpu = {1, 1},
	.nr_others = one_object,
	.after = expect_10_in_tree_at_rest,
	.nr_least = 50,
};

static void count_in_tree_and_move_the_first(void)
{
	count_in_tree();
	explore_move(0, 2);
}

SCENARIO(tree_batches_of_the_moved) = {
	.name = "counter tree: batches of a thread that is moved",
	.prepare = begin_tree_of_batches,
	.thread = {count_in_tree, count_in_tree_and_move_the_first},
	.cpu = {1, 1},
	.nr_others = one_object,
	.after = expect_10_in_tree_at_rest,
	.nr_least = 50,
};

/* --- on demand ------------------------------------------------------------ */

static struct pcpu_lazy *lazy;
static atom64 nr_inits;
static uint64_t nr_failing; /* of the first ones */

struct made {
	atom64 one, two;
};

static int make(void *copy, int cpu, void *arg)
{
	struct made *made = copy;
	uint64_t nr = fetch_add_relaxed(&nr_inits, 1);

	(void)cpu, (void)arg;
	explore_expect(!load_relaxed(&made->one) && !load_relaxed(&made->two),
		       "init() finds what another left");
	store_relaxed(&made->one, 1);
	if (nr < nr_failing)
		return ENOMEM;
	store_relaxed(&made->two, 1);
	return 0;
}

static void begin_lazy(void)
{
	free(lazy);
	lazy = pcpu_lazy_create(sizeof(struct made), 8, make, NULL);
	explore_expect(lazy, "no memory");
	explore_leave_unowned(lazy->copies);
	store_relaxed(&nr_inits, 0);
	nr_failing = 0;
}

static void begin_failing_lazy(void)
{
	begin_lazy();
	nr_failing = 1;
}

static void *visit_copy(void)
{
	struct made *made;

	/* It is cleared behind our back. */
	explore_save(pcpu_ptr(lazy->copies, 0), sizeof(*made));
	made = pcpu_lazy_visit(lazy, 0);
	explore_expect(
		!made || (load_relaxed(&made->one) && load_relaxed(&made->two)),
		"a copy that is not made");
	return made;
}

static void visit(void)
{
	explore_expect(visit_copy(), "not visited");
}

static atom64 nr_failed, nr_visited;

static void visit_and_count(void)
{
	if (visit_copy())
		fetch_add_relaxed(&nr_visited, 1);
	else
		fetch_add_relaxed(&nr_failed, 1);
}

static void expect_one_init(void)
{
	explore_expect(load_relaxed(&nr_inits) == 1, "%lu inits",
		       (unsigned long)load_relaxed(&nr_inits));
}

static void expect_one_init_more(void)
{
	explore_expect(load_relaxed(&nr_inits) == 2 &&
			       load_relaxed(&nr_failed) == 1 &&
			       load_relaxed(&nr_visited) == 1,
		       "%lu inits, %lu failed, %lu visited",
		       (unsigned long)load_relaxed(&nr_inits),
		       (unsigned long)load_relaxed(&nr_failed),
		       (unsigned long)load_relaxed(&nr_visited));
}

SCENARIO(lazy_visit_visit) = {
	.name = "copy on demand: two are the first to visit",
	.prepare = begin_lazy,
	.thread = {visit, visit},
	.nr_others = one_object,
	.after = expect_one_init,
	.bound = 3,
	.nr_least = 10,
};

SCENARIO(lazy_failing) = {
	.name = "copy on demand: the first init() fails",
	.prepare = begin_failing_lazy,
	.thread = {visit_and_count, visit_and_count},
	.nr_others = one_object,
	.after = expect_one_init_more,
	.bound = 3,
	.nr_least = 10,
};
