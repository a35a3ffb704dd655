/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: there are none, but who disables them wants the CPU's copies for
 * itself. See <linux/preempt.h>. As in the kernel this does not nest by itself:
 * they are on or off, and local_irq_restore() makes them what they were. A
 * signal is no interrupt: use sigprocmask() against handlers of the same
 * thread, or this_cpu operations, each of which is atomic to them.
 */
#ifndef LIBPCPU_LINUX_IRQFLAGS_H
#define LIBPCPU_LINUX_IRQFLAGS_H

#include <linux/libpcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIBPCPU_IRQS_OFF 1ul

static inline unsigned long libpcpu_kernel_irq_flags(void)
{
	return libpcpu_self.irqs_off ? LIBPCPU_IRQS_OFF : 0;
}

static inline unsigned long libpcpu_kernel_irq_save(void)
{
	unsigned long flags = libpcpu_kernel_irq_flags();

	if (!flags) {
		libpcpu_pin();
		libpcpu_self.irqs_off = true;
	}
	LIBPCPU_BARRIER();
	return flags;
}

static inline void libpcpu_kernel_irq_enable(void)
{
	LIBPCPU_BARRIER();
	if (libpcpu_self.irqs_off) {
		libpcpu_self.irqs_off = false;
		libpcpu_unpin();
	}
}

static inline void libpcpu_kernel_irq_restore(unsigned long flags)
{
	if (flags & LIBPCPU_IRQS_OFF)
		(void)libpcpu_kernel_irq_save();
	else
		libpcpu_kernel_irq_enable();
}

#ifdef __cplusplus
}
#endif

/* Complains of other types. */
#define libpcpu_kernel_flags(flags) \
	((void)sizeof(&(flags) == (unsigned long *)0))

#define local_irq_disable() ((void)libpcpu_kernel_irq_save())
#define local_irq_enable() libpcpu_kernel_irq_enable()
#define local_irq_save(flags)                        \
	do {                                         \
		libpcpu_kernel_flags(flags);         \
		(flags) = libpcpu_kernel_irq_save(); \
	} while (0)
#define local_irq_restore(flags)                   \
	do {                                       \
		libpcpu_kernel_flags(flags);       \
		libpcpu_kernel_irq_restore(flags); \
	} while (0)
#define local_save_flags(flags)                       \
	do {                                          \
		libpcpu_kernel_flags(flags);          \
		(flags) = libpcpu_kernel_irq_flags(); \
	} while (0)
#define irqs_disabled() (libpcpu_kernel_irq_flags() != 0)
#define irqs_disabled_flags(flags) (((flags)&LIBPCPU_IRQS_OFF) != 0)

/* Nobody traces. */
#define raw_local_irq_disable() local_irq_disable()
#define raw_local_irq_enable() local_irq_enable()
#define raw_local_irq_save(flags) local_irq_save(flags)
#define raw_local_irq_restore(flags) local_irq_restore(flags)
#define raw_local_save_flags(flags) local_save_flags(flags)
#define raw_irqs_disabled() irqs_disabled()
#define raw_irqs_disabled_flags(flags) irqs_disabled_flags(flags)

#endif /* LIBPCPU_LINUX_IRQFLAGS_H */
