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
#include "bench/mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ALL_SAMPLES = 400000, /* of all the threads of one run together */
	EMPTY_SAMPLES = 10001,
};

struct listener {
	struct rng rng;
	unsigned nr_live;
	unsigned nr_samples;
	unsigned max_samples;
	void **live;
	uint32_t *ticks;
};

static uint32_t clamp_ticks(uint64_t ticks)
{
	return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

static void *timed_alloc(struct crew *crew, struct listener *own)
{
	struct mix_entry entry = mix_draw(crew->shared, &own->rng);
	uint64_t begin, end;
	void *p;

	begin = ticks_begin();
	p = crew->job->rival->alloc(entry.size, entry.align);
	end = ticks_end();
	own->ticks[own->nr_samples++] = clamp_ticks(end - begin);
	if (!p)
		crew_fail(crew, strerror(errno));
	return p;
}

static void latency_work(struct crew_member *member)
{
	struct listener *own = member->own;
	unsigned pick;

	while (!crew_stopped(member->crew) &&
	       own->nr_samples < own->max_samples) {
		pick = rng_below(&own->rng, own->nr_live);
		member->crew->job->rival->free(own->live[pick]);
		own->live[pick] = timed_alloc(member->crew, own);
		if (!own->live[pick])
			return;
	}
}

static void latency_prepare(struct crew_member *member)
{
	const struct job *job = member->crew->job;
	struct listener *own = calloc(1, sizeof(*own));
	unsigned i;

	if (!own)
		abort();
	own->nr_live = job->bench->live / job->threads;
	own->max_samples = ALL_SAMPLES / job->threads;
	own->live = calloc(own->nr_live, sizeof(*own->live));
	own->ticks = calloc(own->max_samples, sizeof(*own->ticks));
	if (!own->live || !own->ticks)
		abort();
	/* Touched now: a first touch costs more than most allocations. */
	memset(own->ticks, 1, own->max_samples * sizeof(*own->ticks));
	member->own = own;
	rng_seed(&own->rng, member->index);
	for (i = 0; i < own->nr_live; i++) {
		own->live[i] = timed_alloc(member->crew, own);
		own->nr_samples = 0;
		if (!own->live[i])
			return;
	}
}

static int by_ticks(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * What a reading takes. The counter of a virtual machine may advance in steps
 * of several ns, below which no figure here means anything: *grain is the
 * smallest difference seen.
 */
static uint32_t empty_ticks(uint32_t *grain)
{
	static uint32_t ticks[EMPTY_SAMPLES];
	unsigned i;

	for (i = 0; i < EMPTY_SAMPLES; i++) {
		uint64_t begin = ticks_begin();

		ticks[i] = clamp_ticks(ticks_end() - begin);
	}
	qsort(ticks, EMPTY_SAMPLES, sizeof(ticks[0]), by_ticks);
	*grain = 0;
	for (i = 1; i < EMPTY_SAMPLES; i++) {
		uint32_t gap = ticks[i] - ticks[i - 1];

		if (gap && (!*grain || gap < *grain))
			*grain = gap;
	}
	return ticks[EMPTY_SAMPLES / 2];
}

/* All samples of the crew in one sorted array. */
static uint32_t *gather(const struct crew *crew, size_t *nr)
{
	uint32_t *all = malloc(ALL_SAMPLES * sizeof(*all));
	unsigned i;

	*nr = 0;
	for (i = 0; all && i < crew->members; i++) {
		const struct listener *own = crew->member[i].own;

		memcpy(all + *nr, own->ticks, own->nr_samples * sizeof(*all));
		*nr += own->nr_samples;
	}
	if (all)
		qsort(all, *nr, sizeof(*all), by_ticks);
	return all;
}

static void summarise(const struct crew *crew, double ns_per_tick,
		      struct result *result)
{
	static const struct {
		const char *name;
		double share;
	} wanted[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}};
	uint32_t grain, empty = empty_ticks(&grain);
	size_t i, nr;
	uint32_t *all = gather(crew, &nr);

	if (!all || !nr) {
		result_fail(result, "no samples");
		return;
	}
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		uint32_t ticks =
			all[(size_t)(wanted[i].share * (double)(nr - 1))];

		ticks = ticks > empty ? ticks - empty : 0;
		result_add(result, wanted[i].name, ticks * ns_per_tick);
	}
	result_add(result, "timer", empty * ns_per_tick);
	result_add(result, "grain", grain * ns_per_tick);
	result_add(result, "samples", (double)nr);
	free(all);
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
	uint64_t ns = clock_ns(), ticks = ticks_begin();

	if (!mix_load(&mix, MIX_KERNEL, job->traces, &result->error))
		return;
	if (crew_run(&crew)) {
		ticks = ticks_end() - ticks;
		ns = clock_ns() - ns;
		summarise(&crew, (double)ns / (double)ticks, result);
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
