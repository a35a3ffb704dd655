/* SPDX-License-Identifier: MIT */
/*
 * Retired chunks on their way back to the system, and free pages of the others:
 * rounds of "collect what is retired or free, wait for a grace period, give
 * the pages back", run by a worker thread and by pcpu_trim().
 *
 * Alloc and free never wait here: they set a bit and, at most, wake the worker.
 * Nor do they enter read-side sections, as claims validate themselves
 * (chunk/slab.h). The grace period is for readers of the copies: a program's
 * own RCU readers may look at a freed object's copies until they leave their
 * section, and neither fault nor make new pages appear.
 *
 * The flavour is liburcu's "bp": a host program's threads become readers by
 * their first read lock, without registering, and a process without readers
 * pays nothing.
 */
#ifndef RECLAIM_RECLAIM_H
#define RECLAIM_RECLAIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "reclaim/pool.h"

/* Free pages of chunks in use, which only their arenas know (arena/pages.c).
 * Called in rounds, so by one thread at a time. */
struct reclaim_pages {
	/* Note which pages are free: all, or where there are many. */
	void (*note)(bool all);
	/* Is there any memory to give back that was free since it was noted? */
	bool (*any)(void);
	/* Give it back, after a grace period. Returns the bytes, as below. */
	size_t (*give_back)(void);
};

/* Once, at start. Pools are never destroyed. */
void reclaim_init(struct pool **all, unsigned nr,
		  const struct reclaim_pages *pages);

/*
 * Make sure that a worker runs, if one can be had. Called when an arena grows,
 * not by NOWAIT callers: it may create a thread, once.
 */
void reclaim_start(void);

/* pthread_create(), but the host's signal handlers are none of its business. */
bool reclaim_create_thread(pthread_t *thread, const pthread_attr_t *attr,
			   void *(*run)(void *));

/*
 * Set aside a chunk that chunk_retire() took out of use. Lock-free, callable
 * from signal handlers.
 */
void reclaim_retire(struct pool *pool, chunk_id chunk);

/* A chunk in use has many free pages: let the worker look, if there is one.
 * Lock-free, callable from signal handlers. */
void reclaim_pages_soon(void);

/*
 * Run a round now. Returns the bytes of address space, over all units, whose
 * pages went back. Blocks for a grace period; but if several threads run here,
 * and did in the parent when it forked, it leaves the round to the worker and
 * returns 0, as liburcu may wait for readers that are not there (unless the
 * host program calls urcu_bp_before_fork() and its fellows, as liburcu asks
 * for). In a child it waits for a second at most, once, to learn whether a
 * grace period can begin there.
 */
size_t reclaim_now(void);

#endif /* RECLAIM_RECLAIM_H */
