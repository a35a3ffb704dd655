/* SPDX-License-Identifier: MIT */
/*
 * From any pointer to its object, or the proof that it has none: three loads,
 * none of which depends on memory that the pointer names.
 */
#ifndef CHUNK_REGISTRY_H
#define CHUNK_REGISTRY_H

#include <stdbool.h>

#include "chunk/compiler.h"
#include "chunk/layout.h"
#include "chunk/slab.h"

/* An object, and what its page's map entry says. */
struct found {
	struct object object;
	uint64_t entry;
};

/*
 * Find the object at an offset into a window whose first page is `first`.
 * Returns false if there is none. That the object is live is not checked.
 */
static inline bool registry_find_at(uintptr_t offset, uint32_t first,
				    struct found *found)
{
	page_id page = {first + (uint32_t)(offset >> PAGE_SHIFT)};
	uint64_t entry = map_load(page);
	uintptr_t in_slab =
		map_bytes_behind(entry) + (offset & (PAGE_BYTES - 1));
	uint64_t product = in_slab * map_reciprocal(entry);
	uint32_t index = (uint32_t)(product >> 32);

	/* A page without a slab has a reciprocal of 0, which none is below. */
	if (unlikely(!sizeclass_divides(product, map_reciprocal(entry)) ||
		     index >= size_classes[map_class(entry)].nr_objects))
		return false;
	/* The slab's first word, from its first byte: a word is 256 bytes. */
	found->object.word.nr = first * PAGE_WORDS +
				(uint32_t)((offset - in_slab) / 256) +
				index / WORD_BITS;
	found->object.bit = index % WORD_BITS;
	found->entry = entry;
	return true;
}

/* Offset of an address in a window; not below layout.unit_bytes if outside. In
 * debug mode (arena/debug.h) none is below layout.handle_bytes. */
static inline uintptr_t registry_offset(const void *p, unsigned window)
{
	return (uintptr_t)p - layout.window[window];
}

/*
 * Find the object whose handle is p; false if p is no object's handle. That the
 * object is live is not checked: its bit tells.
 */
static inline bool registry_find(const void *p, struct found *found)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++)
		if (registry_offset(p, w) < layout.handle_bytes)
			return registry_find_at(registry_offset(p, w),
						w * layout.window_pages, found);
	return false;
}

/*
 * The object that an address in a window points to or into, also in debug mode;
 * false if there is none. *inside is how many bytes.
 */
bool registry_find_around(const void *p, struct found *found, uint32_t *inside);

/* The class of an object that was handed out. Aborts with one line where
 * somebody wrote over the entry of its page. */
unsigned registry_class(const char *caller, struct object object);

/*
 * Say in one line why p cannot be given to `caller` (a function's name), and
 * abort. p is no live object's handle.
 */
_Noreturn void registry_refuse(const char *caller, const void *p);

/* The same where it is known that p's object is free already. */
_Noreturn void registry_refuse_free(const char *caller, const void *p);

#endif /* CHUNK_REGISTRY_H */
