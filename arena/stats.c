// SPDX-License-Identifier: MIT
#include "arena/stats.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arena/debug.h"
#include "chunk/topology.h"

static atom64 max_alloc; /* most live objects that a call has seen */

/* The walk through a chunk in order of address. */
struct walk {
	struct chunk_stats *stats;
	size_t position;           /* bytes from the first page's start */
	size_t stretch;            /* free bytes since the last object */
	uint32_t live[NR_CLASSES]; /* live objects by class */
};

static void walk_free(struct walk *walk, size_t bytes)
{
	struct chunk_stats *stats = walk->stats;

	if (!stats->free_bytes)
		stats->first_bit = walk->position / 4;
	walk->position += bytes;
	walk->stretch += bytes;
	stats->free_bytes += bytes;
	if (walk->stretch > stats->contig_bytes)
		stats->contig_bytes = walk->stretch;
}

static void walk_live(struct walk *walk, unsigned class)
{
	struct chunk_stats *stats = walk->stats;
	size_t size = size_classes[class].size;

	stats->sum_frag += walk->stretch;
	if (walk->stretch > stats->max_frag)
		stats->max_frag = walk->stretch;
	walk->stretch = 0;
	walk->position += size;
	walk->live[class]++;
	stats->nr_alloc++;
	stats->live_bytes += size;
}

static size_t slab_populated_pages(page_id head, const struct size_class *c)
{
	unsigned i;

	for (i = c->nr_words; i-- > 0;) {
		/* relaxed: of the moment */
		size_t used = load_relaxed(&layout.used[page_word(head, i).nr]);

		if (used) {
			used = (i * WORD_BITS + used) * c->size;
			used = (used + PAGE_BYTES - 1) / PAGE_BYTES;
			return used < c->nr_pages ? used : c->nr_pages;
		}
	}
	return 0;
}

/* In the word or in the slot that names it; in quarantine, too. */
static uint64_t free_bits(word_id word, unsigned class)
{
	const struct size_class *c = &size_classes[class];

	if (debug_level)
		return debug_unowned(word, c);
	/* relaxed: of the moment */
	return load_relaxed(word_of(word)) | slot_bits(c, word);
}

static void walk_slab(struct walk *walk, page_id head, unsigned class)
{
	const struct size_class *c = &size_classes[class];
	size_t end = walk->position + c->nr_pages * PAGE_BYTES;
	uint64_t free = 0;
	unsigned i;

	for (i = 0; i < c->nr_objects; i++) {
		if (i % WORD_BITS == 0)
			free = free_bits(page_word(head, i / WORD_BITS), class);
		if (free >> i % WORD_BITS & 1)
			walk_free(walk, c->size);
		else
			walk_live(walk, class);
	}
	if (end > walk->position)
		walk_free(walk, end - walk->position);
	if (c->size > walk->stats->max_alloc_size)
		walk->stats->max_alloc_size = c->size;
	walk->stats->pop_pages += slab_populated_pages(head, c);
}

/* Smallest, median and largest live object. */
static void rank_sizes(const struct walk *walk)
{
	struct chunk_stats *stats = walk->stats;
	size_t seen = 0;
	unsigned class;

	for (class = 0; class < NR_CLASSES; class += 1) {
		size_t size = size_classes[class].size;

		if (!walk->live[class])
			continue;
		if (!seen)
			stats->cur_min_alloc = size;
		if (seen <= stats->nr_alloc / 2)
			stats->cur_med_alloc = size;
		stats->cur_max_alloc = size;
		seen += walk->live[class];
	}
}

void stats_chunk(chunk_id id, struct chunk_stats *stats)
{
	struct walk walk = {.stats = stats};
	/* relaxed: of the moment */
	uint64_t dirty = load_relaxed(&chunk_of(id)->dirty);
	unsigned i = 1;

	memset(stats, 0, sizeof(*stats));
	while (i < CHUNK_PAGES) {
		page_id page = chunk_page(id, i);
		uint64_t entry = map_load(page);
		unsigned nr = size_classes[map_class(entry)].nr_pages;

		/* None where there is no slab, or what somebody wrote over. */
		if (nr && !map_behind(entry)) {
			walk_slab(&walk, page, map_class(entry));
			i += nr;
			continue;
		}
		walk_free(&walk, PAGE_BYTES);
		stats->empty_pop_pages += dirty >> i & 1;
		i++;
	}
	stats->pop_pages += stats->empty_pop_pages;
	rank_sizes(&walk);
}

static void add_chunk(struct pcpu_stats *stats, const struct chunk_stats *chunk)
{
	stats->nr_cur_alloc += chunk->nr_alloc;
	stats->live_bytes += chunk->live_bytes;
	stats->empty_pop_pages += chunk->empty_pop_pages;
	stats->populated_bytes += chunk->pop_pages * PAGE_BYTES;
	if (chunk->nr_alloc && (!stats->min_alloc_size ||
				chunk->cur_min_alloc < stats->min_alloc_size))
		stats->min_alloc_size = chunk->cur_min_alloc;
	if (chunk->cur_max_alloc > stats->max_alloc_size)
		stats->max_alloc_size = chunk->cur_max_alloc;
}

/* What of the bookkeeping is in use, in whole pages where it is an array. */
static size_t metadata_of(const struct arena *arena, uint32_t taken)
{
	size_t pages = (size_t)taken * CHUNK_PAGES;
	size_t groups = (taken + WORD_BITS - 1) / WORD_BITS;
	size_t bytes = pages * PAGE_WORDS * (sizeof(atom64) + sizeof(atom8)) +
		       pages * sizeof(atom64) + taken * sizeof(struct chunk) +
		       groups * NR_SHELVES * sizeof(atom64) +
		       groups * 3 * sizeof(atom64);

	return bytes + sizeof(*arena);
}

static void add_arena(struct pcpu_stats *stats, const struct arena *arena)
{
	uint32_t at = 0, taken = 0;
	struct chunk_stats chunk;
	chunk_id id;

	while (pool_next(&arena->pool, &at, &id)) {
		taken++;
		stats_chunk(id, &chunk);
		add_chunk(stats, &chunk);
	}
	stats->metadata_bytes += metadata_of(arena, taken);
	/* relaxed: counters */
	stats->nr_chunks += load_relaxed(&arena->nr_chunks);
	stats->nr_max_chunks += load_relaxed(&arena->max_chunks); /* relaxed */
	stats->nr_retired +=
		load_relaxed(&arena->pool.nr_set_aside); /* relaxed */
}

/* Of one CPU in one window, which together take about a page. */
static void count_slots(const struct slot *slot, struct pcpu_stats *stats)
{
	uint64_t nr_alloc = 0;
	unsigned i;

	for (i = 0; i < NR_SIZES; i++)
		nr_alloc += load_relaxed(&slot[i].nr_alloc); /* relaxed */
	stats->nr_alloc += nr_alloc;
	stats->metadata_bytes += nr_alloc ? NR_SIZES * sizeof(*slot) : 0;
}

static void count_allocs(struct pcpu_stats *stats)
{
	/* relaxed: statistics */
	uint64_t max = load_relaxed(&max_alloc);
	unsigned cpu, class;

	for (cpu = 0; cpu < libpcpu_nr_cpu_ids; cpu++)
		for (class = 1; class < NR_CLASSES; class += NR_SIZES)
			count_slots(&arena_slots[cpu].slot[class], stats);
	if (stats->nr_alloc < stats->nr_cur_alloc)
		stats->nr_alloc = stats->nr_cur_alloc;
	stats->nr_dealloc = stats->nr_alloc - stats->nr_cur_alloc;
	while (max < stats->nr_cur_alloc && /* relaxed: statistics */
	       !cas_weak_relaxed(&max_alloc, &max, stats->nr_cur_alloc))
		;
	stats->nr_max_alloc = load_relaxed(&max_alloc); /* relaxed: same */
}

void stats_collect(struct pcpu_stats *stats)
{
	unsigned i;

	memset(stats, 0, sizeof(*stats));
	if (!arena_is_ready())
		return;
	stats->unit_size = layout.unit_bytes;
	stats->chunk_size = CHUNK_BYTES;
	stats->page_size = PAGE_BYTES;
	stats->nr_cpu_ids = libpcpu_nr_cpu_ids;
	stats->nr_units = layout.nr_units;
	stats->nr_nodes = layout.nr_nodes;
	stats->nr_arenas = arena_count();
	for (i = 0; i < arena_count(); i++)
		add_arena(stats, arena_at(i));
	stats->unit_bytes = stats->nr_chunks * CHUNK_BYTES;
	count_allocs(stats);
}

int pcpu_stats_get(struct pcpu_stats *stats)
{
	if (!stats) {
		errno = EINVAL;
		return -1;
	}
	stats_collect(stats);
	return 0;
}
