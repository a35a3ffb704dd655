/* SPDX-License-Identifier: MIT */
/*
 * The operations of <pcpu/this_cpu.h> in their two ways, out of what the
 * processor's header has for an operand of each type. Included by
 * <pcpu/context.h> alone.
 *
 *	libpcpu_try_*()  on the copy of the place that the thread runs on, by a
 *	                 sequence that is tried once: LIBPCPU_TRY_*(type)
 *	libpcpu_own_*()  on a copy that is the thread's own: LIBPCPU_OWN_*(type)
 *
 * These macros stand for statements and name the parameters of the functions
 * below; one with TRY tells by `done` whether the sequence came to its end.
 */
#ifndef LIBPCPU_CONTEXT_H
#include <pcpu/context.h>
#elif !defined(LIBPCPU_OPERATIONS_H)
#define LIBPCPU_OPERATIONS_H

#if LIBPCPU_SEQUENCES && defined(__x86_64__)
#include <pcpu/x86_64.h>
#elif LIBPCPU_SEQUENCES && defined(__aarch64__)
#include <pcpu/aarch64.h>
#else
#include <pcpu/portable.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The size is a constant where an operation is inlined; `how` is a macro that
 * takes the type of an operand.
 */
#define LIBPCPU_BY_SIZE(how)           \
	do {                           \
		if (size == 1)         \
			how(uint8_t);  \
		else if (size == 2)    \
			how(uint16_t); \
		else if (size == 4)    \
			how(uint32_t); \
		else                   \
			how(uint64_t); \
	} while (0)

/* --- sequences ------------------------------------------------------------ */

LIBPCPU_INLINE bool libpcpu_try_write(const volatile void *p, unsigned size,
				      uint64_t x)
{
	bool done;

	LIBPCPU_BY_SIZE(LIBPCPU_TRY_WRITE);
	return done;
}

LIBPCPU_INLINE bool libpcpu_try_add(const volatile void *p, unsigned size,
				    uint64_t x)
{
	bool done;

	LIBPCPU_BY_SIZE(LIBPCPU_TRY_ADD);
	return done;
}

LIBPCPU_INLINE bool libpcpu_try_and(const volatile void *p, unsigned size,
				    uint64_t x)
{
	bool done;

	LIBPCPU_BY_SIZE(LIBPCPU_TRY_AND);
	return done;
}

LIBPCPU_INLINE bool libpcpu_try_or(const volatile void *p, unsigned size,
				   uint64_t x)
{
	bool done;

	LIBPCPU_BY_SIZE(LIBPCPU_TRY_OR);
	return done;
}

/* What was there comes back in *old, here and below. */
LIBPCPU_INLINE bool libpcpu_try_read(const volatile void *p, unsigned size,
				     uint64_t *old)
{
	bool done;

	LIBPCPU_BY_SIZE(LIBPCPU_TRY_READ);
	return done;
}

LIBPCPU_INLINE bool libpcpu_try_xchg(const volatile void *p, unsigned size,
				     uint64_t x, uint64_t *old)
{
	bool done;

	LIBPCPU_BY_SIZE(LIBPCPU_TRY_XCHG);
	return done;
}

LIBPCPU_INLINE bool libpcpu_try_fetch_add(const volatile void *p, unsigned size,
					  uint64_t x, uint64_t *old)
{
	bool done;

	LIBPCPU_BY_SIZE(LIBPCPU_TRY_FETCH_ADD);
	return done;
}

LIBPCPU_INLINE bool libpcpu_try_cmpxchg(const volatile void *p, unsigned size,
					uint64_t expected, uint64_t x,
					uint64_t *old)
{
	bool done;

	LIBPCPU_BY_SIZE(LIBPCPU_TRY_CMPXCHG);
	return done;
}

/* For counting in batches: add to a copy in the first window, unless the sum
 * would reach the limit from below, or from above. */
LIBPCPU_INLINE bool libpcpu_try_add_below(int32_t *p, int32_t x, int32_t limit)
{
	bool done;

	LIBPCPU_TRY_ADD_BELOW;
	return done;
}

LIBPCPU_INLINE bool libpcpu_try_add_above(int32_t *p, int32_t x, int32_t limit)
{
	bool done;

	LIBPCPU_TRY_ADD_ABOVE;
	return done;
}

/* --- on a copy that is ours ----------------------------------------------- */

LIBPCPU_INLINE void libpcpu_own_write(uintptr_t copy, unsigned size, uint64_t x)
{
	LIBPCPU_BY_SIZE(LIBPCPU_OWN_WRITE);
}

LIBPCPU_INLINE void libpcpu_own_add(uintptr_t copy, unsigned size, uint64_t x)
{
	LIBPCPU_BY_SIZE(LIBPCPU_OWN_ADD);
}

LIBPCPU_INLINE void libpcpu_own_and(uintptr_t copy, unsigned size, uint64_t x)
{
	LIBPCPU_BY_SIZE(LIBPCPU_OWN_AND);
}

LIBPCPU_INLINE void libpcpu_own_or(uintptr_t copy, unsigned size, uint64_t x)
{
	LIBPCPU_BY_SIZE(LIBPCPU_OWN_OR);
}

LIBPCPU_INLINE uint64_t libpcpu_own_read(uintptr_t copy, unsigned size)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_READ);
	return old;
}

LIBPCPU_INLINE uint64_t libpcpu_own_xchg(uintptr_t copy, unsigned size,
					 uint64_t x)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_XCHG);
	return old;
}

LIBPCPU_INLINE uint64_t libpcpu_own_fetch_add(uintptr_t copy, unsigned size,
					      uint64_t x)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_FETCH_ADD);
	return old;
}

LIBPCPU_INLINE uint64_t libpcpu_own_cmpxchg(uintptr_t copy, unsigned size,
					    uint64_t expected, uint64_t x)
{
	uint64_t old;

	LIBPCPU_BY_SIZE(LIBPCPU_OWN_CMPXCHG);
	return old;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_OPERATIONS_H */
