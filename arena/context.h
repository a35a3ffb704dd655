/* SPDX-License-Identifier: MIT */
/*
 * The places that threads work in (pcpu/context.h): which model the process has
 * chosen, and what a thread has to do once.
 *
 * The allocator takes no part in this: its slots go by the real CPU.
 */
#ifndef ARENA_CONTEXT_H
#define ARENA_CONTEXT_H

#include <stdbool.h>

#include "chunk/atomic.h"
#include "chunk/compiler.h"
#include "pcpu/context.h"

/* In a place's owner word, beside the address of a libpcpu_thread. */
#define OWNER_WAITED UINT64_C(1)  /* somebody sleeps until it is free */
#define OWNER_CLAIMED UINT64_C(2) /* the thread does not name the place yet */
#define OWNER_SLOT UINT64_C(4)    /* until the thread exits */
#define OWNER_LOCKED UINT64_C(8)  /* got without a sequence: let go so, too */
#define OWNER_FLAGS UINT64_C(15)

/* Constant once a model was chosen. */
HIDDEN extern bool context_has_sequences;

static inline atom64 *owner_of(struct libpcpu_place *place)
{
	return (atom64 *)&place->owner;
}

static inline uint64_t owner_me(void)
{
	return (uintptr_t)&libpcpu_self;
}

static inline bool owner_is_me(uint64_t owner)
{
	return (owner & ~OWNER_FLAGS) == owner_me();
}

/* Is the running thread inside a pinned section? */
bool context_is_pinned(void);

/* Fill in the places and choose the model that the environment asks for. To be
 * called when the layout is known; once. */
void context_start(void);

/*
 * What a thread does before it first pins, or takes a place for itself: see to
 * it that its exit is noticed, and in the model "thread" get a place.
 */
void context_arm(void);

/* Where the running thread works, if not in a place of its own. */
struct libpcpu_place *context_running_place(void);

#endif /* ARENA_CONTEXT_H */
