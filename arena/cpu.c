// SPDX-License-Identifier: MIT
/*
 * The public calls about CPUs.
 */
#include <sched.h>

#include "chunk/panic.h"
#include "chunk/topology.h"
#include "pcpu.h"

/* Without rseq: a system call or the vDSO. */
int libpcpu_cpu_slow(void)
{
	int cpu = sched_getcpu();

	return cpu < 0 || cpu >= (int)topology.nr_cpu_ids ? 0 : cpu;
}

/* The first possible CPU above cpu, or nr_cpu_ids. */
int libpcpu_cpu_next(int cpu)
{
	for (cpu++; cpu < (int)topology.nr_cpu_ids; cpu++)
		if (topology.cpu_unit[cpu] != NO_UNIT)
			break;
	return cpu;
}

/* One CPU of its node, the same for all of these. */
int libpcpu_node_leader(int cpu)
{
	unsigned node = topology.cpu_node[cpu];

	return topology.unit_cpu[topology.first_unit[node]];
}

int pcpu_cpu(void)
{
	return libpcpu_here()->cpu;
}

/* For who cannot use the macros of the header. */
void(pcpu_pin)(void)
{
	libpcpu_pin();
}

void(pcpu_unpin)(void)
{
	libpcpu_unpin();
}

unsigned pcpu_nr_cpus(void)
{
	return topology.nr_cpu_ids;
}

unsigned libpcpu_check_cpu(int cpu)
{
	if (cpu < 0 || cpu >= (int)topology.nr_cpu_ids ||
	    topology.cpu_unit[cpu] == NO_UNIT)
		panic("CPU %d is not possible (0 to %u are)", cpu,
		      topology.nr_cpu_ids - 1);
	return (unsigned)cpu;
}

unsigned pcpu_check_cpu(int cpu)
{
	return libpcpu_check_cpu(cpu);
}
