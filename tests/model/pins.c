// SPDX-License-Identifier: MIT
/*
 * The sequences of <pcpu/x86_64.h> that pin, unpin and add, step by step: a
 * shared access each, with the explorer's hook in front of it.
 */
#include "pcpu/this_cpu.h"

#include "arena/context.h"
#include "explore.h"

/* The played thread that runs. */
static struct libpcpu_thread first_thread = {.nowhere = -1};
struct libpcpu_thread *model_self = &first_thread;

struct sequence {
	unsigned cpu;
	unsigned long nr_fences;
	bool thrown_out;
};

static void sequence_enter(struct sequence *sequence)
{
	sequence->cpu = explore_cpu();
	sequence->nr_fences = explore_nr_fences;
	sequence->thrown_out = false;
}

/* In front of an access. */
static void sequence_step(struct sequence *sequence,
			  const volatile void *address)
{
	unsigned long nr = explore_nr_points[sequence->cpu];

	model_point(address);
	if (explore_nr_points[sequence->cpu] != nr + 1 ||
	    explore_nr_fences != sequence->nr_fences)
		sequence->thrown_out = true;
}

/* The place that we run on, if it has no owner. */
static struct libpcpu_place *find(struct sequence *sequence)
{
	struct libpcpu_place *place;

	sequence_enter(sequence);
	place = &libpcpu_place0[sequence->cpu];
	sequence_step(sequence, &place->owner);
	return place->owner || !context_has_sequences ? NULL : place;
}

bool libpcpu_try_pin(void)
{
	struct sequence sequence;
	struct libpcpu_place *place = find(&sequence);

	if (!place || sequence.thrown_out)
		return false;
	place->owner = owner_me();
	sequence_step(&sequence, &libpcpu_self.place);
	if (sequence.thrown_out)
		return false;
	libpcpu_self.place = place;
	return true;
}

/* The owner may be anywhere, but whoever fences throws it out. */
bool libpcpu_try_unpin(struct libpcpu_place *place)
{
	struct sequence sequence;

	if (!context_has_sequences)
		return false;
	sequence_enter(&sequence);
	libpcpu_self.place = NULL;
	sequence_step(&sequence, &place->owner);
	if (sequence.thrown_out || place->owner != owner_me())
		return false;
	sequence_step(&sequence, &place->owner);
	if (sequence.thrown_out)
		return false;
	place->owner = 0;
	return true;
}

bool libpcpu_try_add(const volatile void *p, unsigned size, uint64_t x)
{
	struct sequence sequence;
	struct libpcpu_place *place = find(&sequence);
	uintptr_t copy;

	if (!place || libpcpu_self.place)
		return false;
	copy = (uintptr_t)p + (uintptr_t)libpcpu_place_distance(place, p);
	sequence_step(&sequence, (const volatile void *)copy);
	if (sequence.thrown_out)
		return false;
	libpcpu_own_add(copy, size, x);
	return true;
}
