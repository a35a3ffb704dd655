// SPDX-License-Identifier: MIT
/*
 * One round of background work.
 *
 * The big lock is dropped around every system call.  That is safe because the
 * chunk at hand cannot go away (the grow mutex is held), and because it is on
 * no list that is searched (to be destroyed, or isolated): nobody can claim the
 * pages that are being given back.  Frees may come in, and only add free space.
 */
#include "balance.h"

#include <stdatomic.h>

#include "lock.h"
#include "slot.h"
#include "space.h"

/* relaxed throughout: a missed failure is noted again by the next one */
static atomic_bool failed;

void bl_balance_note_failure(void)
{
	atomic_store_explicit(&failed, true, memory_order_relaxed);
}

/* Lock held on entry and return. */
static size_t depopulate(struct bl_hold *hold, struct bl_chunk *chunk,
			 struct bl_run pages)
{
	size_t given;

	bl_unlock(hold);
	given = bl_space_depopulate(chunk, pages);
	bl_lock(hold);
	bl_chunk_clear_populated(chunk, pages);
	return given;
}

static size_t destroy(struct bl_hold *hold, struct bl_chunk *chunk)
{
	struct bl_run run = {0, 0};
	size_t given = 0;

	for (;;) {
		run.start = bl_bits_next_one(chunk->populated, BL_UNIT_PAGES,
					     run.end);
		if (run.start == BL_UNIT_PAGES)
			break;
		run.end = bl_bits_next_zero(chunk->populated, BL_UNIT_PAGES,
					    run.start);
		given += depopulate(hold, chunk, run);
	}
	bl_unlock(hold);
	bl_space_destroy(chunk);
	bl_lock(hold);
	return given;
}

/* Spares one; with @unpopulated_only those too that could serve atomically. */
static size_t destroy_free_chunks(struct bl_hold *hold, bool unpopulated_only)
{
	struct bl_slot *list = bl_slot_list(BL_SLOT_FREE);
	struct bl_slot doomed = TAILQ_HEAD_INITIALIZER(doomed);
	struct bl_chunk *chunk, *next;
	size_t given = 0;

	for (chunk = TAILQ_FIRST(list); chunk; chunk = next) {
		next = TAILQ_NEXT(chunk, link);
		if (chunk == TAILQ_FIRST(list))
			continue;
		if (unpopulated_only && chunk->nr_empty)
			continue;
		bl_slot_remove(chunk);
		TAILQ_INSERT_TAIL(&doomed, chunk, link);
	}
	while ((chunk = TAILQ_FIRST(&doomed))) {
		TAILQ_REMOVE(&doomed, chunk, link);
		given += destroy(hold, chunk);
	}
	return given;
}

static bool page_is_idle(const struct bl_chunk *chunk, unsigned page)
{
	return chunk->blocks[page].best == BL_BLOCK_BITS &&
	       bl_bit_test(chunk->populated, page);
}

/*
 * Gives back the idle pages of @chunk, from the back, so that what stays
 * populated gathers in front.  Stops, with *short_of true, when the other
 * chunks have too few pages left for atomic callers.
 */
static size_t drain(struct bl_hold *hold, struct bl_chunk *chunk,
		    bool *short_of)
{
	struct bl_run run = {0, 0};
	unsigned page = BL_UNIT_PAGES;
	size_t given = 0;

	*short_of = false;
	while (page > 0 && chunk->nr_empty > 0) {
		if (bl_slots_nr_empty() < BL_EMPTY_HIGH) {
			*short_of = true;
			break;
		}
		if (!page_is_idle(chunk, page - 1)) {
			page--;
			continue;
		}
		run.end = page;
		while (page > 0 && page_is_idle(chunk, page - 1))
			page--;
		run.start = page;
		given += depopulate(hold, chunk, run);
	}
	return given;
}

static size_t drain_isolated_chunks(struct bl_hold *hold)
{
	struct bl_slot *list = bl_slot_list(BL_SLOT_DEPOPULATE);
	struct bl_chunk *chunk;
	size_t given = 0;
	bool short_of;

	while ((chunk = TAILQ_FIRST(list))) {
		given += drain(hold, chunk, &short_of);
		if (short_of || bl_chunk_is_free(chunk))
			bl_slot_reintegrate(chunk);
		else
			bl_slot_sideline(chunk);
	}
	return given;
}

/* Populates up to @nr pages of @chunk; returns how many are still wanted. */
static unsigned populate(struct bl_chunk *chunk, unsigned nr)
{
	struct bl_slot_mark before = bl_slot_mark(chunk);
	struct bl_run run = {0, 0};

	while (nr) {
		run = bl_bits_next_hole(chunk->populated, BL_UNIT_PAGES,
					run.end);
		if (run.start == BL_UNIT_PAGES)
			break;
		if (run.end - run.start > nr)
			run.end = run.start + nr;
		bl_chunk_set_populated(chunk, run);
		nr -= run.end - run.start;
	}
	bl_slot_update(chunk, before);
	return nr;
}

static unsigned nr_wanted(void)
{
	int nr = BL_EMPTY_HIGH - bl_slots_nr_empty();

	if (atomic_exchange_explicit(&failed, false, memory_order_relaxed))
		return BL_EMPTY_HIGH;
	if (nr < 0)
		return 0;
	return nr < BL_EMPTY_HIGH ? (unsigned)nr : BL_EMPTY_HIGH;
}

/* Chunks that have room for a page, the fullest first. */
static unsigned populate_in_slots(unsigned nr)
{
	unsigned slot = bl_slot_of_bytes(BL_PAGE_BYTES);
	struct bl_chunk *chunk;

	for (; nr && slot <= BL_SLOT_FREE; slot++) {
		TAILQ_FOREACH (chunk, bl_slot_list(slot), link) {
			if (chunk->nr_populated < BL_UNIT_PAGES)
				break;
		}
		if (chunk)
			nr = populate(chunk, nr);
	}
	return nr;
}

static void populate_for_atomic(struct bl_hold *hold)
{
	struct bl_chunk *chunk;

	while (populate_in_slots(nr_wanted())) {
		bl_unlock(hold);
		chunk = bl_space_create();
		bl_lock(hold);
		if (!chunk)
			return;
		bl_slot_insert(chunk);
	}
}

size_t bl_balance(void)
{
	struct bl_hold hold;
	size_t given;

	/* Twice: populating, after draining, may have made a chunk too many. */
	bl_lock(&hold);
	given = destroy_free_chunks(&hold, false);
	given += drain_isolated_chunks(&hold);
	populate_for_atomic(&hold);
	given += destroy_free_chunks(&hold, true);
	bl_unlock(&hold);
	return given;
}
