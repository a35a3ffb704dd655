// SPDX-License-Identifier: MIT
/*
 * The set of a cache's objects, so that those which are live can be told. It is
 * asked when objects enter and leave, and at each allocation and free in debug
 * mode.
 *
 * Levels, each four times as large as the one before, made when those are
 * crowded. An object lies in one of two buckets of a level, each a cache line:
 *
 *	level 0  [8][8] ...   16 buckets
 *	level 1  [8][8] ...   64 buckets
 *
 *	T1  an object is in the table once: who inserts it owns it, so nobody
 *	    else does, and its memory is not free before it was removed.
 *
 * Lock-free: an insertion tries again only when another has taken the place.
 */
#include <stdlib.h>
#include <string.h>

#include "object/cache.h"

#define BUCKET 8u
#define LEVEL_ALIGN 64u

static size_t nr_buckets(unsigned level)
{
	return (size_t)16 << 2 * level;
}

static atom64 *bucket_of(atom64 *level, unsigned nr, uint64_t hash)
{
	return level + BUCKET * ((hash >> 32) & (nr_buckets(nr) - 1));
}

/* Where the key's buckets of a level have `wanted`: the key, or 0 for room. */
static atom64 *find_in(atom64 *level, unsigned nr, uint64_t key,
		       uint64_t wanted)
{
	uint64_t hash = key;
	unsigned which, i;

	for (which = 0; which < 2; which++) {
		atom64 *bucket;

		hash = (hash ^ hash >> 29) * UINT64_C(0x9e3779b97f4a7c15);
		bucket = bucket_of(level, nr, hash);
		for (i = 0; i < BUCKET; i++)
			/* relaxed: a key that is there is the caller's own; for
			 * room the CAS decides */
			if (load_relaxed(&bucket[i]) == wanted)
				return &bucket[i];
	}
	return NULL;
}

static atom64 *level_at(const struct table *table, unsigned nr)
{
	/* pairs with [level] make_level(): that it is empty */
	return (atom64 *)(uintptr_t)load_acquire((atom64 *)&table->level[nr]);
}

/* With a value for each key behind the keys, if that is asked for. */
static atom64 *make_level(struct table *table, unsigned nr)
{
	size_t bytes = nr_buckets(nr) * BUCKET * sizeof(atom64) *
		       (table->has_values ? 2 : 1);
	atom64 *level = aligned_alloc(LEVEL_ALIGN, bytes);
	uint64_t none = 0;

	if (!level)
		return NULL;
	memset(level, 0, bytes);
	/* pairs with [level] level_at(): that it is empty */
	if (!cas_release(&table->level[nr], &none, (uintptr_t)level)) {
		free(level);
		return level_at(table, nr);
	}
	return level;
}

bool table_insert(struct table *table, const void *object)
{
	uint64_t key = (uintptr_t)object;
	unsigned nr;

	for (nr = 0; nr < TABLE_LEVELS; nr++) {
		atom64 *level = level_at(table, nr), *room;

		if (!level)
			level = make_level(table, nr);
		if (!level)
			return false;
		while ((room = find_in(level, nr, key, 0))) {
			uint64_t none = 0;

			/* relaxed: who looks for it was handed it by us */
			if (cas_relaxed(room, &none, key))
				return true;
		}
	}
	return false;
}

struct entry table_find(const struct table *table, const void *object)
{
	struct entry entry = {NULL, NULL};
	unsigned nr;

	for (nr = 0; nr < TABLE_LEVELS; nr++) {
		atom64 *level = level_at(table, nr);

		if (!level)
			break;
		entry.key = find_in(level, nr, (uintptr_t)object,
				    (uintptr_t)object);
		if (!entry.key)
			continue;
		if (table->has_values)
			entry.value = entry.key + nr_buckets(nr) * BUCKET;
		break;
	}
	return entry;
}

void table_remove(struct table *table, const void *object)
{
	/* relaxed: free room is all that it says */
	store_relaxed(table_find(table, object).key, 0);
}

size_t table_list(const struct table *table, size_t max, void **objects)
{
	size_t found = 0, i;
	unsigned nr;

	for (nr = 0; nr < TABLE_LEVELS; nr++) {
		atom64 *level = level_at(table, nr);

		for (i = 0; level && i < nr_buckets(nr) * BUCKET; i++) {
			/* relaxed: of the moment */
			uint64_t key = load_relaxed(&level[i]);

			if (key && found < max)
				objects[found] = (void *)(uintptr_t)key;
			found += key != 0;
		}
	}
	return found;
}

void table_destroy(struct table *table)
{
	unsigned nr;

	for (nr = 0; nr < TABLE_LEVELS; nr++) {
		free(level_at(table, nr));
		/* relaxed: nobody else uses it any more */
		store_relaxed(&table->level[nr], 0);
	}
}
