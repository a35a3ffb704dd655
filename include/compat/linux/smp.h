/* SPDX-License-Identifier: MIT */
/* Which CPU runs this: the kernel's names for it. */
#ifndef LIBPCPU_LINUX_SMP_H
#define LIBPCPU_LINUX_SMP_H

#include <pcpu/context.h>

/* The running CPU: a hint, since a thread of user space may migrate. */
#define raw_smp_processor_id() (libpcpu_here()->cpu)
#define smp_processor_id() raw_smp_processor_id()

#endif /* LIBPCPU_LINUX_SMP_H */
