/* SPDX-License-Identifier: MIT */
/*
 * Operations on a copy that is the thread's own, with the compiler's atomics.
 * Only a signal handler can come in between, and others who just read: all are
 * relaxed. Included where the processor's header has nothing better.
 */
#ifndef LIBPCPU_CONTEXT_H
#include <pcpu/context.h>
#elif !defined(LIBPCPU_OWN_H)
#define LIBPCPU_OWN_H

#define LIBPCPU_OWN(type) ((type *)copy)
#define LIBPCPU_OWN_DO(builtin, type) \
	builtin(LIBPCPU_OWN(type), (type)x, __ATOMIC_RELAXED)

#define LIBPCPU_OWN_WRITE(type) LIBPCPU_OWN_DO(__atomic_store_n, type)
#define LIBPCPU_OWN_ADD(type) (void)LIBPCPU_OWN_DO(__atomic_fetch_add, type)
#define LIBPCPU_OWN_AND(type) (void)LIBPCPU_OWN_DO(__atomic_fetch_and, type)
#define LIBPCPU_OWN_OR(type) (void)LIBPCPU_OWN_DO(__atomic_fetch_or, type)

#define LIBPCPU_OWN_READ(type) \
	old = __atomic_load_n(LIBPCPU_OWN(type), __ATOMIC_RELAXED)
#define LIBPCPU_OWN_XCHG(type) old = LIBPCPU_OWN_DO(__atomic_exchange_n, type)
#define LIBPCPU_OWN_FETCH_ADD(type) \
	old = LIBPCPU_OWN_DO(__atomic_fetch_add, type)

#define LIBPCPU_OWN_CMPXCHG(type)                                             \
	do {                                                                  \
		type value = (type)expected;                                  \
		__atomic_compare_exchange_n(LIBPCPU_OWN(type), &value,        \
					    (type)x, false, __ATOMIC_RELAXED, \
					    __ATOMIC_RELAXED);                \
		old = value;                                                  \
	} while (0)

#endif /* LIBPCPU_OWN_H */
