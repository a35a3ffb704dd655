// SPDX-License-Identifier: MIT
/*
 * What takes magazines from CPUs and depots, and what counts them there.
 *
 * Under the lock magazines are only taken. Their objects leave after that, so
 * callbacks may do what they like, and fork() never waits for one.
 */
#include <pthread.h>
#include <sched.h>

#include "object/cache.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* fork() in signal handlers, also of one that interrupted fork(). */
static _Thread_local bool has_lock LIBPCPU_TLS;
static _Thread_local unsigned fork_depth LIBPCPU_TLS;

struct cache *cache_list;

/* --- the lock, and fork --------------------------------------------------- */

void cache_lock(void)
{
	pthread_mutex_lock(&lock);
	has_lock = true;
}

void cache_unlock(void)
{
	has_lock = false;
	pthread_mutex_unlock(&lock);
}

static void before_fork(void)
{
	if (!fork_depth++ && !has_lock)
		pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	if (!--fork_depth && !has_lock)
		pthread_mutex_unlock(&lock);
}

/* There is one thread, and it is not the worker. */
static void after_fork_child(void)
{
	struct cache *cache;

	for (cache = cache_list; cache; cache = cache->next)
		cache->nr_users = 0;
	cache_forget_worker();
	after_fork();
}

static void listen_for_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_child);
}

void cache_link(struct cache *cache)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, listen_for_forks);
	cache_lock();
	cache->next = cache_list;
	cache_list = cache;
	cache_unlock();
}

/* Blocking: for the destructors that the worker calls. Takes the lock. */
static void lock_without_worker(const struct cache *cache)
{
	cache_lock();
	while (cache->nr_users) {
		cache_unlock();
		sched_yield();
		cache_lock();
	}
}

void cache_unlink(struct cache *cache)
{
	struct cache **at;

	lock_without_worker(cache);
	for (at = &cache_list; *at != cache;)
		at = &(*at)->next;
	*at = cache->next;
	cache_unlock();
}

/* --- taking --------------------------------------------------------------- */

/* Add one to the chain, by `next`, of magazines that nobody else knows of. */
static void add(magazine **taken, magazine *m)
{
	/* relaxed: ours */
	store_relaxed(atom_at(&m->next), (uintptr_t)*taken);
	*taken = m;
}

static void take_from_cpu(struct cache *cache, atom64 *at)
{
	uint64_t none = (uintptr_t)&cache_none;

	/* relaxed: a CPU that has none is not written to;
	 * pairs with [magazine] put_one(): what is in it, and what was done to
	 * these objects. What sequences did the fence will show. */
	if (load_relaxed(at) != none)
		none = xchg_acquire(at, none);
	if (none != (uintptr_t)&cache_none)
		add(&cache->limbo, magazine_from(none));
}

static void take_from_depot(atom64 *slot, magazine **taken)
{
	/* pairs with [magazine] shelve(): the same */
	uint64_t word = xchg_acquire(slot, 0);

	if (word)
		add(taken, magazine_from(word));
}

static void take_empty_ones(struct depot *depot, magazine **taken)
{
	/* pairs with [magazine] put_empty(): the chain */
	uint64_t word = xchg_acquire(&depot->empty, 0);

	while (word) {
		magazine *m = magazine_from(word);

		word = load_relaxed(atom_at(&m->next)); /* relaxed: ours */
		add(taken, m);
	}
}

void cache_take_cpu(struct cache *cache, int cpu)
{
	take_from_cpu(cache, cache_loaded(cache, cpu));
	take_from_cpu(cache, &cache->cpu[cpu].previous);
}

bool cache_settle(struct cache *cache, magazine **taken)
{
	magazine *m = cache->limbo, *next;

	if (cache->has_sequences && !libpcpu_fence())
		return false;
	cache->limbo = NULL;
	for (; m; m = next) {
		/* relaxed: ours */
		next = magazine_from(load_relaxed(atom_at(&m->next)));
		add(taken, m);
	}
	return true;
}

void cache_take_depot(struct cache *cache, int cpu, magazine **taken)
{
	struct depot *depot = cache_depot(cache, cpu);
	unsigned i;

	for (i = 0; i < DEPOT_SLOTS; i++) {
		take_from_depot(&depot->full[i], taken);
		take_from_depot(&depot->partial[i], taken);
	}
	take_empty_ones(depot, taken);
}

/* If the system refuses fences, from the running CPU alone. */
static void take_running(struct cache *cache, magazine **taken)
{
	struct pair mine = cache_take(cache);

	if (mine.loaded)
		add(taken, mine.loaded);
	if (mine.previous)
		add(taken, mine.previous);
}

/* With the lock, which keeps others from looking at what we took. A fence is
 * tried first: what is taken without one is of no use to anybody. */
static magazine *take_all(struct cache *cache)
{
	magazine *taken = NULL;
	int cpu;

	if (cache_settle(cache, &taken)) {
		pcpu_for_each_cpu (cpu)
			cache_take_cpu(cache, cpu);
		cache_settle(cache, &taken);
	} else {
		take_running(cache, &taken);
	}
	cache_for_each_depot (cpu)
		cache_take_depot(cache, cpu, &taken);
	return taken;
}

size_t cache_empty(struct cache *cache, magazine *taken)
{
	size_t bytes = 0;

	while (taken) {
		/* relaxed: ours */
		uint64_t next = load_relaxed(atom_at(&taken->next));

		bytes += magazine_destroy(cache, taken);
		taken = magazine_from(next);
	}
	return bytes;
}

size_t cache_shrink(struct cache *cache)
{
	magazine *taken;

	cache_lock();
	taken = take_all(cache);
	cache_unlock();
	return cache_empty(cache, taken);
}

void cache_drain(struct cache *cache)
{
	magazine *taken;

	do {
		lock_without_worker(cache);
		taken = take_all(cache);
		cache_unlock();
	} while (cache_empty(cache, taken));
}

/* --- counting ------------------------------------------------------------- */

static uint64_t count_at(const void *place)
{
	/* pairs with [magazine] put_one(), shelve(): that it is a magazine;
	 * under the lock it does not become free */
	magazine *m = magazine_from(load_acquire(atom_at(place)));

	return m ? magazine_nr(m) : 0;
}

uint64_t cache_count_cached(struct cache *cache)
{
	const magazine *m;
	uint64_t nr = 0;
	unsigned i;
	int cpu;

	cache_lock();
	for (m = cache->limbo; m; m = magazine_from(m->next))
		nr += magazine_nr(m);
	pcpu_for_each_cpu (cpu) {
		nr += count_at(cache_loaded(cache, cpu)) +
		      count_at(&cache->cpu[cpu].previous);
	}
	cache_for_each_depot (cpu) {
		const struct depot *depot = cache_depot(cache, cpu);

		for (i = 0; i < DEPOT_SLOTS; i++)
			nr += count_at(&depot->full[i]) +
			      count_at(&depot->partial[i]);
	}
	cache_unlock();
	return nr;
}
