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

/* The caller has claimed pages: strike them off those that are idle. */
static void end_idle(struct chunk *chunk, uint64_t run)
{
	/* seq_cst [idle]: we claimed, then look; chunk_note_idle() notes, then
	 * looks who has claimed; one of the two must see the other */
	if (load_seq_cst(&chunk->idle) & run)
		/* relaxed: our unclaim publishes it to chunk_is_idle() */
		fetch_and_relaxed(&chunk->idle, ~run);
}

uint64_t chunk_claim_run(chunk_id id, unsigned nr, page_id *head)
{
	atom64 *free = &chunk_of(id)->free;
	uint64_t old = load_relaxed(free); /* relaxed: the CAS decides */

	for (;;) {
		uint64_t starts = word_run_starts(old, nr);
		uint64_t run;

		if (!starts)
			return 0;
		run = word_run(word_first(starts), nr);
		/* pairs with [pages] chunk_unclaim_run(), chunk_link(): the
		 * map entries and dirty bits of the last owner.
		 * seq_cst [idle]: see end_idle() */
		if (!cas_weak_seq_cst(free, &old, old & ~run))
			continue;
		*head = chunk_page(id, word_first(run));
		end_idle(chunk_of(id), run);
		return old;
	}
}

bool chunk_has_run(chunk_id id, unsigned nr)
{
	/* seq_cst [run]: the other side of chunk_unclaim_run(), chunk_link() */
	return word_run_starts(load_seq_cst(&chunk_of(id)->free), nr) != 0;
}

unsigned chunk_count_free(chunk_id id)
{
	/* relaxed: of the moment */
	return word_count(load_relaxed(&chunk_of(id)->free));
}

uint64_t chunk_unclaim_run(page_id head, unsigned nr)
{
	atom64 *free = &chunk_of(page_chunk(head))->free;
	uint64_t run = word_run(page_index(head), nr);

	/* pairs with [pages] chunk_claim_run(), chunk_claim_idle(),
	 * chunk_retire(): map entries, dirty and idle bits. seq_cst [run]: the
	 * caller offers the run next, and shelf_remove() + a look at the run
	 * must not both miss it. */
	return fetch_or_seq_cst(free, run) | run;
}

bool chunk_retire(chunk_id id)
{
	struct chunk *chunk = chunk_of(id);
	uint64_t empty = CHUNK_EMPTY;

	/* pairs with [pages] chunk_unclaim_run(): dirty bits.
	 * seq_cst [idle]: it claims all pages, see end_idle() */
	if (!cas_seq_cst(&chunk->free, &empty, 0))
		return false;
	end_idle(chunk, CHUNK_EMPTY);
	return true;
}

/*
 * Noted first, looked at then: a page that is free at the look, and claimed
 * after, is struck off by who claims it. One that was claimed before and is
 * free again at the look has no owner left either way.
 */
void chunk_note_idle(chunk_id id)
{
	struct chunk *chunk = chunk_of(id);
	uint64_t free;

	/* seq_cst [idle]: before the look; see end_idle() */
	fetch_or_seq_cst(&chunk->idle, CHUNK_EMPTY);
	free = load_seq_cst(&chunk->free);     /* seq_cst [idle]: the look */
	fetch_and_relaxed(&chunk->idle, free); /* relaxed: only rounds read */
}

uint64_t chunk_idle(chunk_id id)
{
	const struct chunk *chunk = chunk_of(id);

	/* relaxed: looked at again with the pages in hand */
	return load_relaxed(&chunk->idle) & load_relaxed(&chunk->free);
}

uint64_t chunk_claim_idle(chunk_id id, uint64_t run)
{
	atom64 *free = &chunk_of(id)->free;
	uint64_t old = load_relaxed(free); /* relaxed: the CAS decides */

	while ((old & run) == run)
		/* pairs with [pages] chunk_unclaim_run(): dirty bits, and who
		 * struck a page off the idle ones */
		if (cas_weak_acquire(free, &old, old & ~run))
			return old;
	return 0;
}

bool chunk_is_idle(chunk_id id, uint64_t run)
{
	/* relaxed: chunk_claim_idle() ordered it */
	return (load_relaxed(&chunk_of(id)->idle) & run) == run;
}

uint64_t chunk_returnable(chunk_id id, uint64_t pages)
{
	unsigned window = page_window(chunk_page(id, 0));

	/* relaxed: claiming the pages ordered it, or it is of the moment */
	return layout_returnable(window, pages) &
	       load_relaxed(&chunk_of(id)->dirty);
}

void chunk_clean(chunk_id id, uint64_t pages)
{
	/* relaxed: releasing the pages publishes it */
	fetch_and_relaxed(&chunk_of(id)->dirty, ~pages);
}
