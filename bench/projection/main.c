// SPDX-License-Identifier: MIT
/*
 * projection: pairs per second on machines that nobody here has. See model.h
 * for the model; its costs are measured now, or read from a file.
 *
 *   measure.c, micro.c --\
 *   costs.json, study.c --+-> model.c -> table.c, output.c
 *   atomics.json --------/
 */
#include "bench/worker.h"
#include "measure.h"
#include "output.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"Usage: projection [OPTION]...\n"
	"Project pair throughput to more CPUs and sockets.\n"
	"  --costs=FILE      another machine's, instead of measuring\n"
	"  --counts=FILE     atomics.json of count-atomics\n"
	"  --validate=FILE   compare with a report.json; may be repeated\n"
	"  --remote=FACTOR   transfer between sockets / within one [3]\n"
	"  --spinners=N      waiters that spin beside the next owner [8]\n"
	"  --out=DIR         where the files go\n"
	"  --name=NAME       of NAME.json and NAME.png [projection]\n"
	"  --traces=DIR      for the benchmark's workers\n"
	"  --help            this text\n";

static const struct option table[] = {
	{"costs", required_argument, NULL, 'c'},
	{"counts", required_argument, NULL, 'n'},
	{"validate", required_argument, NULL, 'v'},
	{"remote", required_argument, NULL, 'r'},
	{"spinners", required_argument, NULL, 's'},
	{"out", required_argument, NULL, 'o'},
	{"name", required_argument, NULL, 'f'},
	{"traces", required_argument, NULL, 't'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

struct arguments {
	const char *costs;
	const char *counts;
	const char *traces;
	unsigned nr_reports;
	const char *report[MAX_REPORTS - 1];
};

static double to_number(const char *text, double min)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= min)) {
		fprintf(stderr, "projection: not a number in range: '%s'\n",
			text);
		exit(2);
	}
	return value;
}

static void add_report(struct arguments *arguments, const char *path)
{
	if (arguments->nr_reports == MAX_REPORTS - 1) {
		fprintf(stderr, "projection: too many reports\n");
		exit(2);
	}
	arguments->report[arguments->nr_reports++] = path;
}

static void set_option(struct projection *projection,
		       struct arguments *arguments, int opt)
{
	switch (opt) {
	case 'c':
		arguments->costs = optarg;
		break;
	case 'n':
		arguments->counts = optarg;
		break;
	case 't':
		arguments->traces = optarg;
		break;
	case 'v':
		add_report(arguments, optarg);
		break;
	case 'r':
		projection->model.assumptions.remote_factor =
			to_number(optarg, 1);
		break;
	case 's':
		projection->model.assumptions.spinners = to_number(optarg, 0);
		break;
	case 'o':
		projection->out = optarg;
		break;
	case 'f':
		projection->name = optarg;
		break;
	default:
		fputs(usage, opt == 'h' ? stdout : stderr);
		exit(opt == 'h' ? 0 : 2);
	}
}

static bool get_costs(struct projection *projection,
		      const struct arguments *arguments)
{
	struct study *study = &projection->study;
	char path[4096];
	const char *error;

	if (arguments->costs)
		return study_load(study, arguments->costs);
	error = measure_costs(study, arguments->traces);
	if (error) {
		fprintf(stderr, "projection: %s\n", error);
		return false;
	}
	projection->report[projection->nr_reports++] = study->seen;
	snprintf(path, sizeof(path), "%s/costs.json", projection->out);
	return study_save(study, path);
}

static bool get_reports(struct projection *projection,
			const struct arguments *arguments)
{
	unsigned i;

	for (i = 0; i < arguments->nr_reports; i++) {
		if (!observations_load(
			    &projection->report[projection->nr_reports++],
			    arguments->report[i]))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct projection projection = {
		.name = "projection",
		.out = "build/bench",
		.model.assumptions = {.remote_factor = 3, .spinners = 8},
	};
	struct arguments arguments = {
		.counts = "build/bench/atomics.json",
		.traces = "bench/traces",
	};
	int opt;

	if (argc > 1 && !strcmp(argv[1], WORKER_FLAG))
		return worker_main(argc, argv);
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1)
		set_option(&projection, &arguments, opt);
	if (!counts_load(&projection.model.counts, arguments.counts) ||
	    !get_costs(&projection, &arguments) ||
	    !get_reports(&projection, &arguments))
		return 1;
	projection.model.costs = projection.study.costs;
	projection_print(&projection);
	fflush(stdout);
	if (!projection_write_json(&projection))
		return 1;
	return !projection_plot(&projection);
}
