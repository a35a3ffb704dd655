/* SPDX-License-Identifier: MIT */
/*
 * Softirqs: there are none, but who disables them wants the CPU's copies for
 * itself. See <linux/preempt.h>.
 */
#ifndef LIBPCPU_LINUX_BOTTOM_HALF_H
#define LIBPCPU_LINUX_BOTTOM_HALF_H

#include <linux/libpcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline void local_bh_disable(void)
{
	libpcpu_kernel_enter(&libpcpu_self.bh_count);
}

static inline void local_bh_enable(void)
{
	libpcpu_kernel_leave(&libpcpu_self.bh_count,
			     "local_bh_enable() without local_bh_disable()");
}

static inline void _local_bh_enable(void)
{
	local_bh_enable();
}

static inline void local_bh_enable_ip(unsigned long ip)
{
	(void)ip;
	local_bh_enable();
}

/* Another thread's section does not count: it is waited for. */
static inline bool local_bh_blocked(void)
{
	return false;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LINUX_BOTTOM_HALF_H */
