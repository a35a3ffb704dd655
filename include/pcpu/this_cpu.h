/* SPDX-License-Identifier: MIT */
/*
 * Operations on the copy where the thread works, for <pcpu.h> and the shim.
 *
 * A sequence is tried first. It is refused to a pinned thread, and to one that
 * has a place for itself: these work on their own copy. If somebody else has
 * the place, or the sequence is thrown out, the thread pins itself for the
 * operation.
 *
 * The macros take an lvalue that a handle leads to (*p, p->field, p[2]), of 1,
 * 2, 4 or 8 bytes, an integer or a pointer; arithmetic on a pointer counts
 * bytes. They evaluate each argument once and have the lvalue's type.
 */
#ifndef LIBPCPU_THIS_CPU_H
#define LIBPCPU_THIS_CPU_H

#include <pcpu/context.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIBPCPU_READ 0
#define LIBPCPU_WRITE 1
#define LIBPCPU_ADD 2 /* returns what was there before, as the others do */
#define LIBPCPU_AND 3
#define LIBPCPU_OR 4
#define LIBPCPU_XCHG 5
#define LIBPCPU_CMPXCHG 6

/* An operation in a pinned section of its own; x is the operand. */
#pragma GCC visibility push(default)
uint64_t libpcpu_operate(unsigned operation, const volatile void *p,
			 unsigned size, uint64_t x, uint64_t expected);
#pragma GCC visibility pop

/* The copy that is the thread's own, as a sequence was refused; or 0. */
LIBPCPU_INLINE uintptr_t libpcpu_own_copy(const volatile void *p)
{
	const struct libpcpu_place *place = libpcpu_self.place;

	if (!place)
		return 0;
	return libpcpu_number_of(p) +
	       (uintptr_t)libpcpu_place_distance(place, p);
}

LIBPCPU_INLINE void libpcpu_do_write(const volatile void *p, unsigned size,
				     uint64_t x)
{
	uintptr_t copy;

	if (LIBPCPU_LIKELY(libpcpu_try_write(p, size, x)))
		return;
	copy = libpcpu_own_copy(p);
	if (copy)
		libpcpu_own_write(copy, size, x);
	else
		libpcpu_operate(LIBPCPU_WRITE, p, size, x, 0);
}

LIBPCPU_INLINE void libpcpu_do_add(const volatile void *p, unsigned size,
				   uint64_t x)
{
	uintptr_t copy;

	if (LIBPCPU_LIKELY(libpcpu_try_add(p, size, x)))
		return;
	copy = libpcpu_own_copy(p);
	if (copy)
		libpcpu_own_add(copy, size, x);
	else
		libpcpu_operate(LIBPCPU_ADD, p, size, x, 0);
}

LIBPCPU_INLINE void libpcpu_do_and(const volatile void *p, unsigned size,
				   uint64_t x)
{
	uintptr_t copy;

	if (LIBPCPU_LIKELY(libpcpu_try_and(p, size, x)))
		return;
	copy = libpcpu_own_copy(p);
	if (copy)
		libpcpu_own_and(copy, size, x);
	else
		libpcpu_operate(LIBPCPU_AND, p, size, x, 0);
}

LIBPCPU_INLINE void libpcpu_do_or(const volatile void *p, unsigned size,
				  uint64_t x)
{
	uintptr_t copy;

	if (LIBPCPU_LIKELY(libpcpu_try_or(p, size, x)))
		return;
	copy = libpcpu_own_copy(p);
	if (copy)
		libpcpu_own_or(copy, size, x);
	else
		libpcpu_operate(LIBPCPU_OR, p, size, x, 0);
}

LIBPCPU_INLINE uint64_t libpcpu_do_read(const volatile void *p, unsigned size)
{
	uintptr_t copy;
	uint64_t old;

	if (LIBPCPU_LIKELY(libpcpu_try_read(p, size, &old)))
		return old;
	copy = libpcpu_own_copy(p);
	if (copy)
		return libpcpu_own_read(copy, size);
	return libpcpu_operate(LIBPCPU_READ, p, size, 0, 0);
}

LIBPCPU_INLINE uint64_t libpcpu_do_xchg(const volatile void *p, unsigned size,
					uint64_t x)
{
	uintptr_t copy;
	uint64_t old;

	if (LIBPCPU_LIKELY(libpcpu_try_xchg(p, size, x, &old)))
		return old;
	copy = libpcpu_own_copy(p);
	if (copy)
		return libpcpu_own_xchg(copy, size, x);
	return libpcpu_operate(LIBPCPU_XCHG, p, size, x, 0);
}

LIBPCPU_INLINE uint64_t libpcpu_do_fetch_add(const volatile void *p,
					     unsigned size, uint64_t x)
{
	uintptr_t copy;
	uint64_t old;

	if (LIBPCPU_LIKELY(libpcpu_try_fetch_add(p, size, x, &old)))
		return old;
	copy = libpcpu_own_copy(p);
	if (copy)
		return libpcpu_own_fetch_add(copy, size, x);
	return libpcpu_operate(LIBPCPU_ADD, p, size, x, 0);
}

LIBPCPU_INLINE uint64_t libpcpu_do_cmpxchg(const volatile void *p,
					   unsigned size, uint64_t expected,
					   uint64_t x)
{
	uintptr_t copy;
	uint64_t old;

	if (LIBPCPU_LIKELY(libpcpu_try_cmpxchg(p, size, expected, x, &old)))
		return old;
	copy = libpcpu_own_copy(p);
	if (copy)
		return libpcpu_own_cmpxchg(copy, size, expected, x);
	return libpcpu_operate(LIBPCPU_CMPXCHG, p, size, x, expected);
}

LIBPCPU_INLINE uint64_t libpcpu_do_add_return(const volatile void *p,
					      unsigned size, uint64_t x)
{
	return x + libpcpu_do_fetch_add(p, size, x);
}

#ifdef __cplusplus
}
#endif

/* --- macros --------------------------------------------------------------- */

/*
 * Values travel as 64 bits. They are converted to the lvalue's type first, so
 * that a bool becomes 0 or 1; by way of an integer, so that it may be a
 * pointer.
 */
#define libpcpu_to_type(lvalue, x) ((__typeof__(lvalue))(uintptr_t)(x))
#define libpcpu_to_bits(lvalue, x) \
	((uint64_t)(uintptr_t)libpcpu_to_type(lvalue, x))

/* Complains of pointers of different types, and evaluates nothing. */
#define libpcpu_same_type(lvalue, x) ((void)sizeof(1 ? (lvalue) : (x)))

/* The arguments with which all operations begin. */
#define libpcpu_at(lvalue) &(lvalue), libpcpu_size(lvalue)
#define libpcpu_size(lvalue)                                                 \
	((unsigned)sizeof(char[sizeof(lvalue) == 1 || sizeof(lvalue) == 2 || \
					       sizeof(lvalue) == 4 ||        \
					       sizeof(lvalue) == 8           \
				       ? (int)sizeof(lvalue)                 \
				       : -1]))

#define libpcpu_this_read(lvalue) \
	libpcpu_to_type(lvalue, libpcpu_do_read(libpcpu_at(lvalue)))

#define libpcpu_this_write(lvalue, x)  \
	(libpcpu_same_type(lvalue, x), \
	 libpcpu_do_write(libpcpu_at(lvalue), libpcpu_to_bits(lvalue, x)))

#define libpcpu_this_add(lvalue, x) \
	libpcpu_do_add(libpcpu_at(lvalue), libpcpu_to_bits(lvalue, x))

/* What is negated is what the lvalue's type makes of x, as in the kernel. */
#define libpcpu_this_sub(lvalue, x) \
	libpcpu_do_add(libpcpu_at(lvalue), 0 - libpcpu_to_bits(lvalue, x))

#define libpcpu_this_and(lvalue, x) \
	libpcpu_do_and(libpcpu_at(lvalue), libpcpu_to_bits(lvalue, x))

#define libpcpu_this_or(lvalue, x) \
	libpcpu_do_or(libpcpu_at(lvalue), libpcpu_to_bits(lvalue, x))

/* In a variable, as nobody has to look at what these return. */
#define libpcpu_this_xchg(lvalue, x)                                          \
	__extension__({                                                       \
		__typeof__(lvalue) libpcpu_xchg = libpcpu_to_type(            \
			lvalue, libpcpu_do_xchg(libpcpu_at(lvalue),           \
						libpcpu_to_bits(lvalue, x))); \
		libpcpu_same_type(lvalue, x);                                 \
		libpcpu_xchg;                                                 \
	})

#define libpcpu_this_cmpxchg(lvalue, expected, x)                             \
	__extension__({                                                       \
		__typeof__(lvalue) libpcpu_cmpxchg = libpcpu_to_type(         \
			lvalue,                                               \
			libpcpu_do_cmpxchg(libpcpu_at(lvalue),                \
					   libpcpu_to_bits(lvalue, expected), \
					   libpcpu_to_bits(lvalue, x)));      \
		libpcpu_same_type(lvalue, expected);                          \
		libpcpu_same_type(lvalue, x);                                 \
		libpcpu_cmpxchg;                                              \
	})

/* What is there now. */
#define libpcpu_this_add_return(lvalue, x)                                  \
	__extension__({                                                     \
		__typeof__(lvalue) libpcpu_sum = libpcpu_to_type(           \
			lvalue,                                             \
			libpcpu_do_add_return(libpcpu_at(lvalue),           \
					      libpcpu_to_bits(lvalue, x))); \
		libpcpu_sum;                                                \
	})

#endif /* LIBPCPU_THIS_CPU_H */
