// SPDX-License-Identifier: MIT
#include "reclaim/reclaim.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chunk/chunk.h"
#include "chunk/panic.h"
#include "chunk/word.h"
#include "pcpu/gate.h"
#include "reclaim/grace.h"

/* Chunks that empty within this time share a grace period, and one that is
 * needed again meanwhile is taken back with its memory. */
#define BATCH_NS 20000000

static struct pool **pools;
static unsigned nr_pools;
static const struct reclaim_pages *pages;

static atom32 worker_runs;
static atom32 pending; /* a futex: 1 when there is something to do */

/* Move what is retired to what waits, chunk by chunk: what is in neither set
 * cannot be taken back. Returns whether anything waits. */
static bool collect(struct pool *pool)
{
	bool any = false;
	chunk_id chunk;
	uint32_t w;

	while (pool_take(pool, pool->retired, &chunk))
		pool_put(pool, pool->waiting, chunk);
	for (w = 0; w < pool->nr_words; w++)
		/* relaxed: only we add to it */
		any |= load_relaxed(&pool->waiting[w]) != 0;
	return any;
}

/*
 * Returns the bytes whose pages went back. A chunk whose pages the system does
 * not take stays set aside, where growth finds it first and the next round
 * tries again. Larger system pages never go: that chunk keeps its dirty bits.
 */
static size_t give_back(struct pool *pool, chunk_id chunk)
{
	size_t bytes = 0;

	if (load_relaxed(&chunk_of(chunk)->dirty)) { /* relaxed: ours */
		if (layout_depopulate(chunk_page(chunk, 1), CHUNK_PAGES - 1)) {
			bytes = (size_t)CHUNK_BYTES * layout.nr_units;
			/* relaxed: pool_unclaim() publishes it */
			store_relaxed(&chunk_of(chunk)->dirty, 0);
		} else if (layout.os_page <= PAGE_BYTES) {
			pool_put(pool, pool->retired, chunk);
			return 0;
		}
	}
	pool_unclaim(pool, chunk);
	fetch_sub_relaxed(&pool->nr_set_aside, 1); /* relaxed: a hint */
	return bytes;
}

/* The grace period is over for all that still waits. */
static size_t finish(struct pool *pool)
{
	size_t bytes = 0;
	chunk_id chunk;

	while (pool_take(pool, pool->waiting, &chunk))
		bytes += give_back(pool, chunk);
	return bytes;
}

/* With the lock. All that it gives back was retired or noted before. */
static size_t finish_round(void)
{
	bool any = pages->any();
	size_t bytes = 0;
	unsigned i;

	for (i = 0; i < nr_pools; i++)
		any |= collect(pools[i]);
	if (!any || grace_is_lost())
		return 0;
	grace_wait();
	for (i = 0; i < nr_pools; i++)
		bytes += finish(pools[i]);
	return bytes + pages->give_back();
}

static size_t run_round(void)
{
	size_t bytes;

	grace_lock();
	pages->note(true);
	bytes = finish_round();
	grace_unlock();
	return bytes;
}

/* What empties meanwhile joins it, but pages must be idle all the time. */
static void run_slow_round(void)
{
	grace_lock();
	pages->note(false);
	grace_unlock();
	grace_sleep(BATCH_NS);
	grace_lock();
	finish_round();
	grace_unlock();
}

static void wake_worker(void)
{
	int saved = errno;

	/* pairs with [wake] worker(): the bits set before */
	if (xchg_release(&pending, 1) == 0)
		syscall(SYS_futex, &pending, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
			0);
	errno = saved;
}

size_t reclaim_now(void)
{
	if (grace_will_end())
		return run_round();
	reclaim_start();
	wake_worker();
	return 0;
}

void reclaim_retire(struct pool *pool, chunk_id chunk)
{
	/* First, so that it never falls below 0. relaxed: a hint */
	fetch_add_relaxed(&pool->nr_set_aside, 1);
	pool_put(pool, pool->retired, chunk);
	wake_worker();
}

void reclaim_pages_soon(void)
{
	/* relaxed: if the worker is about to look anyway it may miss these
	 * pages, and finds them with the next */
	if (!load_relaxed(&pending))
		wake_worker();
}

/* --- who else waits for readers ------------------------------------------- */

static atom64 callbacks; /* a stack of libpcpu_grace */

void libpcpu_grace_call(struct libpcpu_grace *grace,
			void (*done)(struct libpcpu_grace *grace))
{
	uint64_t head = load_relaxed(&callbacks); /* relaxed: the CAS decides */

	grace->done = done;
	do {
		grace->next = (struct libpcpu_grace *)(uintptr_t)head;
		/* pairs with [grace] take_callbacks(): what the caller did
		 * before, with the list */
	} while (!cas_release(&callbacks, &head, (uintptr_t)grace));
	reclaim_start();
	wake_worker();
}

int libpcpu_grace_start(void)
{
	reclaim_start();
	if (load_relaxed(&worker_runs)) /* relaxed: or another starts it */
		return 0;
	errno = EAGAIN;
	return -1;
}

static void wait_for_readers(void)
{
	grace_lock();
	grace_wait();
	grace_unlock();
}

void libpcpu_grace_wait(void)
{
	if (!grace_will_end() && grace_is_lost())
		panic("nobody can wait for readers in this child of fork(): "
		      "another thread was inside liburcu");
	wait_for_readers();
}

/* In the order in which they came. */
static struct libpcpu_grace *take_callbacks(void)
{
	struct libpcpu_grace *list, *next, *first = NULL;

	/* pairs with [grace] libpcpu_grace_call(): what its caller did before,
	 * with the list */
	list = (struct libpcpu_grace *)(uintptr_t)xchg_acquire(&callbacks, 0);
	for (; list; list = next) {
		next = list->next;
		list->next = first;
		first = list;
	}
	return first;
}

/* Without the lock, as they may do what they like. */
static void run_callbacks(void)
{
	struct libpcpu_grace *list, *next;

	list = grace_is_lost() ? NULL : take_callbacks();
	if (!list)
		return;
	wait_for_readers();
	for (; list; list = next) {
		next = list->next;
		list->done(list);
	}
}

/* --- the worker ----------------------------------------------------------- */

static void *worker(void *unused)
{
	(void)unused;
	for (;;) {
		/* pairs with [wake] wake_worker(): the bits set */
		while (!xchg_acquire(&pending, 0))
			syscall(SYS_futex, &pending, FUTEX_WAIT_PRIVATE, 0,
				NULL, NULL, 0);
		run_callbacks();
		run_slow_round();
	}
	return NULL;
}

bool reclaim_create_thread(pthread_t *thread, const pthread_attr_t *attr,
			   void *(*run)(void *))
{
	sigset_t all, old;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	started = !pthread_create(thread, attr, run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return started;
}

int libpcpu_start_thread(const char *name, void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	bool started;

	grace_forget_readers();
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	started = reclaim_create_thread(&thread, &attr, run);
	if (started)
		pthread_setname_np(thread, name);
	pthread_attr_destroy(&attr);
	return started;
}

void reclaim_start(void)
{
	uint32_t stopped = 0;

	/* relaxed: nothing hangs on it but who creates the thread */
	if (load_relaxed(&worker_runs) ||
	    !cas_relaxed(&worker_runs, &stopped, 1))
		return;
	if (!libpcpu_start_thread("pcpu-reclaim", worker))
		store_relaxed(&worker_runs, 0); /* relaxed: try again later */
}

/* The child has one thread. */
static void after_fork_child(void)
{
	store_relaxed(&worker_runs, 0); /* relaxed: the same */
}

void reclaim_init(struct pool **all, unsigned nr,
		  const struct reclaim_pages *free_pages)
{
	pools = all;
	nr_pools = nr;
	pages = free_pages;
	grace_init();
	pthread_atfork(NULL, NULL, after_fork_child);
}
