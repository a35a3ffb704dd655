// SPDX-License-Identifier: MIT
/*
 * pcpu_trim(): give back what can be given back, now.
 */
#include "arena/arena.h"
#include "arena/debug.h"
#include "pcpu.h"
#include "reclaim/reclaim.h"

size_t pcpu_trim(void)
{
	size_t bytes;
	unsigned i;

	if (!arena_is_ready())
		return 0;
	if (debug_level)
		debug_trim();
	for (i = 0; i < NR_WINDOWS; i++)
		arena_drain(i);
	for (i = 0; i < arena_count(); i++)
		arena_retire_empty(arena_at(i));
	bytes = reclaim_now();
	/* Without memory of their own, for NOWAIT callers. */
	arenas_link_first();
	return bytes;
}

size_t libpcpu_nr_pages(void)
{
	size_t nr = 0;
	unsigned i;

	/* relaxed: of the moment */
	for (i = 0; arena_is_ready() && i < arena_count(); i++)
		nr += load_relaxed(&arena_at(i)->nr_chunks) *
		      (size_t)(CHUNK_PAGES - 1) * layout.nr_units;
	return nr;
}
