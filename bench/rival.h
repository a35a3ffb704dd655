// SPDX-License-Identifier: MIT
/*
 * rival.h - what the harness asks of one allocator under test.
 *
 * A rival is one constant struct in a file of its own under rivals/, named in
 * the table of registry.c. setup() runs once, in a worker process that serves
 * one rival and one sample and then exits: nothing needs to be undone.
 *
 * alloc and free are called through these pointers by every loop of every
 * case, so that the price of the call is the same for all; what the call and
 * the loop cost together is what the null rival shows.
 */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include <stdbool.h>
#include <stddef.h>

enum rival_kind {
	RIVAL_SUBJECT, /* libpcpu: every ratio is against it */
	RIVAL_MAIN,    /* the baseline the targets speak of */
	RIVAL_LOCK,    /* the baseline under another lock */
	RIVAL_ARRAY,   /* calloc'ed cache lines; left out of quick mode */
	RIVAL_PEER,    /* another per-CPU allocator; left out of quick mode */
	RIVAL_NULL,    /* allocates nothing: the harness's own cost */
	RIVAL_FLOOR,   /* not an allocator: a bare loop only */
};

struct rival_stats {
	size_t unit_bytes;      /* unit address space of linked chunks */
	size_t populated_bytes; /* of that, backed by pages, in one unit */
	size_t metadata_bytes;
};

struct rival {
	const char *name;
	const char *what; /* one line for --list and the report */
	enum rival_kind kind;
	bool fifo;           /* queues its threads: unfair beyond the cores */
	int variant;         /* setup()'s own, e.g. the kind of lock */
	const char *preload; /* LD_PRELOAD of its worker, or NULL */
	bool huge_pages;     /* PCPU_HUGEPAGES=1 in its worker */

	/* NULL when ready, else why this rival cannot run here. */
	const char *(*setup)(const struct rival *self, unsigned nr_cpus);
	void *(*alloc)(size_t size, size_t align); /* zeroed copies */
	void (*free)(void *p);
	/* The size is for rivals whose stride depends on it. */
	void *(*ptr)(void *p, unsigned cpu, size_t size);

	/* What follows is optional. */
	bool (*stats)(struct rival_stats *stats);
	void (*trim)(void);
	/* nr objects by one call; false: there is no memory. Both or none. */
	bool (*alloc_bulk)(size_t size, size_t align, size_t nr,
			   void **objects);
	void (*free_bulk)(size_t nr, void **objects);
	/* n alloc+free pairs of 8 bytes, inlined; false: n was impossible. */
	bool (*bare_pairs)(unsigned long n);
	/* Instead of objects, couples of threads pass one cache line. */
	bool bare_trips;
};

extern const struct rival *const rivals[]; /* NULL-terminated */

const struct rival *rival_find(const char *name);

#endif
