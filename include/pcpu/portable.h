/* SPDX-License-Identifier: MIT */
/*
 * Without restartable sequences: every operation that is not on the thread's
 * own copy is refused, and then done in a pinned section. Included by
 * <pcpu/operations.h> alone.
 */
#ifndef LIBPCPU_CONTEXT_H
#include <pcpu/context.h>
#elif !defined(LIBPCPU_PORTABLE_H)
#define LIBPCPU_PORTABLE_H

#include <pcpu/own.h>

#ifdef __cplusplus
extern "C" {
#endif

LIBPCPU_INLINE bool libpcpu_try_pin(void)
{
	return false;
}

static inline bool libpcpu_try_unpin(struct libpcpu_place *place)
{
	(void)place;
	return false;
}

#define LIBPCPU_REFUSE(unused) done = ((void)p, (void)(unused), false)

#define LIBPCPU_TRY_WRITE(type) LIBPCPU_REFUSE(x)
#define LIBPCPU_TRY_ADD(type) LIBPCPU_REFUSE(x)
#define LIBPCPU_TRY_AND(type) LIBPCPU_REFUSE(x)
#define LIBPCPU_TRY_OR(type) LIBPCPU_REFUSE(x)
#define LIBPCPU_TRY_READ(type) LIBPCPU_REFUSE(old)
#define LIBPCPU_TRY_XCHG(type) (void)x, LIBPCPU_REFUSE(old)
#define LIBPCPU_TRY_FETCH_ADD(type) (void)x, LIBPCPU_REFUSE(old)
#define LIBPCPU_TRY_CMPXCHG(type) (void)x, (void)expected, LIBPCPU_REFUSE(old)
#define LIBPCPU_TRY_ADD_BELOW (void)x, LIBPCPU_REFUSE(limit)
#define LIBPCPU_TRY_ADD_ABOVE (void)x, LIBPCPU_REFUSE(limit)

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_PORTABLE_H */
