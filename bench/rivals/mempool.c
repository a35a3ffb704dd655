// SPDX-License-Identifier: MIT
/*
 * librseq's mempool, the nearest peer: a pool per power of two, a mutex per
 * pool. Compiled in where pkg-config finds librseq (HAVE_RSEQ_MEMPOOL), which
 * Debian 12 does not package; elsewhere the rival says so and sits out.
 */
#include "bench/rival.h"

#ifdef HAVE_RSEQ_MEMPOOL

#include <errno.h>
#include <rseq/mempool.h>

enum {
	MIN_SHIFT = 3, /* pools hold 8 bytes at least */
	MAX_SHIFT = 15,
};

static struct rseq_mempool *pools[MAX_SHIFT + 1];

static const char *mempool_setup(const struct rival *self, unsigned nr_cpus)
{
	struct rseq_mempool_attr *attr = rseq_mempool_attr_create();
	int shift;

	(void)self;
	/* Copies on write from the zero page: its cheapest way to be zero. */
	if (!attr ||
	    rseq_mempool_attr_set_percpu(attr, RSEQ_MEMPOOL_STRIDE,
					 (int)nr_cpus) ||
	    rseq_mempool_attr_set_populate_policy(
		    attr, RSEQ_MEMPOOL_POPULATE_COW_ZERO))
		return "rseq_mempool attributes were refused";
	for (shift = MIN_SHIFT; shift <= MAX_SHIFT; shift++) {
		pools[shift] = rseq_mempool_create("bench", 1ul << shift, attr);
		if (!pools[shift])
			return "rseq_mempool_create failed";
	}
	rseq_mempool_attr_destroy(attr);
	return NULL;
}

static void *mempool_alloc(size_t size, size_t align)
{
	int shift = MIN_SHIFT;

	if (align > size)
		size = align;
	if (size > 1ul << MIN_SHIFT)
		shift = 64 - __builtin_clzl(size - 1);
	if (shift > MAX_SHIFT) {
		errno = EINVAL;
		return NULL;
	}
	return (void *)rseq_mempool_percpu_zmalloc(pools[shift]);
}

static void mempool_free(void *p)
{
	librseq_mempool_percpu_free(p, RSEQ_MEMPOOL_STRIDE);
}

static void *mempool_ptr(void *p, unsigned cpu, size_t size)
{
	(void)size;
	return (char *)p + (size_t)cpu * RSEQ_MEMPOOL_STRIDE;
}

#else

static const char *mempool_setup(const struct rival *self, unsigned nr_cpus)
{
	(void)self;
	(void)nr_cpus;
	return "built without librseq";
}

#define mempool_alloc NULL
#define mempool_free NULL
#define mempool_ptr NULL

#endif

const struct rival rival_mempool = {
	.name = "rseq-mempool",
	.what = "librseq's mempool, one pool per power of two",
	.kind = RIVAL_PEER,
	.setup = mempool_setup,
	.alloc = mempool_alloc,
	.free = mempool_free,
	.ptr = mempool_ptr,
};
