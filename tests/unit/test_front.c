// SPDX-License-Identifier: MIT
/*
 * The front, one thread at a time: what each sequence does and refuses, what
 * draining leaves, and what frees see. Chunk 0 of the first arena serves as the
 * place for slabs. Nothing is tested where there is no front.
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include <pcpu.h>

#include "chunk/topology.h"
#include "front_cpus.h"
#include "reserve_slabs.h"
#include "support.h"

#define LINE (&size_classes[A_LINE])
#define NONE ((word_id){0})

static bool have_front;

/* A slab reserved for the i-th CPU; its first object is ours. */
static page_id carve_on(unsigned i, unsigned class)
{
	page_id head = claim_pages(size_classes[class].nr_pages);

	arena_carve(head, class, front_cpus[i]);
	return head;
}

/* Its word n is in the slot, with all that was free in it. */
static void install(unsigned i, unsigned class, page_id head, unsigned n)
{
	word_id word = page_word(head, n);
	uint64_t free = xchg_acquire(word_of(word), 0);

	front_pin(i);
	ck_assert(FRONT_TRY(front_install(front_cpus[i], &size_classes[class],
					  NONE, word, free)));
}

static void expect_slot(unsigned i, unsigned class, word_id word, uint64_t free)
{
	const struct slot *slot = front_slot(i, class);

	ck_assert_uint_eq(slot->word.v, word.nr);
	ck_assert_uint_eq(slot->free.v, free);
}

/* --- where ---------------------------------------------------------------- */

START_TEST(front__exists_where_the_system_can__and_is_on)
{
	long can = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	struct claimed claimed;

	ck_assert_int_eq(front_exists(),
			 FRONT_SUPPORTED && libpcpu_cpu_rseq() >= 0 &&
				 can > 0 &&
				 can & MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ);
	ck_assert_int_eq(front_is_on(), front_exists());
	ck_assert(!front_claim(LINE, &claimed));
}
END_TEST

/* --- install -------------------------------------------------------------- */

START_TEST(install__empty_slot__names_the_word_and_holds_the_bits)
{
	static const unsigned classes[] = {FOUR_BYTES, A_LINE, LARGEST,
					   FOUR_BYTES + NR_SIZES,
					   LARGEST + NR_SIZES};
	unsigned class = classes[_i], n = size_classes[class].nr_words - 1u;
	const struct size_class *c = &size_classes[class];
	word_id word = {c->window * layout.window_pages * PAGE_WORDS +
			17 * PAGE_WORDS + n};

	front_pin(1);
	ck_assert(FRONT_TRY(front_install(front_cpus[1], c, NONE, word, 6)));
	expect_slot(0, class, NONE, 0);
	expect_slot(1, class, word, 6);
	ck_assert_uint_eq(front_slot(1, class)->base, front_base(c, word));
}
END_TEST

START_TEST(install__while_on_another_cpu__refused)
{
	front_pin(0);
	ck_assert(!FRONT_TRY(
		front_install(front_cpus[1], LINE, NONE, (word_id){77}, 1)));
	expect_slot(0, A_LINE, NONE, 0);
	expect_slot(1, A_LINE, NONE, 0);
}
END_TEST

START_TEST(install__slot_holds_bits__refused)
{
	word_id word = {77}, other = {78};

	front_pin(0);
	ck_assert(FRONT_TRY(front_install(front_cpus[0], LINE, NONE, word, 2)));
	ck_assert(
		!FRONT_TRY(front_install(front_cpus[0], LINE, word, other, 4)));
	expect_slot(0, A_LINE, word, 2);
}
END_TEST

START_TEST(install__slot_names_another_than_expected__refused)
{
	word_id word = {77}, other = {78};

	front_pin(0);
	ck_assert(
		!FRONT_TRY(front_install(front_cpus[0], LINE, word, other, 4)));
	ck_assert(FRONT_TRY(front_install(front_cpus[0], LINE, NONE, word, 0)));
	ck_assert(
		!FRONT_TRY(front_install(front_cpus[0], LINE, NONE, other, 4)));
	ck_assert(
		!FRONT_TRY(front_install(front_cpus[0], LINE, other, NONE, 0)));
	expect_slot(0, A_LINE, word, 0);
	ck_assert(FRONT_TRY(front_install(front_cpus[0], LINE, word, NONE, 0)));
	expect_slot(0, A_LINE, NONE, 0);
}
END_TEST

/* --- claim, unclaim ------------------------------------------------------- */

START_TEST(claim__slot_with_bits__lowest_first_until_none_is_left)
{
	static const unsigned classes[] = {FOUR_BYTES, A_LINE, A_LINE + 9,
					   FOUR_BYTES + NR_SIZES};
	unsigned class = classes[_i], n = size_classes[class].nr_words - 1u;
	const struct size_class *c = &size_classes[class];
	word_id word = {c->window * layout.window_pages * PAGE_WORDS +
			17 * PAGE_WORDS + n};
	unsigned bits[] = {0, 5, 31, 32, 63}, i;
	uint64_t free = 0;
	struct claimed claimed;

	for (i = 0; i < 5; i++)
		free |= word_bit(bits[i]);
	front_pin(0);
	ck_assert(FRONT_TRY(front_install(front_cpus[0], c, NONE, word, free)));
	for (i = 0; i < 5; i++) {
		struct object object = {word, bits[i]};

		ck_assert(FRONT_TRY(front_claim(c, &claimed)));
		ck_assert_uint_eq(claimed.bit, bits[i]);
		ck_assert_uint_eq(claimed.word, word.nr);
		ck_assert_ptr_eq(claimed.slot, front_slot(0, class));
		ck_assert_uint_eq(claimed_handle(c, &claimed),
				  object_handle(c, object));
		free = word_claim_first(free);
		expect_slot(0, class, word, free);
	}
	ck_assert(!FRONT_TRY(front_claim(c, &claimed)));
}
END_TEST

START_TEST(claim__on_another_cpu__takes_nothing_from_the_slot)
{
	struct claimed claimed;
	word_id word = {77};

	front_pin(0);
	ck_assert(FRONT_TRY(front_install(front_cpus[0], LINE, NONE, word, 3)));
	front_pin(1);
	ck_assert(!FRONT_TRY(front_claim(LINE, &claimed)));
	expect_slot(0, A_LINE, word, 3);
}
END_TEST

START_TEST(unclaim__word_that_the_slot_names__once)
{
	struct object object = {{77}, 40};

	front_pin(0);
	ck_assert(!FRONT_TRY(front_unclaim(LINE, object)));
	ck_assert(FRONT_TRY(
		front_install(front_cpus[0], LINE, NONE, object.word, 2)));
	ck_assert(FRONT_TRY(front_unclaim(LINE, object)));
	expect_slot(0, A_LINE, object.word, word_bit(40) | 2);
	ck_assert(!FRONT_TRY(front_unclaim(LINE, object)));
	object.bit = 1;
	ck_assert(!FRONT_TRY(front_unclaim(LINE, object)));
	expect_slot(0, A_LINE, object.word, word_bit(40) | 2);
}
END_TEST

START_TEST(unclaim__another_word_or_cpu_or_class__refused)
{
	struct object object = {{77}, 40}, other = {{78}, 40};

	front_pin(0);
	ck_assert(FRONT_TRY(
		front_install(front_cpus[0], LINE, NONE, object.word, 0)));
	ck_assert(!FRONT_TRY(front_unclaim(LINE, other)));
	ck_assert(!FRONT_TRY(front_unclaim(LINE - 1, object)));
	front_pin(1);
	ck_assert(!FRONT_TRY(front_unclaim(LINE, object)));
	expect_slot(0, A_LINE, object.word, 0);
}
END_TEST

/* --- off and on ----------------------------------------------------------- */

static void expect_all_refused(struct object object)
{
	struct claimed claimed;

	ck_assert(!front_is_on());
	ck_assert(!FRONT_TRY(front_claim(LINE, &claimed)));
	ck_assert(!FRONT_TRY(front_unclaim(LINE, object)));
	ck_assert(!FRONT_TRY(
		front_install(front_cpus[0], LINE - 1, NONE, object.word, 1)));
}

START_TEST(stop__all_is_refused_until_as_many_have_said_go)
{
	struct object object = {{77}, 40};
	struct claimed claimed;

	front_pin(0);
	ck_assert(FRONT_TRY(
		front_install(front_cpus[0], LINE, NONE, object.word, 3)));
	ck_assert(front_stop());
	expect_all_refused(object);
	ck_assert(front_stop());
	expect_all_refused(object);
	front_go();
	expect_all_refused(object);
	expect_slot(0, A_LINE, object.word, 3);
	expect_slot(0, A_LINE - 1, NONE, 0);
	front_go();
	ck_assert(front_is_on());
	ck_assert(FRONT_TRY(front_claim(LINE, &claimed)));
	ck_assert(FRONT_TRY(front_unclaim(LINE, object)));
}
END_TEST

/* While it is off an allocation takes no more out of a word than it needs. */
START_TEST(stop__allocation_beside_it__leaves_the_rest_in_the_word)
{
	struct request r = {.class = A_LINE, .cpu = front_cpus[0]};
	page_id head = carve_on(0, A_LINE);
	struct object object;

	install(0, A_LINE, head, 0);
	store_relaxed(&front_slot(0, A_LINE)->free, 0);
	store_relaxed(word_of(page_word(head, 0)), 6);
	ck_assert(front_stop());
	ck_assert(slot_advance(&r, &object));
	ck_assert_uint_eq(word_at(head, 0), 4);
	expect_slot(0, A_LINE, page_word(head, 0), 0);
	front_go();
}
END_TEST

/* --- slots ---------------------------------------------------------------- */

START_TEST(slot_install__accepted__holds_the_rest_and_lets_go_of_the_other)
{
	struct request r = {.class = A_LINE, .cpu = front_cpus[0]};
	page_id one = carve_on(0, A_LINE), two = carve_on(0, A_LINE);

	front_pin(0);
	install(0, A_LINE, one, 0);
	slab_unclaim_all(page_word(one, 0),
			 xchg_relaxed(&front_slot(0, A_LINE)->free, 0));
	slot_install(&r, page_word(two, 0));
	if (front_slot(0, A_LINE)->word.v != page_word(two, 0).nr)
		return; /* thrown out */
	expect_slot(0, A_LINE, page_word(two, 0), UINT64_MAX << 1);
	ck_assert_uint_eq(word_at(two, 0), 0);
	ck_assert(slab_is_reserved(two) && !slab_is_reserved(one));
	ck_assert(is_listed(one, A_LINE));
}
END_TEST

START_TEST(slot_install__refused__bits_are_back_and_the_slab_is_let_go)
{
	struct request r = {.class = A_LINE, .cpu = front_cpus[0]};
	page_id one = carve_on(0, A_LINE), two = carve_on(0, A_LINE);

	install(0, A_LINE, one, 0);
	if (_i)
		front_pin(1);
	slot_install(&r, page_word(two, 0));
	expect_slot(0, A_LINE, page_word(one, 0), UINT64_MAX << 1);
	ck_assert_uint_eq(word_at(two, 0), UINT64_MAX << 1);
	ck_assert(slab_is_reserved(one) && !slab_is_reserved(two));
	ck_assert(is_listed(two, A_LINE));
}
END_TEST

START_TEST(slot_bits__slab_reserved__those_of_the_word_that_is_named)
{
	page_id head = carve_on(1, FOUR_BYTES), other = carve_on(0, FOUR_BYTES);

	install(1, FOUR_BYTES, head, 2);
	ck_assert_uint_eq(
		slot_bits(&size_classes[FOUR_BYTES], page_word(head, 2)),
		UINT64_MAX);
	ck_assert_uint_eq(
		slot_bits(&size_classes[FOUR_BYTES], page_word(head, 1)), 0);
	ck_assert_uint_eq(
		slot_bits(&size_classes[FOUR_BYTES], page_word(other, 2)), 0);
	slab_unreserve(head);
	ck_assert_uint_eq(
		slot_bits(&size_classes[FOUR_BYTES], page_word(head, 2)), 0);
}
END_TEST

START_TEST(drain__slots_with_bits__are_in_the_words_and_slabs_let_go)
{
	page_id one = carve_on(0, A_LINE), two = carve_on(1, A_LINE);
	page_id empty = carve_on(1, FOUR_BYTES);

	install(0, A_LINE, one, 0);
	install(1, A_LINE, two, 0);
	slab_unclaim(nth(empty, 0));
	install(1, FOUR_BYTES, empty, 3);
	slots_drain(WINDOW_PAGES);
	ck_assert(slab_is_reserved(one) && slab_is_reserved(two));
	slots_drain(WINDOW_SKEWED);
	ck_assert_uint_eq(word_at(one, 0), UINT64_MAX << 1);
	ck_assert_uint_eq(word_at(two, 0), UINT64_MAX << 1);
	ck_assert(is_listed(one, A_LINE) && is_listed(two, A_LINE));
	ck_assert(!slab_is_reserved(one) && !slab_is_reserved(two));
	ck_assert(!slab_is(empty, FOUR_BYTES));
	expect_slot(0, A_LINE, NONE, 0);
	expect_slot(1, A_LINE, NONE, 0);
	expect_slot(1, FOUR_BYTES, NONE, 0);
	ck_assert(front_is_on());
}
END_TEST

/* -------------------------------------------------------------------------- */

static Suite *make_suite(void)
{
	Suite *suite = suite_create("front");
	TCase *tc = tcase_create("front");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, front__exists_where_the_system_can__and_is_on);
	if (!have_front)
		return suite;
#define ADD(name) tcase_add_test(tc, name)
#define ADD_LOOP(name, nr) tcase_add_loop_test(tc, name, 0, nr)
	ADD_LOOP(install__empty_slot__names_the_word_and_holds_the_bits, 5);
	ADD(install__while_on_another_cpu__refused);
	ADD(install__slot_holds_bits__refused);
	ADD(install__slot_names_another_than_expected__refused);
	ADD_LOOP(claim__slot_with_bits__lowest_first_until_none_is_left, 4);
	ADD(claim__on_another_cpu__takes_nothing_from_the_slot);
	ADD(unclaim__word_that_the_slot_names__once);
	ADD(unclaim__another_word_or_cpu_or_class__refused);
	ADD(stop__all_is_refused_until_as_many_have_said_go);
	ADD(stop__allocation_beside_it__leaves_the_rest_in_the_word);
	ADD(slot_install__accepted__holds_the_rest_and_lets_go_of_the_other);
	ADD_LOOP(slot_install__refused__bits_are_back_and_the_slab_is_let_go,
		 2);
	ADD(slot_bits__slab_reserved__those_of_the_word_that_is_named);
	ADD(drain__slots_with_bits__are_in_the_words_and_slabs_let_go);
	return suite;
}

int main(int argc, char **argv)
{
	have_front = front_find_cpus();
	return support_main(argc, argv, make_suite, NULL);
}
