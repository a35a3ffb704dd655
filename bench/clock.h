// SPDX-License-Identifier: MIT
/*
 * clock.h - the two clocks: nanoseconds for spans, ticks for single calls.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <sched.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline void sleep_ns(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	nanosleep(&ts, NULL);
}

/*
 * The fences keep the measured call from starting before the first reading or
 * ending after the second; what the pair of readings costs is measured too,
 * and taken off.
 */
static inline uint64_t ticks_begin(void)
{
#if defined(__x86_64__)
	uint32_t lo, hi;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence"
			 : "=a"(lo), "=d"(hi)
			 :
			 : "memory");
	return (uint64_t)hi << 32 | lo;
#else
	return clock_ns();
#endif
}

static inline uint64_t ticks_end(void)
{
#if defined(__x86_64__)
	uint32_t lo, hi;

	__asm__ volatile("rdtscp\n\tlfence"
			 : "=a"(lo), "=d"(hi)
			 :
			 : "rcx", "memory");
	return (uint64_t)hi << 32 | lo;
#else
	return clock_ns();
#endif
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" : : : "memory");
#endif
}

/*
 * One turn of a wait loop. Threads may outnumber the cores, so a waiter soon
 * hands its core to whoever it is waiting for.
 */
static inline void spin_wait(unsigned *turns)
{
	if (++*turns % 128)
		cpu_relax();
	else
		sched_yield();
}

#endif
