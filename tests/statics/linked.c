// SPDX-License-Identifier: MIT
#include "tests/statics/objects.h"

DEFINE_PER_CPU(struct pair, linked_pair) = {LINKED_A, LINKED_B};
EXPORT_PER_CPU_SYMBOL_GPL(linked_pair);

static DEFINE_PER_CPU(long, hidden[3]) = {0, LINKED_HIDDEN};
static long *const handle = &hidden[1];

bool linked_constructor_was_right;
long linked_added;

/* The program has not begun, but its variable is there as ours are. */
__attribute__((constructor)) static void construct(void)
{
	int cpu;

	linked_constructor_was_right = num_possible_cpus() > 0;
	for_each_possible_cpu (cpu) {
		if (per_cpu(linked_pair, cpu).b != LINKED_B ||
		    per_cpu(program_counter, cpu) != PROGRAM_COUNTER)
			linked_constructor_was_right = false;
	}
	this_cpu_add(program_counter, 100);
	this_cpu_add(linked_pair.a, 100);
	linked_added = 100;
}

long linked_sum(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu (cpu)
		sum += *per_cpu_ptr(handle, cpu);
	return sum;
}

long *linked_handle(void)
{
	return handle;
}
