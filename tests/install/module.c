// SPDX-License-Identifier: MIT
/* A shared object with static per-CPU variables, for tests/install.sh. */
#include "module.h"

DEFINE_PER_CPU(struct pair, module_pair) = {3, 4};
EXPORT_PER_CPU_SYMBOL_GPL(module_pair);

static DEFINE_PER_CPU(long, hidden) = 5;

long module_sum(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu (cpu)
		sum += per_cpu(hidden, cpu) + per_cpu(module_pair.a, cpu);
	return sum;
}
