// SPDX-License-Identifier: MIT
/*
 * search-* - how many instructions a replace takes, by the number of objects
 * that are live.
 *
 * The same churn as churn-kernel-*. Time grows with the population because
 * memory is further away; instructions grow only where more is searched. The
 * processor's counter counts those of this thread in user space: work left to
 * a background thread is not among them.
 */
#include "bench/case.h"
#include "bench/clock.h"
#include "bench/herd.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REPLACES = 1 << 15 };

static int open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

/* An emulated machine may have no such counter, but a clock that counts. What
 * its kernel does meanwhile is in it: an interrupt each 4,000,000. */
static const char *count_ticks(struct herd *herd, double *per_op)
{
	uint64_t begin = ticks_begin();

	if (!herd_replace(herd, REPLACES))
		return strerror(errno);
	*per_op = (double)(ticks_end() - begin) / REPLACES;
	return NULL;
}

static const char *count(struct herd *herd, double *per_op)
{
	uint64_t instructions = 0;
	int fd = open_counter();
	const char *error = NULL;

	if (fd < 0)
		return "not available: no counter of instructions";
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	if (!herd_replace(herd, REPLACES))
		error = strerror(errno);
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	if (read(fd, &instructions, sizeof(instructions)) !=
		    (ssize_t)sizeof(instructions) ||
	    !instructions)
		error = "not available: the counter did not count";
	close(fd);
	*per_op = (double)instructions / REPLACES;
	return error;
}

static void search_run(const struct job *job, struct result *result)
{
	const char *error;
	struct herd *herd;
	static struct mix mix;
	double per_op = 0;

	if (!mix_load(&mix, MIX_KERNEL, job->traces, &result->error))
		return;
	herd = herd_new(job, &mix, job->bench->live, 0);
	if (!herd || !herd_replace(herd, job->bench->live)) {
		result_fail(result, strerror(errno));
		return;
	}
	error = getenv("TICKS_ARE_INSTRUCTIONS") ? count_ticks(herd, &per_op)
						 : count(herd, &per_op);
	if (error)
		result_fail(result, error);
	else
		result_add(result, "instructions", per_op);
	herd_forget(herd);
}

static const struct metric metrics[] = {
	{"instructions", "instructions", 1, true},
	{NULL, NULL, 0, false},
};

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_LONG},
	{0, 0, 0},
};

#define SEARCH_CALLS                                              \
	.flags = CASE_NULL | CASE_NET | CASE_UNITS, .repeats = 3, \
	.metrics = metrics, .run = search_run

const struct bench_case case_search_1k = {
	.name = "search-1k",
	.what = "instructions per random replace, 1,000 live",
	.live = 1000,
	.points = points,
	SEARCH_CALLS,
};

const struct bench_case case_search_10k = {
	.name = "search-10k",
	.what = "instructions per random replace, 10,000 live",
	.live = 10000,
	.points = points,
	SEARCH_CALLS,
};

const struct bench_case case_search_100k = {
	.name = "search-100k",
	.what = "instructions per random replace, 100,000 live",
	.live = 100000,
	.points = points,
	SEARCH_CALLS,
};

const struct bench_case case_search_1m = {
	.name = "search-1m",
	.what = "instructions per random replace, 1,000,000 live",
	.live = 1000000,
	.points = points,
	SEARCH_CALLS,
};
