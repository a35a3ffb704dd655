// SPDX-License-Identifier: MIT
#include "output.h"

#include "bench/grid.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

static json_t *number(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static json_t *row_json(const struct model *model, struct shape shape)
{
	double ours = model_pcpu_rate(model, shape);
	double theirs = model_baseline_rate(model, shape);

	return json_pack(
		"{s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "cpus",
		(int)shape.threads, "sockets", (int)shape.sockets, "libpcpu_ns",
		shape.threads / ours, "libpcpu_pairs_per_s", 1e9 * ours,
		"libpcpu_written_pairs_per_s",
		1e9 * model_pcpu_rate_written(model, shape),
		"baseline_serial_ns", model_baseline_serial_ns(model, shape),
		"baseline_ns", shape.threads / theirs, "baseline_pairs_per_s",
		1e9 * theirs, "ratio", ours / theirs);
}

static json_t *rows_json(const struct model *model)
{
	json_t *json = json_array();
	unsigned i, k;

	for (i = 0; i < NR_PROJECTED_CPUS; i++) {
		for (k = 0; k < NR_PROJECTED_SOCKETS; k++) {
			struct shape shape = {
				.threads = projected_cpus[i],
				.copies = projected_cpus[i],
				.sockets = projected_sockets[k],
			};

			if (shape_is_likely(shape.threads, shape.sockets))
				json_array_append_new(json,
						      row_json(model, shape));
		}
	}
	return json;
}

static json_t *compared_json(double predicted, double measured)
{
	return json_pack("{s:f, s:o, s:o}", "predicted_ns", predicted,
			 "measured_ns", number(measured), "relative_error",
			 number(predicted / measured - 1));
}

static json_t *validation_json(const struct model *model,
			       const struct observations *seen)
{
	json_t *json = json_array();
	unsigned i;

	for (i = 0; i < seen->nr; i++) {
		const struct observed *at = &seen->at[i];
		struct shape shape = {at->threads, at->copies, 1};

		json_array_append_new(
			json,
			json_pack(
				"{s:i, s:i, s:o, s:o, s:o, s:o}", "threads",
				(int)at->threads, "copies", (int)at->copies,
				"libpcpu",
				compared_json(1 / model_pcpu_rate(model, shape),
					      at->pcpu),
				"baseline-mutex",
				compared_json(
					1 / model_baseline_rate(model, shape),
					at->baseline),
				"libpcpu_least_ns", number(at->pcpu_least),
				"null_ns", number(at->harness)));
	}
	return json_pack("{s:s, s:o}", "source", seen->source, "points", json);
}

static json_t *inputs_json(const struct projection *projection)
{
	struct study study = projection->study;
	const struct counts *counts = &projection->model.counts;
	const struct assumptions *a = &projection->model.assumptions;
	json_t *costs = json_object();
	unsigned i;

	for (i = 0; i < NR_COSTS; i++)
		json_object_set_new(costs, input_name(i),
				    json_pack("{s:f, s:s}", "ns",
					      *cost_at(&study.costs, i), "how",
					      study.how[i]));
	return json_pack("{s:s, s:s, s:o, s:f, s:f, s:f, s:f, s:f}", "machine",
			 study.machine, "date", study.date, "costs", costs,
			 "libpcpu_rmws", counts->pcpu_rmws, "libpcpu_moves",
			 counts->pcpu_moves, "baseline_moves",
			 counts->baseline_moves, "assumed_remote_factor",
			 a->remote_factor, "assumed_spinners", a->spinners);
}

bool projection_write_json(const struct projection *projection)
{
	json_t *json, *reports = json_array();
	char path[4096];
	unsigned i;
	bool ok;

	for (i = 0; i < projection->nr_reports; i++)
		json_array_append_new(reports,
				      validation_json(&projection->model,
						      &projection->report[i]));
	json = json_pack("{s:s, s:s, s:o, s:o, s:o}", "model", model_text,
			 "not_modelled", not_modelled_text, "inputs",
			 inputs_json(projection), "projected",
			 rows_json(&projection->model), "validation", reports);
	snprintf(path, sizeof(path), "%s/%s.json", projection->out,
		 projection->name);
	ok = json && !json_dump_file(json, path,
				     JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	if (!ok)
		fprintf(stderr, "projection: cannot write %s\n", path);
	json_decref(json);
	return ok;
}

/* --- the plot ------------------------------------------------------------- */

static void plot_curve(const struct projection *projection, struct grid *grid,
		       bool ours, unsigned sockets)
{
	char series[GRID_LABEL], row[GRID_LABEL];
	unsigned i;

	snprintf(series, sizeof(series), "%s, %u socket%s",
		 ours ? "libpcpu" : "baseline", sockets,
		 sockets > 1 ? "s" : "");
	for (i = 0; i < NR_PROJECTED_CPUS; i++) {
		unsigned cpus = projected_cpus[i];
		struct shape shape = {cpus, cpus, sockets};

		if (!shape_is_likely(cpus, sockets))
			continue;
		snprintf(row, sizeof(row), "%u", cpus);
		grid_set(grid, row, series,
			 1e9 * (ours ? model_pcpu_rate : model_baseline_rate)(
				       &projection->model, shape));
	}
}

/* Measured points have all copies of their machine: said in the key. */
static void plot_report(const struct observations *seen, struct grid *grid)
{
	char series[2][GRID_LABEL], row[GRID_LABEL];
	unsigned i;

	for (i = 0; i < seen->nr; i++) {
		const struct observed *at = &seen->at[i];

		snprintf(row, sizeof(row), "%u", at->threads);
		snprintf(series[0], GRID_LABEL, "libpcpu, measured, %uc",
			 at->copies);
		snprintf(series[1], GRID_LABEL, "baseline, measured, %uc",
			 at->copies);
		grid_set(grid, row, series[0], 1e9 / at->pcpu);
		grid_set(grid, row, series[1], 1e9 / at->baseline);
	}
}

bool projection_plot(const struct projection *projection)
{
	static struct grid grid = {
		.kind = GRID_LINES,
		.title = "8 B pairs, projected: as many copies as CPUs "
			 "(measured: "
			 "Nc)",
		.x_label = "CPUs, a thread on each",
		.y_label = "pairs per second",
		.log_y = true,
	};
	unsigned k;

	grid.file = projection->name;
	for (k = 0; k < NR_PROJECTED_SOCKETS; k++)
		plot_curve(projection, &grid, true, projected_sockets[k]);
	for (k = 0; k < NR_PROJECTED_SOCKETS; k++)
		plot_curve(projection, &grid, false, projected_sockets[k]);
	grid.first_marks = grid.nr_series;
	for (k = 0; k < projection->nr_reports; k++)
		plot_report(&projection->report[k], &grid);
	if (grid_draw(&grid, projection->out))
		return true;
	fprintf(stderr, "projection: gnuplot is missing or failed\n");
	return false;
}
