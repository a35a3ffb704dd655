// SPDX-License-Identifier: MIT
/*
 * The lists of chunks and the search over them.
 */
#include "slot.h"

#include <stdatomic.h>

#define SLOT_SHIFT 5     /* 1 to 31 bytes share the first lists */
#define FAIL_THRESHOLD 3 /* runs this short are not worth a second try */

_Static_assert(BASELINE_UNIT_BYTES == (size_t)1 << (BL_SLOT_WHOLE + 2),
	       "the last length's list is the unit's");

static struct bl_slot slots[BL_NR_SLOTS];

/* Written under the lock, read also without: atomic only to be untorn. */
static _Atomic int nr_empty;

void bl_slots_init(void)
{
	unsigned i;

	for (i = 0; i < BL_NR_SLOTS; i++)
		TAILQ_INIT(&slots[i]);
	atomic_store_explicit(&nr_empty, 0, memory_order_relaxed);
}

struct bl_slot *bl_slot_list(unsigned slot)
{
	return &slots[slot];
}

int bl_slots_nr_empty(void)
{
	return atomic_load_explicit(&nr_empty, memory_order_relaxed);
}

static void add_empty(int delta)
{
	if (delta)
		atomic_store_explicit(&nr_empty, bl_slots_nr_empty() + delta,
				      memory_order_relaxed);
}

unsigned bl_slot_of_bytes(unsigned bytes)
{
	int highest = 32 - __builtin_clz(bytes);
	int slot = highest - SLOT_SHIFT + 2;

	if (bytes == BASELINE_UNIT_BYTES)
		return BL_SLOT_FREE;
	return slot > 1 ? (unsigned)slot : 1;
}

unsigned bl_slot_of(const struct bl_chunk *chunk)
{
	if (!chunk->hint.best)
		return BL_SLOT_FULL;
	return bl_slot_of_bytes(chunk->hint.best * BL_GRAIN_BYTES);
}

void bl_slot_move(struct bl_chunk *chunk, unsigned slot)
{
	TAILQ_REMOVE(&slots[chunk->slot], chunk, link);
	chunk->slot = slot;
	TAILQ_INSERT_HEAD(&slots[slot], chunk, link);
}

static void move_tail(struct bl_chunk *chunk, unsigned slot)
{
	TAILQ_REMOVE(&slots[chunk->slot], chunk, link);
	chunk->slot = slot;
	TAILQ_INSERT_TAIL(&slots[slot], chunk, link);
}

void bl_slot_insert(struct bl_chunk *chunk)
{
	chunk->slot = bl_slot_of(chunk);
	TAILQ_INSERT_HEAD(&slots[chunk->slot], chunk, link);
	add_empty(chunk->nr_empty);
}

void bl_slot_remove(struct bl_chunk *chunk)
{
	TAILQ_REMOVE(&slots[chunk->slot], chunk, link);
	add_empty(-chunk->nr_empty);
}

struct bl_slot_mark bl_slot_mark(const struct bl_chunk *chunk)
{
	return (struct bl_slot_mark){
		.slot = bl_slot_of(chunk),
		.nr_empty = chunk->nr_empty,
	};
}

/* A chunk that gained room goes first, so that it is filled up again soon. */
void bl_slot_update(struct bl_chunk *chunk, struct bl_slot_mark before)
{
	unsigned slot;

	if (chunk->isolated)
		return;
	add_empty(chunk->nr_empty - before.nr_empty);
	slot = bl_slot_of(chunk);
	if (slot > before.slot)
		bl_slot_move(chunk, slot);
	else if (slot < before.slot)
		move_tail(chunk, slot);
}

void bl_slot_isolate(struct bl_chunk *chunk)
{
	if (!chunk->isolated) {
		chunk->isolated = true;
		add_empty(-chunk->nr_empty);
	}
	bl_slot_move(chunk, BL_SLOT_DEPOPULATE);
}

void bl_slot_sideline(struct bl_chunk *chunk)
{
	move_tail(chunk, BL_SLOT_SIDELINED);
}

void bl_slot_reintegrate(struct bl_chunk *chunk)
{
	if (!chunk->isolated)
		return;
	chunk->isolated = false;
	add_empty(chunk->nr_empty);
	bl_slot_move(chunk, bl_slot_of(chunk));
}

bool bl_slot_should_isolate(const struct bl_chunk *chunk)
{
	if (chunk->isolated)
		return chunk->nr_empty > 0;
	return bl_slots_nr_empty() > BL_EMPTY_HIGH + chunk->nr_empty &&
	       chunk->nr_empty >= (int)BL_UNIT_PAGES / 4;
}

static unsigned claim_in(struct bl_chunk *chunk, const struct bl_wish *wish)
{
	struct bl_slot_mark before;
	unsigned bit;

	bit = bl_chunk_find(chunk, wish);
	if (bit == BL_NONE) {
		if (chunk->slot < FAIL_THRESHOLD)
			bl_slot_move(chunk, BL_SLOT_FULL);
		return BL_NONE;
	}
	before = bl_slot_mark(chunk);
	bit = bl_chunk_claim(chunk, wish, bit);
	if (bit == BL_NONE)
		return BL_NONE;
	bl_slot_update(chunk, before);
	bl_slot_reintegrate(chunk);
	return bit;
}

struct bl_chunk *bl_slots_claim(const struct bl_wish *wish, unsigned *bit)
{
	unsigned slot = bl_slot_of_bytes(wish->nr * BL_GRAIN_BYTES);
	struct bl_chunk *chunk, *next;

	for (; slot <= BL_SLOT_FREE; slot++) {
		for (chunk = TAILQ_FIRST(&slots[slot]); chunk; chunk = next) {
			next = TAILQ_NEXT(chunk, link);
			*bit = claim_in(chunk, wish);
			if (*bit != BL_NONE)
				return chunk;
		}
	}
	return NULL;
}
