// SPDX-License-Identifier: MIT
#include "worker.h"

#include "case.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NR_ARGS = 8 };

static int print_result(const struct result *result)
{
	json_t *json = json_object();
	unsigned i;

	if (result->error)
		json_object_set_new(json, "error", json_string(result->error));
	for (i = 0; !result->error && i < result->nr; i++)
		json_object_set_new(json, result->metric[i].name,
				    json_real(result->metric[i].value));
	json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(json);
	return fflush(stdout) ? 1 : 0;
}

int worker_main(int argc, char **argv)
{
	struct result result = {.nr = 0};
	struct job job;

	if (argc != NR_ARGS)
		return 2;
	job.bench = case_find(argv[2]);
	job.rival = rival_find(argv[3]);
	job.cpus = (unsigned)strtoul(argv[4], NULL, 10);
	job.threads = (unsigned)strtoul(argv[5], NULL, 10);
	job.window_ms = (unsigned)strtoul(argv[6], NULL, 10);
	job.traces = argv[7];
	if (!job.rival || (!job.bench && strcmp(argv[2], WORKER_PROBE) != 0))
		return 2;
	result.error = job.rival->setup(job.rival, job.cpus);
	if (!result.error && job.bench)
		job.bench->run(&job, &result);
	return print_result(&result);
}
