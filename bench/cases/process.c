// SPDX-License-Identifier: MIT
/*
 * process - a short-lived process's counters, as in the trace fork_exec: fork
 * makes 16 bytes per CPU, exec 16 more, in place of the first; exit gives them
 * back. In each two of four counters go up and down again, by one thread.
 *
 *	process			allocated each time
 *	process-cached		from an object cache, as it was given back
 *	process-counters	counters with two modes instead
 *	process-lazy		objects whose copies are made on demand
 *
 * lazy - such an object alone: create, visit from one CPU, destroy.
 */
#include "bench/case.h"
#include "bench/crew.h"

#include <errno.h>
#include <pcpu.h>
#include <pcpu/cache.h>
#include <pcpu/counter.h>
#include <pcpu/lazy.h>
#include <sched.h>
#include <string.h>

enum {
	COUNTERS = 4,
	TOUCHED = 2,
	SIZE = COUNTERS * sizeof(int32_t),
	ALIGN = _Alignof(int32_t),
	ROUND = 64, /* processes between two looks at the stop flag */
};

/* A process's life; false if there is no memory. */
typedef bool life(const struct rival *rival, unsigned cpu);

/* A case's arg. */
struct kind {
	life *live;
};

static inline void update(volatile int32_t *counter)
{
	unsigned i;

	for (i = 0; i < TOUCHED; i++)
		counter[i]++;
	for (i = 0; i < TOUCHED; i++)
		counter[i]--;
}

static bool live_plain(const struct rival *rival, unsigned cpu)
{
	void *fork = rival->alloc(SIZE, ALIGN), *exec;

	if (!fork)
		return false;
	update(rival->ptr(fork, cpu, SIZE));
	exec = rival->alloc(SIZE, ALIGN);
	rival->free(fork);
	if (!exec)
		return false;
	update(rival->ptr(exec, cpu, SIZE));
	rival->free(exec);
	return true;
}

static struct pcpu_cache *cache;

static bool live_cached(const struct rival *rival, unsigned cpu)
{
	void *fork = pcpu_cache_alloc(cache), *exec;

	if (!fork)
		return false;
	update(rival->ptr(fork, cpu, SIZE));
	exec = pcpu_cache_alloc(cache);
	pcpu_cache_free(cache, fork);
	if (!exec)
		return false;
	update(rival->ptr(exec, cpu, SIZE));
	pcpu_cache_free(cache, exec);
	return true;
}

static void update_counters(struct pcpu_counter *counter)
{
	unsigned i;

	for (i = 0; i < TOUCHED; i++)
		pcpu_counter_inc(&counter[i]);
	for (i = 0; i < TOUCHED; i++)
		pcpu_counter_dec(&counter[i]);
}

static bool live_counters(const struct rival *rival, unsigned cpu)
{
	struct pcpu_counter fork[COUNTERS], exec[COUNTERS];

	(void)rival;
	(void)cpu;
	pcpu_counter_init_many(fork, COUNTERS, 0, 0);
	update_counters(fork);
	pcpu_counter_init_many(exec, COUNTERS, 0, 0);
	pcpu_counter_destroy_many(fork, COUNTERS);
	update_counters(exec);
	pcpu_counter_destroy_many(exec, COUNTERS);
	return true;
}

static bool live_lazy(const struct rival *rival, unsigned cpu)
{
	struct pcpu_lazy *fork, *exec;

	(void)rival;
	(void)cpu;
	fork = pcpu_lazy_create(SIZE, ALIGN, NULL, NULL);
	if (!fork)
		return false;
	update(pcpu_lazy_this(fork));
	exec = pcpu_lazy_create(SIZE, ALIGN, NULL, NULL);
	pcpu_lazy_destroy(fork);
	if (!exec)
		return false;
	update(pcpu_lazy_this(exec));
	pcpu_lazy_destroy(exec);
	return true;
}

static bool visit_lazy(const struct rival *rival, unsigned cpu)
{
	struct pcpu_lazy *lazy =
		pcpu_lazy_create(sizeof(int64_t), sizeof(int64_t), NULL, NULL);

	(void)rival;
	(void)cpu;
	if (!lazy || !pcpu_lazy_this(lazy))
		return false;
	pcpu_lazy_destroy(lazy);
	return true;
}

static bool live_round(const struct job *job, unsigned cpu)
{
	life *live = ((const struct kind *)job->bench->arg)->live;
	unsigned i;

	for (i = 0; i < ROUND; i++)
		if (!live(job->rival, cpu))
			return false;
	return true;
}

/* An empty allocator is another one, and so is one that was never used. */
static void process_prepare(struct crew_member *member)
{
	const struct job *job = member->crew->job;
	unsigned i;

	cache = pcpu_cache_create("process", SIZE, ALIGN, NULL, NULL,
				  PCPU_CACHE_PERCPU);
	if (!cache)
		crew_fail(member->crew, strerror(errno));
	for (i = 0; i < job->bench->live; i++)
		if (!job->rival->alloc(SIZE, ALIGN))
			crew_fail(member->crew, strerror(errno));
	if (!live_round(job, (unsigned)sched_getcpu()))
		crew_fail(member->crew, strerror(errno));
}

static void process_work(struct crew_member *member)
{
	const struct job *job = member->crew->job;
	unsigned cpu = (unsigned)sched_getcpu();

	while (!crew_stopped(member->crew)) {
		if (!live_round(job, cpu)) {
			crew_fail(member->crew, strerror(errno));
			return;
		}
		member->ops += ROUND;
	}
}

static void process_run(const struct job *job, struct result *result)
{
	struct crew crew = {
		.job = job,
		.members = job->threads,
		.window_ms = job->window_ms,
		.prepare = process_prepare,
		.work = process_work,
	};

	if (crew_run(&crew))
		result_add(result, "ns", crew_ns_per_op(&crew));
	else
		result_fail(result, crew.error);
	crew_free(&crew);
}

#define POINTS(name, modes_at_256)           \
	static const struct point name[] = { \
		{CPUS_REAL, 1, MODES_LONG},  \
		{64, 1, MODES_LONG},         \
		{256, 1, modes_at_256},      \
		{1024, 1, MODES_LONG},       \
		{0, 0, 0},                   \
	}
POINTS(points, MODES_ALL);
POINTS(long_points, MODES_LONG);

static const struct kind plain = {live_plain}, cached = {live_cached},
			 counters = {live_counters}, lazy = {live_lazy},
			 visit = {visit_lazy};

#define CASE(id, title, kinds, says, at, which) \
	const struct bench_case id = {          \
		.name = title,                  \
		.what = says,                   \
		.flags = kinds,                 \
		.live = 1000,                   \
		.points = at,                   \
		.metrics = metric_ns,           \
		.arg = &(which),                \
		.run = process_run,             \
	}

CASE(case_process, "process", CASE_UNITS,
     "fork, exec, exit: 16 B allocated, updated, freed, twice", points, plain);
CASE(case_process_cached, "process-cached", CASE_OWN,
     "the same from an object cache, twice", points, cached);
CASE(case_process_counters, "process-counters", CASE_OWN,
     "the same with four counters with two modes, twice", points, counters);
CASE(case_process_lazy, "process-lazy", CASE_OWN,
     "the same with copies on demand, twice", long_points, lazy);
CASE(case_lazy, "lazy", CASE_OWN,
     "8 B on demand: create, visit from one CPU, destroy", long_points, visit);
