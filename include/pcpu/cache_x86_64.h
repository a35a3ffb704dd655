/* SPDX-License-Identifier: MIT */
/*
 * x86-64: the restartable sequences of <pcpu/cache.h>, made of the parts in
 * <pcpu/x86_64.h>. Included by that alone.
 *
 * Each is tried once. Its last instruction is what it does: it counts an
 * operation, and an object less or more.
 */
#ifndef PCPU_CACHE_H
#include <pcpu/cache.h>
#elif !defined(PCPU_CACHE_X86_64_H)
#define PCPU_CACHE_X86_64_H

#ifdef __cplusplus
extern "C" {
#endif

/* The running CPU's loaded magazine, and how many objects are in it. */
#define LIBPCPU_CACHE_FIND                           \
	"movslq %%fs:%c[cpu_id](%[area]), %[at]\n\t" \
	"shlq %[shift], %[at]\n\t"

#define LIBPCPU_CACHE_LOADED               \
	LIBPCPU_CACHE_FIND                 \
	"movq (%[cache],%[at]), %[at]\n\t" \
	"movq (%[at]), %[state]\n\t"       \
	"movzwl %w[state], %k[nr]\n\t"

#define LIBPCPU_CACHE_INPUTS(which)                                       \
	LIBPCPU_AREA_INPUTS, [cpu_id] "i"(offsetof(struct rseq, cpu_id)), \
		[shift] "i"(LIBPCPU_CACHE_CPU_SHIFT), [cache] "r"(which)

/* Its last object. */
LIBPCPU_INLINE bool libpcpu_cache_try_pop(const struct pcpu_cache *cache,
					  void **object)
{
	uintptr_t at, nr;
	uint64_t state;
	bool done;

	__asm__ __volatile__(
		LIBPCPU_BEGIN LIBPCPU_CACHE_LOADED
		"testl %k[nr], %k[nr]\n\t"
		"jz 4b\n\t"
		"movq 16(%[at],%[nr],8), %[nr]\n\t"
		"addq $0xffff, %[state]\n\t"
		"movq %[state], (%[at])\n" LIBPCPU_END
		: [at] "=&r"(at),
		  "=@ccz"(done), [nr] "=&r"(nr), [state] "=&r"(state)
		: LIBPCPU_CACHE_INPUTS(cache)
		: "memory");
	*object = (void *)nr;
	return done;
}

/* One more. Who is thrown out has written to where no object is. */
LIBPCPU_INLINE bool libpcpu_cache_try_push(const struct pcpu_cache *cache,
					   void *object)
{
	uintptr_t at, nr;
	uint64_t state;
	bool done;

	__asm__ __volatile__(
		LIBPCPU_BEGIN LIBPCPU_CACHE_LOADED
		"cmpq 8(%[at]), %[nr]\n\t"
		"jae 4b\n\t"
		"movq %[object], 24(%[at],%[nr],8)\n\t"
		"addq $0x10001, %[state]\n\t"
		"movq %[state], (%[at])\n" LIBPCPU_END
		: [at] "=&r"(at),
		  "=@ccz"(done), [nr] "=&r"(nr), [state] "=&r"(state)
		: LIBPCPU_CACHE_INPUTS(cache), [object] "r"(object)
		: "memory");
	return done;
}

#ifdef __cplusplus
}
#endif

#endif /* PCPU_CACHE_X86_64_H */
