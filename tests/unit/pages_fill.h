/* SPDX-License-Identifier: MIT */
/*
 * What the tests of arena/pages.c share: copies that are filled with one value.
 */
#ifndef UNIT_PAGES_FILL_H
#define UNIT_PAGES_FILL_H

#include <stdbool.h>
#include <string.h>

#include "pcpu.h"

static inline void fill(char *p, size_t bytes, int value)
{
	int cpu;

	pcpu_for_each_cpu (cpu)
		memset(pcpu_ptr(p, cpu), value, bytes);
}

static inline bool is_filled(const char *p, size_t bytes, int value)
{
	int cpu;

	pcpu_for_each_cpu (cpu) {
		const char *copy = pcpu_ptr(p, cpu);

		if (*copy != value || memcmp(copy, copy + 1, bytes - 1) != 0)
			return false;
	}
	return true;
}

#endif /* UNIT_PAGES_FILL_H */
