// SPDX-License-Identifier: MIT
/*
 * Claiming and giving back areas of one chunk, and what that does to the hints
 * of the blocks it touches and of the chunk.  The bitmap is read only where a
 * hint was broken.  bl_chunk_find() is in fit.c.
 */
#include "chunk.h"

#include "fit.h"

static inline unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

void bl_chunk_init(struct bl_chunk *chunk, unsigned index)
{
	unsigned i;

	chunk->index = index;
	chunk->free_bytes = (unsigned)BASELINE_UNIT_BYTES;
	bl_hint_init(&chunk->hint, BL_UNIT_BITS);
	for (i = 0; i < BL_UNIT_PAGES; i++)
		bl_hint_init(&chunk->blocks[i], BL_BLOCK_BITS);
	bl_bit_set(chunk->bound, 0);
	bl_bit_set(chunk->bound, BL_UNIT_BITS);
}

static void rescan_block(struct bl_chunk *chunk, unsigned block)
{
	const uint64_t *map = bl_chunk_block_map(chunk, block);
	struct bl_hint *h = &chunk->blocks[block];
	struct bl_run run = {.end = bl_hint_demote(h)};

	for (;;) {
		run = bl_bits_next_hole(map, BL_BLOCK_BITS, run.end);
		if (run.start == BL_BLOCK_BITS)
			return;
		bl_hint_add_run(h, run.start, run.end);
	}
}

static void rescan_chunk(struct bl_chunk *chunk, unsigned from)
{
	struct bl_run run;

	run = bl_next_region(chunk, from);
	while (run.start < BL_UNIT_BITS) {
		bl_hint_add_run(&chunk->hint, run.start, run.end);
		run = bl_next_region(chunk, run.end + 1);
	}
}

/* Grains [from, to) of @block were taken.  Was the block wholly free? */
static int take_in_block(struct bl_chunk *chunk, unsigned block, unsigned from,
			 unsigned to)
{
	struct bl_hint *h = &chunk->blocks[block];
	int was_empty = h->best == BL_BLOCK_BITS;

	if (from == h->first)
		h->first = bl_bits_next_zero(bl_chunk_block_map(chunk, block),
					     BL_BLOCK_BITS, to);
	h->left = min_of(h->left, from);
	h->right = min_of(h->right, BL_BLOCK_BITS - to);
	if (bl_hint_take(h, from, to))
		rescan_block(chunk, block);
	return was_empty;
}

/* Grains [bit, end) of the chunk were taken. */
static void hints_after_claim(struct bl_chunk *chunk, unsigned bit,
			      unsigned end)
{
	unsigned block = bit / BL_BLOCK_BITS;
	unsigned from = bit % BL_BLOCK_BITS;
	unsigned left = end - bit;
	unsigned to;

	for (; left; block++) {
		to = min_of(from + left, BL_BLOCK_BITS);
		chunk->nr_empty -= take_in_block(chunk, block, from, to);
		left -= to - from;
		from = 0;
	}
	if (bl_hint_take(&chunk->hint, bit, end))
		rescan_chunk(chunk, bl_hint_demote(&chunk->hint));
}

/*
 * The search went past @skipped, which was too small.  Telling the block lets
 * the next search of this size start behind it.  The hole may begin earlier
 * than the search saw, because of alignment.
 */
static void remember_skipped(struct bl_chunk *chunk, struct bl_run skipped)
{
	unsigned block = skipped.start / BL_BLOCK_BITS;
	unsigned start = skipped.start % BL_BLOCK_BITS;
	unsigned end = start + (skipped.end - skipped.start);
	unsigned last;

	if (end > BL_BLOCK_BITS)
		return;
	last = bl_bits_last_one(bl_chunk_block_map(chunk, block), start);
	start = last == start ? 0 : last + 1;
	bl_hint_add_run(&chunk->blocks[block], start, end);
}

unsigned bl_chunk_claim(struct bl_chunk *chunk, const struct bl_wish *wish,
			unsigned from)
{
	struct bl_area_wish area = {
		.range.start = from,
		.range.end =
			min_of(from + wish->nr + BL_BLOCK_BITS, BL_UNIT_BITS),
		.nr = wish->nr,
		.align = wish->align,
	};
	struct bl_run skipped;
	unsigned bit, end;

	bit = bl_bits_find_area(chunk->taken, &area, &skipped);
	if (bit >= area.range.end)
		return BL_NONE;
	if (skipped.end > skipped.start)
		remember_skipped(chunk, skipped);

	end = bit + wish->nr;
	bl_bits_fill(chunk->taken, bit, wish->nr);
	bl_bit_set(chunk->bound, bit);
	bl_bits_clear(chunk->bound, bit + 1, wish->nr - 1);
	bl_bit_set(chunk->bound, end);
	chunk->nr_alloc++;
	chunk->free_bytes -= wish->nr * BL_GRAIN_BYTES;
	if (bit == chunk->hint.first)
		chunk->hint.first =
			bl_bits_next_zero(chunk->taken, BL_UNIT_BITS, end);
	hints_after_claim(chunk, bit, end);
	return bit;
}

/*
 * Grains [from, to) of @block became free.  Returns the run in the block that
 * they are now part of.  Where they touch best, its ends save a search.
 */
static struct bl_run give_in_block(struct bl_chunk *chunk, unsigned block,
				   unsigned from, unsigned to)
{
	const uint64_t *map = bl_chunk_block_map(chunk, block);
	struct bl_hint *h = &chunk->blocks[block];
	unsigned best_end = h->best_at + h->best;
	struct bl_run run;
	unsigned last;

	if (from == best_end) {
		run.start = h->best_at;
	} else {
		last = bl_bits_last_one(map, from);
		run.start = last == from ? 0 : last + 1;
	}
	if (to == h->best_at)
		run.end = best_end;
	else
		run.end = bl_bits_next_one(map, BL_BLOCK_BITS, to);

	bl_hint_add_run(h, run.start, run.end);
	return run;
}

/*
 * Frees inside one block tell the chunk of the run in that block; only where
 * blocks were crossed, or one became empty, is it worth finding the true one.
 */
static void hints_after_unclaim(struct bl_chunk *chunk, unsigned bit,
				unsigned nr)
{
	unsigned block = bit / BL_BLOCK_BITS;
	unsigned from = bit % BL_BLOCK_BITS;
	bool crossed = from + nr > BL_BLOCK_BITS;
	struct bl_run run;
	unsigned to;

	for (;; block++) {
		to = min_of(from + nr, BL_BLOCK_BITS);
		run = give_in_block(chunk, block, from, to);
		if (run.end - run.start == BL_BLOCK_BITS) {
			chunk->nr_empty++;
			crossed = true;
		}
		nr -= to - from;
		if (!nr)
			break;
		from = 0;
	}

	if (crossed) {
		chunk->hint.best = 0;
		chunk->hint.scan = 0;
		rescan_chunk(chunk, chunk->hint.first);
	} else {
		bl_hint_add_run(&chunk->hint, block * BL_BLOCK_BITS + run.start,
				block * BL_BLOCK_BITS + run.end);
	}
}

unsigned bl_chunk_area_nr(const struct bl_chunk *chunk, unsigned bit)
{
	return bl_bits_next_one(chunk->bound, BL_UNIT_BITS + 1, bit + 1) - bit;
}

void bl_chunk_unclaim(struct bl_chunk *chunk, unsigned bit)
{
	unsigned nr = bl_chunk_area_nr(chunk, bit);

	bl_bits_clear(chunk->taken, bit, nr);
	chunk->nr_alloc--;
	chunk->free_bytes += nr * BL_GRAIN_BYTES;
	if (bit < chunk->hint.first)
		chunk->hint.first = bit;
	hints_after_unclaim(chunk, bit, nr);
}

void bl_chunk_set_populated(struct bl_chunk *chunk, struct bl_run pages)
{
	unsigned nr = pages.end - pages.start;

	bl_bits_fill(chunk->populated, pages.start, nr);
	chunk->nr_populated += nr;
	chunk->nr_empty += (int)nr;
}

void bl_chunk_clear_populated(struct bl_chunk *chunk, struct bl_run pages)
{
	unsigned nr = pages.end - pages.start;

	bl_bits_clear(chunk->populated, pages.start, nr);
	chunk->nr_populated -= nr;
	chunk->nr_empty -= (int)nr;
}
