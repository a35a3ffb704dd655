/* SPDX-License-Identifier: MIT */
/*
 * Sections in which the running CPU's copies are the caller's alone. Here as in
 * the kernel no other thread touches them meanwhile, by an operation or in a
 * section of its own, and the thread goes on working on the same copies; but
 * here that is a pin (see pcpu_pin()): the thread may be preempted, block, and
 * even run elsewhere, and whoever wants these copies waits.
 *
 * They nest, in any order. A thread that exits or forks inside of one, and an
 * end without a beginning, is one line on standard error and an abort.
 *
 * Context: any thread, signal handlers. Progress and cost: those of pcpu_pin().
 */
#ifndef LIBPCPU_LINUX_PREEMPT_H
#define LIBPCPU_LINUX_PREEMPT_H

#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/libpcpu.h>

#define preempt_disable() libpcpu_kernel_enter(&libpcpu_self.preempt_count)
#define preempt_enable()                                  \
	libpcpu_kernel_leave(&libpcpu_self.preempt_count, \
			     "preempt_enable() without "  \
			     "preempt_disable()")

/* Nobody traces, and there is no other scheduler than the system's. */
#define preempt_disable_notrace() preempt_disable()
#define preempt_enable_notrace() preempt_enable()
#define preempt_enable_no_resched() preempt_enable()
#define preempt_enable_no_resched_notrace() preempt_enable()
#define sched_preempt_enable_no_resched() preempt_enable()
#define preempt_check_resched() ((void)0)

/* Callers hold a lock that in the kernel disables preemption: maybe not here.
 */
#define preempt_disable_nested() preempt_disable()
#define preempt_enable_nested() preempt_enable()

/* Stays on the same copies; here these are the caller's alone, too. */
#define migrate_disable() libpcpu_kernel_enter(&libpcpu_self.migrate_count)
#define migrate_enable()                                  \
	libpcpu_kernel_leave(&libpcpu_self.migrate_count, \
			     "migrate_enable() without migrate_disable()")

/* --- where are we? -------------------------------------------------------- */

#define PREEMPT_OFFSET 1ul
#define SOFTIRQ_OFFSET (1ul << 8)
#define SOFTIRQ_DISABLE_OFFSET (2 * SOFTIRQ_OFFSET)

/* Nested preempt_disable()s, and nested local_bh_disable()s above these. */
#define preempt_count()                     \
	((int)(libpcpu_self.preempt_count + \
	       libpcpu_self.bh_count * SOFTIRQ_DISABLE_OFFSET))
#define softirq_count() (libpcpu_self.bh_count * SOFTIRQ_DISABLE_OFFSET)
#define in_atomic() (preempt_count() != 0)
#define preemptible() (preempt_count() == 0 && !irqs_disabled())

/* All code is a task's; a signal handler cannot be told apart. */
#define nmi_count() 0ul
#define hardirq_count() 0ul
#define irq_count() softirq_count()
#define in_nmi() 0
#define in_hardirq() 0
#define in_irq() 0
#define in_serving_softirq() 0
#define in_softirq() (softirq_count() != 0)
#define in_interrupt() (irq_count() != 0)
#define in_task() 1

#endif /* LIBPCPU_LINUX_PREEMPT_H */
