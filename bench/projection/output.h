// SPDX-License-Identifier: MIT
#ifndef BENCH_PROJECTION_OUTPUT_H
#define BENCH_PROJECTION_OUTPUT_H

#include "study.h"

#include <stdbool.h>

enum { MAX_REPORTS = 8 };

struct projection {
	const char *name; /* of the files, without .json and .png */
	const char *out;
	struct study study;
	struct model model;
	unsigned nr_reports;
	struct observations report[MAX_REPORTS];
};

/* The model, its inputs, the table and the validation, to stdout. */
void projection_print(const struct projection *projection);

/* Each false, with a line on stderr, on failure. */
bool projection_write_json(const struct projection *projection);
bool projection_plot(const struct projection *projection);

/* What is projected to. */
extern const unsigned projected_cpus[], projected_sockets[];
enum { NR_PROJECTED_CPUS = 10, NR_PROJECTED_SOCKETS = 4 };

/* Does a machine of so many sockets with so few CPUs exist? */
bool shape_is_likely(unsigned cpus, unsigned sockets);

extern const char model_text[], not_modelled_text[];

#endif
