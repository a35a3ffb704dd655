/* SPDX-License-Identifier: MIT */
/*
 * The library's binary interface under its one reserved prefix, libpcpu_.
 *
 * <pcpu.h> and the <linux/percpu.h> shim both stand on this header, so that
 * code with pcpu_* functions of its own can use the shim without a clash.
 * Programs include one of those two, not this one.
 *
 * A handle ("cookie") is an address in one of two windows of inaccessible
 * memory; CPU c's copy of the object lies at a fixed distance from it:
 *
 *	copy(p, c) = p + libpcpu_offset[window of p][c]
 *
 * The first window's copies are skewed by one cache line per CPU, so that
 * walking over all copies does not hit a single set of the L1 cache; the
 * second's are not, so that they can be aligned to up to a page. The second
 * one lies below libpcpu_window_split, the first one above.
 *
 * A static per-CPU variable's handle is its own address; on which side of the
 * split it is decides which distances are its. See chunk/statics.h.
 */
#ifndef LIBPCPU_ABI_H
#define LIBPCPU_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Processors whose thread pointer we know, from which the area is counted. */
#if defined(__has_include) && defined(__LP64__) && \
	(defined(__x86_64__) || defined(__AARCH64EL__))
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define LIBPCPU_HAVE_RSEQ 1
#endif
#endif

/*
 * A thread's variables at a fixed distance from the thread pointer: without a
 * call, which in a signal handler may be one for memory. musl has all of a
 * thread's variables allocated before it runs, and refuses to load a library
 * into a running program that wants its own at a fixed place.
 */
#ifdef __GLIBC__
#define LIBPCPU_TLS __attribute__((tls_model("initial-exec")))
#else
#define LIBPCPU_TLS
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What is declared here is all that the library exports. */
#pragma GCC visibility push(default)

#define LIBPCPU_CPUS_MAX 8192u
#define LIBPCPU_SIZE_MAX 32768u
#define LIBPCPU_ALIGN_MAX 4096u
#define LIBPCPU_NOWAIT 1u
#define LIBPCPU_NOZERO 2u

/* Where the first window's side begins; constant after start. */
extern const uintptr_t libpcpu_window_split;

/* Distance from handle to copy, by window and CPU; constant after start. */
extern ptrdiff_t libpcpu_offset[2][LIBPCPU_CPUS_MAX];

/* Highest possible CPU number plus one; constant after start. */
extern unsigned libpcpu_nr_cpu_ids;

/* A bit per possible CPU; constant after start. */
#define LIBPCPU_LONG_BITS (8u * (unsigned)sizeof(unsigned long))
extern unsigned long libpcpu_possible[LIBPCPU_CPUS_MAX / LIBPCPU_LONG_BITS];

void *libpcpu_alloc(size_t size, size_t align, unsigned flags);
void libpcpu_free(void *p);
size_t libpcpu_usable_size(const void *p);
size_t libpcpu_nr_pages(void);
int libpcpu_cpu_slow(void);
int libpcpu_cpu_next(int cpu);
int libpcpu_node_leader(int cpu);
unsigned libpcpu_debug_level(void);

/*
 * For restartable sequences of what stands on the allocator: can the process
 * have any; throw out everybody who is in one (0: the system refuses).
 */
int libpcpu_has_sequences(void);
int libpcpu_fence(void);

/* A thread of the library's, detached and without signals; 0 if there is none
 * to be had. */
int libpcpu_start_thread(const char *name, void *(*run)(void *));

/* Returns cpu; aborts with a message if cpu is not possible. */
unsigned libpcpu_check_cpu(int cpu);

/* What libpcpu_window() says of what is aligned to 64 bytes or less. */
#define LIBPCPU_SKEWED 0u

/* In which window, or on which side, handle p is. */
static inline unsigned libpcpu_window(const volatile void *p)
{
	return (uintptr_t)p < libpcpu_window_split;
}

/* The distance from handle p to cpu's copy; no branch. */
static inline ptrdiff_t libpcpu_distance(const volatile void *p, unsigned cpu)
{
	return libpcpu_offset[libpcpu_window(p)][cpu];
}

/*
 * What the compiler does not know to lead to the handle's object: of a static
 * variable it would think that all its copies are one, and inside of it.
 */
static inline uintptr_t libpcpu_number_of(const volatile void *p)
{
	uintptr_t number = (uintptr_t)p;

	__asm__("" : "+r"(number));
	return number;
}

/* The address of cpu's copy. */
static inline uintptr_t libpcpu_address(const volatile void *p, unsigned cpu)
{
	return libpcpu_number_of(p) + (uintptr_t)libpcpu_distance(p, cpu);
}

#ifdef LIBPCPU_HAVE_RSEQ
/* Where the running thread's variables are counted from. */
static inline char *libpcpu_thread_pointer(void)
{
	char *thread;

#ifdef __x86_64__
	__asm__("movq %%fs:0, %0" : "=r"(thread));
#else
	thread = (char *)__builtin_thread_pointer();
#endif
	return thread;
}

/* What the kernel and the C library keep there about it. */
static inline struct rseq *libpcpu_rseq_area(void)
{
	return (struct rseq *)(libpcpu_thread_pointer() + __rseq_offset);
}
#endif

/* The running CPU from the thread's rseq area; negative if it has none. */
static inline int libpcpu_cpu_rseq(void)
{
#if defined(LIBPCPU_HAVE_RSEQ) && defined(__x86_64__)
	int cpu;

	/* One load, which the compiler must not repeat or move. */
	__asm__ __volatile__("movl %%fs:%c2(%1), %0"
			     : "=r"(cpu)
			     : "r"(__rseq_offset),
			       "i"(offsetof(struct rseq, cpu_id)));
	return cpu;
#elif defined(LIBPCPU_HAVE_RSEQ)
	return (int)__atomic_load_n(&libpcpu_rseq_area()->cpu_id,
				    __ATOMIC_RELAXED);
#else
	return -1;
#endif
}

/* The running CPU; stale as soon as the thread can migrate. */
static inline int libpcpu_cpu(void)
{
	int cpu = libpcpu_cpu_rseq();

	return cpu >= 0 ? cpu : libpcpu_cpu_slow();
}

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_ABI_H */
