// SPDX-License-Identifier: MIT
/*
 * Size classes: every request there can be, every offset in every slab.
 */
#include "chunk/sizeclass.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/layout.h"
#include "chunk/word.h"
#include "pcpu.h"
#include "tests/run_suite.h"

static size_t rounded_up(size_t size, size_t align)
{
	return (size + align - 1) / align * align;
}

/* -------------------------------------------------------------------------- */

START_TEST(sizes__from_first_to_last__ascend_from_4_to_32768)
{
	const struct size_class *c = &size_classes[FIRST_CLASS((unsigned)_i)];
	unsigned n;

	ck_assert_uint_eq(c[0].size, 4);
	ck_assert_uint_eq(c[NR_SMALL_SIZES - 1].size, 64);
	ck_assert_uint_eq(c[NR_SIZES - 1].size, PCPU_SIZE_MAX);
	for (n = 1; n < NR_SIZES; n++)
		ck_assert_uint_gt(c[n].size, c[n - 1].size);
}
END_TEST

START_TEST(windows__every_class__the_same_but_for_the_place)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		struct size_class other =
			size_classes[1 + (class - 1) % NR_SIZES];

		ck_assert_uint_eq(c->window, (class - 1) / NR_SIZES);
		ck_assert_uint_eq(c->page0, layout.page0[c->window]);
		ck_assert_ptr_eq(c->unit_offset, layout.unit_offset[c->window]);
		other.window = c->window;
		other.page0 = c->page0;
		ck_assert_ptr_eq(c->unit_end, c->unit_offset + layout.nr_units);
		other.unit_offset = c->unit_offset;
		other.unit_end = c->unit_end;
		other.slot0 = c->slot0;
		ck_assert_mem_eq(&other, c, sizeof(other));
	}
}
END_TEST

START_TEST(class_of_no_slab__all_zero)
{
	static const struct size_class nothing;

	ck_assert_mem_eq(&size_classes[0], &nothing, sizeof(nothing));
}
END_TEST

START_TEST(class_of__its_own_size__itself)
{
	unsigned class;

	for (class = 1; class <= NR_SIZES; class ++)
		ck_assert_uint_eq(sizeclass_of(size_classes[class].size, 1),
				  class);
}
END_TEST

/* Copies in the skewed window are on a cache line at best. */
START_TEST(class_of__alignment_above_a_cache_line__in_the_page_window)
{
	size_t align = (size_t)1 << _i;
	size_t size;

	for (size = 1; size <= PCPU_SIZE_MAX; size += 3)
		if (size_classes[sizeclass_of(size, align)].window !=
		    (align > CACHE_LINE ? WINDOW_PAGES : WINDOW_SKEWED))
			ck_abort_msg("%zu at %zu: wrong window", size, align);
}
END_TEST

/* All 32768 sizes at one of the 13 alignments. */
START_TEST(class_of__every_size_at_an_alignment__smallest_that_fits)
{
	size_t align = (size_t)1 << _i;
	size_t size;

	for (size = 1; size <= PCPU_SIZE_MAX; size++) {
		unsigned class = sizeclass_of(size, align);
		size_t want = rounded_up(size, align);

		if (!class || class >= NR_CLASSES)
			ck_abort_msg("%zu at %zu: class %u", size, align,
				     class);
		if (size_classes[class].size < want)
			ck_abort_msg("%zu at %zu: too small", size, align);
		if (class > FIRST_CLASS(align > CACHE_LINE) &&
		    size_classes[class - 1].size >= want)
			ck_abort_msg("%zu at %zu: too large", size, align);
	}
}
END_TEST

START_TEST(class_of__every_size_at_an_alignment__objects_are_aligned)
{
	size_t align = (size_t)1 << _i;
	size_t size;

	for (size = 1; size <= PCPU_SIZE_MAX; size++)
		if (size_classes[sizeclass_of(size, align)].size % align)
			ck_abort_msg("%zu at %zu: not aligned", size, align);
}
END_TEST

START_TEST(class_of__every_size_at_an_alignment__wastes_an_eighth)
{
	size_t align = (size_t)1 << _i;
	size_t size;

	for (size = 1; size <= PCPU_SIZE_MAX; size++) {
		size_t want = rounded_up(size, align);
		size_t waste =
			size_classes[sizeclass_of(size, align)].size - want;

		if (waste > 3 && waste * 8 > want)
			ck_abort_msg("%zu at %zu: wastes %zu", size, align,
				     waste);
	}
}
END_TEST

/* That what has a remainder is told from what has none: test_registry.c. */
START_TEST(reciprocal__every_offset_of_every_class__divides_exactly)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		uint32_t offset;

		for (offset = 0; offset < c->nr_pages * PAGE_BYTES; offset++)
			if ((uint64_t)offset * c->reciprocal >> 32 !=
			    offset / c->size)
				ck_abort_msg("%u / %u", offset, c->size);
	}
}
END_TEST

START_TEST(slab__every_class__objects_fit_its_pages_and_words)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];

		ck_assert_uint_ge(c->nr_pages, 1);
		ck_assert_uint_le(c->nr_pages, SLAB_PAGES_MAX);
		ck_assert_uint_eq(c->nr_objects,
				  c->nr_pages * PAGE_BYTES / c->size);
		ck_assert_uint_ge(c->nr_objects, 1);
		ck_assert_uint_le(c->nr_words, PAGE_WORDS);
		ck_assert_uint_le(c->nr_objects, c->nr_words * WORD_BITS);
		ck_assert_uint_gt(c->nr_objects, (c->nr_words - 1) * WORD_BITS);
	}
}
END_TEST

START_TEST(word__of_an_empty_slab__a_bit_for_every_object_and_no_other)
{
	unsigned class, i;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		unsigned object;

		for (object = 0; object < c->nr_words * WORD_BITS; object++) {
			uint64_t word = sizeclass_word(c, object / WORD_BITS);
			bool bit = word >> object % WORD_BITS & 1;

			if (bit != (object < c->nr_objects))
				ck_abort_msg("size %u, bit %u", c->size,
					     object);
		}
		for (i = 0; i < c->nr_words; i++)
			ck_assert_uint_ne(sizeclass_word(c, i), 0);
	}
}
END_TEST

/* Else an empty slab could have no room and never be listed. */
START_TEST(spare__every_class__less_than_the_objects_of_the_first_word)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];

		ck_assert_uint_le(c->spare, SPARE_MAX);
		ck_assert_uint_lt(c->spare, word_count(sizeclass_word(c, 0)));
	}
}
END_TEST

/* Bytes behind the last object if the slab had that many pages. */
static uint32_t tail(uint32_t size, unsigned pages)
{
	return pages * PAGE_BYTES % size;
}

START_TEST(slab__every_class__leaves_a_16th_or_no_number_of_pages_does)
{
	unsigned class, pages;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		uint32_t left = tail(c->size, c->nr_pages);

		if (left * 16 <= c->nr_pages * PAGE_BYTES)
			continue;
		for (pages = 1; pages <= SLAB_PAGES_MAX; pages++)
			ck_assert(pages * PAGE_BYTES < c->size ||
				  tail(c->size, pages) * c->nr_pages >=
					  left * pages);
	}
}
END_TEST

START_TEST(init__again__changes_nothing)
{
	static struct size_class before[NR_CLASSES];

	memcpy(before, size_classes, sizeof(before));
	sizeclass_init();
	ck_assert_mem_eq(before, size_classes, sizeof(before));
}
END_TEST

/* -------------------------------------------------------------------------- */

static TCase *case_all(void)
{
	TCase *tc = tcase_create("sizeclass");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc,
			    sizes__from_first_to_last__ascend_from_4_to_32768,
			    0, NR_WINDOWS);
	tcase_add_test(tc, windows__every_class__the_same_but_for_the_place);
	tcase_add_test(tc, class_of_no_slab__all_zero);
	tcase_add_test(tc, class_of__its_own_size__itself);
	tcase_add_loop_test(
		tc, class_of__alignment_above_a_cache_line__in_the_page_window,
		0, 13);
	tcase_add_loop_test(
		tc, class_of__every_size_at_an_alignment__smallest_that_fits, 0,
		13);
	tcase_add_loop_test(
		tc, class_of__every_size_at_an_alignment__objects_are_aligned,
		0, 13);
	tcase_add_loop_test(
		tc, class_of__every_size_at_an_alignment__wastes_an_eighth, 0,
		13);
	tcase_add_test(
		tc, reciprocal__every_offset_of_every_class__divides_exactly);
	tcase_add_test(tc, slab__every_class__objects_fit_its_pages_and_words);
	tcase_add_test(
		tc,
		word__of_an_empty_slab__a_bit_for_every_object_and_no_other);
	tcase_add_test(
		tc,
		spare__every_class__less_than_the_objects_of_the_first_word);
	tcase_add_test(
		tc,
		slab__every_class__leaves_a_16th_or_no_number_of_pages_does);
	tcase_add_test(tc, init__again__changes_nothing);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("sizeclass");

	suite_add_tcase(suite, case_all());
	return run_suite(suite);
}
