// SPDX-License-Identifier: MIT
/*
 * Threads that meet in a chunk, an arena, or a round of reclaim.
 */
#include <pcpu.h>

#include "explore.h"

#define LARGEST 32768u

static void *held[8];

static void hold(unsigned i, size_t size)
{
	held[i] = explore_alloc(size, 0);
}

static void allocate_the_largest(void)
{
	explore_alloc(LARGEST, 0);
}

static void free_the_first(void)
{
	explore_free(held[0]);
}

/* --- growth --------------------------------------------------------------- */

/* The first chunk has no room for the largest. */
static void fill_a_chunk(void)
{
	unsigned i;

	for (i = 0; i < 7; i++)
		hold(i, LARGEST);
	explore_drain();
}

SCENARIO(grow_grow) = {
	.name = "growth, growth",
	.prepare = fill_a_chunk,
	.thread = {allocate_the_largest, allocate_the_largest},
	.nr_least = 50,
};

SCENARIO(grow_grow_grow) = {
	.name = "growth, growth, growth",
	.prepare = fill_a_chunk,
	.thread = {allocate_the_largest, allocate_the_largest,
		   allocate_the_largest},
	.bound = 1,
};

/* Each has run out of the runs that the other's chunk offers. */
static void allocate_a_page(void)
{
	explore_alloc(4096, 0);
}

SCENARIO(grow_small) = {
	.name = "growth, a claim of pages that a search has missed",
	.prepare = fill_a_chunk,
	.thread = {allocate_the_largest, allocate_a_page, free_the_first},
};

static void hold_a_second_chunk(void)
{
	fill_a_chunk();
	hold(0, LARGEST);
	explore_drain();
}

SCENARIO(empty_take_back) = {
	.name = "chunk empties, another thread grows",
	.prepare = hold_a_second_chunk,
	.thread = {free_the_first, allocate_the_largest},
};

SCENARIO(empty_take_back_trim) = {
	.name = "chunk empties, another thread grows, trim",
	.prepare = hold_a_second_chunk,
	.thread = {free_the_first, allocate_the_largest, explore_trim},
	.bound = 1,
};

/* The shelves still name the chunk that was set aside, so who links it again
 * need not write to them: a look at a shelf must not overtake the link. */
static void set_a_chunk_aside(void)
{
	fill_a_chunk();
	hold(7, 7 * PAGE_BYTES);
	hold(0, LARGEST);
	explore_drain();
	explore_free(held[0]);
	explore_retire_chunks();
}

static void allocate_seven_pages(void)
{
	explore_alloc(7 * PAGE_BYTES, 0);
}

SCENARIO(link_look) = {
	.name = "chunk taken back, a claim of a shorter run there",
	.prepare = set_a_chunk_aside,
	.thread = {allocate_the_largest, allocate_seven_pages},
	.nr_least = 50,
};

static void empty_all_but_one_slab(void)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		hold(i, LARGEST);
	for (i = 1; i < 7; i++)
		explore_free(held[i]);
	explore_free(held[7]);
	explore_drain();
}

SCENARIO(chunk_empties) = {
	.name = "chunk that empties when it is needed, trim",
	.prepare = empty_all_but_one_slab,
	.thread = {free_the_first, allocate_the_largest, explore_trim},
	.bound = 1,
};

/* --- the last memory ------------------------------------------------------ */

static void take_all_but(unsigned nr)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		hold(i, LARGEST);
	while (explore_alloc(LARGEST, 0))
		;
	explore_drain();
	for (i = 2; i < 2 + nr; i++)
		explore_free(held[i]);
}

static void take_all(void)
{
	take_all_but(0);
}

static void allocate_nowait(void)
{
	explore_alloc(LARGEST, PCPU_NOWAIT);
}

SCENARIO(nowait_full) = {
	.name = "NOWAIT when nothing is left, free",
	.prepare = take_all,
	.thread = {allocate_nowait, free_the_first, allocate_nowait},
	.may_fail = true,
};

static void free_and_allocate(void)
{
	explore_free(held[0]);
	explore_alloc(LARGEST, 0);
}

static void free_and_allocate_too(void)
{
	explore_free(held[1]);
	explore_alloc(LARGEST, 0);
}

/* As many objects as there are threads: nobody may find nothing. */
SCENARIO(exchange_last) = {
	.name = "two threads with the last two objects",
	.prepare = take_all,
	.thread = {free_and_allocate, free_and_allocate_too},
};

/* --- pages go back -------------------------------------------------------- */

/* What readers may find; 0 for nothing. */
static atom64 published;

static void publish(void *object)
{
	store_release(&published, (uintptr_t)object);
}

static void unpublish_and_free(void)
{
	void *object = (void *)load_relaxed(&published);

	store_seq_cst(&published, 0);
	explore_free(object);
	explore_drain();
}

/* Whoever frees what we see, its memory stays until we leave. */
static void read_it(void)
{
	const uint32_t *copy;
	uint64_t object;
	uint32_t value;

	explore_read_lock();
	object = load_acquire(&published);
	if (object) {
		copy = pcpu_ptr((const uint32_t *)object + 64, 1);
		value = *copy;
		load_relaxed(&published); /* time passes */
		explore_expect(value && *copy == value,
			       "what a reader looks at is gone");
	}
	explore_read_unlock();
}

static void hold_pages(void)
{
	unsigned i;

	for (i = 0; i < 6; i++)
		hold(i, 12288);
	explore_drain();
	for (i = 0; i < 5; i++)
		if (i != 2)
			explore_free(held[i]);
}

static void publish_some_pages(void)
{
	hold_pages();
	publish(held[2]);
}

SCENARIO(round_free_read) = {
	.name = "round, a free, a reader of what is freed",
	.prepare = publish_some_pages,
	.thread = {explore_round, unpublish_and_free, read_it},
};

/* A free page is used, and free again. */
static void use_a_page(void)
{
	publish(explore_alloc(12288, 0));
	unpublish_and_free();
}

SCENARIO(round_use_read) = {
	.name = "round, a use of free pages, a reader of them",
	.prepare = hold_pages,
	.thread = {explore_round, use_a_page, read_it},
};

SCENARIO(trim_trim) = {
	.name = "trim, trim, a use of free pages",
	.prepare = hold_pages,
	.thread = {explore_trim, explore_trim, use_a_page},
	.bound = 1,
};

/* The second chunk has a slab, and free pages in front of it. */
static void hold_in_a_second_chunk(void)
{
	unsigned i;

	for (i = 0; i < 9; i++)
		hold(i < 7 ? 0 : i - 7, LARGEST);
	explore_drain();
	explore_free(held[0]);
}

static void take_the_chunk_back(void)
{
	explore_free(held[1]);
	explore_retire_chunks();
	publish(explore_alloc(LARGEST, 0));
	unpublish_and_free();
}

SCENARIO(round_relinked) = {
	.name = "round while a chunk is retired and taken back",
	.prepare = hold_in_a_second_chunk,
	.thread = {explore_round, take_the_chunk_back, read_it},
};

/* Whatever a round has in hand, there is a run as long for whoever needs one,
 * in an arena that cannot grow. */

static void take_all_but_one_run(void)
{
	take_all_but(1);
}

static void take_all_but_a_long_run(void)
{
	take_all_but(3);
}

SCENARIO(round_one_run) = {
	.name = "round in an arena with one run, NOWAIT",
	.prepare = take_all_but_one_run,
	.thread = {explore_round, allocate_nowait},
	.nr_least = 10,
};

SCENARIO(round_long_run) = {
	.name = "round in an arena with one long run, NOWAIT",
	.prepare = take_all_but_a_long_run,
	.thread = {explore_round, allocate_nowait},
	.nr_least = 10,
};

/* --- the worker ----------------------------------------------------------- */

static void hold_a_second_chunk_for_the_worker(void)
{
	hold_a_second_chunk();
	explore_want_worker();
}

/* What was retired must not stay, with nobody left to wake the worker. */
static void expect_nothing_aside(void)
{
	explore_expect(!load_relaxed(&arena_at(0)->pool.nr_set_aside),
		       "the worker was not told");
}

SCENARIO(worker_retire) = {
	.name = "chunk empties, the worker",
	.prepare = hold_a_second_chunk_for_the_worker,
	.thread = {free_the_first, explore_worker},
	.daemons = 2,
	.after = expect_nothing_aside,
};

SCENARIO(worker_retire_grow) = {
	.name = "chunk empties, the worker, growth",
	.prepare = hold_a_second_chunk_for_the_worker,
	.thread = {free_the_first, explore_worker, allocate_the_largest},
	.daemons = 2,
	.after = expect_nothing_aside,
};

static void free_two_chunks(void)
{
	explore_free(held[0]);
	explore_retire_chunks();
}

SCENARIO(worker_retire_trim) = {
	.name = "chunks empty, the worker, trim",
	.prepare = hold_a_second_chunk_for_the_worker,
	.thread = {free_two_chunks, explore_worker, explore_trim},
	.daemons = 2,
	.bound = 1,
	.after = expect_nothing_aside,
};
