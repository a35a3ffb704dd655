// SPDX-License-Identifier: MIT
/*
 * What programs do without a per-CPU allocator: an array of whole cache
 * lines, one run of them per CPU, from calloc(). Four mallocs serve it; the
 * other three come by LD_PRELOAD, and are known by a symbol of their own.
 *
 * calloc() aligns to 16 bytes only, so that copies may straddle lines. That
 * is what such programs live with, and asking for more would cost them more.
 */
#include "bench/rival.h"

#include <elf.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/auxv.h>

enum { LINE = 64 };

enum { BY_GLIBC, BY_JEMALLOC, BY_MIMALLOC, BY_TCMALLOC };

/* Weak: present only in a process that was started with that library. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *new,
		   size_t new_len) __attribute__((weak));
extern void mi_collect(bool force) __attribute__((weak));
extern void MallocExtension_ReleaseFreeMemory(void) __attribute__((weak));

static size_t array_cpus;
static int array_kind;

static bool is_here(int kind)
{
	switch (kind) {
	case BY_JEMALLOC:
		return mallctl != NULL;
	case BY_MIMALLOC:
		return mi_collect != NULL;
	case BY_TCMALLOC:
		return MallocExtension_ReleaseFreeMemory != NULL;
	default:
		return true;
	}
}

static const char *array_setup(const struct rival *self, unsigned nr_cpus)
{
	array_cpus = nr_cpus;
	array_kind = self->variant;
	if (is_here(array_kind))
		return NULL;
	/* No loader, no preloading. */
	return getauxval(AT_BASE) ? "library not found"
				  : "a static binary cannot preload";
}

static size_t array_stride(size_t size)
{
	return (size + LINE - 1) / LINE * LINE;
}

static void *array_alloc(size_t size, size_t align)
{
	(void)align;
	return calloc(array_cpus, array_stride(size));
}

static void array_free(void *p)
{
	free(p);
}

static void *array_ptr(void *p, unsigned cpu, size_t size)
{
	return (char *)p + cpu * array_stride(size);
}

static void array_trim(void)
{
	switch (array_kind) {
	case BY_GLIBC:
		malloc_trim(0);
		break;
	case BY_JEMALLOC:
		mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
		/* 4096 stands for all arenas */
		mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
		break;
	case BY_MIMALLOC:
		mi_collect(true);
		break;
	case BY_TCMALLOC:
		MallocExtension_ReleaseFreeMemory();
		break;
	}
}

#define ARRAY_CALLS                                                      \
	.kind = RIVAL_ARRAY, .setup = array_setup, .alloc = array_alloc, \
	.free = array_free, .ptr = array_ptr, .trim = array_trim

const struct rival rival_array_glibc = {
	.name = "array-glibc",
	.what = "calloc'ed cache lines, glibc",
	.variant = BY_GLIBC,
	ARRAY_CALLS,
};

const struct rival rival_array_jemalloc = {
	.name = "array-jemalloc",
	.what = "calloc'ed cache lines, jemalloc (libjemalloc2)",
	.variant = BY_JEMALLOC,
	.preload = "libjemalloc.so.2",
	ARRAY_CALLS,
};

const struct rival rival_array_mimalloc = {
	.name = "array-mimalloc",
	.what = "calloc'ed cache lines, mimalloc (libmimalloc2.0)",
	.variant = BY_MIMALLOC,
	.preload = "libmimalloc.so.2",
	ARRAY_CALLS,
};

const struct rival rival_array_tcmalloc = {
	.name = "array-tcmalloc",
	.what = "calloc'ed cache lines, tcmalloc (libtcmalloc-minimal4)",
	.variant = BY_TCMALLOC,
	.preload = "libtcmalloc_minimal.so.4",
	ARRAY_CALLS,
};
