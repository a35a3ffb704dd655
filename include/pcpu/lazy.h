/* SPDX-License-Identifier: MIT */
/*
 * Objects whose copies are made by who needs them.
 *
 * A copy is initialised by the first visitor from its CPU, exactly once, and
 * nothing is done for CPUs from which nobody comes. So creating and destroying
 * an object costs the same on any machine, and a program that runs on 8 of 256
 * CPUs pays for 8. Who comes while another is at it yields until that is done:
 * for ever in a child that was forked meanwhile, or if it has a real-time
 * priority above that thread's on the same CPU.
 *
 *	struct pcpu_lazy *stats =
 *		pcpu_lazy_create(sizeof(struct stats), 8, setup, NULL);
 *	struct stats *mine = pcpu_lazy_this(stats);
 *	int cpu;
 *
 *	pcpu_lazy_for_each (cpu, stats)
 *		total += ((struct stats *)pcpu_lazy_ptr(stats, cpu))->hits;
 *	pcpu_lazy_destroy(stats);
 */
#ifndef LIBPCPU_LAZY_H
#define LIBPCPU_LAZY_H

#include <pcpu.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Private, but for inline functions. A bit per CPU number. */
struct pcpu_lazy {
	char *copies; /* a handle */
	size_t size;
	int (*init)(void *copy, int cpu, void *arg);
	void *arg;
	uint64_t *begun; /* a visitor has taken it on itself to initialise it */
	uint64_t ready[];
};

#pragma GCC visibility push(default)

/*
 * Make an object without copies.
 *
 * @size, @align: as for pcpu_alloc()
 * @init: called for each copy before anybody sees it, with the copy zeroed and
 *        its CPU; returns 0, or an errno value if the copy cannot be made: then
 *        the visit fails and the next visitor tries again. May be NULL. It must
 *        not visit the same object.
 * @arg:  passed on to init
 *
 * Returns NULL with errno as pcpu_alloc(). Any thread. Lock-free but for
 * malloc(). Cost: malloc() and pcpu_alloc() without zeroing; an eighth of a
 * byte per possible CPU is cleared.
 */
struct pcpu_lazy *pcpu_lazy_create(size_t size, size_t align,
				   int (*init)(void *copy, int cpu, void *arg),
				   void *arg);

/*
 * Give everything back; NULL is a no-op. Nobody may use the object any more.
 * What init() has acquired is the caller's to release before, see
 * pcpu_lazy_for_each().
 */
void pcpu_lazy_destroy(struct pcpu_lazy *lazy);

/*
 * Initialise the CPU's copy unless that was done, and return its address; NULL
 * with errno as init() said, or EINVAL if the CPU is not possible. Context: any
 * thread. Progress: blocking: who meets another visitor of the same copy in
 * init() waits for it. So not for signal handlers, unless the copy is known to
 * be ready.
 */
void *pcpu_lazy_visit(struct pcpu_lazy *lazy, int cpu);

/* The next CPU above this one whose copy is ready; -1 if there is none. */
int libpcpu_lazy_next(const struct pcpu_lazy *lazy, int cpu);

#pragma GCC visibility pop

static inline bool libpcpu_lazy_is_ready(const struct pcpu_lazy *lazy, int cpu)
{
	/* Pairs with pcpu_lazy_visit(): what init() did to the copy. */
	return __atomic_load_n(&lazy->ready[(unsigned)cpu / 64],
			       __ATOMIC_ACQUIRE) >>
		       (unsigned)cpu % 64 &
	       1;
}

/*
 * The copy of the CPU where the thread works, initialised; NULL with errno as
 * init() said. Others may use the copy, too, as with pcpu_this_ptr(). Cost,
 * once it is ready: a load more than pcpu_this_ptr().
 */
static inline void *pcpu_lazy_this(struct pcpu_lazy *lazy)
{
	char *copies = lazy->copies;
	int cpu = pcpu_cpu();

	if (libpcpu_lazy_is_ready(lazy, cpu))
		return pcpu_ptr(copies, cpu);
	return pcpu_lazy_visit(lazy, cpu);
}

/* The CPU's copy, or NULL if nobody has visited it. Wait-free. */
static inline void *pcpu_lazy_ptr(const struct pcpu_lazy *lazy, int cpu)
{
	char *copies = lazy->copies;

	return libpcpu_lazy_is_ready(lazy, cpu) ? pcpu_ptr(copies, cpu) : NULL;
}

/* Visit the CPUs whose copies are ready, in ascending order. Those that become
 * ready meanwhile may be among them. Cost: by how many these are. */
#define pcpu_lazy_for_each(cpu, lazy)                           \
	for ((cpu) = libpcpu_lazy_next((lazy), -1); (cpu) >= 0; \
	     (cpu) = libpcpu_lazy_next((lazy), (cpu)))

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LAZY_H */
