// SPDX-License-Identifier: MIT
/*
 * Pages go back to the system: layout_depopulate(), see chunk/layout.h.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chunk/annotate.h"
#include "chunk/layout.h"

/* What the system keeps for a page of ours: present or swapped out. */
#define PAGEMAP_KEPT (UINT64_C(3) << 62)

/*
 * Has nobody touched the page that start lies in? Without /proc that is not
 * known. (mincore(2) would not tell: what is swapped out is not in core.)
 */
static bool is_untouched(int pagemap, uintptr_t start)
{
	off_t at = (off_t)(start / layout.os_page * sizeof(uint64_t));
	uint64_t entry;

	return pread(pagemap, &entry, sizeof(entry), at) == sizeof(entry) &&
	       !(entry & PAGEMAP_KEPT);
}

/*
 * Zero what lies in [start, end), a part of a page that begins and ends on a
 * cache line. Writing would make a page appear that is not there; reading does
 * so too on systems that do not let such pages share one of zeroes.
 */
static void clear(int pagemap, uintptr_t start, uintptr_t end)
{
	static const char zeroes[CACHE_LINE];
	uintptr_t from = start;

	if (is_untouched(pagemap, start))
		return;
	/* Nobody may touch it but we. */
	annotate_open(start, end - start);
	for (; start < end; start += CACHE_LINE)
		if (memcmp((void *)start, zeroes, CACHE_LINE) != 0)
			memset((void *)start, 0, CACHE_LINE);
	annotate_close(from, end - from);
}

/* The pages to give back: next to a gap, what we share with that goes too. */
struct run {
	size_t bytes;
	bool after_gap, before_gap;
};

/* On one unit, whose copies of the pages begin at start. */
static bool depopulate_unit(const struct run *run, uintptr_t start, int pagemap)
{
	uintptr_t in_page = layout.os_page - 1, end = start + run->bytes;
	uintptr_t first = (run->after_gap ? start : start + in_page) & ~in_page;
	uintptr_t last = (run->before_gap ? end + in_page : end) & ~in_page;

	/* A short run may have no page of its own. */
	if (first < last && madvise((void *)first, last - first, MADV_DONTNEED))
		return false;
	if (start < first)
		clear(pagemap, start, first);
	return true;
}

bool layout_depopulate(page_id head, unsigned nr)
{
	unsigned window = page_window(head), unit;
	uintptr_t start = page_handle(layout.page0[window], head);
	struct run run = {
		.bytes = nr * PAGE_BYTES,
		.after_gap = page_index(head) == 1,
		.before_gap = page_index(head) + nr == CHUNK_PAGES,
	};
	bool all = true;
	int pagemap;

	/* Data of one chunk shares pages larger than the gap with others. */
	if (layout.os_page > PAGE_BYTES)
		return false;
	/* Anew each time: a child of fork() would read the parent's. */
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	for (unit = 0; unit < layout.nr_units; unit++)
		all &= depopulate_unit(
			&run,
			start + (uintptr_t)layout.unit_offset[window][unit],
			pagemap);
	if (pagemap >= 0)
		close(pagemap);
	return all;
}
