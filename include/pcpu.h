/* SPDX-License-Identifier: MIT */
/*
 * libpcpu: per-CPU memory for user space.
 *
 * One allocation has one copy per possible CPU. A thread updates its own
 * CPU's copy without contention and reads all of them to sum up:
 *
 *	long *hits = pcpu_alloc(sizeof(*hits), alignof(long));
 *	int cpu;
 *
 *	*pcpu_this_ptr(hits) += 1;
 *	pcpu_for_each_cpu (cpu)
 *		total += *pcpu_ptr(hits, cpu);
 *	pcpu_free(hits);
 *
 * What pcpu_alloc() returns is a handle, not an address: dereferencing it
 * faults, arithmetic on it (hits + 1, &p->field) is fine, and pcpu_ptr()
 * turns it into the address of one CPU's copy.
 *
 * Environment, read once when the library starts:
 *	PCPU_POSSIBLE_CPUS	pretend that so many CPUs are possible (at
 *				least the real number)
 *	PCPU_NODES		pretend that the CPUs are spread evenly over so
 *				many NUMA nodes. With either of them memory is
 *				not bound to real nodes
 *	PCPU_ARENAS		at most so many arenas per node, 1 to 8, rounded
 *				down to a power of two. By default as many as
 *				nodes have CPUs on average, with huge pages 1;
 *				with 1, CPUs share more cache lines, and fewer
 *				empty chunks are kept
 *	PCPU_CONTEXT		which copy is a thread's own: cpu, thread or
 *				mm_cid, see "Contexts"
 *	PCPU_HUGEPAGES		1: copies may lie in transparent huge pages.
 *				For programs with many live objects, tens of MiB
 *				per CPU, that are used at random: fewer misses
 *				of the TLB. The first use of an object takes up
 *				to 2 MiB on each CPU whose copy is written, and
 *				pcpu_trim() leaves as much
 *	PCPU_STATIC_PAGES	1: shared objects that are loaded later have
 *				static per-CPU variables which are aligned to
 *				a page (DEFINE_PER_CPU_PAGE_ALIGNED() of
 *				<linux/percpu.h>); slower with many CPUs
 *	PCPU_DEBUG		1: find more mistakes, for more memory and time.
 *				Each copy lies between redzones that pcpu_free()
 *				looks at; freed memory is filled with a pattern,
 *				kept from reuse for some 1,000 frees and looked
 *				at then: writes beside an object, or after its
 *				free, and a second free after others are
 *				reported in one line and abort. A program built
 *				with AddressSanitizer, or run under valgrind,
 *				gets their report at the access itself.
 *				2: and look at the whole heap now and then
 */
#ifndef PCPU_H
#define PCPU_H

#include <stdio.h>

#include <pcpu/abi.h>
#include <pcpu/this_cpu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is declared here is all that the library exports. */
#pragma GCC visibility push(default)

#define PCPU_SIZE_MAX LIBPCPU_SIZE_MAX   /* bytes of one copy */
#define PCPU_ALIGN_MAX LIBPCPU_ALIGN_MAX /* bytes */

/* Never wait, never grow, never enter the kernel but to wake the library's
 * worker: fail with ENOMEM instead. */
#define PCPU_NOWAIT LIBPCPU_NOWAIT

/*
 * Leave the copies as they are: whatever their last owners wrote, or zeroes. So
 * the cost does not grow with the number of CPUs, and who initialises each copy
 * anyway, or only those that are needed, does it once.
 */
#define PCPU_NOZERO LIBPCPU_NOZERO

/*
 * Allocate zeroed memory on every possible CPU.
 *
 * @size:  bytes of one copy, 1 to PCPU_SIZE_MAX; rounded up to 4 bytes and to
 *         the next size class (see pcpu_usable_size())
 * @align: bytes, a power of two from 1 to PCPU_ALIGN_MAX
 *
 * Returns a handle, or NULL with errno
 *	EINVAL	size is 0, or align is no power of two or out of range
 *	ENOMEM	size is above PCPU_SIZE_MAX, or memory is exhausted
 *
 * Context: any thread. May enter the kernel to grow.
 * Progress: lock-free. Cost: a restartable sequence (rseq) on a cache line of
 * the CPU's own, mostly, plus a store per copy if the memory was used before;
 * memory that was never handed out is not touched on any CPU.
 * Follows __alloc_percpu(), except that an alignment of 0 is an error.
 */
void *pcpu_alloc(size_t size, size_t align);

/*
 * The same with flags (PCPU_NOWAIT, PCPU_NOZERO); any other is EINVAL. With
 * PCPU_NOWAIT it may also be called from a signal handler.
 * Follows __alloc_percpu_gfp() with and without GFP_ATOMIC.
 */
void *pcpu_alloc_flags(size_t size, size_t align, unsigned flags);

/*
 * Free what pcpu_alloc() returned; NULL is a no-op.
 *
 * Anything else that is not the handle of a live object (freed twice, interior,
 * a copy's address, foreign) is reported in one line on standard error and
 * aborts before the object's memory is touched. A second free after the memory
 * was handed out anew cannot be told from a right one (but see PCPU_DEBUG).
 *
 * The pages of a freed object go back to the system only after a grace period
 * of liburcu's "bp" flavour: a reader inside urcu_bp_read_lock() that got p
 * before it was freed may still read its copies, and finds stale or zeroed
 * data.
 *
 * Context: any thread, any CPU, signal handlers, call_rcu() callbacks.
 * Progress: lock-free. Cost: a restartable sequence (rseq) if the running CPU
 * allocates from the object's bitmap word, else one atomic operation on that.
 * Follows free_percpu().
 */
void pcpu_free(void *p);

/*
 * Allocate nr objects of a size, alignment and flags as above into objects[].
 * Returns 0, or -1 with errno as above; then none is allocated, and objects[]
 * holds nothing of use. With nr 0 nothing is looked at.
 *
 * Objects that lie side by side are zeroed together, so that with many CPUs the
 * cost of an object is a fraction of pcpu_alloc()'s.
 * Follows kmem_cache_alloc_bulk().
 */
int pcpu_alloc_bulk(size_t size, size_t align, unsigned flags, size_t nr,
		    void **objects);

/*
 * Free nr objects of any sizes; NULLs among them are skipped. Each is checked
 * as by pcpu_free(). Cheapest for objects in the order in which one
 * pcpu_alloc_bulk() returned them. Follows kmem_cache_free_bulk().
 */
void pcpu_free_bulk(size_t nr, void **objects);

/*
 * Bytes of one copy that p's owner may use: the size asked for, rounded up to
 * the size class; in debug mode just that size. 0 for NULL; aborts with a
 * message for anything that is not the handle of a live object. Follows
 * pcpu_alloc_size().
 */
size_t pcpu_usable_size(const void *p);

/*
 * Address of cpu's copy of what handle p points to, typed like p. The CPU must
 * be possible; PCPU_CHECKED before the #include checks it and aborts.
 * Follows per_cpu_ptr().
 */
#ifdef PCPU_CHECKED
#define PCPU_CPU(cpu) pcpu_check_cpu(cpu)
#else
#define PCPU_CPU(cpu) ((unsigned)(cpu))
#endif
#define pcpu_ptr(p, cpu) \
	((__typeof__(1 ? (p) : (p)))libpcpu_address((p), PCPU_CPU(cpu)))

/*
 * Address of the copy where the thread works, typed like p. Unless it is pinned
 * the thread may be moved at any time, so others may use that copy too: update
 * it by pcpu_this_add() and its like, or pin the thread. Follows raw_cpu_ptr().
 */
#define pcpu_this_ptr(p) ((__typeof__(1 ? (p) : (p)))libpcpu_this_address(p))

/*
 * The number of the copy where the thread works, below pcpu_nr_cpus(): that of
 * the running CPU, in the context "cpu". Stale as soon as an unpinned thread is
 * moved. Any context. Follows raw_smp_processor_id().
 */
int pcpu_cpu(void);

/* Highest possible CPU number plus one. Follows nr_cpu_ids. */
unsigned pcpu_nr_cpus(void);

/* Returns cpu; aborts with a message if cpu is not possible. */
unsigned pcpu_check_cpu(int cpu);

/* Visit the possible CPUs in ascending order. for_each_possible_cpu(). */
#define pcpu_for_each_cpu(cpu)                     \
	for ((cpu) = libpcpu_cpu_next(-1);         \
	     (unsigned)(cpu) < libpcpu_nr_cpu_ids; \
	     (cpu) = libpcpu_cpu_next(cpu))

/*
 * Contexts: which copy is mine, and for how long.
 *
 * cpu	  That of the CPU that runs the thread. The default: as many copies are
 *	  in use as CPUs run the program, each one stays in its CPU's cache and
 *	  memory. For statistics, caches and free lists of any program.
 * thread One of the thread's own, from its first use until it exits; then the
 *	  next thread gets it. Nobody else touches it, so operations are plain
 *	  instructions and pins cost nothing. For ports that think of a thread
 *	  as a CPU. Of the possible CPUs' n copies (n + 3) / 4 are shared by the
 *	  threads that come when all others are taken, with a lock for each
 *	  operation: set PCPU_POSSIBLE_CPUS to more than there are threads at a
 *	  time.
 * mm_cid A number that the kernel (Linux 6.3) gives to each running thread of
 *	  the process, the smallest that is free. As "cpu", but never more
 *	  copies are in use than there are threads: for few threads on a wide
 *	  machine. A copy's memory is not near the CPU that uses it.
 *
 * PCPU_CONTEXT=thread (or cpu, mm_cid) in the environment chooses one; without
 * that, the program does so in one of its source files, outside functions:
 *
 *	PCPU_CONTEXT_DEFAULT(PCPU_CONTEXT_THREAD);
 *
 * It is fixed when the library starts. What the system does not offer is
 * reported in one line, and "cpu" is used. The allocator itself goes by the CPU
 * in any case.
 */
#define PCPU_CONTEXT_CPU LIBPCPU_CONTEXT_CPU
#define PCPU_CONTEXT_THREAD LIBPCPU_CONTEXT_THREAD
#define PCPU_CONTEXT_MM_CID LIBPCPU_CONTEXT_MM_CID
#define PCPU_CONTEXT_DEFAULT(context) \
	const int libpcpu_context_default = (context)

/* The context in use. */
int pcpu_context(void);

/*
 * Pin the thread to the copy where it works: until pcpu_unpin() that copy stays
 * the same, wherever the thread is moved to, and no other thread pins itself to
 * it or changes it by an operation below. Nests: the outermost pcpu_unpin()
 * ends it. Ordered like a lock: a section sees what earlier ones on the same
 * copy did. pcpu_ptr() of others is not kept away.
 *
 * Signal handlers may pin and use operations anywhere, also where they have
 * interrupted a section: then they are a part of it. What is to be exclusive
 * against handlers of the same thread has to use the operations, each of which
 * is atomic to them.
 *
 * Blocking inside a section is allowed, but whoever wants this copy waits. A
 * thread that exits or forks inside a section, or unpins without a pin, is
 * reported in one line and aborts.
 *
 * Context: any thread, signal handlers. Progress: blocking; who finds the copy
 * pinned lets the owner run and at last sleeps until it is free. Nobody waits
 * while it has a copy pinned, so there is no deadlock but by locks of the
 * caller's own. The owner does not inherit a waiter's priority.
 * Cost: a restartable sequence and one atomic operation on a cache line of the
 * copy's own; nested, or in the context "thread", one addition. The first time
 * in a thread a few system calls.
 * Follows preempt_disable() and preempt_enable().
 */
void pcpu_pin(void);
void pcpu_unpin(void);
#define pcpu_pin() libpcpu_pin()
#define pcpu_unpin() libpcpu_unpin()

/*
 * Operations on the copy where the thread works: on an lvalue that a handle
 * leads to (*p, p->field, p[2]), an integer or a pointer of 1, 2, 4 or 8 bytes.
 *
 *	pcpu_this_read(v)		what is there
 *	pcpu_this_write(v, x)		v = x
 *	pcpu_this_add(v, x)		v += x
 *	pcpu_this_sub(v, x)		v -= x
 *	pcpu_this_inc(v)		v += 1
 *	pcpu_this_dec(v)		v -= 1
 *	pcpu_this_and(v, x)		v &= x
 *	pcpu_this_or(v, x)		v |= x
 *	pcpu_this_xchg(v, x)		v = x; what was there
 *	pcpu_this_cmpxchg(v, old, x)	if v is old, v = x; what was there
 *	pcpu_this_add_return(v, x)	v += x; what is there then
 *
 * Each is atomic towards other threads' operations and sections, and towards
 * signal handlers. None orders other memory. Arguments are evaluated once; x is
 * converted to the lvalue's type first; arithmetic on pointers counts bytes.
 * Others who read a copy with pcpu_ptr() see each write whole, sooner or later;
 * what they write there is not protected.
 *
 * Context: any thread, signal handlers. Progress: waits only for a section that
 * has this copy pinned. Cost: one restartable sequence (rseq), without atomic
 * instructions, on a cache line of the copy's own besides the data; pinned, or
 * in the context "thread", one plain instruction (on aarch64 a relaxed atomic).
 * Without rseq (old systems, valgrind, GLIBC_TUNABLES=glibc.pthread.rseq=0,
 * ThreadSanitizer), without membarrier(2), or on other processors than x86-64
 * and aarch64, a lock per copy. Follows this_cpu_add() and its like.
 */
#define pcpu_this_read(v) libpcpu_this_read(v)
#define pcpu_this_write(v, x) libpcpu_this_write(v, x)
#define pcpu_this_add(v, x) libpcpu_this_add(v, x)
#define pcpu_this_sub(v, x) libpcpu_this_sub(v, x)
#define pcpu_this_inc(v) libpcpu_this_add(v, 1)
#define pcpu_this_dec(v) libpcpu_this_sub(v, 1)
#define pcpu_this_and(v, x) libpcpu_this_and(v, x)
#define pcpu_this_or(v, x) libpcpu_this_or(v, x)
#define pcpu_this_xchg(v, x) libpcpu_this_xchg(v, x)
#define pcpu_this_cmpxchg(v, old, x) libpcpu_this_cmpxchg(v, old, x)
#define pcpu_this_add_return(v, x) libpcpu_this_add_return(v, x)

/*
 * Give memory that holds no object back to the system, now: CPUs let go of the
 * slabs that they keep reserved, a grace period is waited for, and empty chunks
 * go back, and of the others the pages that hold no object. Of several such
 * pages in a row the last one stays where the copies of small alignments share
 * it with a page in use. Returns the bytes of address space, over all CPUs,
 * whose pages went back.
 *
 * In a child with several threads of a parent with several threads the worker
 * does the rest later, and the result is 0. A child that was forked while
 * another thread was inside liburcu gives nothing back: its first call takes a
 * second to find that out. The host program's calls of urcu_bp_before_fork()
 * and its fellows prevent both.
 *
 * Context: any thread outside an RCU read-side critical section; blocks for a
 * grace period. Others may allocate and free meanwhile.
 */
size_t pcpu_trim(void);

/*
 * Statistics. Bytes are those of one unit (one CPU's memory) unless said
 * otherwise; the names are those of the kernel's percpu_stats.
 */
struct pcpu_stats {
	/* layout, constant */
	size_t unit_size;    /* address space reserved per CPU, bytes */
	size_t chunk_size;   /* bytes of one chunk in one unit */
	size_t page_size;    /* bytes of one slab page */
	unsigned nr_cpu_ids; /* highest possible CPU number plus one */
	unsigned nr_units;   /* possible CPUs */
	unsigned nr_nodes;   /* NUMA nodes that have CPUs */
	unsigned nr_arenas;  /* of all nodes, skewed and page-aligned */
	/* global */
	uint64_t nr_alloc;        /* allocations since the start, see below */
	uint64_t nr_dealloc;      /* frees since the start, see below */
	uint64_t nr_cur_alloc;    /* live objects */
	uint64_t nr_max_alloc;    /* most live objects seen by this call */
	uint64_t nr_chunks;       /* chunks linked into an arena */
	uint64_t nr_max_chunks;   /* most ever linked, each arena's */
	size_t min_alloc_size;    /* smallest object size in use, 0 if none */
	size_t max_alloc_size;    /* largest object size in use */
	uint64_t empty_pop_pages; /* free pages that hold used memory */
	/* memory */
	size_t live_bytes;      /* bytes of live objects, with their redzones
				 * in debug mode */
	size_t unit_bytes;      /* address space of the linked chunks */
	size_t populated_bytes; /* of that and of retired chunks, pages handed
				 * out since they last went back to the system
				 */
	size_t metadata_bytes;  /* bookkeeping, once for all CPUs, without what
				 * debug mode has */
	uint64_t nr_retired;    /* chunks that wait for a grace period */
};

/*
 * Fill in *stats. Returns 0, or -1 with errno EINVAL for NULL.
 *
 * Everything is counted at the time of the call by walking the bitmaps, so
 * that allocation and free pay nothing: with threads at work the figures are
 * each right, but of slightly different moments. nr_alloc alone is a counter
 * per CPU without atomic operations: it can miss one when a thread is
 * preempted between its load and store. Cost: proportional to linked chunks.
 */
int pcpu_stats_get(struct pcpu_stats *stats);

#define PCPU_STATS_TEXT 0 /* a table for people, as debugfs percpu_stats */
#define PCPU_STATS_JSON 1 /* one JSON object, arenas and chunks as arrays */

/*
 * Print the statistics, with those of each arena and each chunk. Returns 0, or
 * -1 with errno EINVAL for an unknown format or a NULL file, or that of the
 * failed write. Follows mm/percpu-stats.c.
 */
int pcpu_stats_print(FILE *file, int format);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* PCPU_H */
