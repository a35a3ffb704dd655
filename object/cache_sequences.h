/* SPDX-License-Identifier: MIT */
/*
 * The restartable sequence by which a CPU's loaded magazine becomes a thread's;
 * with the two of the processor's header (<pcpu/cache_x86_64.h>), from whose
 * parts it is made, all that there are.
 *
 * It is a sequence so that no other of that CPU is in the middle when it is
 * done. Its last step is atomic all the same, as shrinking does likewise from
 * other CPUs, and then throws out all sequences.
 */
#ifndef OBJECT_CACHE_SEQUENCES_H
#define OBJECT_CACHE_SEQUENCES_H

#include "object/cache.h"

#if LIBPCPU_SEQUENCES && defined(__x86_64__)

/* Take the running CPU's. */
static inline bool try_take(struct cache *cache, magazine **taken)
{
	magazine *m = &cache_none;
	uintptr_t at;
	bool done;

	__asm__ __volatile__(LIBPCPU_BEGIN LIBPCPU_CACHE_FIND
			     "xchgq %[m], (%[cache],%[at])\n" LIBPCPU_END
			     : [at] "=&r"(at), "=@ccz"(done), [m] "+&r"(m)
			     : LIBPCPU_CACHE_INPUTS(cache_public(cache))
			     : "memory");
	*taken = m;
	return done;
}

#elif LIBPCPU_SEQUENCES && defined(__aarch64__)

/* The same. pairs with [magazine] put_one(): what is in it. The store fails if
 * anything came in between. */
static inline bool try_take(struct cache *cache, magazine **taken)
{
	uintptr_t at, refused;
	uint32_t failed = 1;

	__asm__ __volatile__(LIBPCPU_BEGIN LIBPCPU_CACHE_FIND
			     "mov %[refused], 0\n\t"
			     "ldaxr %[m], [%[at]]\n\t"
			     "stxr %w[failed], %[none], [%[at]]\n" LIBPCPU_END
			     : [at] "=&r"(at), [refused] "=&r"(refused),
			       [m] "=&r"(*taken), [failed] "+&r"(failed)
			     : LIBPCPU_CACHE_INPUTS(cache_public(cache)),
			       [none] "r"(&cache_none)
			     : "memory");
	return !refused && !failed;
}

#elif defined(MODEL_CHECK)

/* Played by tests/model/caches.c. */
bool try_take(struct cache *cache, magazine **taken);

#else

static inline bool try_take(struct cache *cache, magazine **taken)
{
	(void)cache, (void)taken;
	return false;
}

#endif

#endif /* OBJECT_CACHE_SEQUENCES_H */
