// SPDX-License-Identifier: MIT
/*
 * Reservations: which slab a CPU allocates from, so that CPUs do not meet in a
 * cache line of words. A reservation is no lock: claims go through the words
 * whoever reserved them. But it keeps the slab from being retired, so that what
 * a slot names stays what it was.
 */
#include "arena/arena.h"
#include "chunk/registry.h"

/* Make the slab findable. */
static void list(page_id head, unsigned class)
{
	chunk_id id = page_chunk(head);
	struct arena *arena = arena_of(id);
	uint64_t bit = word_bit(page_index(head));
	struct chunk *chunk = chunk_of(id);

	/* seq_cst [shelf]: who removes the chunk from the shelf looks at room
	 * next; see shelf_add() */
	if (!(load_seq_cst(&chunk->room) & bit))
		fetch_or_seq_cst(&chunk->room, bit); /* seq_cst [shelf]: same */
	shelf_add(&arena->shelves, SHELF_CLASS(class),
		  pool_index(&arena->pool, id));
}

void arena_offer(page_id head)
{
	for (;;) {
		/* seq_cst [room]: as in slab_is_reserved() */
		uint64_t entry = load_seq_cst(&layout.map[head.nr]);
		unsigned class = map_class(entry);

		/* By now it may be another slab, or none: so much the better,
		 * its room must not be lost for what we did to the old one.
		 * Who has reserved it offers it when letting go. */
		if (!class || map_behind(entry) || entry & MAP_OWNER)
			return;
		if (!slab_is_empty(head, class)) {
			if (slab_has_room(head, class))
				list(head, class);
			return;
		}
		if (slab_retire(head, class)) {
			arena_reap(head, class);
			return;
		}
	}
}

/* The slab was seen to have room. */
static void list_anew(page_id head, unsigned class)
{
	if (slab_is(head, class))
		list(head, class);
	else
		arena_offer(head);
}

static void offer_all(const struct arena *arena)
{
	uint32_t at = 0, page;
	chunk_id id;

	while (pool_next(&arena->pool, &at, &id))
		for (page = 1; page < CHUNK_PAGES; page++)
			arena_offer(chunk_page(id, page));
}

void arena_note_free(const struct size_class *class, word_id word,
		     uint64_t free)
{
	page_id head = word_page(word);

	if (slab_is_reserved(head))
		return;
	/* Each free that crosses the limit tells, so no room goes unlisted. */
	if (free == sizeclass_word(class, word_index(word)))
		arena_offer(head);
	else if (word_count(free) == class->spare + 1u)
		list_anew(head, (unsigned)(class - size_classes));
}

void arena_unreserve(page_id head)
{
	slab_unreserve(head);
	arena_offer(head);
}

void arena_unclaim(struct object object, unsigned class)
{
	uint64_t old = slab_unclaim(object);

	arena_note_free(&size_classes[class], object.word,
			old | word_bit(object.bit));
}

static _Noreturn void refuse_free(struct object object)
{
	unsigned class = map_class(map_load(word_page(object.word)));
	uintptr_t handle = object_handle(&size_classes[class], object);

	registry_refuse_free("pcpu_free", (const void *)handle);
}

void arena_give_back(word_id word, uint64_t bits)
{
	page_id head = word_page(word);
	uint64_t twice = slab_unclaim_all(word, bits) & bits;

	/* Freed while we held it to hand it out. */
	if (unlikely(twice))
		refuse_free((struct object){word, word_first(twice)});
	arena_offer(head);
}

struct object arena_carve(page_id head, unsigned class, unsigned cpu)
{
	atom64 *room = &chunk_of(page_chunk(head))->room;
	uint64_t bit = word_bit(page_index(head));

	/* A bit may be left from the pages' last slab. relaxed: a hint */
	if (load_relaxed(room) & bit)
		fetch_and_relaxed(room, ~bit); /* relaxed: a hint */
	return slab_carve(head, class, cpu);
}

void arena_undo_stale(struct object object)
{
	arena_unclaim(object, map_class(map_load(word_page(object.word))));
}

bool arena_claim(page_id head, unsigned class, struct object *object)
{
	enum claim claim = slab_claim_any(head, class, object);

	if (claim == CLAIM_STALE)
		arena_undo_stale(*object);
	return claim == CLAIMED;
}

bool arena_reserve(page_id head, unsigned class, unsigned cpu,
		   struct object *object)
{
	atom64 *room = &chunk_of(page_chunk(head))->room;
	uint64_t bit = word_bit(page_index(head));

	/* seq_cst [room]: off the list first, then we look at the words; a
	 * free makes room first, then looks at the list */
	if (!(fetch_and_seq_cst(room, ~bit) & bit))
		return false;
	if (!slab_reserve(head, class, cpu)) {
		/* We may have taken another slab off the list. */
		arena_offer(head);
		return false;
	}
	if (arena_claim(head, class, object))
		return true;
	arena_unreserve(head);
	return false;
}

void arena_drain(unsigned window)
{
	unsigned i;

	slots_drain(window);
	for (i = 0; i < layout.nr_arenas; i++)
		offer_all(arena_in(window, i));
}
