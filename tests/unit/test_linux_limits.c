// SPDX-License-Identifier: MIT
/*
 * The <linux/percpu.h> shim: other topologies, and exhaustion.
 *
 * Each case runs in a new process of this same program: "test_linux_limits
 * CHILD", with PCPU_POSSIBLE_CPUS set.
 */
#include <linux/percpu.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux_shim.h"

#define SIMULATED_CPUS 37

/* Runs this program anew with one argument; returns its exit status. */
static int run_child(const char *name, int cpus)
{
	pid_t pid = fork();
	char value[16];
	int status;

	if (!pid) {
		snprintf(value, sizeof(value), "%d", cpus);
		setenv("PCPU_POSSIBLE_CPUS", value, 1);
		execl("/proc/self/exe", "test_linux_limits", name,
		      (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define REQUIRE(condition)                                        \
	do {                                                      \
		if (!(condition)) {                               \
			printf("%d: %s\n", __LINE__, #condition); \
			return 1;                                 \
		}                                                 \
	} while (0)

/* --- other topologies ----------------------------------------------------- */

static int simulated_object(size_t align)
{
	int __percpu *p = (int __percpu *)__alloc_percpu(40, align);
	int cpu, other;

	REQUIRE(p);
	for_each_possible_cpu (cpu) {
		for_each_possible_cpu (other)
			REQUIRE(*per_cpu_ptr(p, other) ==
				(other < cpu ? other + 1 : 0));
		*per_cpu_ptr(p, cpu) = cpu + 1;
	}
	free_percpu(p);
	return 0;
}

static int child_simulated(void)
{
	REQUIRE(nr_cpu_ids == SIMULATED_CPUS);
	REQUIRE(num_possible_cpus() == SIMULATED_CPUS);
	REQUIRE(cpu_possible(SIMULATED_CPUS - 1));
	REQUIRE(!simulated_object(8) && !simulated_object(8));
	REQUIRE(!simulated_object(PAGE) && !simulated_object(PAGE));
	return 0;
}

START_TEST(simulated_cpus__more_than_real__each_has_a_copy)
{
	ck_assert_int_eq(run_child("simulated", SIMULATED_CPUS), 0);
}
END_TEST

/* --- exhaustion ----------------------------------------------------------- */

static void fail_often(void)
{
	int i;

	for (i = 0; i < 25; i++)
		try_alloc();
}

static int child_exhausted(void)
{
	void __percpu *last = NULL;

	try_size = PCPU_MIN_UNIT_SIZE;
	try_align = 8;
	try_gfp = GFP_KERNEL | __GFP_NOWARN;
	for (try_alloc(); try_result; try_alloc())
		last = try_result;
	REQUIRE(last);
	capture(fail_often);
	REQUIRE(!try_result && !printed[0]);
	try_gfp = GFP_ATOMIC;
	capture(fail_often);
	REQUIRE(!try_result && !printed[0]);
	try_gfp = GFP_KERNEL;
	capture(fail_often);
	REQUIRE(!try_result && lines_printed() == 10);
	REQUIRE(strstr(printed, "libpcpu: allocation failed, size=32768 "
				"align=8\n") == printed);
	REQUIRE(strstr(printed, "align=8 (not reported any more)\n"));
	free_percpu(last);
	try_alloc();
	REQUIRE(try_result); /* mostly last; not if its pages go back just now
			      */
	return 0;
}

static int child_atomic(void)
{
	try_size = PCPU_MIN_UNIT_SIZE;
	try_align = 8;
	try_gfp = GFP_ATOMIC;
	do
		try_alloc();
	while (try_result);
	try_gfp = GFP_KERNEL;
	try_alloc();
	REQUIRE(try_result);
	return 0;
}

/* Were it to grow, it would leave nothing for those who may. */
START_TEST(alloc__atomic_without_memory_at_hand__does_not_grow)
{
	ck_assert_int_eq(run_child("atomic", 4096), 0);
}
END_TEST

/* Many CPUs share the address space, so each has little and it ends soon. */
START_TEST(alloc__exhausted__warns_ten_times_if_allowed)
{
	ck_assert_int_eq(run_child("exhausted", 4096), 0);
}
END_TEST

/* -------------------------------------------------------------------------- */

static TCase *case_limits(void)
{
	TCase *tc = tcase_create("limits");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, simulated_cpus__more_than_real__each_has_a_copy);
	tcase_add_test(tc, alloc__atomic_without_memory_at_hand__does_not_grow);
	tcase_add_test(tc, alloc__exhausted__warns_ten_times_if_allowed);
	return tc;
}

static int child(const char *name)
{
	if (!strcmp(name, "simulated"))
		return child_simulated();
	if (!strcmp(name, "atomic"))
		return child_atomic();
	return child_exhausted();
}

int main(int argc, char **argv)
{
	Suite *suite;

	if (argc > 1)
		return child(argv[1]);
	suite = suite_create("linux_limits");
	suite_add_tcase(suite, case_limits());
	return run_suite(suite);
}
