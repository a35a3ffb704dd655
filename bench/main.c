// SPDX-License-Identifier: MIT
/*
 * pcpu-bench: libpcpu against its rivals. See --help, and --list for who and
 * what takes part.
 *
 *   options.c -> plan.c -> runner.c ==processes==> worker.c -> cases/ , rivals/
 *                              |
 *                              v
 *                figures.c -> report.c, targets.c, json.c, plot.c
 */
#include "options.h"
#include "plan.h"
#include "report.h"
#include "runner.h"
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void list_all(void)
{
	unsigned i;

	printf("Cases:\n");
	for (i = 0; cases[i]; i++)
		printf("  %-19s %s\n", cases[i]->name, cases[i]->what);
	printf("Rivals:\n");
	for (i = 0; rivals[i]; i++)
		printf("  %-19s %s\n", rivals[i]->name, rivals[i]->what);
}

/* mkdir -p */
static bool make_folders(const char *path)
{
	char part[4096];
	size_t i, len = strlen(path);

	if (len >= sizeof(part))
		return false;
	for (i = 1; i <= len; i++) {
		if (path[i] && path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0777) && errno != EEXIST)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options options;
	struct machine machine;
	struct plan plan;
	bool written;

	if (argc > 1 && !strcmp(argv[1], WORKER_FLAG))
		return worker_main(argc, argv);
	options_parse(&options, argc, argv);
	if (options.list) {
		list_all();
		return 0;
	}
	if (!make_folders(options.out)) {
		fprintf(stderr, "pcpu-bench: %s: %s\n", options.out,
			strerror(errno));
		return 1;
	}
	machine_read(&machine);
	plan_build(&plan, &options);
	if (!plan.nr) {
		fprintf(stderr, "pcpu-bench: nothing to do (see --list)\n");
		return 2;
	}
	runner_run(&plan);
	report_print(&plan, &machine);
	written = report_write_json(&plan, &machine);
	fflush(stdout);
	if (options.plots)
		report_plot(&plan);
	plan_free(&plan);
	return !written;
}
