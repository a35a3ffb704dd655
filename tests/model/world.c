// SPDX-License-Identifier: MIT
/*
 * The objects that the played threads hold, and the way back to the start.
 */
#include <pcpu.h>
#include <string.h>

#include "explore.h"
#include "reclaim/reclaim.h"

struct explore_object explore_objects[EXPLORE_OBJECTS_MAX];
unsigned explore_nr_objects;
unsigned explore_nr_refused;

static uint32_t last_stamp;

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

static void add(void *handle, size_t size)
{
	struct explore_object object = {
		.handle = handle,
		.size = size_classes[sizeclass_of(size, 4)].size,
		.stamp = ++last_stamp,
	};
	unsigned cpu;

	expect_apart(&object);
	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		fill(&object, cpu);
	explore_expect(explore_nr_objects < EXPLORE_OBJECTS_MAX,
		       "too many objects");
	explore_objects[explore_nr_objects++] = object;
}

void *explore_alloc(size_t size, unsigned flags)
{
	void *handle = pcpu_alloc_flags(size, 4, flags);

	if (handle)
		add(handle, size);
	else
		explore_nr_refused++;
	return handle;
}

void explore_alloc_bulk(size_t size, size_t nr, void **handles)
{
	size_t i;

	if (pcpu_alloc_bulk(size, 4, 0, nr, handles)) {
		explore_nr_refused++;
		memset(handles, 0, nr * sizeof(*handles));
		return;
	}
	for (i = 0; i < nr; i++)
		add(handles[i], size);
}

/* Before the library is called: who preempts us must not find it. */
static void take_out(void *handle)
{
	struct explore_object object;
	unsigned cpu, i = 0;

	while (explore_objects[i].handle != handle)
		explore_expect(++i < explore_nr_objects, "%p is not live",
			       handle);
	object = explore_objects[i];
	explore_objects[i] = explore_objects[--explore_nr_objects];
	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		compare(&object, cpu);
}

void explore_free(void *handle)
{
	if (!handle)
		return;
	take_out(handle);
	pcpu_free(handle);
}

void explore_free_bulk(size_t nr, void **handles)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (handles[i])
			take_out(handles[i]);
	pcpu_free_bulk(nr, handles);
}

/* --- the arenas ----------------------------------------------------------- */

static bool in_round;

void explore_drain(void)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++)
		arena_drain(w);
}

void explore_retire_chunks(void)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++)
		arena_retire_empty(arena_at(i));
}

void explore_trim(void)
{
	if (in_round) {
		explore_drain();
		explore_retire_chunks();
		return;
	}
	in_round = true;
	pcpu_trim();
	in_round = false;
}

void explore_round(void)
{
	if (in_round)
		return;
	in_round = true;
	reclaim_now();
	in_round = false;
}

static void expect_nothing_left(const struct arena *arena)
{
	uint32_t i;

	explore_expect(!load_relaxed(&arena->nr_chunks) &&
			       !load_relaxed(&arena->nr_empty) &&
			       !load_relaxed(&arena->pool.nr_set_aside),
		       "a chunk is left when everything is free");
	for (i = 0; i < arena->pool.nr_chunks; i++)
		explore_expect(!pool_is_taken(&arena->pool,
					      (chunk_id){arena->first.nr + i}),
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
		store_relaxed(&chunk_of((chunk_id){arena->first.nr + i})->room,
			      0);
}

void explore_reset(void)
{
	unsigned i;

	explore_disarm();
	while (explore_nr_objects)
		explore_free(explore_objects[0].handle);
	explore_drain();
	explore_retire_chunks();
	reclaim_now();
	for (i = 0; i < arena_count(); i++) {
		expect_nothing_left(arena_at(i));
		wipe_hints(arena_at(i));
	}
	for (i = 0; i < layout.nr_nodes; i++)
		arena_link_first(arena_at(i));
	explore_nr_refused = 0;
	explore_on_cpu(0);
}
