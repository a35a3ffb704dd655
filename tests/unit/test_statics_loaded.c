// SPDX-License-Identifier: MIT
/*
 * Static per-CPU variables that come and go: of shared objects that a program
 * loads, which itself has none aligned to a page; and sections that the test
 * makes up, at addresses far from all others.
 */
#include <sys/mman.h>

#include "tests/statics/environments.h"
#include "tests/statics/open.h"

DEFINE_PER_CPU(long, program_counter) = PROGRAM_COUNTER;

static DEFINE_PER_CPU(long, own);

static long sum_of_own(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu (cpu)
		sum += per_cpu(own, cpu);
	return sum;
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

/* musl leaves loaded what has been; dlclose() is for glibc's programs. */
#ifdef __GLIBC__
#define UNLOADS 1
#else
#define UNLOADS 0
#endif

/* Three times, so that it comes to where it was before. */
static void load(void)
{
	int round, cpu;

	for (round = 0; round < (UNLOADS ? 3 : 1); round++) {
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
		require(is_kernel_percpu_address(copy) == !UNLOADS, "%#lx",
			copy);
	}
}

static void in_child(void *unused)
{
	(void)unused;
	load();
	this_cpu_add(own, 1);
	exit(sum_of_own() != 1);
}

static void forked(void)
{
	struct support_child child;

	support_fork(in_child, NULL, &child);
	require(support_succeeded(&child), "status %#x: %s",
		(unsigned)child.status, child.text);
	require(sum_of_own() == 0, "the child's copies are ours");
}

static void load_paged(void *unused)
{
	(void)unused;
	open_object("libpaged.so");
}

/* What the program was linked with is there at the start, which is another
 * case. */
static void paged_late(void)
{
	require(!dlsym(RTLD_DEFAULT, "paged_text"), "it is loaded already");
	support_expect_abort(load_paged, NULL, NULL, "set PCPU_STATIC_PAGES=1");
}

static void paged_told(void)
{
	expect_paged();
}

/* --- sections that are none of an object's -------------------------------- */

/* Addresses where nothing is, far from where the system puts objects. */
#if SUPPORT_SANITIZED /* their own memory is where copies would be */
#define FAR ((char *)0x567800000000)
#else
#define FAR ((char *)0x2a0000000000)
#endif
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
	support_expect_abort(add_where_taken, NULL, NULL,
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
	support_expect_abort(add_too_many, NULL, NULL, "1024 objects at most");
}

/* -------------------------------------------------------------------------- */

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
	Suite *s = suite_create("statics_loaded");
	TCase *tc = tcase_create("statics");

	tcase_set_timeout(tc, 60);
#define LOOP(test) tcase_add_loop_test(tc, test, 0, NR_ENVIRONMENTS)
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
