/* SPDX-License-Identifier: MIT */
/*
 * Locks of the running CPU's copies: names for what a section protects. All of
 * them are one pin, as in a kernel without PREEMPT_RT all of them are one
 * preempt_disable(). See <linux/preempt.h>.
 *
 * lock is the handle of a local_lock_t: local_lock(&p->lock).
 */
#ifndef LIBPCPU_LINUX_LOCAL_LOCK_H
#define LIBPCPU_LINUX_LOCAL_LOCK_H

#include <linux/percpu-defs.h>

/* Takes memory, so that it can be allocated alone. */
typedef struct {
	unsigned int libpcpu_unused;
} local_lock_t;

#define INIT_LOCAL_LOCK(lockname) \
	{                         \
		0                 \
	}

/* Complains of what is no lock. */
#define libpcpu_kernel_lock(lock) ((void)sizeof((lock) == (local_lock_t *)0))

#define local_lock_init(lock) libpcpu_kernel_lock(lock)

#define local_lock(lock) (libpcpu_kernel_lock(lock), preempt_disable())
#define local_unlock(lock)                                 \
	(libpcpu_kernel_lock(lock),                        \
	 libpcpu_kernel_leave(&libpcpu_self.preempt_count, \
			      "local_unlock() without local_lock()"))

#define local_lock_irq(lock) (libpcpu_kernel_lock(lock), local_irq_disable())
#define local_unlock_irq(lock) (libpcpu_kernel_lock(lock), local_irq_enable())

#define local_lock_irqsave(lock, flags)    \
	do {                               \
		libpcpu_kernel_lock(lock); \
		local_irq_save(flags);     \
	} while (0)
#define local_unlock_irqrestore(lock, flags) \
	do {                                 \
		libpcpu_kernel_lock(lock);   \
		local_irq_restore(flags);    \
	} while (0)

#endif /* LIBPCPU_LINUX_LOCAL_LOCK_H */
