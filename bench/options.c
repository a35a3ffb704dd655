// SPDX-License-Identifier: MIT
#include "options.h"

#include "case.h"
#include "stats.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned mode, repeats, window_ms, limit_s;
} modes[] = {
	{"quick", MODE_QUICK, 7, 40, 18},
	{"default", MODE_DEFAULT, 7, 30, 225},
	{"full", MODE_FULL, 9, 100, 0},
};

static const char usage[] =
	"Usage: pcpu-bench [OPTION]...\n"
	"Compare libpcpu with its rivals.\n"
	"  --mode=MODE       quick (20 s), default (4 minutes) or full\n"
	"  --case=GLOB       only cases of that name; may be repeated\n"
	"  --rival=GLOB      only rivals of that name; may be repeated\n"
	"  --threads=N,...   thread counts instead of each case's own\n"
	"  --cpus=N,...      simulated CPU counts likewise\n"
	"  --repeats=N       samples of every figure\n"
	"  --window=MS       length of one sample\n"
	"  --limit=SECONDS   begin no sample after that; 0: no limit\n"
	"  --out=DIR         where report.json and the plots go\n"
	"  --traces=DIR      where the recorded traces are\n"
	"  --no-plots        do not run gnuplot\n"
	"  --list            name the cases and rivals\n"
	"  --help            this text\n";

enum {
	OPT_MODE = 1,
	OPT_CASE,
	OPT_RIVAL,
	OPT_THREADS,
	OPT_CPUS,
	OPT_REPEATS,
	OPT_WINDOW,
	OPT_LIMIT,
	OPT_OUT,
	OPT_TRACES,
	OPT_NO_PLOTS,
	OPT_LIST,
	OPT_HELP,
};

static const struct option table[] = {
	{"mode", required_argument, NULL, OPT_MODE},
	{"case", required_argument, NULL, OPT_CASE},
	{"rival", required_argument, NULL, OPT_RIVAL},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"repeats", required_argument, NULL, OPT_REPEATS},
	{"window", required_argument, NULL, OPT_WINDOW},
	{"limit", required_argument, NULL, OPT_LIMIT},
	{"out", required_argument, NULL, OPT_OUT},
	{"traces", required_argument, NULL, OPT_TRACES},
	{"no-plots", no_argument, NULL, OPT_NO_PLOTS},
	{"list", no_argument, NULL, OPT_LIST},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static _Noreturn void refuse(const char *what, const char *value)
{
	fprintf(stderr, "pcpu-bench: %s: '%s'\n", what, value);
	exit(2);
}

static unsigned to_number(const char *text, unsigned min, unsigned max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || (*end && *end != ',') || value < min || value > max)
		refuse("not a number in range", text);
	return (unsigned)value;
}

static void to_numbers(struct numbers *list, const char *text)
{
	for (list->nr = 0; text; text = strchr(text, ',')) {
		if (*text == ',')
			text++;
		if (list->nr == MAX_LIST)
			refuse("too many numbers", text);
		list->value[list->nr++] = to_number(text, 1, 4096);
	}
}

static void add_glob(struct globs *globs, const char *pattern)
{
	if (globs->nr == MAX_LIST)
		refuse("too many patterns", pattern);
	globs->pattern[globs->nr++] = pattern;
}

bool globs_match(const struct globs *globs, const char *name)
{
	unsigned i;

	for (i = 0; i < globs->nr; i++) {
		if (!fnmatch(globs->pattern[i], name, 0))
			return true;
	}
	return !globs->nr;
}

static void set_mode(struct options *options, const char *name)
{
	unsigned i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, name))
			continue;
		options->mode_name = modes[i].name;
		options->mode = modes[i].mode;
		options->repeats = modes[i].repeats;
		options->window_ms = modes[i].window_ms;
		options->limit_s = modes[i].limit_s;
		return;
	}
	refuse("mode must be quick, default or full", name);
}

static void set_number(struct options *options, int opt, const char *arg)
{
	switch (opt) {
	case OPT_THREADS:
		to_numbers(&options->threads, arg);
		break;
	case OPT_CPUS:
		to_numbers(&options->cpus, arg);
		break;
	case OPT_REPEATS:
		options->repeats = to_number(arg, 1, MAX_REPEATS);
		break;
	case OPT_WINDOW:
		options->window_ms = to_number(arg, 1, 10000);
		break;
	case OPT_LIMIT:
		options->limit_s = to_number(arg, 0, 1000000);
		break;
	}
}

static void set_option(struct options *options, int opt, const char *arg)
{
	switch (opt) {
	case OPT_MODE:
		break; /* was first, see options_parse() */
	case OPT_CASE:
		add_glob(&options->cases, arg);
		break;
	case OPT_RIVAL:
		add_glob(&options->rivals, arg);
		break;
	case OPT_OUT:
		options->out = arg;
		break;
	case OPT_TRACES:
		options->traces = arg;
		break;
	case OPT_NO_PLOTS:
		options->plots = false;
		break;
	case OPT_LIST:
		options->list = true;
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(0);
	case '?':
		exit(2);
	default:
		set_number(options, opt, arg);
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	int opt;

	memset(options, 0, sizeof(*options));
	options->out = "build/bench";
	options->traces = "bench/traces";
	options->plots = true;
	set_mode(options, "default");
	/* The mode sets what others change: its turn is first. */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == OPT_MODE)
			set_mode(options, optarg);
	}
	opterr = 1;
	optind = 0;
	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1)
		set_option(options, opt, optarg);
	if (optind < argc)
		refuse("unexpected argument", argv[optind]);
}
