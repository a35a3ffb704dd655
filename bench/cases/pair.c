// SPDX-License-Identifier: MIT
/*
 * pair - allocate 8 bytes and free them at once, above a live population.
 *
 * The population matters: an empty allocator is another one. It is shared out
 * among the threads, so that the allocator's state is the same for any number
 * of them. Two populations are tried: counters of the same 8 bytes, and the
 * kernel-like mix after a churn, with holes of all sizes in its memory.
 */
#include "bench/case.h"
#include "bench/crew.h"
#include "bench/herd.h"

#include <errno.h>
#include <string.h>

enum {
	SIZE = 8,
	ROUND = 64, /* pairs between two looks at the stop flag */
};

/* A rival without alloc() has no population to build either. */
static void pair_prepare(struct crew_member *member)
{
	const struct job *job = member->crew->job;
	unsigned share = job->bench->live / job->threads;
	struct herd *herd;

	if (!job->rival->alloc)
		return;
	herd = herd_new(job, member->crew->shared, share, member->index);
	if (!herd || !herd_replace(herd, share))
		crew_fail(member->crew, strerror(errno));
	herd_forget(herd);
}

static void pair_work(struct crew_member *member)
{
	const struct rival *rival = member->crew->job->rival;
	void *(*alloc)(size_t, size_t) = rival->alloc;
	void (*release)(void *) = rival->free;
	unsigned i;
	void *p;

	while (!crew_stopped(member->crew)) {
		for (i = 0; i < ROUND; i++) {
			p = alloc(SIZE, SIZE);
			if (!p) {
				crew_fail(member->crew, strerror(errno));
				return;
			}
			release(p);
		}
		member->ops += ROUND;
	}
}

static void bare_work(struct crew_member *member)
{
	const struct rival *rival = member->crew->job->rival;

	while (!crew_stopped(member->crew)) {
		if (!rival->bare_pairs(ROUND)) {
			crew_fail(member->crew, "the bare loop went wrong");
			return;
		}
		member->ops += ROUND;
	}
}

static void pair_run(const struct job *job, struct result *result)
{
	const enum mix_kind *kind = job->bench->arg;
	struct mix mix;
	struct crew crew = {
		.job = job,
		.members = job->threads,
		.window_ms = job->window_ms,
		.prepare = pair_prepare,
		.work = job->rival->bare_pairs ? bare_work : pair_work,
		.shared = &mix,
	};

	if (!mix_load(&mix, *kind, job->traces, &result->error))
		return;
	if (crew_run(&crew))
		result_add(result, "ns", crew_ns_per_op(&crew));
	else
		result_fail(result, crew.error);
	crew_free(&crew);
}

static const enum mix_kind counters = MIX_8, kernel = MIX_KERNEL;

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_ALL},
	{8, 1, MODES_LONG},
	{64, 1, MODES_LONG},
	{256, 1, MODES_LONG},
	{CPUS_REAL, 2, MODES_ALL},
	{CPUS_REAL, 4, MODE_FULL},
	{CPUS_REAL, 8, MODES_LONG},
	{CPUS_REAL, 32, MODES_LONG},
	{0, 0, 0},
};

const struct bench_case case_pair = {
	.name = "pair",
	.what = "8 B: allocate and free at once, 10,000 counters live",
	.flags = CASE_BARE | CASE_NULL | CASE_ALL_LOCKS | CASE_SCALES,
	.live = 10000,
	.points = points,
	.metrics = metric_ns,
	.arg = &counters,
	.run = pair_run,
};

static const struct point mixed_points[] = {
	{CPUS_REAL, 1, MODES_ALL},
	{CPUS_REAL, 2, MODES_LONG},
	{64, 1, MODE_FULL},
	{0, 0, 0},
};

const struct bench_case case_pair_mixed = {
	.name = "pair-mixed",
	.what = "8 B: the same above 10,000 of the kernel-like mix, churned",
	.flags = CASE_NULL | CASE_SCALES,
	.live = 10000,
	.points = mixed_points,
	.metrics = metric_ns,
	.arg = &kernel,
	.run = pair_run,
};
