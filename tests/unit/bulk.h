/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the bulk calls share. A test is a job (support.h), which
 * runs twice: with a front, where there can be one, and without rseq areas.
 */
#ifndef UNIT_BULK_H
#define UNIT_BULK_H

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "arena/arena.h"
#include "chunk/registry.h"
#include "support.h"

#define NR(array) (sizeof(array) / sizeof(*(array)))

enum { WITH_FRONT, WITHOUT_FRONT, NR_MODES };

/* To the nth CPU that we may use, counting round. */
static inline void run_on_cpu(unsigned nth)
{
	static cpu_set_t allowed;
	cpu_set_t one;
	size_t cpu;

	if (!CPU_COUNT(&allowed))
		sched_getaffinity(0, sizeof(allowed), &allowed);
	nth %= (unsigned)CPU_COUNT(&allowed);
	for (cpu = 0; !CPU_ISSET(cpu, &allowed) || nth-- > 0; cpu++)
		continue;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	require(!sched_setaffinity(0, sizeof(one), &one), "errno %d", errno);
}

/* Run a job on a machine of so many CPUs. */
static inline void bulk_run(const char *job, int mode, const char *cpus)
{
	const char *env[] = {cpus, NULL, NULL};

	if (mode == WITHOUT_FRONT)
		env[1] = "GLIBC_TUNABLES=glibc.pthread.rseq=0";
	support_run_job(job, env);
}

static inline void bulk_expect_live(size_t nr)
{
	struct pcpu_stats stats;

	pcpu_stats_get(&stats);
	require(stats.nr_cur_alloc == nr, "%llu objects, not %zu",
		(unsigned long long)stats.nr_cur_alloc, nr);
}

/* In main(), for the jobs. */
static inline void bulk_start(void)
{
	const char *tunables = getenv("GLIBC_TUNABLES");

	require(!tunables || !strstr(tunables, "rseq=0") || !front_exists(),
		"there is a front without rseq");
	run_on_cpu(0);
}

#endif /* UNIT_BULK_H */
