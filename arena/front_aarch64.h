/* SPDX-License-Identifier: MIT */
/*
 * aarch64: the sequences of the front. Included by arena/front.h alone, which
 * says what they do.
 *
 * A slot's accesses need no order: between two threads of its CPU stands the
 * scheduler's barrier, between the CPU and who has stopped the front that of
 * membarrier(2). The limit is acquired, as nothing fences when the front goes
 * on.
 */
#ifndef ARENA_FRONT_AARCH64_H
#define ARENA_FRONT_AARCH64_H

#include "arena/front.h"

#define FRONT_BEGIN LIBPCPU_SEQUENCE("%[slot]", "b %l[refused]")
#define FRONT_END "2:\n\t"

/* The running CPU's slot. Pairs with [front] front_go(): slots as it left
 * them. */
#define FRONT_SLOT                                \
	"ldr %w[slot], [%[area], %c[cpu_id]]\n\t" \
	"ldar %[free], %[limit]\n\t"              \
	"cmp %[slot], %[free]\n\t"                \
	"b.ge %l[refused]\n\t"                    \
	"add %[slot], %[slot0], %[slot], lsl %c[shift]\n\t"

#define FRONT_INPUTS(class)                                         \
	[area] "r"(libpcpu_rseq_area()),                            \
		[rseq_cs] "i"(offsetof(struct rseq, rseq_cs)),      \
		[cpu_id] "i"(offsetof(struct rseq, cpu_id)),        \
		[limit] "Q"(front_limit), [shift] "i"(SLOTS_SHIFT), \
		[slot0] "r"((class)->slot0)

static inline bool front_claim(const struct size_class *class,
			       struct claimed *claimed)
{
	uint64_t free, rest, word, base;
	struct slot *slot;

	__asm__ __volatile__ goto(
		FRONT_BEGIN FRONT_SLOT
		"ldr %[free], [%[slot]]\n\t"
		"cbz %[free], %l[refused]\n\t"
		"ldp %w[word], %w[base], [%[slot], 8]\n\t"
		"sub %[rest], %[free], 1\n\t"
		"and %[rest], %[rest], %[free]\n\t"
		"str %[rest], [%[slot]]\n" FRONT_END
		: [slot] "=&r"(slot), [free] "=&r"(free), [rest] "=&r"(rest),
		  [word] "=&r"(word), [base] "=&r"(base)
		: FRONT_INPUTS(class)
		: "cc", "memory"
		: refused);
	claimed->word = word;
	claimed->bit = (uint64_t)__builtin_ctzll(free);
	claimed->base = base;
	claimed->slot = slot;
	return true;
refused:
	return false;
}

static inline bool front_unclaim(const struct size_class *class,
				 struct object object)
{
	uint64_t free, held;
	struct slot *slot;

	__asm__ __volatile__ goto(
		FRONT_BEGIN FRONT_SLOT "ldr %w[free], [%[slot], 8]\n\t"
				       "cmp %w[free], %w[word]\n\t"
				       "b.ne %l[refused]\n\t"
				       "ldr %[held], [%[slot]]\n\t"
				       "tst %[held], %[bit]\n\t"
				       "b.ne %l[refused]\n\t"
				       "orr %[held], %[held], %[bit]\n\t"
				       "str %[held], [%[slot]]\n" FRONT_END
		: [slot] "=&r"(slot), [free] "=&r"(free), [held] "=&r"(held)
		: FRONT_INPUTS(class), [word] "r"(object.word.nr),
		  [bit] "r"(word_bit(object.bit))
		: "cc", "memory"
		: refused);
	return true;
refused:
	return false;
}

/*
 * Bits and name must change at once, also for who is thrown out in the middle.
 * An ordinary store of a pair may be done by halves; an exclusive one may not,
 * but may fail without a reason.
 */
static inline bool front_try_exchange(unsigned cpu,
				      const struct size_class *class,
				      word_id expected, uint64_t held,
				      uint64_t free, uint64_t name)
{
	uint64_t found, named;
	struct slot *slot;
	uint32_t failed;

	__asm__ __volatile__ goto(
		FRONT_BEGIN
		"ldr %w[slot], [%[area], %c[cpu_id]]\n\t"
		"cmp %w[slot], %w[cpu]\n\t"
		"b.ne %l[refused]\n\t" FRONT_SLOT
		"ldxp %[free], %[named], [%[slot]]\n\t"
		"cmp %[free], %[held]\n\t"
		"b.ne %l[refused]\n\t"
		"cmp %w[named], %w[expected]\n\t"
		"b.ne %l[refused]\n\t"
		"stxp %w[failed], %[bits], %[name], [%[slot]]\n" FRONT_END
		: [slot] "=&r"(slot), [free] "=&r"(found), [named] "=&r"(named),
		  [failed] "=&r"(failed)
		: FRONT_INPUTS(class), [cpu] "r"(cpu), [held] "r"(held),
		  [expected] "r"(expected.nr), [bits] "r"(free),
		  [name] "r"(name)
		: "cc", "memory"
		: refused);
	return !failed;
refused:
	return false;
}

#endif /* ARENA_FRONT_AARCH64_H */
