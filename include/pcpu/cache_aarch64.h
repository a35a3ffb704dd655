/* SPDX-License-Identifier: MIT */
/*
 * aarch64: the restartable sequences of <pcpu/cache.h>, made of the parts in
 * <pcpu/aarch64.h>. Included by that alone.
 *
 * Each is tried once. Its last instruction is what it does: it counts an
 * operation, and an object less or more.
 */
#ifndef PCPU_CACHE_H
#include <pcpu/cache.h>
#elif !defined(PCPU_CACHE_AARCH64_H)
#define PCPU_CACHE_AARCH64_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The running CPU's loaded magazine, and how many objects are in it. The
 * acquire pairs with [magazine] put_one(), which may run elsewhere.
 */
#define LIBPCPU_CACHE_FIND                       \
	"ldrsw %[at], [%[area], %c[cpu_id]]\n\t" \
	"add %[at], %[cache], %[at], lsl %c[shift]\n\t"

#define LIBPCPU_CACHE_LOADED        \
	LIBPCPU_CACHE_FIND          \
	"ldar %[at], [%[at]]\n\t"   \
	"ldr %[state], [%[at]]\n\t" \
	"and %[nr], %[state], 0xffff\n\t"

#define LIBPCPU_CACHE_REFUSE      \
	"cbnz %[refused], 5f\n\t" \
	"add %[nr], %[at], %[nr], lsl 3\n\t"

#define LIBPCPU_CACHE_INPUTS(which)                                       \
	LIBPCPU_AREA_INPUTS, [cpu_id] "i"(offsetof(struct rseq, cpu_id)), \
		[shift] "i"(LIBPCPU_CACHE_CPU_SHIFT), [cache] "r"(which)

/* Its last object. */
LIBPCPU_INLINE bool libpcpu_cache_try_pop(const struct pcpu_cache *cache,
					  void **object)
{
	uintptr_t at, nr, refused;
	uint64_t state;

	__asm__ __volatile__(LIBPCPU_BEGIN LIBPCPU_CACHE_LOADED
			     "cmp %[nr], 0\n\t"
			     "cset %[refused], eq\n\t" LIBPCPU_CACHE_REFUSE
			     "ldr %[nr], [%[nr], 16]\n\t"
			     "add %[state], %[state], 0x10000\n\t"
			     "sub %[state], %[state], 1\n\t"
			     "str %[state], [%[at]]\n" LIBPCPU_END
			     : [at] "=&r"(at), [refused] "=&r"(refused),
			       [nr] "=&r"(nr), [state] "=&r"(state)
			     : LIBPCPU_CACHE_INPUTS(cache)
			     : "cc", "memory");
	*object = (void *)nr;
	return !refused;
}

/* One more. Who is thrown out has written to where no object is. */
LIBPCPU_INLINE bool libpcpu_cache_try_push(const struct pcpu_cache *cache,
					   void *object)
{
	uintptr_t at, nr, refused;
	uint64_t state;

	__asm__ __volatile__(LIBPCPU_BEGIN LIBPCPU_CACHE_LOADED
			     "ldr %[refused], [%[at], 8]\n\t"
			     "cmp %[nr], %[refused]\n\t"
			     "cset %[refused], hs\n\t" LIBPCPU_CACHE_REFUSE
			     "str %[object], [%[nr], 24]\n\t"
			     "add %[state], %[state], 0x10000\n\t"
			     "add %[state], %[state], 1\n\t"
			     "str %[state], [%[at]]\n" LIBPCPU_END
			     : [at] "=&r"(at), [refused] "=&r"(refused),
			       [nr] "=&r"(nr), [state] "=&r"(state)
			     : LIBPCPU_CACHE_INPUTS(cache), [object] "r"(object)
			     : "cc", "memory");
	return !refused;
}

#ifdef __cplusplus
}
#endif

#endif /* PCPU_CACHE_AARCH64_H */
