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
 * Static per-CPU variables are their own handles and have the same offsets, so
 * a unit also holds copies of what is beside the window:
 * of the first one above it, where the system puts shared objects,
 *
 *	address 0                                            the system's next
 *	|........| pages' window |...........| copies | skewed window | room |
 *	split -------------------^           <----- all offset[0] are negative
 *
 * of the second one below it, if a program was linked to a low address.
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

/* Of a node, and of all nodes, in a window. */
#define NODE_ARENAS_MAX 8u
#define WINDOW_ARENAS_MAX 64u

struct chunk;

struct layout {
	uintptr_t window[NR_WINDOWS]; /* first address of the handles */
	uintptr_t page0[NR_WINDOWS];  /* where page 0 would be, see below */
	size_t handle_bytes;          /* of a window, where handles are objects'
				       * addresses: all; in debug mode 0 */
	size_t unit_bytes;            /* of a window, and of a unit */
	uint32_t window_pages;        /* pages of a window */
	uint32_t arena_chunks;        /* chunks of an arena */
	unsigned nr_units;
	unsigned nr_nodes;
	unsigned node_arenas; /* of a node in a window */
	unsigned node_shift;  /* binary logarithm of that */
	unsigned nr_arenas;   /* of a window */
	/* by page number, chunk number and word number */
	atom64 *words;        /* free bits of a slab's objects */
	atom8 *used;          /* bits below this were handed out before */
	atom64 *map;          /* which slab a page belongs to */
	struct chunk *chunks; /* free pages and hints of a chunk */
	atom32 *records;      /* debug mode's, 64 a word */
	/* handle to copy, by unit; the last unit's twice, see zero.h */
	ptrdiff_t *unit_offset[NR_WINDOWS];
	size_t os_page;
	uintptr_t area[NR_WINDOWS]; /* first address of the copies */
	size_t area_bytes;
	uintptr_t covered[NR_WINDOWS]; /* from here on units hold copies */
	size_t covered_bytes;
};

HIDDEN extern struct layout layout;

/* Reserve everything for the topology, in debug mode with records. Returns
 * false if that fails. */
bool layout_init(bool debug);

/*
 * Do all units hold copies of a range of addresses? Else the range may still
 * be mapped at the offsets.
 */
bool layout_covers(uintptr_t first, size_t bytes);

/* Reserve zeroed memory that costs nothing until touched; NULL on failure. */
void *layout_reserve(size_t bytes);

/*
 * Prefer node's memory for a range; a system that cannot is not an error. The
 * system's page in which the range begins belongs to it, the one in which it
 * ends to what is behind: an arena's first chunk is used, its last one rarely.
 */
void layout_bind(void *start, size_t bytes, unsigned node);

/* All units, and the bookkeeping of all arenas' chunks. */
void layout_bind_nodes(void);

/*
 * Give the system's pages under nr pages of one chunk back, on every unit. The
 * pages are the caller's. Returns false if they may still hold old data; else
 * those that layout_returnable() makes of them are zero on every unit (I4).
 *
 * A skewed copy of a page lies in two of the system's pages, and shares these
 * with the pages before and behind. Of three pages a, b, c on such a unit
 *
 *	ours	   ... z |  a  |  b  |  c  | d ...
 *	system's     |  A  |  B  |  C  |  D  |
 *	              z a a a b b b c c c d d
 *	                ^^^ ^^^^^^^^^^^ ^
 *	             zeroed   dropped   left
 *
 * B and C lie under the three alone and are dropped. What a has in A is zeroed,
 * unless it is zero: z needs A in any case, or nobody has touched it and nobody
 * does now. So all of a and b is zero. What c has in D is left, and c with it
 * stays dirty: so many of the system's pages go as of ours become clean, and
 * statistics that count dirty pages tell what there is. Beside a gap, which
 * belongs to nobody, the system's page that we share with it goes as well; so
 * the last page of a chunk needs none behind it.
 */
bool layout_depopulate(page_id head, unsigned nr);

/* Of pages of one chunk, those that layout_depopulate() of them cleans. */
static inline uint64_t layout_returnable(unsigned window, uint64_t pages)
{
	uint64_t last = UINT64_C(1) << (CHUNK_PAGES - 1);

	return window == WINDOW_SKEWED ? pages & (pages >> 1 | last) : pages;
}

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
