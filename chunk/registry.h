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

/*
 * Find the object whose handle is p. Returns its class, or -1 if p is no
 * object's handle. That the object is live is not checked: its bit tells.
 */
static inline int registry_find(const void *p, struct object *object)
{
	uintptr_t address = (uintptr_t)p;
	unsigned window = address >> LIBPCPU_WINDOW_SHIFT & 1;
	size_t offset = address - layout.window[window];
	const struct size_class *class;
	uint32_t in_slab, index;
	page_id page;
	unsigned entry;

	if (unlikely(offset >= layout.unit_bytes))
		return -1;
	page.nr = (uint32_t)(offset >> PAGE_SHIFT) +
		  window * layout.window_pages;
	entry = map_load(page);
	if (unlikely(entry == 0))
		return -1;
	page.nr -= entry >> 8;
	class = &size_classes[(entry & 0xff) - 1];
	in_slab = (entry >> 8) * PAGE_BYTES + (offset & (PAGE_BYTES - 1));
	index = (uint32_t)((uint64_t)in_slab * class->reciprocal >> 32);
	if (unlikely(index * class->size != in_slab ||
		     index >= class->nr_objects))
		return -1;
	object->word = page_word(page, index / WORD_BITS);
	object->bit = index % WORD_BITS;
	return (int)(entry & 0xff) - 1;
}

/*
 * Say in one line why p cannot be given to `caller` (a function's name), and
 * abort. p is no live object's handle.
 */
_Noreturn void registry_refuse(const char *caller, const void *p);

#endif /* CHUNK_REGISTRY_H */
