// SPDX-License-Identifier: MIT
/*
 * Debug mode: what only redzones, poison and the quarantine find. (Rows 4 and
 * 16 to 18 of the table of faults.)
 */
#include <sched.h>

#include <pcpu.h>

#include "owned.h"
#include "statm.h"
#include "support.h"

#define ALREADY "already free"
#define BEHIND "was written behind"
#define IN_FRONT "was written in front of"
#define LATE "was written after pcpu_free()"

/* As many frees as empty the quarantine (arena/quarantine.h). */
#define NR_PASSED 1100u

static const size_t sizes[] = {1, 4, 5, 8, 24, 64, 100, 1000, 4096, 30000};
#define NR_SIZES ((int)(sizeof(sizes) / sizeof(sizes[0])))

static void *alloc_bytes(size_t size, size_t align)
{
	void *p = pcpu_alloc(size, align);

	ck_assert_msg(p != NULL, "%zu bytes at %zu: errno %d", size, align,
		      errno);
	return p;
}

/* --- 4: freed twice, the second time after others --------------------------
 */

static void free_again_after_others(void *p)
{
	unsigned i;

	pcpu_free(p);
	/* Each takes what it finds, as the owner of p's place would. */
	for (i = 0; i < 500; i++)
		require(owned_alloc(8, 0, i + 1) != NULL, "no memory");
	pcpu_free(p);
}

START_TEST(double_free_after_other_allocations__aborts_as_already_free)
{
	char *p = alloc_bytes(8, 8);

	support_expect_abort(free_again_after_others, p, p, ALREADY);
	pcpu_free(p);
}
END_TEST

/* --- 16, 17: written beside it ---------------------------------------------
 */

struct overrun {
	char *p;
	int cpu;
	ptrdiff_t offset;
	char value;
};

static void write_and_free(void *arg)
{
	const struct overrun *o = arg;

	pcpu_ptr(o->p, o->cpu)[o->offset] = o->value;
	pcpu_free(o->p);
}

static void expect_overrun(char *p, int cpu, ptrdiff_t offset, char value)
{
	struct overrun overrun = {p, cpu, offset, value};
	char cpu_name[32];

	snprintf(cpu_name, sizeof(cpu_name), "CPU %d's copy", cpu);
	support_expect_caught(write_and_free, &overrun, p, cpu_name);
	if (!SUPPORT_ASAN)
		support_expect_abort(write_and_free, &overrun, p,
				     offset < 0 ? IN_FRONT : BEHIND);
}

/* Zero, but where the program cannot run: there may be nothing but zeroes. */
static char difference_on(int cpu)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) != 0 ||
	       !CPU_ISSET((size_t)cpu, &set);
}

START_TEST(overrun_by_1_and_8_bytes_on_any_cpu__aborts_at_free)
{
	ptrdiff_t size = (ptrdiff_t)sizes[_i];
	char *p = alloc_bytes(sizes[_i], 1);
	int cpu;

	pcpu_for_each_cpu (cpu) {
		expect_overrun(p, cpu, size, 1);
		expect_overrun(p, cpu, size + 7, 1);
		expect_overrun(p, cpu, -1, 1);
		expect_overrun(p, cpu, -8, 1);
	}
	/* The program runs here, and a zero is a difference. */
	expect_overrun(p, pcpu_cpu(), size, 0);
	expect_overrun(p, pcpu_cpu(), -1, 0);
	pcpu_free(p);
}
END_TEST

START_TEST(overrun_of_an_aligned_object__aborts_at_free)
{
	size_t align;

	for (align = 2; align <= PCPU_ALIGN_MAX; align *= 2) {
		char *p = alloc_bytes(24, align);

		expect_overrun(p, 0, 24, 1);
		expect_overrun(p, 0, -1, 1);
		pcpu_free(p);
	}
}
END_TEST

/* The second time it is not untouched memory. */
START_TEST(overrun_of_a_reused_object__aborts_at_free)
{
	char *p = NULL;
	unsigned i;

	for (i = 0; i < 3 * NR_PASSED; i++) {
		p = alloc_bytes(8, 8);
		if (i + 1 < 3 * NR_PASSED)
			pcpu_free(p);
	}
	expect_overrun(p, 0, 8, difference_on(0));
	expect_overrun(p, support_last_cpu(), -1,
		       difference_on(support_last_cpu()));
	pcpu_free(p);
}
END_TEST

static void free_in_bulk(void *arg)
{
	const struct overrun *o = arg;
	void *objects[3] = {alloc_bytes(8, 8), o->p, NULL};

	pcpu_ptr(o->p, o->cpu)[o->offset] = o->value;
	pcpu_free_bulk(3, objects);
}

START_TEST(overrun_of_an_object_freed_in_bulk__aborts)
{
	void *objects[20];
	struct overrun overrun = {NULL, support_last_cpu(), 12, 1};
	int i;

	ck_assert_int_eq(pcpu_alloc_bulk(12, 4, 0, 20, objects), 0);
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(pcpu_usable_size(objects[i]), 12);
	overrun.p = objects[7];
	support_expect_caught(free_in_bulk, &overrun, overrun.p, BEHIND);
	pcpu_free_bulk(20, objects);
	support_expect_none_live();
}
END_TEST

/* --- 18: written after it was freed ----------------------------------------
 */

static void write_late(const struct overrun *o)
{
	pcpu_free(o->p);
	pcpu_ptr(o->p, o->cpu)[o->offset] = o->value;
}

static void write_late_and_pass(void *arg)
{
	unsigned i;

	write_late(arg);
	for (i = 0; i < NR_PASSED; i++)
		pcpu_free(pcpu_alloc(8, 8));
}

static void write_late_and_trim(void *arg)
{
	write_late(arg);
	pcpu_trim();
}

static void stay(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)pcpu_cpu(), &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* Out of the quarantine in time, written to then, and handed out again. */
static void write_later_and_reuse(void *arg)
{
	const struct overrun *o = arg;
	unsigned i;

	pcpu_free(o->p);
	for (i = 0; i < NR_PASSED; i++)
		pcpu_free(pcpu_alloc(2000, 8));
	for (i = 0; i < NR_PASSED; i++)
		pcpu_free(pcpu_alloc(400, 8));
	pcpu_ptr(o->p, o->cpu)[o->offset] = o->value;
	for (i = 0; i < 2000; i++)
		require(pcpu_alloc(8, 8) != NULL, "no memory");
}

/* The same, but the slab goes before. */
static void write_later_and_trim(void *arg)
{
	const struct overrun *o = arg;
	unsigned i;

	pcpu_free(o->p);
	for (i = 0; i < NR_PASSED; i++)
		pcpu_free(pcpu_alloc(400, 8));
	pcpu_ptr(o->p, o->cpu)[o->offset] = o->value;
	pcpu_trim();
}

START_TEST(write_after_free__aborts_when_the_object_leaves_quarantine)
{
	char *p = alloc_bytes(8, 8);
	int cpu;

	pcpu_for_each_cpu (cpu) {
		struct overrun write = {p, cpu, 3, difference_on(cpu)};

		support_expect_caught(write_late_and_pass, &write, p, LATE);
		support_expect_caught(write_late_and_trim, &write, p, LATE);
		write.offset = -1;
		support_expect_caught(write_late_and_trim, &write, p, LATE);
	}
	pcpu_free(p);
}
END_TEST

START_TEST(write_after_quarantine__aborts_at_reuse_or_when_the_slab_goes)
{
	struct overrun write = {NULL, support_last_cpu(), 7, 'x'};
	char *p, *neighbour;

	stay(); /* another CPU would look elsewhere for room */
	write.p = p = alloc_bytes(8, 8);
	neighbour = alloc_bytes(8, 8);
	support_expect_caught(write_later_and_reuse, &write, p, LATE);
	pcpu_free(neighbour);
	support_expect_caught(write_later_and_trim, &write, p, LATE);
	pcpu_free(p);
}
END_TEST

/* In quarantine its records and poison tell most. */
START_TEST(freed_object__not_handed_out_until_many_others_were_freed)
{
	char *p = alloc_bytes(64, 8);
	unsigned i;

	pcpu_free(p);
	for (i = 0; i < 1000; i++) {
		char *other = alloc_bytes(64, 8);

		ck_assert_ptr_ne(other, p);
		pcpu_free(other);
	}
}
END_TEST

/* --- what must work all the same -------------------------------------------
 */

START_TEST(poisoned_memory__is_zero_when_handed_out_again)
{
	unsigned i;

	/* The owner's check is that of owned_stamp(). */
	for (i = 0; i < 5 * NR_PASSED; i++)
		owned_free(owned_alloc(4 + i % 3 * 4, 0, i + 1));
	pcpu_trim();
	for (i = 0; i < NR_PASSED; i++)
		owned_free(owned_alloc(200, 0, i + 1));
	support_expect_none_live();
}
END_TEST

START_TEST(any_size_and_alignment__is_had_and_usable_size_is_the_size)
{
	static const size_t large[] = {28672, 32000, 32736,
				       32760, 32767, PCPU_SIZE_MAX};
	size_t align, size;
	unsigned i;

	for (align = 1; align <= PCPU_ALIGN_MAX; align *= 2) {
		for (i = 0; i < 6 + NR_SIZES; i++) {
			char *p;

			size = i < 6 ? large[i] : sizes[i - 6];
			p = alloc_bytes(size, align);
			ck_assert_uint_eq((uintptr_t)p % align, 0);
			ck_assert_uint_eq(
				(uintptr_t)pcpu_ptr(p, support_last_cpu()) %
					align,
				0);
			ck_assert_uint_eq(pcpu_usable_size(p), size);
			memset(pcpu_ptr(p, 0), 1, size);
			memset(pcpu_ptr(p, support_last_cpu()), 2, size);
			pcpu_free(p);
		}
	}
	pcpu_trim();
	support_expect_none_live();
}
END_TEST

static size_t resident_kib(void)
{
	return statm_read().resident / 1024;
}

/* Of 256 CPUs, those that are not here: a pattern there would be a page each.
 */
static void job_cost(void)
{
	size_t before, live, freed;
	void *held[1000];
	unsigned i;

	pcpu_free(pcpu_alloc(64, 4));
	before = resident_kib();
	for (i = 0; i < 1000; i++)
		held[i] = pcpu_alloc(64, 4);
	live = resident_kib() - before;
	for (i = 0; i < 1000; i++)
		pcpu_free(held[i]);
	freed = resident_kib() - before;
	printf("%zu KiB with 1,000 live objects, %zu freed\n", live, freed);
	/* Of each unit it is 47 pages, so 48 MiB of all. */
	require(live < 4096, "%zu KiB", live);
	require(freed < 12288 || reading_takes_memory(), "%zu KiB", freed);
}

START_TEST(copies_of_cpus_that_are_not_here__take_no_memory)
{
	static const char *const env[] = {"PCPU_POSSIBLE_CPUS=256", NULL};

	if (!SUPPORT_SANITIZED)
		support_run_job("cost", env);
}
END_TEST

static const struct support_job jobs[] = {{"cost", job_cost}, {NULL, NULL}};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("debug");
	TCase *tcase = tcase_create("debug");

#define ADD(name) tcase_add_test(tcase, name)
	tcase_set_timeout(tcase, 60);
	ADD(double_free_after_other_allocations__aborts_as_already_free);
	tcase_add_loop_test(tcase,
			    overrun_by_1_and_8_bytes_on_any_cpu__aborts_at_free,
			    0, NR_SIZES);
	ADD(overrun_of_an_aligned_object__aborts_at_free);
	ADD(overrun_of_a_reused_object__aborts_at_free);
	ADD(overrun_of_an_object_freed_in_bulk__aborts);
	ADD(write_after_free__aborts_when_the_object_leaves_quarantine);
	ADD(write_after_quarantine__aborts_at_reuse_or_when_the_slab_goes);
	ADD(freed_object__not_handed_out_until_many_others_were_freed);
	ADD(poisoned_memory__is_zero_when_handed_out_again);
	ADD(any_size_and_alignment__is_had_and_usable_size_is_the_size);
	ADD(copies_of_cpus_that_are_not_here__take_no_memory);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	support_enter_debug("1", argv);
	return support_main(argc, argv, make_suite, jobs);
}
