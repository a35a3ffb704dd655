// SPDX-License-Identifier: MIT
/*
 * The kernel's algorithm behind one global lock, once per kind of lock. All
 * of them zero what they hand out, as libpcpu does, and balance their chunks
 * in the background, as the kernel does.
 */
#include "bench/baseline/baseline.h"
#include "bench/rival.h"

static const char *global_setup(const struct rival *self, unsigned nr_cpus)
{
	const struct baseline_config config = {
		.nr_cpus = nr_cpus,
		.lock = (enum baseline_lock)self->variant,
		.zero = true,
		.background = true,
	};

	return baseline_init(&config) ? "baseline_init failed" : NULL;
}

static void *global_ptr(void *p, unsigned cpu, size_t size)
{
	(void)size;
	return baseline_ptr(p, cpu);
}

static bool global_stats(struct rival_stats *stats)
{
	struct baseline_stats now;

	baseline_stats_get(&now);
	stats->unit_bytes = now.unit_bytes;
	stats->populated_bytes = now.populated_bytes;
	stats->metadata_bytes = now.metadata_bytes;
	return true;
}

static void global_trim(void)
{
	baseline_trim();
}

#define GLOBAL_CALLS                                                           \
	.setup = global_setup, .alloc = baseline_alloc, .free = baseline_free, \
	.ptr = global_ptr, .stats = global_stats, .trim = global_trim

const struct rival rival_baseline_mutex = {
	.name = "baseline-mutex",
	.what = "the kernel's algorithm under one pthread mutex",
	.kind = RIVAL_MAIN,
	.variant = BASELINE_MUTEX,
	GLOBAL_CALLS,
};

const struct rival rival_baseline_tas = {
	.name = "baseline-tas",
	.what = "the same under a test-and-set lock that yields",
	.kind = RIVAL_LOCK,
	.variant = BASELINE_TAS,
	GLOBAL_CALLS,
};

const struct rival rival_baseline_ticket = {
	.name = "baseline-ticket",
	.what = "the same under a ticket lock (FIFO)",
	.kind = RIVAL_LOCK,
	.fifo = true,
	.variant = BASELINE_TICKET,
	GLOBAL_CALLS,
};

const struct rival rival_baseline_mcs = {
	.name = "baseline-mcs",
	.what = "the same under an MCS queue lock (FIFO)",
	.kind = RIVAL_LOCK,
	.fifo = true,
	.variant = BASELINE_MCS,
	GLOBAL_CALLS,
};

const struct rival rival_baseline_cohort = {
	.name = "baseline-cohort",
	.what = "the same under a NUMA cohort lock (FIFO)",
	.kind = RIVAL_LOCK,
	.fifo = true,
	.variant = BASELINE_COHORT,
	GLOBAL_CALLS,
};
