/* SPDX-License-Identifier: MIT */
/*
 * The shim's sections under stress: more threads than CPUs, which count on
 * their CPU's copy by a load and a store, and in between yield or go to another
 * CPU, as preemption would have it. Included by test_linux_stress.c, whose sums
 * must be exact, and by test_linux_broken.c, whose sections are nothing.
 */
#ifndef TESTS_LINUX_STRESS_H
#define TESTS_LINUX_STRESS_H

#include <pthread.h>
#include <sched.h>

#include "tests/linux_kinds.h"
#include "tests/provoke.h"

#define THREADS 6
#define ROUNDS SUPPORT_SCALE(20000u)

struct traffic {
	unsigned long packets; /* plainly, in sections of all kinds */
	unsigned long bytes;   /* the same and by operations */
	unsigned int drops;    /* by operations */
	unsigned long by_kind[NR_KINDS];
};

static struct traffic __percpu *traffic;
static DEFINE_PER_CPU(struct traffic, static_traffic);

/* What threads have done. */
static unsigned long nr_by_kind[NR_KINDS];

static void add_slowly(unsigned long *count, struct rng *rng)
{
	volatile unsigned long *slow = count;
	unsigned long value = *slow;

	provoke(rng);
	*slow = value + 1;
}

static void one_section(struct traffic __percpu *of, struct rng *rng)
{
	size_t kind = rng_below(rng, NR_KINDS);
	struct traffic *own;

	kinds[kind].in();
	own = this_cpu_ptr(of);
	add_slowly(&own->packets, rng);
	add_slowly(&own->by_kind[kind], rng);
	__this_cpu_inc(of->bytes);
	kinds[kind].out();
	__atomic_fetch_add(&nr_by_kind[kind], 1, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
	struct rng rng = {*(uint64_t *)arg};
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		struct traffic __percpu *of =
			rng_below(&rng, 2) ? traffic : &static_traffic;

		one_section(of, &rng);
		this_cpu_add(of->bytes, 2);
		this_cpu_inc(of->drops);
	}
	return NULL;
}

static void run_threads(void)
{
	pthread_t threads[THREADS];
	uint64_t seeds[THREADS], seed = support_seed();
	unsigned i;

	traffic = alloc_percpu(struct traffic);
	require(traffic, "alloc_percpu");
	for (i = 0; i < THREADS; i++) {
		seeds[i] = support_mix(seed + i);
		require(!pthread_create(&threads[i], NULL, work, &seeds[i]),
			"thread %u", i);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static struct traffic sum(void)
{
	struct traffic __percpu *parts[] = {traffic, &static_traffic};
	struct traffic all = {0};
	int cpu, i, kind;

	for_each_possible_cpu (cpu)
		for (i = 0; i < 2; i++) {
			const struct traffic *one = per_cpu_ptr(parts[i], cpu);

			all.packets += one->packets;
			all.bytes += one->bytes;
			all.drops += one->drops;
			for (kind = 0; kind < NR_KINDS; kind++)
				all.by_kind[kind] += one->by_kind[kind];
		}
	return all;
}

#endif /* TESTS_LINUX_STRESS_H */
