/* SPDX-License-Identifier: MIT */
/*
 * Zeroing every unit's copy of an object. The copies of the skewed window lie
 * in different sets of the L1 cache, so plain stores one after another are as
 * fast as the hardware goes.
 */
#ifndef CHUNK_ZERO_H
#define CHUNK_ZERO_H

#include <stdbool.h>
#include <string.h>

#include "chunk/layout.h"
#include "chunk/sizeclass.h"

/* An object of any class. */
void copies_zero(const struct size_class *class, uintptr_t handle);

/* Counters, and what is not much larger, are worth zeroing in line. */
static inline bool copies_are_small(const struct size_class *class)
{
	return class->size - 8 <= 8;
}

/* One store a copy, or two that may overlap. */
static inline void copies_zero_small(const struct size_class *class,
				     uintptr_t handle)
{
	const ptrdiff_t *offset = class->unit_offset;
	const ptrdiff_t *end = offset + layout.nr_units;
	size_t last = class->size - 8;

	if (likely(last == 0)) {
		do {
			memset((char *)(handle + (uintptr_t)*offset), 0, 8);
		} while (++offset != end);
		return;
	}
	do {
		char *copy = (char *)(handle + (uintptr_t)*offset);

		memset(copy, 0, 8);
		memset(copy + last, 0, 8);
	} while (++offset != end);
}

#endif /* CHUNK_ZERO_H */
