/* SPDX-License-Identifier: MIT */
/*
 * Arenas: one or several per NUMA node and window. An object's copies lie on
 * all nodes anyway; what an arena keeps on its node is the state, the bitmap
 * words and hints that its node's threads work with.
 *
 * A CPU has one of its node's arenas as its own. What has become free there it
 * finds again first, with the lines in its cache, and CPUs with different ones
 * mostly keep out of each other's lines. But it looks into the others before it
 * makes anything new.
 *
 * The way of an allocation, each step only if the one before found nothing:
 *
 *	1  the bits that the CPU's slot holds		front.h (fast path)
 *	2  a word of the reserved slab that it names	slot.c
 *	3  a slab with room of the node's arenas	pick.c
 *	4  a new slab in one of their chunks		pick.c
 *	5  a new chunk for one of them			grow.c
 *	6  3 to 5 in other nodes' arenas, near first	pick.c
 *	7  what other CPUs keep reserved		pick.c
 *
 * A slab is in one of these states; all but LISTED -> RESERVED are hints that
 * may be late, as claims and retirement are decided by its words alone:
 *
 *	                 carve              unreserve, has room
 *	  (free pages) -------> RESERVED ---------------------> LISTED
 *	       ^                  |   ^                          |  ^
 *	       |                  |   '--------- pick -----------'  |
 *	       |         full     v                                 |
 *	       |                 FULL ------------------------------'
 *	       |                            a free made room
 *	       '--- retire, when empty and not reserved
 *
 *	RESERVED: MAP_OWNER in the map; that CPU's slot names one of its words,
 *		  or is about to, or did until a moment ago
 *	LISTED:   bit in chunk.room, and the chunk is on the class's shelf
 *	FULL:     neither; the next free of one of its objects lists it
 */
#ifndef ARENA_ARENA_H
#define ARENA_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "arena/front.h"
#include "arena/shelf.h"
#include "chunk/atomic.h"
#include "chunk/chunk.h"
#include "chunk/compiler.h"
#include "chunk/layout.h"
#include "chunk/slab.h"
#include "reclaim/pool.h"

/* Empty chunks that an arena keeps for the next allocation. */
#define EMPTY_CHUNKS_KEPT 1

struct arena {
	unsigned node;
	unsigned window;
	struct pool pool;
	struct shelves shelves;
	_Alignas(CACHE_LINE) atom32 nr_empty; /* linked, without a slab */
	atom32 nr_chunks;                     /* linked */
	atom32 max_chunks;
};

/* Is arena_init() done? */
static inline bool arena_is_ready(void)
{
	return libpcpu_nr_cpu_ids != 0;
}

/* CPUs below this allocate from the word that their slot names: all if there is
 * no front, none in debug mode. Constant after start. */
HIDDEN extern unsigned arena_word_limit;

/* What an allocation asks for, as the slow path passes it on. */
struct request {
	unsigned class;
	unsigned cpu;
	bool nowait;
};

/*
 * Set everything up, once; false if that failed, now or before, or if another
 * thread (or the code that a signal interrupted) is still at it. errno stays.
 */
bool arena_init(void);

/* A window's are its first node's, then the next one's. A node's take turns at
 * its chunks, so that the system's page tables serve all. */
unsigned arena_count(void);
struct arena *arena_at(unsigned index);

/* The i-th of a window; the first of a node. */
struct arena *arena_in(unsigned window, unsigned i);
struct arena *arena_first(unsigned window, unsigned node);
struct arena *arena_of(chunk_id chunk);

/* The i-th arena to try from a CPU, its own first, of the far-th nearest node,
 * its own being node 0. */
struct arena *arena_near(unsigned window, unsigned cpu, unsigned far,
			 unsigned i);

/* Steps 2 to 7. Lock-free. Returns false if all are exhausted. */
bool arena_pick(const struct request *request, struct object *object);

/* Step 5: link a chunk and carve its first slab. One that is set aside, as its
 * pages are still there; or else a fresh one. grow.c */
bool arena_take_back(struct arena *arena, const struct request *request,
		     struct object *object);
bool arena_grow(struct arena *arena, const struct request *request,
		struct object *object);

/* Give an arena without chunks one, or each node's first arena, so that NOWAIT
 * callers find something. grow.c */
void arena_link_first(struct arena *arena);
void arenas_link_first(void);

/* Retire all chunks that are empty; for trimming. grow.c */
void arena_retire_empty(struct arena *arena);

/* An empty slab's pages go back to its chunk. grow.c */
void arena_reap(page_id head, unsigned class);

/*
 * The caller lets go of pages that no slab has, and offers them; an empty chunk
 * may go with them. Returns the chunk's free pages, 0 if it was retired. grow.c
 */
uint64_t arena_let_go(page_id head, unsigned nr);

/* Pages went to the caller, and this is what was free before. grow.c */
void arena_note_claim(struct arena *arena, uint64_t before);

/* What rounds of reclaim do with pages of chunks in use. pages.c */
HIDDEN extern const struct reclaim_pages arena_pages;

/* Has the chunk, with these pages free, as many as are worth a round? */
bool arena_pages_are_many(chunk_id id, uint64_t free);

/* Carve a slab from pages that the caller has claimed, reserved for cpu.
 * reserve.c */
struct object arena_carve(page_id head, unsigned class, unsigned cpu);

/* Claim any object of the slab, if it is one of the class. reserve.c */
bool arena_claim(page_id head, unsigned class, struct object *object);

/* Reserve a listed slab of the class for cpu and claim in it. reserve.c */
bool arena_reserve(page_id head, unsigned class, unsigned cpu,
		   struct object *object);

/*
 * A slab that nobody has reserved: list it if it has room, retire it if it is
 * empty. Whatever slab, if any, the page is the head of by now; if that is
 * reserved, nothing.
 */
void arena_offer(page_id head);

/* The slab is no longer reserved. */
void arena_unreserve(page_id head);

/*
 * An object was freed and left its word with these free bits. If that makes
 * room in a full slab, or empties it, list or retire the slab. reserve.c
 */
void arena_note_free(const struct size_class *class, word_id word,
		     uint64_t free);

/* May a free that leaves its word so be one of these? Most are not. All words
 * of an empty slab are runs of ones from bit 0. */
static inline bool arena_free_tells(const struct size_class *class,
				    uint64_t free)
{
	return word_count(free) == class->spare + 1u || !(free & (free + 1));
}

/*
 * Let the CPU's slot name the word, of whose slab the caller holds an object
 * and the reservation, and hold what else is free in it. It lets go of what it
 * named before. slot.c
 */
void slot_install(const struct request *request, word_id word);

/* Step 2. slot.c */
bool slot_advance(const struct request *request, struct object *object);

/* Make all CPUs let go of what they have reserved in a window. slot.c */
void slots_drain(unsigned window);

/*
 * Is p, which was found with this class and seemed to be free, the handle of a
 * live object? Bits that slots hold tell nothing for sure: so they give them
 * back first, and with its last object the slab may go. slot.c
 */
bool arena_is_live(const void *p, const struct size_class *class);

/*
 * slots_drain(), and offer all slabs: also those that threads have not come to
 * tell of, and in a child of fork() never will.
 */
void arena_drain(unsigned window);

/* Give back a claim. */
void arena_unclaim(struct object object, unsigned class);

/* Give back claimed bits of a word. */
void arena_give_back(word_id word, uint64_t bits);

/* Give back a claim that a stale reference made in another class's slab. */
void arena_undo_stale(struct object object);

#endif /* ARENA_ARENA_H */
