// SPDX-License-Identifier: MIT
/*
 * Object caches: create and destroy, settings, statistics.
 */
#include "object/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/panic.h"

#define DEFAULT_BUDGET 65536u /* bytes, for each possible CPU */

/* A line has room for so many. */
#define LISTED 6u

/* --- create --------------------------------------------------------------- */

/* Destroyed ones are remembered, the oldest first. With the lock. */
#define DEAD_KEPT 8u
static struct cache *dead[DEAD_KEPT];
static unsigned nr_dead;

static void bury(struct cache *cache)
{
	struct cache *oldest;

	cache_lock();
	oldest = dead[nr_dead % DEAD_KEPT];
	dead[nr_dead++ % DEAD_KEPT] = cache;
	cache_unlock();
	free(oldest);
}

static unsigned nr_possible_cpus(void)
{
	unsigned nr = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		nr++;
	return nr;
}

/* Of what pcpu_alloc() does not look at itself. */
static int check_arguments(const char *name, size_t size, size_t align,
			   unsigned flags)
{
	bool percpu = flags & PCPU_CACHE_PERCPU;
	size_t max = percpu ? PCPU_SIZE_MAX : PCPU_CACHE_SIZE_MAX;

	if (!name || flags & ~PCPU_CACHE_PERCPU || !size || !align ||
	    align & (align - 1) || align > PCPU_ALIGN_MAX)
		return EINVAL;
	return size > max ? ENOMEM : 0;
}

static void weigh(struct cache *cache, size_t tied)
{
	size_t nr = nr_possible_cpus();

	cache->nr_copies = cache->flags & PCPU_CACHE_PERCPU ? nr : 1;
	cache->weight = cache->size * cache->nr_copies + tied * nr;
	cache_size_magazines(cache);
}

/* The depots are per-CPU memory of which one copy a node is used: the others
 * are never touched. */
static struct cache *get_parts(void)
{
	size_t nr = libpcpu_nr_cpu_ids,
	       bytes = sizeof(struct cache) + nr * sizeof(struct cache_cpu);
	struct cache *cache = aligned_alloc(64, bytes);

	if (!cache)
		return NULL;
	memset(cache, 0, bytes);
	cache->depots = libpcpu_alloc(sizeof(*cache->depots), 64, 0);
	if (cache->depots)
		return cache;
	free(cache);
	return NULL;
}

static void clear_cpu(struct cache_cpu *cpu)
{
	uint64_t none = (uintptr_t)&cache_none;

	/* relaxed: nobody else knows of it */
	store_relaxed(&cpu->loaded, none);
	store_relaxed(&cpu->previous, none);
	store_relaxed(&cpu->unsequenced, none);
}

static struct cache *make(const char *name, size_t size, size_t align,
			  unsigned flags)
{
	struct cache *cache = get_parts();
	int i;

	if (!cache) {
		errno = ENOMEM;
		return NULL;
	}
	for (i = 0; i < 2; i++)
		clear_cpu(&cache->before[i]);
	pcpu_for_each_cpu (i)
		clear_cpu(&cache->cpu[i]);
	snprintf(cache->name, sizeof(cache->name), "%s", name);
	cache->size = size;
	/* As malloc() aligns anyway. */
	cache->align = align < sizeof(uint64_t) ? sizeof(uint64_t) : align;
	cache->flags = flags;
	/* Debug mode is the way without sequences. */
	cache->debug = libpcpu_debug_level();
	cache->has_sequences = !cache->debug && libpcpu_has_sequences();
	cache->table.has_values = cache->debug;
	/* relaxed: nobody else knows of it */
	store_relaxed(&cache->budget,
		      (uint64_t)DEFAULT_BUDGET * nr_possible_cpus());
	weigh(cache, 0);
	return cache;
}

struct pcpu_cache *pcpu_cache_create(const char *name, size_t size,
				     size_t align, int (*ctor)(void *object),
				     void (*dtor)(void *object), unsigned flags)
{
	int error = check_arguments(name, size, align, flags);
	struct cache *cache;

	if (error) {
		errno = error;
		return NULL;
	}
	cache = make(name, size, align, flags);
	if (!cache)
		return NULL;
	cache->ctor = ctor;
	cache->dtor = dtor;
	cache_link(cache);
	return cache_public(cache);
}

/* --- settings, statistics ------------------------------------------------- */

void pcpu_cache_set_budget(struct pcpu_cache *cache, size_t bytes)
{
	struct cache *self = cache_expect_alive("pcpu_cache_set_budget", cache);

	/* relaxed: a magazine more is shrunk below, or the worker's */
	store_relaxed(&self->budget, bytes);
	cache_size_magazines(self);
	cache_shrink(self);
}

void pcpu_cache_set_tied(struct pcpu_cache *cache, size_t bytes)
{
	weigh(cache_expect_alive("pcpu_cache_set_tied", cache), bytes);
}

void pcpu_cache_set_check(struct pcpu_cache *cache,
			  bool (*check)(const void *object))
{
	cache_expect_alive("pcpu_cache_set_check", cache)->check = check;
}

size_t pcpu_cache_shrink(struct pcpu_cache *cache)
{
	return cache_shrink(cache_expect_alive("pcpu_cache_shrink", cache));
}

size_t pcpu_cache_live(struct pcpu_cache *cache, size_t max, void **objects)
{
	struct cache *self = cache_expect_alive("pcpu_cache_live", cache);

	cache_shrink(self);
	return table_list(&self->table, max, objects);
}

static uint64_t sum(const struct cache *cache, enum cache_event event)
{
	uint64_t nr = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		/* relaxed: statistics */
		nr += load_relaxed((atom64 *)&cache->cpu[cpu].count[event]);
	return nr;
}

int pcpu_cache_stats(struct pcpu_cache *cache, struct pcpu_cache_info *stats)
{
	struct cache *self = cache_expect_alive("pcpu_cache_stats", cache);

	if (!stats) {
		errno = EINVAL;
		return -1;
	}
	memset(stats, 0, sizeof(*stats));
	memcpy(stats->name, self->name, sizeof(stats->name));
	stats->object_bytes = self->weight;
	/* relaxed: statistics */
	stats->budget = load_relaxed(&self->budget);
	stats->held_bytes = load_relaxed(&self->held);
	stats->nr_magazines = load_relaxed(&self->nr_magazines);
	stats->capacity = load_relaxed(&self->capacity);
	stats->nr_cached = cache_count_cached(self);
	stats->cached_bytes = stats->nr_cached * self->weight;
	stats->nr_objects = table_list(&self->table, 0, NULL);
	stats->nr_constructed = sum(self, ON_ENTER);
	stats->nr_destructed = stats->nr_constructed - stats->nr_objects;
	stats->nr_refused = sum(self, ON_REFUSAL);
	stats->nr_over_budget = sum(self, ON_OVERFLOW);
	return 0;
}

/* --- destroy -------------------------------------------------------------- */

static void tell_of_live(const struct cache *cache, size_t nr)
{
	void *objects[LISTED];
	char list[LISTED * 20 + 8] = "";
	size_t i, used = 0;

	table_list(&cache->table, LISTED, objects);
	for (i = 0; i < nr && i < LISTED; i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used,
					 " %p", objects[i]);
	complain("pcpu_cache_destroy: cache \"%s\" has %zu live object%s:%s%s",
		 cache->name, nr, nr == 1 ? "" : "s", list,
		 nr > LISTED ? " ..." : "");
}

int pcpu_cache_destroy(struct pcpu_cache *cache)
{
	struct cache *self;
	size_t nr;

	if (!cache)
		return 0;
	self = cache_expect_alive("pcpu_cache_destroy", cache);
	cache_drain(self);
	nr = table_list(&self->table, 0, NULL);
	if (nr) {
		tell_of_live(self, nr);
		errno = EBUSY;
		return -1;
	}
	cache_unlink(self);
	store_relaxed(&self->is_dead, 1); /* relaxed: nobody else uses it */
	libpcpu_free(self->depots);
	table_destroy(&self->table);
	bury(self);
	return 0;
}
