// SPDX-License-Identifier: MIT
/*
 * What the public calls do to an object's copies: nothing to those of virgin
 * memory, zeroes to all others. With more CPUs than there are, so that many
 * units show it.
 */
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena/arena.h"
#include "chunk/registry.h"
#include "pcpu.h"
#include "tests/run_suite.h"

#define EXTRA_CPUS 70u

/* A request for each class's size in its window, so for each class that
 * requests can have. */
static void *alloc_of(unsigned class)
{
	const struct size_class *c = &size_classes[class];

	return pcpu_alloc(c->size, c->window == WINDOW_PAGES ? 128 : 4);
}

static unsigned class_of(const void *p)
{
	struct found found;

	ck_assert(registry_find(p, &found));
	return map_class(found.entry);
}

/* Pages of the chunk that are in memory, over all units. */
static size_t resident_pages(const void *p)
{
	static unsigned char vec[CHUNK_PAGES + 1];
	unsigned window = size_classes[class_of(p)].window;
	uintptr_t handle = (uintptr_t)p - layout.window[window];
	size_t nr = 0;
	unsigned unit, i;

	handle = layout.window[window] + handle / CHUNK_BYTES * CHUNK_BYTES;
	for (unit = 0; unit < layout.nr_units; unit++) {
		uintptr_t at =
			handle + (uintptr_t)layout.unit_offset[window][unit];

		at &= ~(uintptr_t)(PAGE_BYTES - 1);
		ck_assert_int_eq(
			mincore((void *)at, CHUNK_BYTES + PAGE_BYTES, vec), 0);
		for (i = 0; i <= CHUNK_PAGES; i++)
			nr += vec[i] & 1;
	}
	return nr;
}

static void fill(void *p)
{
	int cpu;

	pcpu_for_each_cpu (cpu)
		memset(pcpu_ptr(p, cpu), 0xa5, pcpu_usable_size(p));
}

static void expect_zero(void *p)
{
	static const char zeroes[PCPU_SIZE_MAX];
	size_t size = pcpu_usable_size(p);
	int cpu;

	pcpu_for_each_cpu (cpu)
		if (memcmp(pcpu_ptr(p, cpu), zeroes, size))
			ck_abort_msg("CPU %d, %zu bytes", cpu, size);
}

/* More than a slab of each, so that the slow path is there, too. */
START_TEST(alloc__virgin_memory__no_page_of_any_copy_is_touched)
{
	static const unsigned sizes[] = {4, 8, 16, 24, 64, 100, 4096, 32768};
	unsigned window = (unsigned)_i / 8;
	size_t size = sizes[_i % 8];
	size_t align = window == WINDOW_PAGES ? 128 : 4;
	unsigned i;
	void *p = NULL;

	for (i = 0; i < 1100; i++) {
		p = pcpu_alloc(size, align);
		ck_assert_ptr_nonnull(p);
		if (i < 8 || i > 1090)
			ck_assert_uint_eq(resident_pages(p), 0);
	}
	*(char *)pcpu_ptr(p, 0) = 1;
	ck_assert_uint_eq(resident_pages(p), 1);
}
END_TEST

/* I4, I8. The lowest free object is the next one. */
START_TEST(alloc__recycled_memory__zero_on_every_cpu)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		void *keep = alloc_of(class), *p = alloc_of(class), *again;

		expect_zero(p);
		fill(p);
		pcpu_free(p);
		again = alloc_of(class);
		if (size_classes[class_of(p)].nr_objects >= 2)
			ck_assert_ptr_eq(again, p);
		expect_zero(again);
		pcpu_free(again);
		pcpu_free(keep);
	}
}
END_TEST

/* What is zeroed is what one owner had: the neighbours keep theirs. */
START_TEST(alloc__recycled_memory__neighbours_untouched)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class += 5) {
		void *before = alloc_of(class), *p = alloc_of(class);
		void *behind = alloc_of(class);
		size_t size = pcpu_usable_size(p);
		int cpu;

		fill(before);
		fill(p);
		fill(behind);
		pcpu_free(p);
		p = alloc_of(class);
		expect_zero(p);
		pcpu_for_each_cpu (cpu) {
			const unsigned char *b = pcpu_ptr(before, cpu);
			const unsigned char *a = pcpu_ptr(behind, cpu);

			ck_assert(b[size - 1] == 0xa5 && a[0] == 0xa5);
			ck_assert(b[0] == 0xa5 && a[size - 1] == 0xa5);
		}
	}
}
END_TEST

/* Slabs of one class turn into slabs of the next. */
START_TEST(alloc__pages_of_another_class_before__zero_on_every_cpu)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		void *p = alloc_of(class);

		expect_zero(p);
		fill(p);
		pcpu_free(p);
		arena_drain(size_classes[class].window);
	}
}
END_TEST

/* -------------------------------------------------------------------------- */

static void simulate(char **argv)
{
	char value[16];

	if (getenv("TEST_IS_SIMULATED"))
		return;
	setenv("TEST_IS_SIMULATED", "1", 1);
	snprintf(value, sizeof(value), "%u", pcpu_nr_cpus() + EXTRA_CPUS);
	setenv("PCPU_POSSIBLE_CPUS", value, 1);
	execv("/proc/self/exe", argv);
	abort();
}

/* On one CPU, what is freed is what comes next. */
static void pin(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("alloc_copies");
	TCase *tc = tcase_create("alloc_copies");

	(void)argc;
	simulate(argv);
	pin();
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, alloc__virgin_memory__no_page_of_any_copy_is_touched, 0,
		16);
	tcase_add_test(tc, alloc__recycled_memory__zero_on_every_cpu);
	tcase_add_test(tc, alloc__recycled_memory__neighbours_untouched);
	tcase_add_test(tc,
		       alloc__pages_of_another_class_before__zero_on_every_cpu);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
