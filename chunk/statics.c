// SPDX-License-Identifier: MIT
#include "chunk/statics.h"

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "chunk/env.h"
#include "chunk/layout.h"
#include "chunk/panic.h"
#include "chunk/topology.h"

#define LOW_END ((uintptr_t)4 << 30)

/* Of one object. An entry is used again when its object is gone. */
struct section {
	atom64 first; /* address */
	atom64 bytes; /* 0 if there is none */
	bool copied;
};
static struct section sections[LIBPCPU_STATICS_MAX];

/* Handles whose copies were mapped; they stay, for who is loaded there next. */
static struct {
	uintptr_t first, end;
} mapped[LIBPCPU_STATICS_MAX];
static unsigned nr_mapped;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool exiting;

struct statics_seen statics_seen;

/* relaxed, all of them: see the header */
static uintptr_t first_of(const struct section *section)
{
	return load_relaxed(&section->first);
}

static size_t bytes_of(const struct section *section)
{
	return load_relaxed(&section->bytes);
}

static uintptr_t offset_of(uintptr_t handle, unsigned unit)
{
	unsigned w = libpcpu_window((const void *)handle);

	return (uintptr_t)layout.unit_offset[w][unit];
}

/* --- memory --------------------------------------------------------------- */

static uintptr_t page_floor(uintptr_t address)
{
	return address & ~(layout.os_page - 1);
}

static uintptr_t page_ceil(uintptr_t address)
{
	return page_floor(address + layout.os_page - 1);
}

/* Did we map the page for a unit? */
static bool is_mapped(unsigned unit, uintptr_t page)
{
	unsigned i;

	for (i = 0; i < nr_mapped; i++) {
		uintptr_t offset = offset_of(mapped[i].first, unit);

		if (page >= page_floor(mapped[i].first + offset) &&
		    page < page_ceil(mapped[i].end + offset))
			return true;
	}
	return false;
}

static unsigned node_of(unsigned unit)
{
	unsigned node = 0;

	while (topology.first_unit[node + 1] <= unit)
		node++;
	return node;
}

static void map(unsigned unit, uintptr_t at, size_t bytes)
{
	void *got = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				 MAP_FIXED_NOREPLACE,
			 -1, 0);

	if (got != (void *)at)
		panic("static per-CPU variables: no room for the copies of CPU "
		      "%u at %p",
		      topology.unit_cpu[unit], (void *)at);
	layout_bind(got, bytes, node_of(unit));
}

/* Objects side by side may share a page of their copies, as these are skewed.
 */
static void map_unit(unsigned unit, uintptr_t first, uintptr_t end)
{
	uintptr_t page = page_floor(first), last = page_ceil(end), next;

	for (; page < last; page = next) {
		next = page + layout.os_page;
		if (is_mapped(unit, page))
			continue;
		while (next < last && !is_mapped(unit, next))
			next += layout.os_page;
		map(unit, page, next - page);
	}
}

static void map_copies(uintptr_t first, size_t bytes)
{
	unsigned unit;

	if (layout_covers(first, bytes))
		return;
	for (unit = 0; unit < layout.nr_units; unit++) {
		uintptr_t copy = first + offset_of(first, unit);

		map_unit(unit, copy, copy + bytes);
	}
	if (nr_mapped == LIBPCPU_STATICS_MAX)
		panic("static per-CPU variables: %u objects at most, loaded "
		      "one after the other included",
		      LIBPCPU_STATICS_MAX);
	mapped[nr_mapped].first = first;
	mapped[nr_mapped++].end = first + bytes;
}

/* Zeroes stay untouched, so that they take no memory. */
static void copy_values(uintptr_t first, size_t bytes)
{
	static const char zeroes[CACHE_LINE];
	unsigned unit;
	size_t at;

	for (at = 0; at < bytes; at += CACHE_LINE) {
		size_t n = bytes - at < CACHE_LINE ? bytes - at : CACHE_LINE;
		const void *value = (const void *)(first + at);

		if (!memcmp(value, zeroes, n))
			continue;
		for (unit = 0; unit < layout.nr_units; unit++)
			memcpy((void *)(first + at + offset_of(first, unit)),
			       value, n);
	}
}

/* Zero again, and without memory where nobody else's copies are. */
static void free_copies(uintptr_t first, size_t bytes)
{
	unsigned unit;

	for (unit = 0; unit < layout.nr_units; unit++) {
		uintptr_t copy = first + offset_of(first, unit);
		uintptr_t inner = page_ceil(copy);
		uintptr_t end = page_floor(copy + bytes);

		if (inner >= end ||
		    madvise((void *)inner, end - inner, MADV_DONTNEED)) {
			memset((void *)copy, 0, bytes);
			continue;
		}
		memset((void *)copy, 0, inner - copy);
		memset((void *)end, 0, copy + bytes - end);
	}
}

/* --- sections ------------------------------------------------------------- */

static void make_copies(struct section *section)
{
	if (section->copied || !layout.unit_bytes)
		return;
	map_copies(first_of(section), bytes_of(section));
	copy_values(first_of(section), bytes_of(section));
	section->copied = true;
}

static struct section *find_section(uintptr_t first)
{
	struct section *unused = NULL;
	unsigned i;

	for (i = 0; i < LIBPCPU_STATICS_MAX; i++) {
		struct section *section = &sections[i];

		if (bytes_of(section) && first_of(section) == first)
			return section;
		if (!bytes_of(section) && !unused)
			unused = section;
	}
	return unused;
}

/* What is known already is not added again. */
static struct section *add(uintptr_t first, uintptr_t end)
{
	struct section *section = find_section(first);

	if (!section)
		panic("static per-CPU variables: %u objects at most",
		      LIBPCPU_STATICS_MAX);
	if (!bytes_of(section)) {
		section->copied = false;
		/* relaxed: see the header */
		store_relaxed(&section->first, first);
		/* relaxed: the same */
		store_relaxed(&section->bytes, end - first);
	}
	return section;
}

/* Until the layout is there it can follow. */
static void require_pages(uintptr_t first)
{
	if (!layout.unit_bytes)
		statics_seen.pages = true;
	else if (!statics_seen.pages &&
		 libpcpu_window((const void *)first) == WINDOW_SKEWED)
		panic("static per-CPU variables at %p, which are aligned to a "
		      "page, were loaded after the start: set "
		      "PCPU_STATIC_PAGES=1",
		      (void *)first);
}

void statics_add(const struct libpcpu_statics *statics)
{
	uintptr_t first = (uintptr_t)statics->first;
	uintptr_t first_page = (uintptr_t)statics->first_page;

	pthread_mutex_lock(&lock);
	if (statics->first != statics->end)
		make_copies(add(first, (uintptr_t)statics->end));
	if (statics->first_page != statics->end_page) {
		require_pages(first_page);
		make_copies(add(first_page, (uintptr_t)statics->end_page));
	}
	pthread_mutex_unlock(&lock);
}

static void remove_section(uintptr_t first)
{
	struct section *section = find_section(first);

	if (!section || !bytes_of(section))
		return;
	if (section->copied)
		free_copies(first, bytes_of(section));
	/* relaxed: see the header */
	store_relaxed(&section->bytes, 0);
}

/* At exit the variables stay: others may still run. */
void libpcpu_statics_remove(const struct libpcpu_statics *statics)
{
	if (exiting)
		return;
	pthread_mutex_lock(&lock);
	remove_section((uintptr_t)statics->first);
	remove_section((uintptr_t)statics->first_page);
	pthread_mutex_unlock(&lock);
}

/* --- what is loaded ------------------------------------------------------- */

/* Where the four symbols are, from where each is written. */
static void look_at(const int64_t *distance)
{
	const char *at = (const char *)distance;
	struct libpcpu_statics statics = {
		.first = at + distance[0],
		.end = at + distance[1],
		.first_page = at + distance[2],
		.end_page = at + distance[3],
	};

	if ((statics.first != statics.end &&
	     (uintptr_t)statics.first < LOW_END) ||
	    (statics.first_page != statics.end_page &&
	     (uintptr_t)statics.first_page < LOW_END))
		statics_seen.low = true;
	statics_add(&statics);
}

static uintptr_t aligned(uintptr_t bytes, uintptr_t align)
{
	return (bytes + align - 1) & ~(align - 1);
}

static void read_notes(uintptr_t at, uintptr_t end, uintptr_t align)
{
	while (at + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *note = (const void *)at;
		uintptr_t name = at + sizeof(*note);
		uintptr_t data = aligned(name + note->n_namesz, align);

		at = aligned(data + note->n_descsz, align);
		if (note->n_type == LIBPCPU_NOTE_TYPE &&
		    note->n_namesz == sizeof(LIBPCPU_NOTE_NAME) && at <= end &&
		    !memcmp((const void *)name, LIBPCPU_NOTE_NAME,
			    sizeof(LIBPCPU_NOTE_NAME)))
			look_at((const void *)data);
	}
}

static int look_at_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	int i;

	(void)size, (void)unused;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_NOTE)
			read_notes(at, at + header->p_memsz,
				   header->p_align == 8 ? 8 : 4);
	}
	return 0;
}

void statics_look(void)
{
	statics_seen.pages = env_number("PCPU_STATIC_PAGES", 1, 1) != 0;
	dl_iterate_phdr(look_at_object, NULL);
}

static void at_exit(void)
{
	exiting = true;
}

static void in_child(void)
{
	pthread_mutex_init(&lock, NULL);
}

void statics_start(void)
{
	unsigned i;

	/* Destructors of objects run after this. */
	atexit(at_exit);
	pthread_atfork(NULL, NULL, in_child);
	for (i = 0; i < LIBPCPU_STATICS_MAX; i++)
		if (bytes_of(&sections[i]))
			make_copies(&sections[i]);
}

/* --- searches ------------------------------------------------------------- */

bool statics_holds(uintptr_t address)
{
	unsigned i;

	for (i = 0; i < LIBPCPU_STATICS_MAX; i++)
		if (address - first_of(&sections[i]) < bytes_of(&sections[i]))
			return true;
	return false;
}

int libpcpu_statics_find(uintptr_t address, uintptr_t *handle)
{
	unsigned i, unit;

	for (i = 0; i < LIBPCPU_STATICS_MAX; i++) {
		uintptr_t first = first_of(&sections[i]);
		size_t bytes = bytes_of(&sections[i]);

		for (unit = 0; bytes && unit < layout.nr_units; unit++) {
			*handle = address - offset_of(first, unit);
			if (*handle - first < bytes)
				return topology.unit_cpu[unit];
		}
	}
	return -1;
}
