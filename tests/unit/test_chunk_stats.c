// SPDX-License-Identifier: MIT
/*
 * What statistics say of a chunk's free bytes, against a model of its pages: of
 * one with objects of a page each, some of them freed.
 */
#include <check.h>

#include "arena/arena.h"
#include "arena/stats.h"
#include "chunk/registry.h"
#include "pcpu.h"
#include "tests/run_suite.h"

#define NR_OBJECTS 40u

static void *objects[NR_OBJECTS];
static chunk_id chunk; /* that of the first object */
static bool is_live[CHUNK_PAGES];

static page_id page_of(const void *p)
{
	uintptr_t offset = registry_offset(p, WINDOW_PAGES);
	page_id page = {WINDOW_PAGES * layout.window_pages +
			(uint32_t)(offset >> PAGE_SHIFT)};

	return page;
}

static void populate(void)
{
	unsigned i;

	for (i = 0; i < NR_OBJECTS; i++) {
		page_id page;

		objects[i] = pcpu_alloc(PAGE_BYTES, PAGE_BYTES);
		ck_assert_ptr_nonnull(objects[i]);
		page = page_of(objects[i]);
		if (i == 0)
			chunk = page_chunk(page);
		if (page_chunk(page).nr == chunk.nr)
			is_live[page_index(page)] = true;
	}
}

static void let_go(unsigned i)
{
	page_id page = page_of(objects[i]);

	if (page_chunk(page).nr == chunk.nr)
		is_live[page_index(page)] = false;
	pcpu_free(objects[i]);
	objects[i] = NULL;
}

/* Every page but the gap in front, in order of address. */
static void count(struct chunk_stats *stats)
{
	size_t stretch = 0;
	unsigned i;

	for (i = 1; i < CHUNK_PAGES; i++) {
		if (is_live[i]) {
			stats->nr_alloc++;
			stats->sum_frag += stretch;
			if (stretch > stats->max_frag)
				stats->max_frag = stretch;
			stretch = 0;
			continue;
		}
		stretch += PAGE_BYTES;
		stats->free_bytes += PAGE_BYTES;
		if (stretch > stats->contig_bytes)
			stats->contig_bytes = stretch;
	}
}

static void expect_as_counted(void)
{
	struct chunk_stats counted = {0}, stats;

	count(&counted);
	stats_chunk(chunk, &stats);
	ck_assert_uint_eq(stats.nr_alloc, counted.nr_alloc);
	ck_assert_uint_eq(stats.live_bytes, counted.nr_alloc * PAGE_BYTES);
	ck_assert_uint_eq(stats.free_bytes, counted.free_bytes);
	ck_assert_uint_eq(stats.contig_bytes, counted.contig_bytes);
	ck_assert_uint_eq(stats.sum_frag, counted.sum_frag);
	ck_assert_uint_eq(stats.max_frag, counted.max_frag);
}

START_TEST(chunk__holes_between_live_objects__stretches_as_counted)
{
	unsigned i;

	populate();
	expect_as_counted();
	for (i = 3; i < NR_OBJECTS; i += 5)
		let_go(i);
	expect_as_counted();
	for (i = 20; i < 28; i++)
		if (objects[i])
			let_go(i);
	expect_as_counted();
	for (i = 0; i < NR_OBJECTS; i++)
		pcpu_free(objects[i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("chunk_stats");
	TCase *tc = tcase_create("chunk_stats");

	tcase_add_test(tc,
		       chunk__holes_between_live_objects__stretches_as_counted);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
