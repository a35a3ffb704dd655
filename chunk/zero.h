/* SPDX-License-Identifier: MIT */
/*
 * Zeroing every unit's copy of an object. The copies of the skewed window lie
 * in different sets of the L1 cache, so plain stores one after another are as
 * fast as the hardware goes; sizes that are common get straight-line code.
 */
#ifndef CHUNK_ZERO_H
#define CHUNK_ZERO_H

#include <string.h>

#include "chunk/layout.h"

#define ZERO_COPIES(bytes)                                               \
	do {                                                             \
		for (unit = 0; unit < nr; unit++)                        \
			memset((void *)(handle + (uintptr_t)offset[unit]), 0, \
			       (bytes));                                 \
	} while (0)

static inline void copies_zero(unsigned window, uintptr_t handle, size_t size)
{
	const ptrdiff_t *offset = layout.unit_offset[window];
	unsigned nr = layout.nr_units;
	unsigned unit;

	switch (size) {
	case 4:
		ZERO_COPIES(4);
		break;
	case 8:
		ZERO_COPIES(8);
		break;
	case 16:
		ZERO_COPIES(16);
		break;
	case 32:
		ZERO_COPIES(32);
		break;
	case 64:
		ZERO_COPIES(64);
		break;
	default:
		ZERO_COPIES(size);
	}
}

#undef ZERO_COPIES

#endif /* CHUNK_ZERO_H */
