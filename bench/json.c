// SPDX-License-Identifier: MIT
#include "report.h"
#include "targets.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* JSON has no NAN: what was not measured is null. */
static json_t *number(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static json_t *machine_json(const struct plan *plan,
			    const struct machine *machine)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:I, s:i, s:i, s:i}",
			 "cpu", machine->cpu, "kernel", machine->kernel, "libc",
			 machine->libc, "nodes", machine->nodes,
			 "transparent_hugepage", machine->huge_pages, "load",
			 machine->load, "memory_mib",
			 (json_int_t)machine->memory_mib, "page_bytes",
			 (int)machine->page_bytes, "cores", (int)plan->cores,
			 "cpus_configured", (int)plan->real_cpus);
}

static json_t *options_json(const struct plan *plan)
{
	const struct options *options = plan->options;

	return json_pack("{s:s, s:i, s:i, s:b}", "mode", options->mode_name,
			 "repeats", (int)plan->repeats, "window_ms",
			 (int)options->window_ms, "cut_short",
			 (int)plan->cut_short);
}

static json_t *metric_json(const struct plan *plan, const struct cell *cell,
			   unsigned metric)
{
	double value[MAX_REPEATS];
	unsigned i, nr = cell_values(plan, cell, metric, value);
	struct summary summary = stats_summary(value, nr);
	json_t *json, *all = json_array();

	for (i = 0; i < nr; i++)
		json_array_append_new(all, number(value[i]));
	json = json_pack("{s:f, s:f, s:f, s:o}", "min", summary.min, "median",
			 summary.median, "max", summary.max, "samples", all);
	if (cell->bench->metrics[metric].is_cost)
		json_object_set_new(
			json, "times_libpcpu",
			number(cell_ratio(plan, cell,
					  plan_peer(plan, cell, "libpcpu"),
					  metric)));
	return json;
}

static json_t *cell_json(const struct plan *plan, const struct cell *cell)
{
	json_t *metrics = json_object();
	double value[MAX_REPEATS];
	unsigned m;

	for (m = 0; cell->bench->metrics[m].name; m++) {
		if (cell_values(plan, cell, m, value))
			json_object_set_new(metrics,
					    cell->bench->metrics[m].name,
					    metric_json(plan, cell, m));
	}
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:s, s:o}", "case",
			 cell->bench->name, "rival", cell->rival->name, "cpus",
			 (int)cell->cpus, "threads", (int)cell->threads, "live",
			 (int)cell->bench->live, "net_of_null",
			 (cell->bench->flags & CASE_NET) != 0 &&
				 cell->rival->kind != RIVAL_NULL &&
				 cell->rival->kind != RIVAL_FLOOR,
			 "not_measured", cell->note, "metrics", metrics);
}

static json_t *targets_json(const struct plan *plan)
{
	struct target target[MAX_TARGETS];
	unsigned i, nr = targets_measure(plan, target);
	json_t *json = json_array();

	for (i = 0; i < nr; i++) {
		bool known =
			!isnan(target[i].measured) && !isnan(target[i].limit);

		json_array_append_new(
			json,
			json_pack("{s:s, s:s, s:o, s:o, s:o}", "what",
				  target[i].what, "bound",
				  target[i].at_most ? "at most" : "at least",
				  "limit", number(target[i].limit), "measured",
				  number(target[i].measured), "met",
				  known ? json_boolean(target_met(&target[i]))
					: json_null()));
	}
	return json;
}

bool report_write_json(const struct plan *plan, const struct machine *machine)
{
	json_t *json, *all = json_array();
	char path[4096];
	unsigned i;
	bool ok;

	for (i = 0; i < plan->nr; i++)
		json_array_append_new(all, cell_json(plan, &plan->cell[i]));
	json = json_pack("{s:s, s:o, s:o, s:o, s:o}", "date", machine->date,
			 "machine", machine_json(plan, machine), "options",
			 options_json(plan), "targets", targets_json(plan),
			 "cells", all);
	snprintf(path, sizeof(path), "%s/report.json", plan->options->out);
	ok = json && !json_dump_file(json, path,
				     JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	if (!ok)
		fprintf(stderr, "pcpu-bench: cannot write %s\n", path);
	json_decref(json);
	return ok;
}
