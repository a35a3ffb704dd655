/* SPDX-License-Identifier: MIT */
/*
 * Without restartable sequences: every operation that is not on the thread's
 * own copy is refused, and then done in a pinned section. Included by
 * <pcpu/context.h> alone.
 */
#ifndef PCPU_CONTEXT_H
#include <pcpu/context.h>
#elif !defined(PCPU_PORTABLE_H)
#define PCPU_PORTABLE_H

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

LIBPCPU_INLINE bool libpcpu_try_add(const volatile void *p, unsigned size,
				    uint64_t x)
{
	(void)p, (void)size, (void)x;
	return false;
}

LIBPCPU_INLINE bool libpcpu_try_write(const volatile void *p, unsigned size,
				      uint64_t x)
{
	(void)p, (void)size, (void)x;
	return false;
}

LIBPCPU_INLINE bool libpcpu_try_and(const volatile void *p, unsigned size,
				    uint64_t x)
{
	(void)p, (void)size, (void)x;
	return false;
}

LIBPCPU_INLINE bool libpcpu_try_or(const volatile void *p, unsigned size,
				   uint64_t x)
{
	(void)p, (void)size, (void)x;
	return false;
}

LIBPCPU_INLINE bool libpcpu_try_read(const volatile void *p, unsigned size,
				     uint64_t *old)
{
	(void)p, (void)size, (void)old;
	return false;
}

LIBPCPU_INLINE bool libpcpu_try_xchg(const volatile void *p, unsigned size,
				     uint64_t x, uint64_t *old)
{
	(void)p, (void)size, (void)x, (void)old;
	return false;
}

LIBPCPU_INLINE bool libpcpu_try_fetch_add(const volatile void *p, unsigned size,
					  uint64_t x, uint64_t *old)
{
	(void)p, (void)size, (void)x, (void)old;
	return false;
}

LIBPCPU_INLINE bool libpcpu_try_cmpxchg(const volatile void *p, unsigned size,
					uint64_t expected, uint64_t x,
					uint64_t *old)
{
	(void)p, (void)size, (void)expected, (void)x, (void)old;
	return false;
}

#include <pcpu/own.h>

#ifdef __cplusplus
}
#endif

#endif /* PCPU_PORTABLE_H */
