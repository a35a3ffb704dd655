// SPDX-License-Identifier: MIT
#include "arena/quarantine.h"

#include "chunk/atomic.h"

struct ring {
	_Alignas(CACHE_LINE) atom32 next;
	uint32_t nr;
	atom64 *places;
};

static atom64 small_places[QUARANTINE_SMALL];
static atom64 large_places[QUARANTINE_LARGE];
static struct ring small_ring = {.nr = QUARANTINE_SMALL,
				 .places = small_places};
static struct ring large_ring = {.nr = QUARANTINE_LARGE,
				 .places = large_places};
_Static_assert((QUARANTINE_SMALL & (QUARANTINE_SMALL - 1)) == 0 &&
		       (QUARANTINE_LARGE & (QUARANTINE_LARGE - 1)) == 0,
	       "the counter may wrap");

/* 0 is nobody: word 0 is in a gap. */
static uint64_t pack(struct object object)
{
	return (uint64_t)object.word.nr << 6 | object.bit;
}

static struct object unpack(uint64_t place)
{
	return (struct object){{(uint32_t)(place >> 6)}, place & 63};
}

void quarantine_put(struct object object, const struct size_class *class,
		    quarantine_exit *release)
{
	struct ring *ring = class->size <= QUARANTINE_SMALL_BYTES ? &small_ring
								  : &large_ring;
	/* relaxed: only a number */
	uint32_t at = fetch_add_relaxed(&ring->next, 1) % ring->nr;
	/* seq_cst [buried]: a release of our object's poison and an acquire of
	 * the other one's; there is no weaker exchange that is both */
	uint64_t old = xchg_seq_cst(&ring->places[at], pack(object));

	if (old)
		release(unpack(old));
}

static bool flush(struct ring *ring, quarantine_exit *release)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < ring->nr; i++) {
		/* pairs with [buried] quarantine_put(): the poison */
		uint64_t old = xchg_acquire(&ring->places[i], 0);

		if (!old)
			continue;
		release(unpack(old));
		any = true;
	}
	return any;
}

bool quarantine_flush(quarantine_exit *release)
{
	bool small = flush(&small_ring, release);

	return flush(&large_ring, release) || small;
}
