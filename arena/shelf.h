/* SPDX-License-Identifier: MIT */
/*
 * Where to look: for each size class the chunks of an arena that have a slab
 * with room, and for each run length the chunks that may have so many free
 * pages in a row. Two levels of bitmaps, searched for the lowest chunk first,
 * so that objects gather in low chunks and high ones drain.
 *
 *	summary[kind]:  bit g = group g (64 chunks) has members
 *	leaf[g][kind]:  bit i = chunk 64 * g + i is a member
 *
 * Membership is a hint: a member may have nothing (the finder removes it), but
 * what has room is a member, or the thread that made the room is about to add
 * it. Removal looks again afterwards, see shelf_remove().
 *
 * All operations are lock-free, add and remove wait-free.
 */
#ifndef ARENA_SHELF_H
#define ARENA_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk/atomic.h"
#include "chunk/sizeclass.h"
#include "chunk/units.h"

/* What a chunk is shelved for: a class, or a run of 1 to 8 free pages. */
#define SHELF_CLASS(class) (((class) - 1) % NR_SIZES)
#define SHELF_RUN(pages) (NR_SIZES + (pages)-1u)
#define NR_SHELVES (NR_SIZES + SLAB_PAGES_MAX)

struct shelves {
	uint32_t nr_groups;
	uint32_t nr_summaries;
	atom64 *leaf;    /* [group][kind] */
	atom64 *summary; /* [kind][group / 64] */
};

bool shelf_init(struct shelves *shelves, uint32_t nr_chunks);

/* Bytes reserved for the bookkeeping of nr_chunks. */
size_t shelf_bytes(uint32_t nr_chunks);

/* chunk counts from the arena's first. */
void shelf_add(struct shelves *shelves, unsigned kind, uint32_t chunk);

/*
 * Take a chunk off. The caller then looks at the chunk again and adds it back
 * if it finds what it was shelved for.
 */
void shelf_remove(struct shelves *shelves, unsigned kind, uint32_t chunk);

/* The first member that is at least `from`, or UINT32_MAX. */
uint32_t shelf_find(struct shelves *shelves, unsigned kind, uint32_t from);

#endif /* ARENA_SHELF_H */
