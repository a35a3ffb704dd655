// SPDX-License-Identifier: MIT
#include "chunk/slab.h"

#include "chunk/chunk.h"

/* Everything behind a slab whose pages are dirty is owed zeroing. */
static uint8_t used_at_first(page_id head, unsigned nr_pages)
{
	uint64_t run = word_run(page_index(head), nr_pages);
	/* relaxed: claiming the pages ordered it */
	uint64_t dirty = load_relaxed(&chunk_of(page_chunk(head))->dirty);

	return dirty & run ? WORD_BITS : 0;
}

struct object slab_carve(page_id head, unsigned class, unsigned cpu)
{
	const struct size_class *c = &size_classes[class];
	uint8_t used = used_at_first(head, c->nr_pages);
	struct object first = {page_word(head, 0), 0};
	unsigned i;

	/* relaxed: storing the words publishes both, see below */
	for (i = 0; i < c->nr_pages; i++)
		store_relaxed(&layout.map[head.nr + i],
			      map_entry(class, i) |
				      (i == 0 ? map_owned_by(cpu) : 0));
	/* relaxed: the same */
	for (i = 0; i < c->nr_words; i++)
		store_relaxed(&layout.used[first.word.nr + i], used);
	for (i = 0; i < c->nr_words; i++) {
		uint64_t free = sizeclass_word(c, i);

		if (i == 0)
			free = word_claim_first(free);
		/* pairs with [carve] word_claim(): map and used */
		store_release(&layout.words[first.word.nr + i], free);
	}
	return first;
}

enum claim slab_claim_any(page_id head, unsigned class, struct object *object)
{
	unsigned nr = size_classes[class].nr_words;
	unsigned i;

	for (i = 0; i < nr; i++) {
		enum claim claim =
			slab_claim(page_word(head, i), class, object);

		if (claim != CLAIM_FULL)
			return claim;
	}
	return CLAIM_FULL;
}

bool slab_has_room(page_id head, unsigned class)
{
	const struct size_class *c = &size_classes[class];
	unsigned i;

	for (i = 0; i < c->nr_words; i++)
		/* seq_cst [room]: the other side of slab_unclaim() */
		if (word_has_more(load_seq_cst(word_of(page_word(head, i))),
				  c->spare))
			return true;
	return false;
}

bool slab_is_empty(page_id head, unsigned class)
{
	const struct size_class *c = &size_classes[class];
	unsigned i;

	for (i = 0; i < c->nr_words; i++)
		/* seq_cst [empty]: of two threads that free the last object of
		 * two words, one at least must see both */
		if (load_seq_cst(word_of(page_word(head, i))) !=
		    sizeclass_word(c, i))
			return false;
	return true;
}

/* Take a word whose objects are all free. */
static bool take_word(word_id word, uint64_t all)
{
	/* pairs with [word] slab_unclaim(), [carve] slab_carve(): used, and
	 * the copies' contents */
	return cas_acquire(word_of(word), &all, 0);
}

static void mark_dirty(page_id head, const struct size_class *c)
{
	uint64_t run = word_run(page_index(head), c->nr_pages);
	unsigned i;

	for (i = 0; i < c->nr_words; i++) {
		/* relaxed: taking the words ordered it behind their owners */
		if (load_relaxed(&layout.used[page_word(head, i).nr])) {
			/* relaxed: releasing the pages publishes it */
			fetch_or_relaxed(&chunk_of(page_chunk(head))->dirty,
					 run);
			return;
		}
	}
}

/*
 * With all words in hand: clear the map, which ends the slab, unless it is of
 * another class or reserved.
 */
static bool clear_map(page_id head, unsigned class)
{
	uint64_t entry = map_load(head);
	unsigned i;

	/* relaxed: who reserves it and we change the same word */
	if (!map_is_head(entry, class) || entry & MAP_OWNER ||
	    !cas_relaxed(&layout.map[head.nr], &entry, 0))
		return false;
	/* relaxed: releasing the pages publishes it */
	for (i = 1; i < size_classes[class].nr_pages; i++)
		store_relaxed(&layout.map[head.nr + i], 0);
	return true;
}

bool slab_retire(page_id head, unsigned class)
{
	const struct size_class *c = &size_classes[class];
	unsigned taken;

	for (taken = 0; taken < c->nr_words; taken++) {
		/* With word 0 in hand the map is true. */
		if (taken == 1 && !slab_is(head, class))
			break;
		if (!take_word(page_word(head, taken),
			       sizeclass_word(c, taken)))
			break;
	}
	if (taken == c->nr_words && clear_map(head, class)) {
		mark_dirty(head, c);
		return true;
	}
	/* Word 0 last: it holds the slab in place. */
	while (taken--)
		slab_unclaim_all(page_word(head, taken),
				 sizeclass_word(c, taken));
	return false;
}
