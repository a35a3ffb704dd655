// SPDX-License-Identifier: MIT
/*
 * Taking slabs out of use: every way to be refused, and beside threads that
 * claim and unclaim, also by references that have gone stale.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "chunk/chunk.h"
#include "chunk/slab.h"
#include "tests/run_suite.h"

/* Classes by size: 16 words, 4 words, 1 word, 1 object. */
#define FOUR_BYTES FIRST_CLASS(WINDOW_SKEWED)
#define SIXTEEN_BYTES (FOUR_BYTES + 3)
#define A_LINE (FOUR_BYTES + 15)
#define LARGEST NR_SIZES

#define NR_THREADS 3
#define NR_ROUNDS 100000

static page_id spare_head(unsigned class)
{
	uint32_t window = size_classes[class].window;
	uint32_t chunk = window * layout.window_pages / CHUNK_PAGES +
			 layout.arena_chunks - 1;

	return chunk_page((chunk_id){chunk}, 9);
}

static struct object nth(page_id head, unsigned n)
{
	return (struct object){page_word(head, n / WORD_BITS), n % WORD_BITS};
}

/* A slab of which all objects are free, and that nobody has reserved. */
static page_id carve_empty(unsigned class)
{
	page_id head = spare_head(class);

	slab_unclaim(slab_carve(head, class, 0));
	slab_unreserve(head);
	return head;
}

struct picture {
	uint64_t words[SLAB_PAGES_MAX * PAGE_WORDS];
	uint64_t map[SLAB_PAGES_MAX];
	uint64_t dirty;
};

static struct picture picture_of(page_id head)
{
	struct picture p;
	unsigned i;

	for (i = 0; i < SLAB_PAGES_MAX * PAGE_WORDS; i++)
		p.words[i] = load_relaxed(word_of(page_word(head, i)));
	for (i = 0; i < SLAB_PAGES_MAX; i++)
		p.map[i] = load_relaxed(&layout.map[head.nr + i]);
	p.dirty = load_relaxed(&chunk_of(page_chunk(head))->dirty);
	return p;
}

static void expect_same(const struct picture *a, const struct picture *b)
{
	ck_assert_mem_eq(a->words, b->words, sizeof(a->words));
	ck_assert_mem_eq(a->map, b->map, sizeof(a->map));
	ck_assert_uint_eq(a->dirty, b->dirty);
}

/* --- one by one ----------------------------------------------------------- */

/* I5, I6: nothing is left of it. */
START_TEST(retire__empty_slab_of_any_class__words_and_map_are_zero)
{
	static const struct picture nothing;
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		page_id head = carve_empty(class);
		struct picture now;

		ck_assert(slab_retire(head, class));
		now = picture_of(head);
		expect_same(&now, &nothing);
		ck_assert(!slab_retire(head, class));
	}
}
END_TEST

/* One word, four, sixteen, and one object of eight pages. */
START_TEST(retire__with_one_live_object__changes_nothing)
{
	static const unsigned classes[] = {A_LINE, SIXTEEN_BYTES, FOUR_BYTES,
					   A_LINE + 5, LARGEST};
	unsigned class = classes[_i], n;
	page_id head = carve_empty(class);

	for (n = 0; n < size_classes[class].nr_objects; n++) {
		struct object object = nth(head, n);
		struct picture before, after;

		fetch_and_relaxed(word_of(object.word), ~word_bit(object.bit));
		before = picture_of(head);
		ck_assert(!slab_retire(head, class));
		after = picture_of(head);
		expect_same(&before, &after);
		slab_unclaim(object);
	}
	ck_assert(slab_retire(head, class));
}
END_TEST

START_TEST(retire__reserved_slab__changes_nothing)
{
	static const unsigned classes[] = {A_LINE, FOUR_BYTES, LARGEST};
	unsigned class = classes[_i];
	page_id head = carve_empty(class);
	struct picture before, after;

	ck_assert(slab_reserve(head, class, 3));
	before = picture_of(head);
	ck_assert(!slab_retire(head, class));
	after = picture_of(head);
	expect_same(&before, &after);
	slab_unreserve(head);
	ck_assert(slab_retire(head, class));
}
END_TEST

/* Slabs of 1, 6, 7 and 8 pages can have equal words. */
START_TEST(retire__slab_of_another_class__changes_nothing)
{
	unsigned class, other;

	for (class = 1; class <= NR_SIZES; class += 3) {
		page_id head = carve_empty(class);
		struct picture before = picture_of(head), after;

		for (other = 1; other <= NR_SIZES; other++)
			if (other != class && slab_retire(head, other))
				ck_abort_msg("%u as %u", class, other);
		after = picture_of(head);
		expect_same(&before, &after);
		ck_assert(slab_retire(head, class));
	}
}
END_TEST

START_TEST(retire__page_in_the_middle_of_a_slab__changes_nothing)
{
	unsigned class = LARGEST;
	page_id head = carve_empty(class);
	struct picture before = picture_of(head), after;
	unsigned i;

	for (i = 1; i < SLAB_PAGES_MAX; i++)
		ck_assert(!slab_retire((page_id){head.nr + i}, class));
	after = picture_of(head);
	expect_same(&before, &after);
}
END_TEST

/* I4 */
START_TEST(retire__an_object_was_used__its_pages_and_no_others_are_dirty)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		page_id head = carve_empty(class);

		store_relaxed(&chunk_of(page_chunk(head))->dirty, 0);
		object_use(nth(head, c->nr_objects - 1));
		ck_assert(slab_retire(head, class));
		ck_assert_uint_eq(
			load_relaxed(&chunk_of(page_chunk(head))->dirty),
			word_run(page_index(head), c->nr_pages));
	}
}
END_TEST

START_TEST(retire__nothing_was_used__pages_stay_clean)
{
	page_id head = carve_empty(FOUR_BYTES);

	ck_assert(slab_retire(head, FOUR_BYTES));
	ck_assert_uint_eq(load_relaxed(&chunk_of(page_chunk(head))->dirty), 0);
}
END_TEST

START_TEST(retire__slab_is_reserved__refused_until_it_is_let_go)
{
	page_id head = carve_empty(FOUR_BYTES);
	struct picture before, after;

	ck_assert(slab_reserve(head, FOUR_BYTES, 7));
	before = picture_of(head);
	ck_assert(!slab_retire(head, FOUR_BYTES));
	after = picture_of(head);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_int_eq(map_owner(map_load(head)), 7);
	slab_unreserve(head);
	ck_assert(slab_retire(head, FOUR_BYTES));
}
END_TEST

START_TEST(carve__pages_of_a_used_slab__objects_are_used_in_any_class)
{
	unsigned class;
	page_id head = carve_empty(FOUR_BYTES);

	object_use(nth(head, 0));
	ck_assert(slab_retire(head, FOUR_BYTES));
	for (class = 1; class <= NR_SIZES; class ++) {
		struct object first = slab_carve(head, class, 0);

		ck_assert(object_is_used(first));
		slab_unclaim(first);
		slab_unreserve(head);
		ck_assert(slab_retire(head, class));
	}
}
END_TEST

/* --- side by side --------------------------------------------------------- */

/* Of one page: a single word, four words, sixteen words. */
static const unsigned shapes[] = {A_LINE, SIXTEEN_BYTES, FOUR_BYTES};
#define NR_SHAPES 3u

/* By 4 bytes of the slab: who has an object that starts there. */
static atom32 owner[PAGE_BYTES / 4];
static atom32 nr_errors, nr_retired, nr_stale, nr_done;

static void expect(bool condition)
{
	if (!condition)
		fetch_add_relaxed(&nr_errors, 1);
}

/* I6, I7: while we have the object it is ours, and its slab stays. */
static void hold(page_id head, unsigned class, struct object object,
		 uint32_t self)
{
	unsigned at = object_index(object) * size_classes[class].size / 4;

	expect(xchg_relaxed(&owner[at], self) == 0);
	object_use(object);
	if (object.bit % 8 == 0)
		sched_yield();
	expect(slab_is(head, class));
	expect(object_is_used(object));
	expect(xchg_relaxed(&owner[at], 0) == self);
	expect(!(slab_unclaim(object) & word_bit(object.bit)));
}

static void *claim_and_unclaim(void *arg)
{
	uint32_t self = (uint32_t)(uintptr_t)arg;
	page_id head = spare_head(FOUR_BYTES);
	unsigned i;

	for (i = 0; i < NR_ROUNDS; i++) {
		unsigned class = shapes[(i + self) / 8 % NR_SHAPES];
		struct object object;
		enum claim claim = slab_claim_any(head, class, &object);

		if (claim == CLAIMED) {
			hold(head, class, object, self);
		} else if (claim == CLAIM_STALE) {
			expect(!(slab_unclaim(object) & word_bit(object.bit)));
			fetch_add_relaxed(&nr_stale, 1);
			sched_yield();
		}
	}
	fetch_add_relaxed(&nr_done, 1);
	return NULL;
}

/* Carves the slab as another class whenever it is empty. */
static void *retire_and_carve(void *unused)
{
	page_id head = spare_head(FOUR_BYTES);
	unsigned i = 0, n;

	(void)unused;
	while (load_relaxed(&nr_done) < NR_THREADS) {
		if (!slab_retire(head, shapes[i % NR_SHAPES])) {
			sched_yield();
			continue;
		}
		for (n = 0; n < PAGE_BYTES / 4; n++)
			expect(load_relaxed(&owner[n]) == 0);
		i++;
		fetch_add_relaxed(&nr_retired, 1);
		hold(head, shapes[i % NR_SHAPES],
		     slab_carve(head, shapes[i % NR_SHAPES], 0), UINT32_MAX);
		slab_unreserve(head);
	}
	expect(slab_retire(head, shapes[i % NR_SHAPES]));
	return NULL;
}

START_TEST(claim_unclaim_retire_carve__side_by_side__objects_have_one_owner)
{
	pthread_t threads[NR_THREADS + 1];
	uintptr_t i;

	carve_empty(shapes[0]);
	for (i = 0; i < NR_THREADS; i++)
		ck_assert(!pthread_create(&threads[i], NULL, claim_and_unclaim,
					  (void *)(i + 1)));
	ck_assert(!pthread_create(&threads[i], NULL, retire_and_carve, NULL));
	for (i = 0; i <= NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(load_relaxed(&nr_errors), 0);
	ck_assert_uint_gt(load_relaxed(&nr_retired), 0);
	ck_assert_uint_gt(load_relaxed(&nr_stale), 0);
}
END_TEST

static void *retire_once(void *unused)
{
	page_id head = spare_head(FOUR_BYTES);
	unsigned i;

	(void)unused;
	for (i = 0; i < NR_ROUNDS / 8; i++)
		if (slab_retire(head, FOUR_BYTES)) {
			expect(fetch_add_relaxed(&nr_done, 1) == 0);
			sched_yield();
			fetch_sub_relaxed(&nr_done, 1);
			fetch_add_relaxed(&nr_retired, 1);
			slab_unclaim(slab_carve(head, FOUR_BYTES, 0));
			slab_unreserve(head);
		}
	return NULL;
}

START_TEST(retire__by_several_at_once__one_has_the_pages)
{
	pthread_t threads[NR_THREADS];
	uintptr_t i;

	carve_empty(FOUR_BYTES);
	for (i = 0; i < NR_THREADS; i++)
		ck_assert(
			!pthread_create(&threads[i], NULL, retire_once, NULL));
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(load_relaxed(&nr_errors), 0);
	ck_assert_uint_gt(load_relaxed(&nr_retired), 0);
	ck_assert(slab_retire(spare_head(FOUR_BYTES), FOUR_BYTES));
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("slab_retire");
	TCase *tc = tcase_create("slab_retire");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, retire__reserved_slab__changes_nothing, 0, 3);
	tcase_add_test(tc,
		       retire__empty_slab_of_any_class__words_and_map_are_zero);
	tcase_add_loop_test(tc, retire__with_one_live_object__changes_nothing,
			    0, 5);
	tcase_add_test(tc, retire__slab_of_another_class__changes_nothing);
	tcase_add_test(tc,
		       retire__slab_is_reserved__refused_until_it_is_let_go);
	tcase_add_test(tc,
		       retire__page_in_the_middle_of_a_slab__changes_nothing);
	tcase_add_test(
		tc,
		retire__an_object_was_used__its_pages_and_no_others_are_dirty);
	tcase_add_test(tc, retire__nothing_was_used__pages_stay_clean);
	tcase_add_test(
		tc, carve__pages_of_a_used_slab__objects_are_used_in_any_class);
	tcase_add_test(
		tc,
		claim_unclaim_retire_carve__side_by_side__objects_have_one_owner);
	tcase_add_test(tc, retire__by_several_at_once__one_has_the_pages);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
