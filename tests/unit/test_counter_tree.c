// SPDX-License-Identifier: MIT
/*
 * Tree counters on machines of 2 to 1,024 CPUs, which one thread plays.
 */
#include <pcpu/counter.h>
#include <pthread.h>

#include "tests/played_cpu.h"
#include "tests/support.h"

static void expect_within(const struct pcpu_counter_tree *tree, int64_t exact)
{
	int64_t off = exact - pcpu_counter_tree_approximate(tree);
	int64_t error = pcpu_counter_tree_error(tree);

	require(off <= error && off >= -error, "off by %ld, at most %ld",
		(long)off, (long)error);
}

static void expect_value(const struct pcpu_counter_tree *tree, int64_t exact)
{
	int64_t sum = pcpu_counter_tree_sum(tree);

	require(sum == exact, "%ld instead of %ld", (long)sum, (long)exact);
	expect_within(tree, exact);
}

/* --- jobs: on a machine that the environment describes ---------------------
 */

static int64_t draw(struct rng *rng, int64_t batch)
{
	int64_t x = (int64_t)rng_below(rng, 3) ? 1 : -1;

	switch (rng_below(rng, 4)) {
	case 0:
		return x * (int64_t)rng_below(rng, (size_t)batch * 40);
	case 1:
		return x * (int64_t)rng_below(rng, (size_t)batch);
	default:
		return x;
	}
}

/* Ups and downs that go in one direction for a while. */
static void random_updates(int32_t batch)
{
	struct rng rng = {.state = support_seed()};
	struct pcpu_counter_tree tree;
	int64_t exact = 0;
	unsigned i;

	require(!pcpu_counter_tree_init(&tree, batch), "errno %d", errno);
	for (i = 0; i < SUPPORT_SCALE(20000u); i++) {
		int64_t x = draw(&rng, batch);

		play_cpu((unsigned)rng_below(&rng, pcpu_nr_cpus()));
		x = i / 3000 % 2 ? -x : x;
		pcpu_counter_tree_add(&tree, x);
		exact += x;
		expect_within(&tree, exact);
		if (i % 1000 == 0)
			expect_value(&tree, exact);
	}
	expect_value(&tree, exact);
	pcpu_counter_tree_set(&tree, -77);
	expect_value(&tree, -77);
	pcpu_counter_tree_destroy(&tree);
}

static void job_random(void)
{
	require(play_cpus() || !CAN_PLAY_CPUS, "no rseq area to play with");
	random_updates(1);
	random_updates(7);
	random_updates(32);
}

/*
 * The most that a tree can hide: from the top down each node is given three
 * batches of the level below, which it keeps, then each copy all but one of its
 * own batch.
 */
static void job_worst(void)
{
	struct pcpu_counter_tree tree;
	unsigned nr = pcpu_nr_cpus(), below = 1, cpu;
	int64_t batch, exact = 0;

	require(play_cpus() || !CAN_PLAY_CPUS, "no rseq area to play with");
	require(!pcpu_counter_tree_init(&tree, 0), "errno %d", errno);
	while (below * 4 < nr) /* CPUs below a node of the highest level */
		below *= 4;
	for (; below > 1; below /= 4) {
		batch = (int64_t)tree.batch * below / 4;
		for (cpu = 0; cpu < nr; cpu += below) {
			play_cpu(cpu);
			pcpu_counter_tree_add(&tree, 3 * batch);
			exact += 3 * batch;
		}
	}
	for (cpu = 0; cpu < nr; cpu++) {
		play_cpu(cpu);
		pcpu_counter_tree_add(&tree, tree.batch - 1);
		exact += tree.batch - 1;
	}
	expect_value(&tree, exact);
	if (CAN_PLAY_CPUS) {
		require(pcpu_counter_tree_approximate(&tree) == 0, "%ld",
			(long)pcpu_counter_tree_approximate(&tree));
		require(exact == pcpu_counter_tree_error(&tree),
			"hides %ld, the bound is %ld", (long)exact,
			(long)pcpu_counter_tree_error(&tree));
	}
	pcpu_counter_tree_destroy(&tree);
}

static struct pcpu_counter_tree shared;

static void *add_and_take(void *amount)
{
	int64_t x = (int64_t)(intptr_t)amount;
	unsigned i;

	for (i = 0; i < SUPPORT_SCALE(100000u); i++) {
		pcpu_counter_tree_add(&shared, x);
		if (i % 3 == 0)
			pcpu_counter_tree_add(&shared, -2 * x);
	}
	return NULL;
}

/* CPUs that share a node do so on a machine that has some. */
static void job_threads(void)
{
	unsigned i, n = SUPPORT_SCALE(100000u);
	pthread_t thread[4];
	int64_t exact = 0;

	require(!pcpu_counter_tree_init(&shared, 3), "errno %d", errno);
	for (i = 0; i < 4; i++) {
		int64_t x = 1 + (int64_t)i * 2;

		exact += x * n - 2 * x * ((n + 2) / 3);
		pthread_create(&thread[i], NULL, add_and_take,
			       (void *)(intptr_t)x);
	}
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	expect_value(&shared, exact);
	pcpu_counter_tree_destroy(&shared);
}

static const struct support_job jobs[] = {
	{"random", job_random},
	{"worst", job_worst},
	{"threads", job_threads},
	{NULL, NULL},
};

static const char *const machines[] = {
	"PCPU_POSSIBLE_CPUS=2",   "PCPU_POSSIBLE_CPUS=3",
	"PCPU_POSSIBLE_CPUS=4",   "PCPU_POSSIBLE_CPUS=5",
	"PCPU_POSSIBLE_CPUS=16",  "PCPU_POSSIBLE_CPUS=61",
	"PCPU_POSSIBLE_CPUS=256", "PCPU_POSSIBLE_CPUS=1024",
};
#define NR_MACHINES ((int)(sizeof(machines) / sizeof(machines[0])))

START_TEST(updates_at_random__the_sum_is_exact_and_the_bound_holds)
{
	const char *const env[] = {machines[_i], NULL};

	support_run_job("random", env);
}
END_TEST

START_TEST(worst_case__hides_just_what_the_bound_says)
{
	const char *const env[] = {machines[_i], NULL};

	support_run_job("worst", env);
}
END_TEST

START_TEST(updates_by_several_threads__nothing_is_lost)
{
	const char *const env[] = {machines[_i], NULL};

	support_run_job("threads", env);
}
END_TEST

/* --- on this machine ------------------------------------------------------ */

START_TEST(init__batch_out_of_range__einval)
{
	struct pcpu_counter_tree tree;

	errno = 0;
	ck_assert_int_eq(pcpu_counter_tree_init(&tree, -1), -1);
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_int_eq(
		pcpu_counter_tree_init(&tree, PCPU_COUNTER_BATCH_MAX + 1), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(compare__near__only_the_exact_ones_tell)
{
	struct pcpu_counter_tree a, b;

	ck_assert_int_eq(pcpu_counter_tree_init(&a, 0), 0);
	ck_assert_int_eq(pcpu_counter_tree_init(&b, 0), 0);
	pcpu_counter_tree_add(&a, 5);
	pcpu_counter_tree_add(&b, 4);
	ck_assert_int_eq(pcpu_counter_tree_compare_approximate(&a, &b), 0);
	ck_assert_int_eq(pcpu_counter_tree_compare(&a, &b), 1);
	ck_assert_int_eq(pcpu_counter_tree_compare(&b, &a), -1);
	ck_assert_int_eq(pcpu_counter_tree_compare(&a, &a), 0);
	ck_assert_int_eq(pcpu_counter_tree_compare_value_approximate(&a, 6), 0);
	ck_assert_int_eq(pcpu_counter_tree_compare_value(&a, 6), -1);
	ck_assert_int_eq(pcpu_counter_tree_compare_value(&a, 5), 0);
	pcpu_counter_tree_add(&a, 1000000);
	ck_assert_int_eq(pcpu_counter_tree_compare_approximate(&a, &b), 1);
	ck_assert_int_eq(pcpu_counter_tree_compare_approximate(&b, &a), -1);
	ck_assert_int_eq(
		pcpu_counter_tree_compare_value_approximate(&a, 1 << 30), -1);
	/* Whose difference is no int64_t. */
	ck_assert_int_eq(pcpu_counter_tree_compare_value(&a, INT64_MIN), 1);
	pcpu_counter_tree_set(&a, -2);
	ck_assert_int_eq(pcpu_counter_tree_compare_value(&a, INT64_MAX), -1);
	pcpu_counter_tree_destroy(&a);
	pcpu_counter_tree_destroy(&b);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("counter_tree");
	TCase *tc = tcase_create("counter_tree");

	tcase_add_loop_test(
		tc, updates_at_random__the_sum_is_exact_and_the_bound_holds, 0,
		NR_MACHINES);
	tcase_add_loop_test(tc, worst_case__hides_just_what_the_bound_says, 0,
			    NR_MACHINES);
	tcase_add_test(tc, init__batch_out_of_range__einval);
	tcase_add_test(tc, compare__near__only_the_exact_ones_tell);
	tcase_add_loop_test(tc, updates_by_several_threads__nothing_is_lost, 0,
			    NR_MACHINES);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
