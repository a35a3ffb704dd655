// SPDX-License-Identifier: MIT
/*
 * bulk - what batch does, by one call for all 256 and one to free them, where
 * the rival has such calls. The others are called for each object.
 */
#include "bench/case.h"
#include "bench/crew.h"

#include <errno.h>
#include <string.h>

enum {
	SIZE = 8,
	BULK = 256,
};

static bool alloc_all(const struct rival *rival, void **held)
{
	unsigned i;

	if (rival->alloc_bulk)
		return rival->alloc_bulk(SIZE, SIZE, BULK, held);
	for (i = 0; i < BULK; i++) {
		held[i] = rival->alloc(SIZE, SIZE);
		if (!held[i])
			return false;
	}
	return true;
}

static void free_all(const struct rival *rival, void **held)
{
	unsigned i;

	if (rival->free_bulk) {
		rival->free_bulk(BULK, held);
		return;
	}
	for (i = 0; i < BULK; i++)
		rival->free(held[i]);
}

static void bulk_work(struct crew_member *member)
{
	const struct rival *rival = member->crew->job->rival;
	void *held[BULK];

	while (!crew_stopped(member->crew)) {
		if (!alloc_all(rival, held)) {
			crew_fail(member->crew, strerror(errno));
			return;
		}
		free_all(rival, held);
		member->ops += BULK;
	}
}

static void bulk_run(const struct job *job, struct result *result)
{
	struct crew crew = {
		.job = job,
		.members = job->threads,
		.window_ms = job->window_ms,
		.work = bulk_work,
	};

	if (crew_run(&crew))
		result_add(result, "ns", crew_ns_per_op(&crew));
	else
		result_fail(result, crew.error);
	crew_free(&crew);
}

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_LONG},
	{64, 1, MODES_LONG},
	{256, 1, MODES_LONG},
	{0, 0, 0},
};

const struct bench_case case_bulk = {
	.name = "bulk",
	.what = "8 B: 256 by a call, then free them by one, per pair",
	.flags = CASE_NULL | CASE_SCALES,
	.live = BULK,
	.points = points,
	.metrics = metric_ns,
	.run = bulk_run,
};
