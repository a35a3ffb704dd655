/* SPDX-License-Identifier: MIT */
/*
 * The kernel's percpu_counter: a 64-bit number, exact when all copies are
 * summed, and meanwhile off by less than a batch for each possible CPU.
 *
 * What differs: there is no lock. A sum or comparison beside updates may see an
 * update that moves a full batch twice or not at all; when none runs it is
 * exact, as in the kernel. Batches above LIBPCPU_BATCH_LIMIT count as that.
 */
#ifndef LIBPCPU_LINUX_PERCPU_COUNTER_H
#define LIBPCPU_LINUX_PERCPU_COUNTER_H

#include <errno.h>
#include <limits.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <pcpu/batch.h>

#ifdef __cplusplus
extern "C" {
#endif

struct percpu_counter {
	int64_t count;
	int32_t __percpu *counters;
};

#define PERCPU_COUNTER_LOCAL_BATCH INT_MAX

/* Twice the number of possible CPUs, at least 32; no variable here. */
#define percpu_counter_batch libpcpu_kernel_batch()
static inline int32_t libpcpu_kernel_batch(void)
{
	int32_t batch = 2 * (int32_t)libpcpu_nr_cpu_ids;

	return batch > 32 ? batch : 32;
}

static inline void percpu_counter_destroy_many(struct percpu_counter *fbc,
					       uint32_t nr_counters)
{
	while (nr_counters--) {
		free_percpu(fbc[nr_counters].counters);
		fbc[nr_counters].counters = NULL;
	}
}

static inline void percpu_counter_destroy(struct percpu_counter *fbc)
{
	percpu_counter_destroy_many(fbc, 1);
}

/* 0, or -ENOMEM and then there is none. */
static inline int percpu_counter_init_many(struct percpu_counter *fbc,
					   int64_t amount, gfp_t gfp,
					   uint32_t nr_counters)
{
	uint32_t i;

	/* Callers may destroy all when it fails. */
	for (i = 0; i < nr_counters; i++)
		fbc[i].counters = NULL;
	for (i = 0; i < nr_counters; i++) {
		fbc[i].count = amount;
		fbc[i].counters = alloc_percpu_gfp(int32_t, gfp);
		if (!fbc[i].counters) {
			percpu_counter_destroy_many(fbc, i);
			return -ENOMEM;
		}
	}
	return 0;
}

static inline int percpu_counter_init(struct percpu_counter *fbc,
				      int64_t amount, gfp_t gfp)
{
	return percpu_counter_init_many(fbc, amount, gfp, 1);
}

static inline bool percpu_counter_initialized(struct percpu_counter *fbc)
{
	return fbc->counters != NULL;
}

/* While nobody adds. */
static inline void percpu_counter_set(struct percpu_counter *fbc,
				      int64_t amount)
{
	libpcpu_batch_set(&fbc->count, fbc->counters, amount);
}

/* --- updates: any context, signal handlers ------------------------------- */

static inline void percpu_counter_add_batch(struct percpu_counter *fbc,
					    int64_t amount, int32_t batch)
{
	libpcpu_batch_add(&fbc->count, fbc->counters, amount,
			  batch < LIBPCPU_BATCH_LIMIT ? batch
						      : LIBPCPU_BATCH_LIMIT);
}

static inline void percpu_counter_add(struct percpu_counter *fbc,
				      int64_t amount)
{
	percpu_counter_add_batch(fbc, amount, percpu_counter_batch);
}

static inline void percpu_counter_sub(struct percpu_counter *fbc,
				      int64_t amount)
{
	percpu_counter_add(fbc, -amount);
}

static inline void percpu_counter_inc(struct percpu_counter *fbc)
{
	percpu_counter_add(fbc, 1);
}

static inline void percpu_counter_dec(struct percpu_counter *fbc)
{
	percpu_counter_add(fbc, -1);
}

/* For who reads it by percpu_counter_sum() alone. */
static inline void percpu_counter_add_local(struct percpu_counter *fbc,
					    int64_t amount)
{
	percpu_counter_add_batch(fbc, amount, PERCPU_COUNTER_LOCAL_BATCH);
}

static inline void percpu_counter_sub_local(struct percpu_counter *fbc,
					    int64_t amount)
{
	percpu_counter_add_local(fbc, -amount);
}

/* What the running CPU's copy has goes to where percpu_counter_read() sees it.
 */
static inline void percpu_counter_sync(struct percpu_counter *fbc)
{
	libpcpu_batch_add_slow(&fbc->count, fbc->counters, 0, 1);
}

/* --- reading -------------------------------------------------------------- */

/* The approximation. */
static inline int64_t percpu_counter_read(struct percpu_counter *fbc)
{
	/* Relaxed: of the moment. */
	return __atomic_load_n(&fbc->count, __ATOMIC_RELAXED);
}

static inline int64_t percpu_counter_read_positive(struct percpu_counter *fbc)
{
	int64_t value = percpu_counter_read(fbc);

	return value > 0 ? value : 0;
}

static inline int64_t __percpu_counter_sum(struct percpu_counter *fbc)
{
	return libpcpu_batch_sum(&fbc->count, fbc->counters);
}

static inline int64_t percpu_counter_sum(struct percpu_counter *fbc)
{
	return __percpu_counter_sum(fbc);
}

static inline int64_t percpu_counter_sum_positive(struct percpu_counter *fbc)
{
	int64_t value = __percpu_counter_sum(fbc);

	return value > 0 ? value : 0;
}

/* 1, 0 or -1: the counter is greater than, equal to, less than rhs. Looks at
 * the copies only if the approximation, with this batch, cannot tell. */
static inline int __percpu_counter_compare(struct percpu_counter *fbc,
					   int64_t rhs, int32_t batch)
{
	int sign = libpcpu_sign_beyond(percpu_counter_read(fbc), rhs,
				       (int64_t)batch * libpcpu_nr_cpu_ids);

	return sign ? sign
		    : libpcpu_sign_beyond(__percpu_counter_sum(fbc), rhs, 0);
}

static inline int percpu_counter_compare(struct percpu_counter *fbc,
					 int64_t rhs)
{
	return __percpu_counter_compare(fbc, rhs, percpu_counter_batch);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LINUX_PERCPU_COUNTER_H */
