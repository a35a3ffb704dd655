// SPDX-License-Identifier: MIT
/*
 * Reservation, the table of chunks, giving pages back.
 */
#include "space.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MAX_CHUNKS 4096u /* 1 GiB per CPU */
#define MAX_CPUS 65536u

static struct {
	char *start;
	size_t span; /* bytes of one chunk, all CPUs */
	unsigned nr_cpus;
	unsigned max_chunks;
	uint64_t used[BL_WORDS(MAX_CHUNKS)];
	struct bl_chunk *chunks[MAX_CHUNKS];
} space;

/* Tools, limits and strict overcommit refuse large reservations: halve. */
static bool reserve(void)
{
	unsigned max;
	void *start;

	for (max = MAX_CHUNKS; max; max /= 2) {
		start = mmap(NULL, max * space.span, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			     0);
		if (start == MAP_FAILED)
			continue;
		/* Percpu pages are small ones; kernels without THP refuse. */
		(void)madvise(start, max * space.span, MADV_NOHUGEPAGE);
		space.start = start;
		space.max_chunks = max;
		return true;
	}
	errno = ENOMEM;
	return false;
}

int bl_space_init(unsigned nr_cpus)
{
	if (!nr_cpus || nr_cpus > MAX_CPUS) {
		errno = EINVAL;
		return -1;
	}
	space.nr_cpus = nr_cpus;
	space.span = nr_cpus * BASELINE_UNIT_BYTES;
	return reserve() ? 0 : -1;
}

void bl_space_exit(void)
{
	struct bl_chunk *chunk;

	while ((chunk = bl_space_next(0)))
		bl_space_destroy(chunk);
	munmap(space.start, space.max_chunks * space.span);
}

unsigned bl_space_nr_cpus(void)
{
	return space.nr_cpus;
}

struct bl_chunk *bl_space_create(void)
{
	struct bl_chunk *chunk;
	unsigned index;

	index = bl_bits_next_zero(space.used, space.max_chunks, 0);
	if (index == space.max_chunks)
		return NULL;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return NULL;
	bl_chunk_init(chunk, index);
	bl_bit_set(space.used, index);
	space.chunks[index] = chunk;
	return chunk;
}

void bl_space_destroy(struct bl_chunk *chunk)
{
	bl_bits_clear(space.used, chunk->index, 1);
	space.chunks[chunk->index] = NULL;
	free(chunk);
}

struct bl_chunk *bl_space_next(unsigned index)
{
	index = bl_bits_next_one(space.used, space.max_chunks, index);
	return index < space.max_chunks ? space.chunks[index] : NULL;
}

static char *chunk_start(const struct bl_chunk *chunk)
{
	return space.start + chunk->index * space.span;
}

size_t bl_space_depopulate(const struct bl_chunk *chunk, struct bl_run pages)
{
	size_t len = (size_t)(pages.end - pages.start) * BL_PAGE_BYTES;
	size_t off = (size_t)pages.start * BL_PAGE_BYTES;
	unsigned cpu;

	for (cpu = 0; cpu < space.nr_cpus; cpu++)
		madvise(chunk_start(chunk) + cpu * BASELINE_UNIT_BYTES + off,
			len, MADV_DONTNEED);
	return len * space.nr_cpus;
}

void *bl_space_cookie(struct bl_place place)
{
	return chunk_start(place.chunk) + place.bit * BL_GRAIN_BYTES;
}

struct bl_place bl_space_place(const void *cookie)
{
	size_t off = (size_t)((const char *)cookie - space.start);

	return (struct bl_place){
		.chunk = space.chunks[off / space.span],
		.bit = (unsigned)(off % space.span / BL_GRAIN_BYTES),
	};
}
