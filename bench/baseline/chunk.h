/* SPDX-License-Identifier: MIT */
/*
 * One chunk: which grains of its unit are taken, where areas begin, which of
 * its pages are populated, and the hints over all that.  One state serves the
 * copies of all CPUs.
 *
 *   taken     ..####..##....######........   one bit per 4-byte grain
 *   bound     1.1...1.1.1...1.....1.......   an area ends before the next 1
 *             |<----- block 0 ----->|<---    1,024 grains, one page
 *
 * Invariants:
 *  C1  A bound bit stands on the first grain of every live area and on the
 *      first grain after it.  Stale ones may stand on free grains.
 *  C2  free_bytes is 4 times the number of clear taken bits.
 *  C3  nr_empty is the number of pages that are populated and wholly free,
 *      except between a claim and the population of its pages.
 *  C4  Each block's hint keeps I1 to I4.  The chunk's first is exact; its best
 *      and scan are free, scan <= best, and best is 0 only if nothing is free.
 *
 * No locking here: the caller holds the big lock, except that the holder of
 * the grow mutex alone may read populated without it.
 */
#ifndef BENCH_BASELINE_CHUNK_H
#define BENCH_BASELINE_CHUNK_H

#include <stddef.h>
#include <sys/queue.h>

#include "baseline.h"
#include "bits.h"
#include "hint.h"

#define BL_GRAIN_BYTES 4u
#define BL_PAGE_BYTES 4096u
#define BL_BLOCK_BITS (BL_PAGE_BYTES / BL_GRAIN_BYTES)
#define BL_UNIT_BITS ((unsigned)(BASELINE_UNIT_BYTES / BL_GRAIN_BYTES))
#define BL_UNIT_PAGES (BL_UNIT_BITS / BL_BLOCK_BITS)
#define BL_NONE (~0u)

struct bl_chunk {
	TAILQ_ENTRY(bl_chunk) link;
	unsigned index; /* place in the address space; constant */
	unsigned nr_alloc;
	unsigned free_bytes;
	int nr_empty;
	unsigned nr_populated;
	unsigned slot; /* the list that it is on; see slot.h */
	bool isolated;
	struct bl_hint hint;
	struct bl_hint blocks[BL_UNIT_PAGES];
	uint64_t populated[BL_WORDS(BL_UNIT_PAGES)];
	uint64_t taken[BL_WORDS(BL_UNIT_BITS)];
	uint64_t bound[BL_WORDS(BL_UNIT_BITS + 1)];
};

/* What is looked for: in grains; align a power of two. */
struct bl_wish {
	unsigned nr;
	unsigned align;
	bool populated_only;
};

/* All free, nothing populated; @chunk is zeroed memory. */
void bl_chunk_init(struct bl_chunk *chunk, unsigned index);

/* Where bl_chunk_claim() should look, by the hints alone; or BL_NONE. */
unsigned bl_chunk_find(const struct bl_chunk *chunk,
		       const struct bl_wish *wish);

/* Takes the first area that fits from grain @from on; its grain or BL_NONE. */
unsigned bl_chunk_claim(struct bl_chunk *chunk, const struct bl_wish *wish,
			unsigned from);

/* Gives back the area that starts at @bit. */
void bl_chunk_unclaim(struct bl_chunk *chunk, unsigned bit);

/* Grains of the area that starts at @bit. */
unsigned bl_chunk_area_nr(const struct bl_chunk *chunk, unsigned bit);

/* Pages [start, end) have been populated, or given back. */
void bl_chunk_set_populated(struct bl_chunk *chunk, struct bl_run pages);
void bl_chunk_clear_populated(struct bl_chunk *chunk, struct bl_run pages);

static inline bool bl_chunk_is_free(const struct bl_chunk *chunk)
{
	return chunk->free_bytes == BASELINE_UNIT_BYTES;
}

static inline const uint64_t *bl_chunk_block_map(const struct bl_chunk *chunk,
						 unsigned block)
{
	return chunk->taken + block * (BL_BLOCK_BITS / BL_WORD_BITS);
}

/* The pages that hold @nr grains from @bit on. */
static inline struct bl_run bl_pages_of(unsigned bit, unsigned nr)
{
	return (struct bl_run){
		.start = bit / BL_BLOCK_BITS,
		.end = (bit + nr + BL_BLOCK_BITS - 1) / BL_BLOCK_BITS,
	};
}

#endif
