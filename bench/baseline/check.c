// SPDX-License-Identifier: MIT
/*
 * Executable form of the invariants in hint.h (I), chunk.h (C), slot.h (S).
 */
#include "check.h"

#include <stdio.h>

#include "lock.h"
#include "slot.h"
#include "space.h"
#include "worker.h"

#define MAX_REPORTS 10

static unsigned nr_wrong;

/* Where we are, for the reports. */
static unsigned at_chunk, at_block;

static void expect(bool right, const char *what)
{
	if (right)
		return;
	if (nr_wrong++ < MAX_REPORTS)
		fprintf(stderr, "baseline_check: chunk %u block %u: %s\n",
			at_chunk, at_block, what);
}

static bool all_clear(const uint64_t *map, unsigned start, unsigned nr)
{
	return bl_bits_next_one(map, start + nr, start) == start + nr;
}

/* Is [start, start + nr) free, and are its neighbours in the map taken? */
static bool is_whole_run(const uint64_t *map, unsigned size, unsigned start,
			 unsigned nr)
{
	return all_clear(map, start, nr) &&
	       (start == 0 || bl_bit_test(map, start - 1)) &&
	       (start + nr == size || bl_bit_test(map, start + nr));
}

static unsigned right_run(const uint64_t *map, unsigned size)
{
	unsigned last = bl_bits_last_one(map, size);

	return last == size ? size : size - last - 1;
}

static void check_block(const uint64_t *map, const struct bl_hint *h)
{
	unsigned n = BL_BLOCK_BITS;

	expect(h->bits == n, "bits");
	expect(h->first == bl_bits_next_zero(map, n, 0), "I1 first");
	expect(!h->best == (h->first == n), "I2 best is 0 if full");
	expect((h->best == n) == all_clear(map, 0, n), "I2 best if empty");
	expect(!h->best || is_whole_run(map, n, h->best_at, h->best),
	       "I2 best is a run");
	expect(h->left == bl_bits_next_one(map, n, 0), "I3 left");
	expect(h->right == right_run(map, n), "I3 right");
	if (!h->scan)
		return;
	expect(is_whole_run(map, n, h->scan_at, h->scan), "I4 scan is a run");
	expect(h->scan <= h->best, "I4 scan <= best");
	expect(h->scan_at <= h->best_at || h->scan == h->best,
	       "I4 behind best only if as long");
}

static void check_blocks(const struct bl_chunk *chunk)
{
	int nr_empty = 0;
	unsigned i;

	for (i = 0; i < BL_UNIT_PAGES; i++) {
		const uint64_t *map = bl_chunk_block_map(chunk, i);
		bool free = all_clear(map, 0, BL_BLOCK_BITS);
		bool populated = bl_bit_test(chunk->populated, i);

		at_block = i;
		check_block(map, &chunk->blocks[i]);
		nr_empty += free && populated;
		expect(free || populated, "taken pages are populated");
	}
	at_block = BL_UNIT_PAGES;
	expect(chunk->nr_empty == nr_empty, "C3 nr_empty");
}

/* Areas are runs of taken bits between bound bits. */
static void check_areas(const struct bl_chunk *chunk)
{
	unsigned nr_alloc = 0, nr_taken = 0;
	unsigned bit, was = 0;

	for (bit = 0; bit < BL_UNIT_BITS; bit++) {
		bool taken = bl_bit_test(chunk->taken, bit);
		bool bound = bl_bit_test(chunk->bound, bit);

		nr_alloc += taken && bound;
		nr_taken += taken;
		expect(bound || taken == was, "C1 bound where areas end");
		was = taken;
	}
	expect(bl_bit_test(chunk->bound, BL_UNIT_BITS), "C1 bound at the end");
	expect(chunk->nr_alloc == nr_alloc, "C1 nr_alloc");
	expect(chunk->free_bytes == (BL_UNIT_BITS - nr_taken) * BL_GRAIN_BYTES,
	       "C2 free_bytes");
}

static void check_chunk(const struct bl_chunk *chunk)
{
	const struct bl_hint *h = &chunk->hint;
	unsigned n = BL_UNIT_BITS;
	unsigned page, nr_populated = 0;

	at_chunk = chunk->index;
	check_blocks(chunk);
	check_areas(chunk);
	for (page = 0; page < BL_UNIT_PAGES; page++)
		nr_populated += bl_bit_test(chunk->populated, page);
	expect(chunk->nr_populated == nr_populated, "nr_populated");
	expect(h->first == bl_bits_next_zero(chunk->taken, n, 0), "C4 first");
	expect(!h->best == (h->first == n), "C4 best is 0 if full");
	expect(all_clear(chunk->taken, h->best_at, h->best), "C4 best is free");
	expect(all_clear(chunk->taken, h->scan_at, h->scan), "C4 scan is free");
	expect(h->scan <= h->best, "C4 scan <= best");
}

static void check_slots(void)
{
	int nr_empty = 0;
	unsigned slot, nr_listed = 0, nr_chunks = 0;
	const struct bl_chunk *chunk;

	for (slot = 0; slot < BL_NR_SLOTS; slot++) {
		bool isolated =
			slot == BL_SLOT_SIDELINED || slot == BL_SLOT_DEPOPULATE;

		TAILQ_FOREACH (chunk, bl_slot_list(slot), link) {
			at_chunk = chunk->index;
			nr_listed++;
			expect(chunk->slot == slot, "slot field");
			expect(chunk->isolated == isolated, "S1 isolated");
			if (isolated)
				continue;
			nr_empty += chunk->nr_empty;
			expect(slot == BL_SLOT_FULL ||
				       slot == bl_slot_of(chunk),
			       "S3 right list");
		}
	}
	expect(bl_slots_nr_empty() == nr_empty, "S2 nr_empty");
	for (chunk = bl_space_next(0); chunk;
	     chunk = bl_space_next(chunk->index + 1))
		nr_chunks++;
	expect(nr_chunks == nr_listed, "each chunk on a list");
}

unsigned baseline_check(void)
{
	const struct bl_chunk *chunk;
	struct bl_hold hold;
	unsigned result;

	bl_grow_lock();
	bl_lock(&hold);
	nr_wrong = 0;
	for (chunk = bl_space_next(0); chunk;
	     chunk = bl_space_next(chunk->index + 1))
		check_chunk(chunk);
	check_slots();
	result = nr_wrong;
	bl_unlock(&hold);
	bl_grow_unlock();
	return result;
}
