// SPDX-License-Identifier: MIT
/*
 * The allocator against a shadow map (shadow.h, S1 to S6) on simulated machines
 * from one node to eight and from two CPUs to 1,024: random allocations of all
 * sizes and alignments, one by one and in bulk, frees in random order, trims in
 * between.
 */
#include <pcpu.h>

#include "shadow.h"
#include "support.h"

/* Live bytes over all CPUs: what the box must have free. */
#define LIVE_BYTES_MAX ((size_t)64 << 20)
#define TOUCHED_MAX ((uint64_t)SUPPORT_SCALE(640) << 20)
#define NR_STEPS SUPPORT_SCALE(24000)

/* --- the random walk ---------------------------------------------------------
 */

struct walk {
	struct shadow *shadow;
	struct rng rng;
	size_t size_max; /* so that one object is no burden on a wide machine */
	unsigned growth; /* chance of an allocation, of 16 */
};

/* Small sizes most of the time, and every size some time. */
static size_t pick_size(struct walk *walk)
{
	static const unsigned short limits[16] = {
		64,  64,  64,  64,  64,   64,   64,   64,
		512, 512, 512, 512, 4096, 4096, 4096, PCPU_SIZE_MAX,
	};
	size_t limit = limits[rng_below(&walk->rng, 16)];

	if (limit > walk->size_max)
		limit = walk->size_max;
	return 1 + rng_below(&walk->rng, limit);
}

static size_t pick_align(struct walk *walk)
{
	return (size_t)1 << rng_below(&walk->rng,
				      rng_below(&walk->rng, 2) ? 4 : 13);
}

static void walk_grow(struct walk *walk)
{
	struct shadow *shadow = walk->shadow;
	size_t size = pick_size(walk), align = pick_align(walk);
	unsigned flags = rng_below(&walk->rng, 8) ? 0 : PCPU_NOWAIT;

	if (shadow->nr == SHADOW_MAX ||
	    shadow->bytes * shadow->nr_cpus > LIVE_BYTES_MAX) {
		walk->growth = 4;
		return;
	}
	require(shadow_alloc(shadow, size, align, flags) || flags,
		"out of memory with %zu live bytes", shadow->bytes);
}

static void walk_grow_bulk(struct walk *walk)
{
	struct shadow *shadow = walk->shadow;
	size_t size = pick_size(walk), align = pick_align(walk);
	unsigned flags = rng_below(&walk->rng, 8) ? 0 : PCPU_NOWAIT;
	size_t nr = rng_below(&walk->rng, size + align <= 600 ? 100 : 4);

	if (shadow->nr + nr > SHADOW_MAX ||
	    shadow->bytes * shadow->nr_cpus > LIVE_BYTES_MAX)
		return;
	require(shadow_alloc_bulk(shadow, size, align, flags, nr) || flags,
		"out of memory with %zu live bytes", shadow->bytes);
}

/* Neighbours, or as they come. */
static void walk_free_bulk(struct walk *walk)
{
	size_t first = rng_below(&walk->rng, SHADOW_MAX);
	size_t step = rng_below(&walk->rng, 2) * rng_below(&walk->rng, 4096);

	shadow_free_bulk(walk->shadow, first, step, rng_below(&walk->rng, 100));
}

static void walk_step(struct walk *walk)
{
	struct shadow *shadow = walk->shadow;
	size_t choice = rng_below(&walk->rng, 1024);

	if (choice == 0)
		walk->growth = rng_below(&walk->rng, 2) ? 12 : 4;
	else if (choice == 1)
		shadow_check_all(shadow);
	else if (choice == 2)
		pcpu_trim();
	else if (choice == 3 && rng_below(&walk->rng, 4) == 0)
		shadow_free_all(shadow, &walk->rng);
	else if (choice < 16)
		rng_below(&walk->rng, 16) < walk->growth ? walk_grow_bulk(walk)
							 : walk_free_bulk(walk);
	else if (choice % 16 < walk->growth)
		walk_grow(walk);
	else if (shadow->nr > 0)
		shadow_free(shadow, rng_below(&walk->rng, shadow->nr));
}

static void job_walk(void)
{
	struct walk walk = {.shadow = shadow_create(), .growth = 12};
	unsigned step;

	walk.rng.state = support_seed();
	walk.size_max = ((size_t)8 << 20) / walk.shadow->nr_cpus;
	if (walk.size_max > PCPU_SIZE_MAX)
		walk.size_max = PCPU_SIZE_MAX;
	for (step = 0; step < NR_STEPS; step++) {
		if (walk.shadow->touched > TOUCHED_MAX)
			break;
		walk_step(&walk);
	}
	shadow_check_all(walk.shadow);
	shadow_free_all(walk.shadow, &walk.rng);
	pcpu_trim();
	support_expect_none_live();
	free(walk.shadow);
}

/* --- every size, every alignment --------------------------------------------
 */

static void job_every_size(void)
{
	struct shadow *shadow = shadow_create();
	struct rng rng = {.state = support_seed()};
	size_t size, step = SUPPORT_SANITIZED ? 13 : 1;

	for (size = 1; size <= PCPU_SIZE_MAX; size += step) {
		require(shadow_alloc(shadow, size, 1, 0), "%zu bytes", size);
		if (shadow->nr == 64)
			shadow_free_all(shadow, &rng);
	}
	shadow_free_all(shadow, &rng);
	support_expect_none_live();
	free(shadow);
}

/* All alignments with sizes around each multiple and power of two. */
static void job_every_alignment(void)
{
	struct shadow *shadow = shadow_create();
	struct rng rng = {.state = support_seed()};
	size_t align, size;

	for (align = 1; align <= PCPU_ALIGN_MAX; align *= 2) {
		for (size = 1; size <= PCPU_SIZE_MAX;
		     size += 1 + rng_below(&rng, 8 + size / 4)) {
			require(shadow_alloc(shadow, size, align, 0),
				"%zu bytes at %zu", size, align);
			if (shadow->nr == 256)
				shadow_free_all(shadow, &rng);
		}
		require(shadow_alloc(shadow, PCPU_SIZE_MAX, align, 0),
			"the largest at %zu", align);
	}
	shadow_free_all(shadow, &rng);
	support_expect_none_live();
	free(shadow);
}

/* Fill with one size, free half, trim: what stays must not be touched. */
static void job_trim_spares_the_living(void)
{
	static const size_t sizes[] = {4, 8, 24, 256, 1500, 4096, 32768};
	struct shadow *shadow = shadow_create();
	struct rng rng = {.state = support_seed()};
	size_t i, k, nr;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		nr = ((size_t)1 << 21) / sizes[i];
		nr = SUPPORT_SCALE(nr < 2000 ? nr : 2000);
		for (k = 0; k < nr; k++)
			require(shadow_alloc(shadow, sizes[i], 4, 0),
				"%zu bytes", sizes[i]);
		for (k = 0; k < nr / 2; k++)
			shadow_free(shadow, rng_below(&rng, shadow->nr));
		pcpu_trim();
		shadow_check_all(shadow);
		for (k = 0; k < nr / 2; k++)
			require(shadow_alloc(shadow, sizes[i], 4, 0),
				"%zu bytes", sizes[i]);
		shadow_check_all(shadow);
		shadow_free_all(shadow, &rng);
		pcpu_trim();
	}
	support_expect_none_live();
	free(shadow);
}

/* --- the machines ------------------------------------------------------------
 */

struct machine {
	unsigned nr_cpus; /* 0: the real number */
	unsigned nr_nodes;
	bool wide;    /* skipped under sanitizers */
	bool no_rseq; /* and so without front */
};

static const struct machine machines[] = {
	{0, 1, false, false},   {0, 2, false, false},   {2, 4, false, false},
	{3, 1, false, false},   {3, 2, false, false},   {8, 1, false, false},
	{8, 4, false, false},   {8, 8, false, false},   {64, 2, false, false},
	{64, 8, false, false},  {256, 1, true, false},  {256, 4, true, false},
	{1024, 2, true, false}, {1024, 8, true, false}, {0, 1, false, true},
	{8, 4, false, true},
};
#define NR_MACHINES ((int)(sizeof(machines) / sizeof(machines[0])))

static void run_on_machine(const char *job, const struct machine *machine)
{
	char cpus[64], nodes[64], seed[64];
	const char *env[5] = {seed, nodes};
	unsigned nr = 2;

	snprintf(seed, sizeof(seed), "PCPU_TEST_SEED=%#llx",
		 (unsigned long long)support_seed());
	snprintf(nodes, sizeof(nodes), "PCPU_NODES=%u", machine->nr_nodes);
	snprintf(cpus, sizeof(cpus), "PCPU_POSSIBLE_CPUS=%u", machine->nr_cpus);
	if (machine->nr_cpus)
		env[nr++] = cpus;
	if (machine->no_rseq)
		env[nr++] = "GLIBC_TUNABLES=glibc.pthread.rseq=0";
	support_run_job(job, env);
}

START_TEST(random_walk_on_a_simulated_machine__keeps_every_invariant)
{
	if (!machines[_i].wide || !SUPPORT_SANITIZED)
		run_on_machine("walk", &machines[_i]);
}
END_TEST

START_TEST(every_size_from_1_to_32768__is_zeroed_and_kept)
{
	run_on_machine("every_size", &machines[0]);
}
END_TEST

START_TEST(every_alignment_from_1_to_4096__holds_for_handle_and_copies)
{
	run_on_machine("every_alignment", &machines[6]);
}
END_TEST

START_TEST(trim_between_living_objects__leaves_their_contents)
{
	run_on_machine("trim_spares_the_living", &machines[6]);
}
END_TEST

START_TEST(simulated_topology__is_what_was_asked_for)
{
	run_on_machine("topology_64_8", &machines[9]);
}
END_TEST

static void job_topology_64_8(void)
{
	unsigned char pages[64] = {0};
	struct pcpu_stats stats;
	char *p = pcpu_alloc(PCPU_ALIGN_MAX, PCPU_ALIGN_MAX);
	int cpu, next = 0;

	require(p != NULL, "errno %d", errno);
	require(pcpu_nr_cpus() == 64, "%u CPUs", pcpu_nr_cpus());
	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	require(stats.nr_cpu_ids == 64 && stats.nr_units == 64 &&
			stats.nr_nodes == 8,
		"%u ids, %u units, %u nodes", stats.nr_cpu_ids, stats.nr_units,
		stats.nr_nodes);
	pcpu_for_each_cpu (cpu) {
		require(cpu == next++, "CPU %d in place of %d", cpu, next - 1);
		require(pcpu_check_cpu(cpu) == (unsigned)cpu, "CPU %d", cpu);
		pages[cpu] = 1;
		*pcpu_ptr(p, cpu) = (char)cpu;
	}
	require(next == 64, "%d CPUs visited", next);
	pcpu_for_each_cpu (cpu)
		require(pages[cpu] && *pcpu_ptr(p, cpu) == (char)cpu, "CPU %d",
			cpu);
	require(pcpu_cpu() >= 0 && pcpu_cpu() < 64, "on CPU %d", pcpu_cpu());
	pcpu_free(p);
}

static const struct support_job jobs[] = {
	{"walk", job_walk},
	{"every_size", job_every_size},
	{"every_alignment", job_every_alignment},
	{"trim_spares_the_living", job_trim_spares_the_living},
	{"topology_64_8", job_topology_64_8},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("model");
	TCase *walk = tcase_create("walk"), *sweep = tcase_create("sweep");

	tcase_set_timeout(walk, 120);
	tcase_add_loop_test(
		walk, random_walk_on_a_simulated_machine__keeps_every_invariant,
		0, NR_MACHINES);
	suite_add_tcase(suite, walk);
	tcase_set_timeout(sweep, 120);
	tcase_add_test(sweep, every_size_from_1_to_32768__is_zeroed_and_kept);
	tcase_add_test(
		sweep,
		every_alignment_from_1_to_4096__holds_for_handle_and_copies);
	tcase_add_test(sweep,
		       trim_between_living_objects__leaves_their_contents);
	tcase_add_test(sweep, simulated_topology__is_what_was_asked_for);
	suite_add_tcase(suite, sweep);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
