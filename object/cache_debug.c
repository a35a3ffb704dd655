// SPDX-License-Identifier: MIT
/*
 * What debug mode knows of a cache's objects. While one is idle, its contents
 * are kept aside, with those of all copies, and its memory is filled with a
 * pattern; they are put back when it is handed out or leaves. Each object's
 * entry in the table has a value:
 *
 *	            free: CAS, one of several wins
 *	0, live ----------------------------------> contents, idle
 *	        <----------------------------------
 *	            alloc, leave
 */
#include <stdlib.h>
#include <string.h>

#include "chunk/panic.h"
#include "object/cache.h"

#define POISON 0x6d

/* Its contents in place of a pattern: there was no memory to keep them. */
static char unkept;

static uint64_t word_of(const void *contents)
{
	return (uintptr_t)contents;
}

/* The copy after that of *cpu, which is -1 for the first; NULL at the end.
 * Ordinary memory has one. */
static char *next_copy(const struct cache *cache, void *object, int *cpu)
{
	if (!(cache->flags & PCPU_CACHE_PERCPU))
		return (*cpu)++ < 0 ? object : NULL;
	*cpu = libpcpu_cpu_next(*cpu);
	return (unsigned)*cpu < libpcpu_nr_cpu_ids
		       ? pcpu_ptr((char *)object, *cpu)
		       : NULL;
}

static char *keep(const struct cache *cache, void *object)
{
	char *contents = malloc(cache->size * cache->nr_copies), *copy;
	size_t at = 0;
	int cpu = -1;

	if (!contents)
		return &unkept;
	while ((copy = next_copy(cache, object, &cpu))) {
		memcpy(contents + at, copy, cache->size);
		at += cache->size;
	}
	return contents;
}

static void bury(const struct cache *cache, void *object)
{
	char *copy;
	int cpu = -1;

	while ((copy = next_copy(cache, object, &cpu)))
		memset(copy, POISON, cache->size);
}

static void expect_buried(const struct cache *cache, const char *caller,
			  void *object, const char *copy)
{
	size_t i;

	for (i = 0; i < cache->size; i++)
		if (copy[i] != POISON)
			panic("%s: object %p of cache \"%s\" was written at "
			      "byte %zu (%p) after its free",
			      caller, object, cache->name, i,
			      (const void *)(copy + i));
}

/* The contents come back. */
static void unbury(const struct cache *cache, const char *caller, void *object,
		   const char *contents)
{
	char *copy;
	int cpu = -1;

	while ((copy = next_copy(cache, object, &cpu))) {
		expect_buried(cache, caller, object, copy);
		memcpy(copy, contents, cache->size);
		contents += cache->size;
	}
}

void cache_debug_alloc(struct cache *cache, void *object, const char *caller)
{
	struct entry entry = table_find(&cache->table, object);
	char *contents;

	/* relaxed: it is ours, and came to us with all that was done */
	contents = (char *)(uintptr_t)load_relaxed(entry.value);
	if (contents != &unkept) {
		unbury(cache, caller, object, contents);
		free(contents);
	}
	store_relaxed(entry.value, 0); /* relaxed: the same */
}

static _Noreturn void refuse(const struct cache *cache, const void *object,
			     const char *what)
{
	panic("pcpu_cache_free(%p): cache \"%s\": %s", object, cache->name,
	      what);
}

void cache_debug_free(struct cache *cache, void *object)
{
	struct entry entry = table_find(&cache->table, object);
	uint64_t live = 0;
	char *contents;

	if (!entry.key)
		refuse(cache, object, "not an object of this cache");
	/* relaxed: who frees it knows of a free before */
	if (load_relaxed(entry.value))
		refuse(cache, object, "already free");
	if (cache->check && !cache->check(object))
		refuse(cache, object, "not in its constructed state");
	contents = keep(cache, object);
	/* relaxed: its contents go the way of the object. Two who free it at
	 * once are told apart here. */
	if (!cas_relaxed(entry.value, &live, word_of(contents)))
		refuse(cache, object, "already free");
	if (contents != &unkept)
		bury(cache, object);
}
