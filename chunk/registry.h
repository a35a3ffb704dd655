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

/* The page that holds the address; false if none does. */
static inline bool registry_page(uintptr_t address, page_id *page)
{
	uintptr_t offset = address - layout.window[WINDOW_SKEWED];

	/* A branch that is predicted keeps the window out of the chain of
	 * loads from pointer to word. */
	page->nr = 0;
	if (unlikely(offset >= layout.unit_bytes)) {
		offset = address - layout.window[WINDOW_PAGES];
		if (offset >= layout.unit_bytes)
			return false;
		page->nr = layout.window_pages;
	}
	page->nr += (uint32_t)(offset >> PAGE_SHIFT);
	return true;
}

/*
 * Find the object whose handle is p. Returns its class, or NULL if p is no
 * object's handle. That the object is live is not checked: its bit tells.
 */
static inline const struct size_class *registry_find(const void *p,
						     struct object *object)
{
	uintptr_t address = (uintptr_t)p;
	uint64_t entry, product;
	const struct size_class *class;
	page_id page;
	uint32_t index;

	if (unlikely(!registry_page(address, &page)))
		return NULL;
	entry = map_load(page);
	/* A page without a slab has a reciprocal of 0, which none is below. */
	product = (map_behind(entry) * PAGE_BYTES +
		   (address & (PAGE_BYTES - 1))) *
		  map_reciprocal(entry);
	if (unlikely(!sizeclass_divides(product, map_reciprocal(entry))))
		return NULL;
	index = (uint32_t)(product >> 32);
	class = &size_classes[map_class(entry)];
	if (unlikely(index >= class->nr_objects))
		return NULL;
	page.nr -= map_behind(entry);
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
