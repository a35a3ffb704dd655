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
#include "bench/herd.h"

#include <errno.h>
#include <string.h>

enum { ROUND = 64 };

static void churn_prepare(struct crew_member *member)
{
	const struct job *job = member->crew->job;
	unsigned share = job->bench->live / job->threads;
	struct herd *herd;

	herd = herd_new(job, member->crew->shared, share, member->index);
	if (!herd || !herd_replace(herd, share))
		crew_fail(member->crew, strerror(errno));
	member->own = herd;
}

static void churn_work(struct crew_member *member)
{
	while (!crew_stopped(member->crew)) {
		if (!herd_replace(member->own, ROUND)) {
			crew_fail(member->crew, strerror(errno));
			return;
		}
		member->ops += ROUND;
	}
}

static void churn_finish(struct crew_member *member)
{
	herd_forget(member->own);
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
	.flags = CASE_NULL | CASE_NET | CASE_SCALES | CASE_LARGE,
	.live = 10000,
	.points = small_points,
	.metrics = metric_ns,
	.arg = &kernel,
	.run = churn_run,
};

const struct bench_case case_churn_kernel_100k = {
	.name = "churn-kernel-100k",
	.what = "random replace, kernel-like mix, 100,000 live",
	.flags = CASE_NULL | CASE_NET | CASE_SCALES | CASE_LARGE,
	.live = 100000,
	.points = large_points,
	.metrics = metric_ns,
	.arg = &kernel,
	.run = churn_run,
};

const struct bench_case case_churn_sites_10k = {
	.name = "churn-sites-10k",
	.what = "random replace, sizes of Linux's call sites, 10,000 live",
	.flags = CASE_NULL | CASE_NET | CASE_SCALES | CASE_LARGE,
	.live = 10000,
	.points = large_points,
	.metrics = metric_ns,
	.arg = &sites,
	.run = churn_run,
};

const struct bench_case case_churn_sites_100k = {
	.name = "churn-sites-100k",
	.what = "random replace, sizes of Linux's call sites, 100,000 live",
	.flags = CASE_NULL | CASE_NET | CASE_SCALES | CASE_LARGE,
	.live = 100000,
	.points = large_points,
	.metrics = metric_ns,
	.arg = &sites,
	.run = churn_run,
};
