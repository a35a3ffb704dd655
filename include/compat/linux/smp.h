/* SPDX-License-Identifier: MIT */
/*
 * Which CPU runs this: the kernel's names for it. More exactly, the number of
 * the copies that the thread works on; in a section of <linux/preempt.h> it
 * stays the same.
 */
#ifndef LIBPCPU_LINUX_SMP_H
#define LIBPCPU_LINUX_SMP_H

#include <linux/cpumask.h>
#include <linux/libpcpu.h>
#include <linux/preempt.h>

/* Outside of a section a hint, since the thread may be moved. */
#define raw_smp_processor_id() (libpcpu_here()->cpu)
#define __smp_processor_id() raw_smp_processor_id()
#define smp_processor_id() raw_smp_processor_id()

#define get_cpu() (preempt_disable(), smp_processor_id())
#define put_cpu()                                         \
	libpcpu_kernel_leave(&libpcpu_self.preempt_count, \
			     "put_cpu() without get_cpu()")

#endif /* LIBPCPU_LINUX_SMP_H */
