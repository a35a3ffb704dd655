/* SPDX-License-Identifier: MIT */
/*
 * Counters for one CPU at a time: fields of a per-CPU object's copy, whose
 * address this_cpu_ptr() or per_cpu_ptr() gave. Here they are atomic towards
 * all threads, as in the kernel's generic version, so that a thread which is
 * moved between finding the copy and changing it loses nothing. this_cpu_add()
 * and its like, which take the handle, are faster.
 *
 * None orders other memory, but the _and_test and _return ones order all.
 */
#ifndef LIBPCPU_ASM_LOCAL_H
#define LIBPCPU_ASM_LOCAL_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
	long libpcpu_value;
} local_t;

#define LOCAL_INIT(i) \
	{             \
		(i)   \
	}

static inline long local_read(const local_t *l)
{
	return __atomic_load_n(&l->libpcpu_value, __ATOMIC_RELAXED);
}

static inline void local_set(local_t *l, long i)
{
	__atomic_store_n(&l->libpcpu_value, i, __ATOMIC_RELAXED);
}

static inline void local_add(long i, local_t *l)
{
	__atomic_fetch_add(&l->libpcpu_value, i, __ATOMIC_RELAXED);
}

static inline void local_sub(long i, local_t *l)
{
	__atomic_fetch_sub(&l->libpcpu_value, i, __ATOMIC_RELAXED);
}

static inline void local_inc(local_t *l)
{
	local_add(1, l);
}

static inline void local_dec(local_t *l)
{
	local_sub(1, l);
}

static inline long local_add_return(long i, local_t *l)
{
	return __atomic_add_fetch(&l->libpcpu_value, i, __ATOMIC_SEQ_CST);
}

static inline long local_sub_return(long i, local_t *l)
{
	return __atomic_sub_fetch(&l->libpcpu_value, i, __ATOMIC_SEQ_CST);
}

static inline long local_inc_return(local_t *l)
{
	return local_add_return(1, l);
}

static inline long local_dec_return(local_t *l)
{
	return local_sub_return(1, l);
}

static inline bool local_sub_and_test(long i, local_t *l)
{
	return local_sub_return(i, l) == 0;
}

static inline bool local_dec_and_test(local_t *l)
{
	return local_dec_return(l) == 0;
}

static inline bool local_inc_and_test(local_t *l)
{
	return local_inc_return(l) == 0;
}

static inline bool local_add_negative(long i, local_t *l)
{
	return local_add_return(i, l) < 0;
}

/* What was there; n is there now, if that was o. */
static inline long local_cmpxchg(local_t *l, long o, long n)
{
	__atomic_compare_exchange_n(&l->libpcpu_value, &o, n, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return o;
}

/* True, or what was there instead in *po. */
static inline bool local_try_cmpxchg(local_t *l, long *po, long n)
{
	return __atomic_compare_exchange_n(&l->libpcpu_value, po, n, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline long local_xchg(local_t *l, long n)
{
	return __atomic_exchange_n(&l->libpcpu_value, n, __ATOMIC_SEQ_CST);
}

/* Add a unless u is there; true if it was added. */
static inline bool local_add_unless(local_t *l, long a, long u)
{
	long old = local_read(l);

	while (old != u)
		if (local_try_cmpxchg(l, &old, old + a))
			return true;
	return false;
}

static inline bool local_inc_not_zero(local_t *l)
{
	return local_add_unless(l, 1, 0);
}

#ifdef __cplusplus
}
#endif

/* Not atomic: a load and a store. */
#define __local_inc(l) local_set((l), local_read(l) + 1)
#define __local_dec(l) local_set((l), local_read(l) - 1)
#define __local_add(i, l) local_set((l), local_read(l) + (i))
#define __local_sub(i, l) local_set((l), local_read(l) - (i))

#endif /* LIBPCPU_ASM_LOCAL_H */
