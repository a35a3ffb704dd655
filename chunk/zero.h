/* SPDX-License-Identifier: MIT */
/*
 * Zeroing every unit's copy of an object. The copies of the skewed window lie
 * in different sets of the L1 cache, so plain stores one after another are as
 * fast as the hardware goes. Each class knows the function for its size.
 */
#ifndef CHUNK_ZERO_H
#define CHUNK_ZERO_H

#include "chunk/sizeclass.h"

/* What zeroes objects of a size, and returns the handle as a pointer. */
copies_zero_fn *copies_zero_for(uint32_t size);

/* nr objects that lie side by side. */
void copies_zero_run(const struct size_class *class, uintptr_t handle,
		     unsigned nr);

/*
 * These objects of the word whose first is at `handle` are soon to be zeroed:
 * ask for the first line of a few copies.
 */
void copies_prefetch(const struct size_class *class, uintptr_t handle,
		     uint64_t objects);

#endif /* CHUNK_ZERO_H */
