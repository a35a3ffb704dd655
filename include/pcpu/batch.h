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

/* A batch is less than this: several threads of a CPU may each exceed it by
 * one before the first passes on what is too much. */
#define LIBPCPU_BATCH_LIMIT (1 << 28)

#pragma GCC visibility push(default)

/* What is left of libpcpu_batch_add(). */
void libpcpu_batch_add_slow(int64_t *shared, int32_t *copies, int64_t x,
			    int32_t batch);

/* The value. Each that moves a batch meanwhile may count twice or not at all.
 */
int64_t libpcpu_batch_sum(const int64_t *shared, int32_t *copies);

/* Set it, while nobody adds. */
void libpcpu_batch_set(int64_t *shared, int32_t *copies, int64_t value);

/* Pass on what the running CPU's copy has, if it is a batch or more. */
void libpcpu_batch_pass_on(int64_t *shared, int32_t *copies, int32_t batch);

#pragma GCC visibility pop

/* Add x to the running CPU's copy, if it is less than a batch. */
static inline void libpcpu_batch_add(int64_t *shared, int32_t *copies,
				     int64_t x, int32_t batch)
{
#ifndef MODEL_CHECK
	if (x < batch && x > -batch) {
		int32_t now = libpcpu_this_add_return(*copies, (int32_t)x);

		if (now < batch && now > -batch)
			return;
		x = 0;
	}
#endif
	libpcpu_batch_add_slow(shared, copies, x, batch);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_BATCH_H */
