/* SPDX-License-Identifier: MIT */
/*
 * The front: objects that a CPU has claimed in advance, handed out and taken
 * back without atomic operations.
 *
 * A CPU's slot for a class names a word and holds free bits of it that are no
 * longer in the word: to everybody else these objects are taken. Only threads
 * that run on the CPU change the slot, each change being the last store of a
 * restartable sequence (rseq(2)): the kernel restarts whoever is preempted,
 * interrupted by a signal or migrated before that store, so no two of them can
 * be in the middle of one. The bits go back to the word when the slot lets go.
 *
 * A sequence is tried once. Who is thrown out of it, which a preemption does
 * now and then and a debugger always, goes the way over the word.
 *
 * Other CPUs may have to look into a slot: to trim, or before they say ENOMEM.
 * They switch the front off, for all CPUs, by lowering front_limit, which every
 * sequence reads; the fence of membarrier(2) throws out those who have read it
 * before. From then on slots stand still. Without rseq or that fence the limit
 * stays 0, slots hold no bits, and every claim is a CAS on the word.
 *
 *	F1  a bit in a slot is clear in its word, and its object has no owner.
 *	F2  while the limit is positive, only its CPU writes a slot.
 *	F3  while a slot names a word, its CPU has reserved the word's slab, so
 *	    that it is not retired (I10).
 */
#ifndef ARENA_FRONT_H
#define ARENA_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk/atomic.h"
#include "chunk/compiler.h"
#include "chunk/sizeclass.h"
#include "chunk/slab.h"
#include "pcpu/context.h"

struct slot {
	_Alignas(32) atom64 free; /* bits that are the CPU's to hand out */
	atom32 word;              /* of which word; 0 for none */
	uint32_t base;            /* where its objects are: front_base() */
	atom64 nr_alloc;          /* see pcpu_stats_get() */
};

/* A page or two: the classes of the second window are rarely used. */
#define SLOTS_SHIFT 13
struct slots {
	struct slot slot[NR_CLASSES];
	char unused[(1 << SLOTS_SHIFT) - NR_CLASSES * sizeof(struct slot)];
};
_Static_assert(sizeof(struct slots) == 1 << SLOTS_SHIFT, "indexed by shift");

/* By CPU number; constant after start. */
HIDDEN extern struct slots *arena_slots;

/* CPUs below this use their front; none if it is 0 or, while the front is off,
 * negative. A thread without rseq area has a CPU number above all. */
HIDDEN extern atom64 front_limit;

#if defined(LIBPCPU_HAVE_RSEQ) && !defined(LIBPCPU_TSAN)
#define FRONT_SUPPORTED 1
#else
#define FRONT_SUPPORTED 0
#endif

/* The slot of a CPU. */
static inline struct slot *slot_of(const struct size_class *class, unsigned cpu)
{
	return (struct slot *)((char *)class->slot0 +
			       ((size_t)cpu << SLOTS_SHIFT));
}

/*
 * The bits of a word that a slot seems to hold: that of the CPU which has
 * reserved the word's slab. An object that was freed into it before this call
 * is among them, unless slots were drained meanwhile; others may be too, as the
 * slot changes while we look.
 */
static inline uint64_t slot_bits(const struct size_class *class, word_id word)
{
	uint64_t entry = map_load(word_page(word));
	const struct slot *slot;

	if (!(entry & MAP_OWNER))
		return 0;
	slot = slot_of(class, (unsigned)map_owner(entry));
	/* relaxed: see above for what the answer is worth */
	if (load_relaxed(&slot->word) != word.nr)
		return 0;
	return load_relaxed(&slot->free); /* relaxed: the same */
}

/* Make the slots. Returns false if there is no address space for them. */
bool front_init(void);

/* Switch the front on, if the system can. Once. */
void front_start(void);

/* Has this process a front? Then this is the limit while it is on. Constant
 * after start. */
HIDDEN extern uint64_t front_limit_on;

static inline bool front_exists(void)
{
	return FRONT_SUPPORTED && front_limit_on;
}

/*
 * Switch the front off for all and wait until nobody is in the middle of a
 * sequence. Returns false, and has changed nothing, if that cannot be known.
 */
bool front_stop(void);

/* The other half: when all who called front_stop() have called it, the front is
 * on again. */
void front_go(void);

/* Is it on? A hint: sequences ask for themselves. */
static inline bool front_is_on(void)
{
	return (int64_t)load_relaxed(&front_limit) > 0; /* relaxed: a hint */
}

/*
 * Let the CPU's slot name `word` and hold these bits of it, all of which the
 * caller has claimed, or claims or gives by this, if it names `expected` and
 * holds `held` of that. Returns false, and has changed nothing, if it does not,
 * the front is off, or we do not run on that CPU.
 */
bool front_exchange(unsigned cpu, const struct size_class *class,
		    word_id expected, uint64_t held, word_id word,
		    uint64_t free);

/* The same for a slot that holds nothing. */
static inline bool front_install(unsigned cpu, const struct size_class *class,
				 word_id expected, word_id word, uint64_t free)
{
	return front_exchange(cpu, class, expected, 0, word, free);
}

/* What names a word in a slot, as it lies there. */
static inline uint64_t front_name(uint32_t word, uint32_t base)
{
	return (uint64_t)base << 32 | word;
}

/* What front_claim() finds out about the object. */
struct claimed {
	uint64_t bit, word, base; /* wide, so that nothing needs extension */
	struct slot *slot;
};

/*
 * A word's first object, in units that 32 bits suffice for: a word's objects
 * take a multiple of 256 bytes.
 */
#define FRONT_BASE_SHIFT 8
_Static_assert(1 << FRONT_BASE_SHIFT == WORD_BITS * 4, "4 is the least size");

static inline uint32_t front_base(const struct size_class *class, word_id word)
{
	return (uint32_t)((object_handle(class, (struct object){word, 0}) -
			   class->page0) >>
			  FRONT_BASE_SHIFT);
}

static inline uintptr_t claimed_handle(const struct size_class *class,
				       const struct claimed *claimed)
{
	return class->page0 + (claimed->base << FRONT_BASE_SHIFT) +
	       claimed->bit * class->size;
}

/*
 * The sequences, by processor:
 *
 *	front_claim()		claim the first object of the running CPU's
 *				slot
 *	front_unclaim()		give an object to that slot. Refused, above
 *				all, if the slot names another word or holds
 *				the object already
 *	front_try_exchange()	front_exchange(), with the slot's new name
 */
#if defined(MODEL_CHECK)
/* The explorer's, which throws threads out as the kernel does. */
bool front_claim(const struct size_class *class, struct claimed *claimed);
bool front_unclaim(const struct size_class *class, struct object object);
#elif !FRONT_SUPPORTED
#include "arena/front_none.h"
#elif defined(__x86_64__)
#include "arena/front_x86_64.h"
#else
#include "arena/front_aarch64.h"
#endif

#endif /* ARENA_FRONT_H */
