// SPDX-License-Identifier: MIT
#include "reclaim/reclaim.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "chunk/chunk.h"
#include "chunk/word.h"
#include "pcpu/gate.h"

/* Chunks that empty within this time share a grace period, and one that is
 * needed again meanwhile is taken back with its memory. */
#define BATCH_NS 20000000

/* fork() waits so long for a round that is under way, in steps. */
#define FORK_WAIT_NS 10000000
#define FORK_STEP_NS 100000

static struct pool **pools;
static unsigned nr_pools;
static const struct reclaim_pages *pages;

static atom32 worker_runs;
static atom32 pending; /* a futex: 1 when there is something to do */

/* One round at a time: two would share a grace period that began too early.
 * Alloc and free never take it. */
static pthread_mutex_t round_lock = PTHREAD_MUTEX_INITIALIZER;
static bool in_grace;
static bool grace_is_lost;   /* in a child forked in the middle of a round */
static bool readers_unknown; /* in a child: parent's readers are listed yet */

static void sleep_ns(long ns)
{
	struct timespec t = {0, ns};

	nanosleep(&t, NULL);
}

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

/* With the lock, so that fork() knows of it. */
static void wait_for_readers(void)
{
	in_grace = true;
	urcu_bp_synchronize_rcu();
	in_grace = false;
}

/* With the lock. All that it gives back was retired or noted before. */
static size_t finish_round(void)
{
	bool any = pages->any();
	size_t bytes = 0;
	unsigned i;

	for (i = 0; i < nr_pools; i++)
		any |= collect(pools[i]);
	if (!any || grace_is_lost)
		return 0;
	wait_for_readers();
	for (i = 0; i < nr_pools; i++)
		bytes += finish(pools[i]);
	return bytes + pages->give_back();
}

static size_t run_round(void)
{
	size_t bytes;

	pthread_mutex_lock(&round_lock);
	pages->note(true);
	bytes = finish_round();
	pthread_mutex_unlock(&round_lock);
	return bytes;
}

/* What empties meanwhile joins it, but pages must be idle all the time. */
static void run_slow_round(void)
{
	pthread_mutex_lock(&round_lock);
	pages->note(false);
	pthread_mutex_unlock(&round_lock);
	sleep_ns(BATCH_NS);
	pthread_mutex_lock(&round_lock);
	finish_round();
	pthread_mutex_unlock(&round_lock);
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

/* Threads that may be readers: all but our worker. */
static unsigned count_host_threads(void)
{
	struct stat tasks;

	/* relaxed: of the moment */
	if (stat("/proc/self/task", &tasks))
		return UINT_MAX;
	return (unsigned)tasks.st_nlink - 2 - load_relaxed(&worker_runs);
}

/*
 * After fork() liburcu still lists the parent's other threads as readers, for
 * one of which a grace period may wait for ever. While the child has a single
 * thread, we may tell liburcu to forget the others; later that would hit the
 * child's own.
 */
static bool grace_will_end(void)
{
	if (readers_unknown && count_host_threads() == 1) {
		urcu_bp_before_fork();
		urcu_bp_after_fork_child();
		readers_unknown = false;
	}
	return !readers_unknown;
}

size_t reclaim_now(void)
{
	if (!grace_is_lost && grace_will_end())
		return run_round();
	reclaim_start();
	wake_worker();
	return 0;
}

void reclaim_retire(struct pool *pool, chunk_id chunk)
{
	pool_put(pool, pool->retired, chunk);
	fetch_add_relaxed(&pool->nr_set_aside, 1); /* relaxed: a hint */
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
	if (load_relaxed(&worker_runs)) /* relaxed: it is never unset again */
		return 0;
	errno = EAGAIN;
	return -1;
}

void libpcpu_grace_wait(void)
{
	grace_will_end();
	pthread_mutex_lock(&round_lock);
	wait_for_readers();
	pthread_mutex_unlock(&round_lock);
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
	struct libpcpu_grace *list = grace_is_lost ? NULL : take_callbacks();
	struct libpcpu_grace *next;

	if (!list)
		return;
	pthread_mutex_lock(&round_lock);
	wait_for_readers();
	pthread_mutex_unlock(&round_lock);
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

int libpcpu_start_thread(const char *name, void *(*run)(void *))
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	bool started;

	/* The host's signal handlers are none of its business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	started = !pthread_create(&thread, &attr, run, NULL);
	if (started)
		pthread_setname_np(thread, name);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
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

/*
 * A round that is under way when the process forks never ends in the child,
 * and liburcu's locks may stay held there. So fork waits a little for it; if a
 * reader keeps the grace period from ending, the child does without: it reuses
 * retired chunks, but returns none to the system. fork() must not wait for
 * long, the reader may be the thread that forks.
 */
static __thread bool fork_holds_round LIBPCPU_TLS;
static __thread bool fork_leaves_readers LIBPCPU_TLS;

static void before_fork(void)
{
	long waited;

	fork_leaves_readers = count_host_threads() > 1;
	for (waited = 0; waited < FORK_WAIT_NS; waited += FORK_STEP_NS) {
		fork_holds_round = !pthread_mutex_trylock(&round_lock);
		if (fork_holds_round)
			return;
		sleep_ns(FORK_STEP_NS);
	}
}

static void after_fork_parent(void)
{
	if (fork_holds_round)
		pthread_mutex_unlock(&round_lock);
	fork_holds_round = false;
}

static void after_fork_child(void)
{
	grace_is_lost |= !fork_holds_round && in_grace;
	readers_unknown |= fork_leaves_readers;
	if (fork_holds_round)
		pthread_mutex_unlock(&round_lock);
	else
		pthread_mutex_init(&round_lock, NULL);
	fork_holds_round = false;
	store_relaxed(&worker_runs, 0); /* relaxed: the child has one thread */
}

void reclaim_init(struct pool **all, unsigned nr,
		  const struct reclaim_pages *free_pages)
{
	pools = all;
	nr_pools = nr;
	pages = free_pages;
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}
