// SPDX-License-Identifier: MIT
/*
 * batch - allocate 256 counters, then free them all, again and again.
 *
 * Against pair, it defeats a cache of one: the allocator must find 256 free
 * places, and the memory it zeroes has left the nearest cache.
 */
#include "bench/case.h"
#include "bench/crew.h"

#include <errno.h>
#include <string.h>

enum {
	SIZE = 8,
	BATCH = 256,
};

static void batch_work(struct crew_member *member)
{
	const struct rival *rival = member->crew->job->rival;
	void *held[BATCH];
	unsigned i;

	while (!crew_stopped(member->crew)) {
		for (i = 0; i < BATCH; i++) {
			held[i] = rival->alloc(SIZE, SIZE);
			if (!held[i]) {
				crew_fail(member->crew, strerror(errno));
				return;
			}
		}
		for (i = 0; i < BATCH; i++)
			rival->free(held[i]);
		member->ops += BATCH;
	}
}

static void batch_run(const struct job *job, struct result *result)
{
	struct crew crew = {
		.job = job,
		.members = job->threads,
		.window_ms = job->window_ms,
		.work = batch_work,
	};

	if (crew_run(&crew))
		result_add(result, "ns", crew_ns_per_op(&crew));
	else
		result_fail(result, crew.error);
	crew_free(&crew);
}

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_LONG},
	{8, 1, MODES_LONG},
	{64, 1, MODES_LONG},
	{256, 1, MODES_LONG},
	{CPUS_REAL, 2, MODE_FULL},
	{CPUS_REAL, 4, MODE_FULL},
	{CPUS_REAL, 8, MODE_FULL},
	{CPUS_REAL, 32, MODE_FULL},
	{0, 0, 0},
};

const struct bench_case case_batch = {
	.name = "batch",
	.what = "8 B: allocate 256, then free them, per pair",
	.flags = CASE_NULL | CASE_SCALES,
	.live = BATCH,
	.points = points,
	.metrics = metric_ns,
	.run = batch_run,
};
