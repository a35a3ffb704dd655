/* SPDX-License-Identifier: MIT */
/*
 * Slabs: runs of pages cut into equal objects, one bit each.
 *
 * A claim takes the lowest free bit of a word with one CAS, then looks at the
 * map whether the word still belongs to a slab of the class it wants. That
 * validates itself: while we hold a bit the slab cannot be retired, so what the
 * map says then is true until we let go. A claim that came by a stale
 * reference gives its bit back. So no claim needs a read-side section, and a
 * thread stopped in the middle of one holds up nothing but that one object.
 *
 *	carve:   pages claimed -> map, used -> words := all free   (release)
 *	claim:   CAS(word, lowest bit cleared)           (acquire) -> map?
 *	unclaim: fetch_add(word, bit)                    (release)
 *	retire:  CAS(word, all free -> 0), word by word  (acquire) -> map? ->
 *	         CAS(map, not reserved -> 0) -> pages released
 *
 * retire holds word 0 first and to the end: that alone keeps others from
 * retiring or carving, so the map it reads then is true, and giving back the
 * words it took undoes a retire that found the slab in use. It empties the map
 * by a CAS, so a slab is either reserved or retired.
 *
 *	I5  a word that belongs to no slab is 0.
 *	I6  map[page] is of class 0 exactly if the page belongs to no slab, as
 *	    seen by who holds an object of it or has claimed the page.
 *	I7  a bit is set, or its object has exactly one owner.
 *	I8  every bit that was handed out since the system zeroed the pages is
 *	    below used[word], once its owner lets go of it.
 *	I10 a reserved slab is not retired, and only who reserved it lets go of
 *	    it.
 *
 *	              claim   unclaim   retire   carve
 *	claim          yes      yes       yes     yes
 *	unclaim                 yes      no(a)   no(a)
 *	retire                            yes    no(b)
 *	(a) the object's bit is clear, so retire fails
 *	(b) carve works on pages that only its caller holds
 */
#ifndef CHUNK_SLAB_H
#define CHUNK_SLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk/atomic.h"
#include "chunk/compiler.h"
#include "chunk/layout.h"
#include "chunk/sizeclass.h"
#include "chunk/units.h"
#include "chunk/word.h"

/* An object: bit `bit` of word `word`. */
struct object {
	word_id word;
	unsigned bit;
};

/*
 * map[page], all a free needs to know of the page's slab:
 *
 *	bits 0-7	class, 0 for a page without a slab
 *	bits 12-14	how many pages it lies behind the slab's head: as it
 *			stands there, how many bytes
 *	bits 15-28	in a head's: 1 + the CPU that has reserved the slab, 0
 *			if none has; see arena/arena.h
 *	bits 32-63	reciprocal of the objects' size
 */
#define MAP_CLASS UINT64_C(0xff)
#define MAP_BEHIND ((SLAB_PAGES_MAX - 1) << PAGE_SHIFT)
#define MAP_OWNER_SHIFT 15
#define MAP_OWNER (UINT64_C(0x3fff) << MAP_OWNER_SHIFT)
_Static_assert(NR_CLASSES <= CLASS_NUMBERS && CLASS_NUMBERS == MAP_CLASS + 1 &&
		       SLAB_PAGES_MAX <= 8 && LIBPCPU_CPUS_MAX < 0x3fff,
	       "the fields fit");

static inline uint64_t map_entry(unsigned class, unsigned behind)
{
	const struct size_class *c = &size_classes[class];

	return (uint64_t)c->reciprocal << 32 | behind << PAGE_SHIFT | class;
}

static inline unsigned map_class(uint64_t entry)
{
	return entry & MAP_CLASS;
}

static inline unsigned map_behind(uint64_t entry)
{
	return (unsigned)((entry & MAP_BEHIND) >> PAGE_SHIFT);
}

static inline unsigned map_bytes_behind(uint64_t entry)
{
	return entry & MAP_BEHIND;
}

/* The entry's owner field when cpu has reserved the slab. */
static inline uint64_t map_owned_by(unsigned cpu)
{
	return (uint64_t)(cpu + 1) << MAP_OWNER_SHIFT;
}

/* The CPU that has reserved it; negative if none has. */
static inline int map_owner(uint64_t entry)
{
	return (int)((entry & MAP_OWNER) >> MAP_OWNER_SHIFT) - 1;
}

static inline uint32_t map_reciprocal(uint64_t entry)
{
	return (uint32_t)(entry >> 32);
}

static inline uint64_t map_load(page_id page)
{
	/* relaxed: who needs it to be true holds an object or the page */
	return load_relaxed(&layout.map[page.nr]);
}

/* Is it the entry of the head of a slab of the class? */
static inline bool map_is_head(uint64_t entry, unsigned class)
{
	return (entry & (MAP_CLASS | MAP_BEHIND)) == class;
}

/* Is page the head of a slab of the class? See I6 for how long. */
static inline bool slab_is(page_id page, unsigned class)
{
	return map_is_head(map_load(page), class);
}

/* Has a CPU reserved it? Asked after a free, see arena_note_free(). */
static inline bool slab_is_reserved(page_id head)
{
	/* seq_cst [room]: we made room, then look whether the slab is
	 * reserved; slab_unreserve() and a look at the words go the other way
	 * round, and one of the two must see the other */
	return load_seq_cst(&layout.map[head.nr]) & MAP_OWNER;
}

/* Reserve it for cpu, unless it is reserved or no slab of the class. */
static inline bool slab_reserve(page_id head, unsigned class, unsigned cpu)
{
	/* seq_cst [room]: if it is reserved, who unreserves it looks at the
	 * list after; we have taken it off the list before */
	uint64_t old = load_seq_cst(&layout.map[head.nr]);

	/* seq_cst [room]: we look at the words next, see slab_is_reserved() */
	return map_is_head(old, class) && !(old & MAP_OWNER) &&
	       cas_seq_cst(&layout.map[head.nr], &old, old | map_owned_by(cpu));
}

static inline void slab_unreserve(page_id head)
{
	/* seq_cst [room]: the caller looks at the words next */
	fetch_and_seq_cst(&layout.map[head.nr], ~MAP_OWNER);
}

static inline atom64 *word_of(word_id word)
{
	return &layout.words[word.nr];
}

/* The object's index in its slab. */
static inline unsigned object_index(struct object object)
{
	return word_index(object.word) * WORD_BITS + object.bit;
}

static inline uintptr_t object_handle(const struct size_class *class,
				      struct object object)
{
	return page_handle(class->page0, word_page(object.word)) +
	       (uintptr_t)object_index(object) * class->size;
}

enum claim {
	CLAIMED,
	CLAIM_FULL,  /* no free bit in the word */
	CLAIM_STALE, /* the word's slab is of another class by now */
};

/* Claim the lowest free object of a word, whatever slab it belongs to. */
static inline bool word_claim(word_id id, struct object *object)
{
	atom64 *word = word_of(id);
	uint64_t old = load_relaxed(word); /* relaxed: the CAS decides */

	do {
		if (!old)
			return false;
		/* pairs with [word] slab_unclaim(), [carve] slab_carve(): what
		 * the last owner did to the object; map and used */
	} while (!cas_weak_acquire(word, &old, word_claim_first(old)));
	object->word = id;
	object->bit = word_first(old);
	return true;
}

/* Claim all free objects of a word. Returns their bits. */
static inline uint64_t word_claim_all(word_id word)
{
	/* relaxed: often there is nothing; the exchange decides */
	if (!load_relaxed(word_of(word)))
		return 0;
	/* pairs with [word] slab_unclaim(), [carve] slab_carve(): as in
	 * word_claim() */
	return xchg_acquire(word_of(word), 0);
}

/*
 * Let go of an object. Returns what was free before; if the object's bit is
 * among that it was free already, and nothing has changed.
 *
 * Adding the bit sets it, as it is clear: one instruction that also tells the
 * old word, where fetch_or would be a loop.
 */
static inline uint64_t slab_unclaim(struct object object)
{
	atom64 *word = word_of(object.word);
	uint64_t bit = word_bit(object.bit);
	/* pairs with [word] word_claim(), slab_retire(): what we did to the
	 * object. seq_cst [room]: whether the slab is reserved or listed is
	 * looked at next; who takes it off the list looks at the word next;
	 * one of the two must see the other. */
	uint64_t old = fetch_add_seq_cst(word, bit);

	if (unlikely(old & bit))
		fetch_sub_relaxed(word, bit); /* relaxed: we are to abort */
	return old;
}

/* The same for several objects of a word. Those that were free already stay
 * so. */
static inline uint64_t slab_unclaim_all(word_id word, uint64_t bits)
{
	/* pairs with [word] word_claim(): it carries on the releases of those
	 * whose bits we took. seq_cst [room]: as in slab_unclaim() */
	return fetch_or_seq_cst(word_of(word), bits);
}

/* Claim in a word that should belong to a slab of the class. */
static inline enum claim slab_claim(word_id word, unsigned class,
				    struct object *object)
{
	if (!word_claim(word, object))
		return CLAIM_FULL;
	return slab_is(word_page(word), class) ? CLAIMED : CLAIM_STALE;
}

/*
 * Was the object handed out before since the system zeroed its pages, so that
 * its copies must be zeroed? Asked by its owner, who then calls object_use().
 */
static inline bool object_is_used(struct object object)
{
	/* relaxed: the claim ordered it behind the last owner's object_use() */
	return object.bit < load_relaxed(&layout.used[object.word.nr]);
}

/* Mark an object that was not used as handed out. */
static inline void object_use(struct object object)
{
	atom8 *used = &layout.used[object.word.nr];
	uint8_t old = load_relaxed(used); /* relaxed: the CAS decides */

	/* relaxed: our unclaim publishes it. Others raise it for their bits. */
	while (old <= object.bit &&
	       !cas_weak_relaxed(used, &old, (uint8_t)(object.bit + 1)))
		;
}

/* Cut pages that the caller has claimed into a slab that is reserved for cpu
 * and whose first object is claimed for the caller. */
struct object slab_carve(page_id head, unsigned class, unsigned cpu);

/* Claim any object of the slab; CLAIM_STALE leaves one of another class. */
enum claim slab_claim_any(page_id head, unsigned class, struct object *object);

/* Has one of its words more free objects than its class's spare; are all its
 * objects free? Of the moment. */
bool slab_has_room(page_id head, unsigned class);
bool slab_is_empty(page_id head, unsigned class);

/*
 * Take an empty slab out of use. Returns false, and has changed nothing in the
 * end, if it is in use, reserved, or no slab of the class; other threads may
 * then have seen it full, so the caller must offer it again. As a reserved slab
 * stays, a slot that names one of its words never means another slab's.
 */
bool slab_retire(page_id head, unsigned class);

#endif /* CHUNK_SLAB_H */
