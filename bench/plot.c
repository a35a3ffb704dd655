// SPDX-License-Identifier: MIT
/*
 * The six pictures of a report. Each is a grid filled from the plan's cells.
 */
#include "grid.h"
#include "report.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>

static double median(const struct plan *plan, const struct cell *cell,
		     const char *metric)
{
	int index = metric_index(cell->bench, metric);
	double value[MAX_REPEATS];
	unsigned nr = 0;

	if (index >= 0)
		nr = cell_values(plan, cell, (unsigned)index, value);
	return nr ? stats_median(value, nr) : (double)NAN;
}

static bool is_case(const struct cell *cell, const char *glob)
{
	return !fnmatch(glob, cell->bench->name, 0);
}

static void fill_throughput(const struct plan *plan, struct grid *grid)
{
	char threads[GRID_LABEL];
	unsigned i;

	for (i = 0; i < plan->nr; i++) {
		const struct cell *cell = &plan->cell[i];

		if (!is_case(cell, "pair") || cell->cpus != plan->real_cpus ||
		    cell->rival->kind == RIVAL_NULL)
			continue;
		snprintf(threads, sizeof(threads), "%u", cell->threads);
		grid_set(grid, threads, cell->rival->name,
			 1000 / median(plan, cell, "ns"));
	}
}

static void fill_cpus(const struct plan *plan, struct grid *grid)
{
	char cpus[GRID_LABEL];
	unsigned i;

	for (i = 0; i < plan->nr; i++) {
		const struct cell *cell = &plan->cell[i];

		if (!is_case(cell, "pair") || cell->threads != 1 ||
		    cell->rival->kind == RIVAL_NULL)
			continue;
		snprintf(cpus, sizeof(cpus), "%u", cell->cpus);
		grid_set(grid, cpus, cell->rival->name,
			 median(plan, cell, "ns"));
	}
}

static void fill_traces(const struct plan *plan, struct grid *grid)
{
	unsigned i;

	for (i = 0; i < plan->nr; i++) {
		const struct cell *cell = &plan->cell[i];

		if (is_case(cell, "trace-*") && cell->cpus == plan->real_cpus)
			grid_set(grid, cell->bench->name, cell->rival->name,
				 median(plan, cell, "ns"));
	}
}

static void fill_latency(const struct plan *plan, struct grid *grid)
{
	static const char *const wanted[] = {"p50", "p99", "p999"};
	char name[2 * GRID_LABEL];
	unsigned i, m;

	for (i = 0; i < plan->nr; i++) {
		const struct cell *cell = &plan->cell[i];

		if (!is_case(cell, "latency") || cell->cpus != plan->real_cpus)
			continue;
		snprintf(name, sizeof(name), "%ut %s", cell->threads,
			 cell->rival->name);
		for (m = 0; m < sizeof(wanted) / sizeof(wanted[0]); m++)
			grid_set(grid, name, wanted[m],
				 median(plan, cell, wanted[m]));
	}
}

static void fill_memory(const struct plan *plan, struct grid *grid)
{
	static const char *const wanted[] = {
		"untouched", "one", "all", "churned", "unit_churn",
	};
	char name[2 * GRID_LABEL];
	unsigned i, m;

	for (i = 0; i < plan->nr; i++) {
		const struct cell *cell = &plan->cell[i];

		if (!is_case(cell, "memory-kernel-10k"))
			continue;
		snprintf(name, sizeof(name), "%uc %s", cell->cpus,
			 cell->rival->name);
		for (m = 0; m < sizeof(wanted) / sizeof(wanted[0]); m++)
			grid_set(grid, name, wanted[m],
				 median(plan, cell, wanted[m]));
	}
}

/* What a process costs, by how it comes to its counters. */
static void fill_objects(const struct plan *plan, struct grid *grid)
{
	char cpus[GRID_LABEL];
	unsigned i;

	for (i = 0; i < plan->nr; i++) {
		const struct cell *cell = &plan->cell[i];

		if (!is_case(cell, "process*"))
			continue;
		snprintf(cpus, sizeof(cpus), "%u", cell->cpus);
		grid_set(grid, cpus,
			 is_case(cell, "process") ? cell->rival->name
						  : cell->bench->name,
			 median(plan, cell, "ns"));
	}
}

static const struct {
	struct grid grid; /* its texts only */
	void (*fill)(const struct plan *plan, struct grid *grid);
} pictures[] = {
	{{.kind = GRID_LINES,
	  .file = "throughput",
	  .title = "8 B pairs, 10,000 live: total throughput",
	  .x_label = "threads",
	  .y_label = "million pairs per second",
	  .log_y = true},
	 fill_throughput},
	{{.kind = GRID_LINES,
	  .file = "cpus",
	  .title = "8 B pair, 10,000 live: the cost of more CPUs",
	  .x_label = "simulated CPUs",
	  .y_label = "ns per pair",
	  .log_y = true},
	 fill_cpus},
	{{.kind = GRID_BARS,
	  .file = "traces",
	  .title = "Recorded traces: time per event, null's taken off",
	  .x_label = "",
	  .y_label = "ns per event",
	  .log_y = true},
	 fill_traces},
	{{.kind = GRID_BARS,
	  .file = "latency",
	  .title = "One allocation, by threads: median and tail",
	  .x_label = "",
	  .y_label = "ns",
	  .log_y = true,
	  .from_one = true},
	 fill_latency},
	{{.kind = GRID_BARS,
	  .file = "memory",
	  .title = "Resident bytes per live byte, by CPUs; unit space",
	  .x_label = "",
	  .y_label = "bytes per live byte",
	  .log_y = true},
	 fill_memory},
	{{.kind = GRID_LINES,
	  .file = "objects",
	  .title = "Counters of a short-lived process: the cost of more CPUs",
	  .x_label = "simulated CPUs",
	  .y_label = "ns per process",
	  .log_y = true},
	 fill_objects},
};

void report_plot(const struct plan *plan)
{
	static struct grid grid;
	unsigned i;

	for (i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		grid = pictures[i].grid;
		pictures[i].fill(plan, &grid);
		if (!grid_draw(&grid, plan->options->out)) {
			printf("\nNo plots: gnuplot is missing or failed (the "
			       ".gp files are in %s)\n",
			       plan->options->out);
			return;
		}
	}
}
