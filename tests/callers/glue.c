// SPDX-License-Identifier: MIT
/* What the kernel's files call in other files of the kernel. */
#include <callers/net.h>
#include <linux/rcuwait.h>

int default_wake_function(struct wait_queue_entry *entry, unsigned mode,
			  int flags, void *key)
{
	(void)flags, (void)key;
	return callers_wake(entry->private, mode);
}

int rcuwait_wake_up(struct rcuwait *wait)
{
	struct task_struct *task;
	int woken = 0;

	rcu_read_lock();
	smp_mb(); /* the condition is true before we look who waits */
	task = rcu_dereference(wait->task);
	if (task)
		woken = callers_wake(task, TASK_NORMAL);
	rcu_read_unlock();
	return woken;
}

void finish_rcuwait(struct rcuwait *wait)
{
	rcu_assign_pointer(wait->task, NULL);
	__set_current_state(TASK_RUNNING);
}

bool gen_estimator_read(struct net_rate_estimator **estimator,
			struct gnet_stats_rate_est64 *sample)
{
	(void)estimator, (void)sample;
	return false;
}
