// SPDX-License-Identifier: MIT
/*
 * Word-wise searches and fills, and the first-fit area search.
 */
#include "bits.h"

static inline unsigned lowest(uint64_t word)
{
	return (unsigned)__builtin_ctzll(word);
}

static inline unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The bits of a word at and above @bit, and those below it. */
static inline uint64_t mask_from(unsigned bit)
{
	return ~(uint64_t)0 << (bit % BL_WORD_BITS);
}

/* @flip is all ones to look for clear bits; a constant in both callers. */
static inline unsigned next_bit(const uint64_t *map, unsigned size,
				unsigned from, uint64_t flip)
{
	unsigned word = from / BL_WORD_BITS;
	uint64_t found;

	if (from >= size)
		return size;
	found = (map[word] ^ flip) & mask_from(from);
	while (!found) {
		word++;
		if (word * BL_WORD_BITS >= size)
			return size;
		found = map[word] ^ flip;
	}
	return min_of(word * BL_WORD_BITS + lowest(found), size);
}

unsigned bl_bits_next_one(const uint64_t *map, unsigned size, unsigned from)
{
	return next_bit(map, size, from, 0);
}

unsigned bl_bits_next_zero(const uint64_t *map, unsigned size, unsigned from)
{
	return next_bit(map, size, from, ~(uint64_t)0);
}

unsigned bl_bits_last_one(const uint64_t *map, unsigned size)
{
	unsigned word;
	uint64_t found;

	if (!size)
		return size;
	word = (size - 1) / BL_WORD_BITS;
	found = map[word] & (~(uint64_t)0 >> (-size % BL_WORD_BITS));
	while (!found) {
		if (!word)
			return size;
		found = map[--word];
	}
	return word * BL_WORD_BITS + 63 - (unsigned)__builtin_clzll(found);
}

struct bl_run bl_bits_next_hole(const uint64_t *map, unsigned size,
				unsigned from)
{
	struct bl_run hole;

	hole.start = bl_bits_next_zero(map, size, from);
	hole.end = bl_bits_next_one(map, size, hole.start);
	return hole;
}

void bl_bits_fill(uint64_t *map, unsigned from, unsigned nr)
{
	unsigned end = from + nr;
	unsigned word = from / BL_WORD_BITS;
	uint64_t mask = mask_from(from);

	for (; (word + 1) * BL_WORD_BITS <= end; word++) {
		map[word] |= mask;
		mask = ~(uint64_t)0;
	}
	if (word * BL_WORD_BITS < end)
		map[word] |= mask & ~mask_from(end);
}

void bl_bits_clear(uint64_t *map, unsigned from, unsigned nr)
{
	unsigned end = from + nr;
	unsigned word = from / BL_WORD_BITS;
	uint64_t mask = mask_from(from);

	for (; (word + 1) * BL_WORD_BITS <= end; word++) {
		map[word] &= ~mask;
		mask = ~(uint64_t)0;
	}
	if (word * BL_WORD_BITS < end)
		map[word] &= ~(mask & ~mask_from(end));
}

/* How well a bit number is aligned; zero is aligned to everything. */
static bool better_aligned(unsigned a, unsigned b)
{
	return b && (!a || lowest(a) > lowest(b));
}

static void keep_larger(struct bl_run *kept, unsigned start, unsigned end)
{
	unsigned had = kept->end - kept->start;
	unsigned has = end - start;

	if (has > had ||
	    (has && has == had && better_aligned(start, kept->start))) {
		kept->start = start;
		kept->end = end;
	}
}

unsigned bl_bits_find_area(const uint64_t *map, const struct bl_area_wish *wish,
			   struct bl_run *skipped)
{
	unsigned limit = wish->range.end;
	unsigned from = wish->range.start;
	unsigned start, end, taken;

	skipped->start = 0;
	skipped->end = 0;
	for (;;) {
		start = bl_bits_next_zero(map, limit, from);
		start = BL_ALIGN_UP(start, wish->align);
		end = start + wish->nr;
		if (end > limit)
			return end;
		taken = bl_bits_next_one(map, end, start);
		if (taken == end)
			return start;
		keep_larger(skipped, start, taken);
		from = taken + 1;
	}
}
