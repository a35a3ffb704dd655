// SPDX-License-Identifier: MIT
/*
 * case.h - what a benchmark case is, and what one run of it is given.
 *
 * A case is one constant struct in a file under cases/, named in the table of
 * registry.c. It lists its points (how many CPUs, how many threads, in which
 * modes) and its metrics; the planner crosses the points with the rivals, and
 * a worker process calls run() once per sample.
 */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include "rival.h"

#include <stdbool.h>

enum {
	MODE_QUICK = 1,
	MODE_DEFAULT = 2,
	MODE_FULL = 4,
	MODES_ALL = MODE_QUICK | MODE_DEFAULT | MODE_FULL,
	MODES_LONG = MODE_DEFAULT | MODE_FULL,
};

enum {
	CPUS_REAL = 0, /* point.cpus: as many as the machine has, 2 at least */
	THREADS_CORES = 0, /* point.threads: as many as there are cores */
	MAX_METRICS = 20,
};

enum case_flags {
	CASE_NULL = 1,      /* the null rival takes part... */
	CASE_NET = 16,      /* ... and its time is taken off */
	CASE_BARE = 2,      /* rivals with bare_pairs() take part */
	CASE_ALL_LOCKS = 4, /* every lock kind also in default mode */
	CASE_SCALES = 8,    /* --threads and --cpus replace the points */
	CASE_TRIPS = 32,    /* rivals with bare_trips take part */
	CASE_UNITS = 64,    /* without the arrays and other peers */
	CASE_OWN = 128,     /* libpcpu alone */
	CASE_LARGE = 256,   /* rivals with huge_pages take part */
};

struct point {
	unsigned cpus;
	unsigned threads;
	unsigned modes;
};

struct metric {
	const char *name;  /* in the JSON report */
	const char *label; /* at the head of a column */
	int digits;        /* after the point */
	bool is_cost;      /* per operation, smaller is better: has a ratio */
};

/* One sample of one cell; every pointer outlives the worker. */
struct job {
	const struct bench_case *bench;
	const struct rival *rival;
	unsigned cpus;
	unsigned threads;
	unsigned window_ms; /* how long to measure */
	const char *traces; /* the folder of the recorded traces */
};

struct result {
	const char *error; /* why there are no numbers, or NULL */
	unsigned nr;
	struct {
		const char *name;
		double value;
	} metric[MAX_METRICS];
};

struct bench_case {
	const char *name;
	const char *what;
	unsigned flags;
	unsigned live;                /* objects held while it runs */
	const char *context;          /* PCPU_CONTEXT of its worker, or NULL */
	unsigned repeats;             /* at most so many, 0: no limit */
	const struct point *points;   /* ends with .modes == 0 */
	const struct metric *metrics; /* ends with .name == NULL */
	const void *arg;              /* run()'s own */
	void (*run)(const struct job *job, struct result *result);
};

extern const struct bench_case *const cases[]; /* NULL-terminated */

/* The one metric of a case that measures time per operation. */
extern const struct metric metric_ns[];

const struct bench_case *case_find(const char *name);
void result_add(struct result *result, const char *name, double value);
void result_fail(struct result *result, const char *error);

#endif
