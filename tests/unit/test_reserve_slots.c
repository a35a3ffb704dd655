// SPDX-License-Identifier: MIT
/*
 * The slots of arena/reserve.c: which slab a CPU allocates from. Chunk 0 of
 * the first arena serves as the place for all slabs.
 */
#include <check.h>
#include <stdlib.h>

#include "chunk/topology.h"
#include "no_front.h"
#include "reserve_slabs.h"
#include "tests/run_suite.h"

static struct request request_of(unsigned class)
{
	return (struct request){.class = class, .cpu = topology.unit_cpu[0]};
}

static uint32_t slot(unsigned class)
{
	return load_relaxed(
		&arena_slots[topology.unit_cpu[0]].slot[class].word);
}

static page_id install(unsigned class)
{
	struct request r = request_of(class);
	page_id head = carve(class);

	slot_install(&r, page_word(head, 0));
	return head;
}

START_TEST(install__slot_that_named_another__that_is_let_go)
{
	page_id one = install(A_LINE), two = install(A_LINE);

	ck_assert_uint_eq(slot(A_LINE), page_word(two, 0).nr);
	ck_assert(slab_is_reserved(two));
	ck_assert(!slab_is_reserved(one));
	ck_assert(is_listed(one, A_LINE));
}
END_TEST

START_TEST(advance__empty_slot__nothing)
{
	struct request r = request_of(A_LINE);
	struct object object;

	ck_assert(!slot_advance(&r, &object));
}
END_TEST

START_TEST(advance__word_is_full__slot_names_the_next_with_room)
{
	struct request r = request_of(FOUR_BYTES);
	page_id head = install(FOUR_BYTES);
	struct object object;
	unsigned n;

	for (n = 1; n < size_classes[FOUR_BYTES].nr_objects; n++) {
		ck_assert(slot_advance(&r, &object));
		ck_assert_uint_eq(object_index(object), n);
		ck_assert_uint_eq(slot(FOUR_BYTES), object.word.nr);
	}
	arena_unclaim(nth(head, 130), FOUR_BYTES);
	ck_assert(slot_advance(&r, &object));
	ck_assert_uint_eq(slot(FOUR_BYTES), page_word(head, 2).nr);
}
END_TEST

START_TEST(advance__slab_is_full__kept_until_there_is_another)
{
	struct request r = request_of(LARGEST);
	page_id head = install(LARGEST);
	struct object object;

	ck_assert(!slot_advance(&r, &object));
	ck_assert_uint_eq(slot(LARGEST), page_word(head, 0).nr);
	ck_assert(slab_is_reserved(head));
	slot_install(&r, page_word(carve(LARGEST), 0));
	ck_assert(!slab_is_reserved(head));
	arena_unclaim(nth(head, 0), LARGEST);
	ck_assert(!slab_is(head, LARGEST));
}
END_TEST

/* As if the slab was retired, and its pages carved anew, since the slot was
 * read. */
START_TEST(advance__slab_is_of_another_class_by_now__nothing_changes_there)
{
	struct request r = request_of(A_LINE);
	page_id head = install(A_LINE);
	struct object object;
	uint64_t before;

	slab_unclaim(nth(head, 0));
	slab_unreserve(head);
	ck_assert(slab_retire(head, A_LINE));
	arena_carve(head, A_LINE - 1, 0);
	before = word_at(head, 0);
	ck_assert(!slot_advance(&r, &object));
	ck_assert_uint_eq(slot(A_LINE), page_word(head, 0).nr);
	ck_assert(slab_is(head, A_LINE - 1));
	ck_assert_uint_eq(word_at(head, 0), before);
}
END_TEST

START_TEST(drain__slots_of_all_cpus__slabs_of_that_window_let_go)
{
	unsigned other = A_LINE + NR_SIZES;
	struct request r = request_of(other);
	page_id mine = install(A_LINE), theirs = carve(A_LINE), aligned;

	r.cpu = topology.nr_cpu_ids - 1;
	r.class = A_LINE;
	slot_install(&r, page_word(theirs, 0));
	r.class = other;
	ck_assert(arena_pick(&r, &(struct object){{0}, 0}));
	aligned.nr =
		load_relaxed(&arena_slots[r.cpu].slot[other].word) / PAGE_WORDS;
	arena_drain(WINDOW_SKEWED);
	ck_assert_uint_eq(slot(A_LINE), 0);
	ck_assert(is_listed(mine, A_LINE) && is_listed(theirs, A_LINE));
	ck_assert(slab_is_reserved(aligned));
	arena_drain(WINDOW_PAGES);
	ck_assert(is_listed(aligned, other));
}
END_TEST

/* As a thread does that is stopped in the middle of a free, or was forked away.
 */
START_TEST(drain__freed_but_nobody_was_told__listed_or_given_back)
{
	page_id some = carve(A_LINE), all = carve(LARGEST);
	struct object object;

	while (arena_claim(some, A_LINE, &object))
		;
	arena_unreserve(some);
	arena_unreserve(all);
	slab_unclaim((struct object){page_word(all, 0), 0});
	for (object.bit = 0; object.bit < 30; object.bit++)
		slab_unclaim((struct object){page_word(some, 0), object.bit});
	ck_assert(!is_listed(some, A_LINE) && slab_is(all, LARGEST));
	arena_drain(WINDOW_SKEWED);
	ck_assert(is_listed(some, A_LINE) && !slab_is(all, LARGEST));
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite = suite_create("reserve_slots");
	TCase *tc = tcase_create("reserve_slots");

	(void)argc;
	without_front(argv);
	tcase_add_test(tc, install__slot_that_named_another__that_is_let_go);
	tcase_add_test(tc, advance__empty_slot__nothing);
	tcase_add_test(tc,
		       advance__word_is_full__slot_names_the_next_with_room);
	tcase_add_test(tc, advance__slab_is_full__kept_until_there_is_another);
	tcase_add_test(
		tc,
		advance__slab_is_of_another_class_by_now__nothing_changes_there);
	tcase_add_test(tc,
		       drain__slots_of_all_cpus__slabs_of_that_window_let_go);
	tcase_add_test(tc,
		       drain__freed_but_nobody_was_told__listed_or_given_back);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
