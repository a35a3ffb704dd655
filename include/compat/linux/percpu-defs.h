/* SPDX-License-Identifier: MIT */
/*
 * From a per-CPU handle to the address of one CPU's copy.
 *
 * The macros take any pointer made from a handle by arithmetic (p + 3,
 * &p->field), const and volatile included, return a pointer of the same type,
 * and evaluate each argument once.
 */
#ifndef LIBPCPU_LINUX_PERCPU_DEFS_H
#define LIBPCPU_LINUX_PERCPU_DEFS_H

#include <linux/libpcpu.h>
#include <linux/smp.h>

/*
 * Marks a handle for the reader. A checker may define it before, as an address
 * space for example; clang's noderef will not do, since it sticks to all types
 * derived from the pointer's and so to what per_cpu_ptr() returns.
 */
#ifndef __percpu
#define __percpu
#endif

/* The type of pointer p without its own qualifiers; arrays decay. */
#define libpcpu_kernel_typeof(p) __typeof__(1 ? (p) : (p))

/* Address of cpu's copy; cpu must be possible. */
#define per_cpu_ptr(ptr, cpu)                               \
	((libpcpu_kernel_typeof(ptr))libpcpu_address((ptr), \
						     (unsigned int)(cpu)))

/*
 * Address of the running CPU's copy. The thread may migrate at any time, so
 * others may use that copy too.
 */
#define raw_cpu_ptr(ptr) per_cpu_ptr((ptr), raw_smp_processor_id())
#define this_cpu_ptr(ptr) raw_cpu_ptr(ptr)

/*
 * What to add to a handle to get at cpu's copy, for SHIFT_PERCPU_PTR().
 *
 * It is the distance for objects that asked for an alignment of up to 64
 * bytes. Those that asked for more lie in a window of their own, with other
 * distances: for them use per_cpu_ptr(), which knows the window.
 * SHIFT_PERCPU_PTR() tells the two apart at the cost of a branch, and aborts
 * with a message instead of handing out another object's memory; adding the
 * offset by hand gets no such check.
 */
#define per_cpu_offset(cpu) \
	((unsigned long)libpcpu_offset[0][(unsigned int)(cpu)])

#define SHIFT_PERCPU_PTR(ptr, offset)                      \
	((libpcpu_kernel_typeof(ptr))libpcpu_kernel_shift( \
		(ptr), (uintptr_t)(offset)))

#endif /* LIBPCPU_LINUX_PERCPU_DEFS_H */
