/* SPDX-License-Identifier: MIT */
/*
 * A thread that plays any CPU: the kernel no longer keeps the thread's rseq
 * area up to date, so the library takes what we store there for its CPU. For
 * tests of one thread.
 */
#ifndef TESTS_PLAYED_CPU_H
#define TESTS_PLAYED_CPU_H

#include <pcpu.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(LIBPCPU_HAVE_RSEQ) && !defined(LIBPCPU_TSAN)

/* Not where there is no area: under an emulator, or if glibc is told so. */
#define CAN_PLAY_CPUS (__rseq_size > 0)

/* Returns false where that cannot be done: then the CPU is the real one. */
static inline bool play_cpus(void)
{
	return CAN_PLAY_CPUS &&
	       !syscall(SYS_rseq, libpcpu_rseq_area(), sizeof(struct rseq),
			RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

static inline void play_cpu(unsigned cpu)
{
	if (CAN_PLAY_CPUS)
		*(volatile uint32_t *)&libpcpu_rseq_area()->cpu_id = cpu;
}

#else

#define CAN_PLAY_CPUS 0

static inline bool play_cpus(void)
{
	return false;
}

static inline void play_cpu(unsigned cpu)
{
	(void)cpu;
}

#endif

#endif /* TESTS_PLAYED_CPU_H */
