// SPDX-License-Identifier: MIT
/*
 * The end of an object cache: with live objects, for good, and as its last
 * objects see it.
 */
#include "caches.h"

START_TEST(destroy__objects_are_live__ebusy_a_list_and_it_works_on)
{
	struct pcpu_cache *cache = create_processes();
	void *objects[10], *listed[20];
	size_t i, j, found = 0;

	ck_assert_int_eq(pcpu_cache_alloc_bulk(cache, 10, objects), 0);
	cache_churn(cache, 100);
	errno = 0;
	ck_assert_int_eq(pcpu_cache_destroy(cache), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(nr_made - nr_gone, 10);
	ck_assert_uint_eq(pcpu_cache_live(cache, 20, listed), 10);
	for (i = 0; i < 10; i++)
		for (j = 0; j < 10; j++)
			found += objects[i] == listed[j];
	ck_assert_uint_eq(found, 10);
	listed[3] = NULL;
	ck_assert_uint_eq(pcpu_cache_live(cache, 3, listed), 10);
	ck_assert_ptr_null(listed[3]);
	cache_churn(cache, 100);
	pcpu_cache_free_bulk(cache, 10, objects);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	ck_assert_int_eq(nr_made, nr_gone);
}
END_TEST

static void destroy_busy(void *cache)
{
	require(pcpu_cache_destroy(cache) == -1, "destroyed");
}

START_TEST(destroy__objects_are_live__one_line_names_cache_and_objects)
{
	struct pcpu_cache *cache = create_processes();
	struct support_child child;
	char expected[64];
	void *object = pcpu_cache_alloc(cache);

	support_fork(destroy_busy, cache, &child);
	ck_assert(support_succeeded(&child));
	ck_assert_ptr_nonnull(strstr(child.text, "\"process\""));
	snprintf(expected, sizeof(expected), "1 live object: %p\n", object);
	ck_assert_msg(strstr(child.text, expected), "%s", child.text);
}
END_TEST

static void alloc_from(void *cache)
{
	pcpu_cache_alloc(cache);
}

static void free_to(void *cache)
{
	static int object;

	pcpu_cache_free(cache, &object);
}

static void destroy_it(void *cache)
{
	pcpu_cache_destroy(cache);
}

START_TEST(destroyed_cache__any_use__aborts_with_its_name)
{
	static void (*const uses[])(void *) = {alloc_from, free_to, destroy_it};
	struct pcpu_cache *cache = create_processes();

	cache_churn(cache, 10);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	cache_churn(create_processes(), 10);
	support_expect_abort(uses[_i], cache, cache,
			     "\"process\" was destroyed");
}
END_TEST

START_TEST(destroy__many_in_turn__gives_all_back)
{
	uint64_t before = live_percpu_objects();
	unsigned i;

	for (i = 0; i < 100; i++) {
		struct pcpu_cache *cache = create_copies();

		cache_churn(cache, 50);
		ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	}
	ck_assert_int_eq(nr_made, nr_gone);
	ck_assert_uint_eq(live_percpu_objects(), before);
}
END_TEST

static struct pcpu_cache *own;

/* The first has a second, which its destructor frees. */
static int make_two(void *object)
{
	static bool made;
	void **other = object;

	if (!made) {
		made = true;
		*other = pcpu_cache_alloc(own);
	}
	return 0;
}

static void free_other(void *object)
{
	void **other = object;

	if (*other)
		pcpu_cache_free(own, *other);
}

START_TEST(destructor__frees_to_its_own_cache__destroy_waits_for_that)
{
	own = pcpu_cache_create("own", 32, 8, make_two, free_other, 0);
	pcpu_cache_free(own, pcpu_cache_alloc(own));
	ck_assert_uint_eq(cache_stats(own).nr_objects, 2);
	ck_assert_int_eq(pcpu_cache_destroy(own), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("cache_end");
	TCase *tc = tcase_create("cache_end");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc,
		       destroy__objects_are_live__ebusy_a_list_and_it_works_on);
	tcase_add_test(
		tc,
		destroy__objects_are_live__one_line_names_cache_and_objects);
	tcase_add_loop_test(tc, destroyed_cache__any_use__aborts_with_its_name,
			    0, 3);
	tcase_add_test(tc, destroy__many_in_turn__gives_all_back);
	tcase_add_test(
		tc, destructor__frees_to_its_own_cache__destroy_waits_for_that);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
