/* SPDX-License-Identifier: MIT */
/*
 * Grace periods of liburcu, one at a time, and what fork() does to them: the
 * child has neither the readers that liburcu knows of nor who holds its locks.
 */
#ifndef RECLAIM_GRACE_H
#define RECLAIM_GRACE_H

#include <stdbool.h>

/* Once, at start. */
void grace_init(void);

/* One round at a time: two would share a grace period that began too early.
 * Alloc and free never take it. */
void grace_lock(void);
void grace_unlock(void);

/* Wait for all readers that there are now. With the lock, so that fork() knows
 * of it. */
void grace_wait(void);

/* Less than a second. */
void grace_sleep(long ns);

/* In a child that was forked while another thread was inside liburcu: no grace
 * period can begin. */
bool grace_is_lost(void);

/*
 * In a child of fork() that has one thread: make liburcu forget the parent's
 * readers, for which it may wait a second, once. Before we create a thread.
 */
void grace_forget_readers(void);

/* Will a grace period end as soon as the readers let it? Not while liburcu
 * lists readers of the parent. Forgets them if that can be done. */
bool grace_will_end(void);

#endif /* RECLAIM_GRACE_H */
