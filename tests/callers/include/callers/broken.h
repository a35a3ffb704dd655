/* SPDX-License-Identifier: MIT */
/*
 * The shim as it must not be: sections are nothing, operations are plain C on
 * the copy of the CPU where the thread was a moment ago, and local_t is no
 * atomic type. Drivers that are compiled with this must fail: else they would
 * not notice.
 */
#ifndef CALLERS_BROKEN_H
#define CALLERS_BROKEN_H

#undef preempt_disable
#undef preempt_enable
#define preempt_disable() barrier()
#define preempt_enable() barrier()
#define local_bh_disable() barrier()
#define local_bh_enable() barrier()
#undef local_irq_disable
#undef local_irq_enable
#undef local_irq_save
#undef local_irq_restore
#define local_irq_disable() barrier()
#define local_irq_enable() barrier()
#define local_irq_save(flags) ((void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags))
#undef get_cpu
#undef put_cpu
#define get_cpu() raw_smp_processor_id()
#define put_cpu() barrier()

#define callers_broken_add(pcp, x)                                             \
	__extension__({                                                        \
		volatile __typeof__(pcp) *broken_ = raw_cpu_ptr(&(pcp));       \
		*broken_ = (__typeof__(pcp))(*broken_ + (__typeof__(pcp))(x)); \
	})
#undef this_cpu_add
#undef this_cpu_sub
#undef this_cpu_inc
#undef this_cpu_dec
#undef __this_cpu_add
#undef __this_cpu_sub
#define this_cpu_add(pcp, x) callers_broken_add(pcp, x)
#define this_cpu_sub(pcp, x) callers_broken_add(pcp, -(__typeof__(pcp))(x))
#define this_cpu_inc(pcp) callers_broken_add(pcp, 1)
#define this_cpu_dec(pcp) callers_broken_add(pcp, -1)
#define __this_cpu_add(pcp, x) callers_broken_add(pcp, x)
#define __this_cpu_sub(pcp, x) callers_broken_add(pcp, -(__typeof__(pcp))(x))

#include <asm/local.h>
#define local_add(i, l) ((void)((l)->libpcpu_value = local_read(l) + (i)))

#endif /* CALLERS_BROKEN_H */
