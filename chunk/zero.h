/* SPDX-License-Identifier: MIT */
/*
 * Zeroing every unit's copy of an object. The copies of the skewed window lie
 * in different sets of the L1 cache, so plain stores one after another are as
 * fast as the hardware goes.
 */
#ifndef CHUNK_ZERO_H
#define CHUNK_ZERO_H

#include <string.h>

#include "chunk/layout.h"

/* Any size; chunk/zero.c */
void copies_zero_any(unsigned window, uintptr_t handle, size_t size);

/* The common sizes, counters and pairs of them, are two stores a copy. */
static inline void copies_zero(unsigned window, uintptr_t handle, size_t size)
{
	const ptrdiff_t *offset = layout.unit_offset[window];
	const ptrdiff_t *end = offset + layout.nr_units;

	if (size < 8 || size > 16) {
		copies_zero_any(window, handle, size);
		return;
	}
	for (; offset < end; offset++) {
		char *copy = (char *)(handle + (uintptr_t)*offset);

		memset(copy, 0, 8);
		memset(copy + size - 8, 0, 8);
	}
}

#endif /* CHUNK_ZERO_H */
