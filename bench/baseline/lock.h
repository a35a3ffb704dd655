/* SPDX-License-Identifier: MIT */
/*
 * The one big lock, in the role of the kernel's spinlock, of the kind chosen
 * at start.  Not recursive.
 */
#ifndef BENCH_BASELINE_LOCK_H
#define BENCH_BASELINE_LOCK_H

#include <ck_spinlock.h>
#include <pthread.h>

#include "baseline.h"

/*
 * Adaptive, as the kernel's mutexes are: its waiters spin for a while. musl's
 * mutexes all do so.
 */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define BL_MUTEX_INITIALIZER PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#else
#define BL_MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#endif

/* The holder's part; lives from bl_lock() to bl_unlock(). */
struct bl_hold {
	ck_spinlock_mcs_context_t mcs;
	unsigned node;
};

/* 0, or -1 with errno EINVAL. */
int bl_lock_init(enum baseline_lock kind);
void bl_lock(struct bl_hold *hold);
void bl_unlock(struct bl_hold *hold);

#endif
