/* SPDX-License-Identifier: MIT */
/*
 * A summary of the free runs of one bitmap, kept up to date by small steps so
 * that most searches need not read the bitmap.  The same type describes one
 * block (1,024 grains, one page) and a whole chunk.  Pure functions on values.
 *
 * Invariants, for a block:
 *  I1  first is the first free grain; bits when there is none.
 *  I2  [best_at, best_at + best) is free with no free neighbour; best is 0 only
 *      if nothing is free, and bits only if all is.
 *  I3  left and right are the free runs at both ends, exactly.
 *  I4  So is [scan_at, scan_at + scan), if scan is not 0, and scan <= best.
 *      Only if as long as best it may lie behind it.
 *
 * Best is meant to be the longest run, and scan the longest in front of it, so
 * that whoever wants more than scan starts behind it.  Neither is certain:
 * once scan is taken, the next run reported in front of best is scan, longer
 * ones that nobody reports since notwithstanding; and a scan that follows a
 * broken best is taken at its word.  So it is in the kernel.  The cost is a
 * fit missed, until the next search from first on finds the truth.
 *
 * A chunk's hint may also fall short where runs cross blocks: a free inside one
 * block reports only the part of the run inside that block.
 */
#ifndef BENCH_BASELINE_HINT_H
#define BENCH_BASELINE_HINT_H

#include <stdbool.h>

struct bl_hint {
	unsigned first;
	unsigned best, best_at;
	unsigned scan, scan_at;
	unsigned left, right;
	unsigned bits; /* size of what is described; constant */
};

static inline bool bl_overlap(unsigned a, unsigned a_end, unsigned b,
			      unsigned b_end)
{
	return a < b_end && b < a_end;
}

/* All @bits free. */
void bl_hint_init(struct bl_hint *h, unsigned bits);

/* The free run [start, end) exists; it is as long as can be. */
void bl_hint_add_run(struct bl_hint *h, unsigned start, unsigned end);

/*
 * Forgets best.  Scan, if known, takes its place.  Returns where to look for
 * runs to add, to make the hint whole again.
 */
unsigned bl_hint_demote(struct bl_hint *h);

/* [start, end) was taken: true if best is broken and has to be found again. */
static inline bool bl_hint_take(struct bl_hint *h, unsigned start, unsigned end)
{
	if (bl_overlap(h->scan_at, h->scan_at + h->scan, start, end))
		h->scan = 0;
	return bl_overlap(h->best_at, h->best_at + h->best, start, end);
}

/* Grains lost when best is aligned. */
static inline unsigned bl_hint_padding(const struct bl_hint *h, unsigned align)
{
	return -h->best_at & (align - 1);
}

static inline bool bl_hint_fits(const struct bl_hint *h, unsigned nr,
				unsigned align)
{
	return bl_hint_padding(h, align) + nr <= h->best;
}

/* Where a first fit that looks for @nr grains starts. */
static inline unsigned bl_hint_search_from(const struct bl_hint *h, unsigned nr)
{
	if (h->scan && h->best_at > h->scan_at && nr > h->scan)
		return h->scan_at + h->scan;
	return h->first;
}

#endif
