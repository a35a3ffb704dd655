/* SPDX-License-Identifier: MIT */
/* A reference counter that tells of its end. */
#ifndef TESTS_UNIT_REF_LIFE_H
#define TESTS_UNIT_REF_LIFE_H

#include <pcpu/ref.h>
#include <stdatomic.h>

#include "tests/support.h"

static struct pcpu_ref ref;
static atomic_int nr_released, nr_confirmed;

static inline void released(struct pcpu_ref *it)
{
	require(it == &ref && pcpu_ref_is_zero(it), "released at %ld",
		(long)libpcpu_ref_sum(&it->core));
	atomic_fetch_add(&nr_released, 1);
}

static inline void confirmed(struct pcpu_ref *it)
{
	require(it == &ref && !nr_released, "confirmed after the release");
	atomic_fetch_add(&nr_confirmed, 1);
}

static inline void init(unsigned flags)
{
	nr_released = nr_confirmed = 0;
	require(!pcpu_ref_init(&ref, released, flags), "errno %d", errno);
}

static inline void wait_for(const atomic_int *number, int value)
{
	int ms;

	for (ms = 0; *number != value; ms++) {
		require(ms < 20000, "%d instead of %d", *number, value);
		usleep(1000);
	}
}

/* The library's worker has one until a change of mode is over, and a moment
 * longer. */
static inline void expect_references(int64_t nr)
{
	int ms;

	for (ms = 0; libpcpu_ref_sum(&ref.core) != nr; ms++) {
		require(ms < 20000, "%ld references, not %ld",
			(long)libpcpu_ref_sum(&ref.core), (long)nr);
		usleep(1000);
	}
}

#endif /* TESTS_UNIT_REF_LIFE_H */
