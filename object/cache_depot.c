// SPDX-License-Identifier: MIT
/*
 * Depots: where a node's CPUs leave magazines that they do not need, and find
 * some. And the memory of magazines, which the budget bounds.
 *
 * Full and partial magazines lie in slots, each claimed by an exchange, so a
 * stopped thread has no more than what it took. Empty ones, for which there
 * must be room always, lie in a list that is taken whole.
 */
#include <stdlib.h>

#include "object/cache.h"

/* --- their memory --------------------------------------------------------- */

void cache_size_magazines(struct cache *cache)
{
	/* relaxed: any size will do */
	uint64_t objects = load_relaxed(&cache->budget) / cache->weight;
	/* The first CPU leads its node. */
	uint64_t nr_cpus = 1, nr_nodes = 1, capacity, slots;
	int cpu = libpcpu_cpu_next(-1);

	while ((unsigned)(cpu = libpcpu_cpu_next(cpu)) < libpcpu_nr_cpu_ids) {
		nr_cpus++;
		nr_nodes += libpcpu_node_leader(cpu) == cpu;
	}
	/* Two for each CPU, and as many in depots. */
	capacity = objects / (4 * nr_cpus);
	capacity = capacity < 1              ? 1
		   : capacity > MAGAZINE_MAX ? MAGAZINE_MAX
					     : capacity;
	/* A depot takes half of the nodes' share, so that what it has no room
	 * for finds some in those of others. */
	slots = objects / capacity / (2 * nr_nodes);
	slots = slots < 1 ? 1 : slots > DEPOT_SLOTS ? DEPOT_SLOTS : slots;
	/* relaxed: see above, twice */
	store_relaxed(&cache->capacity, (uint32_t)capacity);
	store_relaxed(&cache->depot_slots, (uint32_t)slots);
}

/* Returns false if the budget has no room for so many bytes more. */
static bool reserve(struct cache *cache, uint64_t bytes)
{
	/* relaxed: a sum is all that is kept, here and below */
	uint64_t held = load_relaxed(&cache->held);

	do {
		if (held + bytes > load_relaxed(&cache->budget))
			return false;
	} while (!cas_weak_relaxed(&cache->held, &held, held + bytes));
	return true;
}

/* A new one, unless the budget has no room for its objects (M4). */
static magazine *make(struct cache *cache)
{
	/* relaxed: any size will do */
	uint64_t capacity = load_relaxed(&cache->capacity);
	uint64_t bytes = capacity * cache->weight;
	magazine *m;

	if (!reserve(cache, bytes))
		return NULL;
	m = aligned_alloc(MAGAZINE_ALIGN,
			  (sizeof(*m) + capacity * sizeof(m->object[0]) +
			   MAGAZINE_ALIGN - 1) &
				  -MAGAZINE_ALIGN);
	if (!m) {
		fetch_sub_relaxed(&cache->held, bytes); /* relaxed: the same */
		return NULL;
	}
	m->capacity = capacity;
	store_relaxed(atom_at(&m->state), 0); /* relaxed: it is ours */
	/* seq_cst [wanted]: then we look whether the worker is wanted */
	fetch_add_seq_cst(&cache->nr_magazines, 1);
	cache_wake_worker();
	return m;
}

size_t magazine_destroy(struct cache *cache, magazine *m)
{
	size_t bytes = magazine_nr(m) * cache->weight;

	while (has_objects(m))
		cache_leave(cache, magazine_pop(m));
	/* relaxed: counts */
	fetch_sub_relaxed(&cache->held, m->capacity * cache->weight);
	fetch_sub_relaxed(&cache->nr_magazines, 1);
	free(m);
	return bytes;
}

/* --- depots --------------------------------------------------------------- */

/* In the first slot from `first` on that is free. */
static bool shelve(atom64 *slots, unsigned nr, unsigned first, magazine *m)
{
	unsigned i;

	for (i = 0; i < nr; i++) {
		atom64 *slot = &slots[(first + i) % nr];
		uint64_t none = 0;

		/* relaxed: the CAS decides;
		 * pairs with [magazine] unshelve(): what is in it, and what was
		 * done to these objects */
		if (!load_relaxed(slot) &&
		    cas_release(slot, &none, (uintptr_t)m))
			return true;
	}
	return false;
}

static magazine *unshelve(atom64 *slots, unsigned nr, unsigned first)
{
	unsigned i;

	for (i = 0; i < nr; i++) {
		atom64 *slot = &slots[(first + i) % nr];
		magazine *m = NULL;

		/* relaxed: the exchange decides;
		 * pairs with [magazine] shelve(): see there */
		if (load_relaxed(slot))
			m = magazine_from(xchg_acquire(slot, 0));
		if (m)
			return m;
	}
	return NULL;
}

/* A chain of empty ones, to be pushed as one. */
static void put_empty(struct depot *depot, magazine *first, magazine *last)
{
	/* relaxed: the CAS decides */
	uint64_t head = load_relaxed(&depot->empty);

	do
		/* relaxed: it is ours */
		store_relaxed(atom_at(&last->next), head);
	/* pairs with [magazine] take_empty(): the chain */
	while (!cas_release(&depot->empty, &head, (uintptr_t)first));
}

/* The whole list is taken, so that a head that comes back means nothing. */
static magazine *take_empty(struct depot *depot)
{
	magazine *m = NULL, *rest, *last;

	/* relaxed: the exchange decides;
	 * pairs with [magazine] put_empty(): the chain */
	if (load_relaxed(&depot->empty))
		m = magazine_from(xchg_acquire(&depot->empty, 0));
	if (!m)
		return NULL;
	/* relaxed: they are ours, twice */
	rest = magazine_from(load_relaxed(atom_at(&m->next)));
	for (last = rest; last;) {
		magazine *next =
			magazine_from(load_relaxed(atom_at(&last->next)));

		if (!next)
			break;
		last = next;
	}
	if (rest)
		put_empty(depot, rest, last);
	return m;
}

/* Where CPUs of a node begin to look, lest they meet. */
static unsigned first_slot(int cpu)
{
	return (unsigned)cpu;
}

static unsigned nr_slots(const struct cache *cache)
{
	/* relaxed: any number will do */
	return load_relaxed((atom32 *)&cache->depot_slots);
}

static bool put_stocked(struct cache *cache, struct depot *depot, magazine *m)
{
	atom64 *slots = has_room(m) ? depot->partial : depot->full;

	return shelve(slots, nr_slots(cache), first_slot(libpcpu_cpu()), m);
}

/* Returns false if no depot has room for it. */
bool cache_park(struct cache *cache, magazine *m)
{
	struct depot *own = cache_depot(cache, libpcpu_cpu());
	int cpu;

	if (!has_objects(m)) {
		put_empty(own, m, m);
		return true;
	}
	if (put_stocked(cache, own, m))
		return true;
	cache_for_each_depot (cpu)
		if (put_stocked(cache, cache_depot(cache, cpu), m))
			return true;
	return false;
}

/* No room anywhere: the objects leave. */
void cache_park_or_empty(struct cache *cache, magazine *m)
{
	if (!m || cache_park(cache, m))
		return;
	while (has_objects(m))
		cache_leave(cache, magazine_pop(m));
	cache_park(cache, m);
}

static magazine *find_stocked_in(struct cache *cache, struct depot *depot)
{
	unsigned nr = nr_slots(cache), first = first_slot(libpcpu_cpu());
	magazine *m = unshelve(depot->full, nr, first);

	return m ? m : unshelve(depot->partial, nr, first);
}

/* One with objects. What is on all nodes anyway may come from any. */
magazine *cache_find_stocked(struct cache *cache)
{
	magazine *m = find_stocked_in(cache, cache_depot(cache, libpcpu_cpu()));
	int cpu;

	if (m || !(cache->flags & PCPU_CACHE_PERCPU))
		return m;
	cache_for_each_depot (cpu) {
		m = find_stocked_in(cache, cache_depot(cache, cpu));
		if (m)
			break;
	}
	return m;
}

/* One with room. */
magazine *cache_find_roomy(struct cache *cache)
{
	struct depot *own = cache_depot(cache, libpcpu_cpu());
	/* Who loses its CPU's magazines to others again and again fills the
	 * same one. */
	magazine *m = unshelve(own->partial, nr_slots(cache),
			       first_slot(libpcpu_cpu()));
	int cpu;

	if (!m)
		m = take_empty(own);
	if (!m)
		m = make(cache);
	if (m)
		return m;
	cache_for_each_depot (cpu) {
		m = take_empty(cache_depot(cache, cpu));
		if (m)
			break;
	}
	return m;
}
