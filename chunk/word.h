/* SPDX-License-Identifier: MIT */
/*
 * Pure transitions of a 64-bit word of free bits: no memory is touched, so
 * they are tested without threads.
 *
 * A set bit is free. So memory that the system has just zeroed offers nothing,
 * the lowest free bit is one instruction away, and a word nobody owns is 0:
 * a claim that comes too late finds nothing to claim.
 *
 * Two kinds of owners use such words: slabs (chunk/slab.h, a bit per object)
 * and chunks (chunk/chunk.h, a bit per page).
 */
#ifndef CHUNK_WORD_H
#define CHUNK_WORD_H

#include <stdint.h>

#include "chunk/compiler.h"
#include "chunk/units.h"

/* Index of the lowest free bit; the word must not be 0. */
static inline unsigned word_first(uint64_t word)
{
	return (unsigned)__builtin_ctzll(word);
}

/* The word without its lowest free bit. */
static inline uint64_t word_claim_first(uint64_t word)
{
	return word & (word - 1);
}

/* Number of free bits, by arithmetic: without the instruction the compiler
 * would call a function that looks up bytes in a table. */
static inline unsigned word_sum(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) +
	       (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* Number of free bits. */
static inline unsigned word_count(uint64_t word)
{
#if defined(__x86_64__) && !defined(__POPCNT__)
	/* Any processor of the last 15 years has it. */
	if (unlikely(!__builtin_cpu_supports("popcnt")))
		return word_sum(word);
	/* volatile: else the compiler may run it ahead of the question */
	__asm__ volatile("popcntq %0, %0" : "+r"(word) : : "cc");
	return (unsigned)word;
#else
	return (unsigned)__builtin_popcountll(word);
#endif
}

/* Has it more than nr free bits? Mostly there are none. */
static inline int word_has_more(uint64_t word, unsigned nr)
{
	return word && word_count(word) > nr;
}

static inline uint64_t word_bit(unsigned index)
{
	return UINT64_C(1) << index;
}

/* The first nr bits; nr <= 64. */
static inline uint64_t word_below(unsigned nr)
{
	return nr < WORD_BITS ? word_bit(nr) - 1 : UINT64_MAX;
}

/* nr bits from index on; 1 <= nr <= 64 - index. */
static inline uint64_t word_run(unsigned index, unsigned nr)
{
	return (UINT64_MAX >> (WORD_BITS - nr)) << index;
}

/* The bits at which a run of nr free bits starts. */
static inline uint64_t word_run_starts(uint64_t word, unsigned nr)
{
	unsigned have = 1;

	/* Doubling: after each step a set bit starts a run of `have`. */
	while (have < nr) {
		unsigned step = have < nr - have ? have : nr - have;

		word &= word >> step;
		have += step;
	}
	return word;
}

/* The run of free bits around a free one. */
static inline uint64_t word_run_around(uint64_t word, unsigned index)
{
	uint64_t below = ~word & word_below(index);
	unsigned first =
		below ? WORD_BITS - (unsigned)__builtin_clzll(below) : 0;
	uint64_t taken = ~(word >> first);

	return word_run(first, taken ? word_first(taken) : WORD_BITS);
}

/* Length of the longest run of free bits, at most max. */
static inline unsigned word_longest_run(uint64_t word, unsigned max)
{
	unsigned length = 0;

	for (; word && length < max; length++)
		word &= word >> 1;
	return length;
}

#endif /* CHUNK_WORD_H */
