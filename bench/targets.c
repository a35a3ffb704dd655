// SPDX-License-Identifier: MIT
#include "targets.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define SUBJECT "libpcpu"
#define BASELINE "baseline-mutex"
#define SPINNER "baseline-tas"

/* A cell; cpus and threads as in struct point. */
struct spot {
	const char *bench;
	const char *rival;
	unsigned cpus;
	unsigned threads;
};

/*
 * The ratio of two cells' figures, by repeat, or the first cell's own where
 * the second has no name. Left out when a cell is not part of the plan.
 */
struct goal {
	const char *what;
	const char *metric;
	bool at_most;
	double limit;
	const char *unit;
	struct spot over, under;
};

#define GOAL(what, metric, bound, limit, unit, over, under)   \
	{                                                     \
		what, metric, bound, limit, unit, over, under \
	}
#define SPOT(bench, rival, cpus, threads)   \
	{                                   \
		bench, rival, cpus, threads \
	}
#define OF_ITS_OWN               \
	{                        \
		NULL, NULL, 0, 0 \
	}
#define AT_LEAST false
#define AT_MOST true

#define FASTER(rival, bench, threads, limit)                           \
	GOAL(bench ": faster than " rival, "ns", AT_LEAST, limit, "x", \
	     SPOT(bench, rival, CPUS_REAL, threads),                   \
	     SPOT(bench, SUBJECT, CPUS_REAL, threads))

static const struct goal speed_goals[] = {
	GOAL("pair: of the bare loop's time", "ns", AT_MOST, 1.5, "x",
	     SPOT("pair", SUBJECT, CPUS_REAL, 1),
	     SPOT("pair", "floor", CPUS_REAL, 1)),
	FASTER(BASELINE, "pair", 1, 20),
	GOAL("pair, 256 CPUs: faster than " BASELINE, "ns", AT_LEAST, 10, "x",
	     SPOT("pair", BASELINE, 256, 1), SPOT("pair", SUBJECT, 256, 1)),
	FASTER(BASELINE, "churn-kernel-100k", 1, 8),
	GOAL("churn-kernel-100k, huge pages: faster than " BASELINE, "ns",
	     AT_LEAST, 8, "x",
	     SPOT("churn-kernel-100k", BASELINE, CPUS_REAL, 1),
	     SPOT("churn-kernel-100k", "libpcpu-huge", CPUS_REAL, 1)),
	FASTER(BASELINE, "trace-bpf_map", 2, 10),
	FASTER(SPINNER, "trace-bpf_map", 2, 10),
	FASTER(BASELINE, "trace-fork_exec", 2, 10),
	FASTER(SPINNER, "trace-fork_exec", 2, 10),
	FASTER(BASELINE, "trace-tc_filter", 2, 10),
	FASTER(SPINNER, "trace-tc_filter", 2, 10),
	FASTER(BASELINE, "trace-veth", 2, 10),
	FASTER(SPINNER, "trace-veth", 2, 10),
	FASTER(BASELINE, "handoff", 2, 3),
	GOAL("handoff: of a bare round trip's time", "ns", AT_MOST, 1.5, "x",
	     SPOT("handoff", SUBJECT, CPUS_REAL, 2),
	     SPOT("handoff", "round-trip", CPUS_REAL, 2)),
	GOAL("fresh: time at 256 CPUs, of that at as many as real", "ns",
	     AT_MOST, 1.25, "x", SPOT("fresh", SUBJECT, 256, 1),
	     SPOT("fresh", SUBJECT, CPUS_REAL, 1)),
	GOAL("fresh, 256 CPUs: resident in other CPUs' copies", "others",
	     AT_MOST, 0, " KiB", SPOT("fresh", SUBJECT, 256, 1), OF_ITS_OWN),
	GOAL("search: instructions at 1,000,000 live, of those at 1,000",
	     "instructions", AT_MOST, 1.3, "x",
	     SPOT("search-1m", SUBJECT, CPUS_REAL, 1),
	     SPOT("search-1k", SUBJECT, CPUS_REAL, 1)),
};

/* One core has nothing to share out. */
static const struct goal scaling_goal =
	GOAL("pair: two threads against one, in total", "ns", AT_LEAST, 1.95,
	     "x", SPOT("pair", SUBJECT, CPUS_REAL, 1),
	     SPOT("pair", SUBJECT, CPUS_REAL, 2));

#define OPERATIONS SPOT("operations-cpu", SUBJECT, CPUS_REAL, 1)

static const struct goal operation_goals[] = {
	GOAL("this_add: of a hand-written sequence's time", "of_hand", AT_MOST,
	     1.5, "x", OPERATIONS, OF_ITS_OWN),
};

#define CACHE(cpus) SPOT("cache", SUBJECT, cpus, 1)
#define CACHE_PAIR(where, cpus)                                           \
	GOAL("cache, " where ": pair, of a bare rseq stack's", "of_bare", \
	     AT_MOST, 1.5, "x", CACHE(cpus), OF_ITS_OWN)

static const struct goal cache_goals[] = {
	CACHE_PAIR("real CPUs", CPUS_REAL),
	CACHE_PAIR("64 CPUs", 64),
	CACHE_PAIR("256 CPUs", 256),
	GOAL("cache: that at 256 CPUs, of that at as many as real", "of_bare",
	     AT_MOST, 1.25, "x", CACHE(256), CACHE(CPUS_REAL)),
	GOAL("cache, 256 CPUs: held when idle, of the budget", "held", AT_MOST,
	     1, "x", CACHE(256), OF_ITS_OWN),
	GOAL("cache, 256 CPUs: held after a shrink", "shrunk", AT_MOST, 0, " B",
	     CACHE(256), OF_ITS_OWN),
};

/* How many times less a process costs so, at 256 CPUs. */
#define PROCESS(how, rival, limit)                                             \
	GOAL("process, 256 CPUs: " how ", faster than " rival, "ns", AT_LEAST, \
	     limit, "x", SPOT("process", rival, 256, 1),                       \
	     SPOT("process-" how, SUBJECT, 256, 1))
#define COUNTER SPOT("counter", SUBJECT, 256, 1)

static const struct goal object_goals[] = {
	PROCESS("cached", BASELINE, 50),
	PROCESS("cached", SUBJECT, 10),
	PROCESS("counters", BASELINE, 50),
	PROCESS("counters", SUBJECT, 10),
	GOAL("counter: a life with 10 adds, of a volatile integer's",
	     "of_plain", AT_MOST, 3, "x", COUNTER, OF_ITS_OWN),
	GOAL("counter: memory of one that has one thread", "memory", AT_MOST, 0,
	     " B", COUNTER, OF_ITS_OWN),
	GOAL("counter, shared, 256 CPUs: an add, of this_add's time", "of_this",
	     AT_MOST, 1.3, "x", COUNTER, OF_ITS_OWN),
	GOAL("counter tree, 256 CPUs: an add, of a counter's", "of_shared",
	     AT_MOST, 2, "x", COUNTER, OF_ITS_OWN),
	GOAL("counter tree: approximate value at 256 CPUs, of that at as real",
	     "approx", AT_MOST, 1.25, "x", COUNTER,
	     SPOT("counter", SUBJECT, CPUS_REAL, 1)),
	GOAL("lazy: time at 1,024 CPUs, of that at as many as real", "ns",
	     AT_MOST, 1.25, "x", SPOT("lazy", SUBJECT, 1024, 1),
	     SPOT("lazy", SUBJECT, CPUS_REAL, 1)),
};

#define CROWD SPOT("crowd", SUBJECT, CPUS_REAL, 32)
#define STOPPED SPOT("stopped", SUBJECT, CPUS_REAL, THREADS_CORES)

static const struct goal crowd_goals[] = {
	GOAL("crowd, 32 threads: throughput, of that with as many as cores",
	     "throughput", AT_LEAST, 0.9, "x", CROWD, OF_ITS_OWN),
	GOAL("crowd, 32 threads: least operations of a thread, of the most",
	     "fair", AT_LEAST, 0.5, "x", CROWD, OF_ITS_OWN),
	GOAL("crowd, 32 threads: p99.9 of an allocation, without time slices",
	     "p999", AT_MOST, 1000, " ns", CROWD, OF_ITS_OWN),
	GOAL("stopped: throughput of the others, median of the stops", "median",
	     AT_LEAST, 0.95, "x", STOPPED, OF_ITS_OWN),
	GOAL("stopped: stops at which the others got stuck", "stuck", AT_MOST,
	     0, " %", STOPPED, OF_ITS_OWN),
};

/* In a few chunks the fixed part weighs most: the large population only. */
static const struct goal metadata_goal =
	GOAL("memory-kernel-100k: metadata, of one unit's space", "meta_unit",
	     AT_MOST, 7, " %",
	     SPOT("memory-kernel-100k", SUBJECT, CPUS_REAL, 1), OF_ITS_OWN);

struct list {
	const struct plan *plan;
	struct target *target;
	unsigned nr;
};

bool target_met(const struct target *target)
{
	return target->at_most ? target->measured <= target->limit
			       : target->measured >= target->limit;
}

static __attribute__((format(printf, 2, 3))) struct target *
add(struct list *list, const char *format, ...)
{
	struct target *target = &list->target[list->nr];
	va_list args;

	if (list->nr < MAX_TARGETS - 1)
		list->nr++;
	va_start(args, format);
	vsnprintf(target->what, sizeof(target->what), format, args);
	va_end(args);
	target->measured = (double)NAN;
	target->at_most = false;
	target->unit = "x";
	return target;
}

static const struct cell *find(const struct plan *plan, const struct spot *spot)
{
	return plan_cell(plan, spot->bench, spot->rival,
			 spot->cpus ? spot->cpus : plan->real_cpus,
			 spot->threads ? spot->threads : plan->cores);
}

static double median_of(const struct plan *plan, const struct cell *cell,
			const char *metric)
{
	double value[MAX_REPEATS];
	unsigned nr = cell_values(
		plan, cell, (unsigned)metric_index(cell->bench, metric), value);

	return nr ? stats_median(value, nr) : (double)NAN;
}

static void add_goal(struct list *list, const struct goal *goal)
{
	const struct cell *over = find(list->plan, &goal->over), *under = NULL;
	struct target *target;

	if (goal->under.bench)
		under = find(list->plan, &goal->under);
	if (!over || (goal->under.bench && !under))
		return;
	target = add(list, "%s", goal->what);
	target->at_most = goal->at_most;
	target->limit = goal->limit;
	target->unit = goal->unit;
	if (under)
		target->measured = cell_ratio(
			list->plan, over, under,
			(unsigned)metric_index(over->bench, goal->metric));
	else
		target->measured = median_of(list->plan, over, goal->metric);
}

static void add_goals(struct list *list, const struct goal *goal, size_t nr)
{
	while (nr--)
		add_goal(list, goal++);
}

/* The fastest of the calloc'ed arrays that were measured. */
static void add_best_array(struct list *list)
{
	const struct spot own = {"pair", SUBJECT, 256, 1};
	const struct cell *cell = find(list->plan, &own), *array;
	double ratio, best = (double)NAN;
	struct target *target;
	unsigned i, nr = 0;

	for (i = 0; cell && rivals[i]; i++) {
		array = plan_peer(list->plan, cell, rivals[i]->name);
		if (rivals[i]->kind != RIVAL_ARRAY || !array)
			continue;
		nr++;
		ratio = cell_ratio(list->plan, array, cell, 0);
		if (!isnan(ratio) && !(ratio > best))
			best = ratio;
	}
	if (!nr)
		return;
	target = add(list, "pair, 256 CPUs: faster than the best array");
	target->limit = 1;
	target->measured = best;
}

/* At or below the baseline in every state of the case. */
static void add_memory(struct list *list, const char *bench)
{
	static const struct {
		const char *metric, *what;
	} space[] = {
		{"unit_fill", "unit space per live byte, filled"},
		{"pop_fill", "populated per live byte, filled"},
		{"unit_churn", "unit space per live byte, churned"},
		{"pop_churn", "populated per live byte, churned"},
		{"unit_thin", "unit space per live byte, thinned"},
		{"pop_thin", "populated per live byte, thinned"},
	};
	const struct spot own = {bench, SUBJECT, CPUS_REAL, 1};
	const struct cell *cell = find(list->plan, &own), *baseline;
	struct target *target;
	unsigned i;

	if (!cell)
		return;
	baseline = plan_peer(list->plan, cell, BASELINE);
	for (i = 0; baseline && i < sizeof(space) / sizeof(space[0]); i++) {
		target = add(list, "%s: %s", bench, space[i].what);
		target->at_most = true;
		target->unit = "";
		target->limit =
			median_of(list->plan, baseline, space[i].metric);
		target->measured = median_of(list->plan, cell, space[i].metric);
	}
	target = add(list, "%s: RSS after free-all and trim, of start", bench);
	target->at_most = true;
	target->limit = 1.1;
	target->measured = median_of(list->plan, cell, "returned");
}

#define ADD_ALL(list, goals) \
	add_goals(list, goals, sizeof(goals) / sizeof((goals)[0]))

unsigned targets_measure(const struct plan *plan,
			 struct target target[MAX_TARGETS])
{
	struct list list = {.plan = plan, .target = target};

	ADD_ALL(&list, speed_goals);
	add_best_array(&list);
	if (plan->cores > 1)
		add_goal(&list, &scaling_goal);
	ADD_ALL(&list, operation_goals);
	ADD_ALL(&list, cache_goals);
	ADD_ALL(&list, object_goals);
	ADD_ALL(&list, crowd_goals);
	add_memory(&list, "memory-kernel-10k");
	add_memory(&list, "memory-kernel-100k");
	add_memory(&list, "memory-counters");
	add_goal(&list, &metadata_goal);
	return list.nr;
}
