/* SPDX-License-Identifier: MIT */
/*
 * The address space and who lives where in it.
 *
 *   | chunk 0                  | chunk 1                  | ...
 *   | cpu 0 | cpu 1 | .. cpu n | cpu 0 | cpu 1 | .. cpu n |
 *     ^ cookies are addresses in here
 *
 * All of it is reserved once, so that a chunk needs no system call, and a page
 * of it takes memory from its first write to bl_space_depopulate().
 *
 * The holder of the grow mutex creates and destroys chunks and populates; the
 * rest is safe anywhere for a live object's cookie.
 */
#ifndef BENCH_BASELINE_SPACE_H
#define BENCH_BASELINE_SPACE_H

#include "chunk.h"

struct bl_place {
	struct bl_chunk *chunk;
	unsigned bit;
};

/* 0, or -1 with errno EINVAL, ENOMEM. */
int bl_space_init(unsigned nr_cpus);
/* Destroys all chunks too. */
void bl_space_exit(void);
unsigned bl_space_nr_cpus(void);

/* NULL when memory or address space is used up.  On no list yet. */
struct bl_chunk *bl_space_create(void);
/* Populated pages must have been given back. */
void bl_space_destroy(struct bl_chunk *chunk);
/* For all chunks: the next with an index of at least @index; or NULL. */
struct bl_chunk *bl_space_next(unsigned index);

/* Gives the pages of all copies back to the system; returns the bytes. */
size_t bl_space_depopulate(const struct bl_chunk *chunk, struct bl_run pages);

void *bl_space_cookie(struct bl_place place);
struct bl_place bl_space_place(const void *cookie);

#endif
