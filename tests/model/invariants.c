// SPDX-License-Identifier: MIT
/*
 * What must be true of the bookkeeping when no thread is in the middle of
 * anything: the words of slabs and chunks are the truth, all else follows.
 */
#include "chunk/registry.h"
#include "explore.h"

/* What an arena's counters should say. */
struct tally {
	uint32_t linked, empty, aside;
	uint64_t live; /* objects, of all arenas */
};

static bool is_shelved(struct arena *arena, unsigned kind, uint32_t i)
{
	return shelf_find(&arena->shelves, kind, i) == i;
}

/* Does a slot for the class name a word of the slab? */
static bool is_named(page_id head, unsigned class)
{
	unsigned cpu;

	for (cpu = 0; cpu < libpcpu_nr_cpu_ids; cpu++) {
		word_id word = {
			load_relaxed(&arena_slots[cpu].slot[class].word)};

		if (word.nr && word_page(word).nr == head.nr)
			return true;
	}
	return false;
}

/* F3, that slot_bits() finds all there are, and that what a slot names is its
 * CPU's. */
static void check_slots(void)
{
	unsigned cpu, class;

	for (cpu = 0; cpu < libpcpu_nr_cpu_ids; cpu++)
		for (class = 1; class < NR_CLASSES; class += 1) {
			struct slot slot = arena_slots[cpu].slot[class];
			word_id word = {slot.word.v};
			uint64_t entry = map_load(word_page(word));

			explore_expect(
				word.nr ? map_is_head(entry, class) &&
						  map_owner(entry) ==
							  (int)cpu &&
						  slot_bits(
							  &size_classes[class],
							  word) == slot.free.v
					: !slot.free.v,
				"CPU %u holds %#lx of word %u, class %u", cpu,
				slot.free.v, word.nr, class);
		}
}

/* --- slabs ---------------------------------------------------------------- */

static void check_findable(struct arena *arena, page_id head, unsigned class)
{
	chunk_id id = page_chunk(head);
	uint32_t i = pool_index(&arena->pool, id);
	unsigned page = page_index(head);

	if (slab_is_reserved(head)) {
		explore_expect(is_named(head, class),
			       "slab %u.%u of class %u is reserved for nobody",
			       i, page, class);
		return;
	}
	explore_expect(!slab_is_empty(head, class),
		       "slab %u.%u of class %u is empty and not retired", i,
		       page, class);
	if (!slab_has_room(head, class))
		return;
	explore_expect(load_relaxed(&chunk_of(id)->room) >> page & 1,
		       "slab %u.%u of class %u has room and is not listed", i,
		       page, class);
	explore_expect(is_shelved(arena, SHELF_CLASS(class), i),
		       "chunk %u has room for class %u and is not shelved", i,
		       class);
}

/* I5 for the words behind the slab's, and bits that stand for no object. */
static void check_words(page_id head, unsigned class, struct tally *tally)
{
	const struct size_class *c = &size_classes[class];
	unsigned i;

	for (i = 0; i < c->nr_pages * PAGE_WORDS; i++) {
		uint64_t all = i < c->nr_words ? sizeclass_word(c, i) : 0;
		word_id word = page_word(head, i);
		uint64_t free = load_relaxed(word_of(word));
		uint64_t ours = slot_bits(&size_classes[class], word);

		explore_expect(!(free & ours),
			       "word %u of page %u: %#lx also in a slot", i,
			       head.nr, free & ours);
		free |= ours;
		explore_expect(!(free & ~all),
			       "word %u of page %u: %#lx is free, beyond %#lx",
			       i, head.nr, free, all);
		tally->live += word_count(all & ~free);
	}
}

static void check_slab(struct arena *arena, page_id head, uint64_t entry,
		       struct tally *tally)
{
	unsigned class = map_class(entry), i;

	explore_expect((entry & ~MAP_OWNER) == map_entry(class, 0),
		       "map entry %#lx of head %u", entry, head.nr);
	for (i = 1; i < size_classes[class].nr_pages; i++)
		explore_expect(
			map_load((page_id){head.nr + i}) == map_entry(class, i),
			"map entry of page %u behind head %u", i, head.nr);
	check_words(head, class, tally);
	check_findable(arena, head, class);
}

/* --- chunks --------------------------------------------------------------- */

bool explore_clean_too = true;

/* I4, at the places that explore_alloc() writes to. */
static void check_clean(page_id page)
{
	unsigned window = page_window(page), unit, i;
	uintptr_t handle = page_handle(layout.page0[window], page);
	unsigned step = 1 + layout.nr_units / 16;

	for (unit = 0; unit < layout.nr_units; unit += step)
		for (i = 0; i < PAGE_BYTES; i += 256) {
			ptrdiff_t offset = layout.unit_offset[window][unit];
			const uint32_t *word =
				(const uint32_t *)(handle + i +
						   (uintptr_t)offset);

			explore_expect(*word == 0,
				       "clean page %u: %#x at %u in unit %u",
				       page.nr, *word, i, unit);
		}
}

/* I3, I5: a page is free, or part of a slab. */
static void check_pages(struct arena *arena, chunk_id id, struct tally *tally)
{
	uint64_t free = load_relaxed(&chunk_of(id)->free);
	uint64_t dirty = load_relaxed(&chunk_of(id)->dirty);
	unsigned i = 1, nr, word;

	for (; i < CHUNK_PAGES; i += nr) {
		page_id page = chunk_page(id, i);
		uint64_t entry = map_load(page);

		nr = map_class(entry) ? size_classes[map_class(entry)].nr_pages
				      : 1;
		explore_expect((free & word_run(i, nr)) ==
				       (map_class(entry) ? 0 : word_run(i, nr)),
			       "page %u.%u: map %#lx, free pages %#lx",
			       pool_index(&arena->pool, id), i, entry, free);
		if (map_class(entry)) {
			check_slab(arena, page, entry, tally);
			continue;
		}
		for (word = 0; word < PAGE_WORDS; word++)
			explore_expect(
				!load_relaxed(word_of(page_word(page, word))),
				"page %u of no slab: word %u", page.nr, word);
		if (explore_clean_too && !(dirty >> i & 1))
			check_clean(page);
	}
}

static void check_runs(struct arena *arena, chunk_id id)
{
	uint64_t free = load_relaxed(&chunk_of(id)->free);
	uint32_t i = pool_index(&arena->pool, id);
	unsigned nr;

	for (nr = 1; nr <= word_longest_run(free, SLAB_PAGES_MAX); nr++)
		explore_expect(is_shelved(arena, SHELF_RUN(nr), i),
			       "chunk %u has %u free pages in a row and is not "
			       "shelved",
			       i, nr);
}

/* I9: which of its owners has it? */
static void check_chunk(struct arena *arena, uint32_t i, struct tally *tally)
{
	const struct pool *pool = &arena->pool;
	chunk_id id = pool_chunk(pool, i);
	uint64_t free = load_relaxed(&chunk_of(id)->free);
	bool retired = load_relaxed(&pool->retired[0]) >> i & 1;
	bool waiting = load_relaxed(&pool->waiting[0]) >> i & 1;

	explore_expect(!(retired && waiting), "chunk %u is set aside twice", i);
	if (retired || waiting || !pool_is_taken(pool, id)) {
		explore_expect(!free, "chunk %u is not linked: %#lx", i, free);
		explore_expect(pool_is_taken(pool, id) == (retired || waiting),
			       "chunk %u is fresh and set aside", i);
		tally->aside += retired || waiting;
		return;
	}
	tally->linked++;
	tally->empty += free == CHUNK_EMPTY;
	check_runs(arena, id);
	check_pages(arena, id, tally);
}

/* --- all ------------------------------------------------------------------ */

static void check_arena(struct arena *arena, uint64_t *live)
{
	struct tally tally = {.live = 0};
	uint32_t i;

	for (i = 0; i < arena->pool.nr_chunks; i++)
		check_chunk(arena, i, &tally);
	explore_expect(load_relaxed(&arena->nr_chunks) == tally.linked,
		       "nr_chunks %u, counted %u",
		       load_relaxed(&arena->nr_chunks), tally.linked);
	explore_expect(load_relaxed(&arena->nr_empty) == tally.empty,
		       "nr_empty %u, counted %u",
		       load_relaxed(&arena->nr_empty), tally.empty);
	explore_expect(load_relaxed(&arena->pool.nr_set_aside) == tally.aside,
		       "nr_set_aside %u, counted %u",
		       load_relaxed(&arena->pool.nr_set_aside), tally.aside);
	*live += tally.live;
}

void explore_check(void)
{
	uint64_t live = 0;
	unsigned i;

	check_slots();
	for (i = 0; i < arena_count(); i++)
		check_arena(arena_at(i), &live);
	explore_expect(live == explore_nr_objects + explore_nr_others(),
		       "%lu objects are taken, %u are held", live,
		       explore_nr_objects);
	for (i = 0; i < explore_nr_objects; i++) {
		struct found found;

		explore_expect(
			registry_find(explore_objects[i].handle, &found) &&
				!((load_relaxed(word_of(found.object.word)) |
				   slot_bits(&size_classes[map_class(
						     found.entry)],
					     found.object.word)) >>
					  found.object.bit &
				  1),
			"%p is held and free",
			(void *)explore_objects[i].handle);
	}
}
