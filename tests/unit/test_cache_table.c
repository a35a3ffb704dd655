// SPDX-License-Identifier: MIT
/*
 * The set of a cache's objects.
 */
#include "object/cache.h"

#include <pthread.h>

#include "tests/support.h"

static void *object(size_t i)
{
	return (void *)(UINT64_C(0x7f0000000000) + i * 16);
}

static size_t list_all(const struct table *table)
{
	return table_list(table, 0, NULL);
}

START_TEST(insert__many__each_is_found_and_listed_until_removed)
{
	struct table table = {.has_values = _i};
	size_t nr = SUPPORT_SCALE(20000u), i;
	void **listed = calloc(nr, sizeof(*listed));

	for (i = 0; i < nr; i++)
		require(table_insert(&table, object(i)), "no memory");
	ck_assert_uint_eq(table_list(&table, nr, listed), nr);
	for (i = 0; i < nr; i++) {
		struct entry entry = table_find(&table, object(i));

		require(entry.key && entry.key->v == (uintptr_t)object(i),
			"object %zu is not found", i);
		require((entry.value != NULL) == _i, "a value?");
		if (!_i)
			continue;
		require(!entry.value->v, "it has a value");
		entry.value->v = i + 1;
	}
	for (i = 0; _i && i < nr; i++)
		require(table_find(&table, object(i)).value->v == i + 1,
			"object %zu has another's value", i);
	ck_assert_ptr_null(table_find(&table, object(nr)).key);
	for (i = 0; i < nr; i += 2)
		table_remove(&table, object(i));
	ck_assert_uint_eq(list_all(&table), nr / 2);
	ck_assert_ptr_null(table_find(&table, object(0)).key);
	ck_assert_ptr_nonnull(table_find(&table, object(1)).key);
	table_destroy(&table);
	ck_assert_uint_eq(list_all(&table), 0);
	free(listed);
}
END_TEST

START_TEST(insert__in_place_of_removed_ones__the_table_does_not_grow)
{
	static struct table table;
	unsigned level;
	size_t i;

	for (i = 0; i < SUPPORT_SCALE(100000u); i++) {
		require(table_insert(&table, object(i)), "no memory");
		if (i >= 50)
			table_remove(&table, object(i - 50));
	}
	ck_assert_uint_eq(list_all(&table), 50);
	for (level = 2; level < TABLE_LEVELS; level++)
		ck_assert_uint_eq(table.level[level].v, 0);
	table_destroy(&table);
}
END_TEST

#define NR_THREADS 4u
#define NR_EACH 5000u
static struct table shared;

static void *insert_some(void *arg)
{
	size_t first = *(const size_t *)arg * NR_EACH, i;

	for (i = first; i < first + NR_EACH; i++)
		require(table_insert(&shared, object(i)), "no memory");
	for (i = first; i < first + NR_EACH; i += 2)
		table_remove(&shared, object(i));
	for (i = first; i < first + NR_EACH; i++)
		require(!table_find(&shared, object(i)).key == !(i % 2),
			"object %zu", i);
	return NULL;
}

START_TEST(insert_and_remove__by_threads__nothing_is_lost)
{
	pthread_t thread[NR_THREADS];
	size_t nr[NR_THREADS], i;

	for (i = 0; i < NR_THREADS; i++) {
		nr[i] = i;
		pthread_create(&thread[i], NULL, insert_some, &nr[i]);
	}
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(list_all(&shared), NR_THREADS * NR_EACH / 2);
	table_destroy(&shared);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("cache_table");
	TCase *tc = tcase_create("cache_table");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, insert__many__each_is_found_and_listed_until_removed, 0, 2);
	tcase_add_test(
		tc, insert__in_place_of_removed_ones__the_table_does_not_grow);
	tcase_add_test(tc, insert_and_remove__by_threads__nothing_is_lost);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
