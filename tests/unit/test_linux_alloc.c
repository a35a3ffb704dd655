// SPDX-License-Identifier: MIT
/*
 * The <linux/percpu.h> shim: the kernel's rules for sizes, alignments and gfp
 * flags, and its warnings about illegal ones.
 */
#include <linux/percpu.h>

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "linux_shim.h"

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

	/* In debug mode what is behind is a redzone. */
	if (getenv("PCPU_DEBUG")) {
		ck_assert_uint_eq(pcpu_alloc_size(p), 1);
	} else {
		ck_assert_uint_ge(pcpu_alloc_size(p), PCPU_MIN_ALLOC_SIZE);
		ck_assert_uint_eq(pcpu_alloc_size(p) % PCPU_MIN_ALLOC_SIZE, 0);
	}
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

int main(void)
{
	Suite *suite = suite_create("linux_alloc");

	suite_add_tcase(suite, case_arguments());
	return run_suite(suite);
}
