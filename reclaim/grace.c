// SPDX-License-Identifier: MIT
#include "reclaim/grace.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <urcu/urcu-bp.h>

#include "chunk/word.h"
#include "pcpu.h"
#include "reclaim/reclaim.h"

/* fork() waits so long for a round that is under way, in steps; and its child
 * for liburcu's locks. */
#define FORK_WAIT_NS 10000000
#define FORK_STEP_NS 100000
#define LOCKS_WAIT_NS 1000000000

static pthread_mutex_t round_lock = PTHREAD_MUTEX_INITIALIZER;
static bool in_grace;
static atom32 lost;          /* in a child: liburcu's locks stay held */
static bool readers_unknown; /* in a child: parent's readers are listed yet */

void grace_sleep(long ns)
{
	struct timespec t = {0, ns};

	nanosleep(&t, NULL);
}

void grace_lock(void)
{
	pthread_mutex_lock(&round_lock);
}

void grace_unlock(void)
{
	pthread_mutex_unlock(&round_lock);
}

void grace_wait(void)
{
	in_grace = true;
	urcu_bp_synchronize_rcu();
	in_grace = false;
}

bool grace_is_lost(void)
{
	return load_relaxed(&lost); /* relaxed: once lost, lost */
}

/* --- in a child ---------------------------------------------------------- */

/* All may be readers, ours too: what they call for others is anything. */
static unsigned count_threads(void)
{
	struct stat tasks;

	if (stat("/proc/self/task", &tasks))
		return UINT_MAX;
	return (unsigned)tasks.st_nlink - 2;
}

#ifdef __SANITIZE_THREAD__ /* it allows no thread in a child */
static bool take_locks(void)
{
	urcu_bp_before_fork();
	return true;
}
#else
enum { LOCKS_TRIED, LOCKS_HELD, LOCKS_LEFT };
static atom32 locks;

static void *hold_locks(void *unused)
{
	uint32_t tried = LOCKS_TRIED;

	(void)unused;
	urcu_bp_before_fork();
	/* pairs with [locks] wait_for_locks(): liburcu's lists, as found */
	if (!cas_release(&locks, &tried, LOCKS_HELD))
		urcu_bp_after_fork_parent();
	return NULL;
}

static bool wait_for_locks(void)
{
	uint32_t tried = LOCKS_TRIED;
	long waited;

	for (waited = 0; waited < LOCKS_WAIT_NS; waited += FORK_STEP_NS) {
		/* pairs with [locks] hold_locks(): liburcu's lists */
		if (load_acquire(&locks) == LOCKS_HELD)
			return true;
		grace_sleep(FORK_STEP_NS);
	}
	/* pairs with [locks] hold_locks(): the same, if it came at last */
	return !cas_acquire(&locks, &tried, LOCKS_LEFT);
}

/*
 * Who was inside liburcu when the process was forked, to register a thread or
 * to wait for readers, holds its locks in the child for ever. So another thread
 * tries to take them, on whom nobody depends; what it holds is ours.
 */
static bool take_locks(void)
{
	pthread_t thread;

	/* relaxed: the thread starts later */
	store_relaxed(&locks, LOCKS_TRIED);
	if (!reclaim_create_thread(&thread, NULL, hold_locks))
		return false;
	if (wait_for_locks()) {
		pthread_join(thread, NULL); /* it has nothing more to do */
		return true;
	}
	pthread_detach(thread);
	store_relaxed(&lost, 1); /* relaxed: a hint to the worker */
	return false;
}
#endif

/*
 * After fork() liburcu still lists the parent's other threads as readers, for
 * one of which a grace period may wait for ever. It can be told to forget all
 * but the calling thread: while that is the child's only one.
 */
void grace_forget_readers(void)
{
	sigset_t mask;

	if (!readers_unknown || grace_is_lost() || count_threads() != 1 ||
	    !take_locks())
		return;
	/* It gives us the mask of who took the locks. */
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	urcu_bp_after_fork_child();
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	readers_unknown = false;
}

bool grace_will_end(void)
{
	grace_forget_readers();
	return !readers_unknown && !grace_is_lost();
}

/* --- fork() -------------------------------------------------------------- */

/*
 * A round that is under way when the process forks never ends in the child,
 * and liburcu's locks may stay held there. So fork waits a little for it; if a
 * reader keeps the grace period from ending, the child does without: it reuses
 * retired chunks, but returns none to the system. fork() must not wait for
 * long, the reader may be the thread that forks.
 */
static __thread unsigned fork_depth LIBPCPU_TLS; /* in signal handlers */
static __thread bool fork_holds_round LIBPCPU_TLS;
static __thread bool fork_leaves_readers LIBPCPU_TLS;

static void before_fork(void)
{
	long waited;

	fork_leaves_readers = count_threads() > 1;
	if (fork_depth++)
		return;
	for (waited = 0; waited < FORK_WAIT_NS; waited += FORK_STEP_NS) {
		fork_holds_round = !pthread_mutex_trylock(&round_lock);
		if (fork_holds_round)
			return;
		grace_sleep(FORK_STEP_NS);
	}
}

static void after_fork_parent(void)
{
	if (--fork_depth)
		return;
	if (fork_holds_round)
		pthread_mutex_unlock(&round_lock);
	fork_holds_round = false;
}

static void after_fork_child(void)
{
	if (!fork_holds_round && in_grace)
		store_relaxed(&lost, 1); /* relaxed: the child has one thread */
	readers_unknown |= fork_leaves_readers;
	if (!fork_holds_round)
		pthread_mutex_init(&round_lock, NULL);
	after_fork_parent();
}

void grace_init(void)
{
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}
