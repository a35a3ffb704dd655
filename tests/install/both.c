// SPDX-License-Identifier: MIT
/* Both interfaces in one program, in the order that SHIM_FIRST says. */
#ifdef SHIM_FIRST
#include <linux/percpu.h>
#include <pcpu.h>
#else
#include <linux/percpu.h>
#include <pcpu.h>
#endif

int main(void)
{
	long __percpu *handle = alloc_percpu(long);
	struct pcpu_stats stats;

	if (pcpu_stats_get(&stats) || stats.nr_cpu_ids != nr_cpu_ids)
		return 1;
	if (!handle || pcpu_ptr(handle, 0) != per_cpu_ptr(handle, 0))
		return 1;
	pcpu_free(handle);
	return 0;
}
