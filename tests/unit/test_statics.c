// SPDX-License-Identifier: MIT
/*
 * Static per-CPU variables of a program that has none aligned to a page, and of
 * shared objects that it is linked with or loads. Most cases are jobs, run in
 * several environments.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "tests/statics/objects.h"
#include "tests/statics/open.h"
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

static void expect_death(void (*fn)(void *), void *arg, const char *words)
{
	struct support_child child;

	support_fork(fn, arg, &child);
	require(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		"status %#x; %s", (unsigned)child.status, child.text);
	require(strchr(child.text, '\n') == child.text + child.nr_text - 1,
		"not one line: %s", child.text);
	require(strstr(child.text, words), "no \"%s\" in: %s", words,
		child.text);
}

static void wrong_frees(void)
{
	expect_death(free_variable, NULL, "a static per-CPU variable");
	expect_death(free_copy, NULL,
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

/* --- loaded later --------------------------------------------------------- */

static void expect_loaded(const long *value, const char *large)
{
	int cpu, i;

	for_each_possible_cpu (cpu) {
		require(*per_cpu_ptr(value, cpu) == LOADED_VALUE, "CPU %d",
			cpu);
		for (i = 0; i < 3 * 4096; i++)
			require(!per_cpu_ptr(large, cpu)[i], "CPU %d, %d", cpu,
				i);
	}
}

/* Three times, so that it comes to where it was before. */
static void load(void)
{
	int round, cpu;

	for (round = 0; round < 3; round++) {
		void *object = open_object("libloaded.so");
		long *value = dlsym(object, "loaded_value");
		char *large = dlsym(object, "loaded_large");
		unsigned long copy = (unsigned long)per_cpu_ptr(value, 0);

		require(value && large, "%s", dlerror());
		require((uintptr_t)value + per_cpu_offset(0) == copy, "%#lx",
			copy);
		expect_loaded(value, large);
		for_each_possible_cpu (cpu) {
			*per_cpu_ptr(value, cpu) = cpu;
			memset(per_cpu_ptr(large, cpu), 0xee, 3 * 4096);
		}
		require(is_kernel_percpu_address(copy), "%#lx", copy);
		dlclose(object);
		require(!is_kernel_percpu_address(copy), "%#lx", copy);
	}
	values();
}

static void in_child(void *unused)
{
	(void)unused;
	values();
	load();
	this_cpu_add(zero, 1);
	exit(sum_of(&zero) != 1);
}

static void forked(void)
{
	struct support_child child;

	support_fork(in_child, NULL, &child);
	require(support_succeeded(&child), "status %#x: %s",
		(unsigned)child.status, child.text);
	require(sum_of(&zero) == 0, "the child's copies are ours");
}

static void load_paged(void *unused)
{
	(void)unused;
	open_object("libpaged.so");
}

static void paged_late(void)
{
	expect_death(load_paged, NULL, "set PCPU_STATIC_PAGES=1");
}

static void paged_told(void)
{
	expect_paged();
	values();
}

/* --- sections that are none of an object's -------------------------------- */

/* Addresses where nothing is, far from where the system puts objects. */
#define FAR ((char *)0x2a0000000000)
#define SPAN 8192

static void map_at(void *at, size_t bytes)
{
	void *got =
		mmap(at, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	require(got == at, "%p", at);
}

static struct libpcpu_statics from_to(const char *first, const char *end)
{
	struct libpcpu_statics statics = {.first = first, .end = end};

	return statics;
}

static void expect_filled(const char *first, const char *end, char value)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		const char *at;

		for (at = first; at < end; at++)
			require(*per_cpu_ptr(at, cpu) == value, "CPU %d, %zd",
				cpu, at - first);
	}
}

/* Copies of neighbours share pages, and the second one comes to the first's. */
static void neighbours(void)
{
	struct libpcpu_statics one = from_to(FAR, FAR + SPAN / 2 - 40);
	struct libpcpu_statics two = from_to(FAR + SPAN / 2, FAR + SPAN);

	map_at(FAR, SPAN);
	memset(FAR, 1, SPAN / 2);
	memset(FAR + SPAN / 2, 2, SPAN / 2);
	libpcpu_statics_add(&one);
	libpcpu_statics_add(&two);
	expect_filled(one.first, one.end, 1);
	expect_filled(two.first, two.end, 2);
	libpcpu_statics_remove(&one);
	expect_filled(one.first, one.end, 0);
	expect_filled(two.first, two.end, 2);
	libpcpu_statics_add(&two);
	libpcpu_statics_add(&one);
	expect_filled(one.first, one.end, 1);
	expect_filled(two.first, two.end, 2);
}

static void add_where_taken(void *unused)
{
	struct libpcpu_statics statics = from_to(FAR, FAR + 64);

	(void)unused;
	libpcpu_statics_add(&statics);
}

static void taken(void)
{
	uintptr_t copy = (uintptr_t)per_cpu_ptr(FAR, 0);
	char *there = (char *)(copy & ~(uintptr_t)4095);

	map_at(FAR, 4096);
	map_at(there, 4096);
	*there = 'x';
	expect_death(add_where_taken, NULL,
		     "no room for the copies of CPU 0 at");
	require(*there == 'x', "written over");
}

static void add_too_many(void *unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; i <= LIBPCPU_STATICS_MAX; i++) {
		struct libpcpu_statics statics =
			from_to(FAR + 4 * i, FAR + 4 * i + 4);

		libpcpu_statics_add(&statics);
	}
}

static void too_many(void)
{
	map_at(FAR, 2 * SPAN);
	expect_death(add_too_many, NULL, "1024 objects at most");
}

/* -------------------------------------------------------------------------- */

static const char *const environments[][4] = {
	{NULL},
	{"PCPU_POSSIBLE_CPUS=37", "PCPU_NODES=3", NULL},
	{"GLIBC_TUNABLES=glibc.pthread.rseq=0", NULL},
	{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=16", NULL},
	{"PCPU_DEBUG=1", NULL},
};
#define NR_ENVIRONMENTS ((int)(sizeof(environments) / sizeof(environments[0])))

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

START_TEST(dlopen__again_and_again__initial_values_each_time)
{
	support_run_job("load", environments[_i]);
}
END_TEST

START_TEST(fork__child__has_copies_of_its_own)
{
	support_run_job("forked", environments[_i]);
}
END_TEST

START_TEST(dlopen__variable_aligned_to_a_page__aborts_unless_told_before)
{
	static const char *const told[] = {"PCPU_STATIC_PAGES=1", NULL};

	support_run_job("paged_late", environments[0]);
	support_run_job("paged_told", told);
}
END_TEST

START_TEST(sections__side_by_side__share_pages_and_go_apart)
{
	support_run_job("neighbours", environments[_i]);
}
END_TEST

START_TEST(section__place_of_a_copy_is_taken__one_line_and_abort)
{
	support_run_job("taken", environments[0]);
}
END_TEST

START_TEST(sections__too_many__one_line_and_abort)
{
	support_run_job("too_many", environments[0]);
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
	LOOP(dlopen__again_and_again__initial_values_each_time);
	LOOP(fork__child__has_copies_of_its_own);
	LOOP(sections__side_by_side__share_pages_and_go_apart);
#undef LOOP
	tcase_add_test(
		tc,
		dlopen__variable_aligned_to_a_page__aborts_unless_told_before);
	tcase_add_test(tc,
		       section__place_of_a_copy_is_taken__one_line_and_abort);
	tcase_add_test(tc, sections__too_many__one_line_and_abort);
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"values", values},
	{"alignments", alignments},
	{"offsets", offsets},
	{"addresses", addresses},
	{"frees", wrong_frees},
	{"operations", operations},
	{"load", load},
	{"forked", forked},
	{"paged_late", paged_late},
	{"paged_told", paged_told},
	{"neighbours", neighbours},
	{"taken", taken},
	{"too_many", too_many},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
