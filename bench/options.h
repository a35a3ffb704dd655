// SPDX-License-Identifier: MIT
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>

enum { MAX_LIST = 16 };

struct globs {
	unsigned nr;
	const char *pattern[MAX_LIST];
};

struct numbers {
	unsigned nr;
	unsigned value[MAX_LIST];
};

struct options {
	const char *mode_name;
	unsigned mode; /* one of enum MODE_* */
	unsigned repeats;
	unsigned window_ms; /* of one sample */
	unsigned limit_s;   /* no new sample after this; 0: no limit */
	struct globs cases; /* none: all */
	struct globs rivals;
	struct numbers threads; /* none: each case's own */
	struct numbers cpus;
	const char *out;
	const char *traces;
	bool plots;
	bool list;
};

/* Exits with a message on a bad argument, and on --help. */
void options_parse(struct options *options, int argc, char **argv);

/* True also when there are no patterns at all. */
bool globs_match(const struct globs *globs, const char *name);

#endif
