// SPDX-License-Identifier: MIT
/*
 * memory - what a live byte costs, before and after the copies are written,
 * after a long churn, with nine of ten freed at random, and with all freed.
 *
 * A live byte is a byte that was asked for, counted once, not once per CPU:
 * with all copies written, the ideal of "all" is the number of CPUs. Unit
 * space and populated bytes are the rival's own statistics, per unit.
 */
#include "bench/case.h"
#include "bench/mix.h"
#include "bench/rss.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
	WARM_UP = 64,     /* objects: pages the code in, first structures */
	CHURN_FACTOR = 4, /* replaces per live object */
	THIN_FACTOR = 10, /* one in so many survives the thinning */
	SETTLE_NS = 60000000,
};

struct ledger {
	const struct job *job;
	struct mix mix;
	struct rng rng;
	size_t live_bytes;
	unsigned nr; /* live objects: the first of item[] */
	struct {
		void *p;
		size_t size;
	} * item;
};

/* Without counting it in nr: also for the one that replaces another. */
static bool get(struct ledger *ledger, unsigned at)
{
	struct mix_entry entry = mix_draw(&ledger->mix, &ledger->rng);

	ledger->item[at].p = ledger->job->rival->alloc(entry.size, entry.align);
	if (!ledger->item[at].p)
		return false;
	ledger->item[at].size = entry.size;
	ledger->live_bytes += entry.size;
	return true;
}

static void put(struct ledger *ledger, unsigned at)
{
	ledger->job->rival->free(ledger->item[at].p);
	ledger->live_bytes -= ledger->item[at].size;
}

static bool fill(struct ledger *ledger, unsigned nr)
{
	for (ledger->nr = 0; ledger->nr < nr; ledger->nr++) {
		if (!get(ledger, ledger->nr))
			return false;
	}
	return true;
}

static void drain(struct ledger *ledger)
{
	while (ledger->nr)
		put(ledger, --ledger->nr);
	if (ledger->job->rival->trim)
		ledger->job->rival->trim();
}

static void touch(struct ledger *ledger, unsigned first_cpu, unsigned end_cpu)
{
	const struct rival *rival = ledger->job->rival;
	unsigned i, cpu;

	for (i = 0; i < ledger->nr; i++) {
		for (cpu = first_cpu; cpu < end_cpu; cpu++)
			memset(rival->ptr(ledger->item[i].p, cpu,
					  ledger->item[i].size),
			       1, ledger->item[i].size);
	}
}

static bool churn(struct ledger *ledger)
{
	unsigned i, at;

	for (i = 0; i < ledger->nr * CHURN_FACTOR; i++) {
		at = rng_below(&ledger->rng, ledger->nr);
		put(ledger, at);
		if (!get(ledger, at))
			return false;
	}
	return true;
}

static void thin(struct ledger *ledger)
{
	unsigned i, kept = 0;

	for (i = 0; i < ledger->nr; i++) {
		if (rng_below(&ledger->rng, THIN_FACTOR))
			put(ledger, i);
		else
			ledger->item[kept++] = ledger->item[i];
	}
	ledger->nr = kept;
}

/*
 * Those that have statistics, libpcpu and the baseline, leave work to a thread
 * of their own: they are looked at when it has had time to come to rest.
 */
static void settle(const struct ledger *ledger)
{
	const struct timespec t = {0, SETTLE_NS};

	if (ledger->job->rival->stats)
		nanosleep(&t, NULL);
}

/* Resident bytes beyond the start, per live byte. */
static void add_rss(const struct ledger *ledger, const char *name, size_t start,
		    struct result *result)
{
	result_add(result, name,
		   ((double)rss_bytes() - (double)start) /
			   (double)ledger->live_bytes);
}

static void add_stats(const struct ledger *ledger, const char *unit_name,
		      const char *populated_name, struct result *result)
{
	double live = (double)ledger->live_bytes;
	struct rival_stats stats;

	if (!ledger->job->rival->stats || !ledger->job->rival->stats(&stats))
		return;
	result_add(result, unit_name, (double)stats.unit_bytes / live);
	result_add(result, populated_name,
		   (double)stats.populated_bytes / live);
	if (strcmp(unit_name, "unit_fill") != 0)
		return;
	result_add(result, "meta_fill", (double)stats.metadata_bytes / live);
	result_add(result, "meta_unit",
		   100 * (double)stats.metadata_bytes /
			   (double)stats.unit_bytes);
}

static bool live_up(struct ledger *ledger, size_t start, struct result *result)
{
	if (!fill(ledger, ledger->job->bench->live))
		return false;
	settle(ledger);
	add_rss(ledger, "untouched", start, result);
	add_stats(ledger, "unit_fill", "pop_fill", result);
	touch(ledger, 0, 1);
	add_rss(ledger, "one", start, result);
	touch(ledger, 1, ledger->job->cpus);
	add_rss(ledger, "all", start, result);
	result_add(result, "rss_full", (double)rss_bytes() / 1024);
	if (!churn(ledger))
		return false;
	settle(ledger);
	add_rss(ledger, "churned", start, result);
	add_stats(ledger, "unit_churn", "pop_churn", result);
	return true;
}

static bool live_through(struct ledger *ledger, struct result *result)
{
	size_t start, end;

	if (!fill(ledger, WARM_UP))
		return false;
	drain(ledger);
	start = rss_bytes();
	if (!live_up(ledger, start, result))
		return false;
	thin(ledger);
	settle(ledger);
	add_rss(ledger, "thinned", start, result);
	add_stats(ledger, "unit_thin", "pop_thin", result);
	drain(ledger);
	end = rss_bytes();
	result_add(result, "rss_start", (double)start / 1024);
	result_add(result, "rss_end", (double)end / 1024);
	result_add(result, "returned", (double)end / (double)start);
	return true;
}

static void memory_run(const struct job *job, struct result *result)
{
	static struct ledger ledger;
	const enum mix_kind *kind = job->bench->arg;
	size_t bytes = job->bench->live * sizeof(ledger.item[0]);

	ledger.job = job;
	rng_seed(&ledger.rng, 0);
	if (!mix_load(&ledger.mix, *kind, job->traces, &result->error))
		return;
	/* Not from malloc, which may be what is measured; and touched now. */
	ledger.item = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (ledger.item == MAP_FAILED || !live_through(&ledger, result))
		result_fail(result, strerror(errno));
}

static const struct metric metrics[] = {
	{"untouched", "untouched", 2, false},
	{"one", "one CPU", 2, false},
	{"all", "all", 2, false},
	{"churned", "churned", 2, false},
	{"thinned", "thinned", 2, false},
	{"unit_fill", "u.fill", 3, false},
	{"pop_fill", "p.fill", 3, false},
	{"unit_churn", "u.churn", 3, false},
	{"pop_churn", "p.churn", 3, false},
	{"unit_thin", "u.thin", 3, false},
	{"pop_thin", "p.thin", 3, false},
	{"meta_fill", "meta", 3, false},
	{"meta_unit", "meta %", 1, false},
	{"rss_start", "start KiB", 0, false},
	{"rss_full", "full KiB", 0, false},
	{"rss_end", "end KiB", 0, false},
	{"returned", "end/start", 3, false},
	{NULL, NULL, 0, false},
};

static const enum mix_kind kernel = MIX_KERNEL, counters = MIX_8;

static const struct point small_points[] = {
	{CPUS_REAL, 1, MODES_ALL},
	{64, 1, MODES_LONG},
	{256, 1, MODE_FULL},
	{0, 0, 0},
};

static const struct point large_points[] = {
	{CPUS_REAL, 1, MODES_LONG},
	{8, 1, MODE_FULL},
	{0, 0, 0},
};

const struct bench_case case_memory_10k = {
	.name = "memory-kernel-10k",
	.what = "bytes per live byte, kernel-like mix, 10,000 live",
	.flags = CASE_LARGE,
	.live = 10000,
	.points = small_points,
	.metrics = metrics,
	.arg = &kernel,
	.run = memory_run,
};

const struct bench_case case_memory_100k = {
	.name = "memory-kernel-100k",
	.what = "bytes per live byte, kernel-like mix, 100,000 live",
	.flags = CASE_LARGE,
	.live = 100000,
	.points = large_points,
	.metrics = metrics,
	.arg = &kernel,
	.run = memory_run,
};

const struct bench_case case_memory_counters = {
	.name = "memory-counters",
	.what = "bytes per live byte, 8 B counters, 10,000 live",
	.live = 10000,
	.points = small_points,
	.metrics = metrics,
	.arg = &counters,
	.run = memory_run,
};
