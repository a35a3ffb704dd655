/* SPDX-License-Identifier: MIT */
/*
 * Every shared access of the library goes through these wrappers.
 *
 * Their names carry the memory order, their types keep plain accesses out, and
 * there is one place for a model checker to hook in. Each ordered access in
 * the tree says whom it pairs with: "pairs with [tag] function(): what
 * travels"; a relaxed one says why nothing depends on it; a seq_cst one says
 * why weaker fails. tools/lint-order and the table in DESIGN.md keep it true.
 */
#ifndef CHUNK_ATOMIC_H
#define CHUNK_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint8_t v;
} atom8;
typedef struct {
	uint32_t v;
} atom32;
typedef struct {
	uint64_t v;
} atom64;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1 /* as gcc says it */
#endif
#endif

#if defined(COUNT_ATOMICS) || defined(MODEL_CHECK)
enum atom_access { ATOM_LOADS, ATOM_STORES, ATOM_RMWS };
#define ATOM_STORE_KIND(order) \
	((order) == __ATOMIC_SEQ_CST ? ATOM_RMWS : ATOM_STORES) /* an xchg */
#endif

/*
 * The interleaving explorer lets other threads run in front of an access, and
 * says where it is to take place: in memory or in a store buffer. Otherwise it
 * is where it seems to be.
 */
#ifdef MODEL_CHECK
void *model_access(const volatile void *address, unsigned bytes,
		   enum atom_access access);
#define ATOM_AT(a, access) \
	((__typeof__(&(a)->v))model_access(&(a)->v, sizeof((a)->v), access))
#else
#define ATOM_AT(a, access) (&(a)->v)
#endif

/* What bench/atomics counts; nothing otherwise. */
#ifdef COUNT_ATOMICS
void count_access(const volatile void *address, enum atom_access access);
#define ATOM_COUNT(a, access) count_access(a, access)
#else
#define ATOM_COUNT(a, access) ((void)0)
#endif

#define ATOM_LOAD(a, order)         \
	(ATOM_COUNT(a, ATOM_LOADS), \
	 __atomic_load_n(ATOM_AT(a, ATOM_LOADS), order))
#define ATOM_STORE(a, x, order)                 \
	(ATOM_COUNT(a, ATOM_STORE_KIND(order)), \
	 __atomic_store_n(ATOM_AT(a, ATOM_STORE_KIND(order)), (x), order))
#define ATOM_RMW(op, a, x, order)  \
	(ATOM_COUNT(a, ATOM_RMWS), \
	 __atomic_##op(ATOM_AT(a, ATOM_RMWS), (x), order))
#define ATOM_CAS(a, old, new, weak, order, fail)                          \
	(ATOM_COUNT(a, ATOM_RMWS),                                        \
	 __atomic_compare_exchange_n(ATOM_AT(a, ATOM_RMWS), (old), (new), \
				     weak, order, fail))

#define load_relaxed(a) ATOM_LOAD(a, __ATOMIC_RELAXED)
#define load_acquire(a) ATOM_LOAD(a, __ATOMIC_ACQUIRE)
#define load_seq_cst(a) ATOM_LOAD(a, __ATOMIC_SEQ_CST)

#define store_relaxed(a, x) ATOM_STORE(a, x, __ATOMIC_RELAXED)
#define store_release(a, x) ATOM_STORE(a, x, __ATOMIC_RELEASE)
#define store_seq_cst(a, x) ATOM_STORE(a, x, __ATOMIC_SEQ_CST)

#define fetch_add_relaxed(a, x) ATOM_RMW(fetch_add, a, x, __ATOMIC_RELAXED)
#define fetch_add_seq_cst(a, x) ATOM_RMW(fetch_add, a, x, __ATOMIC_SEQ_CST)
#define fetch_sub_relaxed(a, x) ATOM_RMW(fetch_sub, a, x, __ATOMIC_RELAXED)
#define fetch_sub_release(a, x) ATOM_RMW(fetch_sub, a, x, __ATOMIC_RELEASE)
#define fetch_or_relaxed(a, x) ATOM_RMW(fetch_or, a, x, __ATOMIC_RELAXED)
#define fetch_or_acquire(a, x) ATOM_RMW(fetch_or, a, x, __ATOMIC_ACQUIRE)
#define fetch_or_release(a, x) ATOM_RMW(fetch_or, a, x, __ATOMIC_RELEASE)
#define fetch_or_seq_cst(a, x) ATOM_RMW(fetch_or, a, x, __ATOMIC_SEQ_CST)
#define fetch_and_relaxed(a, x) ATOM_RMW(fetch_and, a, x, __ATOMIC_RELAXED)
#define fetch_and_release(a, x) ATOM_RMW(fetch_and, a, x, __ATOMIC_RELEASE)
#define fetch_and_seq_cst(a, x) ATOM_RMW(fetch_and, a, x, __ATOMIC_SEQ_CST)
#define xchg_relaxed(a, x) ATOM_RMW(exchange_n, a, x, __ATOMIC_RELAXED)
#define xchg_acquire(a, x) ATOM_RMW(exchange_n, a, x, __ATOMIC_ACQUIRE)
#define xchg_release(a, x) ATOM_RMW(exchange_n, a, x, __ATOMIC_RELEASE)
#define xchg_seq_cst(a, x) ATOM_RMW(exchange_n, a, x, __ATOMIC_SEQ_CST)

/* On failure *old is what was found; it carries no order. */
#define cas_weak_relaxed(a, old, new) \
	ATOM_CAS(a, old, new, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define cas_weak_acquire(a, old, new) \
	ATOM_CAS(a, old, new, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define cas_relaxed(a, old, new) \
	ATOM_CAS(a, old, new, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define cas_release(a, old, new) \
	ATOM_CAS(a, old, new, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define cas_acquire(a, old, new) \
	ATOM_CAS(a, old, new, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define cas_release(a, old, new) \
	ATOM_CAS(a, old, new, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)

#define cas_weak_seq_cst(a, old, new) \
	ATOM_CAS(a, old, new, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
#define cas_seq_cst(a, old, new) \
	ATOM_CAS(a, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)

#if !defined(__SANITIZE_THREAD__) && !defined(MODEL_CHECK) && \
	!defined(COUNT_ATOMICS)
#define ATOM_IS_PLAIN 1
#else
#define ATOM_IS_PLAIN 0
#endif

/*
 * Add to a counter that only threads of one CPU write, without a locked bus
 * cycle. On x86-64 it is one instruction, so preemption cannot tear it; only a
 * thread that migrates right before it can meet another in it. On aarch64 the
 * store fails if anything came in between; the compiler's atomic addition would
 * be a call that asks for the processor's version.
 */
static inline void add_local_relaxed(atom64 *a, uint64_t x)
{
#if ATOM_IS_PLAIN && defined(__x86_64__)
	__asm__("addq %1, %0" : "+m"(a->v) : "er"(x) : "cc");
#elif ATOM_IS_PLAIN && defined(__aarch64__)
	uint32_t failed;
	uint64_t sum;

	__asm__("1:\tldxr %0, %2\n\t"
		"add %0, %0, %3\n\t"
		"stxr %w1, %0, %2\n\t"
		"cbnz %w1, 1b"
		: "=&r"(sum), "=&r"(failed), "+Q"(a->v)
		: "rI"(x));
#else
	x += load_relaxed(a);
	store_relaxed(a, x);
#endif
}

#endif /* CHUNK_ATOMIC_H */
