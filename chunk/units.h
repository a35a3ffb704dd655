/* SPDX-License-Identifier: MIT */
/*
 * What the library counts in, as types that do not mix.
 *
 *	chunk	256 KiB of every unit: 64 pages, the first of which is a gap
 *	page	4 KiB of a unit; pages are numbered through all chunks
 *	slab	a run of 1 to 8 pages of one chunk, cut into equal objects,
 *		named by its first page, its head
 *	word	64 objects of a slab: one bit each, set while free; a page
 *		has 16, a slab uses those of its head
 *
 * Numbers run through both windows: all of the first, then all of the second.
 */
#ifndef CHUNK_UNITS_H
#define CHUNK_UNITS_H

#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_BYTES (1u << PAGE_SHIFT)
#define CHUNK_PAGES 64u
#define CHUNK_SHIFT (PAGE_SHIFT + 6)
#define CHUNK_BYTES (1u << CHUNK_SHIFT)
#define PAGE_WORDS 16u
#define WORD_BITS 64u
#define SLAB_PAGES_MAX 8u
#define CACHE_LINE 64u

/* Of handles: see chunk/layout.h */
#define NR_WINDOWS 2u
#define WINDOW_SKEWED 0u
#define WINDOW_PAGES 1u

_Static_assert(CHUNK_BYTES == CHUNK_PAGES * PAGE_BYTES, "a page is a bit");
_Static_assert(PAGE_WORDS *WORD_BITS * 4 == PAGE_BYTES, "a bit per 4 bytes");

typedef struct {
	uint32_t nr;
} chunk_id;
typedef struct {
	uint32_t nr;
} page_id;
typedef struct {
	uint32_t nr;
} word_id;

static inline chunk_id page_chunk(page_id page)
{
	return (chunk_id){page.nr / CHUNK_PAGES};
}

/* Index of the page in its chunk. */
static inline unsigned page_index(page_id page)
{
	return page.nr % CHUNK_PAGES;
}

static inline page_id chunk_page(chunk_id chunk, unsigned index)
{
	return (page_id){chunk.nr * CHUNK_PAGES + index};
}

static inline word_id page_word(page_id page, unsigned index)
{
	return (word_id){page.nr * PAGE_WORDS + index};
}

static inline page_id word_page(word_id word)
{
	return (page_id){word.nr / PAGE_WORDS};
}

/* Index of the word in its page. */
static inline unsigned word_index(word_id word)
{
	return word.nr % PAGE_WORDS;
}

#endif /* CHUNK_UNITS_H */
