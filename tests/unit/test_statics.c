// SPDX-License-Identifier: MIT
/*
 * Static per-CPU variables of a program, and of a shared object that it is
 * linked with. Most cases are jobs, run in several environments.
 */
#include <pthread.h>
#include <sched.h>

#include "tests/statics/environments.h"
#include "tests/statics/objects.h"
#include "tests/support.h"

DEFINE_PER_CPU(long, program_counter) = PROGRAM_COUNTER;

static DEFINE_PER_CPU(struct pair, pair) = {.a = 21, .b = 22};
static DEFINE_PER_CPU(long, zero);
static DEFINE_PER_CPU(unsigned char, octets[7]) = {1, 2, 3, 4, 5, 6, 7};
static DEFINE_PER_CPU_SECTION(int, sectioned, "..first") = 31;
static DEFINE_PER_CPU_FIRST(int, foremost) = 32;
static DEFINE_PER_CPU_READ_MOSTLY(int, read_mostly) = 33;
static DEFINE_PER_CPU_DECRYPTED(int, decrypted) = 34;
static DEFINE_PER_CPU_ALIGNED(char, aligned) = 35;
static DEFINE_PER_CPU_SHARED_ALIGNED(char, shared_aligned) = 36;

/* Handles are constants. */
static long *const constant_handle = &pair.b;

/* --- values --------------------------------------------------------------- */

/* What constructors added is on one CPU. */
static long sum_of(const long *handle)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu (cpu)
		sum += *per_cpu_ptr(handle, cpu);
	return sum;
}

static void values(void)
{
	long nr = num_possible_cpus();
	int cpu, i;

	for_each_possible_cpu (cpu) {
		require(per_cpu(pair, cpu).a == 21 && per_cpu(zero, cpu) == 0,
			"CPU %d", cpu);
		require(*per_cpu_ptr(constant_handle, cpu) == 22, "CPU %d",
			cpu);
		for (i = 0; i < 7; i++)
			require(per_cpu(octets[i], cpu) == i + 1, "CPU %d",
				cpu);
		require(per_cpu(sectioned, cpu) == 31 &&
				per_cpu(foremost, cpu) == 32 &&
				per_cpu(read_mostly, cpu) == 33 &&
				per_cpu(decrypted, cpu) == 34 &&
				per_cpu(aligned, cpu) == 35 &&
				per_cpu(shared_aligned, cpu) == 36,
			"CPU %d", cpu);
		require(per_cpu(linked_pair, cpu).b == LINKED_B, "CPU %d", cpu);
	}
	require(linked_sum() == nr * LINKED_HIDDEN, "%ld", linked_sum());
	require(linked_constructor_was_right, "too early");
	require(sum_of(&program_counter) == nr * PROGRAM_COUNTER + linked_added,
		"%ld", sum_of(&program_counter));
	require(sum_of(&linked_pair.a) == nr * LINKED_A + linked_added, "%ld",
		sum_of(&linked_pair.a));
}

static void alignments(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		require((uintptr_t)per_cpu_ptr(&pair, cpu) % 8 == 0, "%d", cpu);
		require((uintptr_t)per_cpu_ptr(&aligned, cpu) % 64 == 0, "%d",
			cpu);
		require((uintptr_t)per_cpu_ptr(&shared_aligned, cpu) % 64 == 0,
			"%d", cpu);
	}
}

/* --- offsets -------------------------------------------------------------- */

/* Is the program at a low address, which has offsets of its own? */
static bool is_low(void)
{
	return (uintptr_t)&pair < (uintptr_t)4 << 30;
}

static void offsets(void)
{
	long *allocated = alloc_percpu(long);
	long *linked = linked_handle();
	int cpu;

	for_each_possible_cpu (cpu) {
		uintptr_t offset = per_cpu_offset(cpu);

		require((uintptr_t)per_cpu_ptr(allocated, cpu) ==
				(uintptr_t)allocated + offset,
			"CPU %d", cpu);
		require((uintptr_t)per_cpu_ptr(linked, cpu) ==
				(uintptr_t)linked + offset,
			"CPU %d", cpu);
		require(SHIFT_PERCPU_PTR(&pair, offset) ==
				per_cpu_ptr(&pair, cpu),
			"CPU %d", cpu);
		require(is_low() || (uintptr_t)per_cpu_ptr(&pair, cpu) ==
					    (uintptr_t)&pair + offset,
			"CPU %d", cpu);
	}
	free_percpu(allocated);
}

/* --- who is it? ----------------------------------------------------------- */

static void addresses(void)
{
	long *allocated = alloc_percpu(long);
	unsigned long canonical;
	int cpu;

	for_each_possible_cpu (cpu) {
		unsigned long in = (unsigned long)per_cpu_ptr(&pair.b, cpu);
		unsigned long of_object =
			(unsigned long)per_cpu_ptr(&linked_pair, cpu);

		require(is_kernel_percpu_address(in + 7), "CPU %d", cpu);
		require(is_kernel_percpu_address(of_object), "CPU %d", cpu);
		require(__is_kernel_percpu_address(in, &canonical) &&
				canonical ==
					(unsigned long)per_cpu_ptr(
						&pair.b, libpcpu_cpu_next(-1)),
			"CPU %d", cpu);
		require(!is_kernel_percpu_address(
				(unsigned long)per_cpu_ptr(allocated, cpu)),
			"CPU %d", cpu);
	}
	require(!is_kernel_percpu_address((unsigned long)&pair), "the handle");
	require(!is_kernel_percpu_address((unsigned long)&canonical),
		"the stack");
	free_percpu(allocated);
}

static void free_variable(void *unused)
{
	(void)unused;
	free_percpu(&pair.b);
}

static void free_copy(void *unused)
{
	(void)unused;
	free_percpu(per_cpu_ptr(&linked_pair, 0));
}

static void wrong_frees(void)
{
	support_expect_abort(free_variable, NULL, NULL,
			     "a static per-CPU variable");
	support_expect_abort(free_copy, NULL, NULL,
			     "the address of CPU 0's copy of a static per-CPU "
			     "variable");
}

/* --- operations ----------------------------------------------------------- */

#define THREADS 4
#define ROUNDS SUPPORT_SCALE(20000)

static void *work(void *unused)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		this_cpu_inc(zero);
		this_cpu_add(linked_pair.b, 2);
		get_cpu_var(pair).a++;
		if (i % 64 == 0)
			sched_yield();
		put_cpu_var(pair);
	}
	return unused;
}

static void operations(void)
{
	long nr = num_possible_cpus(), done = (long)THREADS * ROUNDS;
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		require(!pthread_create(&threads[i], NULL, work, NULL), "%d",
			i);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	require(sum_of(&zero) == done, "%ld", sum_of(&zero));
	require(sum_of(&linked_pair.b) == nr * LINKED_B + 2 * done, "%ld",
		sum_of(&linked_pair.b));
	require(sum_of(&pair.a) == nr * 21 + done, "%ld", sum_of(&pair.a));
}

/* -------------------------------------------------------------------------- */

START_TEST(variables__any_object__initial_value_on_each_cpu)
{
	support_run_job("values", environments[_i]);
}
END_TEST

START_TEST(variants__up_to_a_cache_line__copies_aligned)
{
	support_run_job("alignments", environments[_i]);
}
END_TEST

START_TEST(offsets__program_and_object_and_allocation__one_per_cpu)
{
	support_run_job("offsets", environments[_i]);
}
END_TEST

START_TEST(is_kernel_percpu_address__copies_of_variables__alone)
{
	support_run_job("addresses", environments[_i]);
}
END_TEST

START_TEST(free_percpu__of_a_variable_or_its_copy__one_line_and_abort)
{
	support_run_job("frees", environments[_i]);
}
END_TEST

START_TEST(operations__on_variables_by_threads__lose_nothing)
{
	support_run_job("operations", environments[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("statics");
	TCase *tc = tcase_create("statics");

	tcase_set_timeout(tc, 60);
#define LOOP(test) tcase_add_loop_test(tc, test, 0, NR_ENVIRONMENTS)
	LOOP(variables__any_object__initial_value_on_each_cpu);
	LOOP(variants__up_to_a_cache_line__copies_aligned);
	LOOP(offsets__program_and_object_and_allocation__one_per_cpu);
	LOOP(is_kernel_percpu_address__copies_of_variables__alone);
	LOOP(free_percpu__of_a_variable_or_its_copy__one_line_and_abort);
	LOOP(operations__on_variables_by_threads__lose_nothing);
#undef LOOP
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"values", values},     {"alignments", alignments},
	{"offsets", offsets},   {"addresses", addresses},
	{"frees", wrong_frees}, {"operations", operations},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
