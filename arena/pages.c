// SPDX-License-Identifier: MIT
/*
 * Pages of chunks in use go back to the system: those that no slab has, and
 * that hold old data. A round of reclaim (reclaim/reclaim.c)
 *
 *	notes which pages are free			idle_note()
 *	waits: the worker for a batch, and all for a grace period
 *	gives back what was free all the time		idle_return()
 *
 * Nothing is claimed while a round waits, so a reader that stays in its section
 * for ever keeps memory from going back, and no page from being used. What is
 * given back is claimed run by run, for the time of the system calls. An
 * allocation that fails for that would fail without a reason, so a run is left
 * alone unless the node has another that serves as well: even where no arena
 * can grow, and with PCPU_NOWAIT, it finds what it would have found.
 *
 * That pages must be idle for a batch keeps those that are carved again and
 * again; the rest are clean after the round and cost the next one nothing.
 */
#include "arena/arena.h"
#include "chunk/word.h"
#include "reclaim/reclaim.h"

/* Pages of a chunk that are worth waking the worker, and its visit: a
 * sixteenth. */
#define PAGES_WORTH 4u

bool arena_pages_are_many(chunk_id id, uint64_t free)
{
	return word_count(chunk_returnable(id, free)) >= PAGES_WORTH;
}

static void idle_note(bool all)
{
	unsigned i;

	/* No page of the system's lies under a page of ours alone. */
	if (layout.os_page > PAGE_BYTES)
		return;
	for (i = 0; i < arena_count(); i++) {
		uint32_t at = 0;
		chunk_id id;

		while (pool_next(&arena_at(i)->pool, &at, &id)) {
			/* relaxed: of the moment */
			uint64_t free = load_relaxed(&chunk_of(id)->free);

			if (all ? chunk_returnable(id, free) != 0
				: arena_pages_are_many(id, free))
				chunk_note_idle(id);
		}
	}
}

static bool idle_any(void)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		uint32_t at = 0;
		chunk_id id;

		while (pool_next(&arena_at(i)->pool, &at, &id))
			if (chunk_returnable(id, chunk_idle(id)))
				return true;
	}
	return false;
}

/* Has the arena such a run in another chunk? */
static bool has_run_beside(struct arena *arena, chunk_id id, unsigned nr)
{
	uint32_t i = UINT32_MAX;

	while ((i = shelf_find(&arena->shelves, SHELF_RUN(nr), i + 1)) !=
	       UINT32_MAX) {
		chunk_id other = pool_chunk(&arena->pool, i);

		if (other.nr != id.nr && chunk_has_run(other, nr))
			return true;
	}
	return false;
}

/*
 * Has the node, without these free pages of the chunk, a run as long as any
 * slab that they and their neighbours have room for?
 */
static bool is_spare(const struct arena *arena, chunk_id id, uint64_t run,
		     unsigned longest)
{
	struct arena *first = arena_first(arena->window, arena->node);
	/* relaxed: of the moment */
	uint64_t rest = load_relaxed(&chunk_of(id)->free) & ~run;
	unsigned i;

	if (word_run_starts(rest, longest))
		return true;
	for (i = 0; i < layout.node_arenas; i++)
		if (has_run_beside(first + i, id, longest))
			return true;
	return false;
}

/*
 * The run of idle pages from the page on that is to go back, or as much of it
 * as the node can do without; 0 if it cannot. A page in front that is idle too
 * saves zeroing there.
 */
static uint64_t choose_run(const struct arena *arena, chunk_id id,
			   uint64_t idle, unsigned page)
{
	unsigned first = idle >> (page - 1) & 1 ? page - 1 : page;
	uint64_t run = word_run_around(idle, page) & UINT64_MAX << first;
	/* relaxed: of the moment */
	uint64_t free = load_relaxed(&chunk_of(id)->free) | run;
	unsigned longest =
		word_longest_run(word_run_around(free, page), SLAB_PAGES_MAX);
	unsigned nr = word_count(run);

	if (is_spare(arena, id, run, longest))
		return run;
	/* Of a long run the rest can wait: it will be its turn next. */
	return nr > longest ? word_run(first, nr - longest) : 0;
}

/* Returns how many pages went back. */
static unsigned return_run(struct arena *arena, chunk_id id, uint64_t run)
{
	page_id head = chunk_page(id, word_first(run));
	unsigned nr = word_count(run);
	uint64_t before = chunk_claim_idle(id, run), pages = 0;

	if (!before)
		return 0;
	arena_note_claim(arena, before);
	if (chunk_is_idle(id, run) && layout_depopulate(head, nr)) {
		pages = chunk_returnable(id, run);
		chunk_clean(id, pages);
	}
	arena_let_go(head, nr);
	return word_count(pages);
}

static unsigned return_in_chunk(struct arena *arena, chunk_id id)
{
	uint64_t tried = 0;
	unsigned nr = 0;

	for (;;) {
		uint64_t idle = chunk_idle(id);
		uint64_t left = chunk_returnable(id, idle) & ~tried, run;

		if (!left)
			return nr;
		run = choose_run(arena, id, idle, word_first(left));
		if (chunk_returnable(id, run))
			nr += return_run(arena, id, run);
		tried |= chunk_returnable(id, run) | word_bit(word_first(left));
	}
}

static size_t idle_return(void)
{
	size_t pages = 0;
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		uint32_t at = 0;
		chunk_id id;

		while (pool_next(&arena_at(i)->pool, &at, &id))
			pages += return_in_chunk(arena_at(i), id);
	}
	return pages * PAGE_BYTES * layout.nr_units;
}

const struct reclaim_pages arena_pages = {
	.note = idle_note,
	.any = idle_any,
	.give_back = idle_return,
};
