// SPDX-License-Identifier: MIT
/*
 * The library's bookkeeping, seen from inside: the explorer's invariants
 * (tests/model/invariants.c), and whether there is room in truth.
 */
#include "fuzz.h"

#include "arena/debug.h"
#include "chunk/registry.h"
#include "explore.h"

#define CPUS_WIDE 64u /* a check of so many takes long */

/* --- what invariants.c asks for ------------------------------------------- */

struct explore_object explore_objects[EXPLORE_OBJECTS_MAX];
unsigned explore_nr_objects;

unsigned explore_nr_others(void)
{
	return 0;
}

void explore_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

static void check_bookkeeping(const struct shadow *shadow)
{
	static unsigned nr;
	size_t i;

	/* Objects of the quarantine are neither held nor free, and handles are
	 * inside of what is allocated: debug mode looks at that itself. */
	if (debug_level) {
		debug_check_all("fuzz_check");
		return;
	}
	for (i = 0; i < shadow->nr; i++)
		explore_objects[i].handle = shadow->objects[i].handle;
	explore_nr_objects = (unsigned)shadow->nr;
	/* A look at a page that nobody has touched is a page fault. */
	explore_clean_too = nr++ % 16 == 0;
	explore_check();
}

/* --- room ----------------------------------------------------------------- */

static bool has_object(page_id head, unsigned class)
{
	const struct size_class *c = &size_classes[class];
	unsigned i;

	for (i = 0; i < c->nr_words; i++) {
		word_id word = page_word(head, i);

		if (load_relaxed(word_of(word)) | slot_bits(c, word))
			return true;
	}
	return false;
}

static bool chunk_has_object(chunk_id id, unsigned class)
{
	unsigned i;

	if (chunk_has_run(id, size_classes[class].nr_pages))
		return true;
	for (i = 1; i < CHUNK_PAGES; i++) {
		page_id page = chunk_page(id, i);

		if (slab_is(page, class) && has_object(page, class))
			return true;
	}
	return false;
}

static bool arena_has_object(const struct arena *arena, unsigned class)
{
	uint32_t i;

	if (load_relaxed(&arena->pool.nr_set_aside))
		return true;
	for (i = 0; i < arena->pool.nr_chunks; i++) {
		chunk_id id = pool_chunk(&arena->pool, i);

		if (!pool_is_taken(&arena->pool, id) ||
		    chunk_has_object(id, class))
			return true;
	}
	return false;
}

bool fuzz_is_exhausted(size_t size, size_t align)
{
	unsigned class = sizeclass_of(size, align);
	unsigned i, window = size_classes[class].window;

	/* With its redzones it is of another class. */
	if (debug_level)
		return true;
	for (i = 0; i < layout.nr_arenas; i++)
		if (arena_has_object(arena_in(window, i), class))
			return false;
	return true;
}

static bool is_dead(const void *handle)
{
	struct found found;
	uint32_t inside;

	return !registry_find_around(handle, &found, &inside) ||
	       debug_state(debug_record(found.object)) != DEBUG_LIVE;
}

bool fuzz_is_free(const void *handle)
{
	struct found found;

	if (debug_level)
		return is_dead(handle);
	if (!registry_find(handle, &found))
		return true;
	return (load_relaxed(word_of(found.object.word)) |
		slot_bits(&size_classes[map_class(found.entry)],
			  found.object.word)) >>
		       found.object.bit &
	       1;
}

/* --- all ------------------------------------------------------------------ */

void fuzz_check(struct fuzz *fuzz)
{
	static unsigned nr;
	struct pcpu_stats stats;

	shadow_check_all(fuzz->shadow);
	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	/* In debug mode objects have redzones. */
	require(stats.nr_cur_alloc == fuzz->shadow->nr &&
			(stats.live_bytes == fuzz->shadow->bytes ||
			 (debug_level &&
			  stats.live_bytes > fuzz->shadow->bytes)),
		"%llu objects of %zu bytes are live, not %zu of %zu",
		(unsigned long long)stats.nr_cur_alloc, stats.live_bytes,
		fuzz->shadow->nr, fuzz->shadow->bytes);
	if (fuzz_machine->worker)
		return; /* it may be in the middle of something */
	if (libpcpu_nr_cpu_ids < CPUS_WIDE || nr++ % 16 == 0)
		check_bookkeeping(fuzz->shadow);
}

void fuzz_check_end(struct fuzz *fuzz)
{
	struct rng rng = {.state = fuzz->shadow->serial};
	struct pcpu_stats stats;

	fuzz_check(fuzz);
	shadow_free_all(fuzz->shadow, &rng);
	pcpu_trim();
	fuzz_check(fuzz);
	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	if (fuzz_machine->worker || fuzz->may_keep)
		return;
	require(stats.nr_chunks == stats.nr_nodes && stats.nr_retired == 0 &&
			stats.populated_bytes == 0,
		"%llu chunks, %llu retired, %zu bytes are left",
		(unsigned long long)stats.nr_chunks,
		(unsigned long long)stats.nr_retired, stats.populated_bytes);
}
