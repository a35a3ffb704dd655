/* SPDX-License-Identifier: MIT */
/*
 * Object caches: objects that are constructed once and then handed out and
 * taken back as they are, for those that are dear to make.
 *
 * An object of a cache is either
 *	ordinary memory, whose constructor may allocate per-CPU memory and tie
 *	it to the object: a process's descriptor with its counters; or
 *	per-CPU memory itself (PCPU_CACHE_PERCPU): what is cached is a handle,
 *	and no copy is zeroed again when the object is used again.
 *
 *	cache = pcpu_cache_create("process", sizeof(struct process), 8,
 *				  make_counters, destroy_counters, 0);
 *	process = pcpu_cache_alloc(cache);      its counters are there, and 0
 *	pcpu_cache_free(cache, process);        when they are 0 again
 *	pcpu_cache_destroy(cache);
 *
 * The rule: who frees an object has brought it back to the state in which the
 * constructor left it. Debug mode (PCPU_DEBUG=1) checks that, see
 * pcpu_cache_set_check().
 *
 * Caching per-CPU memory costs it on every CPU, so it is for chosen types, and
 * bounded: each cache has a budget in bytes, over all copies.
 *
 *	              a restartable sequence, no atomic operation
 *	CPU   loaded [magazine] <---> pcpu_cache_alloc(), _free()
 *	      previous [magazine]
 *	          |   whole magazines
 *	node  depot: full, partial, empty magazines
 *	          |
 *	constructor, destructor
 *
 * Follows the magazines of Bonwick and Adams (USENIX 2001), the kernel's
 * kmem_cache with a constructor, and what its developers wish for percpu.c.
 */
#ifndef PCPU_CACHE_H
#define PCPU_CACHE_H

#include <pcpu.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Private, but for inline functions. `state` counts objects in its lowest 16
 * bits and operations above them, so that who looks twice knows whether the
 * magazine was used.
 */
struct libpcpu_magazine {
	uint64_t state;
	uint64_t capacity;
	uint64_t next;
	uint64_t object[];
};

/*
 * What a CPU has. `loaded` is always there: in place of none there is a
 * magazine without capacity.
 */
struct libpcpu_cache_cpu {
	struct libpcpu_magazine *loaded;
	uint64_t rest[7];
} __attribute__((aligned(64)));

#define LIBPCPU_CACHE_CPU_SHIFT 6

/*
 * CPU 0's; the others lie behind it, by number. In front are two that have
 * nothing, for threads whose rseq area has no number (-1, -2), so that they are
 * refused like any other.
 */
struct pcpu_cache {
	struct libpcpu_cache_cpu cpu;
};

#pragma GCC visibility push(default)

/* A flag of pcpu_cache_create(): objects are per-CPU memory. */
#define PCPU_CACHE_PERCPU 0x1000u

#define PCPU_CACHE_SIZE_MAX (1u << 30) /* of ordinary memory, bytes */

/*
 * Make a cache.
 *
 * @name:  for messages; its first 31 bytes are copied
 * @size, @align: of an object, bytes. PCPU_CACHE_PERCPU: as for pcpu_alloc();
 *	   else size is 1 to PCPU_CACHE_SIZE_MAX and align a power of two from 1
 *	   to 4096
 * @ctor:  called once for each object that enters the cache, with its memory
 *	   zeroed (a handle's copies). Returns 0, or an errno value after it has
 *	   undone what it did: the memory goes back, and who allocates gets the
 *	   error. May be NULL
 * @dtor:  called once for each object that leaves it, in its constructed state.
 *	   May be NULL
 * @flags: PCPU_CACHE_PERCPU or 0
 *
 * Both may allocate and free, from this library too; in the same cache, as long
 * as that comes to an end. They run in the thread that allocates, frees or
 * shrinks, or in one of the library's, see pcpu_cache_shrink().
 *
 * Returns NULL with errno
 *	EINVAL	no name, or bad size, alignment or flags
 *	ENOMEM	size is above the maximum, or memory is exhausted
 *
 * Context: any thread. Progress: blocking, for a moment. Cost: some pages.
 * Follows kmem_cache_create().
 */
struct pcpu_cache *pcpu_cache_create(const char *name, size_t size,
				     size_t align, int (*ctor)(void *object),
				     void (*dtor)(void *object),
				     unsigned flags);

/*
 * Give everything back; NULL is a no-op. Nobody may use the cache any more, or
 * meanwhile: later use is reported in one line and aborts, as long as the
 * library remembers (of the last 8 caches destroyed).
 *
 * Returns 0, or -1 with errno EBUSY if objects are live: a line on standard
 * error names the cache, their number and the first of them, nothing else has
 * happened but a shrink, and the cache can be used on. pcpu_cache_live() lists
 * all. Context and progress as pcpu_cache_shrink(). kmem_cache_destroy().
 */
int pcpu_cache_destroy(struct pcpu_cache *cache);

/*
 * Bound what lies in the cache, bytes over all copies; 0: nothing is cached.
 * May be changed at any time; the cache is shrunk by that. The default is 64
 * KiB for each possible CPU.
 *
 * What is counted is whole magazines, as if they were full. So idle objects
 * never take more; past the bound each free destroys its object.
 */
void pcpu_cache_set_budget(struct pcpu_cache *cache, size_t bytes);

/*
 * The constructor ties so many bytes per CPU to each object: they are counted,
 * times the possible CPUs. Before the first allocation.
 */
void pcpu_cache_set_tied(struct pcpu_cache *cache, size_t bytes);

/*
 * In debug mode each free asks check() whether the object is in its
 * constructed state, and is refused with a line and abort if it is not. Before
 * the first allocation.
 *
 * Debug mode keeps an idle object's contents aside and fills it with a pattern:
 * writes after the free are reported when the object is handed out or leaves,
 * second frees and objects of other caches at once. Without it the two cannot
 * be told.
 */
void pcpu_cache_set_check(struct pcpu_cache *cache,
			  bool (*check)(const void *object));

/* pcpu_cache_alloc() into objects[]: all nr of them, or none and -1 with errno.
 * kmem_cache_alloc_bulk(). */
int pcpu_cache_alloc_bulk(struct pcpu_cache *cache, size_t nr, void **objects);

/* pcpu_cache_free() each; NULLs are skipped. kmem_cache_free_bulk(). */
void pcpu_cache_free_bulk(struct pcpu_cache *cache, size_t nr, void **objects);

/*
 * Destroy all idle objects, those of all CPUs, and their magazines. Returns the
 * bytes over all copies that were in the cache. What running calls hold at the
 * moment comes back to the cache after that.
 *
 * What was not used for a second or two, magazines of a CPU or of a depot,
 * shrinks without this call: CPUs that went offline, or that no thread visits.
 * A thread of the library does it, which sleeps while caches are empty.
 *
 * Context: any thread, outside of RCU read-side sections if the destructor
 * minds; not signal handlers. Progress: blocking, for others who shrink or look
 * at statistics; allocations and frees meanwhile go by way of the depot, and
 * wait for nobody. Cost: a fence on all CPUs (7 to 14 us), and the destructor
 * for each object. Follows kmem_cache_shrink().
 */
size_t pcpu_cache_shrink(struct pcpu_cache *cache);

/*
 * The live objects: shrinks the cache, fills in up to `max` of them and returns
 * how many there are. What others allocate or free meanwhile may be among them
 * or not, and so what the library's thread is about to destroy.
 */
size_t pcpu_cache_live(struct pcpu_cache *cache, size_t max, void **objects);

/* Statistics; bytes are over all copies. */
struct pcpu_cache_info {
	char name[32];
	size_t object_bytes;   /* of one object, with what is tied to it */
	size_t budget;         /* bytes */
	size_t held_bytes;     /* magazines, as if full; at most the budget */
	size_t cached_bytes;   /* of idle objects */
	uint64_t nr_objects;   /* idle and live ones */
	uint64_t nr_cached;    /* idle ones */
	uint64_t nr_magazines; /* of at most so many objects: */
	unsigned capacity;
	uint64_t nr_constructed; /* objects that entered, since the start */
	uint64_t nr_destructed;  /* that left */
	uint64_t nr_refused;     /* constructors that failed */
	uint64_t nr_over_budget; /* of those that left: for want of room */
};

/*
 * Fill in *stats. Returns 0, or -1 with errno EINVAL for NULL. Everything but
 * the last four is looked up: with threads at work each figure is of a slightly
 * different moment, and what running calls hold counts as live. Context: any
 * thread. Progress: as pcpu_cache_shrink(). Cost: a line or two per CPU, and
 * the depots.
 */
int pcpu_cache_stats(struct pcpu_cache *cache, struct pcpu_cache_info *stats);

/* What inline functions leave to the library. */
void *libpcpu_cache_alloc(struct pcpu_cache *cache);
void libpcpu_cache_free(struct pcpu_cache *cache, void *object);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#if LIBPCPU_SEQUENCES && defined(__x86_64__)
#include <pcpu/cache_x86_64.h>
#elif LIBPCPU_SEQUENCES && defined(__aarch64__)
#include <pcpu/cache_aarch64.h>
#elif defined(MODEL_CHECK)
#include "tests/model/caches.h"
#else
#include <pcpu/cache_portable.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An object in its constructed state; NULL with errno ENOMEM, or as the
 * constructor said. Before ENOMEM the cache is shrunk: what is idle on other
 * CPUs goes.
 *
 * Context: any thread; not signal handlers, unless the constructor and malloc()
 * may be called there, which idle objects make unlikely and debug mode certain.
 * Progress: lock-free, but for those two. Cost: one restartable sequence (rseq)
 * on a cache line or two of the CPU's own; once in a magazine a few atomic
 * operations on the node's depot; if that is empty, the constructor. Without
 * rseq four atomic operations on the CPU's own line. Follows
 * kmem_cache_alloc().
 */
static inline void *pcpu_cache_alloc(struct pcpu_cache *cache)
{
	void *object;

	if (!LIBPCPU_LIKELY(libpcpu_cache_try_pop(cache, &object)))
		object = libpcpu_cache_alloc(cache);
	if (object)
		LIBPCPU_TSAN_ACQUIRE(object);
	return object;
}

/*
 * Give it back, in its constructed state; NULL is a no-op. It stays on the node
 * where it is freed: at most what that node's CPUs and depot take, what is
 * beyond goes to other nodes' depots, and past the budget it is destroyed.
 * Context, progress and cost as for pcpu_cache_alloc(), with the destructor.
 * Follows kmem_cache_free().
 */
static inline void pcpu_cache_free(struct pcpu_cache *cache, void *object)
{
	if (object)
		LIBPCPU_TSAN_RELEASE(object);
	if (!LIBPCPU_LIKELY(object && libpcpu_cache_try_push(cache, object)))
		libpcpu_cache_free(cache, object);
}

#ifdef __cplusplus
}
#endif

#endif /* PCPU_CACHE_H */
