// SPDX-License-Identifier: MIT
#include "reclaim/pool.h"

#include "chunk/layout.h"
#include "chunk/word.h"

static uint32_t words_of(uint32_t nr_chunks)
{
	return (nr_chunks + WORD_BITS - 1) / WORD_BITS;
}

size_t pool_bytes(uint32_t nr_chunks)
{
	return 3 * words_of(nr_chunks) * sizeof(atom64);
}

bool pool_init(struct pool *pool, chunk_id first, unsigned shift,
	       uint32_t nr_chunks)
{
	uint32_t words = words_of(nr_chunks);
	atom64 *p = layout_reserve(pool_bytes(nr_chunks));

	if (!p)
		return false;
	pool->first = first;
	pool->shift = shift;
	pool->nr_chunks = nr_chunks;
	pool->nr_words = words;
	pool->taken = p;
	pool->retired = p + words;
	pool->waiting = p + 2 * words;
	return true;
}

bool pool_claim(struct pool *pool, chunk_id *chunk)
{
	uint32_t w;

	for (w = 0; w < pool->nr_words; w++) {
		uint64_t old = load_relaxed(&pool->taken[w]); /* relaxed: the
							 CAS decides */
		while (~old) {
			uint32_t i = w * WORD_BITS + word_first(~old);

			if (i >= pool->nr_chunks)
				return false;
			/* pairs with [pool] pool_unclaim(): the chunk's dirty
			 * bits */
			if (!cas_weak_acquire(&pool->taken[w], &old,
					      old | (old + 1)))
				continue;
			*chunk = pool_chunk(pool, i);
			return true;
		}
	}
	return false;
}

bool pool_take(const struct pool *pool, atom64 *set, chunk_id *chunk)
{
	uint32_t w;

	for (w = 0; w < pool->nr_words; w++) {
		uint64_t old = load_relaxed(&set[w]); /* relaxed: the CAS
							 decides */
		while (old) {
			/* pairs with [aside] pool_put(): the chunk's dirty
			 * bits and its empty map */
			if (!cas_weak_acquire(&set[w], &old,
					      word_claim_first(old)))
				continue;
			*chunk = pool_chunk(pool,
					    w * WORD_BITS + word_first(old));
			return true;
		}
	}
	return false;
}

void pool_put(const struct pool *pool, atom64 *set, chunk_id chunk)
{
	uint32_t i = pool_index(pool, chunk);

	/* pairs with [aside] pool_take(): dirty bits, empty map */
	fetch_or_release(&set[i / WORD_BITS], word_bit(i % WORD_BITS));
}

bool pool_take_back(struct pool *pool, chunk_id *chunk)
{
	if (!load_relaxed(&pool->nr_set_aside) || /* relaxed: a hint */
	    (!pool_take(pool, pool->retired, chunk) &&
	     !pool_take(pool, pool->waiting, chunk)))
		return false;
	fetch_sub_relaxed(&pool->nr_set_aside, 1); /* relaxed: a hint */
	return true;
}

void pool_unclaim(struct pool *pool, chunk_id chunk)
{
	uint32_t i = pool_index(pool, chunk);

	/* pairs with [pool] pool_claim(): the chunk's dirty bits */
	fetch_and_release(&pool->taken[i / WORD_BITS],
			  ~word_bit(i % WORD_BITS));
}

bool pool_next(const struct pool *pool, uint32_t *at, chunk_id *chunk)
{
	while (*at < pool->nr_chunks) {
		/* relaxed: of the moment */
		uint64_t left = load_relaxed(&pool->taken[*at / WORD_BITS]) >>
				*at % WORD_BITS;

		if (left) {
			*at += word_first(left);
			*chunk = pool_chunk(pool, (*at)++);
			return true;
		}
		*at += WORD_BITS - *at % WORD_BITS;
	}
	return false;
}
