// SPDX-License-Identifier: MIT
/*
 * The floor: the least that a bitmap allocator of zeroed per-CPU memory can
 * do. Claim a bit of one word (count trailing zeros, compare and swap), write
 * eight zero bytes to each copy, give the bit back (fetch-and). No search, no
 * call, no check: no allocator gets here, and the distance tells what is left.
 */
#include "bench/rival.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Copies a page apart share a cache set: one line of skew each. */
	STRIDE = 4096 + 64,
	CROWD = 40, /* bits taken by the live population */
};

static _Alignas(64) _Atomic(uint64_t) word;
static char *units;
static size_t units_bytes;

static const char *floor_setup(const struct rival *self, unsigned nr_cpus)
{
	(void)self;
	units_bytes = (size_t)nr_cpus * STRIDE;
	units = aligned_alloc(64, units_bytes);
	if (!units)
		return "no memory";
	/* One copy is one page: touched here, as in a running allocator. */
	memset(units, 1, units_bytes);
	atomic_init(&word, UINT64_MAX << CROWD);
	return NULL;
}

static int claim(void)
{
	/* relaxed: the exchange validates it */
	uint64_t old = atomic_load_explicit(&word, memory_order_relaxed);

	/* pairs with [floor-free] unclaim(): nothing, but a rival would pay */
	while (old && !atomic_compare_exchange_weak_explicit(
			      &word, &old, old & (old - 1),
			      memory_order_acquire, memory_order_relaxed))
		;
	return old ? __builtin_ctzll(old) : -1;
}

static bool unclaim(int bit)
{
	uint64_t mask = UINT64_C(1) << bit;

	/* pairs with [floor-free] claim() */
	return !(atomic_fetch_or_explicit(&word, mask, memory_order_release) &
		 mask);
}

static bool floor_pairs(unsigned long n)
{
	size_t at;
	int bit;

	while (n--) {
		bit = claim();
		if (bit < 0)
			return false;
		for (at = 0; at < units_bytes; at += STRIDE)
			*(volatile uint64_t *)(units + at + bit * 8) = 0;
		if (!unclaim(bit))
			return false;
	}
	return true;
}

const struct rival rival_floor = {
	.name = "floor",
	.what = "bare loop: ctz+CAS, 8 B of zeros per copy, fetch-and",
	.kind = RIVAL_FLOOR,
	.setup = floor_setup,
	.bare_pairs = floor_pairs,
};
