// SPDX-License-Identifier: MIT
/*
 * Reservations: the states of a slab as arena/arena.h draws them. Chunk 0 of
 * the first arena serves as the place for all slabs.
 */
#include <check.h>
#include <stdlib.h>

#include "reserve_slabs.h"
#include "tests/run_suite.h"

static const unsigned classes[] = {FOUR_BYTES,  FOUR_BYTES + 3, A_LINE,
				   A_LINE + 12, A_LINE + 40,    LARGEST};
#define NR_TRIED ((int)(sizeof(classes) / sizeof(*classes)))

/* A slab in state FULL: all objects are ours, no CPU has reserved it. */
static page_id carve_full(unsigned class)
{
	page_id head = carve(class);
	struct object object;

	while (arena_claim(head, class, &object))
		;
	arena_unreserve(head);
	ck_assert(!is_listed(head, class));
	ck_assert(!slab_is_reserved(head));
	return head;
}

/* A slab in state LISTED: of its objects the first is ours. */
static page_id carve_listed(unsigned class)
{
	page_id head = carve(class);

	arena_unreserve(head);
	ck_assert(is_listed(head, class));
	return head;
}

/* --- which frees tell ----------------------------------------------------- */

/* A word of the class's slabs filled by one free after the other, the first
 * objects last, so that it is a run of ones only in the end. */
static void check_tells(const struct size_class *c, unsigned index)
{
	uint64_t all = sizeclass_word(c, index), free = 0;
	unsigned nr = word_count(all), n;

	for (n = 1; n <= nr; n++) {
		free |= word_bit(nr - n);
		ck_assert_int_eq(arena_free_tells(c, free),
				 n == c->spare + 1u || free == all);
	}
}

START_TEST(free_tells__any_class_and_word__of_the_spare_exceeded_and_of_all)
{
	unsigned class, index;

	for (class = 1; class < NR_CLASSES; class += 1) {
		const struct size_class *c = &size_classes[class];

		for (index = 0; index < c->nr_words; index++)
			check_tells(c, index);
	}
}
END_TEST

/* --- states --------------------------------------------------------------- */

START_TEST(carve__where_a_listed_slab_was__reserved_and_not_listed)
{
	page_id head = claim_pages(1);

	fetch_or_relaxed(&chunk_of(page_chunk(head))->room,
			 word_bit(page_index(head)));
	arena_carve(head, A_LINE, 0);
	ck_assert(slab_is_reserved(head));
	ck_assert(!is_listed(head, A_LINE));
}
END_TEST

START_TEST(unreserve__slab_with_room__listed)
{
	page_id head = carve_listed(A_LINE);

	ck_assert(!slab_is_reserved(head));
	ck_assert(slab_is(head, A_LINE));
}
END_TEST

START_TEST(unreserve__empty_slab__its_pages_go_back)
{
	unsigned class = classes[_i];
	page_id head = carve(class);
	uint64_t run = word_run(page_index(head), size_classes[class].nr_pages);

	arena_unclaim(nth(head, 0), class);
	ck_assert(slab_is(head, class));
	arena_unreserve(head);
	ck_assert(!slab_is(head, class));
	ck_assert(!is_listed(head, class));
	ck_assert_uint_eq(load_relaxed(&chunk_of(page_chunk(head))->free) & run,
			  run);
}
END_TEST

START_TEST(offer__page_of_no_slab_or_inside_of_one__left_alone)
{
	page_id none = claim_pages(1);
	page_id head = carve(LARGEST);

	arena_offer(none);
	ck_assert_uint_eq(map_load(none), 0);
	arena_offer((page_id){head.nr + 1});
	ck_assert(slab_is(head, LARGEST));
	ck_assert_uint_eq(load_relaxed(&chunk_of(page_chunk(head))->room), 0);
}
END_TEST

/* Frees but one object more than the spare; the last one makes it known. */
START_TEST(free__in_a_full_slab__listed_with_one_more_than_the_spare)
{
	unsigned class = classes[_i], n;
	page_id head = carve_full(class);

	if (size_classes[class].nr_objects == 1)
		return;
	for (n = 0; n <= size_classes[class].spare; n++) {
		ck_assert(!is_listed(head, class));
		arena_unclaim(nth(head, n), class);
	}
	ck_assert(is_listed(head, class));
}
END_TEST

START_TEST(free__of_the_last_object__its_pages_go_back)
{
	unsigned class = classes[_i], n;
	page_id head = carve_full(class);

	for (n = 0; n < size_classes[class].nr_objects; n++) {
		ck_assert(slab_is(head, class));
		arena_unclaim(nth(head, n), class);
	}
	ck_assert(!slab_is(head, class));
	ck_assert(!is_listed(head, class));
}
END_TEST

/* Word after word, and the last object in whichever word. */
START_TEST(free__last_object_in_any_word__its_pages_go_back)
{
	unsigned nr = size_classes[FOUR_BYTES].nr_objects, n;
	unsigned last = (unsigned)_i * WORD_BITS + 5;
	page_id head = carve_full(FOUR_BYTES);

	for (n = 0; n < nr; n++)
		if (n != last)
			arena_unclaim(nth(head, n), FOUR_BYTES);
	ck_assert(slab_is(head, FOUR_BYTES));
	arena_unclaim(nth(head, last), FOUR_BYTES);
	ck_assert(!slab_is(head, FOUR_BYTES));
}
END_TEST

START_TEST(free__in_a_reserved_slab__neither_listed_nor_retired)
{
	unsigned class = classes[_i], n;
	page_id head = carve(class);
	struct object object;

	while (arena_claim(head, class, &object))
		;
	for (n = 0; n < size_classes[class].nr_objects; n++)
		arena_unclaim(nth(head, n), class);
	ck_assert(slab_is(head, class));
	ck_assert(slab_is_reserved(head));
	ck_assert(!is_listed(head, class));
}
END_TEST

/* Bits that a slot held: a slab that nobody has reserved is told of. */
START_TEST(give_back__many_bits_of_a_word__listed_or_given_back_or_left)
{
	page_id some = carve_listed(A_LINE), all = carve(A_LINE);
	page_id reserved = carve(A_LINE);
	uint64_t rest = UINT64_MAX << 1;
	struct object object;

	while (arena_claim(some, A_LINE, &object))
		;
	fetch_and_relaxed(&chunk_of(page_chunk(some))->room,
			  ~word_bit(page_index(some)));
	fetch_and_relaxed(word_of(page_word(all, 0)), 0);
	arena_unreserve(all);
	fetch_and_relaxed(word_of(page_word(reserved, 0)), 0);
	arena_give_back(page_word(some, 0), rest);
	arena_give_back(page_word(all, 0), UINT64_MAX);
	arena_give_back(page_word(reserved, 0), rest);
	ck_assert_uint_eq(word_at(some, 0), rest);
	ck_assert(is_listed(some, A_LINE));
	ck_assert(!slab_is(all, A_LINE));
	ck_assert_uint_eq(word_at(reserved, 0), rest);
	ck_assert(slab_is_reserved(reserved) && !is_listed(reserved, A_LINE));
}
END_TEST

/* A reserved slab is its CPU's, also when it is empty. */
START_TEST(offer__reserved_slab__left_alone)
{
	unsigned class = classes[_i];
	page_id head = carve(class);

	arena_offer(head);
	ck_assert(slab_is_reserved(head) && !is_listed(head, class));
	arena_unclaim(nth(head, 0), class);
	arena_offer(head);
	ck_assert(slab_is(head, class) && slab_is_reserved(head));
	ck_assert(slab_is_empty(head, class) && !is_listed(head, class));
}
END_TEST

/* --- reserve and claim ---------------------------------------------------- */

START_TEST(reserve__listed_slab__claimed_reserved_and_off_the_list)
{
	page_id head = carve_listed(A_LINE);
	struct object object;

	ck_assert(arena_reserve(head, A_LINE, 0, &object));
	ck_assert_uint_eq(object_index(object), 1);
	ck_assert(slab_is_reserved(head));
	ck_assert(!is_listed(head, A_LINE));
}
END_TEST

START_TEST(reserve__slab_that_is_not_listed__refused)
{
	page_id head = carve(A_LINE);
	uint64_t before = word_at(head, 0);
	struct object object;

	ck_assert(!arena_reserve(head, A_LINE, 0, &object));
	ck_assert(slab_is_reserved(head));
	ck_assert_uint_eq(word_at(head, 0), before);
}
END_TEST

/* A late hint: the slab's owner offers it again when it lets go. */
START_TEST(reserve__slab_that_is_reserved_already__refused)
{
	page_id head = carve_listed(A_LINE);
	struct object object;

	ck_assert(slab_reserve(head, A_LINE, 0));
	ck_assert(!arena_reserve(head, A_LINE, 0, &object));
	ck_assert(slab_is_reserved(head));
	arena_unreserve(head);
	ck_assert(is_listed(head, A_LINE));
}
END_TEST

START_TEST(reserve__listed_slab_that_is_full_by_now__let_go)
{
	page_id head = carve_listed(A_LINE);
	struct object object;

	while (arena_claim(head, A_LINE, &object))
		;
	ck_assert(!arena_reserve(head, A_LINE, 0, &object));
	ck_assert(!slab_is_reserved(head));
	ck_assert(!is_listed(head, A_LINE));
	arena_unclaim(nth(head, 0), A_LINE);
}
END_TEST

/* The slab that was looked for has made room for another one. */
START_TEST(reserve__listed_slab_of_another_class__stays_listed)
{
	page_id head = carve_listed(A_LINE);
	uint64_t before = word_at(head, 0);
	struct object object;

	ck_assert(!arena_reserve(head, A_LINE - 1, 0, &object));
	ck_assert(is_listed(head, A_LINE));
	ck_assert(!slab_is_reserved(head));
	ck_assert_uint_eq(word_at(head, 0), before);
}
END_TEST

START_TEST(claim_in_slab_of_other_class__is_given_back)
{
	page_id head = carve(A_LINE);
	uint64_t before = word_at(head, 0);
	struct object object;

	ck_assert(!arena_claim(head, A_LINE - 1, &object));
	ck_assert(!arena_claim(head, A_LINE + NR_SIZES, &object));
	ck_assert_uint_eq(word_at(head, 0), before);
	ck_assert(arena_claim(head, A_LINE, &object));
}
END_TEST

/* Giving back is a free like any other: it may be the last one. */
START_TEST(undo_stale__only_object_left__its_pages_go_back)
{
	page_id head = carve_listed(A_LINE);

	arena_undo_stale(nth(head, 0));
	ck_assert(!slab_is(head, A_LINE));
}
END_TEST

START_TEST(claim__pages_of_no_slab__nothing)
{
	page_id head = claim_pages(1);
	struct object object;

	ck_assert(!arena_claim(head, A_LINE, &object));
	ck_assert(!arena_reserve(head, A_LINE, 0, &object));
}
END_TEST

/* -------------------------------------------------------------------------- */

static TCase *case_states(void)
{
	TCase *tc = tcase_create("states");

	tcase_add_test(
		tc,
		free_tells__any_class_and_word__of_the_spare_exceeded_and_of_all);
	tcase_add_test(tc,
		       carve__where_a_listed_slab_was__reserved_and_not_listed);
	tcase_add_test(tc, unreserve__slab_with_room__listed);
	tcase_add_loop_test(tc, unreserve__empty_slab__its_pages_go_back, 0,
			    NR_TRIED);
	tcase_add_test(tc, offer__page_of_no_slab_or_inside_of_one__left_alone);
	tcase_add_loop_test(
		tc, free__in_a_full_slab__listed_with_one_more_than_the_spare,
		0, NR_TRIED);
	tcase_add_loop_test(tc, free__of_the_last_object__its_pages_go_back, 0,
			    NR_TRIED);
	tcase_add_loop_test(tc,
			    free__last_object_in_any_word__its_pages_go_back, 0,
			    PAGE_WORDS);
	tcase_add_loop_test(
		tc, free__in_a_reserved_slab__neither_listed_nor_retired, 0,
		NR_TRIED);
	tcase_add_test(
		tc,
		give_back__many_bits_of_a_word__listed_or_given_back_or_left);
	tcase_add_loop_test(tc, offer__reserved_slab__left_alone, 0, NR_TRIED);
	return tc;
}

static TCase *case_reserve(void)
{
	TCase *tc = tcase_create("reserve");

	tcase_add_test(tc,
		       reserve__listed_slab__claimed_reserved_and_off_the_list);
	tcase_add_test(tc, reserve__slab_that_is_not_listed__refused);
	tcase_add_test(tc, reserve__slab_that_is_reserved_already__refused);
	tcase_add_test(tc, reserve__listed_slab_that_is_full_by_now__let_go);
	tcase_add_test(tc, reserve__listed_slab_of_another_class__stays_listed);
	tcase_add_test(tc, claim_in_slab_of_other_class__is_given_back);
	tcase_add_test(tc, undo_stale__only_object_left__its_pages_go_back);
	tcase_add_test(tc, claim__pages_of_no_slab__nothing);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("reserve");

	suite_add_tcase(suite, case_states());
	suite_add_tcase(suite, case_reserve());
	return run_suite(suite);
}
