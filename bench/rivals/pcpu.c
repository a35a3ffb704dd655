// SPDX-License-Identifier: MIT
/*
 * libpcpu itself. Its number of CPUs was set in the environment before this
 * process began; here it is only checked.
 */
#include "bench/rival.h"

#include <pcpu.h>

static const char *subject_setup(const struct rival *self, unsigned nr_cpus)
{
	(void)self;
	if (pcpu_nr_cpus() != nr_cpus)
		return "libpcpu did not take the number of CPUs asked for";
	return NULL;
}

static void *subject_ptr(void *p, unsigned cpu, size_t size)
{
	(void)size;
	return pcpu_ptr((char *)p, cpu);
}

static bool subject_stats(struct rival_stats *stats)
{
	struct pcpu_stats now;

	if (pcpu_stats_get(&now))
		return false;
	stats->unit_bytes = now.unit_bytes;
	stats->populated_bytes = now.populated_bytes;
	stats->metadata_bytes = now.metadata_bytes;
	return true;
}

static void subject_trim(void)
{
	pcpu_trim();
}

static bool subject_alloc_bulk(size_t size, size_t align, size_t nr,
			       void **objects)
{
	return !pcpu_alloc_bulk(size, align, 0, nr, objects);
}

#define SUBJECT                                                           \
	.setup = subject_setup, .alloc = pcpu_alloc, .free = pcpu_free,   \
	.ptr = subject_ptr, .stats = subject_stats, .trim = subject_trim, \
	.alloc_bulk = subject_alloc_bulk, .free_bulk = pcpu_free_bulk

const struct rival rival_pcpu = {
	.name = "libpcpu",
	.what = "this library",
	.kind = RIVAL_SUBJECT,
	SUBJECT,
};

const struct rival rival_pcpu_huge = {
	.name = "libpcpu-huge",
	.what = "this library with PCPU_HUGEPAGES=1",
	.kind = RIVAL_PEER,
	.huge_pages = true,
	SUBJECT,
};
