// SPDX-License-Identifier: MIT
/*
 * The interface.  An allocation: take the grow mutex (unless atomic), take the
 * lock, search the chunks, claim; drop the lock, grow and try again if nothing
 * fits; populate the pages that the area needs; drop the mutex; zero all
 * copies.
 * A free: take the lock, clear the area, move its chunk, drop the lock.
 *
 * As in the kernel the mutex is held for the whole of an ordinary allocation,
 * so that at most one allocator and the freeing threads meet at the lock.
 */
#include "baseline.h"

#include <errno.h>
#include <string.h>

#include "balance.h"
#include "lock.h"
#include "slot.h"
#include "space.h"
#include "worker.h"

static bool is_set_up;
static bool zero;

int baseline_init(const struct baseline_config *config)
{
	if (is_set_up) {
		errno = EBUSY;
		return -1;
	}
	if (bl_lock_init(config->lock))
		return -1;
	if (bl_space_init(config->nr_cpus))
		return -1;
	bl_slots_init();
	if (bl_worker_init(config->background)) {
		bl_space_exit();
		return -1;
	}
	zero = config->zero;
	is_set_up = true;
	/* A first chunk with pages for atomic callers, as after boot. */
	bl_worker_run();
	return 0;
}

void baseline_exit(void)
{
	if (!is_set_up)
		return;
	bl_worker_exit();
	bl_space_exit();
	is_set_up = false;
}

static struct bl_chunk *claim(const struct bl_wish *wish, unsigned *bit)
{
	struct bl_chunk *chunk;
	struct bl_hold hold;

	bl_lock(&hold);
	chunk = bl_slots_claim(wish, bit);
	bl_unlock(&hold);
	return chunk;
}

/* Grow mutex held: the populated bitmap stands still without the lock. */
static void populate(struct bl_chunk *chunk, unsigned bit, unsigned nr)
{
	struct bl_run pages = bl_pages_of(bit, nr);
	struct bl_run hole = {.end = pages.start};
	struct bl_slot_mark before;
	struct bl_hold hold;

	for (;;) {
		hole = bl_bits_next_hole(chunk->populated, pages.end, hole.end);
		if (hole.start == pages.end)
			return;
		bl_lock(&hold);
		before = bl_slot_mark(chunk);
		bl_chunk_set_populated(chunk, hole);
		bl_slot_update(chunk, before);
		bl_unlock(&hold);
	}
}

/* Grow mutex held.  True if it is worth searching again. */
static bool grow(void)
{
	struct bl_chunk *chunk;
	struct bl_hold hold;

	if (bl_worker_catch_up())
		return true;
	chunk = bl_space_create();
	if (!chunk)
		return false;
	bl_lock(&hold);
	bl_slot_insert(chunk);
	bl_unlock(&hold);
	return true;
}

static struct bl_chunk *claim_or_grow(const struct bl_wish *wish, unsigned *bit)
{
	struct bl_chunk *chunk;

	bl_grow_lock();
	do {
		chunk = claim(wish, bit);
	} while (!chunk && grow());
	if (chunk)
		populate(chunk, *bit, wish->nr);
	bl_grow_unlock();
	return chunk;
}

static void zero_copies(char *first, size_t len)
{
	unsigned nr_cpus = bl_space_nr_cpus();
	unsigned cpu;

	for (cpu = 0; cpu < nr_cpus; cpu++)
		memset(first + cpu * BASELINE_UNIT_BYTES, 0, len);
}

static bool is_valid(size_t size, size_t align)
{
	return size && size <= BASELINE_MAX_SIZE && align <= BL_PAGE_BYTES &&
	       !(align & (align - 1));
}

static void *alloc(size_t size, size_t align, bool atomic)
{
	struct bl_wish wish = {.populated_only = atomic};
	struct bl_place place;
	char *cookie;

	if (!is_valid(size, align)) {
		errno = EINVAL;
		return NULL;
	}
	wish.nr = (unsigned)(size + BL_GRAIN_BYTES - 1) / BL_GRAIN_BYTES;
	wish.align =
		align < BL_GRAIN_BYTES ? 1 : (unsigned)align / BL_GRAIN_BYTES;

	place.chunk = atomic ? claim(&wish, &place.bit)
			     : claim_or_grow(&wish, &place.bit);
	if (!place.chunk) {
		if (atomic) {
			bl_balance_note_failure();
			bl_worker_kick();
		}
		errno = ENOMEM;
		return NULL;
	}
	if (bl_slots_nr_empty() < BL_EMPTY_LOW)
		bl_worker_kick();
	cookie = bl_space_cookie(place);
	if (zero)
		zero_copies(cookie, (size_t)wish.nr * BL_GRAIN_BYTES);
	return cookie;
}

void *baseline_alloc(size_t size, size_t align)
{
	return alloc(size, align, false);
}

void *baseline_alloc_atomic(size_t size, size_t align)
{
	return alloc(size, align, true);
}

/* @chunk has just been freed into: is there work for the worker? */
static bool needs_work(struct bl_chunk *chunk)
{
	if (!chunk->isolated && bl_chunk_is_free(chunk)) {
		struct bl_slot *list = bl_slot_list(BL_SLOT_FREE);

		return TAILQ_FIRST(list) != chunk || TAILQ_NEXT(chunk, link);
	}
	if (!bl_slot_should_isolate(chunk))
		return false;
	bl_slot_isolate(chunk);
	return true;
}

void baseline_free(void *p)
{
	struct bl_place place;
	struct bl_slot_mark before;
	struct bl_hold hold;
	bool work;

	if (!p)
		return;
	bl_lock(&hold);
	place = bl_space_place(p);
	before = bl_slot_mark(place.chunk);
	bl_chunk_unclaim(place.chunk, place.bit);
	bl_slot_update(place.chunk, before);
	work = needs_work(place.chunk);
	bl_unlock(&hold);
	if (work)
		bl_worker_kick();
}

void *baseline_ptr(void *p, unsigned cpu)
{
	return (char *)p + cpu * BASELINE_UNIT_BYTES;
}

size_t baseline_usable_size(void *p)
{
	struct bl_place place = bl_space_place(p);
	struct bl_hold hold;
	size_t nr;

	bl_lock(&hold);
	nr = bl_chunk_area_nr(place.chunk, place.bit);
	bl_unlock(&hold);
	return nr * BL_GRAIN_BYTES;
}

void baseline_stats_get(struct baseline_stats *stats)
{
	const struct bl_chunk *chunk;
	struct bl_hold hold;

	*stats = (struct baseline_stats){0};
	bl_grow_lock();
	bl_lock(&hold);
	for (chunk = bl_space_next(0); chunk;
	     chunk = bl_space_next(chunk->index + 1)) {
		stats->nr_chunks++;
		stats->nr_alloc += chunk->nr_alloc;
		stats->unit_bytes += BASELINE_UNIT_BYTES;
		stats->populated_bytes +=
			(size_t)chunk->nr_populated * BL_PAGE_BYTES;
		stats->live_bytes += BASELINE_UNIT_BYTES - chunk->free_bytes;
		stats->metadata_bytes += sizeof(*chunk);
	}
	bl_unlock(&hold);
	bl_grow_unlock();
}

/* A round may leave chunks behind that it emptied last: until none is left. */
size_t baseline_trim(void)
{
	size_t given, total = 0;

	do {
		given = bl_worker_run();
		total += given;
	} while (given);
	return total;
}
