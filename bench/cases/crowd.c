// SPDX-License-Identifier: MIT
/*
 * crowd - many more threads than cores, all allocating and freeing 8 bytes.
 *
 * Three questions: what the crowd gets done against as many threads as there
 * are cores (asked before and after, for the machine's own drift), how evenly
 * it is shared out, and how long single allocations take. The last has a pass
 * of its own, with the time slices taken out: a thread that lost its core
 * within an allocation shows what the scheduler does, not the allocator.
 *
 * Such a switch is known by the kernel's count of the thread's involuntary
 * ones, read after every round: as many of the round's longest samples as
 * there were switches are left out. Waiting for a lock that sleeps is
 * voluntary and stays in; a waiter that yields counts as switched, which
 * flatters baseline-tas. What the scheduler and the machine do by themselves
 * is in null's row.
 */
#include "bench/case.h"
#include "bench/clock.h"
#include "bench/crew.h"
#include "bench/herd.h"
#include "bench/ticks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	SIZE = 8,
	ROUND = 64, /* pairs between two looks at the stop flag */
	/* In windows: time slices are long, and each thread needs many. */
	CROWD_WINDOWS = 50,
	FEW_WINDOWS = 5,
	TIMED_WINDOWS = 10,
};

struct listener {
	struct tally tally;
	long switches; /* so far */
	uint64_t left_out;
};

static void crowd_work(struct crew_member *member)
{
	const struct rival *rival = member->crew->job->rival;
	unsigned i;
	void *p;

	while (!crew_stopped(member->crew)) {
		for (i = 0; i < ROUND; i++) {
			p = rival->alloc(SIZE, SIZE);
			if (!p) {
				crew_fail(member->crew, strerror(errno));
				return;
			}
			rival->free(p);
		}
		member->ops += ROUND;
	}
}

static long involuntary_switches(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_nivcsw;
}

static void tally_round(struct listener *own, uint32_t ticks[ROUND])
{
	long now = involuntary_switches();
	unsigned i, longest, nr = ROUND;

	for (; own->switches < now && nr; own->switches++) {
		for (longest = 0, i = 1; i < nr; i++) {
			if (ticks[i] > ticks[longest])
				longest = i;
		}
		ticks[longest] = ticks[--nr];
	}
	own->switches = now;
	own->left_out += ROUND - nr;
	for (i = 0; i < nr; i++)
		tally_add(&own->tally, ticks[i]);
}

static void timed_work(struct crew_member *member)
{
	const struct rival *rival = member->crew->job->rival;
	struct listener *own = member->own;
	uint32_t ticks[ROUND];
	uint64_t begin;
	unsigned i;
	void *p;

	own->switches = involuntary_switches();
	while (!crew_stopped(member->crew)) {
		for (i = 0; i < ROUND; i++) {
			begin = ticks_begin();
			p = rival->alloc(SIZE, SIZE);
			ticks[i] = clamp_ticks(ticks_end() - begin);
			if (!p) {
				crew_fail(member->crew, strerror(errno));
				return;
			}
			rival->free(p);
		}
		tally_round(own, ticks);
	}
}

static void timed_prepare(struct crew_member *member)
{
	member->own = calloc(1, sizeof(struct listener));
	if (!member->own)
		abort();
}

/*
 * Up to the end of the window. Threads that saw it wait for those that still
 * have to get a core to see it, and that time is nobody's.
 */
static double pairs_per_ns(const struct crew *crew)
{
	uint64_t begin = UINT64_MAX;
	unsigned long ops = 0;
	unsigned i;

	for (i = 0; i < crew->members; i++) {
		if (crew->member[i].begin_ns < begin)
			begin = crew->member[i].begin_ns;
		ops += crew->member[i].ops;
	}
	return (double)ops / (double)(crew->stop_ns - begin);
}

static double least_to_most(const struct crew *crew)
{
	unsigned long least = crew->member[0].ops, most = least;
	unsigned i;

	for (i = 1; i < crew->members; i++) {
		unsigned long ops = crew->member[i].ops;

		least = ops < least ? ops : least;
		most = ops > most ? ops : most;
	}
	return most ? (double)least / (double)most : 0;
}

/* One run of a crew; *fair may be NULL. */
static bool run_crowd(const struct job *job, unsigned members, unsigned windows,
		      struct result *result, double *rate, double *fair)
{
	struct crew crew = {
		.job = job,
		.members = members,
		.window_ms = job->window_ms * windows,
		.work = crowd_work,
	};
	bool done = crew_run(&crew);

	if (done) {
		*rate = pairs_per_ns(&crew);
		if (fair)
			*fair = least_to_most(&crew);
	} else {
		result_fail(result, crew.error);
	}
	crew_free(&crew);
	return done;
}

static void run_timed(const struct job *job, struct result *result)
{
	static struct tally all;
	struct crew crew = {
		.job = job,
		.members = job->threads,
		.window_ms = job->window_ms * TIMED_WINDOWS,
		.prepare = timed_prepare,
		.work = timed_work,
	};
	struct moment since = moment_now();
	uint64_t left_out = 0;
	unsigned i;

	if (crew_run(&crew)) {
		for (i = 0; i < crew.members; i++) {
			const struct listener *own = crew.member[i].own;

			tally_merge(&all, &own->tally);
			left_out += own->left_out;
		}
		tally_report(&all, since, result);
		result_add(result, "left_out", (double)left_out);
	} else {
		result_fail(result, crew.error);
	}
	crew_free(&crew);
}

static void crowd_run(const struct job *job, struct result *result)
{
	unsigned few = crew_cores();
	double before, rate, after, fair;
	static struct mix mix;

	if (!mix_load(&mix, MIX_8, job->traces, &result->error))
		return;
	if (!herd_new(job, &mix, job->bench->live, 0)) {
		result_fail(result, strerror(errno));
		return;
	}
	if (!run_crowd(job, few, FEW_WINDOWS, result, &before, NULL) ||
	    !run_crowd(job, job->threads, CROWD_WINDOWS, result, &rate,
		       &fair) ||
	    !run_crowd(job, few, FEW_WINDOWS, result, &after, NULL))
		return;
	result_add(result, "ns", 1 / rate);
	result_add(result, "throughput", 2 * rate / (before + after));
	result_add(result, "fair", fair);
	run_timed(job, result);
}

static const struct metric metrics[] = {
	{"ns", "ns", 1, true},
	{"throughput", "of cores'", 3, false},
	{"fair", "min/max", 3, false},
	{"p50", "p50", 1, true},
	{"p999", "p99.9", 1, true},
	{"timer", "timer", 1, false},
	{"samples", "samples", 0, false},
	{"left_out", "left out", 0, false},
	{NULL, NULL, 0, false},
};

static const struct point points[] = {
	{CPUS_REAL, 32, MODES_LONG},
	{0, 0, 0},
};

const struct bench_case case_crowd = {
	.name = "crowd",
	.what = "8 B pairs by more threads than cores, and by as many as cores",
	.flags = CASE_NULL | CASE_UNITS,
	.live = 10000,
	.repeats = 3,
	.points = points,
	.metrics = metrics,
	.run = crowd_run,
};
