// SPDX-License-Identifier: MIT
#include "targets.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define SUBJECT "libpcpu"
#define BASELINE "baseline-mutex"

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
	struct target *target = &list->target[list->nr++];
	va_list args;

	va_start(args, format);
	vsnprintf(target->what, sizeof(target->what), format, args);
	va_end(args);
	target->measured = (double)NAN;
	target->at_most = false;
	target->unit = "x";
	return target;
}

/* How many times as long the baseline takes. */
static double speedup(const struct plan *plan, const char *bench,
		      unsigned threads)
{
	unsigned cpus = plan->real_cpus;

	return cell_ratio(plan, plan_cell(plan, bench, BASELINE, cpus, threads),
			  plan_cell(plan, bench, SUBJECT, cpus, threads), 0);
}

static void add_speed(struct list *list)
{
	static const char *const traces[] = {
		"trace-bpf_map",
		"trace-fork_exec",
		"trace-tc_filter",
		"trace-veth",
	};
	const struct plan *plan = list->plan;
	struct target *target;
	unsigned i;

	target = add(list, "8 B pair, 10,000 live: faster than %s", BASELINE);
	target->limit = 10;
	target->measured = speedup(plan, "pair", 1);
	for (i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		target = add(list, "%s: faster than %s", traces[i], BASELINE);
		target->limit = 5;
		target->measured = speedup(plan, traces[i], 2);
	}
	target = add(list, "8 B pair: two threads against one, in total");
	target->limit = 1.8;
	target->measured = cell_ratio(
		plan, plan_cell(plan, "pair", SUBJECT, plan->real_cpus, 1),
		plan_cell(plan, "pair", SUBJECT, plan->real_cpus, 2), 0);
}

static double median_of(const struct plan *plan, const char *bench,
			const char *rival, const char *metric)
{
	const struct cell *cell =
		plan_cell(plan, bench, rival, plan->real_cpus, 1);
	double value[MAX_REPEATS];
	unsigned nr = 0;

	if (cell)
		nr = cell_values(plan, cell,
				 (unsigned)metric_index(cell->bench, metric),
				 value);
	return nr ? stats_median(value, nr) : (double)NAN;
}

static void add_memory(struct list *list, const char *bench)
{
	static const struct {
		const char *metric, *when;
	} space[] = {{"unit_fill", "fill"}, {"unit_churn", "churn"}};
	const struct plan *plan = list->plan;
	struct target *target;
	unsigned i;

	/* Not asked for in this invocation, or in this mode. */
	if (!plan_cell(plan, bench, SUBJECT, plan->real_cpus, 1))
		return;
	for (i = 0; i < sizeof(space) / sizeof(space[0]); i++) {
		target = add(list, "%s: unit space per live byte after %s",
			     bench, space[i].when);
		target->at_most = true;
		target->unit = "";
		target->limit =
			median_of(plan, bench, BASELINE, space[i].metric);
		target->measured =
			median_of(plan, bench, SUBJECT, space[i].metric);
	}
	target = add(list, "%s: RSS after free-all and trim, of start", bench);
	target->at_most = true;
	target->limit = 1.1;
	target->measured = median_of(plan, bench, SUBJECT, "returned");
}

unsigned targets_measure(const struct plan *plan,
			 struct target target[MAX_TARGETS])
{
	struct list list = {.plan = plan, .target = target};

	add_speed(&list);
	add_memory(&list, "memory-kernel-10k");
	add_memory(&list, "memory-kernel-100k");
	return list.nr;
}
