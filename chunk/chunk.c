// SPDX-License-Identifier: MIT
#include "chunk/chunk.h"

#include "chunk/word.h"

void chunk_link(chunk_id id, unsigned nr)
{
	uint64_t free = CHUNK_EMPTY;

	if (nr)
		free &= ~word_run(1, nr);
	/* pairs with [pages] chunk_claim_run(): the chunk's clean state.
	 * seq_cst [run]: the caller offers the runs next; as below */
	store_seq_cst(&chunk_of(id)->free, free);
}

uint64_t chunk_claim_run(chunk_id id, unsigned nr, page_id *head)
{
	atom64 *free = &chunk_of(id)->free;
	uint64_t old = load_relaxed(free); /* relaxed: the CAS decides */

	for (;;) {
		uint64_t starts = word_run_starts(old, nr);
		unsigned index;

		if (!starts)
			return 0;
		index = word_first(starts);
		*head = chunk_page(id, index);
		/* pairs with [pages] chunk_unclaim_run(), chunk_link(): the
		 * map entries and dirty bits of the last owner */
		if (cas_weak_acquire(free, &old, old & ~word_run(index, nr)))
			return old;
	}
}

bool chunk_has_run(chunk_id id, unsigned nr)
{
	/* seq_cst [run]: the other side of chunk_unclaim_run(), chunk_link() */
	return word_run_starts(load_seq_cst(&chunk_of(id)->free), nr) != 0;
}

uint64_t chunk_unclaim_run(page_id head, unsigned nr)
{
	atom64 *free = &chunk_of(page_chunk(head))->free;
	uint64_t run = word_run(page_index(head), nr);

	/* pairs with [pages] chunk_claim_run(), chunk_retire(): map entries
	 * and dirty bits. seq_cst [run]: the caller offers the run next, and
	 * shelf_remove() + a look at the run must not both miss it. */
	return fetch_or_seq_cst(free, run) | run;
}

bool chunk_retire(chunk_id id)
{
	uint64_t empty = CHUNK_EMPTY;

	/* pairs with [pages] chunk_unclaim_run(): dirty bits */
	return cas_acquire(&chunk_of(id)->free, &empty, 0);
}
