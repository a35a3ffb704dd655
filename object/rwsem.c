// SPDX-License-Identifier: MIT
/*
 * Read-write semaphores, where there is a writer; what they are stands in
 * <pcpu/rwsem_abi.h>.
 */
#include "pcpu/rwsem_abi.h"

#include <errno.h>
#include <limits.h>

#include "chunk/atomic.h"
#include "chunk/panic.h"
#include "object/futex.h"

static atom64 *slow_of(const struct libpcpu_rwsem *sem)
{
	return (atom64 *)&sem->slow;
}

static atom32 *turn_of(const struct libpcpu_rwsem *sem)
{
	return (atom32 *)&sem->turn;
}

static bool has_copies(const struct libpcpu_rwsem *sem)
{
	/* relaxed: with the lock, or as a writer; else of the moment */
	return load_relaxed((const atom64 *)&sem->gate) & LIBPCPU_GATE_HANDLE;
}

/* The half of `slow` that changes with each reader. */
static const void *futex_of(const struct libpcpu_rwsem *sem)
{
	return futex_half(&sem->slow, false);
}

/* --- life ----------------------------------------------------------------- */

/* With the lock, or before anybody else knows it. */
static bool make_copies(struct libpcpu_rwsem *sem, unsigned flags)
{
	char *copies;

	if (has_copies(sem))
		return true;
	copies = libpcpu_alloc(sizeof(uint64_t), sizeof(uint64_t), flags);
	if (!copies)
		return false;
	/* relaxed: the lock, and libpcpu_gate_open(), publish it */
	store_relaxed((atom64 *)&sem->gate,
		      (uintptr_t)copies | LIBPCPU_GATE_CLOSED);
	return true;
}

int libpcpu_rwsem_init(struct libpcpu_rwsem *sem)
{
	*sem = (struct libpcpu_rwsem)LIBPCPU_RWSEM_INIT;
	if (!make_copies(sem, 0))
		return -1;
	libpcpu_gate_open(&sem->gate);
	return 0;
}

static int64_t nr_readers(const struct libpcpu_rwsem *sem)
{
	int64_t in_copies = has_copies(sem) ? libpcpu_gate_sum(&sem->gate) : 0;

	/* pairs with [rwsem] libpcpu_rwsem_up_read_slow(): what readers did */
	return in_copies + (int64_t)load_acquire(slow_of(sem));
}

void libpcpu_rwsem_free(struct libpcpu_rwsem *sem)
{
	int64_t nr = nr_readers(sem);

	if (nr || sem->writer)
		panic("read-write semaphore %p: freed with %ld readers, %s",
		      (void *)sem, (long)nr,
		      sem->writer ? "a writer" : "no writer");
	libpcpu_free(libpcpu_gate_handle(sem->gate));
	pthread_mutex_destroy(&sem->lock);
	*sem = (struct libpcpu_rwsem)LIBPCPU_RWSEM_INIT;
}

/* --- waiting for a writer's end ------------------------------------------- */

/* With the lock, which is given up meanwhile. */
static void wait_for_turn(struct libpcpu_rwsem *sem)
{
	uint32_t turn = load_relaxed(turn_of(sem)); /* relaxed: the lock */

	pthread_mutex_unlock(&sem->lock);
	/* relaxed: who was let in takes the lock */
	while (load_relaxed(turn_of(sem)) == turn)
		futex_wait(&sem->turn, turn);
	pthread_mutex_lock(&sem->lock);
}

/* --- readers -------------------------------------------------------------- */

/* A reader comes or goes while the lock, or its being one, keeps writers away.
 */
static void come_in(struct libpcpu_rwsem *sem, uint64_t nr)
{
	/* relaxed: the lock publishes what the last writer did */
	fetch_add_relaxed(slow_of(sem), nr);
}

bool libpcpu_rwsem_down_read_slow(struct libpcpu_rwsem *sem, bool only_try)
{
	bool in = true;

	pthread_mutex_lock(&sem->lock);
	if (!sem->writer) {
		if (!has_copies(sem) &&
		    make_copies(sem, only_try ? LIBPCPU_NOWAIT : 0))
			libpcpu_gate_open(&sem->gate);
		come_in(sem, 1);
	} else if (only_try) {
		in = false;
	} else {
		sem->nr_waiting++;
		wait_for_turn(sem);
	}
	pthread_mutex_unlock(&sem->lock);
	return in;
}

void libpcpu_rwsem_up_read_slow(struct libpcpu_rwsem *sem)
{
	/* pairs with [rwsem] nr_readers(): what we did */
	fetch_sub_release(slow_of(sem), 1);
	futex_wake(futex_of(sem), INT_MAX);
}

/* --- writers -------------------------------------------------------------- */

static void wait_for_readers(struct libpcpu_rwsem *sem)
{
	for (;;) {
		/* relaxed: the kernel looks again, and so do we */
		uint32_t slow = (uint32_t)load_relaxed(slow_of(sem));
		int64_t nr = nr_readers(sem);

		if (!nr)
			return;
		if (nr < 0)
			panic("read-write semaphore %p: up_read() without "
			      "down_read()",
			      (void *)sem);
		futex_wait(futex_of(sem), slow);
	}
}

void libpcpu_rwsem_down_write(struct libpcpu_rwsem *sem)
{
	pthread_mutex_lock(&sem->lock);
	while (sem->writer)
		wait_for_turn(sem);
	sem->writer = 1;
	/* relaxed: fence and grace period order it */
	fetch_or_relaxed((atom64 *)&sem->gate, LIBPCPU_GATE_CLOSED);
	pthread_mutex_unlock(&sem->lock);
	if (has_copies(sem)) {
		libpcpu_gate_fence();
		libpcpu_grace_wait();
	}
	wait_for_readers(sem);
}

void libpcpu_rwsem_up_write(struct libpcpu_rwsem *sem)
{
	pthread_mutex_lock(&sem->lock);
	if (!sem->writer)
		panic("read-write semaphore %p: up_write() without "
		      "down_write()",
		      (void *)sem);
	sem->writer = 0;
	come_in(sem, sem->nr_waiting);
	sem->nr_waiting = 0;
	/* relaxed: who was let in takes the lock */
	fetch_add_relaxed(turn_of(sem), 1);
	if (has_copies(sem))
		libpcpu_gate_open(&sem->gate);
	pthread_mutex_unlock(&sem->lock);
	futex_wake(&sem->turn, INT_MAX);
}

/* --- looking -------------------------------------------------------------- */

bool libpcpu_rwsem_is_write_locked(struct libpcpu_rwsem *sem)
{
	bool writer;

	pthread_mutex_lock(&sem->lock);
	writer = sem->writer;
	pthread_mutex_unlock(&sem->lock);
	return writer;
}

bool libpcpu_rwsem_is_read_locked(struct libpcpu_rwsem *sem)
{
	return nr_readers(sem) && !libpcpu_rwsem_is_write_locked(sem);
}
