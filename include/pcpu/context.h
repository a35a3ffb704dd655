/* SPDX-License-Identifier: MIT */
/*
 * Which copy is mine, and for how long: the binary interface behind
 * pcpu_this_ptr(), pcpu_pin() and pcpu_this_add(). Programs include <pcpu.h>,
 * which says what these do; ports of kernel code include the shim.
 *
 * A *place* is where a thread works: it selects one copy of every object. In
 * the context model "cpu" the places are the CPUs; in "mm_cid" they are numbers
 * that the kernel gives to the threads that run at the moment, the smallest
 * ones first; in "thread" each thread has one of its own, as far as they go.
 *
 *	              owner
 *	place 0    +--------+----------------------+	libpcpu_thread
 *	           | 0      | offsets of its copies|	+-------+------+
 *	place 1    +--------+----------------------+ <--| place | nest |
 *	           | thread | offsets of its copies|--->+-------+------+
 *	           +--------+----------------------+
 *
 *	P1  while a place has an owner, nobody else pins it or changes a copy of
 *	    it by an operation.
 *	P2  a thread whose libpcpu_self names a place is its owner.
 *	P3  a thread that waits owns no place.
 *
 * An unpinned operation is one restartable sequence (rseq): find the place that
 * the thread runs on, refuse if it has an owner, change the copy. Pinning is
 * one, too: refuse if it has an owner, become the owner. Whoever is preempted
 * in the middle of one starts anew, so on one place they come one after the
 * other, and need no atomic instruction. The way back is a compare-and-swap,
 * as the owner may have been moved to another CPU by then. Whoever is refused
 * waits for the owner, see arena/pin.c; so does everybody where there is no
 * rseq, with the owner as a lock.
 */
#ifndef LIBPCPU_CONTEXT_H
#define LIBPCPU_CONTEXT_H

#include <stdbool.h>

#include <pcpu/abi.h>

#if defined(__SANITIZE_THREAD__)
#define LIBPCPU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LIBPCPU_TSAN 1
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What is declared here is all that the library exports. */
#pragma GCC visibility push(default)

#define LIBPCPU_LIKELY(x) __builtin_expect(!!(x), 1)

/* Inlined whatever the compiler thinks, so that sizes are constants. */
#define LIBPCPU_INLINE static inline __attribute__((always_inline))

struct libpcpu_place {
	uint64_t owner;      /* a libpcpu_thread and flags, or 0 */
	ptrdiff_t offset[2]; /* from handle to copy, by window */
	int cpu;             /* its number */
} __attribute__((aligned(64)));

#define LIBPCPU_PLACE_SHIFT 6

/* The running thread. */
struct libpcpu_thread {
	struct libpcpu_place *place; /* that it owns, or NULL */
	unsigned nest;               /* pins beyond what `place` stands for */
	int nowhere;                 /* -1 */
	bool armed; /* its exit will be noticed; it cannot pin before */
	/* The shim's: what its pins are, by the kernel's names for them. */
	bool irqs_off;
	unsigned preempt_count;
	unsigned bh_count;
	unsigned migrate_count;
} __attribute__((aligned(64)));

extern __thread struct libpcpu_thread libpcpu_self LIBPCPU_TLS;
#ifdef MODEL_CHECK
/* tests/model plays several threads. */
struct libpcpu_thread *model_self(void);
#define libpcpu_self (*model_self())
#endif

/*
 * By number. In front of number 0 are two places that have an owner for ever,
 * so that a thread without a number (-1), or whose rseq area says that it
 * could not be registered (-2), is refused like any other.
 */
#define LIBPCPU_PLACES_BEFORE 2
extern struct libpcpu_place
	libpcpu_places[LIBPCPU_PLACES_BEFORE + LIBPCPU_CPUS_MAX];
#define libpcpu_place0 (libpcpu_places + LIBPCPU_PLACES_BEFORE)

/*
 * Where the number of the running thread's place is, as a distance from the
 * thread pointer: a field of its rseq area, or libpcpu_self.nowhere if
 * sequences cannot be used. Set when the library starts: that it is constant
 * from then on spares a load in each operation.
 */
extern const ptrdiff_t libpcpu_number;

/* The parts that are not inline. */
void libpcpu_pin_slow(void);
void libpcpu_unpin_slow(struct libpcpu_place *place);
struct libpcpu_place *libpcpu_place_slow(void);

#define LIBPCPU_CONTEXT_CPU 0
#define LIBPCPU_CONTEXT_THREAD 1
#define LIBPCPU_CONTEXT_MM_CID 2
int libpcpu_context(void);

/* The program may define it, see PCPU_CONTEXT_DEFAULT(). */
extern const int libpcpu_context_default __attribute__((weak));

/* The distance from handle p to the copy of a place. */
static inline ptrdiff_t
libpcpu_place_distance(const struct libpcpu_place *place,
		       const volatile void *p)
{
	return place->offset[libpcpu_window(p)];
}

/* The number of the place that we run on; negative if it is not known here. */
static inline int libpcpu_place_number(void)
{
#if defined(LIBPCPU_HAVE_RSEQ) && defined(__x86_64__)
	int number;

	/* One load, which the compiler must not repeat or move. */
	__asm__ __volatile__("movl %%fs:(%1), %0"
			     : "=r"(number)
			     : "r"(libpcpu_number));
	return number;
#elif defined(LIBPCPU_HAVE_RSEQ)
	const char *number = libpcpu_thread_pointer() + libpcpu_number;

	return __atomic_load_n((const int *)number, __ATOMIC_RELAXED);
#else
	return -1;
#endif
}

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#if defined(LIBPCPU_HAVE_RSEQ) && !defined(LIBPCPU_TSAN) && \
	!defined(MODEL_CHECK) &&                            \
	(defined(__aarch64__) || defined(__GCC_ASM_FLAG_OUTPUTS__))
#define LIBPCPU_SEQUENCES 1
#else
#define LIBPCPU_SEQUENCES 0
#endif
#ifdef MODEL_CHECK
#include "tests/model/pins.h"
#else
#include <pcpu/operations.h>
#endif

/* For ThreadSanitizer, which may not see what the library does. */
#ifdef LIBPCPU_TSAN
#ifdef __cplusplus
extern "C" {
#endif
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#ifdef __cplusplus
}
#endif
#define LIBPCPU_TSAN_ACQUIRE(place) __tsan_acquire(place)
#define LIBPCPU_TSAN_RELEASE(place) __tsan_release(place)
#else
#define LIBPCPU_TSAN_ACQUIRE(place) ((void)0)
#define LIBPCPU_TSAN_RELEASE(place) ((void)0)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Where the thread works: its own place, or where it runs at the moment. */
static inline struct libpcpu_place *libpcpu_here(void)
{
	struct libpcpu_place *place = libpcpu_self.place;
	int number;

	if (place)
		return place;
	number = libpcpu_place_number();
	return LIBPCPU_LIKELY(number >= 0) ? &libpcpu_place0[number]
					   : libpcpu_place_slow();
}

/* The address of the copy where the thread works. */
static inline uintptr_t libpcpu_this_address(const volatile void *p)
{
	return libpcpu_number_of(p) +
	       (uintptr_t)libpcpu_place_distance(libpcpu_here(), p);
}

/* Pin the thread; see pcpu_pin(). */
static inline void libpcpu_pin(void)
{
	if (libpcpu_self.place)
		libpcpu_self.nest++;
	else if (!LIBPCPU_LIKELY(libpcpu_self.armed) || !libpcpu_try_pin())
		libpcpu_pin_slow();
	LIBPCPU_TSAN_ACQUIRE(libpcpu_self.place);
}

/* The other half. */
static inline void libpcpu_unpin(void)
{
	struct libpcpu_place *place = libpcpu_self.place;

	if (libpcpu_self.nest) {
		libpcpu_self.nest--;
		return;
	}
	LIBPCPU_TSAN_RELEASE(place);
	if (!LIBPCPU_LIKELY(place && libpcpu_try_unpin(place)))
		libpcpu_unpin_slow(place);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_CONTEXT_H */
