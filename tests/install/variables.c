// SPDX-License-Identifier: MIT
/*
 * A program with static per-CPU variables, linked with module.c's, for
 * tests/install.sh: valid C11 and C++17.
 */
#include "module.h"

#include <stdio.h>

#define EXPECT(condition)                                            \
	do {                                                         \
		if (!(condition)) {                                  \
			fprintf(stderr, "%s: not so\n", #condition); \
			return 1;                                    \
		}                                                    \
	} while (0)

static DEFINE_PER_CPU(struct pair, own) = {1, 2};
static long *handle = &own.b;

int main(void)
{
	long nr = (long)num_possible_cpus(), sum = 0;
	int cpu;

	for_each_possible_cpu (cpu) {
		EXPECT(per_cpu(own, cpu).a == 1);
		EXPECT(*per_cpu_ptr(handle, cpu) == 2);
		EXPECT(per_cpu(module_pair, cpu).b == 4);
		sum += (long)((char *)per_cpu_ptr(&module_pair, cpu) -
			      (char *)per_cpu_ptr(&own, cpu));
	}
	EXPECT(sum == nr * (long)((char *)&module_pair - (char *)&own));
	EXPECT(module_sum() == 8 * nr);
	this_cpu_add(module_pair.a, 10);
	get_cpu_var(own).a++;
	put_cpu_var(own);
	EXPECT(module_sum() == 8 * nr + 10);
	return 0;
}
