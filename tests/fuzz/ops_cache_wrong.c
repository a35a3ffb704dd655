// SPDX-License-Identifier: MIT
/*
 * Calls to object caches that cannot be: arguments, and a cache that is gone.
 * What debug mode sees of objects is in ops_cache.c.
 */
#include <pcpu/cache.h>

#include "fuzz.h"

static void alloc_from(void *cache)
{
	(void)pcpu_cache_alloc(cache);
}

static void free_to(void *cache)
{
	pcpu_cache_free(cache, NULL);
}

static void trim_it(void *cache)
{
	pcpu_cache_shrink(cache);
}

static void destroyed(void *cache, unsigned how)
{
	static void (*const calls[])(void *) = {alloc_from, free_to, trim_it};

	require(fuzz_aborts(calls[how % 3], cache), "used after its end");
	fuzz_expect_heard(": cache \"gone\" was destroyed\n");
}

/* call: 1 */
static void cache_arguments(struct fuzz *fuzz)
{
	unsigned how = take_byte(fuzz);
	struct pcpu_cache *cache =
		pcpu_cache_create("gone", 1 + how, 1, NULL, NULL, 0);

#define REFUSED(call, error) \
	require((call) && errno == (error), "errno %d", errno)
	REFUSED(!pcpu_cache_create(NULL, 8, 8, NULL, NULL, 0), EINVAL);
	REFUSED(!pcpu_cache_create("x", 0, 8, NULL, NULL, 0), EINVAL);
	REFUSED(!pcpu_cache_create("x", 8, 0, NULL, NULL, 0), EINVAL);
	REFUSED(!pcpu_cache_create("x", 8, 3 + 8 * how, NULL, NULL, 0), EINVAL);
	REFUSED(!pcpu_cache_create("x", 8, 8192, NULL, NULL, 0), EINVAL);
	REFUSED(!pcpu_cache_create("x", 8, 8, NULL, NULL, 1u << 20), EINVAL);
	REFUSED(!pcpu_cache_create("x", SIZE_MAX / 2, 8, NULL, NULL, 0),
		ENOMEM);
	require(!pcpu_cache_destroy(NULL), "NULL");
	if (!cache)
		return;
	REFUSED(pcpu_cache_stats(cache, NULL), EINVAL);
#undef REFUSED
	require(!pcpu_cache_destroy(cache), "errno %d", errno);
	destroyed(cache, how);
}

static const struct fuzz_op ops[] = {
	{"cache_arguments", 0x94, 2, cache_arguments},
};
FUZZ_OPS(ops)
