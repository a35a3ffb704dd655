// SPDX-License-Identifier: MIT
#include "grid.h"

#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static unsigned label_index(char (*label)[GRID_LABEL], unsigned *nr,
			    unsigned max, const char *name)
{
	unsigned i;

	for (i = 0; i < *nr; i++) {
		if (!strcmp(label[i], name))
			return i;
	}
	if (i < max)
		snprintf(label[(*nr)++], GRID_LABEL, "%s", name);
	return i;
}

void grid_set(struct grid *grid, const char *row, const char *series,
	      double value)
{
	unsigned rows = grid->nr_rows, columns = grid->nr_series;
	unsigned r, s, i, k;

	/* A series of gaps alone would be no more than a name in the key. */
	if (isnan(value))
		return;
	r = label_index(grid->row, &grid->nr_rows, GRID_ROWS, row);
	s = label_index(grid->series, &grid->nr_series, GRID_SERIES, series);
	for (i = 0; i < grid->nr_rows; i++) {
		for (k = 0; k < grid->nr_series; k++) {
			if (i >= rows || k >= columns)
				grid->value[i][k] = (double)NAN;
		}
	}
	if (r < GRID_ROWS && s < GRID_SERIES)
		grid->value[r][s] = value;
}

static void write_data(const struct grid *grid, FILE *file)
{
	unsigned r, s;

	fprintf(file, "$data << END\n");
	for (r = 0; r < grid->nr_rows; r++) {
		fprintf(file, "\"%s\"", grid->row[r]);
		for (s = 0; s < grid->nr_series; s++) {
			double value = grid->value[r][s];

			/* A logarithm wants more than nothing. */
			if (isnan(value) || (grid->log_y && value <= 0))
				fprintf(file, " ?");
			else
				fprintf(file, " %g", value);
		}
		fputc('\n', file);
	}
	fprintf(file, "END\n");
}

/* gnuplot's own colours repeat after eight. */
static void write_colours(FILE *file)
{
	static const char *const colour[GRID_SERIES] = {
		"#d62728", "#1f77b4", "#17becf", "#aec7e8",
		"#5254a3", "#9edae5", "#2ca02c", "#98df8a",
		"#bcbd22", "#8c6d31", "#9467bd", "#ff7f0e",
		"#7f7f7f", "#e377c2", "#8c564b", "#000000",
	};
	unsigned i;

	for (i = 0; i < GRID_SERIES; i++)
		fprintf(file, "set linetype %u lc rgb '%s' lw %d\n", i + 1,
			colour[i], i ? 1 : 3);
}

/* With a margin, and some width also where there is one row only. */
static void write_x_range(const struct grid *grid, FILE *file)
{
	double at, min = INFINITY, max = 0;
	unsigned r;

	for (r = 0; r < grid->nr_rows; r++) {
		at = strtod(grid->row[r], NULL);
		min = fmin(min, at);
		max = fmax(max, at);
	}
	fprintf(file, "set logscale x 2\nset xrange [%g:%g]\n", min / 1.1,
		max * 1.1);
}

static void write_axes(const struct grid *grid, const char *folder, FILE *file)
{
	fprintf(file,
		"set terminal pngcairo size 1200,700 enhanced font ',11'\n"
		"set output '%s/%s.png'\n"
		"set title \"%s\"\nset xlabel \"%s\"\nset ylabel \"%s\"\n"
		"set datafile missing '?'\nset key outside right noenhanced\n"
		"set grid ytics\n",
		folder, grid->file, grid->title, grid->x_label, grid->y_label);
	if (grid->log_y)
		fprintf(file, "set logscale y 10\n");
	if (grid->from_one)
		fprintf(file, "set yrange [1:*]\n");
	if (grid->kind == GRID_LINES)
		write_x_range(grid, file);
	else
		fprintf(file, "set style data histograms\n"
			      "set style fill solid 0.8 border\n"
			      "set xtics rotate by -25 noenhanced\n");
}

static void write_plot(const struct grid *grid, FILE *file)
{
	unsigned s;

	for (s = 0; s < grid->nr_series; s++) {
		fprintf(file, "%s $data using ", s ? "," : "plot");
		if (grid->kind == GRID_LINES)
			fprintf(file, "(real(strcol(1))):%u with %s", s + 2,
				grid->first_marks && s >= grid->first_marks
					? "points ps 2.5"
					: "linespoints");
		else
			fprintf(file, "%u:xtic(1)", s + 2);
		fprintf(file, " title '%s'", grid->series[s]);
	}
	fputc('\n', file);
}

static bool run_gnuplot(char *script)
{
	char *argv[] = {(char *)"gnuplot", script, NULL};
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, "gnuplot", NULL, NULL, argv, environ))
		return false;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

bool grid_draw(const struct grid *grid, const char *folder)
{
	char script[4096];
	FILE *file;

	if (!grid->nr_rows)
		return true;
	snprintf(script, sizeof(script), "%s/%s.gp", folder, grid->file);
	file = fopen(script, "w");
	if (!file)
		return false;
	write_colours(file);
	write_axes(grid, folder, file);
	write_data(grid, file);
	write_plot(grid, file);
	return !fclose(file) && run_gnuplot(script);
}
