// SPDX-License-Identifier: MIT
/*
 * What the machine asks for moving a cache line to another core and back. No
 * allocator that hands memory from thread to thread does with less than some
 * of it: a line that one of them writes and the other must see. The handoff
 * case plays it, see there.
 */
#include "bench/rival.h"

static const char *round_trip_setup(const struct rival *self, unsigned nr_cpus)
{
	(void)self;
	(void)nr_cpus;
	return NULL;
}

const struct rival rival_round_trip = {
	.name = "round-trip",
	.what = "bare loop: one cache line to the other thread and back",
	.kind = RIVAL_FLOOR,
	.setup = round_trip_setup,
	.bare_trips = true,
};
