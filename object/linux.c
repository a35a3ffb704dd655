// SPDX-License-Identifier: MIT
/*
 * The compiled part of the <linux/percpu.h> shim: the kernel's rules for the
 * arguments of an allocation, and its warnings. It stands on the binary
 * interface alone, so that a program's own pcpu_* functions do not matter.
 */
#include <stdbool.h>

#include "chunk/atomic.h"
#include "chunk/panic.h"
#include "compat/linux/libpcpu.h"

#define EXPORT __attribute__((visibility("default")))

/* The kernel stops after as many, lest a loop of failures flood its log. */
#define FAILURES_REPORTED 10

/* Takes one of the reports that are left; false if there is none. */
static bool may_report(unsigned *left)
{
	static atom32 reported;
	uint32_t nr = load_relaxed(&reported); /* relaxed: the CAS decides */

	while (nr < FAILURES_REPORTED) {
		/* relaxed: a count publishes nothing */
		if (!cas_weak_relaxed(&reported, &nr, nr + 1))
			continue;
		*left = FAILURES_REPORTED - nr;
		return true;
	}
	return false;
}

static void warn_failure(size_t size, size_t align)
{
	unsigned left;

	if (!may_report(&left))
		return;
	complain("allocation failed, size=%zu align=%zu%s", size, align,
		 left == 1 ? " (not reported any more)" : "");
}

static bool is_legal(size_t size, size_t align)
{
	return size && size <= LIBPCPU_SIZE_MAX && align <= LIBPCPU_ALIGN_MAX &&
	       !(align & (align - 1));
}

EXPORT void *libpcpu_kernel_alloc(size_t size, size_t align, unsigned how)
{
	const unsigned silent = LIBPCPU_KERNEL_ATOMIC | LIBPCPU_KERNEL_NOWARN;
	unsigned flags = how & LIBPCPU_KERNEL_ATOMIC ? LIBPCPU_NOWAIT : 0;
	size_t aligned =
		align < LIBPCPU_KERNEL_GRAIN ? LIBPCPU_KERNEL_GRAIN : align;
	void *p;

	if (!is_legal(size, aligned)) {
		if (!(how & LIBPCPU_KERNEL_NOWARN))
			complain("illegal size (%zu) or alignment (%zu)", size,
				 align);
		return NULL;
	}
	/* Sizes round up to the grain and beyond in there. */
	p = libpcpu_alloc(size, aligned, flags);
	if (!p && !(how & silent))
		warn_failure(size, align);
	return p;
}

EXPORT uintptr_t libpcpu_kernel_shift_slow(const volatile void *p,
					   uintptr_t offset)
{
	unsigned cpu;

	for (cpu = 0; cpu < libpcpu_nr_cpu_ids; cpu++)
		if ((uintptr_t)libpcpu_offset[0][cpu] == offset)
			return libpcpu_address(p, cpu);
	panic("SHIFT_PERCPU_PTR(%p, %#zx): not the offset of a CPU",
	      (const void *)(uintptr_t)p, (size_t)offset);
}

EXPORT void libpcpu_kernel_unbalanced(const char *what)
{
	panic("%s", what);
}
