// SPDX-License-Identifier: MIT
/*
 * One access to per-CPU memory, right or wrong: access WHAT. Built as a user's
 * program would be, and run in debug mode under AddressSanitizer or valgrind by
 * access.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcpu.h>

#define SIZE 13

static char *object;

/* What a sanitizer's report must name. */
__attribute__((noinline)) static void access_here(int cpu, long offset)
{
	volatile char *copy = pcpu_ptr(object, cpu);

	copy[offset]++;
}

static void use_up_quarantine(void)
{
	int i;

	for (i = 0; i < 1100; i++)
		pcpu_free(pcpu_alloc(400, 8));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int cpu, last = (int)pcpu_nr_cpus() - 1;
	long i;

	object = pcpu_alloc(SIZE, 1);
	if (!object || pcpu_usable_size(object) != SIZE)
		return 2;
	pcpu_for_each_cpu (cpu)
		for (i = 0; i < SIZE; i++)
			access_here(cpu, i);
	if (!strcmp(what, "behind")) {
		access_here(last, SIZE);
	} else if (!strcmp(what, "before")) {
		access_here(0, -1);
	} else if (!strcmp(what, "far")) {
		access_here(last, SIZE + 7);
	} else if (!strcmp(what, "freed")) {
		pcpu_free(object);
		access_here(last, 0);
	} else if (!strcmp(what, "left")) {
		pcpu_free(object);
		use_up_quarantine();
		access_here(0, SIZE - 1);
	} else {
		pcpu_free(object);
		use_up_quarantine();
		/* The same memory again, and all of it. */
		for (i = 0; i < 2000; i++) {
			char *p = pcpu_alloc(SIZE, 1);

			pcpu_for_each_cpu (cpu)
				memset(pcpu_ptr(p, cpu), 1, SIZE);
			pcpu_free(p);
		}
		pcpu_trim();
	}
	puts("done");
	return 0;
}
