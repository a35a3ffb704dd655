// SPDX-License-Identifier: MIT
/*
 * The <linux/percpu.h> shim: every name that allocates or frees, and every way
 * in which kernel code spells an access.
 */
#include <linux/percpu.h>

#include <check.h>
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>

#include "linux_shim.h"

struct counters {
	long hits;
	short misses[3];
	char tail;
};

struct line {
	alignas(128) long hits;
};

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

START_TEST(shift_percpu_ptr__overaligned_object__that_cpus_copy)
{
	struct line __percpu *p = alloc_percpu(struct line);
	int cpu;

	for_each_possible_cpu (cpu)
		ck_assert_ptr_eq(SHIFT_PERCPU_PTR(p, per_cpu_offset(cpu)),
				 per_cpu_ptr(p, cpu));
	free_percpu(p);
}
END_TEST

START_TEST(shift_percpu_ptr__overaligned_object_and_no_offset__aborts)
{
	struct line __percpu *p = alloc_percpu(struct line);

	(void)SHIFT_PERCPU_PTR(p, per_cpu_offset(0) + 1);
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

/* -------------------------------------------------------------------------- */

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
	tcase_add_test(tc,
		       shift_percpu_ptr__overaligned_object__that_cpus_copy);
	tcase_add_test_raise_signal(
		tc, shift_percpu_ptr__overaligned_object_and_no_offset__aborts,
		SIGABRT);
	tcase_add_test(
		tc,
		for_each_possible_cpu__any_integer_type__every_cpu_in_order);
	return tc;
}

static TCase *case_free(void)
{
	TCase *tc = tcase_create("free");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, free_percpu__by_its_address__frees);
	tcase_add_loop_test_raise_signal(tc, free_percpu__garbage__aborts,
					 SIGABRT, 0, 4);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("linux_pointers");

	suite_add_tcase(suite, case_access());
	suite_add_tcase(suite, case_free());
	return run_suite(suite);
}
