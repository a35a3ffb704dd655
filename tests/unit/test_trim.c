// SPDX-License-Identifier: MIT
/*
 * pcpu_trim() on four simulated nodes. Without CK_FORK, as a trim in a forked
 * child that has threads (those of a sanitizer count) is left to the worker:
 * each test leaves nothing live behind.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena/arena.h"
#include "pcpu.h"
#include "simulate.h"
#include "tests/run_suite.h"

#define NR_TEST_NODES 4u

static bool fail_madvise;

/* TSan needs the call for itself. */
#ifdef __SANITIZE_THREAD__
#define CAN_FAIL false
#else
#define CAN_FAIL true

__attribute__((visibility("default"))) int madvise(void *start, size_t bytes,
						   int advice);

int madvise(void *start, size_t bytes, int advice)
{
	if (fail_madvise && advice == MADV_DONTNEED) {
		errno = EINVAL; /* as of locked memory */
		return -1;
	}
	return (int)syscall(SYS_madvise, start, bytes, advice);
}
#endif

static uint32_t chunks_of_all(void)
{
	uint32_t nr = 0;
	unsigned i;

	for (i = 0; i < arena_count(); i++)
		nr += load_relaxed(&arena_at(i)->nr_chunks);
	return nr;
}

/* Every node keeps one chunk of the first window for NOWAIT callers. */
START_TEST(trim__nothing_live__all_go_back_and_each_node_has_a_fresh_one)
{
	unsigned node;

	pcpu_free(pcpu_alloc(100, 128));
	ck_assert_uint_eq(chunks_of_all(), NR_TEST_NODES + 1);
	/* All the others were clean. */
	ck_assert_uint_eq(pcpu_trim(), (size_t)CHUNK_BYTES * layout.nr_units);
	ck_assert_uint_eq(chunks_of_all(), NR_TEST_NODES);
	for (node = 0; node < NR_TEST_NODES; node++) {
		const struct chunk *chunk =
			chunk_of(arena_first(WINDOW_SKEWED, node)->pool.first);

		ck_assert_uint_eq(load_relaxed(&chunk->free), CHUNK_EMPTY);
		ck_assert_uint_eq(load_relaxed(&chunk->dirty), 0);
	}
	ck_assert_uint_eq(libpcpu_nr_pages(),
			  NR_TEST_NODES * (CHUNK_PAGES - 1) * layout.nr_units);
}
END_TEST

START_TEST(trim__a_live_object__its_chunk_stays)
{
	void *p = pcpu_alloc(8, 128);

	*(int *)pcpu_ptr(p, 0) = 42;
	pcpu_trim();
	ck_assert_uint_eq(chunks_of_all(), NR_TEST_NODES + 1);
	ck_assert_int_eq(*(int *)pcpu_ptr(p, 0), 42);
	pcpu_free(p);
	pcpu_trim();
	ck_assert_uint_eq(chunks_of_all(), NR_TEST_NODES);
}
END_TEST

static bool is_resident(const void *p)
{
	uintptr_t page = (uintptr_t)p & ~(uintptr_t)(PAGE_BYTES - 1);
	unsigned char vec;

	ck_assert_int_eq(mincore((void *)page, PAGE_BYTES, &vec), 0);
	return vec & 1;
}

/* In both windows. */
START_TEST(trim__memory_was_used__virgin_again)
{
	size_t align = _i ? 128 : 8, i;
	char *p = pcpu_alloc(5000, align);
	int cpu;

	pcpu_for_each_cpu (cpu)
		memset(pcpu_ptr(p, cpu), 0xa5, 5000);
	pcpu_free(p);
	ck_assert_uint_gt(pcpu_trim(), 0);
	p = pcpu_alloc(5000, align);
	pcpu_for_each_cpu (cpu) {
		const char *copy = pcpu_ptr(p, cpu);

		ck_assert(!is_resident(copy) && !is_resident(copy + 4999));
		for (i = 0; i < 5000; i++)
			if (copy[i])
				ck_abort_msg("CPU %d, byte %zu", cpu, i);
	}
	pcpu_free(p);
}
END_TEST

/* A chunk that keeps its memory is not forgotten. */
START_TEST(trim__refused_once__the_next_one_gives_back)
{
	char *p = pcpu_alloc(5000, 128), *copy = pcpu_ptr(p, 0);

	if (!CAN_FAIL)
		return;
	memset(copy, 0xa5, 5000);
	pcpu_free(p);
	fail_madvise = true;
	ck_assert_uint_eq(pcpu_trim(), 0);
	fail_madvise = false;
	ck_assert(is_resident(copy));
	ck_assert_uint_eq(pcpu_trim(), (size_t)CHUNK_BYTES * layout.nr_units);
	ck_assert(!is_resident(copy) && !is_resident(copy + 4999));
}
END_TEST

/* Until it can go back it is the first to be used again. */
START_TEST(trim__refused__its_chunk_is_used_again_and_zeroed)
{
	char *p = pcpu_alloc(5000, 128);
	size_t i;

	if (!CAN_FAIL)
		return;
	memset(pcpu_ptr(p, 0), 0xa5, 5000);
	pcpu_free(p);
	fail_madvise = true;
	pcpu_trim();
	fail_madvise = false;
	ck_assert_ptr_eq(pcpu_alloc_flags(5000, 128, PCPU_NOWAIT), p);
	for (i = 0; i < 5000; i++)
		ck_assert_int_eq(((char *)pcpu_ptr(p, 0))[i], 0);
	pcpu_free(p);
	pcpu_trim();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("trim");
	TCase *tc = tcase_create("trim");

	(void)argc;
	simulate(argv, NR_TEST_NODES * pcpu_nr_cpus(), NR_TEST_NODES, 0);
	tcase_add_test(
		tc,
		trim__nothing_live__all_go_back_and_each_node_has_a_fresh_one);
	tcase_add_test(tc, trim__a_live_object__its_chunk_stays);
	tcase_add_loop_test(tc, trim__memory_was_used__virgin_again, 0, 2);
	tcase_add_test(tc, trim__refused_once__the_next_one_gives_back);
	tcase_add_test(tc, trim__refused__its_chunk_is_used_again_and_zeroed);
	suite_add_tcase(suite, tc);
	return run_suite_here(suite);
}
