// SPDX-License-Identifier: MIT
/*
 * Where a free puts an object, who sees that it was freed before, and what the
 * statistics say of objects that slots hold.
 */
#include <pcpu.h>

#include "chunk/registry.h"
#include "front_cpus.h"
#include "support.h"

#define FREE_ALREADY "already free"

static bool have_front;

static struct found find(const void *p)
{
	struct found found;

	ck_assert(registry_find(p, &found));
	return found;
}

static bool in_word(const void *p)
{
	struct object object = find(p).object;

	return load_relaxed(word_of(object.word)) >> object.bit & 1;
}

/* In the slot of the i-th CPU? */
static bool in_slot(unsigned i, const void *p)
{
	struct found found = find(p);
	const struct slot *slot = front_slot(i, map_class(found.entry));

	return slot->word.v == found.object.word.nr &&
	       slot->free.v >> found.object.bit & 1;
}

/* An object whose word the first CPU's slot names. */
static void *alloc_on_first(size_t size)
{
	unsigned tries = 100;
	void *p;

	front_pin(0);
	do {
		p = pcpu_alloc(size, 4);
		ck_assert_ptr_nonnull(p);
	} while (front_slot(0, map_class(find(p).entry))->word.v !=
			 find(p).object.word.nr &&
		 --tries);
	ck_assert_uint_gt(tries, 0);
	return p;
}

/* --- one free ------------------------------------------------------------- */

static const size_t sizes[] = {4, 8, 64, 208, 2048, 32768};
#define NR_TEST_SIZES 6

START_TEST(free_on_the_cpu_whose_slot_names_the_word__goes_to_the_slot)
{
	unsigned tries = 100;
	void *p;

	do { /* once in a while the free is thrown out */
		p = alloc_on_first(sizes[_i]);
		pcpu_free(p);
	} while (!in_slot(0, p) && --tries);
	ck_assert(in_slot(0, p) && !in_word(p));
}
END_TEST

START_TEST(free_on_another_cpu__goes_to_the_word)
{
	void *p = alloc_on_first(sizes[_i]);

	front_pin(1);
	pcpu_free(p);
	ck_assert(in_word(p) && !in_slot(0, p) && !in_slot(1, p));
}
END_TEST

START_TEST(free_while_the_front_is_off__goes_to_the_word)
{
	void *p = alloc_on_first(sizes[_i]);

	ck_assert(front_stop());
	pcpu_free(p);
	ck_assert(in_word(p) && !in_slot(0, p));
	front_go();
}
END_TEST

/* --- two ------------------------------------------------------------------ */

struct twice {
	void *p;
	unsigned first, second; /* CPUs */
	bool ask;               /* pcpu_usable_size() instead of the second */
	bool moved; /* from the word into the first CPU's slot, in between */
};

static void free_twice(void *arg)
{
	struct twice *twice = arg;

	front_pin(twice->first);
	pcpu_free(twice->p);
	if (twice->moved) {
		word_id word = find(twice->p).object.word;
		unsigned class = map_class(find(twice->p).entry);
		struct slot *slot = front_slot(0, class);

		store_relaxed(&slot->free,
			      xchg_relaxed(word_of(word), 0) | slot->free.v);
	}
	front_pin(twice->second);
	if (twice->ask)
		pcpu_usable_size(twice->p);
	else
		pcpu_free(twice->p);
}

START_TEST(second_free_on_any_cpu__aborts_as_already_free)
{
	unsigned i;

	for (i = 0; i < 16; i++) {
		struct twice twice = {
			.p = alloc_on_first(sizes[_i]),
			.first = i & 1,
			.second = i >> 1 & 1,
			.ask = i >> 2 & 1,
			.moved = i >> 3,
		};

		support_expect_abort(free_twice, &twice, twice.p, FREE_ALREADY);
	}
}
END_TEST

/* Two threads freed it at once, one to the slot and one to the word. */
static void drain_what_was_freed_twice(void *p)
{
	struct object object = find(p).object;
	unsigned tries = 100;

	front_pin(0);
	while (!FRONT_TRY(front_unclaim(&size_classes[map_class(find(p).entry)],
					object)) &&
	       --tries)
		continue;
	slab_unclaim(object);
	slots_drain(WINDOW_SKEWED);
}

START_TEST(object_in_a_slot_and_in_its_word__drain_aborts)
{
	void *p = alloc_on_first(64);

	support_expect_abort(drain_what_was_freed_twice, p, p, FREE_ALREADY);
}
END_TEST

/* --- statistics ----------------------------------------------------------- */

static uint64_t live_objects(void)
{
	struct pcpu_stats stats;

	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	return stats.nr_cur_alloc;
}

static void expect_live(uint64_t nr, size_t size)
{
	struct pcpu_stats stats;

	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	ck_assert_uint_eq(stats.nr_cur_alloc, nr);
	ck_assert_uint_eq(stats.live_bytes, nr * size);
}

START_TEST(stats_while_slots_hold_objects__count_them_as_free)
{
	void *p = alloc_on_first(sizes[_i]), *q;
	/* It may have taken several tries. */
	uint64_t others = live_objects() - 1;

	front_pin(1);
	q = pcpu_alloc(sizes[_i], 4);
	expect_live(others + 2, sizes[_i]);
	pcpu_free(p);
	expect_live(others + 1, sizes[_i]);
	pcpu_free(q);
	expect_live(others, sizes[_i]);
	slots_drain(WINDOW_SKEWED);
	expect_live(others, sizes[_i]);
}
END_TEST

/* -------------------------------------------------------------------------- */

START_TEST(no_front_or_one_cpu__nothing_to_test)
{
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("front_frees");
	TCase *tc = tcase_create("front_frees");

	suite_add_tcase(suite, tc);
	if (!have_front) {
		tcase_add_test(tc, no_front_or_one_cpu__nothing_to_test);
		return suite;
	}
	tcase_set_timeout(tc, 60);
#define ADD(name) tcase_add_test(tc, name)
#define ADD_SIZES(name) tcase_add_loop_test(tc, name, 0, NR_TEST_SIZES)
	ADD_SIZES(free_on_the_cpu_whose_slot_names_the_word__goes_to_the_slot);
	ADD_SIZES(free_on_another_cpu__goes_to_the_word);
	ADD_SIZES(free_while_the_front_is_off__goes_to_the_word);
	ADD_SIZES(second_free_on_any_cpu__aborts_as_already_free);
	ADD(object_in_a_slot_and_in_its_word__drain_aborts);
	ADD_SIZES(stats_while_slots_hold_objects__count_them_as_free);
	return suite;
}

int main(int argc, char **argv)
{
	have_front = front_find_cpus();
	return support_main(argc, argv, make_suite, NULL);
}
