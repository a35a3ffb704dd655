// SPDX-License-Identifier: MIT
#include "ops.h"

#include <pcpu.h>

#include "chunk/registry.h"

#define LARGEST 32768u

/* One word; two; four; two objects; one object of eight pages. */
const struct shape shapes[] = {
	{64, 56}, {32, 48}, {16, 12}, {2048, 1024}, {LARGEST, 28672},
};
const unsigned nr_shapes = sizeof(shapes) / sizeof(*shapes);

static const struct size_class *class_of(const struct actor *actor)
{
	return &size_classes[sizeclass_of(actor->shape->size, 4)];
}

static void *alloc_own(const struct actor *actor)
{
	return explore_alloc(actor->shape->size, 0);
}

static uint32_t slab_of(const void *handle)
{
	struct found found;

	return registry_find(handle, &found) ? word_page(found.object.word).nr
					     : 0;
}

static bool slab_is_full(page_id head)
{
	unsigned i;

	for (i = 0; i < PAGE_WORDS; i++)
		if (load_relaxed(word_of(page_word(head, i))))
			return false;
	return true;
}

/* --- allocations ---------------------------------------------------------- */

static void hold_one(struct actor *actor)
{
	actor->object[0] = alloc_own(actor);
}

static void allocate(struct actor *actor)
{
	actor->object[1] = alloc_own(actor);
}

static void allocate_nowait(struct actor *actor)
{
	actor->object[1] = explore_alloc(actor->shape->size, PCPU_NOWAIT);
}

static void list_one(struct actor *actor)
{
	hold_one(actor);
	explore_drain();
}

/* The same, of an object that whoever likes may free. */
static void list_any(struct actor *actor)
{
	alloc_own(actor);
	explore_drain();
}

/* The slab that the slot names has no free object. */
static void fill_slot(struct actor *actor)
{
	page_id head;

	do {
		head.nr = slab_of(alloc_own(actor));
	} while (!slab_is_full(head));
}

static void allocate_other(struct actor *actor)
{
	actor->object[1] = explore_alloc(actor->shape->other, 0);
}

#define NR_BULK 4u

static void hold_bulk(struct actor *actor)
{
	explore_alloc_bulk(actor->shape->size, NR_BULK, actor->object);
}

static void allocate_bulk(struct actor *actor)
{
	explore_alloc_bulk(actor->shape->size, NR_BULK, &actor->object[1]);
}

/* --- frees ---------------------------------------------------------------- */

/* Fill a slab; free_some() makes room in it. */
static void hold_full_slab(struct actor *actor)
{
	unsigned i = 0, n = class_of(actor)->nr_objects;
	uint32_t slab = 0;

	while (n-- > 0) {
		void *object = alloc_own(actor);

		if (slab_of(object) != slab)
			i = 0;
		slab = slab_of(object);
		if (i <= SPARE_MAX)
			actor->object[i++] = object;
	}
	explore_drain();
}

static void free_some(struct actor *actor)
{
	unsigned i;

	for (i = 0; i <= class_of(actor)->spare; i++)
		explore_free(actor->object[i]);
}

static void free_some_in_bulk(struct actor *actor)
{
	explore_free_bulk(class_of(actor)->spare + 1, actor->object);
}

static void free_bulk(struct actor *actor)
{
	explore_free_bulk(NR_BULK, actor->object);
}

/*
 * The second thread's object shares the slab of the first one's if it can, as
 * far from it as can be: two words must be seen as free then.
 */
static void hold_last_of_slab(struct actor *actor)
{
	unsigned n = class_of(actor)->nr_objects, i, nr = 0;
	void *objects[PAGE_WORDS * WORD_BITS], *keep;
	uint32_t slab;

	if (!actor->second) {
		list_one(actor);
		return;
	}
	keep = alloc_own(actor);
	slab = slab_of(keep);
	while (--n > 0) {
		void *object = alloc_own(actor);

		objects[nr++] = object;
		if (slab_of(object) == slab) {
			objects[nr - 1] = keep;
			keep = object;
		}
	}
	for (i = 0; i < nr; i++)
		explore_free(objects[i]);
	actor->object[0] = keep;
	explore_drain();
}

static void free_held(struct actor *actor)
{
	explore_free(actor->object[0]);
}

/* --- whole slabs and chunks ----------------------------------------------- */

static void reserve_empty(struct actor *actor)
{
	explore_free(alloc_own(actor));
}

static void drain(struct actor *actor)
{
	(void)actor;
	explore_drain();
}

static void trim(struct actor *actor)
{
	(void)actor;
	explore_trim();
}

/* Free pages that were in use, between others that are. */
static void leave_pages(struct actor *actor)
{
	void *objects[4];
	unsigned i;

	for (i = 0; i < 4; i++)
		objects[i] = explore_alloc(i ? 12288 : LARGEST, 0);
	hold_one(actor);
	explore_drain();
	for (i = 0; i < 4; i++)
		if (i != 2)
			explore_free(objects[i]);
}

static void give_pages_back(struct actor *actor)
{
	(void)actor;
	explore_round();
}

static void retire_chunks(struct actor *actor)
{
	(void)actor;
	explore_retire_chunks();
}

/* Free what nobody holds, and cut the pages for the other size. */
static void turn_over(struct actor *actor)
{
	unsigned i;

	for (i = 0; i < actor->nr_loose; i++)
		explore_free(actor->loose[i]);
	for (i = 0; i < 4; i++)
		actor->object[i] = explore_alloc(actor->shape->other, 0);
	explore_drain();
	explore_free(actor->object[0]);
	explore_free(actor->object[1]);
}

static bool has_longest_run(void)
{
	struct arena *arena = arena_at(0);
	uint32_t i;

	for (i = 0; i < arena->pool.nr_chunks; i++)
		if (chunk_has_run(pool_chunk(&arena->pool, i), SLAB_PAGES_MAX))
			return true;
	return false;
}

/* No linked chunk has room for the largest. */
static void fill_chunks(struct actor *actor)
{
	(void)actor;
	while (has_longest_run())
		explore_alloc(LARGEST, 0);
	explore_drain();
}

static void settle_chunks(struct actor *actor)
{
	(void)actor;
	while (has_longest_run())
		explore_alloc(LARGEST, 0);
}

/* The same, and another chunk is set aside. */
static void set_one_aside(struct actor *actor)
{
	void *object;

	fill_chunks(actor);
	object = explore_alloc(LARGEST, 0);
	explore_drain();
	explore_free(object);
	explore_retire_chunks();
}

static void allocate_largest(struct actor *actor)
{
	actor->object[1] = explore_alloc(LARGEST, 0);
}

/* A chunk whose only slab has one object. */
static void hold_a_chunk(struct actor *actor)
{
	fill_chunks(actor);
	actor->object[0] = explore_alloc(LARGEST, 0);
	explore_drain();
}

/* --- the last memory ------------------------------------------------------ */

static void take_all(struct actor *actor)
{
	actor->object[0] = explore_alloc(LARGEST, 0);
	while (explore_alloc(LARGEST, 0))
		;
	explore_drain();
}

static void settle_all(struct actor *actor)
{
	(void)actor;
	while (explore_alloc(LARGEST, 0))
		;
}

/* -------------------------------------------------------------------------- */

const struct op all_ops[] = {
	{.name = "allocate from the slot", .settle = hold_one, .run = allocate},
	{.name = "allocate when the slot's slab is full",
	 .settle = fill_slot,
	 .run = allocate},
	{.name = "allocate from a listed slab",
	 .prepare = list_any,
	 .run = allocate},
	{.name = "allocate NOWAIT",
	 .prepare = list_any,
	 .run = allocate_nowait,
	 .may_fail = true},
	{.name = "carve for another class", .run = allocate_other},
	{.name = "allocate in bulk", .settle = hold_one, .run = allocate_bulk},
	{.name = "free", .settle = hold_one, .run = free_held},
	{.name = "free in bulk", .settle = hold_bulk, .run = free_bulk},
	{.name = "free that makes room",
	 .prepare = hold_full_slab,
	 .run = free_some},
	{.name = "free in bulk that makes room",
	 .prepare = hold_full_slab,
	 .run = free_some_in_bulk},
	{.name = "free that empties a slab",
	 .prepare = hold_last_of_slab,
	 .run = free_held},
	{.name = "free that empties a chunk",
	 .prepare = hold_a_chunk,
	 .run = free_held},
	{.name = "let go of an empty slab",
	 .settle = reserve_empty,
	 .run = drain},
	{.name = "retire empty chunks", .run = retire_chunks},
	{.name = "trim", .prepare = list_any, .run = trim},
	{.name = "give pages back",
	 .prepare = leave_pages,
	 .run = give_pages_back},
	{.name = "turn a slab over to another class",
	 .prepare = list_any,
	 .run = turn_over},
	{.name = "grow",
	 .prepare = fill_chunks,
	 .settle = settle_chunks,
	 .run = allocate_largest},
	{.name = "take a chunk back",
	 .prepare = set_one_aside,
	 .settle = settle_chunks,
	 .run = allocate_largest},
	{.name = "allocate what is not there",
	 .prepare = take_all,
	 .settle = settle_all,
	 .run = allocate_largest,
	 .may_fail = true},
	{.name = "free when nothing is left",
	 .prepare = take_all,
	 .run = free_held,
	 .may_fail = true},
};
const unsigned nr_ops = sizeof(all_ops) / sizeof(*all_ops);
