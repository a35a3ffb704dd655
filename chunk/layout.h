/* SPDX-License-Identifier: MIT */
/*
 * The address space: where handles point, where copies lie, and where the
 * bookkeeping of every page is found.
 *
 *	        handles (no access)              copies (read and write)
 *	        +-----------------+   offset[0]  +-------------------+
 *	window: | chunk 0 | 1 | ..| -----------> | unit 0            | node 0
 *	        +-----------------+ \            +-------------------+
 *	                             \ offset[1] |+------------------++
 *	                              `--------> || unit 1 (skewed)   |
 *	                                         +-------------------+
 *	                                         | ...               | node 1
 *
 * There are two such pairs: in the first, each unit starts one cache line
 * further into its page than the unit before (modulo a page), in the second
 * every unit starts on a page. All of it is reserved once, at start, and takes
 * memory only where it is touched.
 *
 * A chunk's first page is a gap: skewed data of its other 63 pages spills at
 * most into that of the next chunk, so the system's pages under a chunk's data
 * belong to no other chunk and can be given back.
 *
 *	I1  unit u's data of page p, and of no other page or unit, lies at
 *	    window + p * PAGE_BYTES + unit_offset[u] (p counted in its window).
 *	I2  everything here is constant after layout_init().
 */
#ifndef CHUNK_LAYOUT_H
#define CHUNK_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/atomic.h"
#include "chunk/compiler.h"
#include "chunk/units.h"
#include "pcpu/abi.h"

struct chunk;

struct layout {
	uintptr_t window[NR_WINDOWS]; /* first address of the handles */
	uintptr_t page0[NR_WINDOWS];  /* where page 0 would be, see below */
	size_t unit_bytes;            /* of a window, and of a unit */
	uint32_t window_pages;        /* pages of a window */
	uint32_t arena_chunks;        /* chunks of one node in one window */
	unsigned nr_units;
	unsigned nr_nodes;
	/* by page number, chunk number and word number */
	atom64 *words;        /* free bits of a slab's objects */
	atom8 *used;          /* bits below this were handed out before */
	atom64 *map;          /* which slab a page belongs to */
	struct chunk *chunks; /* free pages and hints of a chunk */
	/* handle to copy, by unit; the last unit's twice, see zero.h */
	ptrdiff_t *unit_offset[NR_WINDOWS];
	size_t os_page;
	uintptr_t area[NR_WINDOWS]; /* first address of the copies */
	size_t area_bytes;
};

HIDDEN extern struct layout layout;

/* Reserve everything for the topology. Returns false if that fails. */
bool layout_init(void);

/* Reserve zeroed memory that costs nothing until touched; NULL on failure. */
void *layout_reserve(size_t bytes);

/* Prefer node's memory for a range; a system that cannot is not an error. */
void layout_bind(void *start, size_t bytes, unsigned node);

/*
 * Give the pages under a chunk's data back to the system, on every unit.
 * Returns false if some may still hold old data.
 */
bool layout_depopulate(chunk_id chunk);

static inline unsigned page_window(page_id page)
{
	return page.nr >= layout.window_pages;
}

/*
 * Pages are numbered through both windows, so each window has a place where
 * page 0 would be if it reached down to there; for the first it is its start.
 */
static inline uintptr_t page_handle(uintptr_t page0, page_id page)
{
	return page0 + ((uintptr_t)page.nr << PAGE_SHIFT);
}

#endif /* CHUNK_LAYOUT_H */
