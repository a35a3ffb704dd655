// SPDX-License-Identifier: MIT
/*
 * The null rival allocates nothing. What a case still costs with it - the
 * loop, the random numbers, the waits between replay threads - is the
 * harness's own share of every other figure.
 */
#include "bench/rival.h"

static char nowhere[1];

static const char *null_setup(const struct rival *self, unsigned nr_cpus)
{
	(void)self;
	(void)nr_cpus;
	return NULL;
}

static void *null_alloc(size_t size, size_t align)
{
	(void)size;
	(void)align;
	return nowhere;
}

static void null_free(void *p)
{
	(void)p;
}

const struct rival rival_null = {
	.name = "null",
	.what = "nothing at all: the harness's own cost",
	.kind = RIVAL_NULL,
	.setup = null_setup,
	.alloc = null_alloc,
	.free = null_free,
};
