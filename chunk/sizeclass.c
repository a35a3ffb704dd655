// SPDX-License-Identifier: MIT
#include "chunk/sizeclass.h"

#include "chunk/word.h"
#include "chunk/zero.h"

struct size_class size_classes[CLASS_NUMBERS];

/* At most this share of a slab may be left over behind its last object. */
#define TAIL_SHARE 16

/*
 * How many objects of a word may become free before a full slab is listed: who
 * reserves it then finds enough to be worth the way. A tenth; or so many bytes'
 * worth, as most objects are small, and these take little memory.
 */
#define SPARE_SHARE 10
#define SPARE_BYTES 96

static uint8_t spare_objects(uint32_t size, unsigned per_word)
{
	unsigned share = per_word / SPARE_SHARE, lines = SPARE_BYTES / size;
	unsigned spare = share > lines ? share : lines;

	return (uint8_t)(spare < SPARE_MAX ? spare : SPARE_MAX);
}

static uint32_t nth_size(unsigned n)
{
	unsigned octave, step;

	if (n < NR_SMALL_SIZES)
		return (n + 1) * 4;
	octave = (n - NR_SMALL_SIZES) / 8;
	step = (n - NR_SMALL_SIZES) % 8;
	return (64u << octave) + (step + 1) * (8u << octave);
}

/* The fewest pages with little left over, else those with the least. */
static uint8_t slab_pages(uint32_t size)
{
	unsigned best = 0, pages;

	for (pages = 1; pages <= SLAB_PAGES_MAX; pages++) {
		uint32_t bytes = pages * PAGE_BYTES;

		if (bytes < size)
			continue;
		if (bytes % size <= bytes / TAIL_SHARE)
			return (uint8_t)pages;
		if (!best ||
		    bytes % size * best < best * PAGE_BYTES % size * pages)
			best = pages;
	}
	return (uint8_t)best;
}

void sizeclass_init(void)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class += 1) {
		struct size_class *c = &size_classes[class];
		uint32_t size = nth_size((class - 1) % NR_SIZES);
		unsigned in_last;

		c->size = size;
		c->window = (uint8_t)((class - 1) / NR_SIZES);
		c->reciprocal = (uint32_t)((UINT64_C(1) << 32) / size + 1);
		c->nr_pages = slab_pages(size);
		c->nr_objects = c->nr_pages * PAGE_BYTES / size;
		c->nr_words =
			(uint8_t)((c->nr_objects + WORD_BITS - 1) / WORD_BITS);
		in_last = c->nr_objects - (c->nr_words - 1u) * WORD_BITS;
		c->spare = spare_objects(size, c->nr_objects / c->nr_words);
		c->last_word = word_run(0, in_last);
		c->zero = copies_zero_for(size);
	}
}

void sizeclass_place(unsigned window, uintptr_t page0,
		     const ptrdiff_t *unit_offset, unsigned nr_units)
{
	struct size_class *c = &size_classes[FIRST_CLASS(window)];
	struct size_class *end = c + NR_SIZES;

	for (; c < end; c++) {
		c->page0 = page0;
		c->unit_offset = unit_offset;
		c->unit_end = unit_offset + nr_units;
	}
}
