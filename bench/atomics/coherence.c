// SPDX-License-Identifier: MIT
#include "coherence.h"

#include "bench/baseline/baseline.h"
#include "bench/mix.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIVE = 10000,
	MAX_CPUS = 64,
	SIZE = 8,
	LINE = 64,
	TABLE = 1 << 16,
};

struct line {
	uintptr_t nr; /* address / LINE; 0: free */
	uint64_t holders;
};

static struct line lines[TABLE];
static bool counting;
static unsigned cpu;
static struct events {
	unsigned long moves, upgrades, accesses;
} counted;
static uintptr_t stack_start, stack_bytes;
static uintptr_t shift; /* where in its line an address lies: see below */

static struct line *find(uintptr_t nr)
{
	size_t at = nr * UINT64_C(0x9e3779b97f4a7c15) >> 40;
	unsigned i;

	for (i = 0; i < TABLE; i++, at++) {
		struct line *line = &lines[at % TABLE];

		if (!line->nr)
			line->nr = nr;
		if (line->nr == nr)
			return line;
	}
	fprintf(stderr, "count-atomics: too many lines\n");
	exit(1);
}

static void touch(const void *address, bool writes)
{
	uint64_t self = UINT64_C(1) << cpu;
	struct line *line;

	if (!counting || (uintptr_t)address - stack_start < stack_bytes)
		return;
	counted.accesses++;
	line = find(((uintptr_t)address + shift) / LINE);
	if (!(line->holders & self))
		counted.moves += line->holders != 0;
	else if (writes)
		counted.upgrades += line->holders != self;
	line->holders = writes ? self : line->holders | self;
}

/* --- what the compiler calls ---------------------------------------------- */

#define PLAIN(bytes)                             \
	void __tsan_read##bytes(void *address);  \
	void __tsan_write##bytes(void *address); \
	void __tsan_read##bytes(void *address)   \
	{                                        \
		touch(address, false);           \
	}                                        \
	void __tsan_write##bytes(void *address)  \
	{                                        \
		touch(address, true);            \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_init(void);
void __tsan_init(void)
{
}

/* What the baseline itself tells the sanitizer of its locks. */
void __tsan_acquire(void *lock);
void __tsan_acquire(void *lock)
{
	(void)lock;
}

void __tsan_release(void *lock);
void __tsan_release(void *lock)
{
	(void)lock;
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

static void touch_range(char *start, size_t bytes, bool writes)
{
	size_t at;

	for (at = 0; at < bytes; at += LINE)
		touch(start + at, writes);
}

void __tsan_read_range(void *start, size_t bytes);
void __tsan_read_range(void *start, size_t bytes)
{
	touch_range(start, bytes, false);
}

void __tsan_write_range(void *start, size_t bytes);
void __tsan_write_range(void *start, size_t bytes)
{
	touch_range(start, bytes, true);
}

/* One thread plays all CPUs, so these need not be atomic. */
#define ATOMIC(bits)                                                      \
	uint##bits##_t __tsan_atomic##bits##_load(                        \
		const volatile uint##bits##_t *a, int order);             \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *a,      \
					 uint##bits##_t x, int order);    \
	uint##bits##_t __tsan_atomic##bits##_exchange(                    \
		volatile uint##bits##_t *a, uint##bits##_t x, int order); \
	uint##bits##_t __tsan_atomic##bits##_load(                        \
		const volatile uint##bits##_t *a, int order)              \
	{                                                                 \
		(void)order;                                              \
		touch((const void *)a, false);                            \
		return *a;                                                \
	}                                                                 \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *a,      \
					 uint##bits##_t x, int order)     \
	{                                                                 \
		(void)order;                                              \
		touch((const void *)a, true);                             \
		*a = x;                                                   \
	}                                                                 \
	uint##bits##_t __tsan_atomic##bits##_exchange(                    \
		volatile uint##bits##_t *a, uint##bits##_t x, int order)  \
	{                                                                 \
		uint##bits##_t old = *a;                                  \
                                                                          \
		(void)order;                                              \
		touch((const void *)a, true);                             \
		*a = x;                                                   \
		return old;                                               \
	}

ATOMIC(8)
ATOMIC(32)

/* --- the run -------------------------------------------------------------- */

static void find_stack(void)
{
	pthread_attr_t attr;
	void *start = NULL;
	size_t bytes = 0;

	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	pthread_attr_getstack(&attr, &start, &bytes);
	pthread_attr_destroy(&attr);
	stack_start = (uintptr_t)start;
	stack_bytes = bytes;
}

/* As the pair case has it: as many objects, each replaced once at random. */
static bool populate(void)
{
	static void *object[LIVE];
	struct rng rng;
	unsigned i, at;

	rng_seed(&rng, 0);
	for (i = 0; i < LIVE; i++) {
		object[i] = baseline_alloc(SIZE, SIZE);
		if (!object[i])
			return false;
	}
	for (i = 0; i < LIVE; i++) {
		at = rng_below(&rng, LIVE);
		baseline_free(object[at]);
		object[at] = baseline_alloc(SIZE, SIZE);
	}
	return true;
}

static void one_round(unsigned cpus)
{
	void *object[MAX_CPUS];

	for (cpu = 0; cpu < cpus; cpu++)
		object[cpu] = baseline_alloc(SIZE, SIZE);
	for (cpu = 0; cpu < cpus; cpu++)
		baseline_free(object[cpu]);
}

static void measure_shifted(unsigned cpus, unsigned rounds)
{
	unsigned i;

	memset(lines, 0, sizeof(lines));
	counting = true;
	one_round(cpus); /* finds out who holds what */
	counted = (struct events){0};
	for (i = 0; i < rounds; i++)
		one_round(cpus);
	counting = false;
}

/*
 * What shares a line depends on where the linker and malloc() have put it, so
 * the mean over all eight places is taken.
 */
bool coherence_measure(unsigned cpus, unsigned rounds, struct coherence *result)
{
	const struct baseline_config config = {
		.nr_cpus = 2,
		.lock = BASELINE_TAS,
		.zero = false,
		.background = false,
	};
	double pairs = (double)rounds * cpus * (LINE / 8);

	if (cpus > MAX_CPUS || baseline_init(&config) || !populate())
		return false;
	find_stack();
	memset(result, 0, sizeof(*result));
	for (shift = 0; shift < LINE; shift += 8) {
		measure_shifted(cpus, rounds);
		result->moves += (double)counted.moves / pairs;
		result->upgrades += (double)counted.upgrades / pairs;
		result->accesses += (double)counted.accesses / pairs;
	}
	baseline_exit();
	return true;
}
