/* SPDX-License-Identifier: MIT */
/*
 * Counters with a tree above their copies. Comes with <pcpu/counter.h>.
 */
#ifndef LIBPCPU_COUNTER_TREE_H
#define LIBPCPU_COUNTER_TREE_H

#include <pcpu/batch.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A counter with a tree above its copies. A copy that outgrows its batch passes
 * that on to a node that it shares with three others, a node that outgrows four
 * batches of theirs to the one above, and so on:
 *
 *	total					any value
 *	 |------------------------------.
 *	node (< 4 batches)		node	one of each 4 CPUs
 *	 |------.------.------.		 |---
 *	copy   copy   copy   copy	copy	of a CPU (< a batch)
 *
 * So the total is off by less than a batch for each possible CPU, and 3/4 of
 * another for each level of nodes, and its line is written no more often than a
 * CPU's copy outgrows its batch four times. With the default batch of 32 on 256
 * CPUs it is off by 26,368 at most; a pcpu_counter with its own by 130,816.
 *
 * Follows M. Desnoyers' hierarchical per-CPU counters (2025).
 */
struct libpcpu_counter_node;

struct pcpu_counter_tree {
	int32_t *copies; /* a handle */
	struct libpcpu_counter_node *nodes;
	int64_t total;
	int64_t error; /* see pcpu_counter_tree_error() */
	int32_t batch;
	uint32_t nr_cpus;
};

#define PCPU_COUNTER_TREE_BATCH 32

#pragma GCC visibility push(default)

/*
 * Make a counter of the value 0. @batch: 1 to PCPU_COUNTER_BATCH_MAX, or 0 for
 * the default. Returns 0, or -1 with errno
 *	EINVAL	batch out of range
 *	ENOMEM
 * Memory: 4 bytes per CPU and a cache line for each four CPUs.
 */
int pcpu_counter_tree_init(struct pcpu_counter_tree *tree, int32_t batch);

void pcpu_counter_tree_destroy(struct pcpu_counter_tree *tree);

/* The exact value of all updates that happened before; beside updates as
 * pcpu_counter_sum(). Cost: a cache line per CPU. */
int64_t pcpu_counter_tree_sum(const struct pcpu_counter_tree *tree);

/* Set the value. No update may run meanwhile. */
void pcpu_counter_tree_set(struct pcpu_counter_tree *tree, int64_t value);

/*
 * The sign of a - b, or of a - value. The approximate ones look at two
 * integers, and return 0 if the values are too near to tell; the others look at
 * the copies then, and are exact.
 */
int pcpu_counter_tree_compare_approximate(const struct pcpu_counter_tree *a,
					  const struct pcpu_counter_tree *b);
int pcpu_counter_tree_compare(const struct pcpu_counter_tree *a,
			      const struct pcpu_counter_tree *b);
int pcpu_counter_tree_compare_value_approximate(
	const struct pcpu_counter_tree *a, int64_t value);
int pcpu_counter_tree_compare_value(const struct pcpu_counter_tree *a,
				    int64_t value);

void libpcpu_counter_tree_add(struct pcpu_counter_tree *tree, int64_t x);

#pragma GCC visibility pop

/*
 * Add x. Any thread, signal handlers. Cost: as pcpu_this_add_return(); once in
 * a batch an atomic operation on a line that four CPUs share, and so on.
 * Progress: as pcpu_this_add(), lock-free above.
 */
static inline void pcpu_counter_tree_add(struct pcpu_counter_tree *tree,
					 int64_t x)
{
#ifndef MODEL_CHECK
	if (LIBPCPU_LIKELY(libpcpu_batch_try_add(tree->copies, x, tree->batch)))
		return;
#endif
	libpcpu_counter_tree_add(tree, x);
}

/* The approximate value. Wait-free, one load. */
static inline int64_t
pcpu_counter_tree_approximate(const struct pcpu_counter_tree *tree)
{
	/* Relaxed: of the moment. */
	return __atomic_load_n(&tree->total, __ATOMIC_RELAXED);
}

/* How far the approximation may be off, either way, by updates that happened
 * before; those that run meanwhile may add what they have under way. */
static inline int64_t
pcpu_counter_tree_error(const struct pcpu_counter_tree *tree)
{
	return tree->error;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_COUNTER_TREE_H */
