// SPDX-License-Identifier: MIT
/*
 * Counters' whole lives, each as one operation with a program of its own, as
 * for object caches: after each step the sum is what was added.
 */
#include <pcpu/counter.h>

#include "fuzz.h"

#define NR_COUNTERS 3u

/* A small number, or a large one, of either sign. */
static int64_t take_number(struct fuzz *fuzz)
{
	int64_t x = (int8_t)take_byte(fuzz);

	return x % 8 ? x : x * take_two(fuzz) * 64;
}

/* May there be none? */
static void no_copies(const struct fuzz *fuzz)
{
	require(errno == ENOMEM, "errno %d", errno);
	require(fuzz->failing || fuzz_is_exhausted(4, 4),
		"no memory, and there is room");
}

/* --- pcpu_counter --------------------------------------------------------- */

struct count {
	struct fuzz *fuzz;
	struct pcpu_counter *counter;
	int64_t value, x;
	int64_t batch; /* the largest so far */
};

static void add(struct count *count, int64_t x)
{
	pcpu_counter_add(count->counter, x);
	count->value += x;
}

static void *add_there(void *arg)
{
	struct count *count = arg;

	pcpu_counter_add(count->counter, count->x);
	return NULL;
}

static void add_in_thread(struct count *count, int64_t x)
{
	count->x = x;
	if (fuzz_in_thread(count->fuzz, add_there, count))
		count->value += x;
}

static void upgrade(const struct count *count)
{
	errno = 0;
	if (pcpu_counter_upgrade(count->counter))
		no_copies(count->fuzz);
	else
		require(pcpu_counter_is_shared(count->counter), "no copies");
}

static void set_batch(struct count *count, int64_t batch)
{
	errno = 0;
	if (pcpu_counter_batch_set(count->counter, (int32_t)batch))
		require(errno == EINVAL &&
				(batch < 1 || batch > PCPU_COUNTER_BATCH_MAX),
			"batch %ld: errno %d", (long)batch, errno);
	else if (batch > count->batch)
		count->batch = batch;
}

static void add_batch(struct count *count, int64_t x, unsigned batch)
{
	pcpu_counter_add_batch(count->counter, x, 1 + (int32_t)batch);
	count->value += x;
	if (1 + (int64_t)batch > count->batch)
		count->batch = 1 + (int64_t)batch;
}

static void count_step(struct count *count)
{
	struct fuzz *fuzz = count->fuzz;
	unsigned how = take_byte(fuzz);

	switch (how % 8) {
	case 0:
		add_in_thread(count, take_number(fuzz));
		break;
	case 1:
		upgrade(count);
		break;
	case 2:
		count->value = take_number(fuzz);
		pcpu_counter_set(count->counter, count->value);
		break;
	case 3:
		set_batch(count, take_number(fuzz));
		break;
	case 4:
		fuzz_go(fuzz, take_cpu(fuzz));
		break;
	case 5:
		add_batch(count, take_number(fuzz), take_two(fuzz));
		break;
	default:
		add(count, take_number(fuzz));
	}
}

static int sign(int64_t x)
{
	return (x > 0) - (x < 0);
}

static void count_check(const struct count *count)
{
	const struct pcpu_counter *counter = count->counter;
	int64_t off = pcpu_counter_read(counter) - count->value;
	int64_t error = count->batch * libpcpu_nr_cpu_ids, d;

	require(pcpu_counter_sum(counter) == count->value, "%ld, not %ld",
		(long)pcpu_counter_sum(counter), (long)count->value);
	require(pcpu_counter_sum_copies(counter) == count->value, "%ld",
		(long)count->value);
	require(off <= error && off >= -error, "off by %ld", (long)off);
	/* A batch that has become smaller makes it too sure, as the kernel. */
	for (d = -1; d <= 1 && counter->batch == count->batch; d++)
		require(pcpu_counter_compare(counter, count->value + d) ==
				sign(-d),
			"compared with %ld more", (long)d);
	d = 2 * error + 1;
	require(pcpu_counter_compare(counter, count->value - d) == 1 &&
			pcpu_counter_compare(counter, count->value + d) == -1,
		"compared with what is far");
}

/* flags: 1, value: 1, steps: 1, and what these take */
static void counter_life(struct fuzz *fuzz)
{
	static const unsigned flags[] = {0, PCPU_COUNTER_SHARED,
					 PCPU_COUNTER_UNOWNED,
					 PCPU_COUNTER_UNOWNED | PCPU_NOWAIT};
	struct pcpu_counter counters[NR_COUNTERS];
	unsigned how = take_byte(fuzz), nr = take_byte(fuzz) % 32;
	struct count count = {
		.fuzz = fuzz,
		.counter = &counters[how / 4 % NR_COUNTERS],
	};

	require(pcpu_counter_init(count.counter, 0, 1u << 30) == -1 &&
			errno == EINVAL,
		"errno %d", errno);
	errno = 0;
	if (pcpu_counter_init_many(counters, NR_COUNTERS, 0, flags[how % 4])) {
		no_copies(fuzz);
		return;
	}
	count.batch = count.counter->batch;
	fuzz_charge(fuzz);
	while (nr-- && fuzz->left) {
		count_step(&count);
		count_check(&count);
	}
	pcpu_counter_destroy_many(counters, NR_COUNTERS);
	libpcpu_counter_destroy(count.counter); /* has nothing any more */
}

/* --- pcpu_counter_tree ---------------------------------------------------- */

struct tree {
	struct fuzz *fuzz;
	struct pcpu_counter_tree tree, other; /* which is 0 */
	int64_t value, x;
};

static void *tree_add_there(void *arg)
{
	struct tree *tree = arg;

	pcpu_counter_tree_add(&tree->tree, tree->x);
	return NULL;
}

/* A tree that others have written to, to be compared with. */
static void tree_step(struct tree *tree)
{
	struct fuzz *fuzz = tree->fuzz;

	switch (take_byte(fuzz) % 8) {
	case 0:
		tree->value = take_number(fuzz);
		pcpu_counter_tree_set(&tree->tree, tree->value);
		break;
	case 1:
		tree->x = take_number(fuzz);
		if (fuzz_in_thread(fuzz, tree_add_there, tree))
			tree->value += tree->x;
		break;
	case 2:
	case 3:
		fuzz_go(fuzz, take_cpu(fuzz));
		break;
	default:
		tree->x = take_number(fuzz);
		pcpu_counter_tree_add(&tree->tree, tree->x);
		tree->value += tree->x;
	}
}

/* What is said of a difference without a look at the copies: nothing, or the
 * truth. */
static void expect_rough(int said, int64_t difference)
{
	require(!said || said == sign(difference), "%d of %ld", said,
		(long)difference);
}

static void tree_check(const struct tree *tree)
{
	const struct pcpu_counter_tree *it = &tree->tree;
	int64_t value = tree->value, d;
	int64_t off = pcpu_counter_tree_approximate(it) - value;
	int64_t error = pcpu_counter_tree_error(it);

	require(pcpu_counter_tree_sum(it) == value, "%ld, not %ld",
		(long)pcpu_counter_tree_sum(it), (long)value);
	require(off <= error && off >= -error, "off by %ld of %ld", (long)off,
		(long)error);
	require(pcpu_counter_tree_compare(it, &tree->other) == sign(value),
		"compared with 0");
	expect_rough(pcpu_counter_tree_compare_approximate(it, &tree->other),
		     value);
	for (d = -3 * error; d <= 3 * error; d += 1 + error) {
		require(pcpu_counter_tree_compare_value(it, value + d) ==
				sign(-d),
			"compared with %ld more", (long)d);
		expect_rough(pcpu_counter_tree_compare_value_approximate(
				     it, value + d),
			     -d);
	}
}

static bool tree_init(struct tree *tree, int32_t batch)
{
	errno = 0;
	if (pcpu_counter_tree_init(&tree->tree, batch)) {
		if (batch < 0 || batch > PCPU_COUNTER_BATCH_MAX)
			require(errno == EINVAL, "errno %d", errno);
		else
			no_copies(tree->fuzz);
		return false;
	}
	if (!pcpu_counter_tree_init(&tree->other, 0))
		return true;
	no_copies(tree->fuzz);
	pcpu_counter_tree_destroy(&tree->tree);
	return false;
}

/* batch: 1 or 3, steps: 1, and what these take */
static void tree_life(struct fuzz *fuzz)
{
	struct tree tree = {.fuzz = fuzz};
	int32_t batch = (int32_t)take_number(fuzz);
	unsigned nr = take_byte(fuzz) % 64;

	if (!tree_init(&tree, batch))
		return;
	fuzz_charge(fuzz);
	while (nr-- && fuzz->left) {
		tree_step(&tree);
		tree_check(&tree);
	}
	pcpu_counter_tree_destroy(&tree.tree);
	pcpu_counter_tree_destroy(&tree.other);
}

static const struct fuzz_op ops[] = {
	{"counter_life", 0xa0, 4, counter_life},
	{"tree_life", 0xa4, 4, tree_life},
};
FUZZ_OPS(ops)
