// SPDX-License-Identifier: MIT
/*
 * How a newly known free run changes the summary.
 */
#include "hint.h"

void bl_hint_init(struct bl_hint *h, unsigned bits)
{
	*h = (struct bl_hint){
		.best = bits,
		.left = bits,
		.right = bits,
		.bits = bits,
	};
}

static bool better_aligned(unsigned a, unsigned b)
{
	return b && (!a || __builtin_ctz(a) > __builtin_ctz(b));
}

static void set_scan(struct bl_hint *h, unsigned start, unsigned len)
{
	h->scan = len;
	h->scan_at = start;
}

/*
 * The old best becomes scan if it lies in front and says more than the scan
 * that we have.  A scan that would end up level with or behind the new best
 * while being shorter says nothing any more.
 */
static void replace_best(struct bl_hint *h, unsigned start, unsigned len)
{
	if (start <= h->best_at)
		h->scan = 0;
	else if (h->best > h->scan)
		set_scan(h, h->best_at, h->best);
	else if (start <= h->scan_at)
		h->scan = 0;
	h->best = len;
	h->best_at = start;
}

/* Of two equals the better aligned is best, the farther one is scan. */
static void add_equal(struct bl_hint *h, unsigned start, unsigned len)
{
	if (better_aligned(start, h->best_at)) {
		h->best_at = start;
		if (start <= h->scan_at && h->best > h->scan)
			h->scan = 0;
	} else if (start > h->scan_at || h->best > h->scan) {
		set_scan(h, start, len);
	}
}

void bl_hint_add_run(struct bl_hint *h, unsigned start, unsigned end)
{
	unsigned len = end - start;

	if (start < h->first)
		h->first = start;
	if (start == 0)
		h->left = len;
	if (end == h->bits)
		h->right = len;

	if (len > h->best)
		replace_best(h, start, len);
	else if (len == h->best)
		add_equal(h, start, len);
	else if (start < h->best_at &&
		 (len > h->scan || (len == h->scan && start > h->scan_at)))
		set_scan(h, start, len);
}

unsigned bl_hint_demote(struct bl_hint *h)
{
	if (!h->scan) {
		h->best = 0;
		return h->first;
	}
	h->best = h->scan;
	h->best_at = h->scan_at;
	h->scan = 0;
	return h->best_at + h->best;
}
