/* SPDX-License-Identifier: MIT */
/*
 * A job that does a bit of everything, to be run in poor surroundings.
 */
#ifndef TESTS_SMOKE_H
#define TESTS_SMOKE_H

#include <pthread.h>

#include "owned.h"
#include "shadow.h"
#include "support.h"

static inline void *smoke_thread(void *arg)
{
	uint32_t stamp = (uint32_t)(uintptr_t)arg << 24;
	void *held[16] = {NULL};
	unsigned i;

	for (i = 1; i <= 4000; i++) {
		void **slot = &held[i % 16];

		if (*slot)
			owned_free(*slot);
		*slot = owned_alloc(4 + i % 500, 0, stamp + i);
	}
	for (i = 0; i < 16; i++)
		owned_free(held[i]);
	return NULL;
}

static inline void job_smoke(void)
{
	struct shadow *shadow = shadow_create();
	struct rng rng = {.state = support_seed()};
	pthread_t threads[4];
	unsigned i;

	for (i = 0; i < 1500; i++) {
		size_t size = 1 + rng_below(&rng, i % 64 ? 512 : 32768);

		require(shadow_alloc(shadow, size,
				     (size_t)1 << rng_below(&rng, 13), 0),
			"%zu bytes", size);
		if (shadow->nr > 300)
			shadow_free(shadow, rng_below(&rng, shadow->nr));
		if (i % 256 == 0)
			pcpu_trim();
	}
	for (i = 0; i < 4; i++)
		require(pthread_create(&threads[i], NULL, smoke_thread,
				       (void *)(uintptr_t)(i + 1)) == 0,
			"thread %u", i);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	shadow_check_all(shadow);
	shadow_free_all(shadow, &rng);
	pcpu_trim();
	support_expect_none_live();
	free(shadow);
}

#endif /* TESTS_SMOKE_H */
