// SPDX-License-Identifier: MIT
/*
 * The <linux/percpu.h> shim: the kernel's rules for arguments, its warnings,
 * and every way in which kernel code spells an access.
 *
 * What needs another topology or exhausts the library runs in a new process of
 * this same program: "test_linux CHILD", with PCPU_POSSIBLE_CPUS set.
 */
#include <linux/percpu.h>

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define SIMULATED_CPUS 37

struct counters {
	long hits;
	short misses[3];
	char tail;
};

struct line {
	alignas(128) long hits;
};

/* --- what the library prints --------------------------------------------- */

static char printed[4096];

static void drain(int fd)
{
	ssize_t n = read(fd, printed, sizeof(printed) - 1);

	printed[n > 0 ? n : 0] = '\0';
}

/* For set-up that cannot fail, also in the children, where Check does not run.
 */
static void must(bool condition)
{
	if (!condition)
		abort();
}

/* Runs act(); what it writes to standard error is then in printed[]. */
static void capture(void (*act)(void))
{
	int saved = dup(STDERR_FILENO);
	int ends[2];

	must(saved >= 0 && !pipe(ends));
	must(!fcntl(ends[0], F_SETFL, O_NONBLOCK));
	must(dup2(ends[1], STDERR_FILENO) >= 0);
	act();
	must(dup2(saved, STDERR_FILENO) >= 0);
	close(ends[1]);
	close(saved);
	drain(ends[0]);
	close(ends[0]);
}

static unsigned lines_printed(void)
{
	unsigned nr = 0;
	const char *at;

	for (at = printed; (at = strchr(at, '\n')); at++)
		nr++;
	return nr;
}

/* --- helpers -------------------------------------------------------------- */

static void expect_zero(const char *handle, size_t size)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		const char *copy = per_cpu_ptr(handle, cpu);
		size_t i = 0;

		while (i < size && !copy[i])
			i++;
		if (i < size)
			ck_abort_msg("CPU %d, byte %zu: not zero", cpu, i);
	}
}

static void fill(char *handle, int byte, size_t size)
{
	int cpu;

	for_each_possible_cpu (cpu)
		memset(per_cpu_ptr(handle, cpu), byte, size);
}

/* Runs this program anew with one argument; returns its exit status. */
static int run_child(const char *name, int cpus)
{
	pid_t pid = fork();
	char value[16];
	int status;

	if (!pid) {
		snprintf(value, sizeof(value), "%d", cpus);
		setenv("PCPU_POSSIBLE_CPUS", value, 1);
		execl("/proc/self/exe", "test_linux", name, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* --- sizes and alignments ------------------------------------------------- */

START_TEST(alloc__every_size_up_to_the_limit__all_of_it_usable)
{
	size_t size;

	for (size = 1; size <= PCPU_MIN_UNIT_SIZE; size += size / 9 + 1) {
		char __percpu *p = (char __percpu *)__alloc_percpu(size, 1);

		ck_assert_ptr_nonnull(p);
		expect_zero(p, size);
		fill(p, 0x5a, size);
		free_percpu(p);
	}
}
END_TEST

START_TEST(alloc__the_largest_size__given)
{
	char __percpu *p =
		(char __percpu *)__alloc_percpu(PCPU_MIN_UNIT_SIZE, PAGE);

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_ge(pcpu_alloc_size(p), PCPU_MIN_UNIT_SIZE);
	expect_zero(p, PCPU_MIN_UNIT_SIZE);
	free_percpu(p);
}
END_TEST

START_TEST(alloc__odd_size__rounded_up_to_four)
{
	void __percpu *p = __alloc_percpu(1, 1);

	ck_assert_uint_ge(pcpu_alloc_size(p), PCPU_MIN_ALLOC_SIZE);
	ck_assert_uint_eq(pcpu_alloc_size(p) % PCPU_MIN_ALLOC_SIZE, 0);
	free_percpu(p);
}
END_TEST

/* Three is no power of two, but below four that does not matter. */
START_TEST(alloc__alignment_below_four__is_four)
{
	void __percpu *p = __alloc_percpu(6, (size_t)_i);
	int cpu;

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq((uintptr_t)p % 4, 0);
	for_each_possible_cpu (cpu)
		ck_assert_uint_eq((uintptr_t)per_cpu_ptr(p, cpu) % 4, 0);
	free_percpu(p);
}
END_TEST

START_TEST(alloc__alignment_up_to_a_page__handle_and_copies_aligned)
{
	size_t align = (size_t)1 << _i;
	char __percpu *one = (char __percpu *)__alloc_percpu(20, align);
	char __percpu *two = (char __percpu *)__alloc_percpu(20, align);
	int cpu;

	ck_assert_ptr_nonnull(one);
	ck_assert_ptr_nonnull(two);
	ck_assert_uint_eq((uintptr_t)one % align, 0);
	fill(one, 1, 20);
	expect_zero(two, 20);
	for_each_possible_cpu (cpu)
		ck_assert_uint_eq((uintptr_t)per_cpu_ptr(two, cpu) % align, 0);
	free_percpu(one);
	free_percpu(two);
}
END_TEST

/* --- illegal arguments ---------------------------------------------------- */

static const struct {
	size_t size, align;
} illegal[] = {
	{0, 8},        {PCPU_MIN_UNIT_SIZE + 1, 8},
	{SIZE_MAX, 8}, {SIZE_MAX - 3, 8},
	{8, 2 * PAGE}, {8, 5},
	{8, 24},       {8, SIZE_MAX},
	{0, 0},
};
#define NR_ILLEGAL ((int)(sizeof(illegal) / sizeof(illegal[0])))

static size_t try_size, try_align;
static gfp_t try_gfp;
static void __percpu *try_result;

static void try_alloc(void)
{
	try_result = __alloc_percpu_gfp(try_size, try_align, try_gfp);
}

static void try_illegal(int which, gfp_t gfp)
{
	try_size = illegal[which].size;
	try_align = illegal[which].align;
	try_gfp = gfp;
	capture(try_alloc);
	ck_assert_ptr_null(try_result);
}

START_TEST(alloc__illegal_argument__null_and_a_line_with_both_numbers)
{
	char expected[128];

	snprintf(expected, sizeof(expected),
		 "libpcpu: illegal size (%zu) or alignment (%zu)\n",
		 illegal[_i].size, illegal[_i].align);
	try_illegal(_i, GFP_KERNEL);
	ck_assert_str_eq(printed, expected);
}
END_TEST

START_TEST(alloc__illegal_argument_with_nowarn__null_and_silence)
{
	try_illegal(_i, GFP_KERNEL | __GFP_NOWARN);
	ck_assert_str_eq(printed, "");
}
END_TEST

/* Atomic callers are silent about exhaustion, not about mistakes. */
START_TEST(alloc__illegal_argument_in_atomic_request__still_a_line)
{
	try_illegal(_i, GFP_ATOMIC);
	ck_assert_uint_eq(lines_printed(), 1);
}
END_TEST

static void alloc_without_fault(void)
{
	free_percpu(alloc_percpu(long));
	free_percpu(NULL);
}

START_TEST(alloc_and_free__legal__silent)
{
	capture(alloc_without_fault);
	ck_assert_str_eq(printed, "");
}
END_TEST

/* --- gfp flags ------------------------------------------------------------ */

START_TEST(gfp__each_name__blocks_or_not_as_in_the_kernel)
{
	ck_assert(gfpflags_allow_blocking(GFP_KERNEL));
	ck_assert(gfpflags_allow_blocking(GFP_KERNEL_ACCOUNT));
	ck_assert(gfpflags_allow_blocking(GFP_USER));
	ck_assert(gfpflags_allow_blocking(GFP_NOFS));
	ck_assert(gfpflags_allow_blocking(GFP_NOIO));
	ck_assert(!gfpflags_allow_blocking(GFP_ATOMIC));
	ck_assert(!gfpflags_allow_blocking(GFP_NOWAIT));
	ck_assert(!gfpflags_allow_blocking(GFP_KERNEL & ~__GFP_DIRECT_RECLAIM));
	ck_assert(!gfpflags_allow_blocking(0));
}
END_TEST

START_TEST(gfp__atomic_with_memory_at_hand__given_and_zero)
{
	static const gfp_t atomic[] = {GFP_ATOMIC, GFP_NOWAIT, 0};
	long __percpu *p = alloc_percpu(long);
	size_t i;

	ck_assert_ptr_nonnull(p);
	fill((char *)p, 0x77, sizeof(*p));
	free_percpu(p);
	for (i = 0; i < 3; i++) {
		p = alloc_percpu_gfp(long, atomic[i]);
		ck_assert_ptr_nonnull(p);
		expect_zero((char *)p, sizeof(*p));
		free_percpu(p);
	}
}
END_TEST

static const gfp_t blocking[] = {
	GFP_KERNEL,
	GFP_KERNEL | __GFP_ZERO,
	GFP_KERNEL_ACCOUNT | __GFP_NOWARN,
	GFP_NOFS,
	GFP_NOIO,
	GFP_KERNEL | __GFP_NORETRY,
};
#define NR_BLOCKING ((int)(sizeof(blocking) / sizeof(blocking[0])))

START_TEST(alloc__used_before__zero_on_every_cpu_whatever_the_flags)
{
	size_t size;

	for (size = 4; size <= 8192; size *= 4) {
		char __percpu *p;
		int round;

		for (round = 0; round < 3; round++) {
			p = (char *)__alloc_percpu_gfp(size, 8, blocking[_i]);
			ck_assert_ptr_nonnull(p);
			expect_zero(p, size);
			fill(p, 0xff, size);
			free_percpu(p);
		}
	}
}
END_TEST

/* --- the names ------------------------------------------------------------ */

START_TEST(alloc__each_name__gives_an_object_of_the_right_size)
{
	void __percpu *p[] = {
		alloc_percpu(struct counters),
		alloc_percpu_gfp(struct counters, GFP_KERNEL),
		alloc_percpu_noprof(struct counters),
		alloc_percpu_gfp_noprof(struct counters, GFP_KERNEL),
		__alloc_percpu(sizeof(struct counters), 8),
		__alloc_percpu_gfp(sizeof(struct counters), 8, GFP_KERNEL),
		__alloc_percpu_noprof(sizeof(struct counters), 8),
		__alloc_percpu_gfp_noprof(sizeof(struct counters), 8,
					  GFP_KERNEL),
		__alloc_reserved_percpu(sizeof(struct counters), 8),
		pcpu_alloc_noprof(sizeof(struct counters), 8, true, GFP_KERNEL),
	};
	size_t i, j;

	for (i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
		ck_assert_ptr_nonnull(p[i]);
		ck_assert_uint_ge(pcpu_alloc_size(p[i]),
				  sizeof(struct counters));
		for (j = 0; j < i; j++)
			ck_assert_ptr_ne(p[i], p[j]);
	}
	for (i = 0; i < sizeof(p) / sizeof(p[0]); i++)
		free_percpu(p[i]);
}
END_TEST

START_TEST(alloc_percpu__array_or_aligned_type__size_and_alignment_follow)
{
	char(*name)[48] = alloc_percpu(char[48]);
	struct line __percpu *line = alloc_percpu(struct line);

	ck_assert_uint_ge(pcpu_alloc_size(name), 48);
	ck_assert_uint_eq((uintptr_t)per_cpu_ptr(line, 0) % 128, 0);
	(*per_cpu_ptr(name, 0))[47] = 'x';
	free_percpu(name);
	free_percpu(line);
}
END_TEST

START_TEST(pcpu_alloc_size__null__zero)
{
	ck_assert_uint_eq(pcpu_alloc_size(NULL), 0);
}
END_TEST

START_TEST(pcpu_nr_pages__object_in_use__at_least_a_page_per_cpu)
{
	char __percpu *p = (char __percpu *)__alloc_percpu(PAGE, 4);

	fill(p, 1, PAGE);
	ck_assert_uint_ge(pcpu_nr_pages(), num_possible_cpus());
	free_percpu(p);
}
END_TEST

/* --- access --------------------------------------------------------------- */

#define IS(type, expression) _Generic((expression), type : 1, default : 0)

START_TEST(per_cpu_ptr__any_pointer__keeps_its_type)
{
	long *p = NULL;
	long *const fixed = NULL;
	const volatile long *cv = NULL;
	void *nothing = NULL;
	struct counters *c = NULL;

	ck_assert(IS(long *, per_cpu_ptr(p, 0)));
	ck_assert(IS(long *, per_cpu_ptr(fixed, 0)));
	ck_assert(IS(const volatile long *, per_cpu_ptr(cv, 0)));
	ck_assert(IS(void *, per_cpu_ptr(nothing, 0)));
	ck_assert(IS(short(*)[3], per_cpu_ptr(&c->misses, 0)));
	ck_assert(IS(short *, per_cpu_ptr(c->misses, 0)));
	ck_assert(IS(const volatile long *, this_cpu_ptr(cv)));
	ck_assert(IS(long *, raw_cpu_ptr(fixed)));
	ck_assert(IS(const volatile long *, SHIFT_PERCPU_PTR(cv, 0)));
}
END_TEST

START_TEST(per_cpu_ptr__arithmetic_before_or_after__the_same_place)
{
	struct counters __percpu *p =
		(struct counters __percpu *)__alloc_percpu(
			4 * sizeof(*p), alignof(struct counters));
	int cpu;

	for_each_possible_cpu (cpu) {
		struct counters *copy = per_cpu_ptr(p, cpu);

		ck_assert_ptr_eq(per_cpu_ptr(p + 3, cpu), copy + 3);
		ck_assert_ptr_eq(per_cpu_ptr(&p[2], cpu), &copy[2]);
		ck_assert_ptr_eq(per_cpu_ptr(&p->tail, cpu), &copy->tail);
		ck_assert_ptr_eq(per_cpu_ptr(&p[1].misses[2], cpu),
				 &copy[1].misses[2]);
		ck_assert_ptr_eq(per_cpu_ptr(p[3].misses, cpu), copy[3].misses);
	}
	free_percpu(p);
}
END_TEST

START_TEST(per_cpu_ptr__arguments_with_side_effects__evaluated_once)
{
	long __percpu *start = (long __percpu *)__alloc_percpu(64, 8);
	long __percpu *p = start;
	unsigned int cpu = 0;

	ck_assert_ptr_eq(per_cpu_ptr(p++, cpu++), per_cpu_ptr(start, 0));
	ck_assert_ptr_eq(p, start + 1);
	ck_assert_uint_eq(cpu, 1);
	(void)this_cpu_ptr(p++);
	(void)SHIFT_PERCPU_PTR(p++, 0);
	ck_assert_ptr_eq(p, start + 3);
	free_percpu(start);
}
END_TEST

START_TEST(this_cpu_ptr__any_cpu__one_of_the_copies)
{
	long __percpu *p = alloc_percpu(long);
	long *mine = this_cpu_ptr(p);
	long *raw = raw_cpu_ptr(p);
	int cpu, found = 0;

	for_each_possible_cpu (cpu) {
		found += per_cpu_ptr(p, cpu) == mine;
		found += per_cpu_ptr(p, cpu) == raw;
	}
	ck_assert_int_eq(found, 2);
	ck_assert_uint_lt((unsigned)smp_processor_id(), nr_cpu_ids);
	free_percpu(p);
}
END_TEST

START_TEST(shift_percpu_ptr__per_cpu_offset__same_as_per_cpu_ptr)
{
	const struct counters __percpu *p = alloc_percpu(struct counters);
	int cpu;

	for_each_possible_cpu (cpu) {
		ck_assert_ptr_eq(SHIFT_PERCPU_PTR(p, per_cpu_offset(cpu)),
				 per_cpu_ptr(p, cpu));
		ck_assert_uint_eq((unsigned long)p + per_cpu_offset(cpu),
				  (unsigned long)per_cpu_ptr(p, cpu));
	}
	free_percpu((void *)(uintptr_t)p);
}
END_TEST

START_TEST(shift_percpu_ptr__overaligned_object__aborts)
{
	struct line __percpu *p = alloc_percpu(struct line);

	(void)SHIFT_PERCPU_PTR(p, per_cpu_offset(0));
}
END_TEST

START_TEST(for_each_possible_cpu__any_integer_type__every_cpu_in_order)
{
	unsigned int nr = 0, wide = 0, last = 0;
	unsigned long cpu;
	int small;

	for_each_possible_cpu (cpu) {
		ck_assert(cpu_possible((unsigned int)cpu));
		ck_assert(!nr || cpu > last);
		last = (unsigned int)cpu;
		nr++;
	}
	for_each_possible_cpu (small)
		wide++;
	ck_assert_uint_eq(nr, wide);
	ck_assert_uint_eq(nr, num_possible_cpus());
	ck_assert_uint_eq(last + 1, nr_cpu_ids);
	ck_assert(!cpu_possible(nr_cpu_ids));
}
END_TEST

/* --- free ----------------------------------------------------------------- */

START_TEST(free_percpu__by_its_address__frees)
{
	void (*destroy)(void __percpu *) = free_percpu;

	destroy(alloc_percpu(int));
	destroy(NULL);
}
END_TEST

START_TEST(free_percpu__garbage__aborts)
{
	long __percpu *p = (long __percpu *)__alloc_percpu(64, 8);
	long local;

	switch (_i) {
	case 0:
		free_percpu(p + 1);
		break;
	case 1:
		free_percpu(per_cpu_ptr(p, 0));
		break;
	case 2:
		free_percpu(&local);
		break;
	case 3:
		free_percpu(p);
		free_percpu(p);
		break;
	}
}
END_TEST

/* --- other topologies, and exhaustion ------------------------------------- */

#define REQUIRE(condition)                                        \
	do {                                                      \
		if (!(condition)) {                               \
			printf("%d: %s\n", __LINE__, #condition); \
			return 1;                                 \
		}                                                 \
	} while (0)

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
	REQUIRE(try_result == last);
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

static TCase *case_arguments(void)
{
	TCase *tc = tcase_create("arguments");

	tcase_add_test(tc, alloc__every_size_up_to_the_limit__all_of_it_usable);
	tcase_add_test(tc, alloc__the_largest_size__given);
	tcase_add_test(tc, alloc__odd_size__rounded_up_to_four);
	tcase_add_loop_test(tc, alloc__alignment_below_four__is_four, 0, 4);
	tcase_add_loop_test(
		tc, alloc__alignment_up_to_a_page__handle_and_copies_aligned, 2,
		13);
	tcase_add_loop_test(
		tc, alloc__illegal_argument__null_and_a_line_with_both_numbers,
		0, NR_ILLEGAL);
	tcase_add_loop_test(
		tc, alloc__illegal_argument_with_nowarn__null_and_silence, 0,
		NR_ILLEGAL);
	tcase_add_loop_test(
		tc, alloc__illegal_argument_in_atomic_request__still_a_line, 0,
		NR_ILLEGAL);
	tcase_add_test(tc, alloc_and_free__legal__silent);
	tcase_add_test(tc, gfp__each_name__blocks_or_not_as_in_the_kernel);
	tcase_add_test(tc, gfp__atomic_with_memory_at_hand__given_and_zero);
	tcase_add_loop_test(
		tc, alloc__used_before__zero_on_every_cpu_whatever_the_flags, 0,
		NR_BLOCKING);
	return tc;
}

static TCase *case_access(void)
{
	TCase *tc = tcase_create("access");

	tcase_add_test(tc, alloc__each_name__gives_an_object_of_the_right_size);
	tcase_add_test(
		tc,
		alloc_percpu__array_or_aligned_type__size_and_alignment_follow);
	tcase_add_test(tc, pcpu_alloc_size__null__zero);
	tcase_add_test(tc,
		       pcpu_nr_pages__object_in_use__at_least_a_page_per_cpu);
	tcase_add_test(tc, per_cpu_ptr__any_pointer__keeps_its_type);
	tcase_add_test(tc,
		       per_cpu_ptr__arithmetic_before_or_after__the_same_place);
	tcase_add_test(
		tc, per_cpu_ptr__arguments_with_side_effects__evaluated_once);
	tcase_add_test(tc, this_cpu_ptr__any_cpu__one_of_the_copies);
	tcase_add_test(tc,
		       shift_percpu_ptr__per_cpu_offset__same_as_per_cpu_ptr);
	tcase_add_test_raise_signal(
		tc, shift_percpu_ptr__overaligned_object__aborts, SIGABRT);
	tcase_add_test(
		tc,
		for_each_possible_cpu__any_integer_type__every_cpu_in_order);
	return tc;
}

static TCase *case_ends(void)
{
	TCase *tc = tcase_create("ends");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, free_percpu__by_its_address__frees);
	tcase_add_loop_test_raise_signal(tc, free_percpu__garbage__aborts,
					 SIGABRT, 0, 4);
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
	SRunner *runner;
	int failed;

	if (argc > 1)
		return child(argv[1]);
	suite = suite_create("linux");
	suite_add_tcase(suite, case_arguments());
	suite_add_tcase(suite, case_access());
	suite_add_tcase(suite, case_ends());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
