/* SPDX-License-Identifier: MIT */
/*
 * The chunk numbers of one arena, and what became of each chunk:
 *
 *	              pool_claim              reclaim_retire
 *	    FRESH  ------------->  LINKED  -------------------> RETIRED
 *	      ^    (taken := 1)      ^ ^                           |
 *	      |                      | '---- pool_take_back -------+
 *	      |                      |                             | a round
 *	      |                      '------ pool_take_back ----+  | begins
 *	      |                                                 |  v
 *	      '------- the pages have gone back --------------- WAITING
 *	               (taken := 0)      after a grace period
 *
 * If the system refuses the pages the chunk is put back to RETIRED.
 *
 * RETIRED and WAITING are sets of bits: who clears a chunk's bit owns it, be it
 * the worker or an allocator that needs a chunk. So a grace period that never
 * ends delays the return of memory, never an allocation.
 *
 *	I9  a chunk number is owned by one of: nobody (FRESH), an arena, one
 *	    bit of the two sets, or the thread that cleared that bit.
 */
#ifndef RECLAIM_POOL_H
#define RECLAIM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/atomic.h"
#include "chunk/units.h"

struct pool {
	chunk_id first;
	unsigned shift; /* the next is 1 << shift further, and so on */
	uint32_t nr_chunks;
	uint32_t nr_words;   /* 64 chunks each */
	atom64 *taken;       /* not FRESH */
	atom64 *retired;     /* wait for the next round */
	atom64 *waiting;     /* wait for the grace period of this round */
	atom32 nr_set_aside; /* members of both sets; a hint, may lag */
};

/* Bytes reserved for the bookkeeping of nr_chunks, from `taken` on. */
size_t pool_bytes(uint32_t nr_chunks);

/* Returns false if there is no memory for it. */
bool pool_init(struct pool *pool, chunk_id first, unsigned shift,
	       uint32_t nr_chunks);

/* The i-th chunk of the pool, and back. */
static inline chunk_id pool_chunk(const struct pool *pool, uint32_t i)
{
	return (chunk_id){pool->first.nr + (i << pool->shift)};
}

static inline uint32_t pool_index(const struct pool *pool, chunk_id chunk)
{
	return (chunk.nr - pool->first.nr) >> pool->shift;
}

/* Claim the lowest fresh number. Lock-free; false if there is none. */
bool pool_claim(struct pool *pool, chunk_id *chunk);

/* Take the lowest chunk out of one of the sets; false if it has none. The
 * caller owns the chunk then. Lock-free. */
bool pool_take(const struct pool *pool, atom64 *set, chunk_id *chunk);

/* Put a chunk that the caller owns into one of the sets. Wait-free. */
void pool_put(const struct pool *pool, atom64 *set, chunk_id chunk);

/* Take a chunk back that was set aside, with its memory as it is. Lock-free;
 * false if there is none. */
bool pool_take_back(struct pool *pool, chunk_id *chunk);

/* Is the number not fresh? Of the moment. */
static inline bool pool_is_taken(const struct pool *pool, chunk_id chunk)
{
	uint32_t i = pool_index(pool, chunk);

	/* relaxed: of the moment */
	return load_relaxed(&pool->taken[i / WORD_BITS]) >> i % WORD_BITS & 1;
}

/*
 * Walk the numbers that are not fresh, of the moment. *at counts from the
 * pool's first and starts at 0; false at the end.
 */
bool pool_next(const struct pool *pool, uint32_t *at, chunk_id *chunk);

/* Make a chunk that the caller owns fresh. */
void pool_unclaim(struct pool *pool, chunk_id chunk);

#endif /* RECLAIM_POOL_H */
