/* SPDX-License-Identifier: MIT */
/*
 * The kernel's per-CPU allocator for programs in user space: what code that
 * says #include <linux/percpu.h> needs to run unchanged. pkg-config --cflags
 * pcpu-linux finds this file.
 *
 * The semantics are the kernel's. Sizes round up to 4 bytes; alignments below
 * 4, 0 included, are 4. A size of 0 or above PCPU_MIN_UNIT_SIZE, or an
 * alignment that is above the page size or no power of two, gives NULL and a
 * line on standard error unless __GFP_NOWARN is set. Memory is zero on every
 * possible CPU, __GFP_ZERO or not. Without __GFP_DIRECT_RECLAIM the request is
 * atomic: it neither waits nor enters the kernel, and fails silently.
 *
 * The names are the kernel's, besides the reserved prefixes libpcpu_ and
 * LIBPCPU_; a program may have pcpu_alloc() and the like of its own. What each
 * name means here, and where that differs from the kernel, is in
 * include/compat/README.md.
 */
#ifndef LIBPCPU_LINUX_PERCPU_H
#define LIBPCPU_LINUX_PERCPU_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/libpcpu.h>
#include <linux/percpu-defs.h>
#include <linux/preempt.h>
#include <linux/smp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes: the grain of sizes and alignments, and the largest object. */
#define PCPU_MIN_ALLOC_SHIFT 2
#define PCPU_MIN_ALLOC_SIZE (1 << PCPU_MIN_ALLOC_SHIFT)
#define PCPU_MIN_UNIT_SIZE LIBPCPU_SIZE_MAX

/*
 * What all of the others below stand on. There is no reserved area: reserved
 * is ignored.
 */
static inline void __percpu *pcpu_alloc_noprof(size_t size, size_t align,
					       bool reserved, gfp_t gfp)
{
	unsigned how = 0;

	(void)reserved;
	if (!(gfp & __GFP_DIRECT_RECLAIM))
		how |= LIBPCPU_KERNEL_ATOMIC;
	if (gfp & __GFP_NOWARN)
		how |= LIBPCPU_KERNEL_NOWARN;
	return libpcpu_kernel_alloc(size, align, how);
}

/* Functions, so that their address can be taken. */
static inline void __percpu *__alloc_percpu_gfp(size_t size, size_t align,
						gfp_t gfp)
{
	return pcpu_alloc_noprof(size, align, false, gfp);
}

static inline void __percpu *__alloc_percpu(size_t size, size_t align)
{
	return pcpu_alloc_noprof(size, align, false, GFP_KERNEL);
}

static inline void __percpu *__alloc_reserved_percpu(size_t size, size_t align)
{
	return pcpu_alloc_noprof(size, align, true, GFP_KERNEL);
}

/* An object of the given type, as alloc_percpu(struct counters). */
#define alloc_percpu_gfp(type, gfp)                       \
	((__typeof__(type) __percpu *)__alloc_percpu_gfp( \
		sizeof(type), __alignof__(type), (gfp)))
#define alloc_percpu(type) alloc_percpu_gfp(type, GFP_KERNEL)

/*
 * Statistics of network devices, of a type with a member syncp; zeroed, which
 * is all that a struct u64_stats_sync needs on 64 bits. From
 * <linux/netdevice.h>; a port that has that header may define its own before.
 */
#ifndef netdev_alloc_pcpu_stats
#define __netdev_alloc_pcpu_stats(type, gfp) alloc_percpu_gfp(type, gfp)
#define netdev_alloc_pcpu_stats(type) \
	__netdev_alloc_pcpu_stats(type, GFP_KERNEL)
#endif

/* Names for allocations that the kernel's profiler does not count. */
#define __alloc_percpu_gfp_noprof(size, align, gfp) \
	__alloc_percpu_gfp((size), (align), (gfp))
#define __alloc_percpu_noprof(size, align) __alloc_percpu((size), (align))
#define alloc_percpu_gfp_noprof(type, gfp) alloc_percpu_gfp(type, (gfp))
#define alloc_percpu_noprof(type) alloc_percpu(type)

/*
 * Free an object; NULL is a no-op. Any context and CPU, signal handlers
 * included. Unlike the kernel's it reports a pointer that is not the handle of
 * a live object, and aborts.
 */
static inline void free_percpu(void __percpu *ptr)
{
	libpcpu_free(ptr);
}

/* Bytes of one copy that the owner may use; 0 for NULL. */
static inline size_t pcpu_alloc_size(void __percpu *ptr)
{
	return libpcpu_usable_size(ptr);
}

/*
 * Is addr in a copy of a static variable? Those of shared objects count, too,
 * though in the kernel they are a module's. *can_addr is where addr would be in
 * the lowest CPU's copy.
 */
static inline bool __is_kernel_percpu_address(unsigned long addr,
					      unsigned long *can_addr)
{
	uintptr_t handle;

	if (libpcpu_statics_find(addr, &handle) < 0)
		return false;
	if (can_addr)
		*can_addr = libpcpu_address((const void *)handle,
					    (unsigned int)libpcpu_cpu_next(-1));
	return true;
}

static inline bool is_kernel_percpu_address(unsigned long addr)
{
	return __is_kernel_percpu_address(addr, NULL);
}

/* Pages that hold per-CPU memory, over all CPUs. */
static inline unsigned long pcpu_nr_pages(void)
{
	return libpcpu_nr_pages();
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LINUX_PERCPU_H */
