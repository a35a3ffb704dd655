// SPDX-License-Identifier: MIT
/*
 * Static per-CPU variables of a program that has some aligned to a page: the
 * copies of all windows lie without skew then, those of allocations too.
 */
#include "tests/statics/open.h"

DEFINE_PER_CPU(long, program_counter) = PROGRAM_COUNTER;

static DEFINE_PER_CPU_PAGE_ALIGNED(char, page[4096]) = "first";
static DEFINE_PER_CPU_PAGE_ALIGNED(long, number) = 7;
static DEFINE_PER_CPU(long, plain) = 8;

static void pages(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		require((uintptr_t)per_cpu_ptr(page, cpu) % 4096 == 0,
			"CPU %d: %p", cpu, (void *)per_cpu_ptr(page, cpu));
		require((uintptr_t)per_cpu_ptr(&number, cpu) % 4096 == 0,
			"CPU %d", cpu);
		require(!strcmp(per_cpu_ptr(page, cpu), "first") &&
				per_cpu(number, cpu) == 7 &&
				per_cpu(plain, cpu) == 8,
			"CPU %d", cpu);
		require((uintptr_t)per_cpu_ptr(&plain, cpu) ==
				(uintptr_t)&plain + per_cpu_offset(cpu),
			"CPU %d", cpu);
	}
	require(linked_sum() == num_possible_cpus() * LINKED_HIDDEN, "%ld",
		linked_sum());
	expect_paged();
}

/* All that an allocator does, and without skew. */
static void allocations(void)
{
	char *objects[300];
	int round, i, cpu;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 300; i++) {
			objects[i] = (char *)__alloc_percpu(1000, 8);
			require(objects[i], "object %d", i);
			for_each_possible_cpu (cpu) {
				char *copy = per_cpu_ptr(objects[i], cpu);

				require(!copy[0] && !copy[999], "object %d", i);
				memset(copy, 0xa5, 1000);
			}
		}
		for (i = 0; i < 300; i++)
			free_percpu(objects[i]);
		pcpu_trim();
	}
}

static const char *const environments[][3] = {
	{NULL},
	{"PCPU_POSSIBLE_CPUS=70", NULL},
};

START_TEST(page_aligned__program_and_objects__on_a_page_for_each_cpu)
{
	support_run_job("pages", environments[_i]);
}
END_TEST

START_TEST(allocations__without_skew__zero_and_apart)
{
	support_run_job("allocations", environments[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("statics_pages");
	TCase *tc = tcase_create("pages");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, page_aligned__program_and_objects__on_a_page_for_each_cpu,
		0, 2);
	tcase_add_loop_test(tc, allocations__without_skew__zero_and_apart, 0,
			    2);
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"pages", pages},
	{"allocations", allocations},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
