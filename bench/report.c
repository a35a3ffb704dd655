// SPDX-License-Identifier: MIT
/*
 * The tables for a terminal. A case with one metric is one table: rivals down,
 * points across. A case with more has a table per point: metrics across.
 */
#include "report.h"

#include "targets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	NAME_WIDTH = 16,
	NUMBER_WIDTH = 10,
	RATIO_WIDTH = 9,
	LINE_WIDTH = 104,
};

/* One column of a table: a metric of one point. */
struct column {
	unsigned cpus;
	unsigned threads;
	unsigned metric;
	char label[32];
};

struct table {
	const struct plan *plan;
	const struct bench_case *bench;
	unsigned nr;
	struct column column[MAX_METRICS * 2];
};

static unsigned column_width(const struct table *table, unsigned at)
{
	unsigned metric = table->column[at].metric;

	return NUMBER_WIDTH +
	       (table->bench->metrics[metric].is_cost ? RATIO_WIDTH : 0);
}

static void print_figure(const struct table *table, const struct column *column,
			 const struct cell *cell)
{
	const struct metric *metric = &table->bench->metrics[column->metric];
	/* Its own time is no rival's, and has nothing taken off. */
	bool compared = cell && cell->rival->kind != RIVAL_SUBJECT &&
			cell->rival->kind != RIVAL_NULL;
	double value[MAX_REPEATS], ratio;
	unsigned nr = 0;

	if (cell)
		nr = cell_values(table->plan, cell, column->metric, value);
	if (nr)
		printf("%*.*f", NUMBER_WIDTH, metric->digits,
		       stats_median(value, nr));
	else
		printf("%*s", NUMBER_WIDTH, "-");
	if (!metric->is_cost)
		return;
	ratio = nr && compared
			? cell_ratio(table->plan, cell,
				     plan_peer(table->plan, cell, "libpcpu"),
				     column->metric)
			: (double)NAN;
	if (isnan(ratio))
		printf("%*s", RATIO_WIDTH, "");
	else
		printf(" %*.*fx", RATIO_WIDTH - 2, ratio < 100 ? 1 : 0, ratio);
}

/* One that was not measured at all is in the notes instead. */
static bool rival_in_table(const struct table *table, const struct rival *rival)
{
	double value[MAX_REPEATS];
	const struct cell *cell;
	unsigned i;

	for (i = 0; i < table->nr; i++) {
		cell = plan_cell(table->plan, table->bench->name, rival->name,
				 table->column[i].cpus,
				 table->column[i].threads);
		if (cell && cell_values(table->plan, cell,
					table->column[i].metric, value))
			return true;
	}
	return false;
}

static void print_columns(const struct table *table, unsigned from,
			  unsigned end)
{
	unsigned i, r;

	printf("%-*s", NAME_WIDTH, "");
	for (i = from; i < end; i++)
		printf("%*s%*s", NUMBER_WIDTH, table->column[i].label,
		       (int)(column_width(table, i) - NUMBER_WIDTH), "");
	putchar('\n');
	for (r = 0; rivals[r]; r++) {
		if (!rival_in_table(table, rivals[r]))
			continue;
		printf("%-*s", NAME_WIDTH, rivals[r]->name);
		for (i = from; i < end; i++) {
			const struct column *column = &table->column[i];

			print_figure(table, column,
				     plan_cell(table->plan, table->bench->name,
					       rivals[r]->name, column->cpus,
					       column->threads));
		}
		putchar('\n');
	}
}

/* As many columns side by side as a line holds. */
static void print_table(const struct table *table)
{
	unsigned from = 0, end, width;

	while (from < table->nr) {
		width = NAME_WIDTH;
		for (end = from; end < table->nr; end++) {
			width += column_width(table, end);
			if (width > LINE_WIDTH)
				break;
		}
		print_columns(table, from, end);
		from = end;
	}
}

static void add_column(struct table *table, const struct cell *cell,
		       unsigned metric)
{
	struct column *column = &table->column[table->nr];

	if (table->nr == MAX_METRICS * 2)
		return;
	table->nr++;
	column->cpus = cell->cpus;
	column->threads = cell->threads;
	column->metric = metric;
	if (table->bench->metrics[1].name)
		snprintf(column->label, sizeof(column->label), "%s",
			 table->bench->metrics[metric].label);
	else
		snprintf(column->label, sizeof(column->label), "%uc %ut",
			 cell->cpus, cell->threads);
}

/* The first cell of the point that follows, or the end of the plan. */
static unsigned next_point(const struct plan *plan, unsigned at)
{
	const struct cell *cell = &plan->cell[at];

	while (++at < plan->nr) {
		if (plan->cell[at].bench != cell->bench ||
		    plan->cell[at].cpus != cell->cpus ||
		    plan->cell[at].threads != cell->threads)
			break;
	}
	return at;
}

static void print_heading(const struct bench_case *bench)
{
	printf("\n%s: %s\n", bench->name, bench->what);
	if (bench->flags & CASE_NET)
		printf("  what null takes is taken off the others'\n");
	if (bench->repeats)
		printf("  %u repeats at most\n", bench->repeats);
}

/* Prints the case that begins at a cell; returns where the next one begins. */
static unsigned print_case(const struct plan *plan, unsigned at)
{
	const struct bench_case *bench = plan->cell[at].bench;
	bool many = bench->metrics[1].name != NULL;
	struct table table = {.plan = plan, .bench = bench};
	unsigned m;

	print_heading(bench);
	for (; at < plan->nr && plan->cell[at].bench == bench;
	     at = next_point(plan, at)) {
		for (m = 0; bench->metrics[m].name; m++)
			add_column(&table, &plan->cell[at], m);
		if (many) {
			printf("  %u CPUs, %u thread%s\n", plan->cell[at].cpus,
			       plan->cell[at].threads,
			       plan->cell[at].threads > 1 ? "s" : "");
			print_table(&table);
			table.nr = 0;
		}
	}
	print_table(&table);
	return at;
}

/* One line for all the cells of a rival with the same reason. */
static bool note_is_new(const struct plan *plan, unsigned at)
{
	unsigned i;

	for (i = 0; i < at; i++) {
		if (plan->cell[i].rival == plan->cell[at].rival &&
		    !strcmp(plan->cell[i].note, plan->cell[at].note))
			return false;
	}
	return true;
}

static void print_notes(const struct plan *plan)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < plan->nr; i++) {
		const struct cell *cell = &plan->cell[i];

		if (!cell->note[0] || !note_is_new(plan, i))
			continue;
		if (!any)
			printf("\nNot measured:\n");
		any = true;
		printf("  %-16s %s (first: %s, %u CPUs, %u threads)\n",
		       cell->rival->name, cell->note, cell->bench->name,
		       cell->cpus, cell->threads);
	}
}

static void print_targets(const struct plan *plan)
{
	struct target target[MAX_TARGETS];
	unsigned i, nr = targets_measure(plan, target);
	int digits;

	printf("\nTargets:\n");
	for (i = 0; i < nr; i++) {
		const struct target *one = &target[i];

		printf("  %-62s ", one->what);
		if (isnan(one->measured) || isnan(one->limit)) {
			printf("not measured\n");
			continue;
		}
		/* Bytes per live byte differ little. */
		digits = one->unit[0] ? 2 : 3;
		printf("%7.*f%-4s (%s %.*f%s)  %s\n", digits, one->measured,
		       one->unit, one->at_most ? "at most" : "at least", digits,
		       one->limit, one->unit,
		       target_met(one) ? "met" : "MISSED");
	}
}

static const char legend[] =
	"Median of the repeats, ns per operation of the whole process unless\n"
	"said; smaller is better. Nx: that many times libpcpu's, by repeat.\n"
	"8c 2t: 8 simulated CPUs, 2 threads, on cores of their own if there\n"
	"are enough. Ticket, MCS and cohort locks queue their threads: where\n"
	"threads exceed cores the next owner is mostly asleep, and they are\n"
	"no fair rivals; mutex and test-and-set are.\n";

void report_print(const struct plan *plan, const struct machine *machine)
{
	const struct options *options = plan->options;
	unsigned at = 0;

	printf("%s, %u cores, %zu MiB, %s\n%s, load %.2f at the start\n",
	       machine->cpu, plan->cores, machine->memory_mib, machine->kernel,
	       machine->date, machine->load);
	printf("mode %s, %u repeats of %u ms%s\n\n%s", options->mode_name,
	       plan->repeats, options->window_ms,
	       plan->cut_short ? ", the last CUT SHORT by the time limit" : "",
	       legend);
	while (at < plan->nr)
		at = print_case(plan, at);
	print_notes(plan);
	print_targets(plan);
}
