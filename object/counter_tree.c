// SPDX-License-Identifier: MIT
/*
 * The nodes above the copies of a pcpu_counter_tree, see <pcpu/counter.h>.
 *
 * Level 0 are the copies, with a batch of B. A node of level i holds what its
 * four children passed on, multiples of B * 4^(i-1), and keeps less than
 * B * 4^i; what is more goes up. Of the last level, which would have one node,
 * only the total is there.
 *
 *	T1  value = total + the sum of all nodes + the sum of all copies
 *	T2  |node of level i| <= 3 * B * 4^(i-1), always
 *	T3  |copy| < B, always
 */
#include "pcpu/counter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/atomic.h"

#define FAN_OUT 4u
#define LINE 64u

struct libpcpu_counter_node {
	_Alignas(LINE) atom64 value;
};

static atom64 *total_of(const struct pcpu_counter_tree *tree)
{
	return (atom64 *)&tree->total;
}

/* Nodes of the level above one that has nr. */
static uint32_t level_above(uint32_t nr)
{
	return (nr + FAN_OUT - 1) / FAN_OUT;
}

/* Nodes in all, and how far these and the copies may keep the total off. */
static uint32_t count_nodes(uint32_t nr_cpus, int64_t batch, int64_t *error)
{
	uint32_t level = level_above(nr_cpus), nr = 0;

	*error = nr_cpus * (batch - 1);
	for (; level > 1; level = level_above(level)) {
		*error += level * (FAN_OUT - 1) * batch;
		batch *= FAN_OUT;
		nr += level;
	}
	return nr;
}

static void destroy(struct pcpu_counter_tree *tree)
{
	libpcpu_free(tree->copies);
	free(tree->nodes);
	memset(tree, 0, sizeof(*tree));
}

void pcpu_counter_tree_destroy(struct pcpu_counter_tree *tree)
{
	destroy(tree);
}

int pcpu_counter_tree_init(struct pcpu_counter_tree *tree, int32_t batch)
{
	size_t nr, bytes;

	memset(tree, 0, sizeof(*tree));
	if (batch < 0 || batch > PCPU_COUNTER_BATCH_MAX) {
		errno = EINVAL;
		return -1;
	}
	tree->batch = batch ? batch : PCPU_COUNTER_TREE_BATCH;
	tree->nr_cpus = libpcpu_nr_cpu_ids;
	nr = count_nodes(tree->nr_cpus, tree->batch, &tree->error);
	bytes = nr * sizeof(*tree->nodes);
	tree->copies =
		libpcpu_alloc(sizeof(*tree->copies), sizeof(*tree->copies), 0);
	tree->nodes = nr ? aligned_alloc(LINE, bytes) : NULL;
	if (!tree->copies || (nr && !tree->nodes)) {
		destroy(tree);
		errno = ENOMEM;
		return -1;
	}
	if (nr)
		memset(tree->nodes, 0, bytes);
	return 0;
}

/* Of x, what is a multiple of the batch: rounded towards 0. */
static int64_t full_batches(int64_t x, int64_t batch)
{
	return x / batch * batch;
}

/* Add to a node. Returns what it passes on. */
static int64_t add_to_node(atom64 *node, int64_t x, int64_t batch)
{
	uint64_t old = load_relaxed(node); /* relaxed: the CAS decides */
	int64_t now, up;

	do {
		now = (int64_t)old + x;
		up = full_batches(now, batch);
		/* relaxed: a count publishes nothing */
	} while (!cas_weak_relaxed(node, &old, (uint64_t)(now - up)));
	return up;
}

/* Pass on full batches of a CPU's copy. */
static void pass_on(struct pcpu_counter_tree *tree, uint32_t cpu, int64_t x)
{
	struct libpcpu_counter_node *node = tree->nodes;
	uint32_t level = level_above(tree->nr_cpus), i = cpu / FAN_OUT;
	int64_t batch = (int64_t)tree->batch * FAN_OUT;

	for (; x && level > 1; level = level_above(level)) {
		x = add_to_node(&node[i].value, x, batch);
		node += level;
		i /= FAN_OUT;
		batch *= FAN_OUT;
	}
	if (x)
		/* relaxed: a count publishes nothing */
		fetch_add_relaxed(total_of(tree), (uint64_t)x);
}

/*
 * Add less than a batch to the copy of the CPU where we are, or are moved to.
 * Returns what it passes on, which leaves it in the same step: see
 * libpcpu_batch_add_slow().
 */
static int32_t add_to_copy(const struct pcpu_counter_tree *tree, int32_t x)
{
	int32_t seen = pcpu_this_read(*tree->copies), now, up;

	do {
		now = seen;
		up = (int32_t)full_batches(now + x, tree->batch);
		seen = pcpu_this_cmpxchg(*tree->copies, now, now + x - up);
	} while (seen != now);
	return up;
}

void libpcpu_counter_tree_add(struct pcpu_counter_tree *tree, int64_t x)
{
	int64_t up = full_batches(x, tree->batch);
	int32_t rest = (int32_t)(x - up);

	if (rest)
		up += add_to_copy(tree, rest);
	if (up)
		pass_on(tree, (uint32_t)libpcpu_here()->cpu, up);
}

static int64_t sum_all(const struct pcpu_counter_tree *tree)
{
	int64_t sum = pcpu_counter_tree_approximate(tree), error;
	int32_t *copies = tree->copies;
	uint32_t i, nr = count_nodes(tree->nr_cpus, tree->batch, &error);
	int cpu;

	/* relaxed: of the moment */
	for (i = 0; i < nr; i++)
		sum += (int64_t)load_relaxed(&tree->nodes[i].value);
	pcpu_for_each_cpu (cpu)
		/* relaxed: the same */
		sum += (int32_t)load_relaxed((atom32 *)pcpu_ptr(copies, cpu));
	return sum;
}

int64_t pcpu_counter_tree_sum(const struct pcpu_counter_tree *tree)
{
	return sum_all(tree);
}

void pcpu_counter_tree_set(struct pcpu_counter_tree *tree, int64_t value)
{
	int32_t *copies = tree->copies;
	int64_t error;
	uint32_t i, nr = count_nodes(tree->nr_cpus, tree->batch, &error);
	int cpu;

	/* relaxed: no update runs */
	for (i = 0; i < nr; i++)
		store_relaxed(&tree->nodes[i].value, 0);
	pcpu_for_each_cpu (cpu)
		/* relaxed: the same */
		store_relaxed((atom32 *)pcpu_ptr(copies, cpu), 0);
	/* relaxed: the same */
	store_relaxed(total_of(tree), (uint64_t)value);
}

static int compare_approximate(const struct pcpu_counter_tree *a,
			       const struct pcpu_counter_tree *b)
{
	return libpcpu_sign_beyond(pcpu_counter_tree_approximate(a),
				   pcpu_counter_tree_approximate(b),
				   a->error + b->error);
}

int pcpu_counter_tree_compare(const struct pcpu_counter_tree *a,
			      const struct pcpu_counter_tree *b)
{
	int sign = compare_approximate(a, b);

	return sign ? sign : libpcpu_sign_beyond(sum_all(a), sum_all(b), 0);
}

static int compare_value_approximate(const struct pcpu_counter_tree *a,
				     int64_t value)
{
	return libpcpu_sign_beyond(pcpu_counter_tree_approximate(a), value,
				   a->error);
}

int pcpu_counter_tree_compare_value(const struct pcpu_counter_tree *a,
				    int64_t value)
{
	int sign = compare_value_approximate(a, value);

	return sign ? sign : libpcpu_sign_beyond(sum_all(a), value, 0);
}

int pcpu_counter_tree_compare_approximate(const struct pcpu_counter_tree *a,
					  const struct pcpu_counter_tree *b)
{
	return compare_approximate(a, b);
}

int pcpu_counter_tree_compare_value_approximate(
	const struct pcpu_counter_tree *a, int64_t value)
{
	return compare_value_approximate(a, value);
}
