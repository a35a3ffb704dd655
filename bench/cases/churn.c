// SPDX-License-Identifier: MIT
/*
 * churn - replace random members of a live population.
 *
 * Every replace frees one object picked at random and allocates one of a size
 * drawn from the mix: the steady state of a busy machine, where no free place
 * is next to the last one. As many replaces as there are objects come first,
 * untimed.
 */
#include "bench/case.h"
#include "bench/crew.h"
#include "bench/mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROUND = 64 };

struct herd {
	struct rng rng;
	unsigned nr;
	void *object[];
};

static void *draw_one(struct crew *crew, struct rng *rng)
{
	struct mix_entry entry = mix_draw(crew->shared, rng);
	void *p = crew->job->rival->alloc(entry.size, entry.align);

	if (!p)
		crew_fail(crew, strerror(errno));
	return p;
}

static bool replace(struct crew *crew, struct herd *herd, unsigned times)
{
	unsigned pick;

	while (times--) {
		pick = rng_below(&herd->rng, herd->nr);
		crew->job->rival->free(herd->object[pick]);
		herd->object[pick] = draw_one(crew, &herd->rng);
		if (!herd->object[pick])
			return false;
	}
	return true;
}

static void churn_prepare(struct crew_member *member)
{
	const struct job *job = member->crew->job;
	unsigned i, share = job->bench->live / job->threads;
	struct herd *herd;

	herd = calloc(1, sizeof(*herd) + share * sizeof(herd->object[0]));
	if (!herd) {
		crew_fail(member->crew, strerror(errno));
		return;
	}
	member->own = herd;
	herd->nr = share;
	rng_seed(&herd->rng, member->index);
	for (i = 0; i < share; i++) {
		herd->object[i] = draw_one(member->crew, &herd->rng);
		if (!herd->object[i])
			return;
	}
	replace(member->crew, herd, share);
}

static void churn_work(struct crew_member *member)
{
	while (!crew_stopped(member->crew) &&
	       replace(member->crew, member->own, ROUND))
		member->ops += ROUND;
}

static void churn_finish(struct crew_member *member)
{
	free(member->own);
}

static void churn_run(const struct job *job, struct result *result)
{
	struct mix mix;
	struct crew crew = {
		.job = job,
		.members = job->threads,
		.window_ms = job->window_ms,
		.prepare = churn_prepare,
		.work = churn_work,
		.finish = churn_finish,
		.shared = &mix,
	};
	const enum mix_kind *kind = job->bench->arg;

	if (!mix_load(&mix, *kind, job->traces, &result->error))
		return;
	if (crew_run(&crew))
		result_add(result, "ns", crew_ns_per_op(&crew));
	else
		result_fail(result, crew.error);
	crew_free(&crew);
}

static const enum mix_kind kernel = MIX_KERNEL, sites = MIX_SITES;

static const struct point small_points[] = {
	{CPUS_REAL, 1, MODES_ALL},
	{CPUS_REAL, 2, MODES_LONG},
	{64, 1, MODES_LONG},
	{8, 1, MODE_FULL},
	{256, 1, MODE_FULL},
	{CPUS_REAL, 4, MODE_FULL},
	{CPUS_REAL, 8, MODE_FULL},
	{CPUS_REAL, 32, MODE_FULL},
	{0, 0, 0},
};

static const struct point large_points[] = {
	{CPUS_REAL, 1, MODES_LONG},
	{CPUS_REAL, 2, MODES_LONG},
	{8, 1, MODE_FULL},
	{CPUS_REAL, 8, MODE_FULL},
	{0, 0, 0},
};

const struct bench_case case_churn_kernel_10k = {
	.name = "churn-kernel-10k",
	.what = "random replace, kernel-like mix, 10,000 live",
	.flags = CASE_NULL | CASE_NET | CASE_SCALES,
	.live = 10000,
	.points = small_points,
	.metrics = metric_ns,
	.arg = &kernel,
	.run = churn_run,
};

const struct bench_case case_churn_kernel_100k = {
	.name = "churn-kernel-100k",
	.what = "random replace, kernel-like mix, 100,000 live",
	.flags = CASE_NULL | CASE_NET | CASE_SCALES,
	.live = 100000,
	.points = large_points,
	.metrics = metric_ns,
	.arg = &kernel,
	.run = churn_run,
};

const struct bench_case case_churn_sites_10k = {
	.name = "churn-sites-10k",
	.what = "random replace, sizes of Linux's call sites, 10,000 live",
	.flags = CASE_NULL | CASE_NET | CASE_SCALES,
	.live = 10000,
	.points = large_points,
	.metrics = metric_ns,
	.arg = &sites,
	.run = churn_run,
};

const struct bench_case case_churn_sites_100k = {
	.name = "churn-sites-100k",
	.what = "random replace, sizes of Linux's call sites, 100,000 live",
	.flags = CASE_NULL | CASE_NET | CASE_SCALES,
	.live = 100000,
	.points = large_points,
	.metrics = metric_ns,
	.arg = &sites,
	.run = churn_run,
};
