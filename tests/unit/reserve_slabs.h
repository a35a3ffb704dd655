/* SPDX-License-Identifier: MIT */
/*
 * What the tests of arena/reserve.c and pick.c share: slabs in chunk 0 of the
 * first arena, how they look from outside, and arenas with no pages left.
 */
#ifndef UNIT_RESERVE_SLABS_H
#define UNIT_RESERVE_SLABS_H

#include <check.h>

#include "arena/arena.h"
#include "chunk/word.h"

/* Classes by size: 16 words, 1 word, 1 object. */
#define FOUR_BYTES FIRST_CLASS(WINDOW_SKEWED)
#define A_LINE (FOUR_BYTES + 15)
#define LARGEST NR_SIZES

static inline struct object nth(page_id head, unsigned n)
{
	return (struct object){page_word(head, n / WORD_BITS), n % WORD_BITS};
}

static inline bool is_listed(page_id head, unsigned class)
{
	chunk_id id = page_chunk(head);
	struct arena *arena = arena_of(id);
	uint32_t i = pool_index(&arena->pool, id);

	return load_relaxed(&chunk_of(id)->room) >> page_index(head) & 1 &&
	       shelf_find(&arena->shelves, SHELF_CLASS(class), i) == i;
}

static inline uint64_t word_at(page_id head, unsigned index)
{
	return load_relaxed(word_of(page_word(head, index)));
}

/* Pages of the chunk, as arena/pick.c claims them. */
static inline page_id claim_pages(unsigned nr)
{
	struct arena *arena = arena_at(0);
	page_id head;
	uint64_t before = chunk_claim_run(arena->pool.first, nr, &head);

	ck_assert(before);
	if (before == CHUNK_EMPTY)
		fetch_sub_relaxed(&arena->nr_empty, 1);
	return head;
}

/* A reserved slab; its first object is ours. */
static inline page_id carve(unsigned class)
{
	page_id head = claim_pages(size_classes[class].nr_pages);

	arena_carve(head, class, 0);
	return head;
}

/* Frees objects of a full slab until it is listed. */
static inline void make_room(page_id head, unsigned class)
{
	unsigned bit;

	for (bit = 0; bit <= size_classes[class].spare; bit++)
		arena_unclaim((struct object){page_word(head, 0), bit}, class);
}

/* All of the arena's fresh numbers are ours from now on. */
static inline void take_numbers(struct arena *arena)
{
	chunk_id id;

	while (pool_claim(&arena->pool, &id))
		;
}

/* And all of its free pages. */
static inline void exhaust(struct arena *arena)
{
	page_id head;
	uint32_t i;

	take_numbers(arena);
	for (i = 0; i < arena->pool.nr_chunks; i++) {
		chunk_id id = pool_chunk(&arena->pool, i);

		if (load_relaxed(&chunk_of(id)->free) == CHUNK_EMPTY)
			fetch_sub_relaxed(&arena->nr_empty, 1);
		while (chunk_claim_run(id, 1, &head))
			;
	}
}

#endif /* UNIT_RESERVE_SLABS_H */
