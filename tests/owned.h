/* SPDX-License-Identifier: MIT */
/*
 * Objects that prove their owner, for tests with many threads.
 *
 * The owner writes its stamp into every copy: the first word atomically, where
 * the exchange sees a second owner, the rest with plain stores, which TSan
 * orders against the former and the next owner's. A stamp is never 0, and no
 * two threads use the same one at the same time.
 */
#ifndef TESTS_OWNED_H
#define TESTS_OWNED_H

#include <stdint.h>

#include <pcpu.h>

#include "support.h"

static inline uint32_t *owned_words(void *handle, int cpu)
{
	return (uint32_t *)pcpu_ptr(handle, cpu);
}

static inline void owned_stamp(void *handle, size_t usable, uint32_t stamp)
{
	size_t i;
	int cpu;

	pcpu_for_each_cpu (cpu) {
		uint32_t *words = owned_words(handle, cpu);
		uint32_t before =
			__atomic_exchange_n(&words[0], stamp, __ATOMIC_RELAXED);

		require(before == 0,
			"%p on CPU %d: %#x at hand-out, mine is "
			"%#x: handed out twice, or not zeroed",
			handle, cpu, before, stamp);
		for (i = 1; i < usable / 4; i++) {
			require(words[i] == 0,
				"%p on CPU %d: %#x at offset %zu at hand-out",
				handle, cpu, words[i], i * 4);
			words[i] = stamp + (uint32_t)i;
		}
	}
}

/* Allocate and stamp; NULL only with flags. */
static inline void *owned_alloc(size_t size, unsigned flags, uint32_t stamp)
{
	void *handle = pcpu_alloc_flags(size, 4, flags);

	require(handle || flags, "%zu bytes: errno %d", size, errno);
	if (handle)
		owned_stamp(handle, pcpu_usable_size(handle), stamp);
	return handle;
}

/*
 * Check that the object is still whole and leave the stamp in it. Whoever got
 * the handle from its former owner reads the stamp from the object.
 */
static inline uint32_t owned_check(void *handle)
{
	size_t i, usable = pcpu_usable_size(handle);
	uint32_t stamp = 0;
	int cpu;

	pcpu_for_each_cpu (cpu) {
		uint32_t *words = owned_words(handle, cpu);
		uint32_t first = __atomic_load_n(&words[0], __ATOMIC_RELAXED);

		stamp = stamp ? stamp : first;
		require(first == stamp && stamp != 0,
			"%p on CPU %d: stamp %#x, others %#x", handle, cpu,
			first, stamp);
		for (i = 1; i < usable / 4; i++)
			require(words[i] == stamp + (uint32_t)i,
				"%p of %#x on CPU %d: %#x at offset %zu",
				handle, stamp, cpu, words[i], i * 4);
	}
	return stamp;
}

/* Check, take the stamp away so that another owner is seen, and free. */
static inline void owned_free(void *handle)
{
	uint32_t before, stamp = owned_check(handle);
	int cpu;

	pcpu_for_each_cpu (cpu) {
		before = __atomic_exchange_n(owned_words(handle, cpu), ~stamp,
					     __ATOMIC_RELAXED);
		require(before == stamp,
			"%p of %#x on CPU %d: stamp is %#x now", handle, stamp,
			cpu, before);
	}
	pcpu_free(handle);
}

#define OWNED_CHURN_MAX 32u

/* Allocate and free with so many objects at most; id is the thread's own. */
static inline void owned_churn(unsigned id, unsigned nr_steps, struct rng *rng)
{
	void *held[OWNED_CHURN_MAX] = {NULL};
	unsigned step, slot;

	for (step = 1; step <= nr_steps; step++) {
		slot = (unsigned)rng_below(rng, OWNED_CHURN_MAX);
		if (held[slot]) {
			owned_free(held[slot]);
			held[slot] = NULL;
		} else {
			held[slot] = owned_alloc(4 + rng_below(rng, 300), 0,
						 id << 24 | step);
		}
	}
	for (slot = 0; slot < OWNED_CHURN_MAX; slot++)
		if (held[slot])
			owned_free(held[slot]);
}

#endif /* TESTS_OWNED_H */
