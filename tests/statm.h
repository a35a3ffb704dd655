/* SPDX-License-Identifier: MIT */
/*
 * What memory the program has, from /proc/self/statm.
 */
#ifndef TESTS_STATM_H
#define TESTS_STATM_H

#include <stdio.h>
#include <sys/mman.h>

#include "support.h"

struct statm {
	size_t virtual, resident; /* bytes */
};

static inline struct statm statm_read(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long size = 0, resident = 0;

	require(file && fscanf(file, "%lu %lu", &size, &resident) == 2,
		"no statm");
	fclose(file);
	return (struct statm){size * page, resident * page};
}

/* Does the system give each page that is only read memory of its own? */
static inline bool reading_takes_memory(void)
{
	size_t before = statm_read().resident, bytes = (size_t)8 << 20, i;
	volatile char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(p != MAP_FAILED, "errno %d", errno);
	for (i = 0; i < bytes; i += 4096)
		(void)p[i];
	return statm_read().resident - before > bytes / 2;
}

#endif /* TESTS_STATM_H */
