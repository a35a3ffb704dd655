// SPDX-License-Identifier: MIT
/*
 * PCPU_DEBUG=2: a look at all the bookkeeping, and at all redzones and poison,
 * while other threads go on. So only that is asked which holds at any moment,
 * and as a page may become another slab's between two loads, what looks wrong
 * is looked at again: it is wrong if it stays so.
 */
#include "arena/arena.h"
#include "arena/debug.h"
#include "chunk/annotate.h"
#include "chunk/panic.h"

/* What changes meanwhile never looks wrong so often. */
#define LOOKS 100

/* --- a page's bookkeeping --------------------------------------------------
 */

#define ENTRY_UNUSED (UINT32_MAX & ~(MAP_CLASS | MAP_BEHIND | MAP_OWNER))

/* Class 0 has neither pages nor objects nor words, and a reciprocal of 0. */
static bool entry_is_good(page_id page, uint64_t entry)
{
	unsigned class = map_class(entry), behind = map_behind(entry);

	if (!class)
		return entry == 0;
	return class < NR_CLASSES && !(entry & ENTRY_UNUSED) &&
	       size_classes[class].window == page_window(page) &&
	       map_reciprocal(entry) == size_classes[class].reciprocal &&
	       behind < size_classes[class].nr_pages &&
	       behind < page_index(page) && (!behind || map_owner(entry) < 0) &&
	       map_owner(entry) < (int)libpcpu_nr_cpu_ids;
}

/* Bits that may be set in a page's word. */
static uint64_t possible_bits(uint64_t entry, unsigned index)
{
	const struct size_class *c = &size_classes[map_class(entry)];

	if (!map_class(entry) || map_behind(entry) || index >= c->nr_words)
		return 0;
	return sizeclass_word(c, index);
}

static bool words_are_good(page_id page, uint64_t entry)
{
	unsigned i;

	for (i = 0; i < PAGE_WORDS; i++) {
		word_id word = page_word(page, i);

		/* relaxed: looked at again if it is wrong */
		if (load_relaxed(word_of(word)) & ~possible_bits(entry, i))
			return false;
		/* relaxed: the same */
		if (load_relaxed(&layout.used[word.nr]) > WORD_BITS)
			return false;
	}
	return true;
}

static const char *page_fault(page_id page)
{
	uint64_t entry = map_load(page);
	/* relaxed: looked at again if it is wrong */
	uint64_t free = load_relaxed(&chunk_of(page_chunk(page))->free);

	if (!entry_is_good(page, entry))
		return "a map entry that none can have";
	if (!words_are_good(page, entry))
		return "a free bit that stands for no object";
	if (entry && free >> page_index(page) & 1)
		return "a free bit in its chunk, and a slab";
	return NULL;
}

/* --- objects ---------------------------------------------------------------
 */

/* Memory that is annotated is not looked at: a wrong access to it is reported
 * where it happens, and we would be one. */
static bool memory_is_good(const struct guarded *g, uint32_t record,
			   struct guard_fault *fault)
{
	if (annotate_is_on())
		return true;
	if (debug_state(record) == DEBUG_LIVE)
		return !guard_find_overrun(g, fault);
	return debug_state(record) != DEBUG_DEAD ||
	       !guard_find_late_write(g, fault);
}

/* D1: an object that is live is not free. */
static bool bit_is_good(struct object object, uint32_t record)
{
	/* relaxed: looked at again if it is wrong */
	return debug_state(record) != DEBUG_LIVE ||
	       !(load_relaxed(word_of(object.word)) & word_bit(object.bit));
}

static _Noreturn void report(const char *caller, const struct guarded *g,
			     uint32_t record, const struct guard_fault *fault)
{
	if (!fault)
		panic("%s: consistency: %p is live, but its bit is free",
		      caller, guard_handle(g));
	if (debug_state(record) == DEBUG_LIVE)
		guard_report_overrun(caller, g, fault);
	guard_report_late_write(caller, g, fault);
}

/*
 * Whoever changes the object meanwhile changes its record (D3), also who ends
 * the slab: that it is the same record after the slab was seen to be of the
 * class tells that it is one of this class. Nothing orders record and memory on
 * processors that reorder; that it is looked at so often makes up for it.
 */
static void check_object(const char *caller, struct object object,
			 unsigned class)
{
	page_id head = word_page(object.word);
	uint32_t record = debug_record(object);
	struct guarded g = debug_cut(object, class, record);
	unsigned looks = 0;

	while (slab_is(head, class) && debug_record(object) == record) {
		struct guard_fault fault;
		bool bit = bit_is_good(object, record);

		if (bit && memory_is_good(&g, record, &fault))
			return;
		if (++looks == LOOKS)
			report(caller, &g, record, bit ? &fault : NULL);
	}
}

static void check_slab(const char *caller, page_id head, uint64_t entry)
{
	unsigned class = map_class(entry), i;

	for (i = 0; i < size_classes[class].nr_objects; i++) {
		struct object object = {page_word(head, i / WORD_BITS),
					i % WORD_BITS};

		check_object(caller, object, class);
	}
}

/* --- all -------------------------------------------------------------------
 */

static void check_page(const char *caller, page_id page)
{
	const char *fault;
	uint64_t entry;
	unsigned looks = 0;

	while ((fault = page_fault(page)))
		if (++looks == LOOKS)
			panic("%s: consistency: page %u has %s", caller,
			      page.nr, fault);
	entry = map_load(page);
	if (map_class(entry) && !map_behind(entry))
		check_slab(caller, page, entry);
}

static void check_chunk(const char *caller, chunk_id id)
{
	const struct chunk *chunk = chunk_of(id);
	/* relaxed: of the moment; nobody ever sets the gap's bit */
	uint64_t gap = load_relaxed(&chunk->free) |
		       load_relaxed(&chunk->dirty) |
		       load_relaxed(&chunk->idle) | load_relaxed(&chunk->room);
	unsigned i;

	if (gap & ~CHUNK_EMPTY)
		panic("%s: consistency: chunk %u: a bit for its gap", caller,
		      id.nr);
	for (i = 1; i < CHUNK_PAGES; i++)
		check_page(caller, chunk_page(id, i));
}

void debug_check_all(const char *caller)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		uint32_t at = 0;
		chunk_id id;

		while (pool_next(&arena_at(i)->pool, &at, &id))
			check_chunk(caller, id);
	}
}
