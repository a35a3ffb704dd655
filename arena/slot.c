// SPDX-License-Identifier: MIT
/*
 * Slots: how a CPU's front is filled and emptied. With a front, sequences of
 * the CPU itself write its slot (front.h); without one a slot is but the name
 * of a word, which anybody may exchange.
 */
#include "arena/arena.h"
#include "chunk/registry.h"
#include "chunk/zero.h"

static struct slot *slot_for(const struct request *r)
{
	return slot_of(&size_classes[r->class], r->cpu);
}

/* Let the slot name `word` in place of `old`, of which it holds nothing, and
 * hold these bits, which are ours. Gives them back if it cannot be. */
static bool fill(const struct request *r, word_id old, word_id word,
		 uint64_t free)
{
	const struct size_class *c = &size_classes[r->class];

	if (front_install(r->cpu, c, old, word, free)) {
		/* relaxed: as in object_is_used() */
		unsigned used = load_relaxed(&layout.used[word.nr]);

		copies_prefetch(c, object_handle(c, (struct object){word, 0}),
				free & word_below(used));
		return true;
	}
	if (free)
		arena_give_back(word, free);
	return false;
}

void slot_install(const struct request *r, word_id word)
{
	struct slot *slot = slot_for(r);
	/* relaxed: compared again when it is exchanged */
	word_id old = {load_relaxed(&slot->word)};
	uint64_t free;

	if (!front_exists()) {
		/* relaxed: the number is checked against the map when used */
		old.nr = xchg_relaxed(&slot->word, word.nr);
	} else {
		/* Who has switched it off needs what we would take. */
		free = front_is_on() ? word_claim_all(word) : 0;
		if (!fill(r, old, word, free))
			old = word;
	}
	if (old.nr)
		arena_unreserve(word_page(old));
}

/* Without a front, or while it is off: one object. Its word is named only in
 * slots that stand for no more than a name. */
static bool advance(const struct request *r, word_id word,
		    struct object *object)
{
	if (!arena_claim(word_page(word), r->class, object))
		return false;
	/* relaxed: a hint; whoever changed it before us is as right */
	if (!front_exists())
		cas_relaxed(&slot_for(r)->word, &word.nr, object->word.nr);
	return true;
}

/* With one: all objects of the next word that has any. The one is for us, the
 * others are for the slot. */
static bool refill(const struct request *r, word_id word, struct object *object)
{
	const struct size_class *c = &size_classes[r->class];
	page_id head = word_page(word);
	unsigned index = word_index(word), left = c->nr_words;
	uint64_t free = 0, rest;

	while (!free && left-- > 0) {
		index = index + 1 < c->nr_words ? index + 1 : 0;
		free = word_claim_all(page_word(head, index));
	}
	object->word = page_word(head, index);
	if (!free)
		return false;
	if (unlikely(!slab_is(head, r->class))) {
		arena_give_back(object->word, free);
		return false;
	}
	object->bit = word_first(free);
	rest = word_claim_first(free);
	if (rest)
		fill(r, word, object->word, rest);
	return true;
}

bool slot_advance(const struct request *r, struct object *object)
{
	/* relaxed: the number is checked against the map when used */
	word_id word = {load_relaxed(&slot_for(r)->word)};

	/* A slab that has nothing stays until slot_install() has another. */
	return word.nr && (front_is_on() ? refill(r, word, object)
					 : advance(r, word, object));
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
			drain(slot_of(&size_classes[class], cpu));
	front_go();
}

/* How often a sequence is tried that tells for sure. */
#define NR_TRIES 8

/*
 * Does the running CPU's slot hold the object? The bits are its own, so a
 * sequence that changes nothing tells for sure. That it was not done tells
 * nothing: it was thrown out, or its exclusive store met a page that a fork()
 * has left to be copied, which aarch64 lets fail.
 */
static bool is_in_slot(const struct size_class *class, struct object object)
{
	unsigned cpu, i;
	uint64_t held;

	for (i = 0; i < NR_TRIES; i++) {
		cpu = (unsigned)libpcpu_cpu();
		/* relaxed: compared again when it is exchanged */
		held = load_relaxed(&slot_of(class, cpu)->free);
		if (!(held & word_bit(object.bit)))
			return false;
		if (front_exchange(cpu, class, object.word, held, object.word,
				   held))
			return true;
	}
	return false;
}

bool arena_is_live(const void *p, const struct size_class *class)
{
	struct found found;

	slots_drain(class->window);
	/* relaxed: who owns an object knows of a free of it before. If slots
	 * could not be drained, a bit may still be in ours. */
	return registry_find(p, &found) &&
	       !(load_relaxed(word_of(found.object.word)) &
		 word_bit(found.object.bit)) &&
	       !is_in_slot(class, found.object);
}
