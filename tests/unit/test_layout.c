// SPDX-License-Identifier: MIT
/*
 * The address space, for this machine and for injected topologies: a child of
 * Check's lays everything out anew and keeps what was there before.
 */
#include "chunk/layout.h"

#include <check.h>
#include <errno.h>
#include <numaif.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chunk/chunk.h"
#include "chunk/sizeclass.h"
#include "chunk/topology.h"
#include "pcpu.h"
#include "tests/run_suite.h"

static const struct {
	unsigned nr_cpus, step, nr_nodes;
} shapes[] = {
	{1, 1, 1},   {2, 1, 2},    {64, 1, 1},   {70, 3, 1},
	{128, 1, 5}, {300, 7, 64}, {4096, 2, 8},
};
#define NR_SHAPES ((int)(sizeof(shapes) / sizeof(*shapes)))

/* Every step-th CPU is possible; they take turns on the nodes. */
static void lay_out(int shape)
{
	static struct topology_source source;
	unsigned i;

	memset(&source, 0, sizeof(source));
	for (i = 0; i < shapes[shape].nr_cpus; i++) {
		unsigned cpu = i * shapes[shape].step % LIBPCPU_CPUS_MAX;

		source.possible[cpu / 64] |= UINT64_C(1) << cpu % 64;
		source.node_of_cpu[cpu] = (int)(i % shapes[shape].nr_nodes);
	}
	topology_build(&topology, &source);
	topology.placed = false;
	ck_assert_uint_eq(topology.nr_units, shapes[shape].nr_cpus);
	memset(&layout, 0, sizeof(layout));
	ck_assert(layout_init(false));
}

static uintptr_t copy_of(uintptr_t handle, unsigned window, unsigned unit)
{
	return handle + (uintptr_t)layout.unit_offset[window][unit];
}

/* --- places --------------------------------------------------------------- */

START_TEST(windows__any_topology__on_their_sides_of_the_split)
{
	unsigned w;

	lay_out(_i);
	for (w = 0; w < NR_WINDOWS; w++) {
		const char *first = (const char *)layout.window[w];
		const char *last = first + layout.unit_bytes - 1;

		ck_assert_uint_eq(libpcpu_window(first), w);
		ck_assert_uint_eq(libpcpu_window(last), w);
		ck_assert_uint_eq((uintptr_t)first % PAGE_BYTES, 0);
	}
}
END_TEST

START_TEST(sizes__any_topology__agree)
{
	lay_out(_i);
	ck_assert_uint_eq(layout.nr_units, topology.nr_units);
	ck_assert_uint_eq(layout.nr_nodes, topology.nr_nodes);
	ck_assert_uint_ge(layout.arena_chunks, 1);
	ck_assert_uint_eq(layout.window_pages,
			  layout.arena_chunks * layout.nr_arenas * CHUNK_PAGES);
	ck_assert_uint_eq(layout.unit_bytes,
			  (size_t)layout.window_pages * PAGE_BYTES);
}
END_TEST

/* I1: units follow each other; between two there is room for the skew. */
START_TEST(units__any_topology__disjoint_and_inside_their_area)
{
	unsigned w, unit;

	lay_out(_i);
	for (w = 0; w < NR_WINDOWS; w++) {
		uintptr_t end = layout.area[w];

		for (unit = 0; unit < layout.nr_units; unit++) {
			uintptr_t first = copy_of(layout.window[w], w, unit);

			if (first < end)
				ck_abort_msg("unit %u overlaps", unit);
			end = first + layout.unit_bytes;
		}
		ck_assert_uint_le(end, layout.area[w] + layout.area_bytes);
	}
}
END_TEST

START_TEST(units__first_window__a_cache_line_further_each)
{
	uintptr_t first = layout.window[WINDOW_SKEWED];
	unsigned unit;

	lay_out(_i);
	first = layout.window[WINDOW_SKEWED];
	for (unit = 0; unit < layout.nr_units; unit++)
		if (copy_of(first, WINDOW_SKEWED, unit) % PAGE_BYTES !=
		    unit * CACHE_LINE % PAGE_BYTES)
			ck_abort_msg("unit %u", unit);
}
END_TEST

START_TEST(units__second_window__on_a_page)
{
	uintptr_t first;
	unsigned unit;

	lay_out(_i);
	first = layout.window[WINDOW_PAGES];
	for (unit = 0; unit < layout.nr_units; unit++)
		if (copy_of(first, WINDOW_PAGES, unit) % PAGE_BYTES)
			ck_abort_msg("unit %u", unit);
}
END_TEST

START_TEST(offsets__any_topology__the_same_by_cpu_and_by_unit)
{
	unsigned w, unit;

	lay_out(_i);
	for (w = 0; w < NR_WINDOWS; w++)
		for (unit = 0; unit < layout.nr_units; unit++)
			if (libpcpu_offset[w][topology.unit_cpu[unit]] !=
			    layout.unit_offset[w][unit])
				ck_abort_msg("window %u, unit %u", w, unit);
}
END_TEST

START_TEST(pages__first_and_last_of_each_window__in_their_place)
{
	uint32_t pages = layout.window_pages;
	uint32_t nr[] = {0, pages - 1, pages, 2 * pages - 1};
	unsigned i;

	for (i = 0; i < 4; i++) {
		page_id page = {nr[i]};
		unsigned w = page_window(page);
		uintptr_t handle = page_handle(layout.page0[w], page);

		ck_assert_uint_eq(w, i / 2);
		ck_assert_uint_eq(handle - layout.window[w],
				  (size_t)(nr[i] % pages) * PAGE_BYTES);
	}
}
END_TEST

static void expect_order(const void *end, const void *next)
{
	ck_assert_uint_le((uintptr_t)end, (uintptr_t)next);
}

START_TEST(bookkeeping__any_topology__disjoint_and_aligned)
{
	size_t pages, words;

	lay_out(_i);
	pages = NR_WINDOWS * (size_t)layout.window_pages;
	words = pages * PAGE_WORDS;
	expect_order(layout.words + words, layout.chunks);
	expect_order(layout.chunks + pages / CHUNK_PAGES, layout.used);
	expect_order(layout.used + words, layout.map);
	expect_order(layout.map + pages, layout.unit_offset[0]);
	expect_order(layout.unit_offset[0] + layout.nr_units + 1,
		     layout.unit_offset[1]);
	ck_assert_uint_eq((uintptr_t)layout.chunks % sizeof(struct chunk), 0);
	ck_assert_uint_eq((uintptr_t)layout.words % CACHE_LINE, 0);
	/* Its end can be written. */
	layout.unit_offset[1][layout.nr_units] += 0;
	layout.map[pages - 1].v = 0;
}
END_TEST

START_TEST(handles__any_window__give_no_access)
{
	int ends[2];
	unsigned w;

	ck_assert_int_eq(pipe(ends), 0);
	for (w = 0; w < NR_WINDOWS; w++) {
		const void *last = (const void *)(layout.window[w] +
						  layout.unit_bytes - 1);

		ck_assert_int_eq(
			write(ends[1], (const void *)layout.window[w], 1), -1);
		ck_assert_int_eq(errno, EFAULT);
		ck_assert_int_eq(write(ends[1], last, 1), -1);
	}
}
END_TEST

/* --- memory --------------------------------------------------------------- */

static bool is_resident(uintptr_t address)
{
	unsigned char vec;

	address &= ~(uintptr_t)(PAGE_BYTES - 1);
	ck_assert_int_eq(mincore((void *)address, PAGE_BYTES, &vec), 0);
	return vec & 1;
}

START_TEST(reserve__large__zero_and_free_until_touched)
{
	size_t bytes = (size_t)1 << 32;
	char *p = layout_reserve(bytes);

	ck_assert_ptr_nonnull(p);
	ck_assert(!is_resident((uintptr_t)p));
	ck_assert(!is_resident((uintptr_t)p + bytes - 1));
	p[bytes / 2] = 1;
	ck_assert(is_resident((uintptr_t)p + bytes / 2));
	ck_assert(!is_resident((uintptr_t)p + bytes / 2 + PAGE_BYTES));
	ck_assert_int_eq(p[0] | p[bytes - 1], 0);
}
END_TEST

START_TEST(reserve__more_than_there_is__null)
{
	ck_assert_ptr_null(layout_reserve((size_t)1 << 60));
}
END_TEST

static const unsigned windows[] = {WINDOW_SKEWED, WINDOW_PAGES};

/* The first byte of a page's data on a unit; -1 is the last one before it. */
static char *data(unsigned window, unsigned unit, page_id page, int behind)
{
	uintptr_t handle = page_handle(layout.page0[window], page);

	return (char *)copy_of(handle, window, unit) + behind;
}

/* Three chunks in a row, 70 units: some skews are almost a page. */
START_TEST(depopulate__chunk_between_two__its_data_and_no_other_goes)
{
	unsigned window = windows[_i], unit;
	uint32_t middle = window * layout.window_pages / CHUNK_PAGES + 1;
	page_id page, next;

	lay_out(3);
	middle = window * layout.window_pages / CHUNK_PAGES + 1;
	page = chunk_page((chunk_id){middle}, 1);
	next = chunk_page((chunk_id){middle + 1}, 1);
	for (unit = 0; unit < layout.nr_units; unit++) {
		*data(window, unit, page, -(int)PAGE_BYTES - 1) = 1;
		*data(window, unit, page, 0) = 2;
		*data(window, unit, page, 63 * PAGE_BYTES - 1) = 3;
		*data(window, unit, next, 0) = 4;
	}
	ck_assert(layout_depopulate(chunk_page((chunk_id){middle}, 1),
				    CHUNK_PAGES - 1));
	for (unit = 0; unit < layout.nr_units; unit++) {
		char *first = data(window, unit, page, 0);
		char *last = data(window, unit, page, 63 * PAGE_BYTES - 1);

		ck_assert_int_eq(
			*data(window, unit, page, -(int)PAGE_BYTES - 1), 1);
		ck_assert(!is_resident((uintptr_t)first));
		ck_assert(!is_resident((uintptr_t)last));
		ck_assert_int_eq(*first | *last, 0);
		ck_assert_int_eq(*data(window, unit, next, 0), 4);
	}
}
END_TEST

/* --- nodes ---------------------------------------------------------------- */

static int policy_at(const void *address)
{
	int mode = -1;

	if (get_mempolicy(&mode, NULL, 0, (void *)(uintptr_t)address,
			  MPOL_F_ADDR))
		return -1;
	return mode;
}

START_TEST(bind__simulated_nodes__left_alone)
{
	char *p = layout_reserve(4 * PAGE_BYTES);
	int before = policy_at(p);

	topology.placed = false;
	layout_bind(p, 4 * PAGE_BYTES, 0);
	ck_assert_int_eq(policy_at(p), before);
}
END_TEST

/* Containers may forbid it: then nothing is bound, and that is all. */
START_TEST(bind__real_node__pages_from_the_first_byte_on_prefer_it)
{
	char *p = layout_reserve(4 * PAGE_BYTES);
	int before = policy_at(p);
	int inside;

	topology.placed = true;
	topology.memory_id[0] = 0;
	layout_bind(p + 8, 3 * PAGE_BYTES, 0);
	inside = policy_at(p + PAGE_BYTES);
	ck_assert(inside == MPOL_PREFERRED || inside == before);
	ck_assert_int_eq(policy_at(p), inside);
	ck_assert_int_eq(policy_at(p + 2 * PAGE_BYTES), inside);
	ck_assert_int_eq(policy_at(p + 3 * PAGE_BYTES), before);
}
END_TEST

START_TEST(bind__node_that_is_not_there__harmless)
{
	static const int ids[] = {-1, 63, 1023, 1024, 1 << 30};
	char *p = layout_reserve(4 * PAGE_BYTES);
	unsigned i;

	topology.placed = true;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		topology.memory_id[0] = ids[i];
		layout_bind(p, 4 * PAGE_BYTES, 0);
		layout_bind(p + 1, 2, 0);
		p[i] = 1;
	}
}
END_TEST

/* -------------------------------------------------------------------------- */

static TCase *case_places(void)
{
	TCase *tc = tcase_create("places");

	tcase_add_loop_test(tc,
			    windows__any_topology__on_their_sides_of_the_split,
			    0, NR_SHAPES);
	tcase_add_loop_test(tc, sizes__any_topology__agree, 0, NR_SHAPES);
	tcase_add_loop_test(tc,
			    units__any_topology__disjoint_and_inside_their_area,
			    0, NR_SHAPES);
	tcase_add_loop_test(tc, units__first_window__a_cache_line_further_each,
			    0, NR_SHAPES);
	tcase_add_loop_test(tc, units__second_window__on_a_page, 0, NR_SHAPES);
	tcase_add_loop_test(tc,
			    offsets__any_topology__the_same_by_cpu_and_by_unit,
			    0, NR_SHAPES);
	tcase_add_test(tc,
		       pages__first_and_last_of_each_window__in_their_place);
	tcase_add_loop_test(tc, bookkeeping__any_topology__disjoint_and_aligned,
			    0, NR_SHAPES);
	tcase_add_test(tc, handles__any_window__give_no_access);
	return tc;
}

static TCase *case_memory(void)
{
	TCase *tc = tcase_create("memory");

	tcase_add_test(tc, reserve__large__zero_and_free_until_touched);
	tcase_add_test(tc, reserve__more_than_there_is__null);
	tcase_add_loop_test(
		tc, depopulate__chunk_between_two__its_data_and_no_other_goes,
		0, NR_WINDOWS);
	tcase_add_test(tc, bind__simulated_nodes__left_alone);
	tcase_add_test(tc,
		       bind__real_node__pages_from_the_first_byte_on_prefer_it);
	tcase_add_test(tc, bind__node_that_is_not_there__harmless);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("layout");

	suite_add_tcase(suite, case_places());
	suite_add_tcase(suite, case_memory());
	return run_suite(suite);
}
