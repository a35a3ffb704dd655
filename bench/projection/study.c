// SPDX-License-Identifier: MIT
#include "study.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[NR_INPUTS] = {
	[COST_RMW] = "rmw",
	[COST_TRANSFER] = "transfer",
	[COST_MUTEX] = "mutex",
	[COST_HARNESS] = "harness",
	[COST_ZERO_HOT] = "zero_hot",
	[COST_ZERO_DIRTY] = "zero_dirty",
	[CURVE_PCPU] = "libpcpu_pair",
	[CURVE_BASELINE] = "baseline_pair",
};

const char *input_name(unsigned index)
{
	return names[index];
}

double *cost_at(struct costs *costs, enum cost_index index)
{
	double *const cost[NR_COSTS] = {
		[COST_RMW] = &costs->rmw,
		[COST_TRANSFER] = &costs->transfer,
		[COST_MUTEX] = &costs->mutex,
		[COST_HARNESS] = &costs->harness,
		[COST_ZERO_HOT] = &costs->zero_hot,
		[COST_ZERO_DIRTY] = &costs->zero_dirty,
	};

	return cost[index];
}

struct curve *curve_of(struct costs *costs, unsigned index)
{
	return index == CURVE_PCPU ? &costs->pcpu : &costs->baseline;
}

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *json = json_load_file(path, 0, &error);

	if (!json)
		fprintf(stderr, "projection: %s:%d: %s\n", path, error.line,
			error.text);
	return json;
}

static bool refuse(const char *path, const char *what)
{
	fprintf(stderr, "projection: %s: no usable \"%s\"\n", path, what);
	return false;
}

/* [[copies, ns], ...], ascending. */
static bool read_curve(struct curve *curve, const json_t *json)
{
	size_t i;

	curve->nr = 0;
	for (i = 0; i < json_array_size(json) && i < MAX_CURVE; i++) {
		const json_t *pair = json_array_get(json, i);
		double copies = json_number_value(json_array_get(pair, 0));

		if (i && copies <= curve->copies[i - 1])
			return false;
		curve->copies[i] = copies;
		curve->ns[i] = json_number_value(json_array_get(pair, 1));
		curve->nr++;
	}
	return curve->nr >= 2;
}

static bool read_input(struct study *study, unsigned index, const json_t *json)
{
	const json_t *ns = json_object_get(json, "ns");
	const char *how = json_string_value(json_object_get(json, "how"));

	snprintf(study->how[index], sizeof(study->how[index]), "%s",
		 how ? how : "");
	if (index >= NR_COSTS)
		return read_curve(curve_of(&study->costs, index),
				  json_object_get(json, "by_copies"));
	*cost_at(&study->costs, index) = json_number_value(ns);
	return json_is_number(ns);
}

static void read_text(const json_t *json, const char *key, char *text,
		      size_t size)
{
	const char *value = json_string_value(json_object_get(json, key));

	snprintf(text, size, "%s", value ? value : "unknown");
}

bool study_load(struct study *study, const char *path)
{
	json_t *json = load(path);
	bool ok = json != NULL;
	unsigned i;

	memset(study, 0, sizeof(*study));
	for (i = 0; ok && i < NR_INPUTS; i++) {
		ok = read_input(study, i, json_object_get(json, names[i]));
		if (!ok)
			refuse(path, names[i]);
	}
	if (ok && study->costs.transfer <= 0)
		ok = refuse(path, names[COST_TRANSFER]);
	read_text(json, "machine", study->machine, sizeof(study->machine));
	read_text(json, "date", study->date, sizeof(study->date));
	json_decref(json);
	return ok;
}

static json_t *curve_json(const struct curve *curve)
{
	json_t *json = json_array();
	unsigned i;

	for (i = 0; i < curve->nr; i++)
		json_array_append_new(
			json,
			json_pack("[f, f]", curve->copies[i], curve->ns[i]));
	return json;
}

bool study_save(struct study *study, const char *path)
{
	json_t *json = json_pack("{s:s, s:s}", "machine", study->machine,
				 "date", study->date);
	bool saved;
	unsigned i;

	for (i = 0; i < NR_COSTS; i++)
		json_object_set_new(json, names[i],
				    json_pack("{s:f, s:s}", "ns",
					      *cost_at(&study->costs, i), "how",
					      study->how[i]));
	for (; i < NR_INPUTS; i++)
		json_object_set_new(
			json, names[i],
			json_pack("{s:o, s:s}", "by_copies",
				  curve_json(curve_of(&study->costs, i)), "how",
				  study->how[i]));
	saved = !json_dump_file(json, path,
				JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	json_decref(json);
	if (!saved)
		fprintf(stderr, "projection: cannot write %s\n", path);
	return saved;
}

/* --- count-atomics' atomics.json ------------------------------------------ */

static double moved(const json_t *per_pair, const char *access)
{
	return json_number_value(
		json_object_get(json_object_get(per_pair, access), "moved"));
}

static double rmws(const json_t *per_pair)
{
	const json_t *rmw = json_object_get(per_pair, "rmw");

	return json_number_value(json_object_get(rmw, "own")) +
	       json_number_value(json_object_get(rmw, "read_by_others")) +
	       json_number_value(json_object_get(rmw, "written_by_others"));
}

/* The pair of two threads. */
static bool read_pair_counts(struct counts *counts, const json_t *cases)
{
	const json_t *one, *per_pair;
	size_t i;

	json_array_foreach(cases, i, one)
	{
		const char *name =
			json_string_value(json_object_get(one, "case"));

		if (!name || strcmp(name, "pair") != 0 ||
		    json_integer_value(json_object_get(one, "threads")) != 2)
			continue;
		per_pair = json_object_get(one, "per_pair");
		counts->pcpu_rmws = rmws(per_pair);
		counts->pcpu_moves = moved(per_pair, "rmw") +
				     moved(per_pair, "stores") +
				     moved(per_pair, "loads");
		return true;
	}
	return false;
}

bool counts_load(struct counts *counts, const char *path)
{
	json_t *json = load(path);
	const json_t *moves;
	bool ok;

	if (!json)
		return false;
	moves = json_object_get(
		json_array_get(json_object_get(json, "baseline_lines"), 0),
		"moves");
	counts->baseline_moves = json_number_value(moves);
	ok = read_pair_counts(counts, json_object_get(json, "cases"));
	if (!ok || !moves)
		ok = refuse(path, ok ? "baseline_lines" : "cases");
	json_decref(json);
	return ok;
}

/* --- a benchmark's report.json -------------------------------------------- */

struct observed *observed_at(struct observations *seen, unsigned threads,
			     unsigned copies)
{
	struct observed *at;
	unsigned i;

	for (i = 0; i < seen->nr; i++) {
		if (seen->at[i].threads == threads)
			return &seen->at[i];
	}
	if (seen->nr == MAX_OBSERVED)
		return NULL;
	at = &seen->at[seen->nr++];
	at->threads = threads;
	at->copies = copies;
	at->pcpu = at->pcpu_least = (double)NAN;
	at->baseline = at->harness = (double)NAN;
	return at;
}

static void read_cell(struct observations *seen, const json_t *cell,
		      unsigned threads, unsigned copies)
{
	const char *rival = json_string_value(json_object_get(cell, "rival"));
	const json_t *ns =
		json_object_get(json_object_get(cell, "metrics"), "ns");
	double median = json_number_value(json_object_get(ns, "median"));
	struct observed *at;

	if (!rival || !ns)
		return;
	at = observed_at(seen, threads, copies);
	if (!at)
		return;
	if (!strcmp(rival, "libpcpu")) {
		at->pcpu = median;
		at->pcpu_least = json_number_value(json_object_get(ns, "min"));
	} else if (!strcmp(rival, "baseline-mutex")) {
		at->baseline = median;
	} else if (!strcmp(rival, "null")) {
		at->harness = median;
	}
}

bool observations_load(struct observations *seen, const char *path)
{
	json_t *json = load(path);
	const json_t *machine, *cell;
	json_int_t cores, copies;
	size_t i;

	seen->nr = 0;
	snprintf(seen->source, sizeof(seen->source), "%s", path);
	machine = json_object_get(json, "machine");
	cores = json_integer_value(json_object_get(machine, "cores"));
	copies =
		json_integer_value(json_object_get(machine, "cpus_configured"));
	json_array_foreach(json_object_get(json, "cells"), i, cell)
	{
		const char *name =
			json_string_value(json_object_get(cell, "case"));
		json_int_t threads =
			json_integer_value(json_object_get(cell, "threads"));

		if (name && !strcmp(name, "pair") && threads <= cores &&
		    json_integer_value(json_object_get(cell, "cpus")) == copies)
			read_cell(seen, cell, (unsigned)threads,
				  (unsigned)copies);
	}
	json_decref(json);
	return seen->nr || refuse(path, "cells of pair");
}
