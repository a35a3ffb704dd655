/* SPDX-License-Identifier: MIT */
/*
 * Where debug mode keeps freed objects for a while, so that a second free, or a
 * write through an old pointer, finds them as they were buried. First in, first
 * out: an object leaves when so many others came after it, QUARANTINE_SMALL of
 * up to QUARANTINE_SMALL_BYTES, QUARANTINE_LARGE of others: 2 MiB of each unit
 * at most.
 *
 * A ring: who frees takes the next place, puts its object there, and lets go of
 * the object that was there. Wait-free but for the letting go, any context.
 */
#ifndef ARENA_QUARANTINE_H
#define ARENA_QUARANTINE_H

#include <stdbool.h>

#include "chunk/slab.h"

#define QUARANTINE_SMALL 1024u
#define QUARANTINE_SMALL_BYTES 1024u
#define QUARANTINE_LARGE 32u

/* What becomes of an object that leaves. */
typedef void quarantine_exit(struct object object);

/* Keep an object of the class's; another one may have to go. */
void quarantine_put(struct object object, const struct size_class *class,
		    quarantine_exit *release);

/* Let go of all. Returns whether there was any. */
bool quarantine_flush(quarantine_exit *release);

#endif /* ARENA_QUARANTINE_H */
