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

#if defined(LIBPCPU_HAVE_RSEQ) && defined(__x86_64__) && \
	!defined(__SANITIZE_THREAD__)

#define CAN_PLAY_CPUS 1

static inline struct rseq *played_area(void)
{
	char *thread;

	__asm__("movq %%fs:0, %0" : "=r"(thread));
	return (struct rseq *)(thread + __rseq_offset);
}

/* Returns false where that cannot be done: then the CPU is the real one. */
static inline bool play_cpus(void)
{
	return __rseq_size &&
	       !syscall(SYS_rseq, played_area(), sizeof(struct rseq),
			RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

static inline void play_cpu(unsigned cpu)
{
	*(volatile uint32_t *)&played_area()->cpu_id = cpu;
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
