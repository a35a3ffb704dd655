// SPDX-License-Identifier: MIT
/*
 * fresh - the first use of memory: 20,000 counters from an allocator that has
 * served one, by the number of CPUs.
 *
 * Fresh pages are zero already, and most CPUs never write their copy: neither
 * the time nor the resident memory needs to grow with the CPUs. The first
 * allocation, which sets the allocator up, is shown apart. Afterwards one
 * CPU's copies are written, as a thread that stays on it would, and the pages
 * of the other CPUs' copies that are resident are counted by mincore().
 */
#include "bench/case.h"
#include "bench/clock.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SIZE = 8,
	COUNTERS = 20000,
};

static bool fill(const struct rival *rival, void **counter, unsigned nr)
{
	unsigned i;

	for (i = 0; i < nr; i++) {
		counter[i] = rival->alloc(SIZE, SIZE);
		if (!counter[i])
			return false;
	}
	return true;
}

/* Neighbours share a page: one look at it is enough. */
static size_t resident_pages(const struct rival *rival, void **counter,
			     unsigned cpu)
{
	uintptr_t page, last = 0, mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	unsigned char resident;
	size_t nr = 0;
	unsigned i;

	for (i = 0; i < COUNTERS; i++) {
		page = (uintptr_t)rival->ptr(counter[i], cpu, SIZE) & ~mask;
		if (page == last)
			continue;
		last = page;
		if (!mincore((void *)page, 1, &resident))
			nr += resident & 1;
	}
	return nr;
}

static double kib(size_t pages)
{
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void fresh_run(const struct job *job, struct result *result)
{
	static void *counter[COUNTERS];
	uint64_t begin, first, end;
	size_t others = 0;
	unsigned i, cpu;

	memset(counter, 1, sizeof(counter));
	begin = clock_ns();
	if (!fill(job->rival, counter, 1)) {
		result_fail(result, strerror(errno));
		return;
	}
	first = clock_ns();
	if (!fill(job->rival, counter + 1, COUNTERS - 1)) {
		result_fail(result, strerror(errno));
		return;
	}
	end = clock_ns();
	result_add(result, "ns", (double)(end - first) / (COUNTERS - 1));
	result_add(result, "first", (double)(first - begin) / 1000);
	for (i = 0; i < COUNTERS; i++)
		memset(job->rival->ptr(counter[i], 0, SIZE), 1, SIZE);
	for (cpu = 1; cpu < job->cpus; cpu++)
		others += resident_pages(job->rival, counter, cpu);
	result_add(result, "own", kib(resident_pages(job->rival, counter, 0)));
	result_add(result, "others", kib(others));
}

static const struct metric metrics[] = {
	{"ns", "ns", 1, true},        {"first", "first us", 1, false},
	{"own", "own KiB", 0, false}, {"others", "other KiB", 0, false},
	{NULL, NULL, 0, false},
};

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_LONG},
	{64, 1, MODES_LONG},
	{256, 1, MODES_LONG},
	{0, 0, 0},
};

const struct bench_case case_fresh = {
	.name = "fresh",
	.what = "8 B: 20,000 first allocations; then CPU 0 writes its copies",
	.flags = CASE_UNITS,
	.live = COUNTERS,
	.points = points,
	.metrics = metrics,
	.run = fresh_run,
};
