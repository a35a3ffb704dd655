// SPDX-License-Identifier: MIT
/*
 * Object caches: the life of an object, its constructed state, arguments.
 */
#include "caches.h"

/* --- the life of an object ------------------------------------------------ */

START_TEST(alloc__first_time__constructs_zeroed_memory_once)
{
	struct pcpu_cache *cache = create_processes();
	struct process *process = pcpu_cache_alloc(cache);

	ck_assert_ptr_nonnull(process);
	ck_assert_uint_eq(process->made, MADE);
	ck_assert_int_eq(nr_made, 1);
	pcpu_cache_free(cache, process);
	ck_assert_int_eq(nr_gone, 0);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	ck_assert_int_eq(nr_gone, 1);
}
END_TEST

START_TEST(free_and_alloc__object_is_as_its_owner_left_it)
{
	struct pcpu_cache *cache = create_processes();
	unsigned i;

	for (i = 0; i < 1000; i++) {
		struct process *process = pcpu_cache_alloc(cache);

		ck_assert(is_made(process));
		pcpu_this_inc(*process->count);
		pcpu_this_dec(*process->count);
		*pcpu_ptr(process->count, 0) = 0;
		*pcpu_this_ptr(process->count) = 0;
		pcpu_cache_free(cache, process);
	}
	/* One at a time: each CPU that we were on has made one. */
	ck_assert_int_le(nr_made, (int)pcpu_nr_cpus());
	ck_assert_int_eq(nr_gone, 0);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

START_TEST(percpu_object__keeps_all_copies_and_is_not_zeroed)
{
	uint64_t before = live_percpu_objects();
	struct pcpu_cache *cache = create_copies();
	unsigned i;

	for (i = 0; i < 1000; i++) {
		int64_t *copies = pcpu_cache_alloc(cache);

		ck_assert(are_copies(copies));
		ck_assert_uint_ge(pcpu_usable_size(copies), 8);
		pcpu_cache_free(cache, copies);
	}
	ck_assert_int_le(nr_made, (int)pcpu_nr_cpus());
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	ck_assert_int_eq(nr_made, nr_gone);
	ck_assert_uint_eq(live_percpu_objects(), before);
}
END_TEST

START_TEST(alloc__many_at_once__all_different_aligned_and_constructed)
{
	static const size_t aligns[] = {1, 8, 64, 4096};
	void *objects[500];
	size_t a, i, j;

	for (a = 0; a < 4; a++) {
		struct pcpu_cache *cache = pcpu_cache_create(
			"aligned", 24, aligns[a], NULL, NULL, 0);

		ck_assert_int_eq(pcpu_cache_alloc_bulk(cache, 500, objects), 0);
		for (i = 0; i < 500; i++) {
			const char *object = objects[i];

			ck_assert_uint_eq((uintptr_t)object % aligns[a], 0);
			for (j = 0; j < 24; j++)
				require(!object[j], "byte %zu", j);
			memset(objects[i], 0xff, 24);
		}
		for (i = 0; i < 500; i++)
			memset(objects[i], 0, 24);
		pcpu_cache_free_bulk(cache, 500, objects);
		ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	}
}
END_TEST

START_TEST(free__null__does_nothing)
{
	struct pcpu_cache *cache = create_processes();
	void *objects[3] = {NULL, pcpu_cache_alloc(cache), NULL};

	pcpu_cache_free(cache, NULL);
	pcpu_cache_free_bulk(cache, 3, objects);
	ck_assert_uint_eq(cache_stats(cache).nr_cached, 1);
	ck_assert_ptr_nonnull(pcpu_cache_alloc(cache));
	ck_assert_int_eq(nr_made, 1);
}
END_TEST

/* --- constructors that fail ----------------------------------------------- */

static void expect_undone(struct pcpu_cache *cache, uint64_t before)
{
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_uint_eq(cache_stats(cache).nr_refused, 1);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	ck_assert_int_eq(nr_made, nr_gone);
	ck_assert_uint_eq(live_percpu_objects(), before);
}

START_TEST(constructor_fails__its_errno_and_nothing_is_left)
{
	uint64_t before = live_percpu_objects();
	struct pcpu_cache *cache = _i ? create_copies() : create_processes();
	void *object;

	fail_at = 1;
	ck_assert_ptr_null(pcpu_cache_alloc(cache));
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_uint_eq(cache_stats(cache).nr_objects, 0);
	object = pcpu_cache_alloc(cache);
	ck_assert_ptr_nonnull(object);
	pcpu_cache_free(cache, object);
	errno = EAGAIN;
	expect_undone(cache, before);
}
END_TEST

#define BULK 20

START_TEST(constructor_fails_at_each_of_a_bulk__none_is_allocated)
{
	uint64_t before = live_percpu_objects();
	struct pcpu_cache *cache =
		_i % 2 ? create_copies() : create_processes();
	void *objects[BULK];

	fail_at = _i / 2 + 1;
	errno = 0;
	ck_assert_int_eq(pcpu_cache_alloc_bulk(cache, BULK, objects), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_uint_eq(cache_stats(cache).nr_objects, (unsigned)_i / 2);
	errno = EAGAIN;
	expect_undone(cache, before);
}
END_TEST

/* --- callbacks that use the library --------------------------------------- */

static struct pcpu_cache *inner;

static int make_with_inner(void *object)
{
	*(void **)object = pcpu_cache_alloc(inner);
	return *(void **)object ? 0 : ENOMEM;
}

static void destroy_with_inner(void *object)
{
	pcpu_cache_free(inner, *(void **)object);
}

START_TEST(callbacks__allocate_and_free_from_another_cache)
{
	struct pcpu_cache *outer;

	inner = create_processes();
	outer = pcpu_cache_create("outer", 8, 8, make_with_inner,
				  destroy_with_inner, 0);
	cache_churn(outer, 1000);
	pcpu_cache_set_budget(outer, 0);
	ck_assert_uint_eq(cache_stats(outer).nr_objects, 0);
	ck_assert_uint_eq(cache_stats(inner).nr_objects,
			  cache_stats(inner).nr_cached);
	cache_churn(outer, 1000);
	ck_assert_int_eq(pcpu_cache_destroy(outer), 0);
	ck_assert_int_eq(pcpu_cache_destroy(inner), 0);
	ck_assert_int_eq(nr_made, nr_gone);
}
END_TEST

static struct pcpu_cache *own;

/* Now and then an object of its own cache comes and goes. */
static int make_one_more(void *object)
{
	static _Thread_local unsigned depth, nr;

	if (++nr % 3 == 0 && depth < 3) {
		depth++;
		pcpu_cache_free(own, pcpu_cache_alloc(own));
		depth--;
	}
	(void)object;
	return 0;
}

START_TEST(constructor__uses_its_own_cache)
{
	own = pcpu_cache_create("own", 32, 8, make_one_more, NULL, 0);
	cache_churn(own, 1000);
	ck_assert_uint_eq(cache_stats(own).nr_cached,
			  cache_stats(own).nr_objects);
	ck_assert_int_eq(pcpu_cache_destroy(own), 0);
}
END_TEST

/* --- arguments ------------------------------------------------------------ */

static void expect_refused(const char *name, size_t size, size_t align,
			   unsigned flags, int error)
{
	errno = 0;
	ck_assert_ptr_null(
		pcpu_cache_create(name, size, align, NULL, NULL, flags));
	ck_assert_int_eq(errno, error);
}

START_TEST(create__bad_arguments__an_error)
{
	unsigned flags = _i ? PCPU_CACHE_PERCPU : 0;
	size_t max = _i ? PCPU_SIZE_MAX : PCPU_CACHE_SIZE_MAX;

	expect_refused(NULL, 8, 8, flags, EINVAL);
	expect_refused("x", 0, 8, flags, EINVAL);
	expect_refused("x", 8, 0, flags, EINVAL);
	expect_refused("x", 8, 3, flags, EINVAL);
	expect_refused("x", 8, 8192, flags, EINVAL);
	expect_refused("x", 8, 8, flags | 1, EINVAL);
	expect_refused("x", max + 1, 8, flags, ENOMEM);
	expect_refused("x", SIZE_MAX, 8, flags, ENOMEM);
	ck_assert_int_eq(pcpu_cache_destroy(NULL), 0);
}
END_TEST

START_TEST(stats__null__einval__else_what_was_asked_for)
{
	const char *name = "a name of more than thirty-one characters";
	struct pcpu_cache *cache =
		pcpu_cache_create(name, 100, 8, NULL, NULL, 0);
	struct pcpu_cache_info stats;

	errno = 0;
	ck_assert_int_eq(pcpu_cache_stats(cache, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	stats = cache_stats(cache);
	ck_assert_str_eq(stats.name, "a name of more than thirty-one ");
	ck_assert_uint_eq(stats.object_bytes, 100);
	ck_assert_uint_eq(stats.nr_objects, 0);
	ck_assert_uint_gt(stats.budget, 0);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("cache");
	TCase *tc = tcase_create("cache");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, alloc__first_time__constructs_zeroed_memory_once);
	tcase_add_test(tc, free_and_alloc__object_is_as_its_owner_left_it);
	tcase_add_test(tc, percpu_object__keeps_all_copies_and_is_not_zeroed);
	tcase_add_test(
		tc, alloc__many_at_once__all_different_aligned_and_constructed);
	tcase_add_test(tc, free__null__does_nothing);
	tcase_add_loop_test(
		tc, constructor_fails__its_errno_and_nothing_is_left, 0, 2);
	tcase_add_loop_test(
		tc, constructor_fails_at_each_of_a_bulk__none_is_allocated, 0,
		2 * BULK);
	tcase_add_test(tc, callbacks__allocate_and_free_from_another_cache);
	tcase_add_test(tc, constructor__uses_its_own_cache);
	tcase_add_loop_test(tc, create__bad_arguments__an_error, 0, 2);
	tcase_add_test(tc, stats__null__einval__else_what_was_asked_for);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
