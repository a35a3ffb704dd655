// SPDX-License-Identifier: MIT
#include "chunk/sizeclass.h"

#include "chunk/word.h"

struct size_class size_classes[NR_CLASSES];

/* At most this share of a slab may be left over behind its last object. */
#define TAIL_SHARE 16

/* At most this share of a full slab's objects may become free before the slab
 * is listed: who reserves it then finds enough to be worth the way. */
#define SPARE_SHARE 16

static uint32_t class_size(unsigned class)
{
	unsigned octave, step;

	if (class < NR_SMALL_CLASSES)
		return (class + 1) * 4;
	octave = (class - NR_SMALL_CLASSES) / 8;
	step = (class - NR_SMALL_CLASSES) % 8;
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

	for (class = 0; class < NR_CLASSES; class ++) {
		struct size_class *c = &size_classes[class];
		uint32_t size = class_size(class);
		unsigned in_last;

		c->size = size;
		c->reciprocal = (uint32_t)((UINT64_C(1) << 32) / size + 1);
		c->nr_pages = slab_pages(size);
		c->nr_objects = c->nr_pages * PAGE_BYTES / size;
		c->nr_words =
			(uint8_t)((c->nr_objects + WORD_BITS - 1) / WORD_BITS);
		in_last = c->nr_objects - (c->nr_words - 1u) * WORD_BITS;
		c->spare = (uint8_t)(c->nr_objects / c->nr_words / SPARE_SHARE);
		if (c->spare > SPARE_MAX)
			c->spare = SPARE_MAX;
		c->last_word = word_run(0, in_last);
	}
}
