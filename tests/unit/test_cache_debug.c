// SPDX-License-Identifier: MIT
/*
 * Object caches in debug mode: what is found, and what is left alone.
 */
#include "caches.h"

static struct pcpu_cache *cache;
static void *object;

static void begin(void)
{
	cache = create_processes();
	object = pcpu_cache_alloc(cache);
}

static void free_it(void *unused)
{
	(void)unused;
	pcpu_cache_free(cache, object);
}

static void free_twice(void *unused)
{
	free_it(unused);
	free_it(unused);
}

START_TEST(free__twice__aborts_as_already_free)
{
	begin();
	support_expect_abort(free_twice, NULL, object, "already free");
}
END_TEST

START_TEST(free__object_of_another_cache__aborts)
{
	struct pcpu_cache *other = create_copies();

	begin();
	object = pcpu_cache_alloc(other);
	support_expect_abort(free_it, NULL, object,
			     "\"process\": not an object of this cache");
}
END_TEST

START_TEST(free__memory_of_nobody__aborts)
{
	begin();
	object = &cache;
	support_expect_abort(free_it, NULL, object,
			     "not an object of this cache");
}
END_TEST

START_TEST(free__counters_do_not_sum_to_zero__aborts)
{
	begin();
	pcpu_this_inc(*((struct process *)object)->count);
	support_expect_abort(free_it, NULL, object,
			     "not in its constructed state");
}
END_TEST

static void write_after_free(void *byte)
{
	free_it(NULL);
	*(char *)byte ^= 1;
}

static void alloc_again(void *byte)
{
	run_on_cpu(0);
	write_after_free(byte);
	pcpu_cache_alloc(cache);
}

static void shrink_then(void *byte)
{
	write_after_free(byte);
	pcpu_cache_shrink(cache);
}

static void free_over_budget(void *byte)
{
	write_after_free(byte);
	pcpu_cache_set_budget(cache, 0);
}

static void (*const ways[])(void *) = {alloc_again, shrink_then,
				       free_over_budget};

START_TEST(write_after_free__aborts_when_the_object_is_used_or_leaves)
{
	char *byte;

	run_on_cpu(0);
	begin();
	byte = object;
	support_expect_abort(ways[_i], byte + 5, byte + 5, "after its free");
}
END_TEST

START_TEST(write_after_free_to_one_copy__aborts_too)
{
	char *copy;

	run_on_cpu(0);
	cache = create_copies();
	object = pcpu_cache_alloc(cache);
	copy = pcpu_ptr((char *)object, (int)pcpu_nr_cpus() - 1);
	support_expect_abort(ways[_i], copy + 7, copy + 7, "after its free");
}
END_TEST

START_TEST(read_after_free__finds_a_pattern__its_next_owner_finds_it_made)
{
	struct process *process;

	begin();
	process = object;
	pcpu_cache_free(cache, process);
	ck_assert_uint_eq(process->made, UINT64_C(0x6d6d6d6d6d6d6d6d));
	process = pcpu_cache_alloc(cache);
	ck_assert(is_made(process));
	pcpu_cache_free(cache, process);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	ck_assert_int_eq(nr_made, nr_gone);
}
END_TEST

START_TEST(right_use__is_left_alone)
{
	struct pcpu_cache *copies = create_copies();
	unsigned i;

	begin();
	for (i = 0; i < 10; i++) {
		cache_churn(cache, 300);
		cache_churn(copies, 300);
		pcpu_cache_shrink(copies);
	}
	pcpu_cache_free(cache, object);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	ck_assert_int_eq(pcpu_cache_destroy(copies), 0);
	ck_assert_int_eq(nr_made, nr_gone);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("cache_debug");
	TCase *tc = tcase_create("cache_debug");

	tcase_add_test(tc, free__twice__aborts_as_already_free);
	tcase_add_test(tc, free__object_of_another_cache__aborts);
	tcase_add_test(tc, free__memory_of_nobody__aborts);
	tcase_add_test(tc, free__counters_do_not_sum_to_zero__aborts);
	tcase_add_loop_test(
		tc, write_after_free__aborts_when_the_object_is_used_or_leaves,
		0, 3);
	tcase_add_loop_test(tc, write_after_free_to_one_copy__aborts_too, 0, 3);
	tcase_add_test(
		tc,
		read_after_free__finds_a_pattern__its_next_owner_finds_it_made);
	tcase_add_test(tc, right_use__is_left_alone);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	support_enter_debug("1", argv);
	return support_main(argc, argv, suite, NULL);
}
