// SPDX-License-Identifier: MIT
#include "tally.h"

#include "arena/arena.h"
#include "chunk/atomic.h"
#include "chunk/layout.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_THREADS = 8, /* the crew's, and the library's own worker */
	TABLE = 1 << 16, /* lines; a power of two */
};

struct line {
	uintptr_t nr; /* address / CACHE_LINE; 0: free */
	unsigned loads;
	unsigned stores;
	unsigned rmws;
	unsigned moved[3]; /* by enum atom_access */
	unsigned readers;  /* a bit per thread, in the merged table alone */
	unsigned writers;
};

struct table {
	unsigned used;
	struct line line[TABLE];
};

/* Who holds a line: a bit per thread, one bit alone after a write. */
struct holders {
	atomic_uintptr_t nr;
	atomic_uint mask;
};

static struct table tables[MAX_THREADS], merged;
static struct holders holders[TABLE];
static atomic_uint nr_threads;
static atomic_bool counting;

/* Tables are dealt out anew after tally_clear(), whoever had one before. */
static unsigned generation = 1;
static _Thread_local unsigned own_generation;
static _Thread_local struct table *own;

static size_t hash(uintptr_t nr)
{
	return nr * UINT64_C(0x9e3779b97f4a7c15) >> 40;
}

static struct line *find(struct table *table, uintptr_t nr)
{
	size_t at = hash(nr);

	for (;; at++) {
		struct line *line = &table->line[at % TABLE];

		if (line->nr == nr)
			return line;
		if (line->nr)
			continue;
		if (++table->used > TABLE / 4 * 3) {
			fprintf(stderr, "count-atomics: too many lines\n");
			exit(1);
		}
		line->nr = nr;
		return line;
	}
}

/* A table of one thread fills up first, so there is room. */
static atomic_uint *holders_of(uintptr_t nr)
{
	size_t at = hash(nr);

	for (;; at++) {
		struct holders *line = &holders[at % TABLE];
		uintptr_t found = 0;

		/* relaxed: the number is all there is to tell */
		if (atomic_compare_exchange_strong_explicit(
			    &line->nr, &found, nr, memory_order_relaxed,
			    memory_order_relaxed) ||
		    found == nr)
			return &line->mask;
	}
}

/* Did another thread hold the line so that this access had to wait for it? */
static bool moves(uintptr_t nr, bool writes)
{
	atomic_uint *mask = holders_of(nr);
	unsigned self = 1u << (own - tables), old;

	/* relaxed: bookkeeping that nothing depends on */
	if (!writes) {
		old = atomic_fetch_or_explicit(mask, self,
					       memory_order_relaxed);
		return old && !(old & self);
	}
	/* relaxed: likewise */
	old = atomic_exchange_explicit(mask, self, memory_order_relaxed);
	return old & ~self;
}

static struct table *own_table(void)
{
	unsigned index;

	if (own_generation == generation)
		return own;
	/* relaxed: only a number */
	index = atomic_fetch_add_explicit(&nr_threads, 1, memory_order_relaxed);
	if (index >= MAX_THREADS) {
		fprintf(stderr, "count-atomics: too many threads\n");
		exit(1);
	}
	own_generation = generation;
	own = &tables[index];
	return own;
}

void count_access(const volatile void *address, enum atom_access access)
{
	struct line *line;

	/* relaxed: nobody is at work where it changes, see scenario.c */
	if (!atomic_load_explicit(&counting, memory_order_relaxed))
		return;
	line = find(own_table(), (uintptr_t)address / CACHE_LINE);
	line->moved[access] += moves(line->nr, access != ATOM_LOADS);
	line->loads += access == ATOM_LOADS;
	line->stores += access == ATOM_STORES;
	line->rmws += access == ATOM_RMWS;
}

void tally_clear(void)
{
	memset(tables, 0, sizeof(tables));
	memset(&merged, 0, sizeof(merged));
	memset((void *)holders, 0, sizeof(holders));
	generation++;
	/* relaxed: the threads to come are created after this */
	atomic_store_explicit(&nr_threads, 0, memory_order_relaxed);
}

void tally_start(void)
{
	/* relaxed: see count_access() */
	atomic_store_explicit(&counting, true, memory_order_relaxed);
}

void tally_stop(void)
{
	/* relaxed: see count_access() */
	atomic_store_explicit(&counting, false, memory_order_relaxed);
}

static void merge(unsigned thread)
{
	unsigned i;

	for (i = 0; i < TABLE; i++) {
		const struct line *line = &tables[thread].line[i];
		struct line *all;

		if (!line->nr)
			continue;
		all = find(&merged, line->nr);
		all->readers |= line->loads ? 1u << thread : 0;
		all->writers |= line->stores + line->rmws ? 1u << thread : 0;
	}
}

static enum line_kind kind_of(const struct line *line, unsigned thread)
{
	const struct line *all = find(&merged, line->nr);
	unsigned others = ~(1u << thread);

	if (all->writers & others)
		return LINE_WRITTEN;
	return all->readers & others ? LINE_READ : LINE_OWN;
}

static bool is_within(uintptr_t address, const volatile void *start,
		      size_t bytes)
{
	return address - (uintptr_t)start < bytes;
}

static enum region region_of(uintptr_t nr)
{
	size_t pages = (size_t)layout.window_pages * NR_WINDOWS;
	uintptr_t address = nr * CACHE_LINE;

	if (is_within(address, layout.words, pages * PAGE_WORDS * 8))
		return REGION_WORDS;
	if (is_within(address, layout.used, pages * PAGE_WORDS))
		return REGION_USED;
	if (is_within(address, layout.map, pages * 8))
		return REGION_MAP;
	if (is_within(address, layout.chunks,
		      pages / CHUNK_PAGES * sizeof(struct chunk)))
		return REGION_CHUNKS;
	if (is_within(address, arena_slots,
		      libpcpu_nr_cpu_ids * sizeof(*arena_slots)))
		return REGION_SLOTS;
	return REGION_REST;
}

static void add_up(struct tally_sum sum[NR_REGIONS], unsigned thread)
{
	unsigned i;

	for (i = 0; i < TABLE; i++) {
		const struct line *line = &tables[thread].line[i];
		enum line_kind kind;
		struct tally_sum *at;

		if (!line->nr)
			continue;
		kind = kind_of(line, thread);
		at = &sum[region_of(line->nr)];
		at->loads[kind] += line->loads;
		at->stores[kind] += line->stores;
		at->rmws[kind] += line->rmws;
		at->moved_loads += line->moved[ATOM_LOADS];
		at->moved_stores += line->moved[ATOM_STORES];
		at->moved_rmws += line->moved[ATOM_RMWS];
	}
}

void tally_sum(struct tally_sum sum[NR_REGIONS])
{
	unsigned i;

	memset(sum, 0, sizeof(*sum) * NR_REGIONS);
	for (i = 0; i < MAX_THREADS; i++)
		merge(i);
	for (i = 0; i < MAX_THREADS; i++)
		add_up(sum, i);
}

const char *region_name(enum region region)
{
	static const char *const name[NR_REGIONS] = {
		[REGION_WORDS] = "words", [REGION_USED] = "used",
		[REGION_MAP] = "map",     [REGION_CHUNKS] = "chunks",
		[REGION_SLOTS] = "slots", [REGION_REST] = "arenas, pools",
	};

	return name[region];
}
