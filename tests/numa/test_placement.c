// SPDX-License-Identifier: MIT
/*
 * Where memory lies on a machine with several nodes: copies on their CPU's
 * node, whoever touches them first, and what an arena needs on the arena's.
 */
#include <pcpu.h>

#include "arena/arena.h"
#include "chunk/registry.h"
#include "guest.h"

static const struct {
	size_t size, align;
} shapes[] = {
	{4, 4},     {8, 8},       {64, 64},      {256, 8},
	{1000, 16}, {4096, 64},   {32768, 64},   {128, 128},
	{512, 512}, {4096, 4096}, {32768, 4096},
};
#define NR_SHAPES ((int)(sizeof(shapes) / sizeof(*shapes)))
#define NR_OBJECTS 24u

static void *objects[NR_OBJECTS];

static void alloc_all(int shape)
{
	unsigned i;

	for (i = 0; i < NR_OBJECTS; i++) {
		objects[i] =
			pcpu_alloc(shapes[shape].size, shapes[shape].align);
		ck_assert_ptr_nonnull(objects[i]);
	}
}

static void free_all(void)
{
	unsigned i;

	for (i = 0; i < NR_OBJECTS; i++)
		pcpu_free(objects[i]);
}

/* Write each page of a CPU's copy, and its last byte, and see where it is. */
static void check_copy(char *copy, size_t size, unsigned cpu, int node)
{
	size_t at;

	for (at = 0; at < size + PAGE_BYTES - 1; at += PAGE_BYTES) {
		char *byte = copy + (at < size ? at : size - 1);

		*byte = 1;
		if (guest_page_node(byte) != node)
			ck_abort_msg("CPU %u, node %d: byte %zu is on %d", cpu,
				     node, at, guest_page_node(byte));
	}
}

static void check_all(int shape)
{
	unsigned i;
	int cpu;

	pcpu_for_each_cpu (cpu) {
		int node = guest_node_of_cpu((unsigned)cpu);

		if (node < 0)
			continue; /* not plugged in: nobody knows */
		node = guest_memory_node(node);
		for (i = 0; i < NR_OBJECTS; i++)
			check_copy(pcpu_ptr(objects[i], cpu),
				   shapes[shape].size, (unsigned)cpu, node);
	}
}

/* --- copies --------------------------------------------------------------- */

START_TEST(copies__fresh__on_their_cpus_nodes)
{
	alloc_all(_i);
	check_all(_i);
}
END_TEST

/* Zeroed by us, which must not bring them to us. */
START_TEST(copies__recycled__on_their_cpus_nodes)
{
	alloc_all(_i);
	free_all();
	alloc_all(_i);
	check_all(_i);
	free_all();
	alloc_all(_i);
	check_all(_i);
}
END_TEST

START_TEST(copies__given_back_and_fresh_again__on_their_cpus_nodes)
{
	alloc_all(_i);
	check_all(_i);
	free_all();
	pcpu_trim(); /* or the worker was first */
	alloc_all(_i);
	check_all(_i);
}
END_TEST

/* So they stay when the system moves pages to who uses them. */
START_TEST(copies__any__of_a_policy_of_their_own)
{
	int cpu, mode;

	if (layout.nr_nodes == 1)
		return;
	alloc_all(_i);
	pcpu_for_each_cpu (cpu) {
		unsigned long mask[16] = {0};
		int node = guest_node_of_cpu((unsigned)cpu);

		if (node < 0)
			continue;
		node = guest_memory_node(node);
		ck_assert_int_eq(get_mempolicy(&mode, mask, sizeof(mask) * 8,
					       pcpu_ptr(objects[0], cpu),
					       MPOL_F_ADDR),
				 0);
		ck_assert_int_eq(mode, MPOL_PREFERRED);
		ck_assert_uint_eq(mask[0], 1ul << node);
	}
}
END_TEST

/* --- arenas --------------------------------------------------------------- */

static struct arena *arena_of_object(void *p)
{
	struct found found;

	ck_assert(registry_find(p, &found));
	return arena_of(page_chunk(word_page(found.object.word)));
}

/* All that a thread asks for comes from its node's arenas; its own grows. */
static void check_arena_of_cpu(unsigned cpu)
{
	int node = guest_node_of_cpu(cpu);
	struct arena *arena;
	unsigned i;
	int shape;

	guest_pin(cpu);
	for (shape = 0; shape < NR_SHAPES; shape++) {
		alloc_all(shape);
		for (i = 0; i < NR_OBJECTS; i++) {
			arena = arena_of_object(objects[i]);
			ck_assert_uint_eq(arena->node, topology.cpu_node[cpu]);
			ck_assert_int_eq(topology.node_id[arena->node], node);
		}
	}
}

START_TEST(arena__thread_on_each_cpu__of_its_node)
{
	unsigned cpu, i;

	for (cpu = 0; cpu < libpcpu_nr_cpu_ids; cpu++) {
		uint32_t before[NR_WINDOWS * WINDOW_ARENAS_MAX];

		if (!guest_is_online(cpu))
			continue;
		for (i = 0; i < arena_count(); i++)
			before[i] = load_relaxed(&arena_at(i)->nr_chunks);
		check_arena_of_cpu(cpu);
		for (i = 0; i < arena_count(); i++) {
			struct arena *arena = arena_at(i);
			bool grew = before[i] < load_relaxed(&arena->nr_chunks);

			if (arena == arena_near(arena->window, cpu, 0, 0))
				ck_assert(grew);
			else if (arena->node != topology.cpu_node[cpu])
				ck_assert(!grew);
		}
	}
}
END_TEST

static void expect_node(const void *p, int node, const char *what)
{
	if (guest_page_node(p) != node)
		ck_abort_msg("node %d: %s on %d", node, what,
			     guest_page_node(p));
}

/* A chunk that the running thread has linked, wherever that runs. */
static void check_chunk(const struct arena *arena, struct object object)
{
	int node = guest_memory_node(topology.node_id[arena->node]);
	page_id page = word_page(object.word);

	object_use(object);
	expect_node(word_of(object.word), node, "words");
	expect_node(&layout.used[object.word.nr], node, "used");
	expect_node(&layout.map[page.nr], node, "map");
	expect_node(chunk_of(page_chunk(page)), node, "chunk");
	expect_node(arena->shelves.leaf + SHELF_RUN(1), node, "shelf");
	expect_node(arena->shelves.summary +
			    SHELF_RUN(1) * arena->shelves.nr_summaries,
		    node, "shelves");
	expect_node(arena->pool.taken, node, "pool");
}

START_TEST(bookkeeping__linked_from_any_cpu__on_the_arenas_node)
{
	unsigned i, nr, cpu = (unsigned)_i;
	struct object object;

	if (layout.nr_nodes == 1 || !guest_is_online(cpu))
		return;
	guest_pin(cpu);
	for (i = 0; i < arena_count(); i++) {
		struct request request = {
			.class = FIRST_CLASS(arena_at(i)->window)};

		for (nr = 0; nr < 3; nr++) {
			ck_assert(arena_grow(arena_at(i), &request, &object));
			check_chunk(arena_at(i), object);
		}
	}
}
END_TEST

START_TEST(slots__of_each_cpu__on_its_node)
{
	struct slots *slots;
	unsigned cpu;

	if (layout.nr_nodes == 1)
		return;
	for (cpu = 0; cpu < libpcpu_nr_cpu_ids; cpu++) {
		int node = guest_node_of_cpu(cpu);

		if (node < 0)
			continue;
		slots = &arena_slots[cpu];
		store_relaxed(&slots->slot[NR_CLASSES - 1].nr_alloc, 1);
		node = guest_memory_node(node);
		ck_assert_int_eq(guest_page_node(&slots->slot[1]), node);
		ck_assert_int_eq(guest_page_node(&slots->slot[NR_CLASSES - 1]),
				 node);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("placement");
	TCase *copies = tcase_create("copies");
	TCase *arenas = tcase_create("arenas");

	tcase_add_loop_test(copies, copies__fresh__on_their_cpus_nodes, 0,
			    NR_SHAPES);
	tcase_add_loop_test(copies, copies__recycled__on_their_cpus_nodes, 0,
			    NR_SHAPES);
	tcase_add_loop_test(
		copies, copies__given_back_and_fresh_again__on_their_cpus_nodes,
		0, NR_SHAPES);
	tcase_add_loop_test(copies, copies__any__of_a_policy_of_their_own, 0,
			    NR_SHAPES);
	tcase_add_test(arenas, arena__thread_on_each_cpu__of_its_node);
	tcase_add_loop_test(
		arenas, bookkeeping__linked_from_any_cpu__on_the_arenas_node, 0,
		(int)pcpu_nr_cpus());
	tcase_add_test(arenas, slots__of_each_cpu__on_its_node);
	suite_add_tcase(suite, copies);
	suite_add_tcase(suite, arenas);
	return suite;
}

int main(int argc, char **argv)
{
	return guest_main(argc, argv, suite, NULL);
}
