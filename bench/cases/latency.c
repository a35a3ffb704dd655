// SPDX-License-Identifier: MIT
/*
 * latency - how long single allocations take, in a pass of its own.
 *
 * Every allocation of a churn is timed by the cycle counter. What a reading
 * itself takes (the median of many empty ones) is taken off and stated. With
 * more threads than cores, the tail is the scheduler's as much as the lock's:
 * that is what a waiting thread sees.
 */
#include "bench/case.h"
#include "bench/clock.h"
#include "bench/crew.h"
#include "bench/herd.h"
#include "bench/ticks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct listener {
	struct herd *herd;
	struct tally tally;
};

static void *timed_alloc(struct herd *herd, struct tally *tally)
{
	struct mix_entry entry = mix_draw(herd->mix, &herd->rng);
	uint64_t begin, end;
	void *p;

	begin = ticks_begin();
	p = herd->rival->alloc(entry.size, entry.align);
	end = ticks_end();
	tally_add(tally, clamp_ticks(end - begin));
	return p;
}

static void latency_work(struct crew_member *member)
{
	struct listener *own = member->own;
	struct herd *herd = own->herd;
	unsigned pick;

	while (!crew_stopped(member->crew)) {
		pick = rng_below(&herd->rng, herd->nr);
		herd->rival->free(herd->object[pick]);
		herd->object[pick] = timed_alloc(herd, &own->tally);
		if (!herd->object[pick]) {
			crew_fail(member->crew, strerror(errno));
			return;
		}
	}
}

static void latency_prepare(struct crew_member *member)
{
	const struct job *job = member->crew->job;
	struct listener *own = calloc(1, sizeof(*own));

	if (!own)
		abort();
	member->own = own;
	own->herd = herd_new(job, member->crew->shared,
			     job->bench->live / job->threads, member->index);
	if (!own->herd)
		crew_fail(member->crew, strerror(errno));
}

static void latency_run(const struct job *job, struct result *result)
{
	static struct mix mix;
	struct crew crew = {
		.job = job,
		.members = job->threads,
		.window_ms = job->window_ms,
		.prepare = latency_prepare,
		.work = latency_work,
		.shared = &mix,
	};
	struct moment since = moment_now();
	static struct tally all;
	unsigned i;

	if (!mix_load(&mix, MIX_KERNEL, job->traces, &result->error))
		return;
	if (crew_run(&crew)) {
		for (i = 0; i < crew.members; i++) {
			const struct listener *own = crew.member[i].own;

			tally_merge(&all, &own->tally);
		}
		tally_report(&all, since, result);
	} else {
		result_fail(result, crew.error);
	}
	crew_free(&crew);
}

static const struct metric metrics[] = {
	{"p50", "p50", 1, true},      {"p99", "p99", 1, true},
	{"p999", "p99.9", 1, true},   {"timer", "timer", 1, false},
	{"grain", "grain", 1, false}, {"samples", "samples", 0, false},
	{NULL, NULL, 0, false},
};

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_LONG}, {CPUS_REAL, 2, MODES_LONG},
	{CPUS_REAL, 8, MODES_LONG}, {CPUS_REAL, 32, MODE_FULL},
	{64, 1, MODE_FULL},         {0, 0, 0},
};

const struct bench_case case_latency = {
	.name = "latency",
	.what = "one allocation, ns, churn of the kernel-like mix, 10,000 live",
	.flags = CASE_SCALES,
	.live = 10000,
	.points = points,
	.metrics = metrics,
	.run = latency_run,
};
