// SPDX-License-Identifier: MIT
/*
 * Objects of a cache: how they enter and leave, and what the sequences of
 * alloc and free leave to do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/panic.h"
#include "object/cache.h"

/* --- enter, leave -----------------------------------------------------------
 */

static void *get_memory(const struct cache *cache)
{
	size_t align = cache->align, bytes = (cache->size + align - 1) & -align;
	void *object;

	if (cache->flags & PCPU_CACHE_PERCPU)
		return libpcpu_alloc(cache->size, align, 0);
	object = aligned_alloc(align, bytes);
	if (object)
		memset(object, 0, bytes);
	return object;
}

static void put_memory(const struct cache *cache, void *object)
{
	if (cache->flags & PCPU_CACHE_PERCPU)
		libpcpu_free(object);
	else
		free(object);
}

/* Returns 0 or an errno value. */
static int construct(struct cache *cache, void *object)
{
	int error;

	if (!table_insert(&cache->table, object))
		return ENOMEM;
	error = cache->ctor ? cache->ctor(object) : 0;
	if (error) {
		cache_count(cache, ON_REFUSAL);
		table_remove(&cache->table, object);
	}
	return error;
}

static void *enter(struct cache *cache)
{
	void *object = get_memory(cache);
	int error;

	/* What is idle on other CPUs is of more use here. */
	if (!object && cache_shrink(cache))
		object = get_memory(cache);
	if (!object) {
		errno = ENOMEM;
		return NULL;
	}
	error = construct(cache, object);
	if (error) {
		put_memory(cache, object);
		errno = error;
		return NULL;
	}
	cache_count(cache, ON_ENTER);
	return object;
}

static void leave_live(struct cache *cache, void *object)
{
	if (cache->dtor)
		cache->dtor(object);
	table_remove(&cache->table, object);
	put_memory(cache, object);
}

void cache_leave(struct cache *cache, void *object)
{
	if (cache->debug)
		cache_debug_alloc(cache, object, "pcpu_cache_shrink");
	leave_live(cache, object);
}

/* --- alloc and free ------------------------------------------------------- */

struct cache *cache_expect_alive(const char *caller,
				 const struct pcpu_cache *public)
{
	struct cache *cache = cache_of(public);

	/* relaxed: who uses it knows of its end before */
	if (unlikely(load_relaxed(&cache->is_dead)))
		panic("%s(%p): cache \"%s\" was destroyed", caller,
		      (const void *)public, cache->name);
	return cache;
}

void *libpcpu_cache_alloc(struct pcpu_cache *cache)
{
	struct cache *self = cache_expect_alive("pcpu_cache_alloc", cache);
	void *object;

	if (libpcpu_cache_try_pop(cache, &object))
		return object;
	object = cache_pop(self);
	if (!object)
		return enter(self);
	if (self->debug)
		cache_debug_alloc(self, object, "pcpu_cache_alloc");
	return object;
}

void libpcpu_cache_free(struct pcpu_cache *cache, void *object)
{
	struct cache *self = cache_expect_alive("pcpu_cache_free", cache);

	if (!object || libpcpu_cache_try_push(cache, object))
		return;
	if (self->debug)
		cache_debug_free(self, object);
	if (cache_push(self, object))
		return;
	cache_count(self, ON_OVERFLOW);
	cache_leave(self, object);
}

static void free_bulk(struct pcpu_cache *cache, size_t nr, void **objects)
{
	size_t i;

	for (i = 0; i < nr; i++)
		pcpu_cache_free(cache, objects[i]);
}

int pcpu_cache_alloc_bulk(struct pcpu_cache *cache, size_t nr, void **objects)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		objects[i] = pcpu_cache_alloc(cache);
		if (!objects[i]) {
			int error = errno;

			free_bulk(cache, i, objects);
			errno = error;
			return -1;
		}
	}
	return 0;
}

void pcpu_cache_free_bulk(struct pcpu_cache *cache, size_t nr, void **objects)
{
	free_bulk(cache, nr, objects);
}
