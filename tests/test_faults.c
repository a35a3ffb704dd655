// SPDX-License-Identifier: MIT
/*
 * Wrong frees die with one line that names the pointer and what it is, before
 * any memory is touched. The numbers are those of the rows of the project's
 * table of faults.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include <pcpu.h>

#include "support.h"

#define NOT_OURS "not a per-CPU handle"
#define FREE_ALREADY "already free"
#define INSIDE "inside an object"
#define COPY "copy of"
#define NEVER "never allocated"

static void do_free(void *p)
{
	pcpu_free(p);
}

static void do_usable_size(void *p)
{
	printf("%zu", pcpu_usable_size(p));
}

/* Both entries that take a handle must see the fault. */
static void expect_fault(void *p, const char *words)
{
	support_expect_abort(do_free, p, p, words);
	support_expect_abort(do_usable_size, p, p, words);
}

static char *alloc_bytes(size_t size, size_t align)
{
	char *p = pcpu_alloc(size, align);

	ck_assert_msg(p != NULL, "%zu bytes at %zu: errno %d", size, align,
		      errno);
	return p;
}

static const size_t sizes[] = {4, 8, 24, 64, 200, 1024, 4096, 32768};
#define NR_SIZES ((int)(sizeof(sizes) / sizeof(sizes[0])))

/* --- 1, 2, 3: freed twice
 * ------------------------------------------------------ */

START_TEST(double_free__aborts_as_already_free)
{
	char *neighbour = alloc_bytes(sizes[_i], 4);
	char *p = alloc_bytes(sizes[_i], 4);

	pcpu_free(p);
	expect_fault(p, FREE_ALREADY);
	pcpu_free(neighbour);
}
END_TEST

static void *free_in_thread(void *p)
{
	pcpu_free(p);
	return NULL;
}

static void free_in_two_threads(void *p)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 2; i++) {
		require(pthread_create(&thread, NULL, free_in_thread, p) == 0,
			"no thread");
		pthread_join(thread, NULL);
	}
}

START_TEST(double_free_by_another_thread__aborts_as_already_free)
{
	char *neighbour = alloc_bytes(40, 8), *p = alloc_bytes(40, 8);

	support_expect_abort(free_in_two_threads, p, p, FREE_ALREADY);
	pcpu_free(p);
	pcpu_free(neighbour);
}
END_TEST

static atomic_uint nr_ready;

static void *free_at_once(void *p)
{
	atomic_fetch_add(&nr_ready, 1);
	while (nr_ready < 2)
		continue;
	pcpu_free(p);
	return NULL;
}

/* The one goes to the slot, the other to the word, and neither may see the
 * other. Who looks at both does. */
static void free_twice_at_once(void *p)
{
	pthread_t thread[2];
	int i;

	for (i = 0; i < 2; i++)
		require(pthread_create(&thread[i], NULL, free_at_once, p) == 0,
			"no thread");
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	pcpu_trim();
}

START_TEST(two_threads_free_at_once__aborts_at_the_latest_in_trim)
{
	unsigned round, nr_rounds = SUPPORT_SCALE(100u);

	for (round = 0; round < nr_rounds; round++) {
		char *p = alloc_bytes(8, 8), *neighbour = alloc_bytes(8, 8);

		support_expect_abort(free_twice_at_once, p, p, FREE_ALREADY);
		pcpu_free(p);
		pcpu_free(neighbour);
	}
}
END_TEST

/* --- 5, 11: nothing is there
 * ---------------------------------------------------- */

START_TEST(free_after_the_chunk_was_retired__aborts_as_given_back)
{
	char *p = alloc_bytes(sizes[_i], 4);

	pcpu_free(p);
	pcpu_trim();
	expect_fault(p, "never allocated or given back");
}
END_TEST

START_TEST(free_of_a_slot_that_was_never_allocated__aborts)
{
	char *p = alloc_bytes(sizes[_i], 4);
	size_t usable = pcpu_usable_size(p);
	struct pcpu_stats stats;

	/* The next slot of the same slab, or what lies behind the slab. */
	expect_fault(p + usable, NEVER "|" FREE_ALREADY);
	/* So far on, no chunk was ever made. */
	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	expect_fault(p + stats.unit_size / 4, NEVER);
	pcpu_free(p);
}
END_TEST

/* --- 6: interior
 * ---------------------------------------------------------------- */

START_TEST(free_of_interior_pointer__aborts_with_its_offset)
{
	size_t size = sizes[_i], offset;
	char *p = alloc_bytes(size, 4);

	for (offset = 1; offset < size; offset += 1 + offset)
		expect_fault(p + offset, INSIDE);
	if (size > 4)
		expect_fault(p + 4, INSIDE);
	expect_fault(p + size - 1, INSIDE);
	pcpu_free(p);
}
END_TEST

START_TEST(free_of_interior_pointer_of_aligned_object__aborts)
{
	char *p = alloc_bytes(8192, PCPU_ALIGN_MAX);

	expect_fault(p + 1, INSIDE);
	expect_fault(p + 4096, INSIDE);
	expect_fault(p + 8191, INSIDE);
	pcpu_free(p);
}
END_TEST

/* --- 7, 8: not ours
 * --------------------------------------------------------------- */

START_TEST(free_of_foreign_memory__aborts_as_no_handle)
{
	static int global;
	int local;
	void *heap = malloc(64), *page;

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	expect_fault(&global, NOT_OURS);
	expect_fault(&local, NOT_OURS);
	expect_fault(heap, NOT_OURS);
	expect_fault(page, NOT_OURS);
	expect_fault((char *)(uintptr_t)do_free, NOT_OURS);
	munmap(page, 4096);
	free(heap);
}
END_TEST

START_TEST(free_of_wild_or_non_canonical_pointer__aborts_without_a_fault)
{
	static const uint64_t wild[] = {
		1,
		4096,
		UINT64_C(0xdeadbeef),
		UINT64_C(0x4141414141414141),
		UINT64_C(0x00007fffffffffff),
		UINT64_C(0x0000800000000000),
		UINT64_C(0x8000000000000000),
		UINT64_C(0xffff800000000000),
		UINT64_MAX,
	};
	size_t i;

	for (i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		expect_fault((void *)(uintptr_t)wild[i], NOT_OURS);
}
END_TEST

/* One bit wrong in a right handle: whatever it hits, it must not be a crash. */
START_TEST(free_of_a_handle_with_one_bit_flipped__aborts)
{
	char *p = alloc_bytes(64, 64);
	unsigned bit;

	for (bit = 0; bit < 64; bit++)
		expect_fault((void *)((uintptr_t)p ^ (uintptr_t)1 << bit),
			     NOT_OURS "|" NEVER "|" INSIDE "|" FREE_ALREADY
				      "|" COPY);
	pcpu_free(p);
}
END_TEST

/* --- 10: a copy's address
 * ---------------------------------------------------------- */

START_TEST(free_of_one_cpus_copy__aborts_as_a_copy)
{
	char *skewed = alloc_bytes(sizes[_i], 4);
	char *aligned = alloc_bytes(sizes[_i], PCPU_ALIGN_MAX);
	int cpu;

	pcpu_for_each_cpu (cpu) {
		expect_fault(pcpu_ptr(skewed, cpu), COPY);
		expect_fault(pcpu_ptr(aligned, cpu), COPY);
	}
	expect_fault(pcpu_this_ptr(skewed), COPY);
	pcpu_free(skewed);
	pcpu_free(aligned);
}
END_TEST

static void do_read(void *p)
{
	printf("%d", *(volatile char *)p);
}

START_TEST(dereference_of_a_handle__faults)
{
	char *p = alloc_bytes(8, 8), *q = alloc_bytes(8, PCPU_ALIGN_MAX);
	struct support_child child;

	support_fork(do_read, p, &child);
	ck_assert(!support_succeeded(&child));
	support_fork(do_read, q, &child);
	ck_assert(!support_succeeded(&child));
	pcpu_free(p);
	pcpu_free(q);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("faults");
	TCase *frees = tcase_create("frees");

#define ADD_SIZES(name) tcase_add_loop_test(frees, name, 0, NR_SIZES)
#define ADD(tcase, name) tcase_add_test(tcase, name)
	tcase_set_timeout(frees, 60);
	ADD_SIZES(double_free__aborts_as_already_free);
	ADD(frees, double_free_by_another_thread__aborts_as_already_free);
	ADD(frees, two_threads_free_at_once__aborts_at_the_latest_in_trim);
	ADD_SIZES(free_after_the_chunk_was_retired__aborts_as_given_back);
	ADD_SIZES(free_of_a_slot_that_was_never_allocated__aborts);
	ADD_SIZES(free_of_interior_pointer__aborts_with_its_offset);
	ADD(frees, free_of_interior_pointer_of_aligned_object__aborts);
	ADD(frees, free_of_foreign_memory__aborts_as_no_handle);
	ADD(frees,
	    free_of_wild_or_non_canonical_pointer__aborts_without_a_fault);
	ADD(frees, free_of_a_handle_with_one_bit_flipped__aborts);
	ADD_SIZES(free_of_one_cpus_copy__aborts_as_a_copy);
	ADD(frees, dereference_of_a_handle__faults);
	suite_add_tcase(suite, frees);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, NULL);
}
