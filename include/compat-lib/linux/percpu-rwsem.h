/* SPDX-License-Identifier: MIT */
/*
 * The kernel's read-write semaphore for readers who are many and writers who
 * are rare: down and up for reading are an addition to a CPU's own copy while
 * nobody writes; a writer waits for a grace period.
 *
 * Readers: any thread; one restartable sequence, or a lock and a sleep while
 * somebody writes, which must not be in a read-side section of liburcu's: its
 * grace period is what the writer waits for. Writers: any thread outside of
 * such a section, who does not read; what a writer ends may be ended by another
 * thread. Who waits to read when a writer ends is let in before the next
 * writer.
 *
 * What differs: DEFINE_PERCPU_RWSEM() needs no static per-CPU variable; its
 * first reader allocates the copies. An end without a beginning, and freeing it
 * while it is held, are one line on standard error and an abort: of a reader's
 * end when the next writer comes.
 */
#ifndef LIBPCPU_LINUX_PERCPU_RWSEM_H
#define LIBPCPU_LINUX_PERCPU_RWSEM_H

#include <errno.h>
#include <linux/percpu.h>
#include <pcpu/rwsem_abi.h>

#ifdef __cplusplus
extern "C" {
#endif

struct percpu_rw_semaphore {
	struct libpcpu_rwsem libpcpu_core;
};

#define DEFINE_PERCPU_RWSEM(name) \
	struct percpu_rw_semaphore name = {LIBPCPU_RWSEM_INIT}
#define DEFINE_STATIC_PERCPU_RWSEM(name) static DEFINE_PERCPU_RWSEM(name)

/* 0 or -ENOMEM. */
static inline int percpu_init_rwsem(struct percpu_rw_semaphore *sem)
{
	int saved = errno, error = 0;

	if (libpcpu_rwsem_init(&sem->libpcpu_core))
		error = -ENOMEM;
	errno = saved;
	return error;
}

static inline void percpu_free_rwsem(struct percpu_rw_semaphore *sem)
{
	libpcpu_rwsem_free(&sem->libpcpu_core);
}

static inline void percpu_down_read(struct percpu_rw_semaphore *sem)
{
	libpcpu_rwsem_down_read(&sem->libpcpu_core);
}

static inline bool percpu_down_read_trylock(struct percpu_rw_semaphore *sem)
{
	return libpcpu_rwsem_try_read(&sem->libpcpu_core);
}

static inline void percpu_up_read(struct percpu_rw_semaphore *sem)
{
	libpcpu_rwsem_up_read(&sem->libpcpu_core);
}

static inline void percpu_down_write(struct percpu_rw_semaphore *sem)
{
	libpcpu_rwsem_down_write(&sem->libpcpu_core);
}

static inline void percpu_up_write(struct percpu_rw_semaphore *sem)
{
	libpcpu_rwsem_up_write(&sem->libpcpu_core);
}

/* Of the moment: does anybody read; does anybody write, or want to? */
static inline bool percpu_is_read_locked(struct percpu_rw_semaphore *sem)
{
	return libpcpu_rwsem_is_read_locked(&sem->libpcpu_core);
}

static inline bool percpu_is_write_locked(struct percpu_rw_semaphore *sem)
{
	return libpcpu_rwsem_is_write_locked(&sem->libpcpu_core);
}

/* For who asks lockdep; nobody here keeps a record of holders. */
#define percpu_rwsem_is_held(sem) ((void)(sem), 1)
#define percpu_rwsem_assert_held(sem) ((void)(sem))

static inline void percpu_rwsem_release(struct percpu_rw_semaphore *sem,
					bool read, unsigned long ip)
{
	(void)sem, (void)read, (void)ip;
}

static inline void percpu_rwsem_acquire(struct percpu_rw_semaphore *sem,
					bool read, unsigned long ip)
{
	(void)sem, (void)read, (void)ip;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LINUX_PERCPU_RWSEM_H */
