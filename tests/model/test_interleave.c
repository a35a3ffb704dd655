// SPDX-License-Identifier: MIT
/*
 * Random walks: threads on up to four CPUs preempt each other at random shared
 * accesses, several times and several deep. After each burst, when all are at
 * rest, the hints are recomputed and compared. A walk depends on its seed and
 * its number alone.
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
#define NR_WALKS SUPPORT_SCALE(480)
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
	unsigned depth_max;
	unsigned nr_cpus;
	unsigned objects_max;
	unsigned depth;
	unsigned nr_preempted; /* in this burst */
} walk;

static unsigned below(unsigned limit)
{
	return (unsigned)rng_below(&walk.rng, limit);
}

/* --- what threads do ------------------------------------------------------ */

static void allocate(void)
{
	size_t size = walk.size[below(walk.nr_sizes)];

	if (explore_nr_objects < walk.objects_max)
		explore_alloc(size, below(4) ? 0 : PCPU_NOWAIT);
}

static void free_one(void)
{
	if (explore_nr_objects)
		explore_free(explore_objects[below(explore_nr_objects)].handle);
}

/* Others may free in between, so each is looked for anew. */
static void free_a_size(void)
{
	size_t size = walk.size[below(walk.nr_sizes)];
	unsigned class = sizeclass_of(size, 4);
	unsigned i = explore_nr_objects;

	while (i-- > 0)
		if (i < explore_nr_objects &&
		    explore_objects[i].size == size_classes[class].size)
			explore_free(explore_objects[i].handle);
}

static void act(void)
{
	unsigned choice = below(64);

	explore_on_cpu(below(walk.nr_cpus));
	if (choice < 28)
		allocate();
	else if (choice < 54)
		free_one();
	else if (choice < 57)
		free_a_size();
	else if (choice < 60)
		explore_drain();
	else if (choice < 63)
		explore_retire_chunks();
	else if (below(2))
		explore_round();
	else
		explore_trim();
}

/* Most calls make few accesses, some make hundreds. */
static unsigned delay(void)
{
	return 1 + below(below(8) ? 24 : 600);
}

static void preempt(void)
{
	unsigned cpu = explore_cpu(), nr = 1 + below(12);

	walk.depth++;
	walk.nr_preempted++;
	if (walk.depth < walk.depth_max && below(2))
		explore_arm(delay(), preempt);
	while (nr-- > 0)
		act();
	walk.depth--;
	/* What was preempted goes on, and may be preempted again. */
	explore_disarm();
	if (walk.nr_preempted < 6 && below(2))
		explore_arm(delay(), preempt);
	explore_on_cpu(cpu);
}

/* --- a walk --------------------------------------------------------------- */

static void burst(void)
{
	unsigned nr = below(20);

	while (nr-- > 0)
		act();
	walk.nr_preempted = 0;
	explore_arm(delay(), preempt);
	act();
	explore_disarm();
	explore_check();
}

static void choose_world(uint64_t number)
{
	unsigned i, row;

	walk.rng.state = support_mix(seed + number);
	walk.nr_sizes = 1 + below(3);
	row = below(NR_ROWS);
	for (i = 0; i < walk.nr_sizes; i++)
		walk.size[i] = sizes[row][below(4)];
	walk.depth_max = 1 + below(3);
	walk.nr_cpus = 1 + below(EXPLORE_CPUS);
	walk.objects_max = below(3) ? 8 : 160;
	/* All on one node meet more often; two nodes help each other out. */
	for (i = 0; i < EXPLORE_CPUS; i++)
		topology.cpu_node[i] = (uint8_t)(number % 4 == 3 && i % 2);
}

static void run_walk(uint64_t number)
{
	unsigned i;

	snprintf(explore_schedule, sizeof(explore_schedule),
		 "PCPU_TEST_SEED=%#llx walk %llu", (unsigned long long)seed,
		 (unsigned long long)number);
	explore_reset();
	choose_world(number);
	for (i = 0; i < NR_BURSTS; i++)
		burst();
	explore_reset();
	explore_check();
}

START_TEST(threads_preempt_each_other_anywhere__hints_are_true_at_rest)
{
	unsigned i;

	for (i = 0; i < NR_WALKS; i++)
		run_walk((uint64_t)_i * NR_WALKS + i);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite = suite_create("interleave");
	TCase *tc = tcase_create("interleave");

	(void)argc;
	explore_start(argv, 2);
	seed = support_seed();
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, threads_preempt_each_other_anywhere__hints_are_true_at_rest,
		0, NR_TESTS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
