// SPDX-License-Identifier: MIT
/*
 * On-demand copies; what they are stands in <pcpu/lazy.h>. A copy is in one of
 * three states, by its bits in two sets:
 *
 *	              begin()            end(ok)
 *	  nothing  ------------> begun -----------> begun, ready
 *	           <------------
 *	              end(failed)
 *
 * Who sets `begun` is the only one in init(); others wait for it to say more.
 */
#include "pcpu/lazy.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/atomic.h"

#define WORD_BITS 64u

static uint64_t bit_of(int cpu)
{
	return UINT64_C(1) << (unsigned)cpu % WORD_BITS;
}

static atom64 *begun_of(const struct pcpu_lazy *lazy, int cpu)
{
	return (atom64 *)&lazy->begun[(unsigned)cpu / WORD_BITS];
}

static atom64 *ready_of(const struct pcpu_lazy *lazy, int cpu)
{
	return (atom64 *)&lazy->ready[(unsigned)cpu / WORD_BITS];
}

struct pcpu_lazy *pcpu_lazy_create(size_t size, size_t align,
				   int (*init)(void *copy, int cpu, void *arg),
				   void *arg)
{
	size_t words = (libpcpu_nr_cpu_ids + WORD_BITS - 1) / WORD_BITS;
	size_t bytes = 2 * words * sizeof(uint64_t);
	char *copies = libpcpu_alloc(size, align, PCPU_NOZERO);
	struct pcpu_lazy *lazy;

	if (!copies)
		return NULL;
	lazy = malloc(sizeof(*lazy) + bytes);
	if (!lazy) {
		libpcpu_free(copies);
		errno = ENOMEM;
		return NULL;
	}
	lazy->copies = copies;
	lazy->size = size;
	lazy->init = init;
	lazy->arg = arg;
	lazy->begun = lazy->ready + words;
	memset(lazy->ready, 0, bytes);
	return lazy;
}

void pcpu_lazy_destroy(struct pcpu_lazy *lazy)
{
	if (!lazy)
		return;
	libpcpu_free(lazy->copies);
	free(lazy);
}

/* Returns whether it is ours to initialise the copy. */
static bool begin(const struct pcpu_lazy *lazy, int cpu)
{
	uint64_t bit = bit_of(cpu);

	/* pairs with [lazy] end(): that a visitor before failed, and what it
	 * left in the copy */
	return !(fetch_or_acquire(begun_of(lazy, cpu), bit) & bit);
}

static void end(const struct pcpu_lazy *lazy, int cpu, bool ok)
{
	if (ok)
		/* pairs with [lazy] is_ready(), libpcpu_lazy_is_ready(): what
		 * init() did to the copy */
		fetch_or_release(ready_of(lazy, cpu), bit_of(cpu));
	else
		/* pairs with [lazy] begin(): what init() did to the copy */
		fetch_and_release(begun_of(lazy, cpu), ~bit_of(cpu));
}

static bool is_ready(const struct pcpu_lazy *lazy, int cpu)
{
	/* pairs with [lazy] end(): what init() did to the copy */
	return load_acquire(ready_of(lazy, cpu)) & bit_of(cpu);
}

static int initialise(const struct pcpu_lazy *lazy, int cpu, void *copy)
{
	memset(copy, 0, lazy->size);
	return lazy->init ? lazy->init(copy, cpu, lazy->arg) : 0;
}

static bool is_possible(int cpu)
{
	return (unsigned)cpu < libpcpu_nr_cpu_ids &&
	       libpcpu_cpu_next(cpu - 1) == cpu;
}

void *pcpu_lazy_visit(struct pcpu_lazy *lazy, int cpu)
{
	char *copies = lazy->copies;
	void *copy;
	int error;

	if (!is_possible(cpu)) {
		errno = EINVAL;
		return NULL;
	}
	copy = pcpu_ptr(copies, cpu);
	while (!is_ready(lazy, cpu)) {
		if (!begin(lazy, cpu)) {
			sched_yield();
			continue;
		}
		error = initialise(lazy, cpu, copy);
		end(lazy, cpu, !error);
		if (error) {
			errno = error;
			return NULL;
		}
	}
	return copy;
}

int libpcpu_lazy_next(const struct pcpu_lazy *lazy, int cpu)
{
	unsigned i = (unsigned)(cpu + 1) / WORD_BITS;
	unsigned words = (libpcpu_nr_cpu_ids + WORD_BITS - 1) / WORD_BITS;
	uint64_t from = UINT64_MAX << (unsigned)(cpu + 1) % WORD_BITS, left;

	for (; i < words; i++, from = UINT64_MAX) {
		/* pairs with [lazy] end(): what init() did to the copies */
		left = load_acquire((atom64 *)&lazy->ready[i]) & from;
		if (left)
			return (int)(i * WORD_BITS) + __builtin_ctzll(left);
	}
	return -1;
}
