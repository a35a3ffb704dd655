// SPDX-License-Identifier: MIT
/*
 * coherence.h - how many cache lines the global-lock baseline moves from CPU
 * to CPU per pair, once its CPUs queue for the lock.
 *
 * The baseline's sources are compiled with -fsanitize=thread, which puts a
 * call in front of each memory access, and linked with our own functions of
 * those names instead of the sanitizer's. They play caches of unlimited size:
 * a line is held for writing by one CPU, or for reading by several. One
 * thread plays all CPUs in turn, in the order that a fair lock would give them
 * the baseline: all allocate one after another, then all free.
 *
 * Not seen: the grow mutex (it is pthread's), the zeroing of copies (which is
 * outside of the lock), and the stack.
 */
#ifndef BENCH_ATOMICS_COHERENCE_H
#define BENCH_ATOMICS_COHERENCE_H

#include <stdbool.h>

struct coherence {
	double moves;    /* lines fetched from another CPU, per pair */
	double upgrades; /* lines read before, then taken from other readers */
	double accesses;
};

/* False if the baseline could not be set up. */
bool coherence_measure(unsigned cpus, unsigned rounds,
		       struct coherence *result);

#endif
