// SPDX-License-Identifier: MIT
/*
 * Object caches: magazines exchanged between CPUs, depots and threads, and
 * shrinking beside everything. Magazines hold one object or two, depots few.
 */
#include <stdlib.h>

#include "explore.h"
#include "object/cache.h"

static struct cache *cache;
static struct pcpu_cache *public;

/* --- objects -------------------------------------------------------------- */

/* Nobody comes between plain accesses. */
struct item {
	uint64_t owners, made;
};

static uint64_t nr_live; /* constructed and not destructed */

static int make(void *memory)
{
	struct item *object = memory;

	explore_save(&nr_live, sizeof(nr_live));
	explore_save(object, sizeof(*object));
	nr_live++;
	object->owners = 0;
	object->made = 1;
	return 0;
}

static void destroy(void *memory)
{
	struct item *object = memory;

	explore_expect(object->made && !object->owners,
		       "destroyed: made %lu, %lu owners", object->made,
		       object->owners);
	explore_save(&nr_live, sizeof(nr_live));
	explore_save(object, sizeof(*object));
	nr_live--;
	object->made = 0;
}

static struct item *get(void)
{
	struct item *object = pcpu_cache_alloc(public);

	explore_expect(object && object->made && !object->owners,
		       "allocated: made %lu, %lu owners",
		       object ? object->made : 0, object ? object->owners : 0);
	explore_save(object, sizeof(*object));
	object->owners++;
	return object;
}

static void give(struct item *object)
{
	explore_save(object, sizeof(*object));
	object->owners--;
	pcpu_cache_free(public, object);
}

/* --- threads -------------------------------------------------------------- */

#define NR_HELD 3u
static struct item *held[EXPLORE_THREADS][NR_HELD]; /* by prepare */

static struct item *own(unsigned i)
{
	return held[explore_thread()][i];
}

static void pair(void)
{
	give(get());
}

static void two_pairs(void)
{
	pair();
	pair();
}

static void alloc_two(void)
{
	struct item *first = get(), *second = get();

	give(first);
	give(second);
}

static void alloc_three(void)
{
	struct item *first = get();

	alloc_two();
	give(first);
}

static void free_one(void)
{
	give(own(0));
}

static void free_two(void)
{
	give(own(0));
	give(own(1));
}

static void free_three(void)
{
	free_two();
	give(own(2));
}

static void free_and_alloc(void)
{
	free_two();
	pair();
}

static void save_taken(void)
{
	unsigned i;

	explore_save(&cache->limbo, sizeof(cache->limbo));
	explore_save(&cache->nr_users, sizeof(cache->nr_users));
	for (i = 0; i < EXPLORE_CPUS; i++) {
		explore_save(&cache->cpu[i].seen, sizeof(uint64_t));
		explore_save(&cache_depot(cache, (int)i)->seen,
			     sizeof(uint64_t));
	}
}

static void shrink(void)
{
	save_taken();
	cache_shrink(cache);
}

static void idle_round(void)
{
	save_taken();
	cache_idle_round();
}

static void pair_without_area(void)
{
	explore_take_for_cpu(1);
	pair();
}

static void pair_and_be_moved(void)
{
	pair();
	explore_on_cpu(2);
	pair();
}

/* --- before --------------------------------------------------------------- */

/* So many objects, each in a magazine of `capacity`, are the budget. */
static void begin(unsigned nr_objects, unsigned capacity)
{
	unsigned i, j;

	if (cache)
		cache_unlink(cache);
	nr_live = 0;
	public = pcpu_cache_create("model", sizeof(struct item), 8, make,
				   destroy, 0);
	explore_expect(public, "no memory");
	cache = cache_of(public);
	explore_leave_unowned(cache->depots);
	pcpu_cache_set_budget(public, nr_objects * cache->weight);
	store_relaxed(&cache->capacity, capacity);
	store_relaxed(&cache->depot_slots, 1);
	for (i = 0; i < EXPLORE_THREADS; i++)
		for (j = 0; j < NR_HELD; j++)
			held[i][j] = NULL;
}

static void hold(unsigned thread, unsigned nr)
{
	unsigned i;

	for (i = 0; i < nr; i++)
		held[thread][i] = get();
}

static void fill_cpu(unsigned cpu, unsigned nr)
{
	struct item *objects[4];
	unsigned i;

	explore_on_cpu(cpu);
	for (i = 0; i < nr; i++)
		objects[i] = get();
	for (i = 0; i < nr; i++)
		give(objects[i]);
	explore_on_cpu(0);
}

static void begin_empty(void)
{
	begin(8, 1);
}

static void begin_one(void)
{
	begin(8, 1);
	fill_cpu(1, 1);
}

static void begin_pair(void)
{
	begin(8, 2);
	fill_cpu(1, 2);
}

static void begin_with_two_held(void)
{
	begin(8, 1);
	hold(0, 2);
	hold(1, 2);
}

static void begin_with_three_held(void)
{
	begin(8, 1);
	hold(0, 3);
}

/* CPUs 0 and 1 are full, the depot has room for one more. */
static void begin_full(void)
{
	begin(12, 1);
	hold(0, 1);
	hold(1, 1);
	fill_cpu(0, 2);
	fill_cpu(1, 2);
}

/* CPUs 0 and 1 have two each, their depot has two more. */
static void begin_stocked(void)
{
	begin(12, 1);
	store_relaxed(&cache->depot_slots, 2);
	fill_cpu(0, 2);
	fill_cpu(1, 4);
}

/* They have two each, their depot has one more. */
static void begin_with_one_left(void)
{
	begin(12, 1);
	fill_cpu(0, 2);
	fill_cpu(1, 3);
}

/* The budget is two magazines. */
static void begin_poor(void)
{
	begin(2, 1);
	hold(0, 2);
	hold(1, 2);
}

/* A round has seen CPU 1's objects, and will find them idle. */
static void begin_seen(void)
{
	begin(8, 1);
	fill_cpu(1, 2);
	cache_idle_round();
}

/* --- after ---------------------------------------------------------------- */

static unsigned one_object(void)
{
	return 1;
}

static unsigned nr_held(void)
{
	unsigned i, j, nr = 0;

	for (i = 0; i < EXPLORE_THREADS; i++)
		for (j = 0; j < NR_HELD; j++)
			nr += held[i][j] && held[i][j]->owners;
	return nr;
}

static void expect_nothing_lost(void)
{
	uint64_t live = nr_held(), bytes;

	explore_expect(load_relaxed(&cache->held) <=
			       load_relaxed(&cache->budget),
		       "%lu bytes held of %lu",
		       (unsigned long)load_relaxed(&cache->held),
		       (unsigned long)load_relaxed(&cache->budget));
	explore_expect(table_list(&cache->table, 0, NULL) == nr_live,
		       "the table has %zu objects of %lu",
		       table_list(&cache->table, 0, NULL),
		       (unsigned long)nr_live);
	explore_expect(cache_count_cached(cache) + live == nr_live,
		       "%lu cached, %lu of %lu live",
		       (unsigned long)cache_count_cached(cache),
		       (unsigned long)live, (unsigned long)nr_live);
	shrink();
	bytes = load_relaxed(&cache->held);
	explore_expect(nr_live == live && !bytes &&
			       !load_relaxed(&cache->nr_magazines),
		       "after shrinking %lu are live of %lu, %lu bytes held",
		       (unsigned long)nr_live, (unsigned long)live,
		       (unsigned long)bytes);
}

#define CACHE_SCENARIO(id, title, begin_with, ...)            \
	SCENARIO(cache_##id) = {.name = "cache: " title,      \
				.prepare = begin_with,        \
				.nr_others = one_object,      \
				.after = expect_nothing_lost, \
				__VA_ARGS__}

/* --- on one CPU ----------------------------------------------------------- */

CACHE_SCENARIO(pairs_here, "two pairs on one CPU", begin_one,
	       .thread = {pair, pair}, .cpu = {2, 2}, .nr_least = 10);

CACHE_SCENARIO(first_pairs_here, "the first pairs of a CPU", begin_empty,
	       .thread = {pair, pair}, .cpu = {2, 2}, .nr_least = 10);

CACHE_SCENARIO(exchange_here, "loaded and previous exchanged, on one CPU",
	       begin_with_two_held, .thread = {free_and_alloc, free_and_alloc},
	       .cpu = {2, 2}, .nr_least = 50);

CACHE_SCENARIO(in_magazine, "pairs inside a magazine, on one CPU", begin_pair,
	       .thread = {two_pairs, alloc_two}, .cpu = {2, 2}, .nr_least = 20);

/* --- between CPUs --------------------------------------------------------- */

CACHE_SCENARIO(pass, "one frees into the depot, another allocates",
	       begin_with_three_held, .thread = {free_three, alloc_two},
	       .cpu = {2, 1}, .nr_least = 20);

CACHE_SCENARIO(last_slot, "the depot's last room", begin_full,
	       .thread = {free_one, free_one}, .cpu = {1, 2}, .nr_least = 10);

CACHE_SCENARIO(empty_ones, "empty magazines of a depot", begin_stocked,
	       .thread = {alloc_three, alloc_three}, .cpu = {1, 2},
	       .nr_least = 50);

CACHE_SCENARIO(last_full, "the depot's last full magazine", begin_with_one_left,
	       .thread = {alloc_three, alloc_three}, .cpu = {1, 2},
	       .nr_least = 20);

CACHE_SCENARIO(budget, "the budget's last magazine", begin_poor,
	       .thread = {free_two, free_two}, .cpu = {1, 2}, .nr_least = 20);

CACHE_SCENARIO(moved, "a thread that moves between two pairs", begin_one,
	       .thread = {pair_and_be_moved, two_pairs}, .cpu = {2, 2},
	       .nr_least = 20);

CACHE_SCENARIO(without_area, "a thread without rseq on a CPU with", begin_one,
	       .thread = {pair_without_area, pair}, .cpu = {3, 2},
	       .nr_least = 10);

/* --- shrinking ------------------------------------------------------------ */

CACHE_SCENARIO(shrink_pair, "shrink, pair", begin_pair,
	       .thread = {shrink, two_pairs}, .cpu = {1, 2}, .nr_least = 20);

CACHE_SCENARIO(shrink_exchange, "shrink, exchange", begin_with_two_held,
	       .thread = {free_and_alloc, shrink}, .cpu = {2, 1},
	       .nr_least = 50);

CACHE_SCENARIO(shrink_depot, "shrink, free into the depot",
	       begin_with_three_held, .thread = {free_three, shrink},
	       .cpu = {2, 3}, .nr_least = 50);

CACHE_SCENARIO(shrink_same_cpu, "shrink on the CPU of a pair", begin_one,
	       .thread = {shrink, pair}, .cpu = {2, 2}, .nr_least = 10);

CACHE_SCENARIO(shrink_shrink, "shrink, shrink, pair", begin_one,
	       .thread = {shrink, shrink, pair}, .cpu = {1, 3, 2},
	       .nr_least = 50);

CACHE_SCENARIO(idle_pair, "idle round, pair", begin_seen,
	       .thread = {idle_round, pair}, .cpu = {1, 2}, .nr_least = 20);

CACHE_SCENARIO(idle_shrink, "idle round, shrink", begin_seen,
	       .thread = {idle_round, shrink}, .cpu = {1, 2}, .nr_least = 10);
