// SPDX-License-Identifier: MIT
/*
 * The sequences of <pcpu/operations.h>, step by step, and its operations on a
 * copy that is the thread's own: each is one instruction, so nothing of the
 * same CPU comes in between, but what it writes may arrive late elsewhere.
 */
#include <string.h>

#include "arena/context.h"
#include "engine.h"
#include "pcpu/this_cpu.h"

static struct libpcpu_thread threads[THREAD_NONE + 1] = {
	[THREAD_NONE] = {.nowhere = -1},
};

struct libpcpu_thread *model_self(void)
{
	return &threads[engine.current];
}

const struct libpcpu_thread *explore_self_of(unsigned thread)
{
	return &threads[thread];
}

/* As if it had pinned before: the first time it asks the C library to tell of
 * its exit. */
void pins_begin_thread(unsigned i)
{
	threads[i] = (struct libpcpu_thread){.nowhere = -1, .armed = true};
}

/* --- pins ----------------------------------------------------------------- */

/* The place that we run on, if it has no owner. */
static struct libpcpu_place *enter(void)
{
	struct libpcpu_place *place;

	if (!context_has_sequences || engine.thread[engine.current].stale)
		return NULL;
	sequence_begin();
	place = &libpcpu_place0[explore_cpu()];
	if (!load_acquire(owner_of(place)))
		return place;
	sequence_leave();
	return NULL;
}

bool libpcpu_try_pin(void)
{
	struct libpcpu_place *place = enter();
	uint64_t me = owner_me();

	if (!place)
		return false;
	if (!sequence_goes_on(&place->owner)) {
		sequence_leave();
		return false;
	}
	memory_store(&place->owner, &me, sizeof(me));
	if (!sequence_commit(&libpcpu_self.place))
		return false;
	libpcpu_self.place = place;
	return true;
}

/* The owner may be anywhere, but whoever fences throws it out. */
bool libpcpu_try_unpin(struct libpcpu_place *place)
{
	uint64_t nobody = 0;

	if (!context_has_sequences)
		return false;
	sequence_begin();
	libpcpu_self.place = NULL;
	if (load_relaxed(owner_of(place)) != owner_me()) {
		sequence_leave();
		return false;
	}
	if (!sequence_commit(&place->owner))
		return false;
	memory_store(&place->owner, &nobody, sizeof(nobody));
	return true;
}

/* --- operations ----------------------------------------------------------- */

struct operation {
	unsigned kind, size;
	uint64_t x, expected;
};

static uint64_t look(uintptr_t copy, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, model_access((void *)copy, size, ATOM_LOADS), size);
	return value;
}

static uint64_t result(const struct operation *operation, uint64_t old)
{
	switch (operation->kind) {
	case LIBPCPU_ADD:
		return old + operation->x;
	case LIBPCPU_AND:
		return old & operation->x;
	case LIBPCPU_OR:
		return old | operation->x;
	default:
		return operation->x;
	}
}

static void store(const struct operation *operation, uintptr_t copy,
		  uint64_t old)
{
	uint64_t now = result(operation, old), expected = 0;

	memcpy(&expected, &operation->expected, operation->size);
	if (operation->kind == LIBPCPU_READ ||
	    (operation->kind == LIBPCPU_CMPXCHG && old != expected))
		return;
	copies_touch((char *)copy);
	memory_store((void *)copy, &now, operation->size);
}

static bool try_it(const volatile void *p, const struct operation *operation,
		   uint64_t *old)
{
	struct libpcpu_place *place = libpcpu_self.place ? NULL : enter();
	uintptr_t copy;

	if (!place)
		return false;
	copy = (uintptr_t)p + (uintptr_t)libpcpu_place_distance(place, p);
	*old = look(copy, operation->size);
	if (!sequence_commit((void *)copy))
		return false;
	store(operation, copy, *old);
	return true;
}

static uint64_t do_own(uintptr_t copy, const struct operation *operation)
{
	uint64_t old = look(copy, operation->size);

	store(operation, copy, old);
	return old;
}

#define OPERATION(kind, ...) (&(struct operation){kind, size, __VA_ARGS__})

#define DEFINE_CHANGE(name, kind)                                          \
	bool libpcpu_try_##name(const volatile void *p, unsigned size,     \
				uint64_t x)                                \
	{                                                                  \
		uint64_t old;                                              \
                                                                           \
		return try_it(p, OPERATION(kind, x, 0), &old);             \
	}                                                                  \
                                                                           \
	void libpcpu_own_##name(uintptr_t copy, unsigned size, uint64_t x) \
	{                                                                  \
		do_own(copy, OPERATION(kind, x, 0));                       \
	}

DEFINE_CHANGE(write, LIBPCPU_WRITE)
DEFINE_CHANGE(add, LIBPCPU_ADD)
DEFINE_CHANGE(and, LIBPCPU_AND)
DEFINE_CHANGE(or, LIBPCPU_OR)

#define DEFINE_FETCH(name, kind)                                               \
	bool libpcpu_try_##name(const volatile void *p, unsigned size,         \
				uint64_t x, uint64_t *old)                     \
	{                                                                      \
		return try_it(p, OPERATION(kind, x, 0), old);                  \
	}                                                                      \
                                                                               \
	uint64_t libpcpu_own_##name(uintptr_t copy, unsigned size, uint64_t x) \
	{                                                                      \
		return do_own(copy, OPERATION(kind, x, 0));                    \
	}

DEFINE_FETCH(xchg, LIBPCPU_XCHG)
DEFINE_FETCH(fetch_add, LIBPCPU_ADD)

bool libpcpu_try_read(const volatile void *p, unsigned size, uint64_t *old)
{
	return try_it(p, OPERATION(LIBPCPU_READ, 0, 0), old);
}

uint64_t libpcpu_own_read(uintptr_t copy, unsigned size)
{
	return look(copy, size);
}

bool libpcpu_try_cmpxchg(const volatile void *p, unsigned size,
			 uint64_t expected, uint64_t x, uint64_t *old)
{
	return try_it(p, OPERATION(LIBPCPU_CMPXCHG, x, expected), old);
}

uint64_t libpcpu_own_cmpxchg(uintptr_t copy, unsigned size, uint64_t expected,
			     uint64_t x)
{
	return do_own(copy, OPERATION(LIBPCPU_CMPXCHG, x, expected));
}

/* The look at the gate is a read like any other. */
bool libpcpu_try_add_if(const uint64_t *gate, uint64_t handle, uint64_t x)
{
	struct libpcpu_place *place = libpcpu_self.place ? NULL : enter();
	uint64_t old;
	uintptr_t copy;

	if (!place)
		return false;
	copy = (uintptr_t)handle +
	       (uintptr_t)libpcpu_place_distance(place, (void *)handle);
	if (load_relaxed((atom64 *)gate) != handle) {
		sequence_leave();
		return false;
	}
	old = look(copy, sizeof(old));
	if (!sequence_commit((void *)copy))
		return false;
	store(&(struct operation){LIBPCPU_ADD, sizeof(old), x, 0}, copy, old);
	return true;
}
