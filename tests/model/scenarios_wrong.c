// SPDX-License-Identifier: MIT
/*
 * Two threads free one object: one of them is refused, or whoever looks at the
 * slot that the other's free went to.
 */
#include "explore.h"

static void *held[3];

/* Objects above it are free: a second free carries into no other's bit. */
static void list_lines_of_nobody(void)
{
	held[1] = explore_alloc(64, 0);
	held[0] = explore_alloc_unowned(64);
	explore_drain();
}

static void reserve_lines_of_nobody(void)
{
	list_lines_of_nobody();
	held[2] = explore_alloc(64, 0);
	explore_free(held[2]);
}

static void free_unowned(void)
{
	explore_free_unowned(held[0]);
}

static void free_unowned_in_bulk(void)
{
	explore_free_unowned_bulk(1, held);
}

SCENARIO(free_free) = {
	.name = "two frees of one object",
	.prepare = list_lines_of_nobody,
	.thread = {free_unowned, free_unowned},
	.after = explore_trim,
	.refusal = "already free",
	.bound = 3,
};

SCENARIO(free_free_slot) = {
	.name = "two frees of one object, one CPU has its slab",
	.prepare = reserve_lines_of_nobody,
	.thread = {free_unowned, free_unowned},
	.after = explore_trim,
	.refusal = "already free",
	.bound = 3,
};

SCENARIO(free_free_bulk) = {
	.name = "two frees of one object, one in bulk",
	.prepare = reserve_lines_of_nobody,
	.thread = {free_unowned, free_unowned_in_bulk},
	.after = explore_trim,
	.refusal = "already free",
	.bound = 3,
};

SCENARIO(free_free_drain) = {
	.name = "two frees of one object, drain",
	.prepare = reserve_lines_of_nobody,
	.thread = {free_unowned, free_unowned, explore_drain},
	.after = explore_trim,
	.refusal = "already free",
};
