// SPDX-License-Identifier: MIT
/*
 * Finding regions by the block hints alone: free stretches across blocks are
 * glued from right and left ends, those inside a block are its best.
 */
#include "fit.h"

/*
 * A best that was passed already (it lies before @from) does not count, nor one
 * that touches the block's end: that is the beginning of a stretch which goes
 * on in the next block.
 */
static bool best_is_inside(const struct bl_hint *h, unsigned from)
{
	return h->best && h->best_at >= from &&
	       h->best_at + h->best < BL_BLOCK_BITS;
}

struct bl_run bl_next_region(const struct bl_chunk *chunk, unsigned from)
{
	unsigned block = from / BL_BLOCK_BITS;
	unsigned base = block * BL_BLOCK_BITS;
	struct bl_run run = {.start = BL_UNIT_BITS, .end = BL_UNIT_BITS};
	unsigned carried = 0;
	const struct bl_hint *h;

	from -= base;
	for (; block < BL_UNIT_PAGES; block++, base += BL_BLOCK_BITS) {
		h = &chunk->blocks[block];
		if (carried) {
			carried += h->left;
			run.end = run.start + carried;
			if (h->left == BL_BLOCK_BITS)
				continue;
			return run;
		}
		if (best_is_inside(h, from)) {
			run.start = base + h->best_at;
			run.end = run.start + h->best;
			return run;
		}
		from = 0;
		carried = h->right;
		run.start = base + BL_BLOCK_BITS - carried;
		run.end = base + BL_BLOCK_BITS;
	}
	return run;
}

/* Where a fit may be: grains [off, off + len). */
struct place {
	unsigned off;
	unsigned len;
};

/* Does the wish fit in the block's best, which was not passed before @from? */
static bool fits_inside(const struct bl_hint *h, unsigned from,
			const struct bl_wish *wish)
{
	return h->best && h->best_at >= from &&
	       bl_hint_fits(h, wish->nr, wish->align);
}

/*
 * The next place from @from on.  Inside a block it begins where the first-fit
 * search may begin and ends where best can serve, for an earlier hole may do.
 */
static struct place next_place(const struct bl_chunk *chunk,
			       const struct bl_wish *wish, unsigned from)
{
	unsigned block = from / BL_BLOCK_BITS;
	unsigned base = block * BL_BLOCK_BITS;
	struct place at = {.off = BL_UNIT_BITS};
	const struct bl_hint *h;
	unsigned start;

	from -= base;
	for (; block < BL_UNIT_PAGES; block++, base += BL_BLOCK_BITS) {
		h = &chunk->blocks[block];
		if (at.len) {
			at.len += h->left;
			if (at.len >= wish->nr)
				return at;
			if (h->left == BL_BLOCK_BITS)
				continue;
		}
		if (fits_inside(h, from, wish)) {
			start = bl_hint_search_from(h, wish->nr);
			at.off = base + start;
			at.len = h->best_at + wish->nr - start +
				 bl_hint_padding(h, wish->align);
			return at;
		}
		from = 0;
		start = BL_ALIGN_UP(BL_BLOCK_BITS - h->right, wish->align);
		at.off = base + start;
		at.len = BL_BLOCK_BITS - start;
		if (at.len >= wish->nr)
			return at;
	}
	at.off = BL_UNIT_BITS;
	return at;
}

/* Else @next is the first grain from which populated pages begin again. */
static bool is_populated(const struct bl_chunk *chunk, const struct place *at,
			 unsigned *next)
{
	struct bl_run pages = bl_pages_of(at->off, at->len);
	unsigned page;

	page = bl_bits_next_zero(chunk->populated, pages.end, pages.start);
	if (page >= pages.end)
		return true;
	page = bl_bits_next_one(chunk->populated, pages.end, page + 1);
	*next = page * BL_BLOCK_BITS;
	return false;
}

unsigned bl_chunk_find(const struct bl_chunk *chunk, const struct bl_wish *wish)
{
	unsigned from;
	struct place at;

	if (!bl_hint_fits(&chunk->hint, wish->nr, wish->align))
		return BL_NONE;
	from = bl_hint_search_from(&chunk->hint, wish->nr);
	for (;;) {
		at = next_place(chunk, wish, from);
		if (at.off >= BL_UNIT_BITS)
			return BL_NONE;
		if (!wish->populated_only || is_populated(chunk, &at, &from))
			return at.off;
	}
}
