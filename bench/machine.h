// SPDX-License-Identifier: MIT
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>

/* Where and when the figures were taken. */
struct machine {
	char cpu[128];
	char kernel[160];
	char date[32]; /* UTC, ISO 8601 */
	char libc[64];
	char huge_pages[64]; /* transparent_hugepage/enabled */
	char nodes[64];      /* online NUMA nodes, as a list */
	double load;         /* of the last minute, at the start */
	size_t memory_mib;
	unsigned page_bytes;
};

void machine_read(struct machine *machine);

#endif
