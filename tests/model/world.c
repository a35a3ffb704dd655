// SPDX-License-Identifier: MIT
/*
 * The objects that threads hold, what is in their copies, and the way back to
 * an empty world.
 */
#include <pcpu.h>
#include <string.h>

#include "chunk/registry.h"
#include "engine.h"
#include "reclaim/reclaim.h"

struct explore_object explore_objects[EXPLORE_OBJECTS_MAX];
unsigned explore_nr_objects;
unsigned explore_nr_refused;

unsigned explore_nr_others(void)
{
	const struct scenario *scenario = engine.scenario;

	return engine.running && scenario->nr_others ? scenario->nr_others()
						     : 0;
}

/* --- contents ------------------------------------------------------------- */

/* Small objects are filled, of others every 256 bytes a word: what lies where
 * does not depend on the class, so a later object in the place shows it. */
static size_t next_word(const struct explore_object *object, size_t offset)
{
	if (object->size <= 512)
		return offset + 4;
	offset += (uintptr_t)object->handle;
	return (offset | 255) + 1 - (uintptr_t)object->handle;
}

static size_t first_word(const struct explore_object *object)
{
	return object->size <= 512 || (uintptr_t)object->handle % 256 == 0
		       ? 0
		       : next_word(object, 0);
}

static void fill(const struct explore_object *object, unsigned cpu)
{
	char *copy = pcpu_ptr(object->handle, (int)cpu);
	uint32_t value = object->stamp * EXPLORE_CPUS + cpu;
	size_t i;

	for (i = first_word(object); i < object->size;
	     i = next_word(object, i)) {
		uint32_t *word = (uint32_t *)(void *)(copy + i);

		explore_expect(*word == 0,
			       "%p of %zu bytes: %#x at %zu on CPU %u at "
			       "hand-out",
			       (void *)object->handle, object->size, *word, i,
			       cpu);
		if (object->size > 512)
			explore_save(word, sizeof(*word));
		copies_touch(copy + i);
		*word = value;
	}
}

static void compare(const struct explore_object *object, unsigned cpu)
{
	const char *copy = pcpu_ptr(object->handle, (int)cpu);
	uint32_t value = object->stamp * EXPLORE_CPUS + cpu;
	size_t i;

	for (i = first_word(object); i < object->size;
	     i = next_word(object, i)) {
		uint32_t word = *(const uint32_t *)(const void *)(copy + i);

		explore_expect(word == value,
			       "%p of %zu bytes: %#x at %zu on CPU %u was %#x",
			       (void *)object->handle, object->size, word, i,
			       cpu, value);
	}
}

/* --- objects -------------------------------------------------------------- */

static void expect_apart(const struct explore_object *object)
{
	unsigned i;

	for (i = 0; i < explore_nr_objects; i++) {
		const struct explore_object *other = &explore_objects[i];

		explore_expect(object->handle + object->size <= other->handle ||
				       other->handle + other->size <=
					       object->handle,
			       "%p of %zu bytes overlaps %p of %zu",
			       (void *)object->handle, object->size,
			       (void *)other->handle, other->size);
	}
}

/* Whose bit must be clear from now on, or need not any more: I7. */
static void hold(const char *handle, bool held)
{
	struct place *place;
	struct found found;
	bool is_object;

	engine.peeking = true;
	is_object = registry_find(handle, &found);
	engine.peeking = false;
	explore_expect(is_object, "%p is no object", (const void *)handle);
	place = memory_place(word_of(found.object.word));
	explore_save(&place->held, sizeof(place->held));
	if (held)
		place->held |= word_bit(found.object.bit);
	else
		place->held &= ~word_bit(found.object.bit);
}

static void save_objects(unsigned i)
{
	explore_save(&explore_nr_objects, sizeof(explore_nr_objects));
	explore_save(&explore_objects[i], sizeof(explore_objects[i]));
}

static void add(void *handle, size_t size)
{
	struct explore_object object = {
		.handle = handle,
		.size = size_classes[sizeclass_of(size, 4)].size,
		.stamp = engine_stamp(),
		.thread = explore_thread(),
	};
	unsigned cpu;

	expect_apart(&object);
	if (object.size <= 512)
		copies_save((uintptr_t)handle, object.size);
	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		fill(&object, cpu);
	explore_expect(explore_nr_objects < EXPLORE_OBJECTS_MAX,
		       "too many objects");
	save_objects(explore_nr_objects);
	explore_objects[explore_nr_objects++] = object;
	hold(handle, true);
}

/* Before the library is called: who runs meanwhile must not find it. */
static void take_out(void *handle)
{
	struct explore_object object;
	unsigned cpu, i = 0;

	while (explore_objects[i].handle != handle)
		explore_expect(++i < explore_nr_objects, "%p is not live",
			       handle);
	object = explore_objects[i];
	save_objects(i);
	explore_objects[i] = explore_objects[--explore_nr_objects];
	hold(handle, false);
	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		compare(&object, cpu);
}

void *explore_own_object(unsigned n)
{
	unsigned i;

	for (i = 0; i < explore_nr_objects; i++)
		if (explore_objects[i].thread == explore_thread() && n-- == 0)
			return explore_objects[i].handle;
	return NULL;
}

/* --- calls ---------------------------------------------------------------- */

static void note_refusal(void)
{
	explore_save(&explore_nr_refused, sizeof(explore_nr_refused));
	explore_nr_refused++;
}

void *explore_alloc(size_t size, unsigned flags)
{
	void *handle = pcpu_alloc_flags(size, 4, flags);

	if (handle)
		add(handle, size);
	else
		note_refusal();
	engine_call_returned((uintptr_t)handle);
	return handle;
}

void explore_alloc_bulk(size_t size, size_t nr, void **handles)
{
	size_t i;

	if (pcpu_alloc_bulk(size, 4, 0, nr, handles)) {
		note_refusal();
		memset(handles, 0, nr * sizeof(*handles));
		engine_call_returned(0);
		return;
	}
	for (i = 0; i < nr; i++) {
		add(handles[i], size);
		engine_call_returned((uintptr_t)handles[i]);
	}
}

void explore_free(void *handle)
{
	if (!handle)
		return;
	take_out(handle);
	pcpu_free(handle);
	engine_call_returned(0);
}

/* As they are when scenarios begin. */
static void *unowned[8];
static unsigned nr_unowned;

void explore_leave_unowned(void *handle)
{
	explore_expect(!engine.running && handle &&
			       nr_unowned < sizeof(unowned) / sizeof(*unowned),
		       "only a few, and while scenarios prepare");
	unowned[nr_unowned++] = handle;
}

void *explore_alloc_unowned(size_t size)
{
	void *handle = pcpu_alloc_flags(size, 4, 0);

	explore_leave_unowned(handle);
	return handle;
}

void explore_free_unowned(void *handle)
{
	pcpu_free(handle);
	engine_call_returned(0);
}

void explore_free_unowned_bulk(size_t nr, void **handles)
{
	pcpu_free_bulk(nr, handles);
	engine_call_returned(0);
}

void explore_free_bulk(size_t nr, void **handles)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (handles[i])
			take_out(handles[i]);
	pcpu_free_bulk(nr, handles);
	engine_call_returned(0);
}

void explore_drain(void)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++)
		arena_drain(w);
	engine_call_returned(0);
}

void explore_retire_chunks(void)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++)
		arena_retire_empty(arena_at(i));
	engine_call_returned(0);
}

void explore_trim(void)
{
	pcpu_trim();
	engine_call_returned(0);
}

void explore_round(void)
{
	reclaim_now();
	engine_call_returned(0);
}

/* --- an empty world ------------------------------------------------------- */

static void expect_nothing_left(const struct arena *arena)
{
	uint32_t i;

	explore_expect(!load_relaxed(&arena->nr_chunks) &&
			       !load_relaxed(&arena->nr_empty) &&
			       !load_relaxed(&arena->pool.nr_set_aside),
		       "a chunk is left when everything is free");
	for (i = 0; i < arena->pool.nr_chunks; i++)
		explore_expect(!pool_is_taken(&arena->pool,
					      pool_chunk(&arena->pool, i)),
			       "chunk %u does not come back", i);
}

/* Hints that point to nothing are no error, but would tell the next run of
 * this one. */
static void wipe_hints(struct arena *arena)
{
	struct shelves *shelves = &arena->shelves;
	uint32_t kind, i;

	for (kind = 0; kind < NR_SHELVES; kind++)
		for (i = 0; i < arena->pool.nr_chunks; i++)
			shelf_remove(shelves, kind, i);
	for (i = 0; i < arena->pool.nr_chunks; i++)
		store_relaxed(&chunk_of(pool_chunk(&arena->pool, i))->room, 0);
}

void explore_reset(void)
{
	unsigned i;

	while (explore_nr_objects)
		explore_free(explore_objects[0].handle);
	while (nr_unowned)
		pcpu_free(unowned[--nr_unowned]);
	explore_drain();
	explore_retire_chunks();
	reclaim_now();
	for (i = 0; i < arena_count(); i++) {
		expect_nothing_left(arena_at(i));
		wipe_hints(arena_at(i));
	}
	arenas_link_first();
	explore_nr_refused = 0;
	explore_on_cpu(0);
}
