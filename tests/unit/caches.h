/* SPDX-License-Identifier: MIT */
/* What the tests of object caches share: objects that tell of their life. */
#ifndef TESTS_UNIT_CACHES_H
#define TESTS_UNIT_CACHES_H

#include <pcpu/cache.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/support.h"

#define MADE UINT64_C(0x600dc0de)

/* A descriptor with its counters. */
struct process {
	uint64_t made;  /* MADE between constructor and destructor */
	int64_t *count; /* a handle */
	atomic_int nr_owners;
};

static atomic_int nr_made, nr_gone;
static atomic_int fail_at; /* constructors: the one from now on; 0 for none */

static inline int make_process(void *object)
{
	struct process *process = object;

	require(!process->made && !process->count, "memory is not zero");
	if (fail_at && atomic_fetch_sub(&fail_at, 1) == 1)
		return EAGAIN;
	process->count = pcpu_alloc(sizeof(*process->count), 8);
	if (!process->count)
		return ENOMEM;
	process->made = MADE;
	atomic_fetch_add(&nr_made, 1);
	return 0;
}

static inline int64_t sum_of(const struct process *process)
{
	int64_t sum = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		sum += *pcpu_ptr(process->count, cpu);
	return sum;
}

static inline bool is_made(const void *object)
{
	const struct process *process = object;

	return process->made == MADE && sum_of(process) == 0;
}

static inline void destroy_process(void *object)
{
	struct process *process = object;

	require(is_made(process), "destroyed: made %#llx",
		(unsigned long long)process->made);
	pcpu_free(process->count);
	process->made = 0;
	atomic_fetch_add(&nr_gone, 1);
}

static inline struct pcpu_cache *create_processes(void)
{
	struct pcpu_cache *cache =
		pcpu_cache_create("process", sizeof(struct process), 8,
				  make_process, destroy_process, 0);

	require(cache, "errno %d", errno);
	pcpu_cache_set_tied(cache, sizeof(int64_t));
	pcpu_cache_set_check(cache, is_made);
	return cache;
}

/* Per-CPU objects whose copies know their CPU. */
static inline int make_copies(void *object)
{
	int64_t *copies = object;
	int cpu;

	if (fail_at && atomic_fetch_sub(&fail_at, 1) == 1)
		return EAGAIN;
	pcpu_for_each_cpu (cpu) {
		require(!*pcpu_ptr(copies, cpu), "a copy is not zero");
		*pcpu_ptr(copies, cpu) = cpu + 1000;
	}
	atomic_fetch_add(&nr_made, 1);
	return 0;
}

static inline bool are_copies(const void *object)
{
	int64_t *copies = (int64_t *)(uintptr_t)object;
	int cpu;

	pcpu_for_each_cpu (cpu)
		if (*pcpu_ptr(copies, cpu) != cpu + 1000)
			return false;
	return true;
}

static inline void destroy_copies(void *object)
{
	require(are_copies(object), "a copy has changed");
	atomic_fetch_add(&nr_gone, 1);
}

static inline struct pcpu_cache *create_copies(void)
{
	struct pcpu_cache *cache =
		pcpu_cache_create("copies", sizeof(int64_t), 8, make_copies,
				  destroy_copies, PCPU_CACHE_PERCPU);

	require(cache, "errno %d", errno);
	pcpu_cache_set_check(cache, are_copies);
	return cache;
}

static inline struct pcpu_cache_info cache_stats(struct pcpu_cache *cache)
{
	struct pcpu_cache_info stats;

	require(pcpu_cache_stats(cache, &stats) == 0, "errno %d", errno);
	require(stats.held_bytes <= stats.budget, "%zu bytes held of %zu",
		stats.held_bytes, stats.budget);
	return stats;
}

/* So many objects at once, and back. */
#define CHURN_MAX 4096u
static inline void cache_churn(struct pcpu_cache *cache, size_t nr)
{
	static _Thread_local void *objects[CHURN_MAX];

	require(pcpu_cache_alloc_bulk(cache, nr, objects) == 0, "errno %d",
		errno);
	pcpu_cache_free_bulk(cache, nr, objects);
}

static inline uint64_t live_percpu_objects(void)
{
	struct pcpu_stats stats;

	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	return stats.nr_cur_alloc;
}

static inline bool run_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 &&
	       sched_getcpu() == cpu;
}

#endif /* TESTS_UNIT_CACHES_H */
