// SPDX-License-Identifier: MIT
/*
 * tally.h - who touched which cache line how often, in the library's own
 * shared accesses.
 *
 * The library's sources are compiled with COUNT_ATOMICS, so that each access
 * of chunk/atomic.h calls count_access() first. Every thread counts by cache
 * line in a table of its own; the tables are put side by side when all is
 * over, as only then it is known who else touched a line. A table that all
 * share keeps who holds a line now, as caches of unlimited size would: that
 * tells a line that two threads take turns in from one that passed on once.
 *
 * Memory that is accessed otherwise is not seen: the copies that are zeroed,
 * what is constant after start, and the insides of liburcu and pthread (which
 * allocations and frees do not enter).
 */
#ifndef BENCH_ATOMICS_TALLY_H
#define BENCH_ATOMICS_TALLY_H

/* Whose a line was during the window, for one thread that accessed it. */
enum line_kind {
	LINE_OWN,     /* no other thread touched it */
	LINE_READ,    /* others loaded from it */
	LINE_WRITTEN, /* others stored to it, or read-modify-wrote it */
	NR_LINE_KINDS,
};

/* What the line holds. */
enum region {
	REGION_WORDS,  /* bitmap words: layout.words */
	REGION_USED,   /* layout.used */
	REGION_MAP,    /* layout.map */
	REGION_CHUNKS, /* layout.chunks */
	REGION_SLOTS,  /* arena_slots */
	REGION_REST,   /* arenas, shelves, pools, ... */
	NR_REGIONS,
};

/* moved: of these, how many found the line held by another thread. */
struct tally_sum {
	unsigned long loads[NR_LINE_KINDS];
	unsigned long stores[NR_LINE_KINDS];
	unsigned long rmws[NR_LINE_KINDS];
	unsigned long moved_loads;
	unsigned long moved_stores;
	unsigned long moved_rmws;
};

/* Forget everything; nobody may be counting. */
void tally_clear(void);

/* Between the two, accesses count. Any thread may call them, also twice. */
void tally_start(void);
void tally_stop(void);

/* All threads' counts, by region. */
void tally_sum(struct tally_sum sum[NR_REGIONS]);
const char *region_name(enum region region);

#endif
