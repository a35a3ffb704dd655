// SPDX-License-Identifier: MIT
#include "chunk/registry.h"

#include "chunk/panic.h"
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

/* p lies in a slab: behind its last object, or inside one. */
static _Noreturn void refuse_in_slab(const char *caller, const void *p,
				     uint64_t entry)
{
	const struct size_class *class = &size_classes[map_class(entry)];
	uint32_t in_slab = map_behind(entry) * PAGE_BYTES +
			   (uint32_t)((uintptr_t)p & (PAGE_BYTES - 1));
	uint32_t index = in_slab / class->size;
	uint32_t inside = in_slab - index * class->size;

	if (index >= class->nr_objects)
		panic("%s(%p): never allocated: behind the last object of a "
		      "slab",
		      caller, p);
	panic("%s(%p): points %u bytes inside an object of %u bytes at %p",
	      caller, p, inside, class->size,
	      (const void *)((uintptr_t)p - inside));
}

/* p lies in no window. */
static _Noreturn void refuse_outside(const char *caller, const void *p)
{
	int cpu = copy_of_cpu((uintptr_t)p);

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

void registry_refuse(const char *caller, const void *p)
{
	struct found found;
	uint64_t entry = 0;
	page_id page;
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++) {
		uintptr_t offset = registry_offset(p, w);

		if (offset >= layout.unit_bytes)
			continue;
		page.nr = w * layout.window_pages +
			  (uint32_t)(offset >> PAGE_SHIFT);
		entry = map_load(page);
		if (!map_class(entry))
			panic("%s(%p): never allocated or given back", caller,
			      p);
	}
	if (!entry)
		refuse_outside(caller, p);
	if (!registry_find(p, &found))
		refuse_in_slab(caller, p, entry);
	registry_refuse_free(caller, p);
}
