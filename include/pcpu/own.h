/* SPDX-License-Identifier: MIT */
/*
 * Operations on a copy that is the thread's own, with the compiler's atomics.
 * Only a signal handler can come in between, and others who just read: all are
 * relaxed. Included where the processor's header has nothing better.
 */
#ifndef PCPU_CONTEXT_H
#include <pcpu/context.h>
#elif !defined(PCPU_OWN_H)
#define PCPU_OWN_H

#define LIBPCPU_OWN(type) ((type *)copy)
#define LIBPCPU_OWN_DO(builtin, type) \
	old = builtin(LIBPCPU_OWN(type), (type)x, __ATOMIC_RELAXED)

#define LIBPCPU_OWN_READ(type) \
	old = __atomic_load_n(LIBPCPU_OWN(type), __ATOMIC_RELAXED)

LIBPCPU_INLINE uint64_t libpcpu_own_read(uintptr_t copy, unsigned size)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_READ);
	return old;
}

#define LIBPCPU_OWN_WRITE(type) \
	__atomic_store_n(LIBPCPU_OWN(type), (type)x, __ATOMIC_RELAXED)

LIBPCPU_INLINE void libpcpu_own_write(uintptr_t copy, unsigned size, uint64_t x)
{
	LIBPCPU_BY_SIZE(LIBPCPU_OWN_WRITE);
}

#define LIBPCPU_OWN_XCHG(type) LIBPCPU_OWN_DO(__atomic_exchange_n, type)

LIBPCPU_INLINE uint64_t libpcpu_own_xchg(uintptr_t copy, unsigned size,
					 uint64_t x)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_XCHG);
	return old;
}

#define LIBPCPU_OWN_FETCH_ADD(type) LIBPCPU_OWN_DO(__atomic_fetch_add, type)

LIBPCPU_INLINE uint64_t libpcpu_own_fetch_add(uintptr_t copy, unsigned size,
					      uint64_t x)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_FETCH_ADD);
	return old;
}

#define LIBPCPU_OWN_FETCH_AND(type) LIBPCPU_OWN_DO(__atomic_fetch_and, type)

LIBPCPU_INLINE uint64_t libpcpu_own_fetch_and(uintptr_t copy, unsigned size,
					      uint64_t x)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_FETCH_AND);
	return old;
}

#define LIBPCPU_OWN_FETCH_OR(type) LIBPCPU_OWN_DO(__atomic_fetch_or, type)

LIBPCPU_INLINE uint64_t libpcpu_own_fetch_or(uintptr_t copy, unsigned size,
					     uint64_t x)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_FETCH_OR);
	return old;
}

LIBPCPU_INLINE void libpcpu_own_add(uintptr_t copy, unsigned size, uint64_t x)
{
	libpcpu_own_fetch_add(copy, size, x);
}

LIBPCPU_INLINE void libpcpu_own_and(uintptr_t copy, unsigned size, uint64_t x)
{
	libpcpu_own_fetch_and(copy, size, x);
}

LIBPCPU_INLINE void libpcpu_own_or(uintptr_t copy, unsigned size, uint64_t x)
{
	libpcpu_own_fetch_or(copy, size, x);
}

#define LIBPCPU_OWN_CMPXCHG(type)                                             \
	do {                                                                  \
		type value = (type)expected;                                  \
		__atomic_compare_exchange_n(LIBPCPU_OWN(type), &value,        \
					    (type)x, false, __ATOMIC_RELAXED, \
					    __ATOMIC_RELAXED);                \
		old = value;                                                  \
	} while (0)

LIBPCPU_INLINE uint64_t libpcpu_own_cmpxchg(uintptr_t copy, unsigned size,
					    uint64_t expected, uint64_t x)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_CMPXCHG);
	return old;
}

#endif /* PCPU_OWN_H */
