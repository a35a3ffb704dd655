// SPDX-License-Identifier: MIT
/*
 * The shim's sets of CPUs, against arrays of bool: random masks on machines of
 * a few sizes, each in a process of its own.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>

#include "tests/support.h"

#define ROUNDS 200

struct set {
	struct cpumask mask;
	bool has[LIBPCPU_CPUS_MAX];
};

static struct set a, b, result;
static struct rng rng;

static void fill(struct set *set, unsigned int one_in)
{
	unsigned int cpu;

	cpumask_clear(&set->mask);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		set->has[cpu] = rng_below(&rng, one_in) == 0;
		if (set->has[cpu])
			cpumask_set_cpu(cpu, &set->mask);
	}
}

/* Also that nothing is above the last CPU that anyone would see. */
static void expect_same(const struct set *set, const char *what)
{
	unsigned int cpu, nr = 0;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		require(cpumask_test_cpu((int)cpu, &set->mask) == set->has[cpu],
			"%s: CPU %u", what, cpu);
		nr += set->has[cpu];
	}
	require(cpumask_weight(&set->mask) == nr, "%s: %u, not %u", what,
		cpumask_weight(&set->mask), nr);
	require(cpumask_empty(&set->mask) == (nr == 0), "%s: empty", what);
	require(cpumask_full(&set->mask) == (nr == nr_cpu_ids), "%s: full",
		what);
}

/* --- operations ----------------------------------------------------------- */

#define EXPECT_OP(call, of_one)                          \
	do {                                             \
		unsigned int i, nr = 0;                  \
		call;                                    \
		for (i = 0; i < nr_cpu_ids; i++) {       \
			bool x = a.has[i], y = b.has[i]; \
			(void)x, (void)y;                \
			result.has[i] = (of_one);        \
			nr += result.has[i];             \
		}                                        \
		expect_same(&result, #call);             \
		any = nr != 0;                           \
	} while (0)

static void two_masks(void)
{
	bool any, told;

	EXPECT_OP(told = cpumask_and(&result.mask, &a.mask, &b.mask), x && y);
	require(told == any && any == cpumask_intersects(&a.mask, &b.mask),
		"and");
	EXPECT_OP(told = cpumask_andnot(&result.mask, &a.mask, &b.mask),
		  x && !y);
	require(told == any && !any == cpumask_subset(&a.mask, &b.mask),
		"andnot");
	EXPECT_OP(cpumask_or(&result.mask, &a.mask, &b.mask), x || y);
	EXPECT_OP(cpumask_xor(&result.mask, &a.mask, &b.mask), x != y);
	require(any == !cpumask_equal(&a.mask, &b.mask), "equal");
	EXPECT_OP(cpumask_complement(&result.mask, &a.mask), !x);
	EXPECT_OP(cpumask_copy(&result.mask, &b.mask), y);
	require(cpumask_equal(&result.mask, &b.mask), "a copy");
	EXPECT_OP(cpumask_setall(&result.mask), true);
	EXPECT_OP(cpumask_clear(&result.mask), false);
}

static void one_cpu(void)
{
	int cpu = (int)rng_below(&rng, nr_cpu_ids);

	require(cpumask_test_and_set_cpu(cpu, &a.mask) == a.has[cpu], "%d",
		cpu);
	a.has[cpu] = true;
	expect_same(&a, "test_and_set");
	require(cpumask_test_and_clear_cpu(cpu, &a.mask), "%d", cpu);
	require(!cpumask_test_and_clear_cpu(cpu, &a.mask), "%d", cpu);
	a.has[cpu] = false;
	expect_same(&a, "test_and_clear");
	__cpumask_set_cpu((unsigned int)cpu, &a.mask);
	a.has[cpu] = true;
	expect_same(&a, "set");
	cpumask_clear_cpu(cpu, &a.mask);
	__cpumask_clear_cpu(cpu, &a.mask);
	a.has[cpu] = false;
	expect_same(&a, "clear");
}

/* --- visits --------------------------------------------------------------- */

#define EXPECT_VISIT(loop, of_one)                                       \
	do {                                                             \
		int expected = -1;                                       \
		unsigned int nr = 0, wanted = 0, i;                      \
		for (i = 0; i < nr_cpu_ids; i++) {                       \
			bool x = a.has[i], y = b.has[i];                 \
			(void)x, (void)y;                                \
			wanted += (of_one);                              \
		}                                                        \
		loop                                                     \
		{                                                        \
			bool x = a.has[cpu], y = b.has[cpu];             \
			(void)x, (void)y;                                \
			require((of_one) && (int)cpu > expected, #loop); \
			expected = (int)cpu;                             \
			nr++;                                            \
		}                                                        \
		require(nr == wanted, #loop ": %u of %u", nr, wanted);   \
		require(cpu >= nr_cpu_ids, #loop ": ends at %u", cpu);   \
	} while (0)

static void visits(void)
{
	unsigned int cpu;

	EXPECT_VISIT(for_each_cpu (cpu, &a.mask), x);
	EXPECT_VISIT(for_each_cpu_not (cpu, &a.mask), !x);
	EXPECT_VISIT(for_each_cpu_and (cpu, &a.mask, &b.mask), x && y);
	EXPECT_VISIT(for_each_cpu_andnot (cpu, &a.mask, &b.mask), x && !y);
}

static int evaluated;

static unsigned int start_at(unsigned int start)
{
	evaluated++;
	return start;
}

/* From each start: each CPU of the mask once, those from the start on first. */
static void wrap_from(unsigned int start)
{
	unsigned int nr = 0, expected = start;
	bool around = false;
	int cpu;

	evaluated = 0;
	for_each_cpu_wrap (cpu, &a.mask, start_at(start)) {
		if ((unsigned int)cpu < expected) {
			require(!around, "around twice");
			around = true;
		}
		require(a.has[cpu] && ((unsigned int)cpu < start) == around,
			"from %u: %d", start, cpu);
		expected = (unsigned int)cpu + 1;
		nr++;
	}
	require(nr == cpumask_weight(&a.mask), "from %u: %u of %u", start, nr,
		cpumask_weight(&a.mask));
	require((unsigned int)cpu >= nr_cpu_ids && evaluated == 1, "the end");
}

static void wrap(void)
{
	unsigned int outer, inner, nr = 0;

	wrap_from(0);
	wrap_from(nr_cpu_ids - 1);
	wrap_from((unsigned int)rng_below(&rng, nr_cpu_ids));
	for_each_cpu_wrap (outer, &a.mask, 1)
		for_each_cpu_wrap (inner, &b.mask, outer)
			nr++;
	require(nr == cpumask_weight(&a.mask) * cpumask_weight(&b.mask), "%u",
		nr);
}

static void ends(void)
{
	unsigned int first = nr_cpu_ids, last = nr_cpu_ids, cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (a.has[cpu]) {
			last = cpu;
			first = first < cpu ? first : cpu;
		}
	require(cpumask_first(&a.mask) == first &&
			cpumask_any(&a.mask) == first,
		"%u", first);
	require(cpumask_last(&a.mask) == last, "%u", last);
}

static void masks(void)
{
	unsigned int round;

	rng.state = support_seed();
	for (round = 0; round < ROUNDS; round++) {
		unsigned int one_in = 1u << rng_below(&rng, 8);

		fill(&a, one_in);
		fill(&b, round % 5 ? 2 : one_in);
		two_masks();
		one_cpu();
		visits();
		wrap();
		ends();
	}
}

/* --- the possible CPUs ---------------------------------------------------- */

static void possible(void)
{
	unsigned int nr = 0, cpu;
	cpumask_var_t mask;

	for_each_possible_cpu (cpu) {
		require(cpu_possible(cpu) && cpu_online(cpu) &&
				cpu_present(cpu) && cpu_active(cpu) &&
				!cpu_is_offline(cpu),
			"CPU %u", cpu);
		nr++;
	}
	require(nr == num_possible_cpus() && nr == num_online_cpus() &&
			nr == num_present_cpus() && nr == num_active_cpus(),
		"%u", nr);
	require(nr <= nr_cpu_ids && nr_cpu_ids <= NR_CPUS &&
			nr_cpumask_bits == nr_cpu_ids,
		"%u", nr);
	for_each_online_cpu (cpu)
		nr--;
	require(nr == 0, "%u", nr);
	require(!cpu_possible(nr_cpu_ids) && !cpu_possible(~0u), "too many");
	require(zalloc_cpumask_var(&mask, GFP_KERNEL) && cpumask_empty(mask),
		"zalloc");
	cpumask_copy(mask, cpu_possible_mask);
	require(cpumask_equal(mask, cpu_online_mask), "online");
	free_cpumask_var(mask);
}

/* -------------------------------------------------------------------------- */

static const char *const environments[][2] = {
	{NULL},
	{"PCPU_POSSIBLE_CPUS=63", NULL},
	{"PCPU_POSSIBLE_CPUS=64", NULL},
	{"PCPU_POSSIBLE_CPUS=130", NULL},
};
#define NR_ENVIRONMENTS ((int)(sizeof(environments) / sizeof(environments[0])))

START_TEST(masks__any_number_of_cpus__as_sets)
{
	support_run_job("masks", environments[_i]);
}
END_TEST

START_TEST(possible_cpus__any_number__all_are_online)
{
	support_run_job("possible", environments[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("linux_cpumask");
	TCase *tc = tcase_create("cpumask");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, masks__any_number_of_cpus__as_sets, 0,
			    NR_ENVIRONMENTS);
	tcase_add_loop_test(tc, possible_cpus__any_number__all_are_online, 0,
			    NR_ENVIRONMENTS);
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"masks", masks},
	{"possible", possible},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
