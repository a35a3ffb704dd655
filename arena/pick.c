// SPDX-License-Identifier: MIT
/*
 * The slow path of an allocation: find a slab with room, or make one.
 */
#include "arena/arena.h"
#include "chunk/topology.h"

/* Try the chunk's listed slabs of the class. */
static bool reserve_in_chunk(chunk_id id, const struct request *r,
			     struct object *object)
{
	/* seq_cst [shelf]: the second look after shelf_remove() */
	uint64_t room = load_seq_cst(&chunk_of(id)->room);

	for (; room; room = word_claim_first(room)) {
		page_id head = chunk_page(id, word_first(room));

		if (slab_is(head, r->class) &&
		    arena_reserve(head, r->class, r->cpu, object))
			return true;
	}
	return false;
}

/* Has the chunk a listed slab of the class? */
static bool chunk_has_room(chunk_id id, unsigned class)
{
	/* seq_cst [shelf]: the second look after shelf_remove() */
	uint64_t room = load_seq_cst(&chunk_of(id)->room);

	for (; room; room = word_claim_first(room))
		if (slab_is(chunk_page(id, word_first(room)), class))
			return true;
	return false;
}

/* Step 3: the lowest chunk that has a slab with room. */
static bool pick_listed(struct arena *arena, const struct request *r,
			struct object *object)
{
	struct shelves *shelves = &arena->shelves;
	unsigned class = r->class;
	uint32_t i = shelf_find(shelves, SHELF_CLASS(class), 0);

	while (i != UINT32_MAX) {
		chunk_id id = pool_chunk(&arena->pool, i);
		bool found = reserve_in_chunk(id, r, object);

		/* Mostly there was but one slab: the next search then need not
		 * come here in vain. */
		if (!chunk_has_room(id, class)) {
			shelf_remove(shelves, SHELF_CLASS(class), i);
			if (chunk_has_room(id, class))
				shelf_add(shelves, SHELF_CLASS(class), i);
		}
		if (found)
			return true;
		i = shelf_find(shelves, SHELF_CLASS(class), i + 1);
	}
	return false;
}

/* Step 4: the lowest chunk that has the pages for a new slab. */
static bool pick_new(struct arena *arena, const struct request *r,
		     struct object *object)
{
	struct shelves *shelves = &arena->shelves;
	unsigned nr = size_classes[r->class].nr_pages;
	uint32_t i = shelf_find(shelves, SHELF_RUN(nr), 0);

	while (i != UINT32_MAX) {
		chunk_id id = pool_chunk(&arena->pool, i);
		page_id head;
		uint64_t free = chunk_claim_run(id, nr, &head);

		if (free) {
			arena_note_claim(arena, free);
			*object = arena_carve(head, r->class, r->cpu);
			return true;
		}
		shelf_remove(shelves, SHELF_RUN(nr), i);
		if (chunk_has_run(id, nr))
			shelf_add(shelves, SHELF_RUN(nr), i);
		i = shelf_find(shelves, SHELF_RUN(nr), i + 1);
	}
	return false;
}

/* Step 3, 4 or 5 in an arena. */
typedef bool step_fn(struct arena *arena, const struct request *r,
		     struct object *object);

/* In a node's arenas, the CPU's own first. */
static bool pick_by(step_fn *step, unsigned far, const struct request *r,
		    struct object *object)
{
	unsigned window = size_classes[r->class].window, i;

	for (i = 0; i < layout.node_arenas; i++)
		if (step(arena_near(window, r->cpu, far, i), r, object))
			return true;
	return false;
}

/* Has the arena a chunk with more than half of its pages free? */
static bool has_roomy_chunk(struct arena *arena)
{
	uint32_t i = UINT32_MAX;

	while ((i = shelf_find(&arena->shelves, SHELF_RUN(1), i + 1)) !=
	       UINT32_MAX)
		if (chunk_count_free(pool_chunk(&arena->pool, i)) >
		    CHUNK_PAGES / 2)
			return true;
	return false;
}

/*
 * Step 5 before its time: an arena without chunks gets one, rather than pages
 * of the others', when those of the node's first arena are half in use. So
 * small programs do with one chunk, and in others each CPU has lines of its
 * own. It may be a fresh one while another is set aside, once per arena.
 */
static bool grow_first(unsigned far, const struct request *r,
		       struct object *object)
{
	unsigned window = size_classes[r->class].window;
	struct arena *own = arena_near(window, r->cpu, far, 0);
	struct arena *first = arena_first(window, own->node);

	if (load_relaxed(&own->nr_chunks)) /* relaxed: a counter */
		return false;
	if (!load_relaxed(&first->nr_chunks)) /* relaxed: the same */
		return arena_grow(first, r, object);
	return !has_roomy_chunk(first) && arena_grow(own, r, object);
}

/* Steps 3 to 6. */
static bool pick_near(const struct request *r, struct object *object)
{
	unsigned far;

	for (far = 0; far < layout.nr_nodes; far++) {
		if (pick_by(pick_listed, far, r, object) ||
		    grow_first(far, r, object) ||
		    pick_by(pick_new, far, r, object) ||
		    pick_by(arena_take_back, far, r, object) ||
		    pick_by(arena_grow, far, r, object)) {
			slot_install(r, object->word);
			return true;
		}
	}
	return false;
}

/* Claim in any slab of the class in this chunk, whoever has reserved it. */
static bool claim_in_chunk(chunk_id id, unsigned class, struct object *object)
{
	unsigned i;

	for (i = 1; i < CHUNK_PAGES; i++) {
		page_id head = chunk_page(id, i);

		if (slab_is(head, class) && arena_claim(head, class, object))
			return true;
	}
	return false;
}

/* In every slab there is, and in what others keep reserved. */
static bool search_all(const struct request *r, struct object *object)
{
	unsigned window = size_classes[r->class].window;
	unsigned i;

	arena_drain(window);
	if (pick_near(r, object))
		return true;
	for (i = 0; i < layout.nr_arenas; i++) {
		const struct arena *arena = arena_in(window, i);
		uint32_t at = 0;
		chunk_id id;

		while (pool_next(&arena->pool, &at, &id))
			if (claim_in_chunk(id, r->class, object))
				return true;
	}
	return false;
}

/* Step 7. With the front off, lest slots take behind us what they gave back.
 * noinline: the other steps need fewer registers. */
__attribute__((noinline)) static bool pick_last(const struct request *r,
						struct object *object)
{
	bool stopped = front_stop();
	bool found = search_all(r, object);

	if (stopped)
		front_go();
	return found;
}

bool arena_pick(const struct request *r, struct object *object)
{
	return slot_advance(r, object) || pick_near(r, object) ||
	       (!r->nowait && pick_last(r, object));
}
