// SPDX-License-Identifier: MIT
/*
 * The front's restartable sequences (arena/front.h), step by step: a shared
 * access each, with the explorer's hook in front of it. Whoever runs on our CPU
 * while we are at it, or fences, throws us out, as the kernel does.
 */
#include "arena/front.h"
#include "explore.h"

struct sequence {
	unsigned cpu;
	unsigned long nr_fences;
	bool thrown_out;
};

static void step(struct sequence *sequence, const volatile void *address)
{
	unsigned long nr = explore_nr_points[sequence->cpu];

	model_point(address);
	if (explore_nr_points[sequence->cpu] != nr + 1 ||
	    explore_nr_fences != sequence->nr_fences)
		sequence->thrown_out = true;
}

/* The running CPU's slot, or NULL. */
static struct slot *enter(struct sequence *sequence,
			  const struct size_class *class)
{
	sequence->cpu = explore_cpu();
	sequence->nr_fences = explore_nr_fences;
	sequence->thrown_out = false;
	step(sequence, &front_limit);
	if ((int64_t)sequence->cpu >= (int64_t)front_limit.v)
		return NULL;
	return (struct slot *)((char *)class->slot0 +
			       ((size_t)sequence->cpu << SLOTS_SHIFT));
}

/* Only our CPU writes it, so one look is as good as several. */
static struct slot look(struct sequence *sequence, const struct slot *slot)
{
	step(sequence, &slot->word);
	return *slot;
}

/* The last store, unless we are thrown out in front of it. */
static bool commit(struct sequence *sequence, struct slot *slot,
		   const struct slot *image)
{
	step(sequence, &slot->free);
	if (sequence->thrown_out)
		return false;
	slot->free = image->free;
	slot->word = image->word;
	slot->base = image->base;
	return true;
}

bool front_claim(const struct size_class *class, struct claimed *claimed)
{
	struct sequence sequence;
	struct slot *slot = enter(&sequence, class), image;

	if (!slot)
		return false;
	image = look(&sequence, slot);
	if (!image.free.v)
		return false;
	claimed->bit = word_first(image.free.v);
	claimed->word = image.word.v;
	claimed->base = image.base;
	claimed->slot = slot;
	image.free.v = word_claim_first(image.free.v);
	return commit(&sequence, slot, &image);
}

bool front_unclaim(const struct size_class *class, struct object object)
{
	struct sequence sequence;
	struct slot *slot = enter(&sequence, class), image;
	uint64_t bit = word_bit(object.bit);

	if (!slot)
		return false;
	image = look(&sequence, slot);
	if (image.word.v != object.word.nr || image.free.v & bit)
		return false;
	image.free.v |= bit;
	return commit(&sequence, slot, &image);
}

bool front_exchange(unsigned cpu, const struct size_class *class,
		    word_id expected, uint64_t held, word_id word,
		    uint64_t free)
{
	struct sequence sequence;
	struct slot *slot = enter(&sequence, class), image;

	if (!slot || sequence.cpu != cpu)
		return false;
	image = look(&sequence, slot);
	if (image.free.v != held || image.word.v != expected.nr)
		return false;
	image.free.v = free;
	image.word.v = word.nr;
	image.base = front_base(class, word);
	return commit(&sequence, slot, &image);
}
