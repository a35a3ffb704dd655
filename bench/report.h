// SPDX-License-Identifier: MIT
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "machine.h"
#include "plan.h"

/* The tables and the targets, to stdout. */
void report_print(const struct plan *plan, const struct machine *machine);

/* report.json in options->out. False, with a line on stderr, on failure. */
bool report_write_json(const struct plan *plan, const struct machine *machine);

/* The plots in options->out; without gnuplot, a line that says so. */
void report_plot(const struct plan *plan);

#endif
