// SPDX-License-Identifier: MIT
/*
 * batch - allocate 256 counters, then free them all, again and again.
 *
 * Against pair, it defeats a cache of one: the allocator must find 256 free
 * places, and the memory it zeroes has left the nearest cache.
 *
 * bulk - the same by one call for all and one to free them, where the rival has
 * such calls. The others are called for each object.
 */
#include "bench/case.h"
#include "bench/crew.h"

#include <errno.h>
#include <string.h>

enum {
	SIZE = 8,
	BATCH = 256,
};

static const bool by_bulk_calls = true;

static bool is_bulk(const struct job *job)
{
	return job->bench->arg == &by_bulk_calls;
}

static bool alloc_all(const struct job *job, void **held)
{
	const struct rival *rival = job->rival;
	unsigned i;

	if (rival->alloc_bulk && is_bulk(job))
		return rival->alloc_bulk(SIZE, SIZE, BATCH, held);
	for (i = 0; i < BATCH; i++) {
		held[i] = rival->alloc(SIZE, SIZE);
		if (!held[i])
			return false;
	}
	return true;
}

static void free_all(const struct job *job, void **held)
{
	const struct rival *rival = job->rival;
	unsigned i;

	if (rival->free_bulk && is_bulk(job)) {
		rival->free_bulk(BATCH, held);
		return;
	}
	for (i = 0; i < BATCH; i++)
		rival->free(held[i]);
}

static void batch_work(struct crew_member *member)
{
	const struct job *job = member->crew->job;
	void *held[BATCH];

	while (!crew_stopped(member->crew)) {
		if (!alloc_all(job, held)) {
			crew_fail(member->crew, strerror(errno));
			return;
		}
		free_all(job, held);
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

static const struct point bulk_points[] = {
	{CPUS_REAL, 1, MODES_LONG},
	{64, 1, MODES_LONG},
	{256, 1, MODES_LONG},
	{0, 0, 0},
};

const struct bench_case case_bulk = {
	.name = "bulk",
	.what = "8 B: 256 by a call, then free them by one, per pair",
	.flags = CASE_NULL | CASE_SCALES,
	.live = BATCH,
	.points = bulk_points,
	.metrics = metric_ns,
	.arg = &by_bulk_calls,
	.run = batch_run,
};
