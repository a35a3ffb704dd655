/* SPDX-License-Identifier: MIT */
/*
 * Threads of a stress test: numbered, with random numbers and stamps (owned.h)
 * of their own, half of them bound to a CPU.
 */
#ifndef TESTS_WORKERS_H
#define TESTS_WORKERS_H

#include <pthread.h>
#include <sched.h>

#include "support.h"

struct worker {
	unsigned nr; /* of the thread, from 0, unique in the process */
	uint32_t serial;
	struct rng rng;
	pthread_t thread;
};

/* Odd threads stay on one CPU, even ones wander. */
static inline void worker_place(const struct worker *worker)
{
	cpu_set_t allowed, one;
	size_t cpu;
	int skip;

	if (worker->nr % 2 == 0 ||
	    sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return;
	skip = (int)(worker->nr / 2) % CPU_COUNT(&allowed);
	for (cpu = 0; !CPU_ISSET(cpu, &allowed) || skip-- > 0; cpu++)
		continue;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static inline uint32_t worker_stamp(struct worker *worker)
{
	worker->serial = (worker->serial + 1) & 0xffffff;
	return (worker->nr % 127 + 1) << 24 | worker->serial;
}

static inline size_t worker_size(struct worker *worker)
{
	static const unsigned short sizes[16] = {
		4,  8,  8,  8,   12,  16,  24,   32,
		40, 64, 64, 128, 256, 700, 2048, 4096,
	};

	return sizes[rng_below(&worker->rng, 16)];
}

/* Run `run` in nr threads whose numbers start at first, until all are done. */
static inline void run_workers(void *(*run)(void *), unsigned first,
			       unsigned nr)
{
	static struct worker workers[64];
	uint64_t seed = support_seed();
	unsigned i;

	require(nr <= 64, "%u threads", nr);
	for (i = 0; i < nr; i++) {
		workers[i].nr = first + i;
		workers[i].rng.state = seed + first + i;
		require(pthread_create(&workers[i].thread, NULL, run,
				       &workers[i]) == 0,
			"thread %u", i);
	}
	for (i = 0; i < nr; i++)
		pthread_join(workers[i].thread, NULL);
}

#endif /* TESTS_WORKERS_H */
