/* SPDX-License-Identifier: MIT */
/*
 * The binary interface behind the shim's <linux/percpu-rwsem.h>: a read-write
 * semaphore whose readers count in copies of their own while there is no
 * writer. A gate (pcpu/gate.h) and an integer:
 *
 *	readers = slow + the sum of all copies
 *
 *	S1  the gate is open: nobody writes or wants to
 *	S2  a writer is inside: there are no readers
 *
 * A writer closes the gate, so that the sum stands still, and waits for `slow`
 * to make up for it. Readers who come meanwhile wait for its end, and then are
 * all let in at once before the next writer.
 */
#ifndef LIBPCPU_RWSEM_ABI_H
#define LIBPCPU_RWSEM_ABI_H

#include <pcpu/gate.h>
#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

struct libpcpu_rwsem {
	uint64_t gate; /* without a handle until somebody needs it */
	int64_t slow;  /* who came or went while the gate was closed */
	/* With the lock: */
	pthread_mutex_t lock;
	uint32_t turn;       /* a futex: changes when a writer has ended */
	uint32_t nr_waiting; /* readers, who wait for that */
	uint32_t writer;     /* is there one, or one that waits for readers? */
};

#define LIBPCPU_RWSEM_INIT                                                 \
	{                                                                  \
		LIBPCPU_GATE_CLOSED, 0, PTHREAD_MUTEX_INITIALIZER, 0, 0, 0 \
	}

#pragma GCC visibility push(default)

/* 0, or -1 with errno ENOMEM. Without it, as LIBPCPU_RWSEM_INIT leaves it, the
 * first reader allocates the copies; if it cannot, readers are slow. */
int libpcpu_rwsem_init(struct libpcpu_rwsem *sem);

/* Give its memory back. Aborts if somebody reads or writes. */
void libpcpu_rwsem_free(struct libpcpu_rwsem *sem);

bool libpcpu_rwsem_down_read_slow(struct libpcpu_rwsem *sem, bool only_try);
void libpcpu_rwsem_up_read_slow(struct libpcpu_rwsem *sem);
void libpcpu_rwsem_down_write(struct libpcpu_rwsem *sem);
void libpcpu_rwsem_up_write(struct libpcpu_rwsem *sem);
bool libpcpu_rwsem_is_read_locked(struct libpcpu_rwsem *sem);
bool libpcpu_rwsem_is_write_locked(struct libpcpu_rwsem *sem);

#pragma GCC visibility pop

static inline void libpcpu_rwsem_down_read(struct libpcpu_rwsem *sem)
{
	if (!libpcpu_gate_add(&sem->gate, 1))
		libpcpu_rwsem_down_read_slow(sem, false);
}

static inline bool libpcpu_rwsem_try_read(struct libpcpu_rwsem *sem)
{
	return libpcpu_gate_add(&sem->gate, 1) ||
	       libpcpu_rwsem_down_read_slow(sem, true);
}

static inline void libpcpu_rwsem_up_read(struct libpcpu_rwsem *sem)
{
	if (!libpcpu_gate_add(&sem->gate, UINT64_MAX))
		libpcpu_rwsem_up_read_slow(sem);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_RWSEM_ABI_H */
