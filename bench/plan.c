// SPDX-License-Identifier: MIT
#include "plan.h"

#include "crew.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MAX_POINTS = 2 * MAX_LIST,
	ARRAY_LIMIT_MIB = 512, /* an array rival may take no more */
};

struct points {
	unsigned nr;
	struct point point[MAX_POINTS];
};

static void add_point(struct points *points, unsigned cpus, unsigned threads)
{
	unsigned i;

	for (i = 0; i < points->nr; i++) {
		if (points->point[i].cpus == cpus &&
		    points->point[i].threads == threads)
			return;
	}
	if (points->nr == MAX_POINTS)
		return;
	points->point[points->nr].cpus = cpus;
	points->point[points->nr].threads = threads;
	points->nr++;
}

/*
 * Points on the real CPUs are the axis of threads, the others that of CPUs;
 * --threads and --cpus each replace their axis.
 */
static void choose_points(const struct plan *plan,
			  const struct bench_case *bench, struct points *points)
{
	const struct options *options = plan->options;
	bool scales = bench->flags & CASE_SCALES;
	const struct point *at;
	unsigned i;

	for (i = 0; scales && i < options->threads.nr; i++)
		add_point(points, plan->real_cpus, options->threads.value[i]);
	for (at = bench->points; at->modes; at++) {
		bool real = at->cpus == CPUS_REAL;
		const struct numbers *instead =
			real ? &options->threads : &options->cpus;

		if (!(at->modes & options->mode) || (scales && instead->nr))
			continue;
		/* Fewer CPUs than there are cannot be simulated. */
		if (real || at->cpus > plan->real_cpus)
			add_point(points, real ? plan->real_cpus : at->cpus,
				  at->threads ? at->threads : plan->cores);
	}
	for (i = 0; scales && i < options->cpus.nr; i++) {
		if (options->cpus.value[i] >= plan->real_cpus)
			add_point(points, options->cpus.value[i], 1);
	}
}

static bool lock_takes_part(const struct plan *plan,
			    const struct bench_case *bench,
			    const struct rival *rival,
			    const struct point *point)
{
	bool real = point->cpus == plan->real_cpus;
	unsigned mode = plan->options->mode;

	if (mode == MODE_FULL)
		return true;
	if (rival->fifo && point->threads > plan->cores)
		return false;
	if (plan->options->rivals.nr)
		return true;
	/* Without a second thread, locks differ by a few ns only. */
	return mode == MODE_DEFAULT && real &&
	       (bench->flags & CASE_ALL_LOCKS ||
		(!rival->fifo && point->threads > 1));
}

static bool takes_part(const struct plan *plan, const struct bench_case *bench,
		       const struct rival *rival, const struct point *point)
{
	const struct options *options = plan->options;

	if (bench->flags & CASE_OWN && rival->kind != RIVAL_SUBJECT)
		return false;
	if (rival->huge_pages && !(bench->flags & CASE_LARGE))
		return false;
	/* The null rival is a part of the measurement, not of the choice. */
	if (rival->kind == RIVAL_NULL)
		return bench->flags & CASE_NULL;
	if (!globs_match(&options->rivals, rival->name))
		return false;
	switch (rival->kind) {
	case RIVAL_FLOOR:
		return rival->bare_trips ? bench->flags & CASE_TRIPS
					 : bench->flags & CASE_BARE &&
						   point->threads == 1;
	case RIVAL_LOCK:
		return lock_takes_part(plan, bench, rival, point);
	case RIVAL_ARRAY:
	case RIVAL_PEER:
		return !(bench->flags & CASE_UNITS) &&
		       (options->mode != MODE_QUICK || options->rivals.nr);
	default:
		return true;
	}
}

static struct cell *new_cell(struct plan *plan)
{
	struct cell *cell;
	unsigned i;

	if (plan->nr == plan->max) {
		plan->max = plan->max ? plan->max * 2 : 128;
		plan->cell =
			realloc(plan->cell, plan->max * sizeof(*plan->cell));
		if (!plan->cell) {
			perror("pcpu-bench");
			exit(1);
		}
	}
	cell = &plan->cell[plan->nr++];
	memset(cell, 0, sizeof(*cell));
	for (i = 0; i < MAX_METRICS * MAX_REPEATS; i++)
		cell->value[i / MAX_REPEATS][i % MAX_REPEATS] = (double)NAN;
	return cell;
}

static void add_cell(struct plan *plan, const struct bench_case *bench,
		     const struct rival *rival, const struct point *point)
{
	struct cell *cell = new_cell(plan);
	size_t mib;

	cell->bench = bench;
	cell->rival = rival;
	cell->cpus = point->cpus;
	cell->threads = point->threads;
	mib = (size_t)bench->live * point->cpus * 64 >> 20;
	if (rival->kind == RIVAL_ARRAY && mib > ARRAY_LIMIT_MIB)
		snprintf(cell->note, sizeof(cell->note),
			 "would take more than %d MiB", ARRAY_LIMIT_MIB);
}

static void add_case(struct plan *plan, const struct bench_case *bench)
{
	struct points points = {.nr = 0};
	unsigned i, r;

	choose_points(plan, bench, &points);
	for (i = 0; i < points.nr; i++) {
		for (r = 0; rivals[r]; r++) {
			if (takes_part(plan, bench, rivals[r],
				       &points.point[i]))
				add_cell(plan, bench, rivals[r],
					 &points.point[i]);
		}
	}
}

void plan_build(struct plan *plan, const struct options *options)
{
	long configured = sysconf(_SC_NPROCESSORS_CONF);
	unsigned i;

	memset(plan, 0, sizeof(*plan));
	plan->options = options;
	plan->cores = crew_cores();
	plan->real_cpus = configured > 2 ? (unsigned)configured : 2;
	for (i = 0; cases[i]; i++) {
		if (globs_match(&options->cases, cases[i]->name))
			add_case(plan, cases[i]);
	}
}

void plan_free(struct plan *plan)
{
	free(plan->cell);
}
