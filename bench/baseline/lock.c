// SPDX-License-Identifier: MIT
/*
 * Lock kinds.  Concurrency Kit's orderings are in assembler, which the thread
 * sanitizer cannot see, so that it is told, lock by lock.
 */
#include "lock.h"

#include <ck_cohort.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define TELL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TELL_TSAN 1
#endif
#endif

#ifdef TELL_TSAN
#include <sanitizer/tsan_interface.h>
#define tell_locked(lock) __tsan_acquire(lock)
#define tell_unlocking(lock) __tsan_release(lock)
#else
#define tell_locked(lock) ((void)(lock))
#define tell_unlocking(lock) ((void)(lock))
#endif

#define CACHE_LINE 64
#define MAX_NODES 64
#define TAS_SPINS 128 /* before giving the CPU to the holder */

/* In the shape that the cohort template wants; tickets need no context. */
static inline void ticket_lock(void *lock, void *context)
{
	(void)context;
	ck_spinlock_ticket_lock(lock);
	tell_locked(lock);
}

static inline void ticket_unlock(void *lock, void *context)
{
	(void)context;
	tell_unlocking(lock);
	ck_spinlock_ticket_unlock(lock);
}

static inline bool ticket_locked(void *lock, void *context)
{
	(void)context;
	return ck_spinlock_ticket_locked(lock);
}

CK_COHORT_PROTOTYPE(ticket, ticket_lock, ticket_unlock, ticket_locked,
		    ticket_lock, ticket_unlock, ticket_locked)

struct node_lock {
	_Alignas(CACHE_LINE) CK_COHORT_INSTANCE(ticket) cohort;
	ck_spinlock_ticket_t local;
};

/*
 * In a spinlock's role a mutex whose waiters sleep at once does itself harm:
 * 2 threads got 0.4 of one's total with a plain one, 0.65 with this.
 */
static const pthread_mutex_t adaptive_mutex = BL_MUTEX_INITIALIZER;

static enum baseline_lock kind;
static _Alignas(CACHE_LINE) union {
	pthread_mutex_t mutex;
	atomic_bool tas;
	ck_spinlock_ticket_t ticket;
	ck_spinlock_mcs_t mcs;
} big;
static struct node_lock nodes[MAX_NODES];

static void cohort_init(void)
{
	unsigned i;

	ck_spinlock_ticket_init(&big.ticket);
	for (i = 0; i < MAX_NODES; i++) {
		ck_spinlock_ticket_init(&nodes[i].local);
		CK_COHORT_INIT(ticket, &nodes[i].cohort, &big.ticket,
			       &nodes[i].local,
			       CK_COHORT_DEFAULT_LOCAL_PASS_LIMIT);
	}
}

int bl_lock_init(enum baseline_lock wanted)
{
	switch (wanted) {
	case BASELINE_MUTEX:
		big.mutex = adaptive_mutex;
		break;
	case BASELINE_TAS:
		atomic_init(&big.tas, false);
		break;
	case BASELINE_TICKET:
		ck_spinlock_ticket_init(&big.ticket);
		break;
	case BASELINE_MCS:
		ck_spinlock_mcs_init(&big.mcs);
		break;
	case BASELINE_COHORT:
		cohort_init();
		break;
	default:
		errno = EINVAL;
		return -1;
	}
	kind = wanted;
	return 0;
}

static void tas_lock(void)
{
	unsigned spins = 0;

	/* pairs with bl_unlock(): all that the lock guards */
	while (atomic_exchange_explicit(&big.tas, true, memory_order_acquire)) {
		/* relaxed: only decides when to try the exchange again */
		while (atomic_load_explicit(&big.tas, memory_order_relaxed)) {
			if (++spins % TAS_SPINS == 0)
				sched_yield();
			else
				ck_pr_stall();
		}
	}
}

#ifdef __GLIBC__
#define cpu_and_node getcpu
#else
/* musl has no getcpu(), which would not enter the kernel. */
static long cpu_and_node(unsigned *cpu, unsigned *node)
{
	return syscall(SYS_getcpu, cpu, node, NULL);
}
#endif

static unsigned this_node(void)
{
	unsigned cpu, node;

	return cpu_and_node(&cpu, &node) ? 0 : node % MAX_NODES;
}

void bl_lock(struct bl_hold *hold)
{
	switch (kind) {
	case BASELINE_MUTEX:
		pthread_mutex_lock(&big.mutex);
		return;
	case BASELINE_TAS:
		tas_lock();
		return;
	case BASELINE_TICKET:
		ticket_lock(&big.ticket, NULL);
		return;
	case BASELINE_MCS:
		ck_spinlock_mcs_lock(&big.mcs, &hold->mcs);
		tell_locked(&big.mcs);
		return;
	case BASELINE_COHORT:
		hold->node = this_node();
		CK_COHORT_LOCK(ticket, &nodes[hold->node].cohort, NULL, NULL);
		return;
	}
}

void bl_unlock(struct bl_hold *hold)
{
	switch (kind) {
	case BASELINE_MUTEX:
		pthread_mutex_unlock(&big.mutex);
		return;
	case BASELINE_TAS:
		/* pairs with tas_lock(): all that the lock guards */
		atomic_store_explicit(&big.tas, false, memory_order_release);
		return;
	case BASELINE_TICKET:
		ticket_unlock(&big.ticket, NULL);
		return;
	case BASELINE_MCS:
		tell_unlocking(&big.mcs);
		ck_spinlock_mcs_unlock(&big.mcs, &hold->mcs);
		return;
	case BASELINE_COHORT:
		CK_COHORT_UNLOCK(ticket, &nodes[hold->node].cohort, NULL, NULL);
		return;
	}
}

const char *baseline_lock_name(enum baseline_lock lock)
{
	switch (lock) {
	case BASELINE_MUTEX:
		return "mutex";
	case BASELINE_TAS:
		return "tas";
	case BASELINE_TICKET:
		return "ticket";
	case BASELINE_MCS:
		return "mcs";
	case BASELINE_COHORT:
		return "cohort";
	}
	return NULL;
}
