// SPDX-License-Identifier: MIT
/*
 * Wrong arguments are errors, with the errno that pcpu.h promises; the checked
 * accessors abort. Rows 12 and 21 to 24 of the project's table of faults.
 */
#define PCPU_CHECKED
#include <pcpu.h>

#include "support.h"

START_TEST(free_of_null__does_nothing)
{
	errno = 77;
	pcpu_free(NULL);
	ck_assert_uint_eq(pcpu_usable_size(NULL), 0);
	ck_assert_int_eq(errno, 77);
}
END_TEST

static void expect_error(size_t size, size_t align, unsigned flags, int error)
{
	errno = 0;
	ck_assert_msg(pcpu_alloc_flags(size, align, flags) == NULL,
		      "%zu bytes at %zu with %#x", size, align, flags);
	ck_assert_msg(errno == error, "%zu bytes at %zu with %#x: errno %d",
		      size, align, flags, errno);
}

START_TEST(bad_size__is_an_error)
{
	expect_error(0, 8, 0, EINVAL);
	expect_error(0, 8, PCPU_NOWAIT, EINVAL);
	expect_error(PCPU_SIZE_MAX + 1, 8, 0, ENOMEM);
	expect_error(PCPU_SIZE_MAX + 1, 4096, PCPU_NOWAIT, ENOMEM);
	expect_error((size_t)1 << 32, 8, 0, ENOMEM);
	expect_error(((size_t)1 << 32) + 8, 8, 0, ENOMEM);
	expect_error(SIZE_MAX / 2 + 1, 1, 0, ENOMEM);
	expect_error(SIZE_MAX - 2, 1, 0, ENOMEM);
	expect_error(SIZE_MAX, 4096, 0, ENOMEM);
	errno = 0;
	ck_assert_ptr_null(pcpu_alloc(0, 8));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(bad_alignment__is_an_error)
{
	static const size_t aligns[] = {
		0,
		3,
		5,
		6,
		7,
		9,
		24,
		4095,
		4097,
		8192,
		SIZE_MAX,
		(size_t)1 << 32,
		(size_t)1 << 63,
	};
	size_t i;

	for (i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		expect_error(8, aligns[i], 0, EINVAL);
		expect_error(PCPU_SIZE_MAX, aligns[i], PCPU_NOWAIT, EINVAL);
	}
}
END_TEST

START_TEST(unknown_flags__are_an_error)
{
	unsigned bit;

	for (bit = 0; bit < 32; bit++)
		if (!(1u << bit & (PCPU_NOWAIT | PCPU_NOZERO)))
			expect_error(8, 8, PCPU_NOWAIT | 1u << bit, EINVAL);
}
END_TEST

static void do_check_cpu(void *cpu)
{
	printf("%u", pcpu_check_cpu(*(int *)cpu));
}

static void do_checked_ptr(void *cpu)
{
	char *p = pcpu_alloc(8, 8);

	printf("%p", (void *)pcpu_ptr(p, *(int *)cpu));
}

START_TEST(cpu_out_of_range__aborts_in_the_checked_accessor)
{
	int nr = (int)pcpu_nr_cpus();
	int wrong[] = {-1, nr, nr + 1, 8192, INT32_MAX, INT32_MIN};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		support_expect_abort(do_check_cpu, &wrong[i], NULL, "CPU|cpu");
		support_expect_abort(do_checked_ptr, &wrong[i], NULL,
				     "CPU|cpu");
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("arguments");
	TCase *tcase = tcase_create("arguments");

#define ADD(name) tcase_add_test(tcase, name)
	tcase_set_timeout(tcase, 60);
	ADD(free_of_null__does_nothing);
	ADD(bad_size__is_an_error);
	ADD(bad_alignment__is_an_error);
	ADD(unknown_flags__are_an_error);
	ADD(cpu_out_of_range__aborts_in_the_checked_accessor);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, NULL);
}
