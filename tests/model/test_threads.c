// SPDX-License-Identifier: MIT
/*
 * Random programs for two to four threads, over the whole public interface,
 * under random schedules of the explorer's engine, in both memory models. All
 * threads come to rest after a few calls each; then the hints are recomputed
 * and compared, and they go on from there. A walk depends on its seed and its
 * number alone.
 *
 *	PCPU_TEST_SEED=N	repeat a run
 *	FUZZ_SECONDS=N		go on for so long, instead of a few walks
 */
#include <check.h>
#include <pcpu.h>
#include <stdio.h>
#include <stdlib.h>

#include "chunk/topology.h"
#include "explore.h"
#include "support.h"
#include "tests/run_suite.h"

#define NR_TESTS 8
#define NR_WALKS SUPPORT_SCALE(100)
#define NR_BURSTS 50u

/* A walk draws its sizes from one row. In the first two an empty slab of one
 * size looks like a used one of another; then slabs of one, two, four and 16
 * words; of eight pages and of seven; and all sorts. */
static const size_t sizes[][4] = {
	{1024, 2048, 1024, 4096}, {1024, 2048, 512, 448},
	{56, 64, 48, 72},         {32, 48, 64, 16},
	{4, 12, 16, 32},          {28672, 32768, 20480, 4096},
	{12288, 3584, 64, 1536},  {4, 64, 2048, 32768},
};
#define NR_ROWS (sizeof(sizes) / sizeof(*sizes))

static uint64_t seed;

static struct {
	struct rng rng;
	size_t size[3]; /* few, so that threads meet */
	unsigned nr_sizes;
	unsigned nr_cpus;
	unsigned objects_max;
} walk;

/* Each thread's program is its own, whoever runs when. */
static struct rng programs[EXPLORE_THREADS];

static unsigned below(unsigned limit)
{
	return (unsigned)rng_below(&programs[explore_thread()], limit);
}

/* --- calls ---------------------------------------------------------------- */

static size_t any_size(void)
{
	return walk.size[below(walk.nr_sizes)];
}

static void allocate(void)
{
	unsigned flags = below(4) ? 0 : PCPU_NOWAIT;
	size_t size = any_size();

	if (explore_nr_objects < walk.objects_max)
		explore_alloc(size, flags);
}

static void *any_object(void)
{
	unsigned n = below(8);

	while (n && !explore_own_object(n))
		n /= 2;
	return explore_own_object(n);
}

static void free_one(void)
{
	explore_free(any_object());
}

#define BULK_MAX 8u

static void allocate_bulk(void)
{
	void *handles[BULK_MAX];
	size_t nr = 1 + below(BULK_MAX), size = any_size();

	if (explore_nr_objects + nr < walk.objects_max)
		explore_alloc_bulk(size, nr, handles);
}

static void free_bulk(void)
{
	void *handles[BULK_MAX];
	unsigned nr = 0;

	while (nr < BULK_MAX && (handles[nr] = explore_own_object(nr)))
		nr++;
	explore_free_bulk(nr, handles);
}

static void free_a_size(void)
{
	size_t size = size_classes[sizeclass_of(any_size(), 4)].size;
	unsigned n = 0, i;
	void *object;

	while ((object = explore_own_object(n))) {
		for (i = 0; explore_objects[i].handle != object; i++)
			;
		if (explore_objects[i].size == size)
			explore_free(object);
		else
			n++;
	}
}

static void ask(void)
{
	void *object = any_object();
	struct pcpu_stats stats;

	if (object)
		explore_expect(pcpu_usable_size(object) >= 4, "its size");
	if (!below(4))
		explore_expect(!pcpu_stats_get(&stats), "no statistics");
}

static void call(void)
{
	unsigned choice = below(64);

	if (choice < 24)
		allocate();
	else if (choice < 46)
		free_one();
	else if (choice < 50)
		allocate_bulk();
	else if (choice < 54)
		free_bulk();
	else if (choice < 56)
		free_a_size();
	else if (choice < 58)
		ask();
	else if (choice < 60)
		explore_drain();
	else if (choice < 62)
		explore_retire_chunks();
	else if (choice < 63)
		explore_round();
	else
		explore_trim();
}

/* --- walks ---------------------------------------------------------------- */

static void run_program(void)
{
	unsigned nr = 1 + below(8);

	while (nr-- > 0) {
		if (!below(16))
			explore_on_cpu(below(walk.nr_cpus));
		call();
	}
}

static void burst(enum explore_model model)
{
	struct scenario scenario = {.name = "walk", .may_fail = true};
	unsigned nr = 2 + (unsigned)rng_below(&walk.rng, 3), i;

	for (i = 0; i < nr; i++) {
		scenario.thread[i] = run_program;
		scenario.cpu[i] =
			(uint8_t)(1 + rng_below(&walk.rng, walk.nr_cpus));
		programs[i].state = rng_next(&walk.rng);
	}
	explore_random(&scenario, model, rng_next(&walk.rng));
}

static void choose_world(uint64_t number)
{
	unsigned i, row;

	walk.rng.state = support_mix(seed + number);
	walk.nr_sizes = 1 + (unsigned)rng_below(&walk.rng, 3);
	row = (unsigned)rng_below(&walk.rng, NR_ROWS);
	for (i = 0; i < walk.nr_sizes; i++)
		walk.size[i] = sizes[row][rng_below(&walk.rng, 4)];
	walk.nr_cpus = 1 + (unsigned)rng_below(&walk.rng, EXPLORE_CPUS);
	walk.objects_max = rng_below(&walk.rng, 3) ? 12 : 160;
	/* All on one node meet more often; two nodes help each other out. */
	for (i = 0; i < EXPLORE_CPUS; i++)
		topology.cpu_node[i] = (uint8_t)(number % 5 == 3 && i % 2);
}

static void run_walk(uint64_t number)
{
	enum explore_model model = (unsigned)(number % EXPLORE_MODELS);
	unsigned i;

	snprintf(explore_context, sizeof(explore_context),
		 "PCPU_TEST_SEED=%#llx walk %llu", (unsigned long long)seed,
		 (unsigned long long)number);
	explore_reset_for(model);
	choose_world(number);
	for (i = 0; i < NR_BURSTS; i++)
		burst(model);
	explore_reset();
	explore_check();
}

START_TEST(threads_run_beside_each_other_at_random__hints_are_true_at_rest)
{
	unsigned i;

	for (i = 0; i < NR_WALKS; i++)
		run_walk((uint64_t)_i * NR_WALKS + i);
}
END_TEST

static unsigned fuzz_seconds;

START_TEST(threads_run_on_for_a_time__hints_are_true_at_rest)
{
	time_t start = time(NULL), told = start;
	uint64_t i;

	for (i = 0; time(NULL) - start < fuzz_seconds; i++) {
		run_walk(i);
		if (time(NULL) - told < 5)
			continue;
		told = time(NULL);
		printf("%6ld s: %llu walks\n", (long)(told - start),
		       (unsigned long long)i + 1);
		fflush(stdout);
	}
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite = suite_create("threads");
	TCase *tc = tcase_create("threads");
	const char *text = getenv("FUZZ_SECONDS");

	(void)argc;
	explore_start(argv, 2);
	seed = support_seed();
	tcase_set_timeout(tc, text ? 0 : 60);
	fuzz_seconds = text ? (unsigned)atoi(text) : 0;
	if (fuzz_seconds)
		tcase_add_test(
			tc, threads_run_on_for_a_time__hints_are_true_at_rest);
	else
		tcase_add_loop_test(
			tc,
			threads_run_beside_each_other_at_random__hints_are_true_at_rest,
			0, NR_TESTS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
