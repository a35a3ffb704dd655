/* SPDX-License-Identifier: MIT */
/*
 * Debug mode's patterns in the copies of an object, and the check of them.
 *
 * An object of debug mode is cut from one of the allocator's, its cell:
 *
 *	cell					     cell + bytes
 *	+-------+-----------------------------+------+
 *	| front |  what the owner asked for   | rear |
 *	+-------+-----------------------------+------+
 *		^ its handle: cell + front
 *
 *	live	CANARY, the owner's, CANARY
 *	dead	POISON all over
 *
 * Or zeroes instead of either, on a CPU where the program could not run when it
 * started: there nobody has touched the copy (in the context "cpu"), so that it
 * need not take memory for a pattern's sake. A copy of which any byte is not
 * zero when its object is freed gets the pattern there, too.
 *
 * AddressSanitizer and memcheck are told: all but a live object is closed.
 */
#ifndef ARENA_GUARD_H
#define ARENA_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/sizeclass.h"

#define GUARD_CANARY 0xcc
#define GUARD_POISON 0x6b

/* The least redzone; also what AddressSanitizer counts in. */
#define GUARD_LEAST 8u

struct guarded {
	uintptr_t cell;         /* handle of the allocator's object */
	uint32_t bytes;         /* of the cell */
	uint32_t front;         /* bytes in front of the owner's */
	uint32_t size;          /* the owner's bytes */
	const ptrdiff_t *units; /* handle to copy */
};

static inline void *guard_handle(const struct guarded *g)
{
	return (void *)(g->cell + g->front);
}

/* Which CPUs' copies get patterns; once. */
void guard_start(void);

/*
 * Make a cell a live object: zeroed, with canaries. `clean`: it holds zeroes
 * on every CPU.
 */
void guard_arm(const struct guarded *g, bool clean);

/*
 * Make a live object a dead one, after a look at its canaries: if one is gone,
 * says so in the name of the calling function, and aborts.
 */
void guard_bury(const char *caller, const struct guarded *g);

/* What is wrong with a copy. */
struct guard_fault {
	unsigned unit;
	ptrdiff_t offset; /* of the byte, from the handle */
	uint8_t found;
};

/* Look for a byte that is not what it should be; false if there is none. */
bool guard_find_overrun(const struct guarded *g, struct guard_fault *fault);
bool guard_find_late_write(const struct guarded *g, struct guard_fault *fault);

/* Say so and abort. */
_Noreturn void guard_report_overrun(const char *caller, const struct guarded *g,
				    const struct guard_fault *fault);
_Noreturn void guard_report_late_write(const char *caller,
				       const struct guarded *g,
				       const struct guard_fault *fault);

/* A dead object must be as it was buried. */
void guard_expect_dead(const char *caller, const struct guarded *g);

#endif /* ARENA_GUARD_H */
