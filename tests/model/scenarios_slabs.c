// SPDX-License-Identifier: MIT
/*
 * Threads that meet in a word or a slab, each race by name.
 */
#include <pcpu.h>

#include "explore.h"

static void *held[8];

static void hold(unsigned i, size_t size)
{
	held[i] = explore_alloc(size, 0);
}

static void allocate_a_line(void)
{
	explore_alloc(64, 0);
}

static void free_the_first(void)
{
	explore_free(held[0]);
}

static void free_the_second(void)
{
	explore_free(held[1]);
}

/* --- two at a word -------------------------------------------------------- */

static void list_a_line(void)
{
	hold(0, 64);
	explore_drain();
}

SCENARIO(claim_claim) = {
	.name = "claim, claim",
	.prepare = list_a_line,
	.thread = {allocate_a_line, allocate_a_line},
	.nr_least = 100,
};

SCENARIO(claim_claim_here) = {
	.name = "claim, claim on one CPU",
	.prepare = list_a_line,
	.thread = {allocate_a_line, allocate_a_line},
	.cpu = {1, 1},
	.nr_least = 100,
};

/* The slab's last object is free: it may be retired. */
SCENARIO(claim_free) = {
	.name = "last free, claim",
	.prepare = list_a_line,
	.thread = {free_the_first, allocate_a_line},
	.nr_least = 100,
};

static void hold_two_far_apart(void)
{
	unsigned i;

	hold(0, 32);
	for (i = 0; i < 64; i++)
		hold(1, 32);
	for (i = explore_nr_objects; i-- > 0;)
		if (explore_objects[i].handle != held[0] &&
		    explore_objects[i].handle != held[1])
			explore_free(explore_objects[i].handle);
	explore_drain();
}

SCENARIO(free_free_words) = {
	.name = "last frees in two words",
	.prepare = hold_two_far_apart,
	.thread = {free_the_first, free_the_second},
	.bound = 3,
};

SCENARIO(free_free_words_claim) = {
	.name = "last frees in two words, claim",
	.prepare = hold_two_far_apart,
	.thread = {free_the_first, free_the_second, allocate_a_line},
};

static void allocate_and_free(void)
{
	explore_free(explore_alloc(64, 0));
}

SCENARIO(pairs_here) = {
	.name = "two pairs on one CPU",
	.prepare = allocate_a_line,
	.thread = {allocate_and_free, allocate_and_free},
	.cpu = {1, 1},
	.nr_least = 20,
};

SCENARIO(three_pairs) = {
	.name = "three pairs from one slab, and none left",
	.prepare = list_a_line,
	.thread = {allocate_and_free, allocate_and_free, allocate_and_free},
};

static void alloc_in_bulk(void)
{
	void *handles[3];

	explore_alloc_bulk(64, 3, handles);
	explore_free_bulk(3, handles);
}

SCENARIO(bulk_bulk) = {
	.name = "bulk, bulk, last free",
	.prepare = list_a_line,
	.thread = {alloc_in_bulk, alloc_in_bulk, free_the_first},
};

/* --- the front and those who look into it --------------------------------- */

static void reserve_a_line(void)
{
	hold(0, 64);
}

SCENARIO(drain_pair) = {
	.name = "pair in the slot, drain",
	.prepare = reserve_a_line,
	.thread = {allocate_and_free, explore_drain},
	.nr_least = 20,
};

SCENARIO(drain_drain_pair) = {
	.name = "pair in the slot, two drains",
	.prepare = reserve_a_line,
	.thread = {allocate_and_free, explore_drain, explore_drain},
	.bound = 1,
};

static void ask_for_its_size(void)
{
	explore_expect(pcpu_usable_size(held[0]) == 64, "another size");
}

SCENARIO(drain_usable_size) = {
	.name = "claim, drain, size of a live object",
	.prepare = reserve_a_line,
	.thread = {allocate_a_line, explore_drain, ask_for_its_size},
};

/* --- a full slab ---------------------------------------------------------- */

static void hold_a_full_slab(void)
{
	unsigned i;

	for (i = 0; i < 64; i++)
		hold(i % 8, 64);
	explore_drain();
}

static void free_four(void)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		explore_free(held[i]);
}

static void free_four_others(void)
{
	explore_free_bulk(4, held + 4);
}

SCENARIO(full_slab) = {
	.name = "frees into a full slab, one by one and in bulk",
	.prepare = hold_a_full_slab,
	.thread = {free_four, free_four_others},
};

SCENARIO(full_slab_claim) = {
	.name = "frees into a full slab, claim",
	.prepare = hold_a_full_slab,
	.thread = {free_four_others, allocate_a_line},
};

/* --- a slab becomes another -----------------------------------------------
 * One is to reserve a listed slab. Before it takes the slab off the list the
 * slab is retired, and a listed one of another class lies there. In between, a
 * third may miss that.
 */

static void list_another_class_there(void)
{
	explore_free(held[0]);
	hold(2, 56);
	hold(3, 56);
	explore_drain();
}

static void allocate_the_other_class(void)
{
	explore_alloc(56, 0);
}

SCENARIO(stale_reservation) = {
	.name = "reservation of a slab that becomes another",
	.prepare = list_a_line,
	.thread = {allocate_a_line, list_another_class_there,
		   allocate_the_other_class},
	.cpu = {2, 3, 1},
};

/*
 * One frees an object of a slab, the other was just freed too. Before it
 * retires the slab that has happened, and one of smaller objects lies there,
 * whose free bits look like an empty slab of the old class. While these are
 * taken, an allocation finds the new slab full.
 */

static void hold_two_halves_of_a_page(void)
{
	hold(0, 2048);
	hold(1, 2048);
	explore_drain();
}

static void half_fill_quarters_there(void)
{
	unsigned i;

	explore_free(held[1]);
	for (i = 2; i < 6; i++)
		hold(i, 1024);
	explore_drain();
	explore_free(held[2]);
	explore_free(held[3]);
}

static void allocate_a_quarter(void)
{
	explore_alloc(1024, 0);
}

SCENARIO(retire_of_another) = {
	.name = "retire of a slab that becomes another",
	.prepare = hold_two_halves_of_a_page,
	.thread = {free_the_first, half_fill_quarters_there,
		   allocate_a_quarter},
};

/*
 * One empties a slab of two words and holds the first, when the second is
 * allocated from and emptied again: who does that sees the first as full, so
 * that the slab stays, and the other finds the second in use.
 */

static atom64 given; /* what one thread hands to the next */

static bool is_given(const void *arg)
{
	(void)arg;
	return given.v;
}

static void give(size_t size)
{
	/* First: in the store's own expression either may come first. */
	void *object = explore_alloc(size, 0);

	store_release(&given, (uintptr_t)object);
}

static void free_given(void)
{
	load_relaxed(&given);
	explore_wait(is_given, NULL);
	explore_free((void *)load_acquire(&given));
	explore_drain();
}

static void forget_given(void)
{
	store_relaxed(&given, 0);
}

static void list_half_a_line(void)
{
	forget_given();
	hold(0, 32);
	explore_drain();
}

static void give_half_a_line(void)
{
	give(32);
}

SCENARIO(retire_against_claim) = {
	.name = "retire of a slab in whose second word is claimed",
	.prepare = list_half_a_line,
	.thread = {free_the_first, give_half_a_line, free_given},
};

/*
 * One has read from its slot which word to claim in. Before it does, the slab
 * there becomes another; before it gives the claim back, all other objects are
 * freed, so it must see to the slab's end.
 */

static void reserve_an_empty_slab(void)
{
	forget_given();
	allocate_and_free();
}

static void carve_another_there(void)
{
	explore_drain();
	give(56);
}

SCENARIO(stale_claim) = {
	.name = "claim in a slab that becomes another",
	.prepare = reserve_an_empty_slab,
	.thread = {allocate_a_line, carve_another_there, free_given},
};

/*
 * One frees the last object of a slab that nobody has reserved. Before it
 * retires the slab it is reserved, used up, and emptied from another CPU. If it
 * is retired all the same, and its pages cut for the same class, a slot is left
 * that names a word which another CPU has reserved.
 */

static void hold_half_a_page(void)
{
	hold(0, 2048);
	explore_drain();
}

static void reserve_and_empty_it(void)
{
	hold(1, 2048);
	hold(2, 2048);
	explore_on_cpu(2);
	explore_free(held[1]);
	explore_free(held[2]);
}

static void free_and_use_the_place(void)
{
	explore_free(held[0]);
	explore_on_cpu(2);
	hold(3, 2048);
	hold(4, 2048);
	explore_on_cpu(1);
	explore_free(held[3]);
}

SCENARIO(retire_of_reserved) = {
	.name = "retire of a slab that is reserved by now",
	.prepare = hold_half_a_page,
	.thread = {free_and_use_the_place, reserve_and_empty_it},
};
