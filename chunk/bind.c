// SPDX-License-Identifier: MIT
/*
 * On which node memory is to lie.
 */
#include <numaif.h>

#include "chunk/chunk.h"
#include "chunk/layout.h"
#include "chunk/topology.h"

void layout_bind(void *start, size_t bytes, unsigned node)
{
	size_t page = layout.os_page;
	uintptr_t first = (uintptr_t)start & ~(page - 1);
	uintptr_t end = ((uintptr_t)start + bytes) & ~(page - 1);
	unsigned long mask[16] = {0};
	int id = topology.memory_id[node];

	if (!topology.placed || id < 0 || id >= (int)sizeof(mask) * 8 ||
	    first >= end)
		return;
	mask[id / 64] = 1ul << id % 64;
	/* EPERM in containers, EINVAL without the node: placed by luck then. */
	mbind((void *)first, end - first, MPOL_PREFERRED, mask,
	      sizeof(mask) * 8, 0);
}

/* A node's units, and the bookkeeping of its arenas, of one window. */
static void bind_node(unsigned w, unsigned node)
{
	size_t stride = layout.area_bytes / layout.nr_units;
	size_t first = topology.first_unit[node];
	size_t nr = topology.first_unit[node + 1] - first;
	size_t chunks = (size_t)layout.node_arenas * layout.arena_chunks;
	size_t chunk = (w * layout.nr_nodes + node) * chunks;
	size_t page = chunk * CHUNK_PAGES, pages = chunks * CHUNK_PAGES;
	size_t word = page * PAGE_WORDS, words = pages * PAGE_WORDS;

	layout_bind((char *)layout.area[w] + first * stride, nr * stride, node);
	layout_bind(layout.words + word, words * sizeof(atom64), node);
	layout_bind(layout.chunks + chunk, chunks * sizeof(struct chunk), node);
	layout_bind(layout.used + word, words * sizeof(atom8), node);
	layout_bind(layout.map + page, pages * sizeof(atom64), node);
}

void layout_bind_nodes(void)
{
	unsigned node, w;

	for (w = 0; w < NR_WINDOWS; w++)
		for (node = 0; node < layout.nr_nodes; node++)
			bind_node(w, node);
}
