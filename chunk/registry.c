// SPDX-License-Identifier: MIT
#include "chunk/registry.h"

#include "chunk/panic.h"
#include "chunk/statics.h"
#include "chunk/topology.h"

/* Which CPU's copies hold the address, or -1. */
static int copy_of_cpu(uintptr_t address)
{
	unsigned unit, w;

	for (w = 0; w < NR_WINDOWS; w++)
		for (unit = 0; unit < layout.nr_units; unit++) {
			uintptr_t first =
				layout.window[w] +
				(uintptr_t)layout.unit_offset[w][unit];

			if (address - first < layout.unit_bytes)
				return topology.unit_cpu[unit];
		}
	return -1;
}

/* The page that a handle would lie in; false if p is in no window. */
static bool page_of(const void *p, page_id *page)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++) {
		uintptr_t offset = registry_offset(p, w);

		if (offset >= layout.unit_bytes)
			continue;
		page->nr = w * layout.window_pages +
			   (uint32_t)(offset >> PAGE_SHIFT);
		return true;
	}
	return false;
}

bool registry_find_around(const void *p, struct found *found, uint32_t *inside)
{
	const struct size_class *class;
	uint32_t in_slab, index;
	page_id page;

	if (!page_of(p, &page))
		return false;
	found->entry = map_load(page);
	class = &size_classes[map_class(found->entry)];
	in_slab = map_bytes_behind(found->entry) +
		  (uint32_t)((uintptr_t)p & (PAGE_BYTES - 1));
	index = class->size ? in_slab / class->size : 0;
	if (index >= class->nr_objects ||
	    map_behind(found->entry) >= page_index(page))
		return false;
	page.nr -= map_behind(found->entry);
	found->object.word = page_word(page, index / WORD_BITS);
	found->object.bit = index % WORD_BITS;
	*inside = in_slab - index * class->size;
	return true;
}

/* p lies in no window. */
static _Noreturn void refuse_outside(const char *caller, const void *p)
{
	uintptr_t handle;
	int cpu;

	if (statics_holds((uintptr_t)p))
		panic("%s(%p): a static per-CPU variable", caller, p);
	cpu = libpcpu_statics_find((uintptr_t)p, &handle);
	if (cpu >= 0)
		panic("%s(%p): the address of CPU %d's copy of a static "
		      "per-CPU variable",
		      caller, p, cpu);
	cpu = copy_of_cpu((uintptr_t)p);
	if (cpu < 0)
		panic("%s(%p): not a per-CPU handle", caller, p);
	panic("%s(%p): the address of CPU %d's copy of an object, not its "
	      "handle",
	      caller, p, cpu);
}

void registry_refuse_free(const char *caller, const void *p)
{
	panic("%s(%p): already free", caller, p);
}

/* No slab's: somebody wrote over it. */
static bool is_damaged(uint64_t entry)
{
	const struct size_class *class = &size_classes[map_class(entry)];

	return !class->size || map_reciprocal(entry) != class->reciprocal;
}

unsigned registry_class(const char *caller, struct object object)
{
	page_id page = word_page(object.word);
	uint64_t entry = map_load(page);

	if (is_damaged(entry))
		panic("%s: the bookkeeping of page %u is damaged", caller,
		      page.nr);
	return map_class(entry);
}

void registry_refuse(const char *caller, const void *p)
{
	struct found found;
	uint32_t inside;
	page_id page;

	if (!page_of(p, &page))
		refuse_outside(caller, p);
	if (!map_class(map_load(page)))
		panic("%s(%p): never allocated or given back", caller, p);
	if (is_damaged(map_load(page)))
		panic("%s(%p): the bookkeeping of its page is damaged", caller,
		      p);
	if (!registry_find_around(p, &found, &inside))
		panic("%s(%p): never allocated: behind the last object of a "
		      "slab",
		      caller, p);
	if (inside)
		panic("%s(%p): points %u bytes inside an object of %u bytes at "
		      "%p",
		      caller, p, inside,
		      size_classes[map_class(found.entry)].size,
		      (const void *)((uintptr_t)p - inside));
	registry_refuse_free(caller, p);
}
