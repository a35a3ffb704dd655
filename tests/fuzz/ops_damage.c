// SPDX-License-Identifier: MIT
/*
 * What debug mode sees: memory written to beside an object or after its free,
 * and bookkeeping that is wrong. Its check of everything must say so, and when
 * the damage is undone all is as before.
 */
#include "fuzz.h"

#include "arena/arena.h"
#include "arena/debug.h"
#include "chunk/annotate.h"
#include "chunk/registry.h"

static void check_all(void *unused)
{
	(void)unused;
	debug_check_all("fuzz");
}

static void expect_seen(const char *words)
{
	require(fuzz_aborts(check_all, NULL), "no \"%s\"", words);
	fuzz_expect_heard("libpcpu: fuzz");
	fuzz_expect_heard(words);
}

/* --- memory --------------------------------------------------------------- */

/* A byte in the redzone behind, or that in front. */
static void overrun(const struct guarded *g, unsigned cpu, unsigned where)
{
	uint8_t *copy = pcpu_ptr((uint8_t *)guard_handle(g), cpu);
	unsigned rear = g->bytes - g->front - g->size;
	bool behind = where % 2;
	uint8_t *byte = behind ? copy + g->size + where % rear
			       : copy - 1 - where % g->front;
	uint8_t right = *byte;

	/* On a CPU where zeroes stand for a pattern the first byte tells. */
	if (!right)
		return;
	*byte = (uint8_t)(right ^ 0x80);
	expect_seen(behind ? " behind its " : " in front of its ");
	*byte = right;
}

static void write_late(const struct guarded *g, unsigned cpu, unsigned where)
{
	uint8_t *byte = pcpu_ptr((uint8_t *)guard_handle(g), cpu);
	uint8_t right;

	byte += where % g->size;
	right = *byte;
	if (!right)
		return;
	*byte = (uint8_t)(right ^ 1);
	expect_seen(" was written after pcpu_free(): ");
	*byte = right;
}

/* The object that a handle is of. */
static bool find(const char *p, struct found *found, struct guarded *g)
{
	uint32_t inside;

	if (!p || !registry_find_around(p, found, &inside))
		return false;
	*g = debug_cut(found->object, map_class(found->entry),
		       debug_record(found->object));
	return guard_handle(g) == p;
}

/* --- bookkeeping ---------------------------------------------------------- */

static void change_map(page_id page, uint64_t entry)
{
	uint64_t right = map_load(page);

	store_relaxed(&layout.map[page.nr], entry);
	expect_seen(" has a map entry that none can have\n");
	store_relaxed(&layout.map[page.nr], right);
}

static void flip(atom64 *word, uint64_t bit, const char *words)
{
	store_relaxed(word, load_relaxed(word) ^ bit);
	expect_seen(words);
	store_relaxed(word, load_relaxed(word) ^ bit);
}

static void change_used(word_id word, uint8_t value)
{
	uint8_t right = (uint8_t)load_relaxed(&layout.used[word.nr]);

	store_relaxed(&layout.used[word.nr], value);
	expect_seen(" has a free bit that stands for no object\n");
	store_relaxed(&layout.used[word.nr], right);
}

static void change_bookkeeping(const struct found *found, unsigned kind)
{
	page_id head = word_page(found->object.word);
	struct chunk *chunk = chunk_of(page_chunk(head));
	uint64_t entry = map_load(head);

	switch (kind % 8) {
	case 0: /* no such class */
		change_map(head, (entry & ~MAP_CLASS) | NR_CLASSES);
		break;
	case 1: /* no class has this reciprocal */
		change_map(head, entry ^ UINT64_C(1) << 63);
		break;
	case 2:
		change_map(head, entry & ~(uint64_t)MAP_CLASS);
		break;
	case 3:
		change_used(found->object.word, WORD_BITS + 1);
		break;
	case 4:
		flip(&chunk->free, word_bit(page_index(head)),
		     " has a free bit in its chunk, and a slab\n");
		break;
	case 5:
		flip(&chunk->free, 1, ": a bit for its gap\n");
		break;
	default:
		flip(word_of(found->object.word), word_bit(found->object.bit),
		     " is live, but its bit is free\n");
	}
}

/* --- which ---------------------------------------------------------------- */

/* kind: 1, object: 2, CPU: 2, where: 1 */
static void damage(struct fuzz *fuzz)
{
	unsigned kind = take_byte(fuzz);
	const struct shadow_object *object = take_object(fuzz);
	unsigned cpu = take_cpu(fuzz), where = take_byte(fuzz);
	struct found found;
	struct guarded g;

	if (!debug_level)
		return;
	fuzz->shadow->touched += (uint64_t)1 << 20;
	/* What is annotated nobody may write to, nor does debug mode look. */
	if (kind % 4 != 1 && annotate_is_on())
		return;
	if (kind % 4 == 0) {
		if (find(fuzz->freed[where % FUZZ_FREED_MAX], &found, &g) &&
		    debug_state(debug_record(found.object)) == DEBUG_DEAD)
			write_late(&g, cpu, where);
		return;
	}
	if (!object)
		return;
	require(find(object->handle, &found, &g), "%p is lost",
		(void *)object->handle);
	if (kind % 4 == 1)
		change_bookkeeping(&found, kind / 4);
	else if (g.front) /* the largest have no redzones */
		overrun(&g, cpu, where);
}

static const struct fuzz_op ops[] = {
	{"damage", 0x6a, 2, damage},
};
FUZZ_OPS(ops)
