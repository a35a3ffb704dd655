// SPDX-License-Identifier: MIT
/*
 * What the public calls do to an object's copies: nothing to those of virgin
 * memory, zeroes to all others. With more CPUs than there are, so that many
 * units show it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena/arena.h"
#include "chunk/registry.h"
#include "pcpu.h"
#include "simulate.h"
#include "tests/run_suite.h"
#include "tests/stay_here.h"

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

/*
 * Use p, free it, and get it back: the lowest free object is the next one, if
 * no preemption comes in between. Where a slab has but one object it may be
 * any.
 */
static void *recycle(void *p, void *(*alloc)(unsigned class))
{
	unsigned class = class_of(p), tries = 100;

	while (tries-- > 0) {
		void *again;

		fill(p);
		pcpu_free(p);
		again = alloc(class);
		if (again == p || size_classes[class].nr_objects < 2)
			return again;
		p = again;
	}
	ck_abort_msg("class %u: always another object", class);
	return NULL;
}

/* I4, I8. */
START_TEST(alloc__recycled_memory__zero_on_every_cpu)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		void *keep = alloc_of(class), *p = alloc_of(class), *again;

		expect_zero(p);
		again = recycle(p, alloc_of);
		expect_zero(again);
		pcpu_free(again);
		pcpu_free(keep);
	}
}
END_TEST

/* More than slots hold, so that the slow path is there, too. */
START_TEST(alloc_nowait__recycled_memory__zero_on_every_cpu)
{
	void *objects[300];
	unsigned i;

	for (i = 0; i < 300; i++) {
		objects[i] = pcpu_alloc(24, 8);
		fill(objects[i]);
	}
	for (i = 0; i < 300; i++)
		pcpu_free(objects[i]);
	for (i = 0; i < 300; i++) {
		objects[i] = pcpu_alloc_flags(24, 8, PCPU_NOWAIT);
		ck_assert_ptr_nonnull(objects[i]);
		expect_zero(objects[i]);
	}
	for (i = 0; i < 300; i++)
		pcpu_free(objects[i]);
}
END_TEST

static void expect_filled(void *p)
{
	static char filled[PCPU_SIZE_MAX];
	int cpu;

	memset(filled, 0xa5, sizeof(filled));
	pcpu_for_each_cpu (cpu)
		ck_assert_mem_eq(pcpu_ptr(p, cpu), filled, pcpu_usable_size(p));
}

static void *alloc_unzeroed(unsigned class)
{
	const struct size_class *c = &size_classes[class];

	return pcpu_alloc_flags(c->size, c->window == WINDOW_PAGES ? 128 : 4,
				PCPU_NOZERO);
}

/* And who gets it next without the flag finds zeroes. */
START_TEST(alloc__nozero_of_recycled_memory__as_its_last_owner_left_it)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class += 1) {
		void *keep = alloc_of(class), *p = alloc_of(class), *again;

		again = recycle(p, alloc_unzeroed);
		if (size_classes[class].nr_objects >= 2)
			expect_filled(again);
		pcpu_free(again);
		again = alloc_of(class);
		expect_zero(again);
		pcpu_free(again);
		pcpu_free(keep);
	}
}
END_TEST

START_TEST(alloc__nozero_of_virgin_memory__zeroed_for_the_next_owner)
{
	void *keep = alloc_unzeroed(20), *p = alloc_unzeroed(20);

	expect_zero(p);
	p = recycle(p, alloc_of);
	expect_zero(p);
	pcpu_free(p);
	pcpu_free(keep);
}
END_TEST

static bool is_among(void *const *objects, unsigned nr, const void *p)
{
	while (nr-- > 0)
		if (objects[nr] == p)
			return true;
	return false;
}

/* Through the slot, and past it. */
START_TEST(alloc_bulk__nozero__as_the_last_owners_left_them)
{
	void *first[200], *again[200];
	unsigned i, nr = 0;

	ck_assert_int_eq(pcpu_alloc_bulk(24, 8, 0, 200, first), 0);
	for (i = 0; i < 200; i++)
		fill(first[i]);
	pcpu_free_bulk(200, first);
	ck_assert_int_eq(pcpu_alloc_bulk(24, 8, PCPU_NOZERO, 200, again), 0);
	for (i = 0; i < 200; i++) {
		if (!is_among(first, 200, again[i])) {
			expect_zero(again[i]);
			continue;
		}
		expect_filled(again[i]);
		nr++;
	}
	ck_assert_uint_ge(nr, 30); /* of the slab that stayed */
	pcpu_free_bulk(200, again);
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

int main(int argc, char **argv)
{
	Suite *suite = suite_create("alloc_copies");
	TCase *tc = tcase_create("alloc_copies");

	(void)argc;
	simulate(argv, pcpu_nr_cpus() + EXTRA_CPUS, 0, 0);
	stay_here();
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, alloc__virgin_memory__no_page_of_any_copy_is_touched, 0,
		16);
	tcase_add_test(tc, alloc__recycled_memory__zero_on_every_cpu);
	tcase_add_test(tc, alloc_nowait__recycled_memory__zero_on_every_cpu);
	tcase_add_test(
		tc,
		alloc__nozero_of_recycled_memory__as_its_last_owner_left_it);
	tcase_add_test(
		tc, alloc__nozero_of_virgin_memory__zeroed_for_the_next_owner);
	tcase_add_test(tc, alloc_bulk__nozero__as_the_last_owners_left_them);
	tcase_add_test(tc, alloc__recycled_memory__neighbours_untouched);
	tcase_add_test(tc,
		       alloc__pages_of_another_class_before__zero_on_every_cpu);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
