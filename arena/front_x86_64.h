/* SPDX-License-Identifier: MIT */
/*
 * x86-64: the sequences of the front. Included by arena/front.h alone, which
 * says what they do.
 */
#ifndef ARENA_FRONT_X86_64_H
#define ARENA_FRONT_X86_64_H

#include "arena/front.h"

#define FRONT_BEGIN LIBPCPU_SEQUENCE("%[slot]", "jmp %l[refused]")
#define FRONT_END "2:\n\t"

/* The running CPU's slot, from the first CPU's. */
#define FRONT_SLOT                                    \
	"movl %%fs:%c[cpu_id](%[area]), %k[slot]\n\t" \
	"cmpq %[limit], %[slot]\n\t"                  \
	"jge %l[refused]\n\t"                         \
	"shlq %[shift], %[slot]\n\t"                  \
	"addq %[slot0], %[slot]\n\t"

#define FRONT_INPUTS(class)                                         \
	[area] "r"(__rseq_offset),                                  \
		[rseq_cs] "i"(offsetof(struct rseq, rseq_cs)),      \
		[cpu_id] "i"(offsetof(struct rseq, cpu_id)),        \
		[limit] "m"(front_limit), [shift] "i"(SLOTS_SHIFT), \
		[slot0] "m"((class)->slot0)

static inline bool front_claim(const struct size_class *class,
			       struct claimed *claimed)
{
	uint64_t free, rest, word, base;
	struct slot *slot;

	__asm__ __volatile__ goto(
		FRONT_BEGIN FRONT_SLOT
		"movq (%[slot]), %[free]\n\t"
		"movl 8(%[slot]), %k[word]\n\t"
		"movl 12(%[slot]), %k[base]\n\t"
		"leaq -1(%[free]), %[rest]\n\t"
		"testq %[free], %[free]\n\t"
		"jz %l[refused]\n\t"
		"andq %[free], %[rest]\n\t"
		"movq %[rest], (%[slot])\n" FRONT_END
		"rep bsfq %[free], %[free]\n\t" /* tzcnt, where there is one */
		: [slot] "=&r"(slot), [free] "=&r"(free), [rest] "=&r"(rest),
		  [word] "=&r"(word), [base] "=&r"(base)
		: FRONT_INPUTS(class)
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

static inline bool front_unclaim(const struct size_class *class,
				 struct object object)
{
	struct slot *slot;
	uint64_t free;

	__asm__ __volatile__ goto(
		FRONT_BEGIN FRONT_SLOT "cmpl %[word], 8(%[slot])\n\t"
				       "jne %l[refused]\n\t"
				       "movq (%[slot]), %[free]\n\t"
				       "btsq %q[bit], %[free]\n\t"
				       "jc %l[refused]\n\t"
				       "movq %[free], (%[slot])\n" FRONT_END
		: [slot] "=&r"(slot), [free] "=&r"(free)
		: FRONT_INPUTS(class), [word] "r"(object.word.nr),
		  [bit] "r"(object.bit)
		: "cc", "memory"
		: refused);
	return true;
refused:
	return false;
}

/* A slot as the processor stores it: at once. */
typedef uint64_t slot_image __attribute__((vector_size(16)));
_Static_assert(sizeof(slot_image) == offsetof(struct slot, nr_alloc),
	       "all that must agree");

static inline bool front_try_exchange(unsigned cpu,
				      const struct size_class *class,
				      word_id expected, uint64_t held,
				      uint64_t free, uint64_t name)
{
	slot_image image = {free, name};
	struct slot *slot;

	__asm__ __volatile__ goto(
		FRONT_BEGIN "cmpl %[cpu], %%fs:%c[cpu_id](%[area])\n\t"
			    "jne %l[refused]\n\t" FRONT_SLOT
			    "cmpq %[held], (%[slot])\n\t"
			    "jne %l[refused]\n\t"
			    "cmpl %[expected], 8(%[slot])\n\t"
			    "jne %l[refused]\n\t"
			    "movaps %[image], (%[slot])\n" FRONT_END
		: [slot] "=&r"(slot)
		: FRONT_INPUTS(class), [cpu] "r"(cpu), [held] "r"(held),
		  [image] "x"(image), [expected] "r"(expected.nr)
		: "cc", "memory"
		: refused);
	return true;
refused:
	return false;
}

#endif /* ARENA_FRONT_X86_64_H */
