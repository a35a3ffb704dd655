// SPDX-License-Identifier: MIT
#include "ticks.h"

#include "clock.h"

#include <stdlib.h>

enum { EMPTY_SAMPLES = 10001 };

void tally_merge(struct tally *into, const struct tally *from)
{
	unsigned i;

	for (i = 0; i < TALLY_SIZE; i++)
		into->count[i] += from->count[i];
	into->nr += from->nr;
}

/* The middle of what is counted there. */
static double tally_ticks(unsigned index)
{
	unsigned shift = index >> TALLY_SHIFT;
	uint64_t first = index;

	if (shift < 2)
		return (double)first;
	shift--;
	first = (uint64_t)(index - (shift << TALLY_SHIFT)) << shift;
	return (double)first + (double)((1u << shift) - 1) / 2;
}

/* The length that so large a share of the samples does not exceed. */
static double tally_quantile(const struct tally *tally, double share)
{
	uint64_t rank = (uint64_t)(share * (double)(tally->nr - 1));
	uint64_t seen = 0;
	unsigned i;

	for (i = 0; i < TALLY_SIZE - 1; i++) {
		seen += tally->count[i];
		if (seen > rank)
			break;
	}
	return tally_ticks(i);
}

struct moment moment_now(void)
{
	return (struct moment){.ns = clock_ns(), .ticks = ticks_begin()};
}

static int by_ticks(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * What a reading takes. The counter of a virtual machine may advance in steps
 * of several ns, below which no figure here means anything: *grain is the
 * smallest difference seen.
 */
static uint32_t empty_ticks(uint32_t *grain)
{
	static uint32_t ticks[EMPTY_SAMPLES];
	unsigned i;

	for (i = 0; i < EMPTY_SAMPLES; i++) {
		uint64_t begin = ticks_begin();

		ticks[i] = clamp_ticks(ticks_end() - begin);
	}
	qsort(ticks, EMPTY_SAMPLES, sizeof(ticks[0]), by_ticks);
	*grain = 0;
	for (i = 1; i < EMPTY_SAMPLES; i++) {
		uint32_t gap = ticks[i] - ticks[i - 1];

		if (gap && (!*grain || gap < *grain))
			*grain = gap;
	}
	return ticks[EMPTY_SAMPLES / 2];
}

void tally_report(const struct tally *tally, struct moment since,
		  struct result *result)
{
	static const struct {
		const char *name;
		double share;
	} wanted[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}};
	struct moment now = moment_now();
	double scale =
		(double)(now.ns - since.ns) / (double)(now.ticks - since.ticks);
	uint32_t grain, empty = empty_ticks(&grain);
	unsigned i;

	if (!tally->nr) {
		result_fail(result, "no samples");
		return;
	}
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		double ticks = tally_quantile(tally, wanted[i].share);

		ticks = ticks > empty ? ticks - empty : 0;
		result_add(result, wanted[i].name, ticks * scale);
	}
	result_add(result, "timer", empty * scale);
	result_add(result, "grain", grain * scale);
	result_add(result, "samples", (double)tally->nr);
}
