/* SPDX-License-Identifier: MIT */
/*
 * Counting in batches, for <pcpu/counter.h> and the shim's percpu_counter: each
 * copy counts up to a batch, what is more goes to an integer that all share.
 *
 *	value = shared + the sum of all copies
 */
#ifndef LIBPCPU_BATCH_H
#define LIBPCPU_BATCH_H

#include <pcpu/this_cpu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A batch is at most this, and what is added to a copy by the sequence below
 * less: the sum of both fits the copy. */
#define LIBPCPU_BATCH_LIMIT (1 << 28)

#pragma GCC visibility push(default)

/* What is left of libpcpu_batch_add(). To add 0 in batches of 1 passes on all
 * that the copy has. */
void libpcpu_batch_add_slow(int64_t *shared, int32_t *copies, int64_t x,
			    int32_t batch);

/* The value. Each that moves a batch meanwhile may count twice or not at all.
 */
int64_t libpcpu_batch_sum(const int64_t *shared, int32_t *copies);

/* Set it, while nobody adds. */
void libpcpu_batch_set(int64_t *shared, int32_t *copies, int64_t value);

#pragma GCC visibility pop

/* The sign of a - b, which need not fit; 0 if it is no more than error. */
static inline int libpcpu_sign_beyond(int64_t a, int64_t b, int64_t error)
{
	uint64_t distance =
		a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;

	return distance > (uint64_t)error ? (a > b) - (a < b) : 0;
}

#ifndef MODEL_CHECK
/*
 * Add x to the running CPU's copy, by a sequence that is tried once, unless
 * that makes a full batch.
 */
static inline bool libpcpu_batch_try_add(int32_t *copies, int64_t x,
					 int32_t batch)
{
	if (x >= LIBPCPU_BATCH_LIMIT || x <= -LIBPCPU_BATCH_LIMIT)
		return false;
	return x > 0 ? libpcpu_try_add_below(copies, (int32_t)x, batch)
		     : libpcpu_try_add_above(copies, (int32_t)x, -batch);
}
#endif

/* Add x to the running CPU's copy, if it is less than a batch. */
static inline void libpcpu_batch_add(int64_t *shared, int32_t *copies,
				     int64_t x, int32_t batch)
{
#ifndef MODEL_CHECK
	if (LIBPCPU_LIKELY(libpcpu_batch_try_add(copies, x, batch)))
		return;
#endif
	libpcpu_batch_add_slow(shared, copies, x, batch);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_BATCH_H */
