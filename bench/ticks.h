// SPDX-License-Identifier: MIT
/*
 * ticks.h - how long single calls took, by the cycle counter.
 *
 * A tally counts samples by their length, in steps of less than 1 %: any
 * number of them in a few cache lines, and no sorting afterwards.
 */
#ifndef BENCH_TICKS_H
#define BENCH_TICKS_H

#include "case.h"

#include <stdint.h>

enum {
	TALLY_SHIFT = 7, /* so many bits of a length are kept */
	TALLY_SIZE = (32 - TALLY_SHIFT + 1) << TALLY_SHIFT,
};

struct tally {
	uint64_t nr;
	uint32_t count[TALLY_SIZE];
};

/* The two clocks at one moment. */
struct moment {
	uint64_t ns;
	uint64_t ticks;
};

static inline uint32_t clamp_ticks(uint64_t ticks)
{
	return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

/* Where a length is counted: itself, or its first bits after the leading. */
static inline unsigned tally_index(uint32_t ticks)
{
	unsigned shift;

	if (ticks >> TALLY_SHIFT == 0)
		return ticks;
	shift = 31 - TALLY_SHIFT - (unsigned)__builtin_clz(ticks);
	return (shift << TALLY_SHIFT) + (ticks >> shift);
}

static inline void tally_add(struct tally *tally, uint32_t ticks)
{
	tally->count[tally_index(ticks)]++;
	tally->nr++;
}

void tally_merge(struct tally *into, const struct tally *from);

struct moment moment_now(void);

/*
 * p50, p99 and p999 in ns, less what a reading of the counter takes; that
 * (timer), the counter's own step (grain) and the number of samples. The
 * counter's rate is that since the moment given.
 */
void tally_report(const struct tally *tally, struct moment since,
		  struct result *result);

#endif
