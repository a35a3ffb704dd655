// SPDX-License-Identifier: MIT
/*
 * Start-up: the arenas and the slots.
 */
#include "arena/arena.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena/context.h"
#include "arena/debug.h"
#include "chunk/panic.h"
#include "chunk/sizeclass.h"
#include "chunk/statics.h"
#include "chunk/topology.h"
#include "reclaim/reclaim.h"

static struct arena arenas[NR_WINDOWS * WINDOW_ARENAS_MAX];
static struct pool *pools[NR_WINDOWS * WINDOW_ARENAS_MAX];

unsigned arena_count(void)
{
	return NR_WINDOWS * layout.nr_arenas;
}

struct arena *arena_at(unsigned index)
{
	return &arenas[index];
}

struct arena *arena_in(unsigned window, unsigned i)
{
	return arena_at(window * layout.nr_arenas + i);
}

struct arena *arena_first(unsigned window, unsigned node)
{
	return arena_in(window, node << layout.node_shift);
}

struct arena *arena_of(chunk_id chunk)
{
	unsigned node = (chunk.nr >> layout.node_shift) / layout.arena_chunks;

	return arena_at(node << layout.node_shift |
			(chunk.nr & (layout.node_arenas - 1)));
}

struct arena *arena_near(unsigned window, unsigned cpu, unsigned far,
			 unsigned i)
{
	unsigned node = topology.near[topology.cpu_node[cpu]][far];
	unsigned share =
		(topology.cpu_unit[cpu] + i) & (layout.node_arenas - 1);

	return arena_first(window, node) + share;
}

static size_t whole_pages(size_t bytes)
{
	return (bytes + layout.os_page - 1) & ~(layout.os_page - 1);
}

static bool init_arena(unsigned index)
{
	struct arena *arena = &arenas[index];
	chunk_id first = {(index >> layout.node_shift) * layout.arena_chunks
				  << layout.node_shift |
			  (index & (layout.node_arenas - 1))};

	arena->node = index % layout.nr_arenas >> layout.node_shift;
	arena->window = index / layout.nr_arenas;
	pools[index] = &arena->pool;
	/* What a failed attempt to start has got stays. */
	if ((!arena->pool.taken &&
	     !pool_init(&arena->pool, first, layout.node_shift,
			layout.arena_chunks)) ||
	    (!arena->shelves.leaf &&
	     !shelf_init(&arena->shelves, layout.arena_chunks)))
		return false;
	layout_bind(arena->shelves.summary,
		    whole_pages(shelf_bytes(layout.arena_chunks)), arena->node);
	layout_bind(arena->pool.taken,
		    whole_pages(pool_bytes(layout.arena_chunks)), arena->node);
	return true;
}

unsigned arena_word_limit;

static void mark_possible(void)
{
	unsigned unit;

	for (unit = 0; unit < topology.nr_units; unit++) {
		unsigned cpu = topology.unit_cpu[unit];

		libpcpu_possible[cpu / LIBPCPU_LONG_BITS] |=
			1ul << cpu % LIBPCPU_LONG_BITS;
	}
}

/* Everything works: from now on it may be used. */
static void open_for_use(void)
{
	mark_possible();
	if (!debug_level) {
		front_start();
		arena_word_limit = front_exists() ? 0 : topology.nr_cpu_ids;
	}
	context_start();
	statics_start();
	libpcpu_nr_cpu_ids = topology.nr_cpu_ids;
}

enum { STOPPED, STARTING, READY };
static atom32 state;

static bool init(void)
{
	unsigned i;

	if (!layout.unit_bytes) {
		sizeclass_init();
		topology_read(&topology);
		debug_read_level();
		if (!layout_init(debug_level > 0))
			return false;
		if (debug_level)
			debug_start();
	}
	if (!front_init())
		return false;
	for (i = 0; i < arena_count(); i++)
		if (!init_arena(i))
			return false;
	reclaim_init(pools, arena_count(), &arena_pages);
	arenas_link_first();
	return true;
}

bool arena_init(void)
{
	static bool told;
	uint32_t old = STOPPED;
	int saved = errno;
	bool ready;

	/* pairs with [start] store_release() below: everything set up, or what
	 * a failed attempt has got already */
	if (!cas_acquire(&state, &old, STARTING))
		/* pairs with [start]: the same */
		return load_acquire(&state) == READY;
	ready = init();
	if (ready)
		open_for_use();
	else if (!told)
		complain("cannot reserve address space; allocations fail");
	told = true;
	/* pairs with [start] arena_init() of others */
	store_release(&state, ready ? READY : STOPPED);
	errno = saved;
	return ready;
}

/* A constructor of a shared object may be here first. */
void libpcpu_statics_add(const struct libpcpu_statics *statics)
{
	arena_init();
	statics_add(statics);
}

/* Before other constructors, which may already want to allocate. */
__attribute__((constructor(101))) static void start(void)
{
	arena_init();
}
