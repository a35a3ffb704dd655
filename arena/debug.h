/* SPDX-License-Identifier: MIT */
/*
 * Debug mode, by PCPU_DEBUG in the environment:
 *
 *	1  redzones, poison and a quarantine, as in arena/guard.h and
 *	   arena/quarantine.h
 *	2  and a look at the whole heap, by every DEBUG_PERIOD-th allocation
 *	   and free and by every pcpu_trim(): arena/consistency.c
 *
 * The fast paths do not know of it. They fail in debug mode as they do on other
 * occasions, as there is no front, and arena_word_limit and layout.handle_bytes
 * are 0; where they would give up, or refuse a pointer, these are called.
 *
 * What each object is in is kept apart from its memory, in a record of 32 bits:
 *
 *	NONE --> BUSY --> LIVE --> BUSY --> DEAD --> (quarantine) --> DEAD, free
 *	  ^      claimed  guard_arm  ^     guard_bury                    |  |
 *	  |        ^                 '- one CAS: who frees it            |  |
 *	  |        '------------------- claimed again -------------------'  |
 *	  '---------------------------- the slab was retired ---------------'
 *
 *	D1  LIVE: it has an owner, its bit is clear, its redzones are whole.
 *	D2  DEAD: its memory is poison. Whether it is free its bit tells.
 *	D3  Only who has claimed the object changes its record, but for the CAS
 *	    by which a free claims it; it counts each change.
 */
#ifndef ARENA_DEBUG_H
#define ARENA_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena/guard.h"
#include "chunk/compiler.h"
#include "chunk/slab.h"

/* 0 to 2; constant after start. */
HIDDEN extern unsigned debug_level;

#define DEBUG_PERIOD 1024u

/*
 * A record:
 *
 *	bits 0-14	bytes asked for, less 1
 *	bits 15-18	bytes in front: 0, or 1 << this
 *	bits 19-20	enum debug_state
 *	bits 21-31	how often it changed
 */
enum debug_state { DEBUG_NONE, DEBUG_BUSY, DEBUG_LIVE, DEBUG_DEAD };

static inline enum debug_state debug_state(uint32_t record)
{
	return (enum debug_state)(record >> 19 & 3);
}

/* Once each: before there is a layout, and when there is. */
void debug_read_level(void);
void debug_start(void);

/* Its record. */
uint32_t debug_record(struct object object);

/* A cell of a class that was cut up as the record says. */
struct guarded debug_cut(struct object object, unsigned class, uint32_t record);

/*
 * What pcpu_alloc() and its like do in debug mode for `end` + 1 bytes that the
 * class would serve. (The alignment that was asked for is one that divides the
 * class's size, so the redzone in front is what all of them divide.)
 */
void *debug_alloc(size_t end, unsigned class, unsigned flags);

/* Of a pointer that is no object's in the eyes of the fast path: in debug mode
 * it may be, otherwise it is refused. */
void debug_free(const char *caller, void *p);
size_t debug_usable_size(const char *caller, const void *p);

/* Empty the quarantine, and on level 2 look at everything. */
void debug_trim(void);

/* A slab's pages are to go back to their chunk, with its last objects' poison.
 * By who retired it. */
void debug_forget(page_id head, unsigned class);

/* Objects of the word that have no owner: also those of the quarantine, whose
 * bits are clear. */
uint64_t debug_unowned(word_id word, const struct size_class *class);

/* Level 2: abort if anything is wrong with the heap. consistency.c */
void debug_check_all(const char *caller);

#endif /* ARENA_DEBUG_H */
