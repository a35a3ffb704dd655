/* SPDX-License-Identifier: MIT */
/*
 * Size classes: which object size serves a request, and how a slab of that
 * size is cut.
 *
 * 4, 8, ... 64 bytes, then eight classes per doubling up to 32 KiB, 88 in all.
 * A request is rounded up to its alignment and then to its class; the class's
 * size is a multiple of the alignment again (see sizeclass_of), and slabs start
 * on a page, so every object is aligned.
 */
#ifndef CHUNK_SIZECLASS_H
#define CHUNK_SIZECLASS_H

#include <stddef.h>
#include <stdint.h>

#include "chunk/compiler.h"
#include "chunk/units.h"

#define NR_SMALL_CLASSES 16u /* 4 bytes apart, up to 64 */
#define SPARE_MAX 3u
#define NR_CLASSES (NR_SMALL_CLASSES + 9u * 8u)

/* 32 bytes: a class is one load away from being found by shift. */
struct size_class {
	_Alignas(32) uint32_t size; /* bytes of one object */
	uint32_t reciprocal; /* ceil(2^32 / size): offset to object index */
	uint64_t last_word;  /* of an empty slab: bits that stand for no
			      * object are never free */
	uint32_t nr_objects; /* in a slab */
	uint8_t nr_pages;    /* of a slab, 1 to SLAB_PAGES_MAX */
	uint8_t nr_words;    /* of a slab, 1 to PAGE_WORDS */
	uint8_t spare;       /* free objects of a word that do not make its slab
			      * worth listing, 0 to SPARE_MAX */
};
_Static_assert(sizeof(struct size_class) == 32, "indexed by shift");

HIDDEN extern struct size_class size_classes[NR_CLASSES];

/* Fill in the table; idempotent. */
void sizeclass_init(void);

/*
 * The smallest class that holds size bytes at align, both in range.
 *
 * Let a be the alignment and s the distance between classes around the rounded
 * size. Both are powers of two. If s <= a the size is a class of its own; if
 * s > a the class is a multiple of s, hence of a.
 */
static inline unsigned sizeclass_of(size_t size, size_t align)
{
	size_t rounded = (size + align - 1) & ~(align - 1);
	size_t last = rounded - 1;
	unsigned shift;

	if (rounded <= NR_SMALL_CLASSES * 4)
		return (unsigned)(last / 4);
	shift = 60 - (unsigned)__builtin_clzll(last);
	return NR_SMALL_CLASSES + (shift - 3) * 8 + (unsigned)(last >> shift) -
	       8;
}

/* Word `index` of a slab of the class when all its objects are free. */
static inline uint64_t sizeclass_word(const struct size_class *class,
				      unsigned index)
{
	return index + 1 == class->nr_words ? class->last_word : UINT64_MAX;
}

#endif /* CHUNK_SIZECLASS_H */
