// SPDX-License-Identifier: MIT
/*
 * The public calls: their rules for arguments, and where they end. What they do
 * to the copies of an object is in test_alloc_copies.c.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "arena/arena.h"
#include "chunk/registry.h"
#include "pcpu.h"
#include "simulate.h"
#include "tests/run_suite.h"

static unsigned class_of(const void *p)
{
	struct found found;

	ck_assert(registry_find(p, &found));
	return map_class(found.entry);
}

/* --- arguments ------------------------------------------------------------ */

static const struct {
	size_t size, align;
	unsigned flags;
	int code;
} bad[] = {
	{0, 8, 0, EINVAL},
	{8, 0, 0, EINVAL},
	{8, 3, 0, EINVAL},
	{8, 96, 0, EINVAL},
	{8, PCPU_ALIGN_MAX + 1, 0, EINVAL},
	{8, 2 * PCPU_ALIGN_MAX, 0, EINVAL},
	{8, (size_t)1 << 63, 0, EINVAL},
	{8, SIZE_MAX, 0, EINVAL},
	{8, 8, 4, EINVAL},
	{8, 8, 4 | PCPU_NOWAIT, EINVAL},
	{8, 8, 1u << 31, EINVAL},
	{0, 0, 0, EINVAL},
	{0, 8, PCPU_NOWAIT, EINVAL},
	{PCPU_SIZE_MAX + 1, 8, 0, ENOMEM},
	{PCPU_SIZE_MAX + 1, PCPU_ALIGN_MAX, PCPU_NOWAIT, ENOMEM},
	{SIZE_MAX, 1, 0, ENOMEM},
	{SIZE_MAX, 3, 0, EINVAL},
	{SIZE_MAX, 8, 4, EINVAL},
};
#define NR_BAD ((int)(sizeof(bad) / sizeof(*bad)))

START_TEST(alloc__bad_argument__null_and_which_error)
{
	void *p;
	int code;

	errno = 0;
	p = pcpu_alloc_flags(bad[_i].size, bad[_i].align, bad[_i].flags);
	code = errno;
	ck_assert_ptr_null(p);
	ck_assert_int_eq(code, bad[_i].code);
	errno = 0;
	p = libpcpu_alloc(bad[_i].size, bad[_i].align, bad[_i].flags);
	code = errno;
	ck_assert_ptr_null(p);
	ck_assert_int_eq(code, bad[_i].code);
}
END_TEST

/* Constructors right before and behind the library's, which is 101; what those
 * of other libraries do to errno is their affair. */
static bool started_before;
static int errno_after;

static void before_start(void)
{
	started_before = layout.nr_units != 0;
	errno = EDOM;
}

/* As constructor(50), which a compiler warns of. */
__attribute__((section(".init_array.00050"),
	       used)) static void (*const call_before_start)(void) =
	before_start;

__attribute__((constructor(102))) static void after_start(void)
{
	errno_after = errno;
}

START_TEST(start__before_main__errno_stays)
{
	ck_assert(!started_before);
	ck_assert_int_eq(errno_after, EDOM);
}
END_TEST

START_TEST(alloc__good_arguments__errno_stays)
{
	void *p;
	int code;

	errno = EXDEV;
	p = pcpu_alloc(PCPU_SIZE_MAX, PCPU_ALIGN_MAX);
	pcpu_free(p);
	pcpu_free(NULL);
	code = errno;
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(code, EXDEV);
}
END_TEST

/* Handles and all copies. */
START_TEST(alloc__every_alignment__given_and_in_its_class)
{
	size_t align = (size_t)1 << _i;
	size_t size;

	for (size = 1; size <= PCPU_SIZE_MAX; size += size / 2 + 1) {
		void *p = pcpu_alloc(size, align);
		int cpu;

		ck_assert_uint_eq(class_of(p), sizeclass_of(size, align));
		ck_assert_uint_ge(pcpu_usable_size(p), size);
		ck_assert_uint_eq((uintptr_t)p % align, 0);
		pcpu_for_each_cpu (cpu)
			if ((uintptr_t)pcpu_ptr(p, cpu) % align)
				ck_abort_msg("CPU %d", cpu);
		pcpu_free(p);
	}
}
END_TEST

START_TEST(usable_size__any_object__the_size_of_its_class)
{
	size_t size;

	ck_assert_uint_eq(pcpu_usable_size(NULL), 0);
	ck_assert_uint_eq(libpcpu_usable_size(NULL), 0);
	for (size = 1; size <= PCPU_SIZE_MAX; size += size / 9 + 1) {
		void *p = pcpu_alloc(size, 1);
		size_t want = size_classes[sizeclass_of(size, 1)].size;

		ck_assert_uint_eq(pcpu_usable_size(p), want);
		ck_assert_uint_eq(libpcpu_usable_size(p), want);
		libpcpu_free(p);
	}
}
END_TEST

static void *object_to_abuse(void)
{
	return pcpu_alloc(64, 64);
}

START_TEST(free__twice__aborts)
{
	void *p = object_to_abuse();

	pcpu_free(p);
	pcpu_free(p);
}
END_TEST

START_TEST(free__interior_pointer__aborts)
{
	pcpu_free((char *)object_to_abuse() + 4);
}
END_TEST

START_TEST(usable_size__of_a_free_object__aborts)
{
	void *p = object_to_abuse();

	pcpu_free(p);
	pcpu_usable_size(p);
}
END_TEST

/* --- ends ----------------------------------------------------------------- */

/* All objects of a size that there are. */
static unsigned exhaust(size_t size, unsigned flags)
{
	unsigned nr = 0;

	while (pcpu_alloc_flags(size, 8, flags))
		nr++;
	return nr;
}

START_TEST(alloc__without_waiting__takes_what_is_linked_and_no_more)
{
	int code;

	errno = 0;
	ck_assert_uint_eq(exhaust(PCPU_SIZE_MAX, PCPU_NOWAIT),
			  7 * layout.nr_nodes);
	code = errno;
	ck_assert_int_eq(code, ENOMEM);
	ck_assert_ptr_nonnull(pcpu_alloc(PCPU_SIZE_MAX, 8));
	ck_assert_uint_eq(exhaust(PCPU_SIZE_MAX, PCPU_NOWAIT), 6);
}
END_TEST

START_TEST(alloc__exhausted__enomem_until_something_is_freed)
{
	void *p = pcpu_alloc(PCPU_SIZE_MAX, 8);
	unsigned i;
	chunk_id id;
	int code;

	for (i = 0; i < arena_count(); i++)
		while (pool_claim(&arena_at(i)->pool, &id))
			;
	exhaust(PCPU_SIZE_MAX, 0);
	errno = 0;
	ck_assert_ptr_null(pcpu_alloc(PCPU_SIZE_MAX, 8));
	code = errno;
	ck_assert_int_eq(code, ENOMEM);
	pcpu_free(p);
	ck_assert_ptr_eq(pcpu_alloc(PCPU_SIZE_MAX, 8), p);
	ck_assert_ptr_null(pcpu_alloc(PCPU_SIZE_MAX, 8));
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tc;

	(void)argc;
	/* Ignored, but who reads it gets an errno. */
	setenv("PCPU_ARENAS", "99999999999999999999", 1);
	/* So many CPUs leave each little address space, so it is exhausted
	 * soon. */
	simulate(argv, 1024, 0, 0);
	suite = suite_create("alloc");
	tc = tcase_create("alloc");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, start__before_main__errno_stays);
	tcase_add_loop_test(tc, alloc__bad_argument__null_and_which_error, 0,
			    NR_BAD);
	tcase_add_test(tc, alloc__good_arguments__errno_stays);
	tcase_add_loop_test(tc, alloc__every_alignment__given_and_in_its_class,
			    0, 13);
	tcase_add_test(tc, usable_size__any_object__the_size_of_its_class);
	tcase_add_test_raise_signal(tc, free__twice__aborts, SIGABRT);
	tcase_add_test_raise_signal(tc, free__interior_pointer__aborts,
				    SIGABRT);
	tcase_add_test_raise_signal(tc, usable_size__of_a_free_object__aborts,
				    SIGABRT);
	tcase_add_test(
		tc, alloc__without_waiting__takes_what_is_linked_and_no_more);
	tcase_add_test(tc, alloc__exhausted__enomem_until_something_is_freed);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
