/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps of 64-bit words.  @size bounds a search and need not be a multiple
 * of 64; a search that finds nothing returns @size.  No locking of its own.
 */
#ifndef BENCH_BASELINE_BITS_H
#define BENCH_BASELINE_BITS_H

#include <stdbool.h>
#include <stdint.h>

#define BL_WORD_BITS 64u
#define BL_WORDS(bits) (((bits) + BL_WORD_BITS - 1) / BL_WORD_BITS)

/* @align is a power of two. */
#define BL_ALIGN_UP(x, align) (((x) + (align)-1) & ~((align)-1))

/* Half-open: bits [start, end). */
struct bl_run {
	unsigned start;
	unsigned end;
};

/* A wish for @nr clear bits, aligned to @align, inside @range. */
struct bl_area_wish {
	struct bl_run range;
	unsigned nr;
	unsigned align;
};

static inline bool bl_bit_test(const uint64_t *map, unsigned bit)
{
	return map[bit / BL_WORD_BITS] >> (bit % BL_WORD_BITS) & 1;
}

static inline void bl_bit_set(uint64_t *map, unsigned bit)
{
	map[bit / BL_WORD_BITS] |= (uint64_t)1 << (bit % BL_WORD_BITS);
}

/* First set, or first clear, bit in [from, size). */
unsigned bl_bits_next_one(const uint64_t *map, unsigned size, unsigned from);
unsigned bl_bits_next_zero(const uint64_t *map, unsigned size, unsigned from);

/* Last set bit below @size. */
unsigned bl_bits_last_one(const uint64_t *map, unsigned size);

/* First run of clear bits in [from, size); start is @size when none is left. */
struct bl_run bl_bits_next_hole(const uint64_t *map, unsigned size,
				unsigned from);

void bl_bits_fill(uint64_t *map, unsigned from, unsigned nr);
void bl_bits_clear(uint64_t *map, unsigned from, unsigned nr);

/*
 * First fit.  Returns range.end or more when nothing fits.  @skipped becomes
 * the largest hole that was too small, for the caller's hints; empty when there
 * was none.
 */
unsigned bl_bits_find_area(const uint64_t *map, const struct bl_area_wish *wish,
			   struct bl_run *skipped);

#endif
