// SPDX-License-Identifier: MIT
/*
 * grid.h - a labelled matrix of numbers, and gnuplot to draw it.
 */
#ifndef BENCH_GRID_H
#define BENCH_GRID_H

#include <stdbool.h>

enum {
	GRID_ROWS = 96,
	GRID_SERIES = 16,
	GRID_LABEL = 32,
};

enum grid_kind {
	GRID_LINES, /* row labels are numbers, on a logarithmic axis */
	GRID_BARS,  /* row labels are names, a bar per series */
};

struct grid {
	enum grid_kind kind;
	const char *file; /* without .png */
	const char *title;
	const char *x_label;
	const char *y_label;
	bool log_y;
	bool from_one;        /* the y axis begins at 1 */
	unsigned first_marks; /* series from here on have no lines; 0: none */
	unsigned nr_rows;
	unsigned nr_series;
	char row[GRID_ROWS][GRID_LABEL];
	char series[GRID_SERIES][GRID_LABEL];
	double value[GRID_ROWS][GRID_SERIES]; /* NAN: a gap */
};

/* Rows and series come into being when they are first named. */
void grid_set(struct grid *grid, const char *row, const char *series,
	      double value);

/* file.gp and, through gnuplot, file.png; false when gnuplot did not run. */
bool grid_draw(const struct grid *grid, const char *folder);

#endif
