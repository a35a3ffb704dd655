/* SPDX-License-Identifier: MIT */
/*
 * From a per-CPU handle to the address of one CPU's copy, and operations on the
 * running CPU's.
 *
 * The macros take any pointer made from a handle by arithmetic (p + 3,
 * &p->field), const and volatile included, return a pointer of the same type,
 * and evaluate each argument once.
 */
#ifndef LIBPCPU_LINUX_PERCPU_DEFS_H
#define LIBPCPU_LINUX_PERCPU_DEFS_H

#include <linux/libpcpu-statics.h>
#include <linux/libpcpu.h>
#include <linux/preempt.h>
#include <linux/smp.h>

/*
 * Marks a handle for the reader. A checker may define it before, as an address
 * space for example; clang's noderef will not do, since it sticks to all types
 * derived from the pointer's and so to what per_cpu_ptr() returns.
 */
#ifndef __percpu
#define __percpu
#endif

/* --- static variables ----------------------------------------------------- */

/*
 * A variable of which each CPU has a copy, with the given initial value: &name
 * is its handle. May be static, but not in a function. A program that uses
 * those of a shared object must be position-independent.
 *
 * The variable itself is never used, only its value when the object is loaded
 * is; unlike a handle of memory it can be dereferenced by mistake.
 */
#define LIBPCPU_VARIABLES(align) \
	__attribute__((section("libpcpu_percpu"), aligned(align)))

/* The alignment of a type, at least `align`. */
#ifdef __cplusplus
#define LIBPCPU_ALIGNED(type, align) \
	(__alignof__(type) > (align) ? __alignof__(type) : (align))
#else
#define LIBPCPU_ALIGNED(type, align)                              \
	(__alignof__(type) > (align) ? sizeof(struct {            \
		_Static_assert(__alignof__(type) <= LIBPCPU_LINE, \
			       "more than 64: DEFINE_PER_CPU_"    \
			       "PAGE_ALIGNED()");                 \
		char libpcpu_aligned[__alignof__(type)];          \
	})                                                        \
				     : (align))
#endif
#define LIBPCPU_LINE 64 /* bytes: the largest alignment of skewed copies */

/*
 * What a shared object defines must not be copied into the program, which
 * gcc's -fPIE has the linker do with all but weak symbols.
 */
#if defined(__PIE__) && !defined(__clang__)
#define LIBPCPU_EXTERN extern __attribute__((weak, visibility("default")))
#else
#define LIBPCPU_EXTERN extern __attribute__((visibility("default")))
#endif

/* The section is the kernel's; here there is one. */
#define DECLARE_PER_CPU_SECTION(type, name, sec) \
	LIBPCPU_EXTERN __typeof__(type) name
#define DEFINE_PER_CPU_SECTION(type, name, sec) \
	LIBPCPU_VARIABLES(LIBPCPU_ALIGNED(type, 1)) __typeof__(type) name

#define DECLARE_PER_CPU(type, name) DECLARE_PER_CPU_SECTION(type, name, "")
#define DEFINE_PER_CPU(type, name) DEFINE_PER_CPU_SECTION(type, name, "")

#define DECLARE_PER_CPU_FIRST(type, name) DECLARE_PER_CPU(type, name)
#define DEFINE_PER_CPU_FIRST(type, name) DEFINE_PER_CPU(type, name)
#define DECLARE_PER_CPU_READ_MOSTLY(type, name) DECLARE_PER_CPU(type, name)
#define DEFINE_PER_CPU_READ_MOSTLY(type, name) DEFINE_PER_CPU(type, name)
#define DECLARE_PER_CPU_DECRYPTED(type, name) DECLARE_PER_CPU(type, name)
#define DEFINE_PER_CPU_DECRYPTED(type, name) DEFINE_PER_CPU(type, name)

/* Each copy on a cache line of its own, or on pages of its own. */
#define DECLARE_PER_CPU_ALIGNED(type, name) DECLARE_PER_CPU(type, name)
#define DEFINE_PER_CPU_ALIGNED(type, name)                     \
	LIBPCPU_VARIABLES(LIBPCPU_ALIGNED(type, LIBPCPU_LINE)) \
	__typeof__(type) name
#define DECLARE_PER_CPU_SHARED_ALIGNED(type, name) \
	DECLARE_PER_CPU_ALIGNED(type, name)
#define DEFINE_PER_CPU_SHARED_ALIGNED(type, name) \
	DEFINE_PER_CPU_ALIGNED(type, name)
#define DECLARE_PER_CPU_PAGE_ALIGNED(type, name) DECLARE_PER_CPU(type, name)
#define DEFINE_PER_CPU_PAGE_ALIGNED(type, name)         \
	__attribute__((section("libpcpu_percpu_pages"), \
		       aligned(LIBPCPU_ALIGN_MAX))) __typeof__(type) name

/* Other objects see what is declared; see DECLARE_PER_CPU(). */
#define EXPORT_PER_CPU_SYMBOL(var) extern __typeof__(var) var
#define EXPORT_PER_CPU_SYMBOL_GPL(var) EXPORT_PER_CPU_SYMBOL(var)

/* --- access --------------------------------------------------------------- */

/* The type of pointer p without its own qualifiers; arrays decay. */
#define libpcpu_kernel_typeof(p) __typeof__(1 ? (p) : (p))

/* Complains of what is no pointer; nothing is evaluated. */
#define __verify_pcpu_ptr(ptr)                                   \
	do {                                                     \
		const volatile void __percpu *libpcpu_verified = \
			(__typeof__((ptr) + 0))0;                \
		(void)libpcpu_verified;                          \
	} while (0)

/*
 * Address of cpu's copy; cpu must be possible. That is checked, with one line
 * and an abort, if one of these is defined before; the second is the kernel's.
 */
#if defined(LIBPCPU_CHECKED) || defined(CONFIG_DEBUG_PER_CPU_MAPS)
#define libpcpu_kernel_cpu(cpu) libpcpu_check_cpu((int)(cpu))
#else
#define libpcpu_kernel_cpu(cpu) ((unsigned int)(cpu))
#endif
#define per_cpu_ptr(ptr, cpu)                               \
	((libpcpu_kernel_typeof(ptr))libpcpu_address((ptr), \
						     libpcpu_kernel_cpu(cpu)))
#define per_cpu(var, cpu) (*per_cpu_ptr(&(var), cpu))

/*
 * Address of the running CPU's copy. Outside of a section the thread may be
 * moved at any time, so others may use that copy too.
 */
#define raw_cpu_ptr(ptr) ((libpcpu_kernel_typeof(ptr))libpcpu_this_address(ptr))
#define this_cpu_ptr(ptr) raw_cpu_ptr(ptr)

/* The same and a section around its use, see <linux/preempt.h>. */
#define get_cpu_ptr(var) (preempt_disable(), this_cpu_ptr(var))
#define put_cpu_ptr(var)                                   \
	((void)sizeof(var),                                \
	 libpcpu_kernel_leave(&libpcpu_self.preempt_count, \
			      "put_cpu_ptr() without get_cpu_ptr()"))
#define get_cpu_var(var) (*get_cpu_ptr(&(var)))
#define put_cpu_var(var)                                   \
	((void)sizeof(var),                                \
	 libpcpu_kernel_leave(&libpcpu_self.preempt_count, \
			      "put_cpu_var() without get_cpu_var()"))

/*
 * What to add to a handle to get at cpu's copy, for SHIFT_PERCPU_PTR().
 *
 * It is the distance for allocations with an alignment of up to 64 bytes, and
 * for the static variables of position-independent programs and of shared
 * objects. Larger alignments, and programs that are linked to a low address,
 * have other distances: SHIFT_PERCPU_PTR() knows whose offset it is given, and
 * finds theirs, at the cost of a branch. Adding the offset by hand does not.
 */
#define per_cpu_offset(cpu) \
	((unsigned long)libpcpu_offset[0][(unsigned int)(cpu)])

#define SHIFT_PERCPU_PTR(ptr, offset)                      \
	((libpcpu_kernel_typeof(ptr))libpcpu_kernel_shift( \
		(ptr), (uintptr_t)(offset)))

/* --- operations ----------------------------------------------------------- */

/*
 * On the running CPU's copy of an lvalue that a handle leads to, an integer or
 * a pointer of 1, 2, 4 or 8 bytes: see pcpu_this_add() and its like.
 *
 * The kernel has three kinds: this_cpu_ is atomic towards whatever else runs on
 * the CPU; __this_cpu_ and raw_cpu_ are plain, the caller keeps others away or
 * does not mind. Here all are like the first one, and in a section of
 * <linux/preempt.h> all are plain instructions.
 */

/* What is subtracted is what the lvalue's type makes of val. */
#define libpcpu_kernel_sub_return(pcp, val) \
	libpcpu_this_add_return(pcp, -(__typeof__(pcp))(val))

/* True, or what was there instead in *ovalp. */
#define libpcpu_kernel_try_cmpxchg(pcp, ovalp, nval)                   \
	__extension__({                                                \
		__typeof__(ovalp) libpcpu_ovalp = (ovalp);             \
		__typeof__(pcp) libpcpu_oval = *libpcpu_ovalp;         \
		__typeof__(pcp) libpcpu_seen =                         \
			libpcpu_this_cmpxchg(pcp, libpcpu_oval, nval); \
		if (libpcpu_seen != libpcpu_oval)                      \
			*libpcpu_ovalp = libpcpu_seen;                 \
		libpcpu_seen == libpcpu_oval;                          \
	})

/*
 * Both or none, in a section: not atomic towards the thread's own signal
 * handlers. True if it was both.
 */
#define libpcpu_kernel_cmpxchg_double(pcp1, pcp2, oval1, oval2, nval1, nval2) \
	__extension__({                                                       \
		__typeof__(pcp1) libpcpu_oval1 = (oval1);                     \
		__typeof__(pcp2) libpcpu_oval2 = (oval2);                     \
		__typeof__(pcp1) libpcpu_nval1 = (nval1);                     \
		__typeof__(pcp2) libpcpu_nval2 = (nval2);                     \
		bool libpcpu_equal;                                           \
		libpcpu_pin();                                                \
		libpcpu_equal = libpcpu_this_read(pcp1) == libpcpu_oval1 &&   \
				libpcpu_this_read(pcp2) == libpcpu_oval2;     \
		if (libpcpu_equal) {                                          \
			libpcpu_this_write(pcp1, libpcpu_nval1);              \
			libpcpu_this_write(pcp2, libpcpu_nval2);              \
		}                                                             \
		libpcpu_unpin();                                              \
		libpcpu_equal;                                                \
	})

#define this_cpu_read(pcp) libpcpu_this_read(pcp)
#define this_cpu_write(pcp, val) libpcpu_this_write(pcp, val)
#define this_cpu_add(pcp, val) libpcpu_this_add(pcp, val)
#define this_cpu_sub(pcp, val) libpcpu_this_sub(pcp, val)
#define this_cpu_inc(pcp) libpcpu_this_add(pcp, 1)
#define this_cpu_dec(pcp) libpcpu_this_sub(pcp, 1)
#define this_cpu_and(pcp, val) libpcpu_this_and(pcp, val)
#define this_cpu_or(pcp, val) libpcpu_this_or(pcp, val)
#define this_cpu_add_return(pcp, val) libpcpu_this_add_return(pcp, val)
#define this_cpu_sub_return(pcp, val) libpcpu_kernel_sub_return(pcp, val)
#define this_cpu_inc_return(pcp) libpcpu_this_add_return(pcp, 1)
#define this_cpu_dec_return(pcp) libpcpu_kernel_sub_return(pcp, 1)
#define this_cpu_xchg(pcp, nval) libpcpu_this_xchg(pcp, nval)
#define this_cpu_cmpxchg(pcp, oval, nval) libpcpu_this_cmpxchg(pcp, oval, nval)
#define this_cpu_try_cmpxchg(pcp, ovalp, nval) \
	libpcpu_kernel_try_cmpxchg(pcp, ovalp, nval)
#define this_cpu_cmpxchg_double(pcp1, pcp2, oval1, oval2, nval1, nval2) \
	libpcpu_kernel_cmpxchg_double(pcp1, pcp2, oval1, oval2, nval1, nval2)

#define __this_cpu_read(pcp) libpcpu_this_read(pcp)
#define __this_cpu_write(pcp, val) libpcpu_this_write(pcp, val)
#define __this_cpu_add(pcp, val) libpcpu_this_add(pcp, val)
#define __this_cpu_sub(pcp, val) libpcpu_this_sub(pcp, val)
#define __this_cpu_inc(pcp) libpcpu_this_add(pcp, 1)
#define __this_cpu_dec(pcp) libpcpu_this_sub(pcp, 1)
#define __this_cpu_and(pcp, val) libpcpu_this_and(pcp, val)
#define __this_cpu_or(pcp, val) libpcpu_this_or(pcp, val)
#define __this_cpu_add_return(pcp, val) libpcpu_this_add_return(pcp, val)
#define __this_cpu_sub_return(pcp, val) libpcpu_kernel_sub_return(pcp, val)
#define __this_cpu_inc_return(pcp) libpcpu_this_add_return(pcp, 1)
#define __this_cpu_dec_return(pcp) libpcpu_kernel_sub_return(pcp, 1)
#define __this_cpu_xchg(pcp, nval) libpcpu_this_xchg(pcp, nval)
#define __this_cpu_cmpxchg(pcp, oval, nval) \
	libpcpu_this_cmpxchg(pcp, oval, nval)
#define __this_cpu_try_cmpxchg(pcp, ovalp, nval) \
	libpcpu_kernel_try_cmpxchg(pcp, ovalp, nval)
#define __this_cpu_cmpxchg_double(pcp1, pcp2, oval1, oval2, nval1, nval2) \
	libpcpu_kernel_cmpxchg_double(pcp1, pcp2, oval1, oval2, nval1, nval2)

#define raw_cpu_read(pcp) libpcpu_this_read(pcp)
#define raw_cpu_write(pcp, val) libpcpu_this_write(pcp, val)
#define raw_cpu_add(pcp, val) libpcpu_this_add(pcp, val)
#define raw_cpu_sub(pcp, val) libpcpu_this_sub(pcp, val)
#define raw_cpu_inc(pcp) libpcpu_this_add(pcp, 1)
#define raw_cpu_dec(pcp) libpcpu_this_sub(pcp, 1)
#define raw_cpu_and(pcp, val) libpcpu_this_and(pcp, val)
#define raw_cpu_or(pcp, val) libpcpu_this_or(pcp, val)
#define raw_cpu_add_return(pcp, val) libpcpu_this_add_return(pcp, val)
#define raw_cpu_sub_return(pcp, val) libpcpu_kernel_sub_return(pcp, val)
#define raw_cpu_inc_return(pcp) libpcpu_this_add_return(pcp, 1)
#define raw_cpu_dec_return(pcp) libpcpu_kernel_sub_return(pcp, 1)
#define raw_cpu_xchg(pcp, nval) libpcpu_this_xchg(pcp, nval)
#define raw_cpu_cmpxchg(pcp, oval, nval) libpcpu_this_cmpxchg(pcp, oval, nval)
#define raw_cpu_try_cmpxchg(pcp, ovalp, nval) \
	libpcpu_kernel_try_cmpxchg(pcp, ovalp, nval)
#define raw_cpu_cmpxchg_double(pcp1, pcp2, oval1, oval2, nval1, nval2) \
	libpcpu_kernel_cmpxchg_double(pcp1, pcp2, oval1, oval2, nval1, nval2)

#endif /* LIBPCPU_LINUX_PERCPU_DEFS_H */
