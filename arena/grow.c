// SPDX-License-Identifier: MIT
/*
 * Chunks come to an arena and leave it.
 */
#include "arena/arena.h"
#include "arena/debug.h"
#include "chunk/word.h"
#include "reclaim/reclaim.h"

/* All run lengths up to the longest that `free` offers. */
static void offer_runs(struct arena *arena, chunk_id id, uint64_t free)
{
	unsigned longest = word_longest_run(free, SLAB_PAGES_MAX);
	unsigned nr;

	for (nr = 1; nr <= longest; nr++)
		shelf_add(&arena->shelves, SHELF_RUN(nr),
			  pool_index(&arena->pool, id));
}

static bool retire(struct arena *arena, chunk_id id)
{
	if (!chunk_retire(id))
		return false;
	/* relaxed: counters */
	fetch_sub_relaxed(&arena->nr_empty, 1);
	fetch_sub_relaxed(&arena->nr_chunks, 1); /* relaxed: a counter */
	reclaim_retire(&arena->pool, id);
	return true;
}

void arena_note_claim(struct arena *arena, uint64_t before)
{
	if (before == CHUNK_EMPTY)
		/* relaxed: a counter */
		fetch_sub_relaxed(&arena->nr_empty, 1);
}

uint64_t arena_let_go(page_id head, unsigned nr)
{
	chunk_id id = page_chunk(head);
	struct arena *arena = arena_of(id);
	uint64_t free = chunk_unclaim_run(head, nr);

	if (free == CHUNK_EMPTY) {
		/* relaxed: a counter. It may pass below 0 for a moment. */
		uint32_t before = fetch_add_relaxed(&arena->nr_empty, 1);

		if ((int32_t)before >= EMPTY_CHUNKS_KEPT && retire(arena, id))
			return 0;
	}
	offer_runs(arena, id, free);
	return free;
}

void arena_reap(page_id head, unsigned class)
{
	chunk_id id = page_chunk(head);
	struct chunk *chunk = chunk_of(id);
	uint64_t bit = word_bit(page_index(head));
	uint64_t free;

	if (unlikely(debug_level))
		debug_forget(head, class);
	/* relaxed: a hint, and the slab that it spoke of is gone */
	if (load_relaxed(&chunk->room) & bit)
		fetch_and_relaxed(&chunk->room, ~bit); /* relaxed: the same */
	free = arena_let_go(head, size_classes[class].nr_pages);
	if (free && arena_pages_are_many(id, free))
		reclaim_pages_soon();
}

void arena_retire_empty(struct arena *arena)
{
	uint32_t at = 0;
	chunk_id id;

	while (pool_next(&arena->pool, &at, &id))
		/* relaxed: the CAS in retire() decides */
		if (load_relaxed(&chunk_of(id)->free) == CHUNK_EMPTY)
			retire(arena, id);
}

/*
 * Touch the bookkeeping of a chunk that may be fresh, so that NOWAIT callers
 * meet no page fault there. What is stored is what is there: no slab owns it.
 */
static void touch(chunk_id id)
{
	page_id page = chunk_page(id, 0);
	size_t step = layout.os_page / sizeof(atom64);
	size_t word = page_word(page, 0).nr;
	size_t end = word + CHUNK_PAGES * PAGE_WORDS;

	/* relaxed: nobody else looks; the gap's entries are never used */
	store_relaxed(&layout.map[page.nr], 0);
	store_relaxed(&layout.used[word], 0); /* relaxed: the same */
	for (; word < end; word += step)
		/* relaxed: a stale claim only reads what is 0 */
		store_relaxed(&layout.words[word], 0);
}

static void count_chunk(struct arena *arena)
{
	/* relaxed: counters */
	uint32_t nr = fetch_add_relaxed(&arena->nr_chunks, 1) + 1;
	uint32_t max = load_relaxed(&arena->max_chunks); /* relaxed: same */

	while (max < nr && /* relaxed: same */
	       !cas_weak_relaxed(&arena->max_chunks, &max, nr))
		;
}

/* Is its chunk the only one that its node has, as far as may be? That is kept
 * anyway. */
static bool is_first_of_node(const struct arena *arena)
{
	/* relaxed: a counter */
	return load_relaxed(&arena->nr_chunks) <= EMPTY_CHUNKS_KEPT &&
	       arena == arena_first(arena->window, arena->node);
}

/* Take the chunk, which is the caller's, into use. */
static struct object link_chunk(struct arena *arena, chunk_id id,
				const struct request *r)
{
	unsigned nr = size_classes[r->class].nr_pages;

	count_chunk(arena);
	chunk_link(id, nr);
	offer_runs(arena, id, CHUNK_EMPTY & ~word_run(1, nr));
	if (!r->nowait && !is_first_of_node(arena))
		reclaim_start();
	return arena_carve(chunk_page(id, 1), r->class, r->cpu);
}

bool arena_take_back(struct arena *arena, const struct request *r,
		     struct object *object)
{
	chunk_id id;

	if (!pool_take_back(&arena->pool, &id))
		return false;
	*object = link_chunk(arena, id, r);
	return true;
}

bool arena_grow(struct arena *arena, const struct request *r,
		struct object *object)
{
	chunk_id id;

	if (arena_take_back(arena, r, object))
		return true;
	if (r->nowait || !pool_claim(&arena->pool, &id))
		return false;
	touch(id);
	*object = link_chunk(arena, id, r);
	return true;
}

void arena_link_first(struct arena *arena)
{
	struct request request = {.class = FIRST_CLASS(arena->window)};
	struct object object;

	/* relaxed: a counter */
	if (load_relaxed(&arena->nr_chunks) ||
	    !arena_grow(arena, &request, &object))
		return;
	arena_unclaim(object, request.class);
	arena_unreserve(word_page(object.word));
}

void arenas_link_first(void)
{
	unsigned node;

	for (node = 0; node < layout.nr_nodes; node++)
		arena_link_first(arena_first(WINDOW_SKEWED, node));
}
