// SPDX-License-Identifier: MIT
#include "chunk/layout.h"

#include <sys/mman.h>
#include <unistd.h>

#include "chunk/budget.h"
#include "chunk/chunk.h"
#include "chunk/env.h"
#include "chunk/sizeclass.h"
#include "chunk/statics.h"
#include "chunk/topology.h"

/* Until the start word 0, which is all that a slot can name, has no object. */
static atom64 no_word;

struct layout layout = {.words = &no_word};

ptrdiff_t libpcpu_offset[2][LIBPCPU_CPUS_MAX];
unsigned libpcpu_nr_cpu_ids;
unsigned long libpcpu_possible[LIBPCPU_CPUS_MAX / LIBPCPU_LONG_BITS];

/* libpcpu_window_split, which is a constant to those who include the header. */
extern uintptr_t split __asm__("libpcpu_window_split")
	__attribute__((visibility("default")));
uintptr_t split;

/* A window at most. */
#ifdef __SANITIZE_THREAD__ /* knows few addresses that a program may have */
#define UNIT_BYTES_MAX ((size_t)1 << 30)
#define HIGHEST_PAGES ((uintptr_t)32 << 30)
#define BESIDE_HALVES_MAX 1u
#else
#define UNIT_BYTES_MAX ((size_t)16 << 30)
#define HIGHEST_PAGES (layout.window[WINDOW_SKEWED] / 2)
#define BESIDE_HALVES_MAX 16u
#endif

#define SKEW CACHE_LINE

/* What an arena should have at least, if a node has several. */
#define ARENA_CHUNKS_MIN 64u

static void *reserve(void *at, size_t bytes, int protection, int flags)
{
	void *p = mmap(at, bytes, protection,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
		       0);

	return p == MAP_FAILED ? NULL : p;
}

void *layout_reserve(size_t bytes)
{
	void *p = reserve(NULL, bytes, PROT_READ | PROT_WRITE, 0);

	/* A huge page would populate what nobody touched. */
	if (p)
		madvise(p, bytes, MADV_NOHUGEPAGE);
	return p;
}

static void unreserve(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

static bool has_records;
static unsigned wanted_arenas; /* of a node */

/* Debug mode's, of a page. */
static size_t record_bytes(void)
{
	return has_records ? PAGE_WORDS * WORD_BITS * sizeof(atom32) : 0;
}

/* Bytes of bookkeeping for one window of the given size. */
static size_t metadata_bytes(size_t unit_bytes)
{
	size_t pages = unit_bytes / PAGE_BYTES;

	return pages * PAGE_WORDS * (sizeof(atom64) + sizeof(atom8)) +
	       pages * sizeof(atom64) + pages * record_bytes() +
	       pages / CHUNK_PAGES * sizeof(struct chunk);
}

/*
 * What a unit holds copies of beside a window's, for static variables: the more
 * the better, as all that the system maps next to the window takes of it.
 */
static unsigned beside_halves; /* of a window */

static size_t beside_bytes(size_t unit_bytes)
{
	return unit_bytes / 2 * beside_halves & ~(layout.os_page - 1);
}

/*
 * Units lie apart by their size and a gap. Zeroing an object walks over one
 * page of each unit, so for many CPUs over more pages than the TLB holds, and
 * the page table's entries for them must not meet in a few cache sets in turn:
 * at an odd multiple of some 39 MiB both the last level's index and that of the
 * level above go round. With a gap of one page 256 copies took up to 1.8 times
 * as long. Small units make do with a small share of themselves.
 */
#define GAP_PAGES 10007u
#define GAP_SHARE 400

static size_t unit_stride(size_t unit_bytes)
{
	size_t pages = unit_bytes / layout.os_page / GAP_SHARE | 1;

	if (pages > GAP_PAGES)
		pages = GAP_PAGES;
	return unit_bytes + beside_bytes(unit_bytes) + pages * layout.os_page;
}

static size_t total_bytes(size_t unit_bytes)
{
	size_t unit = unit_stride(unit_bytes);

	return NR_WINDOWS * (unit * layout.nr_units + unit_bytes +
			     metadata_bytes(unit_bytes));
}

static size_t window_bytes(void)
{
	return layout.unit_bytes + layout.os_page;
}

/*
 * The skewed window above its copies, where the system has room. Half of what
 * the units cover beside the window was taken before, mostly by the shared
 * objects that are loaded; half is left for those to come.
 */
static bool reserve_skewed(void)
{
	size_t room = beside_bytes(layout.unit_bytes) / 2;
	/* Behind the window a page that copies of its last one may reach. */
	size_t used = layout.area_bytes + window_bytes();
	char *area = reserve(NULL, used + room, PROT_NONE, 0);

	if (!area)
		return false;
	unreserve(area + used, room);
	if (!reserve(area, layout.area_bytes, PROT_READ | PROT_WRITE,
		     MAP_FIXED)) {
		unreserve(area, used);
		return false;
	}
	/* A huge page would populate what nobody touched. */
	madvise(area, layout.area_bytes, MADV_NOHUGEPAGE);
	layout.area[WINDOW_SKEWED] = (uintptr_t)area;
	layout.window[WINDOW_SKEWED] = (uintptr_t)area + layout.area_bytes;
	layout.covered[WINDOW_SKEWED] = layout.window[WINDOW_SKEWED];
	return true;
}

static bool place_pages(uintptr_t at)
{
	void *window = (void *)(at & ~(layout.os_page - 1));
	void *got =
		reserve(window, window_bytes(), PROT_NONE, MAP_FIXED_NOREPLACE);

	if (got && got != window) {
		unreserve(got, window_bytes());
		return false;
	}
	layout.window[WINDOW_PAGES] = (uintptr_t)got;
	layout.covered[WINDOW_PAGES] = (uintptr_t)got;
	return got;
}

/*
 * The window of pages lies below the other one. If there are static variables
 * at low addresses it begins where these may end, and units hold copies of both
 * (but then NULL has copies, too); else as high as may be, which is below a
 * program that was linked to any address.
 */
static bool reserve_pages(void)
{
	uintptr_t low = beside_bytes(layout.unit_bytes);
	uintptr_t at;

	if (statics_seen.low && place_pages(low)) {
		layout.covered[WINDOW_PAGES] = 0;
		return true;
	}
	for (at = HIGHEST_PAGES; at >= window_bytes(); at /= 2)
		if (place_pages(at))
			return true;
	return false;
}

/* All that belongs to windows, for units of layout.unit_bytes. */
static bool reserve_windows(void)
{
	void *area;

	layout.area_bytes = unit_stride(layout.unit_bytes) * layout.nr_units;
	layout.covered_bytes =
		layout.unit_bytes + beside_bytes(layout.unit_bytes);
	if (!reserve_skewed())
		return false;
	area = layout_reserve(layout.area_bytes);
	layout.area[WINDOW_PAGES] = (uintptr_t)area;
	if (area && reserve_pages()) {
		split = layout.window[WINDOW_PAGES] + layout.unit_bytes;
		return true;
	}
	unreserve(area, layout.area_bytes);
	unreserve((void *)layout.area[WINDOW_SKEWED],
		  layout.area_bytes + window_bytes());
	return false;
}

static void unreserve_windows(void)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++) {
		unreserve((void *)layout.area[w], layout.area_bytes);
		unreserve((void *)layout.window[w], window_bytes());
	}
}

bool layout_covers(uintptr_t first, size_t bytes)
{
	unsigned w = libpcpu_window((const void *)first);

	return first - layout.covered[w] < layout.covered_bytes &&
	       first - layout.covered[w] + bytes <= layout.covered_bytes;
}

static bool reserve_metadata(void)
{
	size_t pages = NR_WINDOWS * (size_t)layout.window_pages;
	size_t words = pages * PAGE_WORDS * sizeof(*layout.words);
	size_t used = pages * PAGE_WORDS * sizeof(*layout.used);
	size_t map = pages * sizeof(*layout.map);
	size_t chunks = pages / CHUNK_PAGES * sizeof(*layout.chunks);
	size_t records = pages * record_bytes();
	size_t offsets = (layout.nr_units + 1) * sizeof(**layout.unit_offset);
	char *p = layout_reserve(words + used + map + chunks + records +
				 2 * offsets);

	if (!p)
		return false;
	layout.words = (atom64 *)p;
	layout.chunks = (struct chunk *)(p += words);
	layout.used = (atom8 *)(p += chunks);
	layout.map = (atom64 *)(p += used);
	layout.records = (atom32 *)(p += map);
	layout.unit_offset[0] = (ptrdiff_t *)(p += records);
	layout.unit_offset[1] = (ptrdiff_t *)(p + offsets);
	return true;
}

static unsigned at_most(unsigned n, unsigned limit)
{
	return n < limit ? n : limit;
}

/*
 * As many arenas a node as nodes have CPUs on average, so that CPUs do not meet
 * in lines of bookkeeping. With huge pages one: as arenas take turns at chunks,
 * each chunk of a single thread would be in a huge page of its own.
 */
static void want_arenas(bool huge)
{
	wanted_arenas = env_number("PCPU_ARENAS", 1, NODE_ARENAS_MAX);
	if (!wanted_arenas)
		wanted_arenas = huge ? 1 : layout.nr_units / layout.nr_nodes;
}

/* Few enough to be searched, and to have room each. */
static void choose_arenas(uint32_t chunks)
{
	unsigned nr = layout.nr_nodes;
	unsigned most = at_most(wanted_arenas, NODE_ARENAS_MAX);

	most = at_most(most, WINDOW_ARENAS_MAX / nr);
	most = at_most(most, chunks / ARENA_CHUNKS_MIN / nr);
	for (layout.node_shift = 0; most >>= 1; layout.node_shift++)
		;
	layout.node_arenas = 1u << layout.node_shift;
	layout.nr_arenas = nr << layout.node_shift;
}

/* Reserve for units of the given size, or leave nothing behind. */
static bool reserve_all(size_t unit_bytes)
{
	uint32_t chunks = (uint32_t)(unit_bytes >> CHUNK_SHIFT);

	choose_arenas(chunks);
	layout.arena_chunks = chunks / layout.nr_arenas;
	layout.window_pages =
		layout.arena_chunks * layout.nr_arenas * CHUNK_PAGES;
	layout.unit_bytes = (size_t)layout.window_pages << PAGE_SHIFT;
	if (!layout.arena_chunks || !reserve_windows())
		return false;
	if (reserve_metadata())
		return true;
	unreserve_windows();
	return false;
}

static void place_units(void)
{
	size_t bytes = layout.unit_bytes;
	size_t stride = unit_stride(bytes);
	unsigned unit, w;

	for (w = 0; w < NR_WINDOWS; w++) {
		layout.page0[w] = layout.window[w] - w * bytes;
		sizeclass_place(w, layout.page0[w], layout.unit_offset[w],
				layout.nr_units);
	}
	for (unit = 0; unit < layout.nr_units; unit++) {
		unsigned cpu = topology.unit_cpu[unit];

		for (w = 0; w < NR_WINDOWS; w++) {
			uintptr_t base = layout.area[w] + unit * stride;
			ptrdiff_t offset;

			if (w == WINDOW_SKEWED && !statics_seen.pages)
				base += unit * SKEW % PAGE_BYTES;
			offset = (ptrdiff_t)(base - layout.covered[w]);
			layout.unit_offset[w][unit] = offset;
			layout.unit_offset[w][unit + 1] = offset;
			libpcpu_offset[w][cpu] = offset;
		}
	}
}

/* Fewer misses of the TLB for more memory. */
static void take_huge_pages(void)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++)
		madvise((void *)layout.area[w], layout.area_bytes,
			MADV_HUGEPAGE);
}

bool layout_init(bool debug)
{
	bool huge = env_number("PCPU_HUGEPAGES", 0, 1);
	size_t unit_bytes = UNIT_BYTES_MAX;
	size_t most;

	layout.os_page = (size_t)sysconf(_SC_PAGESIZE);
	layout.nr_units = topology.nr_units;
	layout.nr_nodes = topology.nr_nodes;
	has_records = debug;
	want_arenas(huge);
	statics_look();
	most = budget_bytes();
	beside_halves = BESIDE_HALVES_MAX;
	while (beside_halves > 1 && total_bytes(unit_bytes) > most / 2)
		beside_halves /= 2;
	while (total_bytes(unit_bytes) > most || !reserve_all(unit_bytes)) {
		unit_bytes /= 2;
		if (unit_bytes < CHUNK_BYTES) {
			layout.unit_bytes = 0; /* no pointer is a handle */
			return false;
		}
	}
	layout.handle_bytes = debug ? 0 : layout.unit_bytes;
	place_units();
	layout_bind_nodes();
	if (huge)
		take_huge_pages();
	return true;
}
