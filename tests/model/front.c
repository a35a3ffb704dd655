// SPDX-License-Identifier: MIT
/*
 * The front's restartable sequences (arena/front.h), step by step. Whoever runs
 * on our CPU while we are at it, or fences, throws us out, as the kernel does.
 */
#include "arena/front.h"
#include "engine.h"

/* What a sequence's last store writes: at once. */
struct image {
	uint64_t free;
	uint32_t word;
	uint32_t base;
};
_Static_assert(sizeof(struct image) == offsetof(struct slot, nr_alloc),
	       "all that must agree");

/* The running CPU's slot, or NULL. */
static struct slot *enter(const struct size_class *class)
{
	unsigned cpu = explore_cpu();

	sequence_begin();
	if ((int64_t)cpu >= (int64_t)load_relaxed(&front_limit))
		return NULL;
	return slot_of(class, cpu);
}

static struct image look(const struct slot *slot)
{
	struct image image = {.free = load_relaxed(&slot->free)};

	image.word = load_relaxed(&slot->word);
	image.base = *(const uint32_t *)model_access(
		&slot->base, sizeof(slot->base), ATOM_LOADS);
	return image;
}

static bool refuse(void)
{
	sequence_leave();
	return false;
}

/* The last store, unless we are thrown out in front of it. */
static bool commit(struct slot *slot, const struct image *image, size_t bytes)
{
	if (!sequence_commit(slot))
		return false;
	memory_store(slot, image, (unsigned)bytes);
	return true;
}

bool front_claim(const struct size_class *class, struct claimed *claimed)
{
	struct slot *slot = enter(class);
	struct image image;

	if (!slot)
		return refuse();
	image = look(slot);
	if (!image.free)
		return refuse();
	claimed->bit = word_first(image.free);
	claimed->word = image.word;
	claimed->base = image.base;
	claimed->slot = slot;
	image.free = word_claim_first(image.free);
	return commit(slot, &image, sizeof(image.free));
}

bool front_unclaim(const struct size_class *class, struct object object)
{
	struct slot *slot = enter(class);
	uint64_t bit = word_bit(object.bit);
	struct image image;

	if (!slot)
		return refuse();
	image = look(slot);
	if (image.word != object.word.nr || image.free & bit)
		return refuse();
	image.free |= bit;
	return commit(slot, &image, sizeof(image.free));
}

bool front_exchange(unsigned cpu, const struct size_class *class,
		    word_id expected, uint64_t held, word_id word,
		    uint64_t free)
{
	struct slot *slot = enter(class);
	struct image image;

	if (!slot || explore_cpu() != cpu)
		return refuse();
	image = look(slot);
	if (image.free != held || image.word != expected.nr)
		return refuse();
	image.free = free;
	image.word = word.nr;
	image.base = front_base(class, word);
	return commit(slot, &image, sizeof(image));
}
