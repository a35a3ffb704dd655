// SPDX-License-Identifier: MIT
/*
 * Many objects at once: a word's worth is claimed, zeroed and given back by one
 * step where single calls take one each.
 */
#include <errno.h>

#include "arena/arena.h"
#include "arena/debug.h"
#include "chunk/registry.h"
#include "chunk/zero.h"
#include "pcpu.h"

/* Objects of one word, and of which class they are. */
struct bunch {
	const struct size_class *class;
	word_id word;
	uint64_t bits;
};

static uint64_t lowest(uint64_t bits, size_t nr)
{
	uint64_t rest = bits;

	if (nr >= word_count(bits))
		return bits;
	while (nr-- > 0)
		rest = word_claim_first(rest);
	return bits & ~rest;
}

/* --- allocation ----------------------------------------------------------- */

/* Up to nr objects that the running CPU's slot holds. */
static bool claim_bunch(struct bunch *bunch, size_t nr)
{
	const struct size_class *class = bunch->class;
	unsigned cpu = (unsigned)libpcpu_cpu();
	struct slot *slot;
	uint64_t held;

	if (!front_exists())
		return false;
	slot = slot_of(class, cpu);
	/* relaxed: compared again when they are exchanged */
	bunch->word.nr = load_relaxed(&slot->word);
	held = load_relaxed(&slot->free); /* relaxed: the same */
	bunch->bits = lowest(held, nr);
	if (!held || !front_exchange(cpu, class, bunch->word, held, bunch->word,
				     held & ~bunch->bits))
		return false;
	/* relaxed: statistics */
	add_local_relaxed(&slot->nr_alloc, word_count(bunch->bits));
	return true;
}

/* The first objects of the bunch, as many as lie side by side. */
static unsigned first_run(uint64_t bits)
{
	uint64_t behind = ~(bits >> word_first(bits));

	return behind ? word_first(behind) : WORD_BITS;
}

/* Make objects that lie side by side ready for their owner. */
static void ready_run(const struct bunch *bunch, struct object first,
		      unsigned nr, unsigned flags)
{
	struct object last = {first.word, first.bit + nr - 1};
	/* relaxed: as in object_is_used() */
	unsigned used = load_relaxed(&layout.used[first.word.nr]);

	if (first.bit < used && !(flags & PCPU_NOZERO))
		copies_zero_run(bunch->class,
				object_handle(bunch->class, first),
				used - first.bit < nr ? used - first.bit : nr);
	if (last.bit >= used)
		object_use(last);
}

/* Returns how many there were. */
static size_t hand_out_bunch(const struct bunch *bunch, void **objects,
			     unsigned flags)
{
	uint64_t bits = bunch->bits;
	size_t nr = 0;

	while (bits) {
		struct object object = {bunch->word, word_first(bits)};
		unsigned run = first_run(bits), i;

		ready_run(bunch, object, run, flags);
		bits &= ~word_run(object.bit, run);
		for (i = 0; i < run; i++, object.bit++)
			objects[nr++] =
				(void *)object_handle(bunch->class, object);
	}
	return nr;
}

static void free_objects(size_t nr, void **objects);

int pcpu_alloc_bulk(size_t size, size_t align, unsigned flags, size_t nr,
		    void **objects)
{
	struct bunch bunch;
	size_t have = 0;
	int saved;

	while (have < nr) {
		/* One by the way of all, which also fills the slot. */
		objects[have] = libpcpu_alloc(size, align, flags);
		if (!objects[have])
			break;
		have++;
		bunch.class = &size_classes[sizeclass_of(size, align)];
		while (have < nr && claim_bunch(&bunch, nr - have))
			have += hand_out_bunch(&bunch, objects + have, flags);
	}
	if (have == nr)
		return 0;
	saved = errno;
	free_objects(have, objects);
	errno = saved;
	return -1;
}

/* --- free ----------------------------------------------------------------- */

/* To the slot of the running CPU, if that names the word. */
static bool give_to_slot(const struct bunch *bunch)
{
	unsigned cpu = (unsigned)libpcpu_cpu();
	const struct slot *slot;
	uint64_t held;

	if (!front_exists())
		return false;
	slot = slot_of(bunch->class, cpu);
	held = load_relaxed(&slot->free); /* relaxed: compared again */
	return !(held & bunch->bits) &&
	       front_exchange(cpu, bunch->class, bunch->word, held, bunch->word,
			      held | bunch->bits);
}

/* Some of them seem to be free. */
static void expect_live(const struct bunch *bunch)
{
	uint64_t bits;

	for (bits = bunch->bits; bits; bits = word_claim_first(bits)) {
		struct object object = {bunch->word, word_first(bits)};
		void *p = (void *)object_handle(bunch->class, object);

		if (!arena_is_live(p, bunch->class))
			registry_refuse_free("pcpu_free_bulk", p);
	}
}

static void free_bunch(const struct bunch *bunch)
{
	uint64_t free;

	if (!bunch->bits)
		return;
	/* relaxed: who owns an object knows of a free of it before */
	free = load_relaxed(word_of(bunch->word)) |
	       slot_bits(bunch->class, bunch->word);
	if (unlikely(free & bunch->bits))
		expect_live(bunch);
	if (!give_to_slot(bunch))
		arena_give_back(bunch->word, bunch->bits);
}

/* In debug mode there is none, and p is freed by this; else it is refused. */
static bool find(void *p, struct found *found)
{
	if (likely(registry_find(p, found)))
		return true;
	debug_free("pcpu_free_bulk", p);
	return false;
}

static void free_objects(size_t nr, void **objects)
{
	struct bunch bunch = {.bits = 0};
	size_t i;

	for (i = 0; i < nr; i++) {
		struct found found;
		uint64_t bit;

		if (!objects[i] || !find(objects[i], &found))
			continue;
		bit = word_bit(found.object.bit);
		if (!bunch.bits || bunch.bits & bit ||
		    found.object.word.nr != bunch.word.nr) {
			free_bunch(&bunch);
			/* Once more: if it was free before, its slab may have
			 * gone with the bunch. */
			find(objects[i], &found);
			bit = word_bit(found.object.bit);
			bunch.class = &size_classes[map_class(found.entry)];
			bunch.word = found.object.word;
			bunch.bits = 0;
		}
		bunch.bits |= bit;
	}
	free_bunch(&bunch);
}

void pcpu_free_bulk(size_t nr, void **objects)
{
	free_objects(nr, objects);
}
