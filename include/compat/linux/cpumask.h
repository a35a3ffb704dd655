/* SPDX-License-Identifier: MIT */
/* The possible CPUs: those that every per-CPU object has a copy for. */
#ifndef LIBPCPU_LINUX_CPUMASK_H
#define LIBPCPU_LINUX_CPUMASK_H

#include <stdbool.h>

#include <pcpu/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Highest possible CPU number plus one; constant. A second name for the
 * library's variable, not a macro: structures have members of that name.
 */
extern unsigned int nr_cpu_ids __asm__("libpcpu_nr_cpu_ids");

#ifdef __cplusplus
}
#endif

/* Visit the possible CPUs in ascending order; cpu is any integer variable. */
#define for_each_possible_cpu(cpu)                          \
	for ((cpu) = (__typeof__(cpu))libpcpu_cpu_next(-1); \
	     (unsigned int)(cpu) < libpcpu_nr_cpu_ids;      \
	     (cpu) = (__typeof__(cpu))libpcpu_cpu_next((int)(cpu)))

static inline bool cpu_possible(unsigned int cpu)
{
	return cpu < libpcpu_nr_cpu_ids &&
	       (unsigned int)libpcpu_cpu_next((int)cpu - 1) == cpu;
}

static inline unsigned int num_possible_cpus(void)
{
	unsigned int nr = 0;
	int cpu;

	for_each_possible_cpu (cpu)
		nr++;
	return nr;
}

#endif /* LIBPCPU_LINUX_CPUMASK_H */
