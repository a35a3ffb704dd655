/* SPDX-License-Identifier: MIT */
/*
 * Statistics by walking the bookkeeping: nothing is counted on the way of an
 * allocation but one number per CPU. The lists below feed the structures and
 * the printer; what the fields mean stands in pcpu.h and here.
 */
#ifndef ARENA_STATS_H
#define ARENA_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "arena/arena.h"
#include "pcpu.h"

/* Fields of struct pcpu_stats, as printed. */
#define STATS_LAYOUT_FIELDS(X) \
	X(unit_size)           \
	X(chunk_size)          \
	X(page_size)           \
	X(nr_cpu_ids)          \
	X(nr_units)            \
	X(nr_nodes)            \
	X(nr_arenas)

#define STATS_GLOBAL_FIELDS(X) \
	X(nr_alloc)            \
	X(nr_dealloc)          \
	X(nr_cur_alloc)        \
	X(nr_max_alloc)        \
	X(nr_chunks)           \
	X(nr_max_chunks)       \
	X(min_alloc_size)      \
	X(max_alloc_size)      \
	X(empty_pop_pages)     \
	X(live_bytes)          \
	X(unit_bytes)          \
	X(populated_bytes)     \
	X(metadata_bytes)      \
	X(nr_retired)

/* Of one chunk; all in bytes of one unit or in numbers. */
#define STATS_CHUNK_FIELDS(X)                                           \
	X(nr_alloc)        /* live objects */                           \
	X(max_alloc_size)  /* largest class a slab has */               \
	X(first_bit)       /* first free 4 bytes, counted in 4 bytes */ \
	X(free_bytes)      /* in free objects, pages and slabs' ends */ \
	X(contig_bytes)    /* longest stretch of these */               \
	X(sum_frag)        /* free bytes in front of a live object */   \
	X(max_frag)        /* longest stretch of these */               \
	X(cur_min_alloc)   /* smallest live object */                   \
	X(cur_med_alloc)   /* median of live objects */                 \
	X(cur_max_alloc)   /* largest live object */                    \
	X(empty_pop_pages) /* free pages that hold used memory */       \
	X(pop_pages)       /* pages handed out and not given back */    \
	X(live_bytes)      /* bytes of live objects */

#define STATS_MEMBER(name) size_t name;
struct chunk_stats {
	STATS_CHUNK_FIELDS(STATS_MEMBER)
};

/* What pcpu_stats_get() does. */
void stats_collect(struct pcpu_stats *stats);

/* Walk one chunk, linked or set aside. */
void stats_chunk(chunk_id id, struct chunk_stats *stats);

#endif /* ARENA_STATS_H */
