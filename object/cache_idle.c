// SPDX-License-Identifier: MIT
/*
 * Caches that nobody uses give back what they hold, without being asked: CPUs
 * that went offline or that no thread visits any more, depots, whole caches.
 *
 * A worker looks once a second, while there are magazines. What looks to it as
 * it did a round ago was not used meanwhile, as each operation counts.
 */
#include <time.h>

#include "object/cache.h"
#include "object/futex.h"

static atom32 worker_runs;
static atom32 wanted; /* a futex: magazines may exist */

/* --- marks ---------------------------------------------------------------- */

#define MIX UINT64_C(0x9e3779b97f4a7c15)
#define IDLE UINT64_C(1) /* what it was found to be, beside a mark */

static uint64_t mix(uint64_t mark, uint64_t word)
{
	return (mark ^ word) * MIX + 1;
}

/* With the lock, so no magazine becomes free meanwhile. */
static uint64_t mark_magazine(uint64_t mark, const void *place)
{
	/* pairs with [magazine] put_one(), shelve(), put_empty(): that it is a
	 * magazine */
	uint64_t word = load_acquire(atom_at(place));
	magazine *m = magazine_from(word);

	if (!m || m == &cache_none)
		return mark;
	/* relaxed: of the moment */
	return mix(mix(mark, word), load_relaxed(atom_at(&m->state)));
}

/* 0 if there is nothing. */
static uint64_t mark_cpu(struct cache *cache, int cpu)
{
	uint64_t mark = mark_magazine(0, cache_loaded(cache, cpu));

	return mark_magazine(mark, &cache->cpu[cpu].previous) & ~IDLE;
}

static uint64_t mark_depot(const struct depot *depot)
{
	uint64_t mark = mark_magazine(0, &depot->empty);
	unsigned i;

	for (i = 0; i < DEPOT_SLOTS; i++) {
		mark = mark_magazine(mark, &depot->full[i]);
		mark = mark_magazine(mark, &depot->partial[i]);
	}
	return mark & ~IDLE;
}

/* Is what the mark stands for as it was when it was seen before? What holds
 * nothing is not written to. */
static bool is_idle(uint64_t mark, uint64_t *seen)
{
	bool idle = mark && mark == (*seen & ~IDLE);

	if (mark || *seen)
		*seen = mark | (idle ? IDLE : 0);
	return idle;
}

/* --- a round -------------------------------------------------------------- */

/* A fence is tried first, see cache_shrink(), and only if there are idle CPUs;
 * they are looked at again after it. */
static void take_idle_cpus(struct cache *cache, magazine **taken)
{
	bool any = false;
	int cpu;

	pcpu_for_each_cpu (cpu)
		any |= is_idle(mark_cpu(cache, cpu), &cache->cpu[cpu].seen);
	if (!any || !cache_settle(cache, taken))
		return;
	pcpu_for_each_cpu (cpu) {
		uint64_t seen = cache->cpu[cpu].seen;

		if (seen & IDLE && seen == (mark_cpu(cache, cpu) | IDLE))
			cache_take_cpu(cache, cpu);
	}
	cache_settle(cache, taken);
}

/* Returns whether magazines are left. With the lock, which it lets go of while
 * objects leave. */
static bool shrink_idle(struct cache *cache)
{
	magazine *taken = NULL;
	int cpu;

	take_idle_cpus(cache, &taken);
	cache_for_each_depot (cpu) {
		struct depot *depot = cache_depot(cache, cpu);

		if (is_idle(mark_depot(depot), &depot->seen))
			cache_take_depot(cache, cpu, &taken);
	}
	if (taken) {
		cache->nr_users++;
		cache_unlock();
		cache_empty(cache, taken);
		cache_lock();
		if (cache->nr_users) /* not if a destructor has forked */
			cache->nr_users--;
	}
	/* seq_cst [wanted]: it was made before its maker saw that we are
	 * wanted, or that one wakes us */
	return load_seq_cst(&cache->nr_magazines);
}

bool cache_idle_round(void)
{
	bool left = false;
	struct cache *cache;

	cache_lock();
	for (cache = cache_list; cache; cache = cache->next)
		left |= shrink_idle(cache);
	cache_unlock();
	return left;
}

/* --- the worker ----------------------------------------------------------- */

static void *worker(void *unused)
{
	const struct timespec round = {1, 0};

	for (;;) {
		/* seq_cst [wanted]: see shrink_idle() */
		while (!load_seq_cst(&wanted))
			futex_wait(&wanted, 0);
		nanosleep(&round, NULL);
		/* seq_cst [wanted]: the same */
		store_seq_cst(&wanted, 0);
		if (cache_idle_round())
			store_seq_cst(&wanted, 1); /* seq_cst [wanted]: ... */
	}
	return unused;
}

void cache_wake_worker(void)
{
	uint32_t stopped = 0;

	/* seq_cst [wanted]: a magazine was made before; see shrink_idle() */
	if (load_seq_cst(&wanted) || xchg_seq_cst(&wanted, 1))
		return;
	/* relaxed: who starts it is all that is decided */
	if (!load_relaxed(&worker_runs) &&
	    cas_relaxed(&worker_runs, &stopped, 1) &&
	    !libpcpu_start_thread("pcpu-cache", worker)) {
		/* relaxed: the next magazine tries again, twice */
		store_relaxed(&worker_runs, 0);
		store_relaxed(&wanted, 0);
		return;
	}
	futex_wake(&wanted, 1);
}

void cache_forget_worker(void)
{
	/* relaxed: there is one thread, twice */
	store_relaxed(&worker_runs, 0);
	store_relaxed(&wanted, 0);
}
