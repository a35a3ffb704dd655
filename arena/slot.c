// SPDX-License-Identifier: MIT
/*
 * Slots: how a CPU's front is filled and emptied. With a front, sequences of
 * the CPU itself write its slot (front.h); without one a slot is but the name
 * of a word, which anybody may exchange.
 */
#include "arena/arena.h"

static struct slot *slot_of(unsigned cpu, unsigned class)
{
	return &arena_slots[cpu].slot[class];
}

/* Take all free bits of a word. */
static uint64_t take_rest(word_id word)
{
	/* relaxed: mostly there is nothing; the exchange decides */
	if (!load_relaxed(word_of(word)))
		return 0;
	/* pairs with [word] slab_unclaim(), [carve] slab_carve(): what the
	 * objects' last owners did */
	return xchg_acquire(word_of(word), 0);
}

/*
 * Exchange what the slot names and holds, for a word whose slab we hold an
 * object of. False if the slot is not as expected.
 */
static bool exchange(const struct request *r, word_id expected, word_id word)
{
	struct slot *slot = slot_of(r->cpu, r->class);
	uint64_t free;

	if (!front_exists())
		/* relaxed: the number is checked against the map when used */
		return cas_relaxed(&slot->word, &expected.nr, word.nr);
	free = word.nr ? take_rest(word) : 0;
	if (front_install(r->cpu, &size_classes[r->class], expected, word,
			  free))
		return true;
	if (free)
		arena_give_back(word, free);
	return false;
}

void slot_install(const struct request *r, word_id word)
{
	/* relaxed: compared again when it is exchanged */
	word_id old = {load_relaxed(&slot_of(r->cpu, r->class)->word)};

	if (!exchange(r, old, word))
		old = word;
	if (old.nr)
		arena_unreserve(word_page(old));
}

bool slot_advance(const struct request *r, struct object *object)
{
	/* relaxed: the number is checked against the map when used */
	word_id word = {load_relaxed(&slot_of(r->cpu, r->class)->word)};

	if (!word.nr)
		return false;
	if (arena_claim(word_page(word), r->class, object)) {
		exchange(r, word, object->word);
		return true;
	}
	/* Who takes it out of the slot lets go of the slab. */
	if (exchange(r, word, (word_id){0}))
		arena_unreserve(word_page(word));
	return false;
}

uint64_t slot_bits(word_id word, unsigned class)
{
	int owner = map_owner(map_load(word_page(word)));
	const struct slot *slot;

	if (owner < 0)
		return 0;
	slot = slot_of((unsigned)owner, class);
	/* relaxed: see the header for what the answer is worth */
	if (load_relaxed(&slot->word) != word.nr)
		return 0;
	return load_relaxed(&slot->free); /* relaxed: the same */
}

/* With the front off, others may be here for the same slot. */
static void drain(struct slot *slot)
{
	/* relaxed: it stands still; see front_stop() */
	word_id word = {load_relaxed(&slot->word)};
	uint64_t free;

	if (!word.nr)
		return;
	/* pairs with [word] slab_unclaim(): the fence did what a release
	 * would; arena_give_back() carries it on */
	free = xchg_acquire(&slot->free, 0);
	if (free)
		arena_give_back(word, free);
	/* relaxed: who takes it out of the slot lets go of the slab */
	if (cas_relaxed(&slot->word, &word.nr, 0))
		arena_unreserve(word_page(word));
}

void slots_drain(unsigned window)
{
	unsigned first = FIRST_CLASS(window);
	unsigned cpu, class;

	if (!front_stop())
		return;
	for (cpu = 0; cpu < libpcpu_nr_cpu_ids; cpu++)
		for (class = first; class < first + NR_SIZES; class += 1)
			drain(slot_of(cpu, class));
	front_go();
}
