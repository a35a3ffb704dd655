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
#include "pcpu/abi.h"

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

#if defined(LIBPCPU_HAVE_RSEQ) && defined(__x86_64__) && \
	!defined(__SANITIZE_THREAD__)
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
	int owner = map_owner(map_load(word_page(word)));
	const struct slot *slot;

	if (owner < 0)
		return 0;
	slot = slot_of(class, (unsigned)owner);
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

#if FRONT_SUPPORTED && !defined(MODEL_CHECK)

/*
 * Where the kernel finds a sequence: from 1 to 2, and whom it throws out goes
 * on at 4, which the signature in front of it marks. The descriptor's address
 * is stored in the thread's area; the kernel clears it when it is stale.
 */
#define RSEQ_BEGIN(scratch)                                   \
	".pushsection __rseq_cs, \"aw\"\n\t"                  \
	".balign 32\n"                                        \
	"3:\t.long 0, 0\n\t"                                  \
	".quad 1f, 2f - 1f, 4f\n\t"                           \
	".popsection\n\t"                                     \
	".pushsection __rseq_failure, \"ax\"\n\t"             \
	".byte 0x0f, 0xb9, 0x3d\n\t" /* ud1, not to be run */ \
	".long 0x53053053\n"         /* RSEQ_SIG */           \
	"4:\tjmp %l[refused]\n\t"                             \
	".popsection\n\t"                                     \
	"leaq 3b(%%rip), " scratch "\n\t"                     \
	"movq " scratch ", %%fs:%c[rseq_cs](%[area])\n"       \
	"1:\n\t"

#define RSEQ_END "2:\n\t"

/* The running CPU's slot, from the first CPU's. */
#define RSEQ_SLOT                                     \
	"movl %%fs:%c[cpu_id](%[area]), %k[slot]\n\t" \
	"cmpq %[limit], %[slot]\n\t"                  \
	"jge %l[refused]\n\t"                         \
	"shlq %[shift], %[slot]\n\t"                  \
	"addq %[slot0], %[slot]\n\t"

#define RSEQ_INPUTS(class)                                          \
	[area] "r"(__rseq_offset),                                  \
		[rseq_cs] "i"(offsetof(struct rseq, rseq_cs)),      \
		[cpu_id] "i"(offsetof(struct rseq, cpu_id)),        \
		[limit] "m"(front_limit), [shift] "i"(SLOTS_SHIFT), \
		[slot0] "m"((class)->slot0)

/* Claim the first object of the running CPU's slot. */
static inline bool front_claim(const struct size_class *class,
			       struct claimed *claimed)
{
	uint64_t free, rest, word, base;
	struct slot *slot;

	__asm__ __volatile__ goto(
		RSEQ_BEGIN("%[slot]") RSEQ_SLOT
		"movq (%[slot]), %[free]\n\t"
		"movl 8(%[slot]), %k[word]\n\t"
		"movl 12(%[slot]), %k[base]\n\t"
		"leaq -1(%[free]), %[rest]\n\t"
		"testq %[free], %[free]\n\t"
		"jz %l[refused]\n\t"
		"andq %[free], %[rest]\n\t"
		"movq %[rest], (%[slot])\n" RSEQ_END
		"rep bsfq %[free], %[free]\n\t" /* tzcnt, where there is one */
		: [slot] "=&r"(slot), [free] "=&r"(free), [rest] "=&r"(rest),
		  [word] "=&r"(word), [base] "=&r"(base)
		: RSEQ_INPUTS(class)
		: "cc", "memory"
		: refused);
	claimed->word = word;
	claimed->bit = free;
	claimed->base = base;
	claimed->slot = slot;
	return true;
refused:
	return false;
}

/* Give an object to the running CPU's slot. Refused, above all, if the slot
 * names another word or holds the object already. */
static inline bool front_unclaim(const struct size_class *class,
				 struct object object)
{
	struct slot *slot;
	uint64_t free;

	__asm__ __volatile__ goto(
		RSEQ_BEGIN("%[slot]") RSEQ_SLOT
		"cmpl %[word], 8(%[slot])\n\t"
		"jne %l[refused]\n\t"
		"movq (%[slot]), %[free]\n\t"
		"btsq %q[bit], %[free]\n\t"
		"jc %l[refused]\n\t"
		"movq %[free], (%[slot])\n" RSEQ_END
		: [slot] "=&r"(slot), [free] "=&r"(free)
		: RSEQ_INPUTS(class), [word] "r"(object.word.nr),
		  [bit] "r"(object.bit)
		: "cc", "memory"
		: refused);
	return true;
refused:
	return false;
}

#elif defined(MODEL_CHECK)

/* The same for the explorer, which throws threads out as the kernel does. */
bool front_claim(const struct size_class *class, struct claimed *claimed);
bool front_unclaim(const struct size_class *class, struct object object);

#else

static inline bool front_claim(const struct size_class *class,
			       struct claimed *claimed)
{
	(void)class, (void)claimed;
	return false;
}

static inline bool front_unclaim(const struct size_class *class,
				 struct object object)
{
	(void)class, (void)object;
	return false;
}

#endif

#endif /* ARENA_FRONT_H */
