/* SPDX-License-Identifier: MIT */
/*
 * Which CPUs are possible and on which NUMA nodes they are, as the allocator
 * sees it: read from the system, or simulated, or injected by a test.
 *
 *	cpu	the system's number; numbers may have holes
 *	unit	dense number of a possible CPU, node after node, so that the
 *		memory of a node's CPUs is one range
 *	node	dense number of a node that has CPUs
 */
#ifndef CHUNK_TOPOLOGY_H
#define CHUNK_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk/compiler.h"
#include "pcpu/abi.h"

#define NODES_MAX 64u
#define NO_UNIT UINT16_MAX
#define CPU_MASK_WORDS (LIBPCPU_CPUS_MAX / 64u)

struct topology {
	unsigned nr_cpu_ids; /* highest possible CPU plus one */
	unsigned nr_units;   /* possible CPUs */
	unsigned nr_nodes;
	bool placed; /* nodes are the system's: memory can be bound to them */
	int node_id[NODES_MAX];   /* the system's number of a node */
	int memory_id[NODES_MAX]; /* of where its memory comes from: itself, or
				   * the nearest node that has any */
	uint8_t near[NODES_MAX][NODES_MAX];  /* nodes as they lie around one:
					      * itself, then near first */
	unsigned first_unit[NODES_MAX + 1];  /* of a node; one past the last */
	uint8_t cpu_node[LIBPCPU_CPUS_MAX];  /* node of a CPU */
	uint16_t cpu_unit[LIBPCPU_CPUS_MAX]; /* unit of a CPU or NO_UNIT */
	uint16_t unit_cpu[LIBPCPU_CPUS_MAX]; /* CPU of a unit */
};

/* The one in use; constant after start. */
HIDDEN extern struct topology topology;

/* What a topology is made of, nodes by the system's number. */
struct topology_source {
	uint64_t possible[CPU_MASK_WORDS];
	int node_of_cpu[LIBPCPU_CPUS_MAX];   /* -1: not known */
	uint64_t has_memory[CPU_MASK_WORDS]; /* nodes; none: not known */
	/* 0: not known. NULL: none is, nodes lie in a ring. */
	int (*distance)(int from, int to);
};

/* Read the system, then PCPU_POSSIBLE_CPUS and PCPU_NODES, into *t. */
void topology_read(struct topology *t);

/* Number nodes and units. At least one CPU must be possible. */
void topology_build(struct topology *t, const struct topology_source *source);

/* Parse "0-3,8" into a mask. Returns false if it is no such list. */
bool topology_parse_list(const char *list, uint64_t mask[CPU_MASK_WORDS]);

#endif /* CHUNK_TOPOLOGY_H */
