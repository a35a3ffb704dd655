/* SPDX-License-Identifier: MIT */
/*
 * From any pointer to its object, or the proof that it has none: three loads,
 * none of which depends on memory that the pointer names.
 */
#ifndef CHUNK_REGISTRY_H
#define CHUNK_REGISTRY_H

#include "chunk/compiler.h"
#include "chunk/layout.h"
#include "chunk/slab.h"

/*
 * Find the object whose handle is p. Returns its class, or NULL if p is no
 * object's handle. That the object is live is not checked: its bit tells.
 */
static inline const struct size_class *registry_find(const void *p,
						     struct object *object)
{
	uintptr_t address = (uintptr_t)p;
	unsigned window = address >> LIBPCPU_WINDOW_SHIFT & 1;
	const struct size_class *class;
	uint32_t in_slab, index;
	page_id page;
	unsigned entry;

	if (unlikely(address - layout.window[window] >= layout.unit_bytes))
		return NULL;
	page = handle_page(window, address);
	entry = map_load(page);
	if (unlikely(entry == 0))
		return NULL;
	page.nr -= map_behind(entry);
	class = &size_classes[map_class(entry)];
	in_slab = map_behind(entry) * PAGE_BYTES +
		  (uint32_t)(address & (PAGE_BYTES - 1));
	index = (uint32_t)((uint64_t)in_slab * class->reciprocal >> 32);
	if (unlikely(index * class->size != in_slab ||
		     index >= class->nr_objects))
		return NULL;
	object->word = page_word(page, index / WORD_BITS);
	object->bit = index % WORD_BITS;
	return class;
}

/*
 * Say in one line why p cannot be given to `caller` (a function's name), and
 * abort. p is no live object's handle.
 */
_Noreturn void registry_refuse(const char *caller, const void *p);

#endif /* CHUNK_REGISTRY_H */
