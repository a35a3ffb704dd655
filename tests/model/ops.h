/* SPDX-License-Identifier: MIT */
/*
 * The operations that pairs.c sets against each other.
 */
#ifndef TESTS_MODEL_OPS_H
#define TESTS_MODEL_OPS_H

#include "explore.h"

/* The size that both threads deal in, and another whose slabs have as many
 * pages, or fewer, and so may come to lie in the same place. */
struct shape {
	size_t size;
	size_t other;
};
extern const struct shape shapes[];
extern const unsigned nr_shapes;

#define ACTOR_OBJECTS (SPARE_MAX + 2)

/* One of the two threads. */
struct actor {
	const struct shape *shape;
	unsigned cpu;
	bool second;                 /* prepared second */
	void *object[ACTOR_OBJECTS]; /* what it is to free */
	void **loose;                /* what nobody is to free, but who likes */
	unsigned nr_loose;
};

struct op {
	const char *name;
	/* Make what it needs. No slab stays reserved. Or NULL. */
	void (*prepare)(struct actor *actor);
	/* After both prepared: reserve what it needs. Or NULL. */
	void (*settle)(struct actor *actor);
	void (*run)(struct actor *actor);
	bool may_fail; /* NOWAIT, or it needs the last memory */
};
extern const struct op all_ops[];
extern const unsigned nr_ops;

#endif /* TESTS_MODEL_OPS_H */
