/* SPDX-License-Identifier: MIT */
/*
 * A shadow map of the live objects: what the allocator must never get wrong,
 * checked from outside by the model test and the fuzzer. Single-threaded.
 *
 * S1 [handle, handle + usable) of two live objects never meet.
 * S2 The handle and every copy have the alignment that was asked for.
 * S3 usable >= size, a multiple of 4 (in debug mode it is the size), and
 *    pcpu_usable_size() agrees.
 * S4 Every possible CPU's copy is zero at hand-out, all usable bytes of it.
 * S5 Every byte of every copy keeps what was written until the object is freed:
 *    the pattern depends on handle, CPU, offset and the object's serial number,
 *    so copies that overlap, or objects that do, are seen.
 * S6 The distance from handle to copy is the same for all bytes of an object
 *    and does not change while it lives.
 */
#ifndef TESTS_SHADOW_H
#define TESTS_SHADOW_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pcpu.h>

#include "support.h"

#define SHADOW_MAX 4096u

struct shadow_object {
	char *handle;
	size_t size;        /* asked for */
	size_t align;       /* asked for */
	size_t usable;      /* granted */
	uint64_t serial;    /* of this allocation */
	uint64_t distances; /* digest of the distances to all copies */
};

/* Objects in ascending order of handle. */
struct shadow {
	unsigned nr_cpus; /* possible ones */
	size_t nr;        /* live objects */
	size_t bytes;     /* sum of usable over them */
	uint64_t serial;  /* of the last allocation */
	uint64_t touched; /* bytes written and read so far, roughly */
	struct shadow_object objects[SHADOW_MAX];
};

static inline struct shadow *shadow_create(void)
{
	struct shadow *shadow = (struct shadow *)calloc(1, sizeof(*shadow));
	int cpu;

	require(shadow != NULL, "calloc");
	pcpu_for_each_cpu (cpu)
		shadow->nr_cpus++;
	require(shadow->nr_cpus > 0, "no CPU is possible");
	return shadow;
}

/* --- one copy ----------------------------------------------------------------
 */

static inline uint32_t shadow_pattern(const struct shadow_object *object,
				      int cpu)
{
	uint64_t handle = (uint64_t)(uintptr_t)object->handle;

	return (uint32_t)support_mix(handle + object->serial * 0x9e3779b97u +
				     ((uint64_t)cpu << 48));
}

static inline void shadow_fill(const struct shadow_object *object, int cpu)
{
	uint32_t *copy = (uint32_t *)(void *)pcpu_ptr(object->handle, cpu);
	uint32_t value = shadow_pattern(object, cpu);
	size_t i;

	for (i = 0; i < object->usable / 4; i++)
		copy[i] = value + (uint32_t)i * 0x9e3779b1u;
}

static inline void shadow_check_fill(const struct shadow_object *object,
				     int cpu)
{
	uint32_t *copy = (uint32_t *)(void *)pcpu_ptr(object->handle, cpu);
	uint32_t value = shadow_pattern(object, cpu), wrong = 0;
	size_t i, nr = object->usable / 4;

	for (i = 0; i < nr; i++)
		wrong |= copy[i] ^ (value + (uint32_t)i * 0x9e3779b1u);
	if (wrong == 0)
		return;
	for (i = 0; i < nr; i++)
		require(copy[i] == value + (uint32_t)i * 0x9e3779b1u,
			"%p (%zu of %zu bytes) lost its contents on CPU %d at "
			"offset %zu: %#x",
			(void *)object->handle, object->size, object->usable,
			cpu, i * 4, copy[i]);
}

static inline void shadow_check_zero(const struct shadow_object *object,
				     int cpu)
{
	uint32_t *copy = (uint32_t *)(void *)pcpu_ptr(object->handle, cpu);
	size_t i, nr = object->usable / 4;
	uint32_t seen = 0;

	for (i = 0; i < nr; i++)
		seen |= copy[i];
	if (seen == 0)
		return;
	for (i = 0; i < nr; i++)
		require(copy[i] == 0,
			"%p (%zu of %zu bytes) is not zero on CPU %d at offset "
			"%zu: %#x",
			(void *)object->handle, object->size, object->usable,
			cpu, i * 4, copy[i]);
}

/* --- one object --------------------------------------------------------------
 */

static inline uint64_t shadow_distances(const struct shadow_object *object)
{
	char *first = object->handle, *last = first + object->usable - 1;
	uint64_t digest = 0;
	int cpu;

	pcpu_for_each_cpu (cpu) {
		uintptr_t copy = (uintptr_t)pcpu_ptr(first, cpu);

		require(copy % object->align == 0,
			"copy %#zx of %p on CPU %d is not aligned to %zu",
			(size_t)copy, (void *)first, cpu, object->align);
		require((uintptr_t)pcpu_ptr(last, cpu) - copy ==
				object->usable - 1,
			"%p: the copy on CPU %d has a gap", (void *)first, cpu);
		digest = support_mix(digest + (copy - (uintptr_t)first));
	}
	return digest;
}

static inline void shadow_check_object(const struct shadow_object *object)
{
	int cpu;

	require(pcpu_usable_size(object->handle) == object->usable,
		"%p has another size now", (void *)object->handle);
	require(shadow_distances(object) == object->distances,
		"the copies of %p moved", (void *)object->handle);
	pcpu_for_each_cpu (cpu)
		shadow_check_fill(object, cpu);
}

/* The number of objects below the handle. */
static inline size_t shadow_index(const struct shadow *shadow,
				  const char *handle)
{
	size_t low = 0, high = shadow->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uintptr_t)shadow->objects[middle].handle <
		    (uintptr_t)handle)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static inline void shadow_check_overlap(const struct shadow *shadow,
					const struct shadow_object *object,
					size_t index)
{
	const struct shadow_object *below, *above;

	if (index > 0) {
		below = &shadow->objects[index - 1];
		require((uintptr_t)below->handle + below->usable <=
				(uintptr_t)object->handle,
			"%p overlaps live %p with its %zu bytes",
			(void *)object->handle, (void *)below->handle,
			below->usable);
	}
	if (index < shadow->nr) {
		above = &shadow->objects[index];
		require((uintptr_t)object->handle + object->usable <=
				(uintptr_t)above->handle,
			"%p with its %zu bytes overlaps live %p",
			(void *)object->handle, object->usable,
			(void *)above->handle);
	}
}

/* Check an object that was just allocated, fill it and take it in. */
static inline void shadow_add(struct shadow *shadow, void *handle, size_t size,
			      size_t align)
{
	struct shadow_object object = {
		.handle = (char *)handle, .size = size, .align = align};
	struct shadow_object *slot;
	size_t index;
	int cpu;

	require((uintptr_t)object.handle % align == 0, "%p is not at %zu",
		(void *)object.handle, align);
	object.usable = pcpu_usable_size(object.handle);
	require(support_debug()
			? object.usable == size
			: object.usable >= size && object.usable % 4 == 0,
		"%zu usable of %zu bytes", object.usable, size);
	object.serial = ++shadow->serial;
	object.distances = shadow_distances(&object);
	index = shadow_index(shadow, object.handle);
	shadow_check_overlap(shadow, &object, index);
	pcpu_for_each_cpu (cpu) {
		shadow_check_zero(&object, cpu);
		shadow_fill(&object, cpu);
	}
	slot = &shadow->objects[index];
	memmove(slot + 1, slot, (shadow->nr++ - index) * sizeof(*slot));
	*slot = object;
	shadow->bytes += object.usable;
	shadow->touched += 3 * object.usable * shadow->nr_cpus;
}

/*
 * Allocate. False if there was no memory. The map must have room (nr <
 * SHADOW_MAX) and the arguments must be valid.
 */
static inline bool shadow_alloc(struct shadow *shadow, size_t size,
				size_t align, unsigned flags)
{
	void *handle;

	errno = 0;
	handle = pcpu_alloc_flags(size, align, flags);
	require(handle || errno == ENOMEM, "%zu bytes at %zu: errno %d", size,
		align, errno);
	if (handle)
		shadow_add(shadow, handle, size, align);
	return handle != NULL;
}

#define SHADOW_BULK_MAX 128u

/* The same in bulk: all or none. */
static inline bool shadow_alloc_bulk(struct shadow *shadow, size_t size,
				     size_t align, unsigned flags, size_t nr)
{
	void *handles[SHADOW_BULK_MAX];
	size_t i;

	errno = 0;
	if (pcpu_alloc_bulk(size, align, flags, nr, handles)) {
		require(errno == ENOMEM, "%zu of %zu bytes at %zu: errno %d",
			nr, size, align, errno);
		return false;
	}
	for (i = 0; i < nr; i++)
		shadow_add(shadow, handles[i], size, align);
	return true;
}

/* Forget the object. */
static inline void *shadow_forget(struct shadow *shadow, size_t index)
{
	struct shadow_object *slot = &shadow->objects[index];
	void *handle = slot->handle;

	shadow->bytes -= slot->usable;
	shadow->nr--;
	memmove(slot, slot + 1, (shadow->nr - index) * sizeof(*slot));
	return handle;
}

/* Check the object and forget it. */
static inline void *shadow_remove(struct shadow *shadow, size_t index)
{
	shadow_check_object(&shadow->objects[index]);
	return shadow_forget(shadow, index);
}

/* Check the object and free it with its contents as they are. */
static inline void shadow_free(struct shadow *shadow, size_t index)
{
	pcpu_free(shadow_remove(shadow, index));
}

/* The same in bulk: at most nr objects, each `step` behind the one before, with
 * a NULL now and then. */
static inline void shadow_free_bulk(struct shadow *shadow, size_t first,
				    size_t step, size_t nr)
{
	void *handles[SHADOW_BULK_MAX];
	size_t i;

	for (i = 0; i < nr && shadow->nr > 0; i++, first += step)
		handles[i] = first % 8 == 7 ? NULL
					    : shadow_remove(shadow,
							    first % shadow->nr);
	pcpu_free_bulk(i, handles);
}

static inline void shadow_check_all(struct shadow *shadow)
{
	size_t i;

	for (i = 0; i < shadow->nr; i++)
		shadow_check_object(&shadow->objects[i]);
	shadow->touched += shadow->bytes * shadow->nr_cpus;
}

/* Free all, in an order that is neither that of allocation nor of address. */
static inline void shadow_free_all(struct shadow *shadow, struct rng *rng)
{
	while (shadow->nr > 0)
		shadow_free(shadow, rng_below(rng, shadow->nr));
}

#endif /* TESTS_SHADOW_H */
