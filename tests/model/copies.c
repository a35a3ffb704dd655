// SPDX-License-Identifier: MIT
/*
 * The memory of copies, which does not go through chunk/atomic.h: whoever
 * writes to it in the library is caught on the way, and what was there saved.
 */
#include <pcpu.h>
#include <string.h>

#include "chunk/zero.h"
#include "engine.h"

/* --- pages of copies ------------------------------------------------------ */

/* A bit for each page of the units that anybody has written to, ever. */
static uint64_t *touched[NR_WINDOWS];

static bool is_touched(const char *page, uint64_t mark)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++) {
		size_t offset = (uintptr_t)page - layout.area[w];
		uint64_t *word = &touched[w][offset / PAGE_BYTES / 64];
		uint64_t bit = UINT64_C(1) << offset / PAGE_BYTES % 64;
		bool was;

		if (offset >= layout.area_bytes)
			continue;
		was = *word & bit;
		*word |= bit & mark;
		return was;
	}
	return false;
}

/* Call visit() for the touched pages that the range has a part of. */
static void visit_touched(void *start, size_t bytes, void (*visit)(char *page))
{
	char *page = (char *)((uintptr_t)start & ~(uintptr_t)(PAGE_BYTES - 1));
	char *end = (char *)start + bytes;

	for (; page < end; page += PAGE_BYTES)
		if (is_touched(page, 0))
			visit(page);
}

static void save_page(char *page)
{
	explore_save(page, PAGE_BYTES);
}

static void clear_page(char *page)
{
	memset(page, 0, PAGE_BYTES);
}

static void save_pages(void *start, size_t bytes)
{
	visit_touched(start, bytes, save_page);
}

void copies_clear_pages(void *start, size_t bytes)
{
	visit_touched(start, bytes, clear_page);
}

/* --- whoever writes to copies --------------------------------------------- */

void copies_save(uintptr_t handle, size_t bytes)
{
	unsigned cpu;

	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		explore_save(pcpu_ptr((char *)handle, (int)cpu), bytes);
}

static void *zero(const struct size_class *class, uintptr_t handle)
{
	copies_save(handle, class->size);
	return copies_zero_for(class->size)(class, handle);
}

void __real_copies_zero_run(const struct size_class *class, uintptr_t handle,
			    unsigned nr);
void __wrap_copies_zero_run(const struct size_class *class, uintptr_t handle,
			    unsigned nr);
void __wrap_copies_zero_run(const struct size_class *class, uintptr_t handle,
			    unsigned nr)
{
	copies_save(handle, (size_t)nr * class->size);
	__real_copies_zero_run(class, handle, nr);
}

bool __real_layout_depopulate(page_id head, unsigned nr);
bool __wrap_layout_depopulate(page_id head, unsigned nr);
bool __wrap_layout_depopulate(page_id head, unsigned nr)
{
	unsigned window = page_window(head), unit;
	uintptr_t start = page_handle(layout.page0[window], head);

	for (unit = 0; unit < layout.nr_units; unit++)
		save_pages((char *)start + layout.unit_offset[window][unit],
			   nr * PAGE_BYTES);
	return __real_layout_depopulate(head, nr);
}

void copies_start(void)
{
	size_t bytes = layout.area_bytes / PAGE_BYTES / 8 + 8;
	unsigned w, class;

	for (w = 0; w < NR_WINDOWS; w++) {
		touched[w] = layout_reserve(bytes);
		explore_expect(touched[w], "no memory");
	}
	for (class = 1; class < NR_CLASSES; class += 1)
		size_classes[class].zero = zero;
}

void copies_touch(const char *copy)
{
	is_touched(copy, UINT64_MAX);
}
