// SPDX-License-Identifier: MIT
/*
 * Bookkeeping that somebody has written into. What a free or a drain can see of
 * it, it must refuse, without a fault and without touching anything; so when
 * the damage is undone all is as before.
 */
#include "fuzz.h"

#include "arena/arena.h"
#include "arena/debug.h"
#include "chunk/registry.h"

#define DAMAGED ": the bookkeeping of its page is damaged\n"

/* The free of a live object must say these words. */
static void expect_refused(char *p, const char *words)
{
	char text[64];

	require(fuzz_aborts(pcpu_free, p), "takes %p", (void *)p);
	snprintf(text, sizeof(text), "libpcpu: pcpu_free(%p): ", (void *)p);
	fuzz_expect_heard(text);
	fuzz_expect_heard(words);
}

/* The word has the bit as free. */
static void set_free(struct object object, char *p)
{
	uint64_t bit = word_bit(object.bit);

	fetch_or_relaxed(word_of(object.word), bit);
	expect_refused(p, ": already free\n");
	fetch_and_relaxed(word_of(object.word), ~bit);
}

/* The page's map entry is another, not the head's of a slab with p. */
static void change_map(page_id page, uint64_t entry, char *p, const char *words)
{
	uint64_t right = map_load(page);

	store_relaxed(&layout.map[page.nr], entry);
	expect_refused(p, words);
	store_relaxed(&layout.map[page.nr], right);
}

/* object: 2, kind: 1 */
static void corrupt(struct fuzz *fuzz)
{
	const struct shadow_object *object = take_object(fuzz);
	unsigned kind = take_byte(fuzz);
	struct found found;
	uint64_t entry;
	page_id page;
	char *p;

	if (!object || debug_level)
		return;
	p = object->handle;
	require(registry_find(p, &found), "%p is lost", (void *)p);
	page.nr = (uint32_t)(registry_offset(p, object->align > CACHE_LINE) >>
			     PAGE_SHIFT);
	page.nr += object->align > CACHE_LINE ? layout.window_pages : 0;
	entry = map_load(page);
	switch (kind % 4) {
	case 0:
		set_free(found.object, p);
		break;
	case 1:
		change_map(page, 0, p, ": never allocated or given back\n");
		break;
	case 2: /* no such class */
		entry = (entry & ~MAP_CLASS) |
			(NR_CLASSES + kind / 4 % (256 - NR_CLASSES));
		change_map(page, entry, p, DAMAGED);
		break;
	default: /* no size has this reciprocal */
		change_map(page, entry & UINT32_MAX, p, DAMAGED);
	}
}

/* The slot of a CPU that holds something, from a number on. */
static struct slot *find_slot(unsigned from)
{
	unsigned nr = libpcpu_nr_cpu_ids * NR_CLASSES, i;

	for (i = 0; i < nr; i++) {
		unsigned at = (from + i) % nr;
		struct slot *slot =
			&arena_slots[at / NR_CLASSES].slot[at % NR_CLASSES];

		if (load_relaxed(&slot->free))
			return slot;
	}
	return NULL;
}

static void call_trim(void *unused)
{
	(void)unused;
	pcpu_trim();
}

/* slot: 2. An object that a slot holds is free in its word as well: the slot's
 * drain sees that. It has taken the bits out of the slot by then. */
static void free_in_both(struct fuzz *fuzz)
{
	struct slot *slot = find_slot(take_two(fuzz));
	uint64_t bit;
	word_id word;

	if (!slot || fuzz->failing)
		return;
	word.nr = load_relaxed(&slot->word);
	bit = load_relaxed(&slot->free);
	bit &= -bit;
	fetch_or_relaxed(word_of(word), bit);
	require(fuzz_aborts(call_trim, NULL), "trim does not see it");
	fuzz_expect_heard("libpcpu: pcpu_free(");
	fuzz_expect_heard(": already free\n");
}

static const struct fuzz_op ops[] = {
	{"corrupt", 0x64, 3, corrupt},
	{"free_in_both", 0x67, 1, free_in_both},
};
FUZZ_OPS(ops)
