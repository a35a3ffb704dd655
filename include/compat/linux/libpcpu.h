/* SPDX-License-Identifier: MIT */
/*
 * What the shim's headers and object/linux.c say to each other. The flags of
 * the kernel are translated in the header, with the caller's own gfp.h if it
 * has one, so that the compiled part depends on nobody's values.
 */
#ifndef LIBPCPU_LINUX_LIBPCPU_H
#define LIBPCPU_LINUX_LIBPCPU_H

#include <pcpu/this_cpu.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIBPCPU_KERNEL_GRAIN 4u  /* bytes; sizes and alignments round up */
#define LIBPCPU_KERNEL_ATOMIC 1u /* do not wait or grow; fail silently */
#define LIBPCPU_KERNEL_NOWARN 2u /* never print */

/*
 * Allocate by the kernel's rules; how is a set of LIBPCPU_KERNEL_* flags.
 * Returns a handle, or NULL: with one line on standard error if an argument is
 * illegal or if memory is exhausted (the first ten times), unless the flags
 * forbid it. errno means nothing.
 *
 * Context: any thread; with LIBPCPU_KERNEL_ATOMIC also signal handlers.
 * Progress and cost: those of pcpu_alloc(). Follows pcpu_alloc_noprof().
 */
void *libpcpu_kernel_alloc(size_t size, size_t align, unsigned how);

/*
 * The copy of p that offset, one of the first window's, stands for: p has other
 * ones. Aborts with one line if it is no CPU's. Cost: proportional to CPUs.
 */
uintptr_t libpcpu_kernel_shift_slow(const volatile void *p, uintptr_t offset);

/* p + offset, or that CPU's copy. */
static inline uintptr_t libpcpu_kernel_shift(const volatile void *p,
					     uintptr_t offset)
{
	if (libpcpu_window(p))
		return libpcpu_kernel_shift_slow(p, offset);
	return libpcpu_number_of(p) + offset;
}

/* --- sections ------------------------------------------------------------- */

/* Says what is unbalanced, and aborts. */
void libpcpu_kernel_unbalanced(const char *what)
	__attribute__((noreturn, cold));

/* The compiler keeps accesses to memory on their side. */
#define LIBPCPU_BARRIER() __asm__ __volatile__("" : : : "memory")

/*
 * All of the kernel's ways to have a CPU for oneself are pins. How many of a
 * kind there are is counted, so that what is unbalanced can be named.
 */
static inline void libpcpu_kernel_enter(unsigned *count)
{
	libpcpu_pin();
	++*count;
	LIBPCPU_BARRIER();
}

static inline void libpcpu_kernel_leave(unsigned *count, const char *what)
{
	LIBPCPU_BARRIER();
	if (!LIBPCPU_LIKELY(*count))
		libpcpu_kernel_unbalanced(what);
	--*count;
	libpcpu_unpin();
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LINUX_LIBPCPU_H */
