/* SPDX-License-Identifier: MIT */
/*
 * Object caches from inside; what they are stands in <pcpu/cache.h>.
 *
 *	cache.c		  create and destroy, the slow ways of alloc and free
 *	cache_magazine.c  magazines: on CPUs, in depots, owned by a thread
 *	cache_shrink.c	  what takes magazines from others
 *	cache_idle.c	  the worker, which does so when they are not used
 *	cache_table.c	  the set of all objects that are in the cache or live
 *	cache_debug.c	  what debug mode checks at each allocation and free
 *
 * Where an object is:
 *
 *	         enter()               pop
 *	nowhere --------> live <----------------- in a magazine
 *	        <--------      ----------------->      |
 *	         leave()              push             | shrink
 *	        <--------------------------------------'
 *
 *	M1  a magazine has one owner: a CPU, a depot, or one thread.
 *	M2  what is in a loaded magazine only sequences of its CPU change. It
 *	    stops being loaded by a sequence of that CPU, or by an exchange and
 *	    a fence that ends all that are in the middle of it.
 *	M3  magazines become free memory after cache_shrink() alone took them,
 *	    whose lock others hold who look at magazines that are not theirs.
 *	M4  no more magazines are made than the budget has room for, all full.
 *	M5  the table has each object from before its constructor to after its
 *	    destructor, when its memory goes back.
 *
 * Who may run beside whom: everything beside everything but create, destroy
 * and the settings "before the first allocation". Alloc and free are lock-free
 * but for malloc() and the callbacks; shrinking, statistics and the worker take
 * one lock of the process, never held over a callback or a malloc().
 */
#ifndef OBJECT_CACHE_H
#define OBJECT_CACHE_H

#include "chunk/atomic.h"
#include "chunk/compiler.h"
#include "pcpu/cache.h"

typedef struct libpcpu_magazine magazine;

#define CACHE_NAME_MAX 32

/* With its head, 512 bytes. */
#define MAGAZINE_MAX 61u
#define MAGAZINE_ALIGN ((size_t)64)

/* Events, counted by CPU. */
enum cache_event { ON_ENTER, ON_REFUSAL, ON_OVERFLOW, NR_EVENTS };

/* What a CPU has: struct libpcpu_cache_cpu, from inside. */
struct cache_cpu {
	atom64 loaded;      /* sequences pop and push there */
	atom64 previous;    /* anybody takes and puts it */
	atom64 unsequenced; /* in place of `loaded`, without sequences */
	uint64_t seen;      /* the worker's: a mark of what was here before */
	atom64 count[NR_EVENTS];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct cache_cpu) == sizeof(struct libpcpu_cache_cpu) &&
		       sizeof(struct cache_cpu) == 1 << LIBPCPU_CACHE_CPU_SHIFT,
	       "they are the same");

/* What a thread has of a CPU's magazines; NULL for none. */
struct pair {
	magazine *loaded, *previous;
};

/* What a CPU has in place of none. */
HIDDEN extern magazine cache_none;

/* A node's; in the copy of one of its CPUs. Slots hold magazines, or 0. */
#define DEPOT_SLOTS 32u
struct depot {
	atom64 full[DEPOT_SLOTS];
	atom64 partial[DEPOT_SLOTS]; /* neither full nor empty */
	atom64 empty;                /* a list: whoever takes, takes all */
	uint64_t seen;               /* the worker's, as above */
} __attribute__((aligned(64)));

/* See cache_table.c. */
#define TABLE_LEVELS 14u
struct table {
	atom64 level[TABLE_LEVELS];
	bool has_values;
};

/* Of an object in the table. */
struct entry {
	atom64 *key;
	atom64 *value; /* debug mode's; NULL without */
};

struct cache {
	struct depot *depots; /* a handle */
	size_t size, align;
	int (*ctor)(void *object);
	void (*dtor)(void *object);
	bool (*check)(const void *object);
	unsigned flags;
	bool debug;         /* each object is checked */
	bool has_sequences; /* else anybody exchanges what CPUs have */
	size_t nr_copies;   /* of an object */
	size_t weight;      /* its bytes over all copies, with what is tied */
	atom64 budget;      /* bytes */
	atom64 held;        /* bytes that magazines could hold */
	atom64 nr_magazines;
	atom32 capacity;    /* of new magazines */
	atom32 depot_slots; /* in use, at most DEPOT_SLOTS */
	atom32 is_dead;     /* destroyed */
	struct table table;
	char name[CACHE_NAME_MAX];
	/* with the lock */
	struct cache *next;
	magazine *limbo;   /* taken, but not fenced yet */
	unsigned nr_users; /* the worker */
	/* see struct pcpu_cache */
	struct cache_cpu before[2];
	struct cache_cpu cpu[];
};

static inline struct cache *cache_of(const struct pcpu_cache *public)
{
	return (struct cache *)((uintptr_t) public -
				offsetof(struct cache, cpu));
}

static inline struct pcpu_cache *cache_public(struct cache *cache)
{
	return (struct pcpu_cache *)cache->cpu;
}

static inline atom64 *cache_loaded(struct cache *cache, int cpu)
{
	struct cache_cpu *at = &cache->cpu[cpu];

	return cache->has_sequences ? &at->loaded : &at->unsequenced;
}

/* The depot of a CPU's node. */
static inline struct depot *cache_depot(const struct cache *cache, int cpu)
{
	struct depot *depots = cache->depots;

	return pcpu_ptr(depots, libpcpu_node_leader(cpu));
}

/* Visit all depots, each as that of a CPU. */
#define cache_for_each_depot(cpu)                        \
	pcpu_for_each_cpu (cpu)                          \
		if (libpcpu_node_leader(cpu) != (cpu)) { \
		} else

/* A field of the public structs, which have no atomic types. */
static inline atom64 *atom_at(const void *field)
{
	return (atom64 *)(uintptr_t)field;
}

/* Abort with a line that names the caller, unless the cache is one. */
struct cache *cache_expect_alive(const char *caller,
				 const struct pcpu_cache *public);

/* An object leaves, in its constructed state. */
void cache_leave(struct cache *cache, void *object);

static inline void cache_count(struct cache *cache, enum cache_event event)
{
	/* relaxed: statistics */
	fetch_add_relaxed(&cache->cpu[libpcpu_cpu()].count[event], 1);
}

/* --- magazines ------------------------------------------------------------ */

#define STATE_OPERATION UINT64_C(0x10000)

static inline magazine *magazine_from(uint64_t word)
{
	return (magazine *)(uintptr_t)word;
}

static inline unsigned magazine_nr(const magazine *m)
{
	/* relaxed: ours, or of the moment */
	return (uint16_t)load_relaxed(atom_at(&m->state));
}

static inline bool has_objects(const magazine *m)
{
	return m && magazine_nr(m);
}

static inline bool has_room(const magazine *m)
{
	return m && magazine_nr(m) < m->capacity;
}

/* Of those who have the magazine to themselves, and know that it has an object,
 * or room for one. cache_magazine.c */
void *magazine_pop(magazine *m);
void magazine_push(magazine *m, const void *object);

/* An idle object, or NULL. */
void *cache_pop(struct cache *cache);

/* Returns false if there is no room for it. */
bool cache_push(struct cache *cache, void *object);

/* Take the running CPU's, as each operation does that no sequence can do; and
 * let it have them again. */
struct pair cache_take(struct cache *cache);
void cache_put(struct cache *cache, struct pair mine);

/* --- cache_depot.c -------------------------------------------------------- */

/* Recompute how large magazines and depots are, for budget and weight. */
void cache_size_magazines(struct cache *cache);

/* Give a magazine back, its objects leave. Nobody else may know of it. Returns
 * the objects' bytes. */
size_t magazine_destroy(struct cache *cache, magazine *m);

/* Do magazines hold more than the budget? */
static inline bool cache_is_over_budget(const struct cache *cache)
{
	/* relaxed: of the moment, twice */
	return unlikely(load_relaxed((atom64 *)&cache->held) >
			load_relaxed((atom64 *)&cache->budget));
}

/* Put one into a depot. Returns false if none has room for it; an empty one
 * always finds some. */
bool cache_park(struct cache *cache, magazine *m);

/* The same; if there is no room, its objects leave. NULL is a no-op. */
void cache_park_or_empty(struct cache *cache, magazine *m);

/* Take one that has objects, or room; or NULL. */
magazine *cache_find_stocked(struct cache *cache);
magazine *cache_find_roomy(struct cache *cache);

/* --- cache_shrink.c ------------------------------------------------------- */

/* All that there are; with the lock. */
HIDDEN extern struct cache *cache_list;

void cache_lock(void);
void cache_unlock(void);

/* A cache appears; it disappears when the worker has left it. */
void cache_link(struct cache *cache);
void cache_unlink(struct cache *cache);

/* With the lock: take from a CPU into limbo; from a CPU's depot to a chain that
 * nobody else knows of. */
void cache_take_cpu(struct cache *cache, int cpu);
void cache_take_depot(struct cache *cache, int cpu, magazine **taken);

/* With the lock: fence, and move what is in limbo to a chain. Not if the system
 * refuses: then false. */
bool cache_settle(struct cache *cache, magazine **taken);

/* Without it: the chain's objects leave. Returns their bytes. */
size_t cache_empty(struct cache *cache, magazine *taken);

size_t cache_shrink(struct cache *cache);

/* Until nothing is left, of what the worker is at or destructors free either.
 */
void cache_drain(struct cache *cache);

/* Idle objects. */
uint64_t cache_count_cached(struct cache *cache);

/* --- cache_idle.c --------------------------------------------------------- */

/* Magazines exist: see to it that idle ones are shrunk. */
void cache_wake_worker(void);

/* What the worker does once a second; returns whether magazines are left. */
bool cache_idle_round(void);

/* In a child of fork(), which has none. */
void cache_forget_worker(void);

/* --- cache_table.c -------------------------------------------------------- */

/* Returns false if there is no memory. */
bool table_insert(struct table *table, const void *object);

/* Which must be there. */
void table_remove(struct table *table, const void *object);

/* .key is NULL if it is not there. */
struct entry table_find(const struct table *table, const void *object);

/* Fill in up to max of the objects, return how many there are. */
size_t table_list(const struct table *table, size_t max, void **objects);

void table_destroy(struct table *table);

/* --- cache_debug.c -------------------------------------------------------- */

/* An object is handed out; comes back; leaves. */
void cache_debug_alloc(struct cache *cache, void *object, const char *caller);
void cache_debug_free(struct cache *cache, void *object);

#endif /* OBJECT_CACHE_H */
