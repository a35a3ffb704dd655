/* SPDX-License-Identifier: MIT */
/*
 * Walks over a chunk's block hints; the bitmap itself is not read.
 */
#ifndef BENCH_BASELINE_FIT_H
#define BENCH_BASELINE_FIT_H

#include "chunk.h"

/*
 * The next region worth telling the chunk's hint of: from grain @from on, a
 * block's best, or what is free across block borders.  start is BL_UNIT_BITS
 * or more when there is none.
 */
struct bl_run bl_next_region(const struct bl_chunk *chunk, unsigned from);

#endif
