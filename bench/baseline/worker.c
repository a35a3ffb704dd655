// SPDX-License-Identifier: MIT
/*
 * The background thread sleeps on a semaphore that is posted once per request
 * at most: while one is pending, a kick is a load.
 */
#include "worker.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "balance.h"
#include "lock.h"

static pthread_mutex_t grow_mutex = BL_MUTEX_INITIALIZER;
static bool has_thread;
static pthread_t thread;
static sem_t wakeup;
static atomic_bool pending;
static atomic_bool stopping;

/*
 * A request is withdrawn before the round, so that one made during the round
 * leads to another.  What the round looks at is guarded by the locks; relaxed
 * is enough for the flag.
 */
static bool withdraw(void)
{
	return atomic_exchange_explicit(&pending, false, memory_order_relaxed);
}

static void *work(void *unused)
{
	(void)unused;
	for (;;) {
		while (sem_wait(&wakeup))
			;
		/* relaxed: sem_post() in bl_worker_exit() orders it */
		if (atomic_load_explicit(&stopping, memory_order_relaxed))
			return NULL;
		withdraw();
		bl_worker_run();
	}
}

int bl_worker_init(bool background)
{
	int err;

	atomic_init(&pending, false);
	atomic_init(&stopping, false);
	has_thread = false;
	if (!background)
		return 0;
	if (sem_init(&wakeup, 0, 0))
		return -1;
	err = pthread_create(&thread, NULL, work, NULL);
	if (err) {
		sem_destroy(&wakeup);
		errno = err;
		return -1;
	}
	has_thread = true;
	return 0;
}

void bl_worker_exit(void)
{
	if (!has_thread)
		return;
	atomic_store_explicit(&stopping, true, memory_order_relaxed);
	sem_post(&wakeup);
	pthread_join(thread, NULL);
	sem_destroy(&wakeup);
	has_thread = false;
}

void bl_grow_lock(void)
{
	pthread_mutex_lock(&grow_mutex);
}

void bl_grow_unlock(void)
{
	pthread_mutex_unlock(&grow_mutex);
}

void bl_worker_kick(void)
{
	/* The load keeps the line shared while a request is pending. */
	if (atomic_load_explicit(&pending, memory_order_relaxed))
		return;
	if (atomic_exchange_explicit(&pending, true, memory_order_relaxed))
		return;
	if (has_thread)
		sem_post(&wakeup);
}

size_t bl_worker_run(void)
{
	size_t given;

	bl_grow_lock();
	given = bl_balance();
	bl_grow_unlock();
	return given;
}

bool bl_worker_catch_up(void)
{
	if (has_thread || !withdraw())
		return false;
	bl_balance();
	return true;
}
