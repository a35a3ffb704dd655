// SPDX-License-Identifier: MIT
/*
 * lib/percpu_test.c: its checks of operations hold on each CPU, once, while
 * others are preempted in sections of theirs.
 */
#include <sched.h>

static unsigned long __percpu *other;

static void disturb(unsigned thread, unsigned long nr)
{
	(void)thread, (void)nr;
	preempt_disable();
	__this_cpu_add(*other, 1);
	preempt_enable();
}

static int test_on_each_cpu(void *done)
{
	cpu_set_t all, one;
	int cpu;

	sched_getaffinity(0, sizeof(all), &all);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		require(callers_init() == -EAGAIN);
	}
	smp_store_release((int *)done, 1);
	return 0;
}

void drive(void)
{
	struct task_struct *task;
	int done = 0;

	other = alloc_percpu(unsigned long);
	require(other);
	task = kthread_run(test_on_each_cpu, &done, "test");
	stress(disturb, 4);
	while (!smp_load_acquire(&done))
		callers_yield();
	kthread_stop(task);
	free_percpu(other);
	callers_exit();
}
