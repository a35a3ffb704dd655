// SPDX-License-Identifier: MIT
/*
 * Magazines on their way between CPUs, depots and the threads that work on
 * them.
 *
 * What the sequences of <pcpu/cache.h> refuse is done with magazines of one's
 * own: take the CPU's, make the loaded one such as is needed, pop or push, let
 * the CPU have them again. Without sequences every operation goes this way.
 *
 * A thread that is stopped in the middle of it has up to four magazines.
 */
#include "object/cache.h"
#include "object/cache_sequences.h"

magazine cache_none;

/* --- in a magazine of one's own ------------------------------------------- */

void *magazine_pop(magazine *m)
{
	/* relaxed: it is ours */
	uint64_t state = load_relaxed(atom_at(&m->state));
	uint64_t object = load_relaxed(atom_at(
		&m->object[(uint16_t)state - 1])); /* relaxed: the same */

	/* relaxed: the same */
	store_relaxed(atom_at(&m->state), state + STATE_OPERATION - 1);
	return (void *)(uintptr_t)object;
}

void magazine_push(magazine *m, const void *object)
{
	/* relaxed: it is ours */
	uint64_t state = load_relaxed(atom_at(&m->state));

	/* relaxed: the same, twice */
	store_relaxed(atom_at(&m->object[(uint16_t)state]), (uintptr_t)object);
	store_relaxed(atom_at(&m->state), state + STATE_OPERATION + 1);
}

/* --- on CPUs -------------------------------------------------------------- */

static magazine *or_null(uint64_t word)
{
	return magazine_from(word == (uintptr_t)&cache_none ? 0 : word);
}

static magazine *take_one(atom64 *at)
{
	/* pairs with [magazine] put_one(): what is in it, and what was done to
	 * these objects */
	return or_null(xchg_acquire(at, (uintptr_t)&cache_none));
}

/* Wherever we run by now: what becomes loaded there was ours. */
static bool put_one(atom64 *at, magazine *m)
{
	uint64_t none = (uintptr_t)&cache_none;

	/* pairs with [magazine] take_one(): see there */
	return !m || cas_release(at, &none, (uintptr_t)m);
}

struct pair cache_take(struct cache *cache)
{
	int cpu = libpcpu_cpu();
	struct pair mine = {NULL, NULL};

	if (!cache->has_sequences)
		mine.loaded = take_one(cache_loaded(cache, cpu));
	else if (try_take(cache, &mine.loaded))
		mine.loaded = or_null((uintptr_t)mine.loaded);
	else
		mine.loaded = NULL;
	mine.previous = take_one(&cache->cpu[cpu].previous);
	return mine;
}

/* The budget may have been lowered since it was made. */
static void put_at(struct cache *cache, atom64 *at, magazine *m)
{
	if (m && cache_is_over_budget(cache))
		magazine_destroy(cache, m);
	else if (!put_one(at, m))
		cache_park_or_empty(cache, m);
}

void cache_put(struct cache *cache, struct pair mine)
{
	int cpu = libpcpu_cpu();

	put_at(cache, cache_loaded(cache, cpu), mine.loaded);
	put_at(cache, &cache->cpu[cpu].previous, mine.previous);
}

static void swap(struct pair *mine)
{
	*mine = (struct pair){mine->previous, mine->loaded};
}

/* See to it that the loaded one has an object. */
static bool stock(struct cache *cache, struct pair *mine)
{
	magazine *m;

	if (has_objects(mine->loaded))
		return true;
	if (has_objects(mine->previous)) {
		swap(mine);
		return true;
	}
	m = cache_find_stocked(cache);
	if (!m)
		return false;
	cache_park_or_empty(cache, mine->previous);
	*mine = (struct pair){m, mine->loaded};
	return true;
}

/* That it has room. */
static bool make_room(struct cache *cache, struct pair *mine)
{
	magazine *m;

	if (has_room(mine->loaded))
		return true;
	if (has_room(mine->previous)) {
		swap(mine);
		return true;
	}
	if (mine->previous) {
		if (!cache_park(cache, mine->previous))
			return false;
		mine->previous = NULL;
	}
	m = cache_find_roomy(cache);
	if (!m)
		return false;
	*mine = (struct pair){m, mine->loaded};
	return true;
}

void *cache_pop(struct cache *cache)
{
	struct pair mine = cache_take(cache);
	void *object = stock(cache, &mine) ? magazine_pop(mine.loaded) : NULL;

	cache_put(cache, mine);
	return object;
}

bool cache_push(struct cache *cache, void *object)
{
	struct pair mine = cache_take(cache);
	bool done = make_room(cache, &mine);

	if (done)
		magazine_push(mine.loaded, object);
	cache_put(cache, mine);
	return done;
}
