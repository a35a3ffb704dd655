/* SPDX-License-Identifier: MIT */
/*
 * Size classes: which object size in which window serves a request, and how a
 * slab of that size is cut.
 *
 * 4, 8, ... 64 bytes, then eight sizes per doubling up to 32 KiB, 88 in all,
 * once for each window. A request is rounded up to its alignment and then to
 * its class; the class's size is a multiple of the alignment again (see
 * sizeclass_of), and slabs start on a page, so every object is aligned.
 */
#ifndef CHUNK_SIZECLASS_H
#define CHUNK_SIZECLASS_H

#include <stddef.h>
#include <stdint.h>

#include "chunk/compiler.h"
#include "chunk/units.h"

#define NR_SMALL_SIZES 16u /* 4 bytes apart, up to 64 */
#define SMALL_SIZE_MAX (NR_SMALL_SIZES * 4)
#define NR_SIZES (NR_SMALL_SIZES + 9u * 8u)
/* Class 0 is that of pages without a slab: it has no objects. */
#define NR_CLASSES (1 + NR_WINDOWS * NR_SIZES)
#define FIRST_CLASS(window) (1 + (window)*NR_SIZES)
#define SPARE_MAX 16u

struct size_class;
typedef void *copies_zero_fn(const struct size_class *class, uintptr_t handle);

/* All that the fast paths ask about a class, in one cache line. */
struct size_class {
	_Alignas(CACHE_LINE) uint32_t size; /* bytes of one object */
	uint32_t reciprocal; /* 2^32 / size, rounded up, see below */
	uint64_t last_word;  /* of an empty slab: bits that stand for no
			      * object are never free */
	uint32_t nr_objects; /* in a slab */
	uint8_t nr_pages;    /* of a slab, 1 to SLAB_PAGES_MAX */
	uint8_t nr_words;    /* of a slab, 1 to PAGE_WORDS */
	uint8_t spare;       /* free objects of a word that do not make its
			      * slab worth listing, 0 to SPARE_MAX */
	uint8_t window;
	uintptr_t page0;              /* the window's; see page_handle() */
	const ptrdiff_t *unit_offset; /* the window's: handle to copy */
	const ptrdiff_t *unit_end;
	struct slot *slot0;   /* the first CPU's, see arena/front.h */
	copies_zero_fn *zero; /* see chunk/zero.h */
};

/* As many as a map entry has numbers for: whatever somebody wrote over one,
 * what it names has no objects. */
#define CLASS_NUMBERS 256
HIDDEN extern struct size_class size_classes[CLASS_NUMBERS];

/* Fill in the table but for the windows' addresses; idempotent. */
void sizeclass_init(void);

/* Fill in a window's addresses. */
void sizeclass_place(unsigned window, uintptr_t page0,
		     const ptrdiff_t *unit_offset, unsigned nr_units);

/*
 * The smallest class that holds size bytes at align, both in range.
 *
 * Let a be the alignment and s the distance between sizes around the rounded
 * size. Both are powers of two. If s <= a the size is a class of its own; if
 * s > a the class is a multiple of s, hence of a.
 */
static inline unsigned sizeclass_of(size_t size, size_t align)
{
	size_t last = (size - 1) | (align - 1); /* of the rounded size */
	unsigned class = FIRST_CLASS(align > CACHE_LINE);
	unsigned shift;

	if (last < SMALL_SIZE_MAX)
		return class + (unsigned)(last / 4);
	shift = 60 - (unsigned)__builtin_clzll(last);
	return class + NR_SMALL_SIZES + (shift - 3) * 8 +
	       (unsigned)(last >> shift) - 8;
}

/* The same, of a request whose rounded size, less 1, is in that range. */
static inline const struct size_class *sizeclass_small(size_t last)
{
	return &size_classes[FIRST_CLASS(WINDOW_SKEWED)] + last / 4;
}

/*
 * Is an offset divided by a size, as offset * reciprocal, free of a remainder?
 * It is just if what the product leaves below 2^32 is less than the reciprocal
 * (D. Lemire et al., 2019). The quotient is the product's upper half.
 */
static inline int sizeclass_divides(uint64_t product, uint32_t reciprocal)
{
	return (uint32_t)product < reciprocal;
}

/* Word `index` of a slab of the class when all its objects are free. */
static inline uint64_t sizeclass_word(const struct size_class *class,
				      unsigned index)
{
	return index + 1 == class->nr_words ? class->last_word : UINT64_MAX;
}

#endif /* CHUNK_SIZECLASS_H */
