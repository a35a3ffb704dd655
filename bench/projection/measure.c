// SPDX-License-Identifier: MIT
/*
 * The benchmark's own runner takes the pairs, each sample in a process of its
 * own; micro.c does the rest.
 */
#include "measure.h"

#include "bench/crew.h"
#include "bench/machine.h"
#include "bench/plan.h"
#include "bench/runner.h"
#include "micro.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * What one thread does alone is taken at its least: neighbours only add. What
 * two cores do to each other depends on which cores a virtual machine has
 * just been given (22, 50 and 240 ns for a transfer were seen on one machine
 * within the hour), so it is taken before and after: the least stands for one
 * socket, and the range is told.
 */
enum { PASSES = 3 };

struct passes {
	unsigned nr;
	struct costs costs[2 * PASSES];
};

static const char *const hows[NR_INPUTS] = {
	[COST_RMW] = "fetch_add in a loop, one thread",
	[COST_TRANSFER] = "a flag passed between two cores, time of one way: "
			  "the load that fetches it and the store",
	[COST_MUTEX] = "adaptive pthread mutex, locked and unlocked in a loop",
	[COST_HARNESS] =
		"the null rival's pair of one thread, least of 7 samples",
	[COST_ZERO_HOT] = "8 B stored to each of 64 lines, then a fence; this "
			  "core had written them",
	[COST_ZERO_DIRTY] = "the same when another core had written them",
	[CURVE_PCPU] = "the benchmark's pair of one thread, least of 7 samples",
	[CURVE_BASELINE] =
		"the benchmark's pair of one thread, mutex, least of 7 samples",
};

static struct summary summary_of(const struct plan *plan, const char *rival,
				 unsigned copies, unsigned threads)
{
	const struct summary none = {(double)NAN, (double)NAN, (double)NAN};
	const struct cell *cell =
		plan_cell(plan, "pair", rival, copies, threads);
	double value[MAX_REPEATS];
	unsigned nr = cell ? cell_values(plan, cell, 0, value) : 0;

	return nr ? stats_summary(value, nr) : none;
}

static double median(const struct plan *plan, const char *rival,
		     unsigned copies, unsigned threads)
{
	return summary_of(plan, rival, copies, threads).median;
}

static double least(const struct plan *plan, const char *rival, unsigned copies,
		    unsigned threads)
{
	return summary_of(plan, rival, copies, threads).min;
}

static void add_point(struct curve *curve, unsigned copies, double ns)
{
	if (isnan(ns) || curve->nr == MAX_CURVE)
		return;
	curve->copies[curve->nr] = copies;
	curve->ns[curve->nr++] = ns;
}

static void take_curves(const struct plan *plan, struct costs *costs)
{
	const struct numbers *copies = &plan->options->cpus;
	unsigned i;

	costs->pcpu.nr = costs->baseline.nr = 0;
	for (i = 0; i < copies->nr; i++) {
		unsigned n = copies->value[i];

		add_point(&costs->pcpu, n, least(plan, "libpcpu", n, 1));
		add_point(&costs->baseline, n,
			  least(plan, "baseline-mutex", n, 1));
	}
	costs->harness = least(plan, "null", plan->real_cpus, 1);
}

static void take_observations(const struct plan *plan,
			      struct observations *seen)
{
	const struct numbers *threads = &plan->options->threads;
	unsigned i;

	seen->nr = 0;
	snprintf(seen->source, sizeof(seen->source), "this machine, now");
	for (i = 0; i < threads->nr; i++) {
		unsigned n = threads->value[i], cpus = plan->real_cpus;
		struct observed *at = observed_at(seen, n, cpus);

		at->pcpu = median(plan, "libpcpu", cpus, n);
		at->pcpu_least = least(plan, "libpcpu", cpus, n);
		at->baseline = median(plan, "baseline-mutex", cpus, n);
		at->harness = median(plan, "null", cpus, n);
	}
}

static void add_number(struct numbers *list, unsigned value)
{
	if (list->nr < MAX_LIST)
		list->value[list->nr++] = value;
}

/* One thread at several numbers of copies; 1, 2, 4 ... threads at the real. */
static void choose(struct options *options, unsigned real_cpus)
{
	static const unsigned copies[] = {64, 256, 512};
	unsigned i, threads;

	add_number(&options->cpus, real_cpus);
	for (i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		if (copies[i] > real_cpus)
			add_number(&options->cpus, copies[i]);
	}
	for (threads = 1; threads <= crew_cores(); threads *= 2)
		add_number(&options->threads, threads);
}

static void describe(struct study *study)
{
	struct machine machine;
	unsigned i;

	machine_read(&machine);
	snprintf(study->machine, sizeof(study->machine), "%s, %u cores",
		 machine.cpu, crew_cores());
	snprintf(study->date, sizeof(study->date), "%s", machine.date);
	for (i = 0; i < NR_INPUTS; i++)
		snprintf(study->how[i], sizeof(study->how[i]), "measured: %s",
			 hows[i]);
}

static const char *take_passes(struct passes *passes)
{
	const char *error = NULL;
	unsigned i;

	for (i = 0; i < PASSES && !error; i++)
		error = micro_measure(&passes->costs[passes->nr++]);
	return error;
}

static void note_range(const struct passes *passes, char *how, size_t size)
{
	size_t len = strlen(how);
	double least = INFINITY, most = 0;
	unsigned i;

	for (i = 0; i < passes->nr; i++) {
		least = fmin(least, passes->costs[i].transfer);
		most = fmax(most, passes->costs[i].transfer);
	}
	snprintf(how + len, size - len, "; least of %u runs, %.0f to %.0f",
		 passes->nr, least, most);
}

static void merge_passes(const struct passes *passes, struct study *study)
{
	struct costs least = passes->costs[0];
	unsigned i;

	for (i = 1; i < passes->nr; i++) {
		const struct costs *one = &passes->costs[i];

		least.rmw = fmin(least.rmw, one->rmw);
		least.mutex = fmin(least.mutex, one->mutex);
		least.zero_hot = fmin(least.zero_hot, one->zero_hot);
		if (one->transfer > least.transfer)
			continue;
		/* These two belong together. */
		least.transfer = one->transfer;
		least.zero_dirty = one->zero_dirty;
	}
	study->costs = least;
	note_range(passes, study->how[COST_TRANSFER],
		   sizeof(study->how[COST_TRANSFER]));
}

static const char *measure_all(struct plan *plan, struct study *study)
{
	struct passes passes = {.nr = 0};
	const char *error = take_passes(&passes);

	if (error)
		return error;
	runner_run(plan);
	error = take_passes(&passes);
	if (error)
		return error;
	merge_passes(&passes, study);
	take_curves(plan, &study->costs);
	take_observations(plan, &study->seen);
	if (study->costs.pcpu.nr < 2 || study->costs.baseline.nr < 2 ||
	    isnan(study->costs.harness))
		return "the pairs could not be measured";
	return NULL;
}

const char *measure_costs(struct study *study, const char *traces)
{
	struct options options = {
		.mode_name = "default",
		.mode = MODE_DEFAULT,
		.repeats = 7,
		.window_ms = 30,
		.cases = {1, {"pair"}},
		.rivals = {2, {"libpcpu", "baseline-mutex"}},
		.traces = traces,
	};
	const char *error;
	struct plan plan;

	memset(study, 0, sizeof(*study));
	describe(study);
	plan_build(&plan, &options); /* for the number of CPUs alone */
	choose(&options, plan.real_cpus);
	plan_free(&plan);
	plan_build(&plan, &options);
	error = measure_all(&plan, study);
	plan_free(&plan);
	return error;
}
