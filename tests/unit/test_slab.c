// SPDX-License-Identifier: MIT
/*
 * Slabs, one step at a time; retire and what runs side by side is in
 * test_slab_retire.c.
 */
#include "chunk/slab.h"

#include <check.h>
#include <stdlib.h>

#include "chunk/chunk.h"
#include "tests/run_suite.h"

/* Classes by size: 16 words, 4 words, 1 word, 1 object. */
#define FOUR_BYTES FIRST_CLASS(WINDOW_SKEWED)
#define SIXTEEN_BYTES (FOUR_BYTES + 3)
#define A_LINE (FOUR_BYTES + 15)
#define LARGEST NR_SIZES

/* The library links low chunks first, so an arena's last pages stay ours. */
static page_id spare_head(unsigned class)
{
	uint32_t window = size_classes[class].window;
	uint32_t chunk = window * layout.window_pages / CHUNK_PAGES +
			 layout.arena_chunks - 1;

	return chunk_page((chunk_id){chunk}, 9);
}

static struct object carve(unsigned class)
{
	return slab_carve(spare_head(class), class, 0);
}

static uint64_t word_at(page_id head, unsigned index)
{
	return load_relaxed(word_of(page_word(head, index)));
}

static struct object nth(page_id head, unsigned n)
{
	return (struct object){page_word(head, n / WORD_BITS), n % WORD_BITS};
}

static unsigned nr_free(page_id head)
{
	unsigned i, nr = 0;

	for (i = 0; i < PAGE_WORDS; i++)
		nr += word_count(word_at(head, i));
	return nr;
}

/* Claims all objects but the first, which is the caller's already. */
static void claim_rest(page_id head, unsigned class)
{
	struct object object;

	while (slab_claim_any(head, class, &object) == CLAIMED)
		;
	ck_assert_uint_eq(nr_free(head), 0);
}

/* --- carve ---------------------------------------------------------------- */

START_TEST(carve__every_class__map_names_it_on_all_of_its_pages)
{
	unsigned class, i;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		page_id head = word_page(carve(class).word);

		ck_assert_uint_eq(head.nr, spare_head(class).nr);
		ck_assert(slab_is(head, class));
		for (i = 0; i < c->nr_pages; i++) {
			page_id page = {head.nr + i};

			ck_assert_uint_eq(map_class(map_load(page)), class);
			ck_assert_uint_eq(map_behind(map_load(page)), i);
			ck_assert(slab_is(page, class) == (i == 0));
		}
	}
}
END_TEST

/* I5, I7 */
START_TEST(carve__every_class__all_free_but_the_callers_and_no_more)
{
	unsigned class, i;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		struct object first = carve(class);
		page_id head = spare_head(class);

		ck_assert_uint_eq(object_index(first), 0);
		ck_assert_uint_eq(nr_free(head), c->nr_objects - 1);
		ck_assert_uint_eq(slab_unclaim(first) & 1, 0);
		ck_assert(slab_is_empty(head, class));
		slab_unreserve(head);
		ck_assert(slab_retire(head, class));
		for (i = 0; i < c->nr_pages * PAGE_WORDS; i++)
			if (word_at(head, i))
				ck_abort_msg("class %u, word %u", class, i);
	}
}
END_TEST

START_TEST(carve__clean_pages__objects_are_not_used)
{
	unsigned n;

	carve(SIXTEEN_BYTES);
	for (n = 0; n < size_classes[SIXTEEN_BYTES].nr_objects; n++)
		if (object_is_used(nth(spare_head(SIXTEEN_BYTES), n)))
			ck_abort_msg("object %u", n);
}
END_TEST

/* One dirty page of the run is enough. */
START_TEST(carve__from_dirty_pages__objects_are_used)
{
	unsigned class = NR_SIZES - 1, page, n;
	page_id head = spare_head(class);

	for (page = 0; page < SLAB_PAGES_MAX; page++) {
		uint64_t bit = word_bit(page_index(head) + page);

		store_relaxed(&chunk_of(page_chunk(head))->dirty, bit);
		carve(class);
		for (n = 0; n < size_classes[class].nr_objects; n++)
			ck_assert(object_is_used(nth(head, n)));
	}
}
END_TEST

START_TEST(carve__dirty_pages_beside_it__objects_are_not_used)
{
	unsigned class = LARGEST;
	page_id head = spare_head(class);

	store_relaxed(&chunk_of(page_chunk(head))->dirty,
		      ~word_run(page_index(head), SLAB_PAGES_MAX));
	ck_assert(!object_is_used(carve(class)));
}
END_TEST

/* --- claim ---------------------------------------------------------------- */

START_TEST(claim_any__until_full__every_object_once_lowest_first)
{
	unsigned class, n;

	for (class = 1; class < NR_CLASSES; class ++) {
		page_id head = spare_head(class);
		struct object object = carve(class);

		for (n = 1; n < size_classes[class].nr_objects; n++)
			if (slab_claim_any(head, class, &object) != CLAIMED ||
			    object_index(object) != n ||
			    word_page(object.word).nr != head.nr)
				ck_abort_msg("class %u, object %u", class, n);
		ck_assert_int_eq(slab_claim_any(head, class, &object),
				 CLAIM_FULL);
	}
}
END_TEST

START_TEST(claim__word_of_no_slab__full)
{
	struct object object;
	page_id head = spare_head(FOUR_BYTES);

	ck_assert_int_eq(slab_claim(page_word(head, 0), FOUR_BYTES, &object),
			 CLAIM_FULL);
	ck_assert_int_eq(slab_claim_any(head, FOUR_BYTES, &object), CLAIM_FULL);
	ck_assert(!word_claim((word_id){0}, &object));
}
END_TEST

/* The claim holds: its bit is to be given back. */
START_TEST(claim__word_of_other_class__stale_and_its_bit_held)
{
	page_id head = spare_head(A_LINE);
	struct object object;
	uint64_t before;

	carve(A_LINE);
	before = word_at(head, 0);
	ck_assert_int_eq(slab_claim(page_word(head, 0), A_LINE - 1, &object),
			 CLAIM_STALE);
	ck_assert_uint_eq(word_at(head, 0), word_claim_first(before));
	ck_assert_int_eq(slab_claim_any(head, A_LINE - 1, &object),
			 CLAIM_STALE);
	slab_unclaim(object);
	slab_unclaim(nth(head, 1));
	ck_assert_uint_eq(word_at(head, 0), before);
}
END_TEST

START_TEST(claim_any__one_object_free__found_in_whichever_word)
{
	unsigned nr = size_classes[FOUR_BYTES].nr_objects, n;
	page_id head = spare_head(FOUR_BYTES);
	struct object object;

	carve(FOUR_BYTES);
	claim_rest(head, FOUR_BYTES);
	for (n = 0; n < nr; n += 61) {
		slab_unclaim(nth(head, n));
		ck_assert_int_eq(slab_claim_any(head, FOUR_BYTES, &object),
				 CLAIMED);
		ck_assert_uint_eq(object_index(object), n);
	}
}
END_TEST

START_TEST(handles__every_class__apart_by_its_size_from_the_first_page)
{
	unsigned class, n;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		page_id head = spare_head(class);
		uintptr_t at = page_handle(c->page0, head);

		for (n = 0; n < c->nr_objects; n++, at += c->size)
			if (object_handle(c, nth(head, n)) != at)
				ck_abort_msg("class %u, object %u", class, n);
	}
}
END_TEST

/* --- unclaim -------------------------------------------------------------- */

START_TEST(unclaim__live_object__returns_what_was_free_before)
{
	page_id head = spare_head(A_LINE);
	uint64_t left;

	carve(A_LINE);
	left = word_at(head, 0);
	ck_assert_uint_eq(slab_unclaim(nth(head, 0)), left);
	ck_assert_uint_eq(word_at(head, 0), left | 1);
}
END_TEST

/* I7. Whatever the carry does, it is undone. */
START_TEST(unclaim__object_already_free__says_so_and_changes_nothing)
{
	page_id head = spare_head(A_LINE);
	unsigned bit;

	carve(A_LINE);
	slab_unclaim(nth(head, 0));
	slab_claim(page_word(head, 0), A_LINE, &(struct object){{0}, 0});
	for (bit = 1; bit < WORD_BITS; bit++) {
		uint64_t before = word_at(head, 0);

		ck_assert_uint_eq(slab_unclaim(nth(head, bit)) >> bit & 1, 1);
		ck_assert_uint_eq(word_at(head, 0), before);
	}
}
END_TEST

/* --- used ----------------------------------------------------------------- */

/* I8 */
START_TEST(use__an_object__it_and_those_below_are_used_none_above)
{
	unsigned bit;

	carve(A_LINE);
	for (bit = 0; bit < WORD_BITS; bit++) {
		struct object object = nth(spare_head(A_LINE), bit);

		ck_assert(!object_is_used(object));
		object_use(object);
		ck_assert(object_is_used(object));
		object_use(nth(spare_head(A_LINE), bit / 2));
		ck_assert(object_is_used(object));
	}
}
END_TEST

START_TEST(use__an_object__other_words_stay_as_they_are)
{
	carve(FOUR_BYTES);
	object_use(nth(spare_head(FOUR_BYTES), 70));
	ck_assert(object_is_used(nth(spare_head(FOUR_BYTES), 64)));
	ck_assert(!object_is_used(nth(spare_head(FOUR_BYTES), 71)));
	ck_assert(!object_is_used(nth(spare_head(FOUR_BYTES), 0)));
	ck_assert(!object_is_used(nth(spare_head(FOUR_BYTES), 128)));
}
END_TEST

/* --- room ----------------------------------------------------------------- */

START_TEST(has_room__more_than_the_spare_in_one_word__and_not_before)
{
	unsigned class, n;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		page_id head = spare_head(class);

		carve(class);
		claim_rest(head, class);
		for (n = 0; n <= c->spare; n++) {
			ck_assert(!slab_has_room(head, class));
			slab_unclaim(nth(head, n));
		}
		ck_assert(slab_has_room(head, class));
	}
}
END_TEST

START_TEST(is_empty__any_one_object_live__no)
{
	static const unsigned classes[] = {FOUR_BYTES, A_LINE, A_LINE + 5,
					   LARGEST};
	unsigned class = classes[_i], n;
	page_id head = spare_head(class);

	slab_unclaim(carve(class));
	ck_assert(slab_is_empty(head, class));
	for (n = 0; n < size_classes[class].nr_objects; n++) {
		struct object object = nth(head, n);
		uint64_t bit = word_bit(object.bit);

		fetch_and_relaxed(word_of(object.word), ~bit);
		if (slab_is_empty(head, class))
			ck_abort_msg("object %u", n);
		slab_unclaim(object);
	}
}
END_TEST

/* -------------------------------------------------------------------------- */

static TCase *case_claim(void)
{
	TCase *tc = tcase_create("claim");

	tcase_add_test(tc,
		       claim_any__until_full__every_object_once_lowest_first);
	tcase_add_test(tc, claim__word_of_no_slab__full);
	tcase_add_test(tc, claim__word_of_other_class__stale_and_its_bit_held);
	tcase_add_test(tc, claim_any__one_object_free__found_in_whichever_word);
	tcase_add_test(
		tc,
		handles__every_class__apart_by_its_size_from_the_first_page);
	tcase_add_test(tc, unclaim__live_object__returns_what_was_free_before);
	tcase_add_test(
		tc, unclaim__object_already_free__says_so_and_changes_nothing);
	tcase_add_test(tc,
		       use__an_object__it_and_those_below_are_used_none_above);
	tcase_add_test(tc, use__an_object__other_words_stay_as_they_are);
	return tc;
}

static TCase *case_carve(void)
{
	TCase *tc = tcase_create("carve");

	tcase_add_test(tc,
		       carve__every_class__map_names_it_on_all_of_its_pages);
	tcase_add_test(
		tc, carve__every_class__all_free_but_the_callers_and_no_more);
	tcase_add_test(tc, carve__clean_pages__objects_are_not_used);
	tcase_add_test(tc, carve__from_dirty_pages__objects_are_used);
	tcase_add_test(tc, carve__dirty_pages_beside_it__objects_are_not_used);
	tcase_add_test(
		tc, has_room__more_than_the_spare_in_one_word__and_not_before);
	tcase_add_loop_test(tc, is_empty__any_one_object_live__no, 0, 4);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("slab");

	suite_add_tcase(suite, case_carve());
	suite_add_tcase(suite, case_claim());
	return run_suite(suite);
}
