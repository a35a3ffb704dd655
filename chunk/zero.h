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
#include "chunk/sizeclass.h"

/* An object of any class. */
void copies_zero(const struct size_class *class, uintptr_t handle);

/* nr objects that lie side by side. */
void copies_zero_run(const struct size_class *class, uintptr_t handle,
		     unsigned nr);

/*
 * A counter's copies, two at a time: the table ends with the last unit's offset
 * twice, so that an odd number of copies needs no case of its own.
 */
static inline void copies_zero_8(const struct size_class *class,
				 uintptr_t handle)
{
	const ptrdiff_t *offset = class->unit_offset;
	const ptrdiff_t *end = class->unit_end;

	do {
		ptrdiff_t here = offset[0], next = offset[1];

		memset((char *)handle + here, 0, 8);
		memset((char *)handle + next, 0, 8);
		offset += 2;
	} while (offset < end);
}

#endif /* CHUNK_ZERO_H */
