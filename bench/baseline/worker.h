/* SPDX-License-Identifier: MIT */
/*
 * Who does the background work, and when: a thread where there is one, else
 * whoever is about to grow, or asks for it.  Owns the grow mutex, because the
 * work is done under it.
 */
#ifndef BENCH_BASELINE_WORKER_H
#define BENCH_BASELINE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

/* 0, or -1 with errno set. */
int bl_worker_init(bool background);
/* Waits for a round in progress. */
void bl_worker_exit(void);

/*
 * One at a time may create and destroy chunks and change what is populated.
 * Taken outside of the big lock.
 */
void bl_grow_lock(void);
void bl_grow_unlock(void);

/* Asks for a round.  Never waits; any thread, with or without locks. */
void bl_worker_kick(void);

/* Does a round now; returns the bytes given back.  Grow mutex not held. */
size_t bl_worker_run(void);

/*
 * Without a thread, does a round that was asked for: chunks set aside for it
 * must not be missing when memory is short.  Grow mutex held.  False if there
 * was nothing to do.
 */
bool bl_worker_catch_up(void);

#endif
