// SPDX-License-Identifier: MIT
#include "arena/debug.h"

#include <errno.h>

#include "arena/arena.h"
#include "arena/quarantine.h"
#include "chunk/annotate.h"
#include "chunk/env.h"
#include "chunk/panic.h"
#include "chunk/registry.h"
#include "pcpu.h"

#define SIZE_BITS 15
#define FRONT_SHIFT SIZE_BITS
#define STATE_SHIFT 19
#define CHANGE (UINT32_C(1) << 21)
_Static_assert(PCPU_SIZE_MAX == 1 << SIZE_BITS, "its last byte's number fits");

unsigned debug_level;

void debug_read_level(void)
{
	debug_level = env_number("PCPU_DEBUG", 0, 2);
}

unsigned libpcpu_debug_level(void)
{
	return debug_level;
}

void debug_start(void)
{
	annotate_start();
	guard_start();
}

/* --- records ---------------------------------------------------------------
 */

static atom32 *record_of(struct object object)
{
	return &layout.records[(size_t)object.word.nr * WORD_BITS + object.bit];
}

uint32_t debug_record(struct object object)
{
	/* relaxed: who needs it to be true has claimed the object */
	return load_relaxed(record_of(object));
}

/* By who has claimed the object, which publishes it in the end. */
static uint32_t change(struct object object, uint32_t cut,
		       enum debug_state state)
{
	uint32_t changes = (debug_record(object) + CHANGE) & -CHANGE;
	uint32_t record = changes | (uint32_t)state << STATE_SHIFT | cut;

	store_relaxed(record_of(object), record); /* relaxed: see above */
	return record;
}

static uint32_t cut_of(uint32_t record)
{
	return record & ((1u << STATE_SHIFT) - 1);
}

struct guarded debug_cut(struct object object, unsigned class, uint32_t record)
{
	const struct size_class *c = &size_classes[class];
	unsigned shift = cut_of(record) >> FRONT_SHIFT;

	return (struct guarded){
		.cell = object_handle(c, object),
		.bytes = c->size,
		.front = shift ? 1u << shift : 0,
		.size = (record & (PCPU_SIZE_MAX - 1)) + 1,
		.units = c->unit_offset,
	};
}

/* --- allocation ------------------------------------------------------------
 */

/*
 * How to cut a cell for `end` + 1 bytes of a class: the least that keeps the
 * alignment; nothing in front, and what the class leaves behind, of objects as
 * large as slabs get. Returns the class of the cell.
 */
static unsigned plan(size_t end, unsigned class, uint32_t *cut)
{
	unsigned window = size_classes[class].window;
	size_t size = size_classes[class].size, cell;
	size_t align = size & -size;

	if (align < GUARD_LEAST)
		align = GUARD_LEAST;
	if (window == WINDOW_SKEWED && align > CACHE_LINE)
		align = CACHE_LINE;
	cell = align + end + 1 + GUARD_LEAST;
	*cut = (uint32_t)end;
	if (cell > PCPU_SIZE_MAX)
		return class;
	*cut |= (uint32_t)__builtin_ctzl(align) << FRONT_SHIFT;
	return sizeclass_of(cell, align);
}

/* Now and then, level 2 looks at everything. */
static void tick(const char *caller)
{
	static atom32 ticks;

	if (debug_level < 2)
		return;
	/* relaxed: a counter */
	if (fetch_add_relaxed(&ticks, 1) % DEBUG_PERIOD == 0)
		debug_check_all(caller);
}

/* An object of the quarantine becomes free: it may be handed out again. */
static void release(struct object object)
{
	unsigned class = registry_class("pcpu_free", object);
	struct guarded g = debug_cut(object, class, debug_record(object));

	guard_expect_dead("pcpu_free", &g);
	arena_unclaim(object, class);
}

static bool pick(const struct request *request, struct object *object)
{
	return arena_pick(request, object) ||
	       (quarantine_flush(release) && arena_pick(request, object));
}

void *debug_alloc(size_t end, unsigned class, unsigned flags)
{
	struct request request = {.nowait = flags & PCPU_NOWAIT};
	struct object object;
	struct guarded g;
	uint32_t cut, old;
	bool clean;

	tick("pcpu_alloc");
	request.cpu = (unsigned)libpcpu_cpu();
	request.class = plan(end, class, &cut);
	if (!pick(&request, &object)) {
		errno = ENOMEM;
		return NULL;
	}
	old = debug_record(object);
	change(object, cut_of(old), DEBUG_BUSY);
	if (debug_state(old) == DEBUG_DEAD) {
		g = debug_cut(object, request.class, old);
		guard_expect_dead("pcpu_alloc", &g);
	}
	clean = !object_is_used(object);
	if (clean)
		object_use(object);
	g = debug_cut(object, request.class, cut);
	guard_arm(&g, clean);
	change(object, cut, DEBUG_LIVE);
	/* relaxed: statistics */
	add_local_relaxed(
		&arena_slots[request.cpu].slot[request.class].nr_alloc, 1);
	return guard_handle(&g);
}

/* --- free ------------------------------------------------------------------
 */

/* p is in a cell, but not its handle. */
static _Noreturn void refuse_inside(const char *caller, const void *p,
				    const struct guarded *g)
{
	uintptr_t at = (uintptr_t)p - g->cell;

	if (at >= g->front && at < g->front + g->size)
		panic("%s(%p): points %zu bytes inside an object of %u bytes "
		      "at %p",
		      caller, p, (size_t)at - g->front, g->size,
		      guard_handle(g));
	panic("%s(%p): never allocated: %s an object of %u bytes at %p", caller,
	      p, at < g->front ? "in front of" : "behind", g->size,
	      guard_handle(g));
}

/* The live object of which p is the handle; refuses everything else. */
static struct object expect_live(const char *caller, const void *p,
				 struct guarded *g, uint32_t *record)
{
	uint32_t inside;
	struct found found;

	if (!debug_level || !registry_find_around(p, &found, &inside))
		registry_refuse(caller, p);
	*record = debug_record(found.object);
	if (debug_state(*record) == DEBUG_NONE)
		panic("%s(%p): never allocated", caller, p);
	*g = debug_cut(found.object, map_class(found.entry), *record);
	if (inside != g->front)
		refuse_inside(caller, p, g);
	if (debug_state(*record) != DEBUG_LIVE)
		registry_refuse_free(caller, p);
	return found.object;
}

void debug_free(const char *caller, void *p)
{
	struct guarded g;
	uint32_t record;
	struct object object = expect_live(caller, p, &g, &record);
	uint32_t busy = cut_of(record) | DEBUG_BUSY << STATE_SHIFT |
			((record + CHANGE) & -CHANGE);

	/* relaxed: who frees it knows what its owner did. Two who free it at
	 * once are told apart here. */
	if (!cas_relaxed(record_of(object), &record, busy))
		registry_refuse_free(caller, p);
	guard_bury(caller, &g);
	change(object, cut_of(busy), DEBUG_DEAD);
	quarantine_put(object, &size_classes[registry_class(caller, object)],
		       release);
	tick(caller);
}

size_t debug_usable_size(const char *caller, const void *p)
{
	struct guarded g;
	uint32_t record;

	expect_live(caller, p, &g, &record);
	return g.size;
}

void debug_trim(void)
{
	quarantine_flush(release);
	if (debug_level >= 2)
		debug_check_all("pcpu_trim");
}

void debug_forget(page_id head, unsigned class)
{
	const struct size_class *c = &size_classes[class];
	unsigned i;

	for (i = 0; i < c->nr_objects; i++) {
		struct object object = {page_word(head, i / WORD_BITS),
					i % WORD_BITS};
		uint32_t record = debug_record(object);
		struct guarded g = debug_cut(object, class, record);

		if (debug_state(record) == DEBUG_DEAD)
			guard_expect_dead("pcpu_free", &g);
		change(object, 0, DEBUG_NONE);
	}
}

uint64_t debug_unowned(word_id word, const struct size_class *class)
{
	uint64_t bits = 0;
	unsigned i;

	for (i = 0; i < WORD_BITS; i++) {
		struct object object = {word, i};

		if (word_index(word) * WORD_BITS + i < class->nr_objects &&
		    debug_state(debug_record(object)) != DEBUG_LIVE)
			bits |= word_bit(i);
	}
	return bits;
}
