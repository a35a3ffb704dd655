/* SPDX-License-Identifier: MIT */
/*
 * All chunks, on lists by the length of their best free run.  A search begins
 * with the shortest that may do, so that the fullest chunks are filled first
 * and the others drain.
 *
 *   0            full, or tried in vain
 *   1 .. 16      best run, by powers of two; 1 is 4 to 15 bytes
 *   SIDELINED    isolated, pages given back; used only when nothing else fits
 *   FREE         nothing allocated
 *   DEPOPULATE   isolated, waits for the worker to give back its free pages
 *
 * Invariants:
 *  S1  Isolated chunks, and only these, are on SIDELINED and DEPOPULATE.
 *  S2  bl_slots_nr_empty() is the sum of nr_empty over the other chunks.
 *  S3  Any other chunk is on the list of its length, or on 0 after a search of
 *      a short list failed in it, until a free changes its length.
 *
 * The caller holds the big lock, except for bl_slots_nr_empty().
 */
#ifndef BENCH_BASELINE_SLOT_H
#define BENCH_BASELINE_SLOT_H

#include "chunk.h"

enum {
	BL_SLOT_FULL = 0,
	BL_SLOT_WHOLE = 16, /* a unit's length; see the assert in slot.c */
	BL_SLOT_SIDELINED,
	BL_SLOT_FREE,
	BL_SLOT_DEPOPULATE,
	BL_NR_SLOTS,
};

/* Empty populated pages that the worker keeps ready for atomic callers. */
#define BL_EMPTY_LOW 2
#define BL_EMPTY_HIGH 4

TAILQ_HEAD(bl_slot, bl_chunk);

/* What bl_slot_update() must know from before a change. */
struct bl_slot_mark {
	unsigned slot;
	int nr_empty;
};

void bl_slots_init(void);
struct bl_slot *bl_slot_list(unsigned slot);

/* The list whose chunks have best runs of about @bytes. */
unsigned bl_slot_of_bytes(unsigned bytes);
/* The list where @chunk belongs by its hints. */
unsigned bl_slot_of(const struct bl_chunk *chunk);

/* Bracket every change to a chunk on a list; keeps S2 and S3. */
struct bl_slot_mark bl_slot_mark(const struct bl_chunk *chunk);
void bl_slot_update(struct bl_chunk *chunk, struct bl_slot_mark before);

/* A chunk that is on no list. */
void bl_slot_insert(struct bl_chunk *chunk);
void bl_slot_remove(struct bl_chunk *chunk);
/* To the head of @slot. */
void bl_slot_move(struct bl_chunk *chunk, unsigned slot);

/*
 * Takes @chunk out of the allocators' sight, but for the last resort, and
 * hands it to the worker; or brings it back.
 */
void bl_slot_isolate(struct bl_chunk *chunk);
void bl_slot_sideline(struct bl_chunk *chunk);
void bl_slot_reintegrate(struct bl_chunk *chunk);

/* Enough of its pages are empty, and enough others are elsewhere. */
bool bl_slot_should_isolate(const struct bl_chunk *chunk);

/*
 * Claims an area in the fullest chunk that has one.
 * Returns the chunk and sets *@bit; or NULL.
 */
struct bl_chunk *bl_slots_claim(const struct bl_wish *wish, unsigned *bit);

/* Any thread, without the lock; a hint by then. */
int bl_slots_nr_empty(void);

#endif
