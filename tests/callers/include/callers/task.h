/* SPDX-License-Identifier: MIT */
/* Tasks and their sleep, kthreads, RCU; wait queues are the kernel's own. */
#ifndef CALLERS_TASK_H
#define CALLERS_TASK_H

/* --- tasks ---------------------------------------------------------------- */

#define current callers_current()
#define TASK_RUNNING 0
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_NORMAL 3
#define TASK_WAKEKILL 0x100
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_FREEZABLE 0
#define PF_KTHREAD 1
#define MAX_SCHEDULE_TIMEOUT LONG_MAX

#define set_current_state(new) smp_store_mb(current->state, new)
#define __set_current_state(new) \
	__atomic_store_n(&current->state, new, __ATOMIC_RELAXED)
#define schedule() callers_schedule()
#define might_sleep() ((void)0)
#define wake_up_process(task) callers_wake(task, TASK_NORMAL)
#define put_task_struct(task) callers_put_task(task)
#define signal_pending(task) ((void)(task), 0)
#define signal_pending_state(state, task) ((void)(state), (void)(task), 0)

static inline struct task_struct *get_task_struct(struct task_struct *task)
{
	__atomic_add_fetch(&task->usage, 1, __ATOMIC_RELAXED);
	return task;
}

/* Nobody here waits for a time. */
static inline long schedule_timeout(long timeout)
{
	schedule();
	return timeout;
}

#define kthread_run(fn, arg, ...) callers_run(fn, arg)
#define kthread_stop(task) callers_stop(task)
#define kthread_should_stop() \
	__atomic_load_n(&current->should_stop, __ATOMIC_ACQUIRE)
#define IS_ERR(p) ((void)(p), 0)

/* --- RCU ------------------------------------------------------------------ */

#define rcu_head callback_head
#define rcu_read_lock() callers_read_lock()
#define rcu_read_unlock() callers_read_unlock()
#define rcu_read_lock_held() 1
#define rcu_read_lock_any_held() 1
#define RCU_LOCKDEP_WARN(condition, text) ((void)0)
#define synchronize_rcu() callers_synchronize()
#define call_rcu(head, func) callers_call_rcu(head, func)
#define call_rcu_hurry(head, func) callers_call_rcu(head, func)
#define rcu_barrier() callers_rcu_barrier()
#define rcu_access_pointer(p) READ_ONCE(p)
#define rcu_dereference(p) smp_load_acquire(&(p))
#define rcu_assign_pointer(p, value) smp_store_release(&(p), value)

/* --- wait queues ---------------------------------------------------------- */

#define WF_SYNC 0
#define EPOLLHUP 0
#define POLLFREE 0
#define ERESTARTSYS 512
#include <linux/wait.h>

/* The members that lib/test_vmalloc.c uses. */
struct completion {
	u32 done;
};
#define DECLARE_COMPLETION(name) struct completion name
#define complete(c) ((void)__atomic_add_fetch(&(c)->done, 1, __ATOMIC_SEQ_CST))
#define wait_for_completion_timeout(c, timeout) \
	(callers_sleep_ms(10), __atomic_load_n(&(c)->done, __ATOMIC_SEQ_CST))

struct rw_semaphore {
	int writer, readers;
};
#define DECLARE_RWSEM(name) struct rw_semaphore name

static inline void down_read(struct rw_semaphore *sem)
{
	for (;;) {
		while (smp_load_acquire(&sem->writer))
			callers_yield();
		__atomic_add_fetch(&sem->readers, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&sem->writer, __ATOMIC_SEQ_CST))
			return;
		__atomic_sub_fetch(&sem->readers, 1, __ATOMIC_SEQ_CST);
	}
}

static inline void up_read(struct rw_semaphore *sem)
{
	__atomic_sub_fetch(&sem->readers, 1, __ATOMIC_SEQ_CST);
}

static inline void down_write(struct rw_semaphore *sem)
{
	while (__atomic_exchange_n(&sem->writer, 1, __ATOMIC_SEQ_CST))
		callers_yield();
	while (__atomic_load_n(&sem->readers, __ATOMIC_SEQ_CST))
		callers_yield();
}

static inline void up_write(struct rw_semaphore *sem)
{
	smp_store_release(&sem->writer, 0);
}

#endif /* CALLERS_TASK_H */
