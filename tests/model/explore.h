/* SPDX-License-Identifier: MIT */
/*
 * The interleaving explorer: the library's real sources, every interleaving of
 * a few threads, one process.
 *
 * The library is compiled with MODEL_CHECK, so each of its shared accesses asks
 * model_access() first. There the running thread, which is a coroutine, may be
 * made to stop while others go on. A scenario prepares a small world and says
 * what two to four threads do in it; the explorer runs it again and again from
 * that world on, each time under another schedule, until it has seen all that
 * have no more preemptions than the bound.
 *
 *	engine.c	threads, and what can happen next
 *	search.c	which of it: all there is, a random walk, a replay
 *	memory.c	places, the way back to the start
 *	stores.c	accesses, store buffers (x86-TSO)
 *	kernel.c	CPUs, membarrier(), futexes, locks, madvise()
 *	graces.c	grace periods
 *	sequences.c	restartable sequences as the kernel sees them
 *	front.c		those of the allocator
 *	caches.c	those of object caches
 *	pins.c		those of pins and operations
 *	signals.c	what comes in between where no threads run
 *	copies.c	the memory of copies
 *	world.c		the objects that threads hold
 *	invariants.c	what must be true at rest
 *	trace.c		names for addresses, and a replay for people to read
 *
 * Which interleavings there are to see, and why some need not be tried, is told
 * in engine.c.
 */
#ifndef TESTS_MODEL_EXPLORE_H
#define TESTS_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena/arena.h"
#include "pcpu/context.h"

#define EXPLORE_CPUS 4u
#define EXPLORE_CHUNKS 4u /* of an arena */
#define EXPLORE_THREADS 4u
#define EXPLORE_OBJECTS_MAX 2048u

/*
 * To be called first in main(). Runs the program again with a machine of
 * EXPLORE_CPUS in nr_nodes nodes, which the library has to find when it starts.
 */
void explore_start(char **argv, unsigned nr_nodes);

/* --- scenarios ------------------------------------------------------------ */

struct scenario {
	const char *name;
	void (*prepare)(void); /* alone, on CPU 0; or NULL */
	void (*thread[EXPLORE_THREADS])(void);
	/* Thread i runs on CPU i, or where this says: 1 + CPU. */
	uint8_t cpu[EXPLORE_THREADS];
	/* When all threads have ended, alone: checks of the scenario's own,
	 * besides those of explore_check(). Or NULL. */
	void (*after)(void);
	/* Live objects at the end that are no explore_alloc()'s. Or NULL. */
	unsigned (*nr_others)(void);
	/* Somebody must be refused with a message that has this in it, which
	 * ends the process. Or NULL. */
	const char *refusal;
	unsigned bound;    /* preemptions; 0 stands for 2 */
	bool may_fail;     /* allocations need not find memory */
	uint8_t daemons;   /* a bit per thread that need not end */
	unsigned nr_least; /* executions that there must be, at least */
};

/*
 * Scenarios are found wherever they are defined:
 *
 *	SCENARIO(two_claims) = {
 *		.name = "claim, claim",
 *		.prepare = list_one,
 *		.thread = {allocate, allocate},
 *	};
 */
#define SCENARIO(id)                                               \
	static const struct scenario id;                           \
	static const struct scenario *const id##_entry             \
		__attribute__((section("scenarios"), used)) = &id; \
	static const struct scenario id

extern const struct scenario *const
	scenarios_begin[] __asm__("__start_scenarios")
		__attribute__((visibility("hidden")));
extern const struct scenario *const scenarios_end[] __asm__("__stop_scenarios")
	__attribute__((visibility("hidden")));

/* Sequentially consistent; with a store buffer per CPU as x86-64 has it; that,
 * and a system without restartable sequences. */
enum explore_model { EXPLORE_SC, EXPLORE_TSO, EXPLORE_BARE, EXPLORE_MODELS };

/* What a search has seen. */
struct explore_result {
	unsigned long nr_ended;  /* executions that came to their end */
	unsigned long nr_merged; /* that came to a state seen before */
	unsigned bound;
	bool complete;
	double seconds;
};

/*
 * Search all schedules of the scenario up to its bound, or that of the
 * environment's EXPLORE_BOUND. Fails the Check test with the first that goes
 * wrong, and prints how to replay it.
 */
void explore_all(const struct scenario *scenario, enum explore_model model,
		 struct explore_result *result);

/* The same, and a line about it. */
void explore_and_tell(const struct scenario *scenario,
		      enum explore_model model);

/* Begin anew, on the model's system. */
void explore_reset_for(enum explore_model model);

/* Run it once, under a random schedule that depends on the seed alone, and
 * leave the world as it is then. */
void explore_random(const struct scenario *scenario, enum explore_model model,
		    uint64_t seed);

/* Does the environment ask for another scenario? */
bool explore_is_left_out(const struct scenario *scenario,
			 enum explore_model model);

/* --- for threads ---------------------------------------------------------- */

/* Who runs; EXPLORE_THREADS for nobody: while scenarios prepare and check. */
unsigned explore_thread(void);

/* What the running thread takes for its CPU. */
void explore_on_cpu(unsigned cpu);
unsigned explore_cpu(void);

/* Another thread of the scenario is moved, wherever it is. */
void explore_move(unsigned thread, unsigned cpu);

/* The running thread has no rseq area, and what it is told of its CPU is no
 * longer true when it hears of it. */
void explore_take_for_cpu(unsigned cpu);

/* Wait until ready(), which looks at places that others change. */
void explore_wait(bool (*ready)(const void *), const void *arg);

/* Let others run: at no cost, as this is no preemption. */
void explore_yield(void);

/* Whoever writes something that is to be as before in the next execution,
 * other than by chunk/atomic.h: */
void explore_save(const void *start, size_t bytes);

/* Read-side sections of a program's own RCU readers. */
void explore_read_lock(void);
void explore_read_unlock(void);

/* Grace periods since the start. */
unsigned explore_nr_graces(void);

/* The worker, as a thread of a scenario; prepare with explore_want_worker(). */
void explore_want_worker(void);
void explore_worker(void);

/* End the execution as wrong. In the test itself, fail the Check test. */
_Noreturn void explore_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#define explore_expect(condition, ...) \
	((condition) ? (void)0 : explore_fail(__VA_ARGS__))

/* Put in front of messages of failures outside of executions. */
extern char explore_context[256];

/* What the thread of a scenario is to <pcpu/context.h>. */
const struct libpcpu_thread *explore_self_of(unsigned thread);

/* So often somebody went to sleep, in all executions. */
extern unsigned long explore_nr_sleeps;

/*
 * Outside of executions: run fn() in front of the n-th access from now on, as a
 * signal handler would. The second ends that, and says whether it came so far.
 */
void explore_interrupt(unsigned long nth, void (*fn)(void));
bool explore_uninterrupt(void);

/* --- objects -------------------------------------------------------------- */

/*
 * Allocate, check that the object is zero and apart from all others, and fill
 * it. NULL if there is no memory.
 */
void *explore_alloc(size_t size, unsigned flags);

/* Check that the object is as we left it, and free it. */
void explore_free(void *handle);

/* An object that several threads free: nobody's, and there is no check of it.
 */
void *explore_alloc_unowned(size_t size);
void explore_leave_unowned(void *handle); /* that was allocated otherwise */
void explore_free_unowned(void *handle);
void explore_free_unowned_bulk(size_t nr, void **handles);

/* The same in bulk; without memory the handles are NULL. */
void explore_alloc_bulk(size_t size, size_t nr, void **handles);
void explore_free_bulk(size_t nr, void **handles);

/* Live objects in no useful order; a free moves the last to its place. */
struct explore_object {
	char *handle;
	size_t size; /* of its class */
	uint32_t stamp;
	uint32_t thread; /* that allocated it */
};
extern struct explore_object explore_objects[EXPLORE_OBJECTS_MAX];
extern unsigned explore_nr_objects;

/* Objects beside these: what the scenario says of nr_others. */
unsigned explore_nr_others(void);

/* An object that the running thread is to free, and nobody else. */
void *explore_own_object(unsigned n);

/* Allocations that failed, since the last reset. */
extern unsigned explore_nr_refused;

/* All CPUs let go of their slabs. */
void explore_drain(void);

/* Empty chunks are set aside. */
void explore_retire_chunks(void);

/* pcpu_trim(). */
void explore_trim(void);

/* The round alone. */
void explore_round(void);

/* --- truth ---------------------------------------------------------------- */

/*
 * With all threads at rest: recompute what the hints and counters must say from
 * the words, and compare. invariants.c
 */
void explore_check(void);

/* Clean pages are read too (I4). */
extern bool explore_clean_too;

/* Free everything, see that nothing is left, and begin anew. */
void explore_reset(void);

#endif /* TESTS_MODEL_EXPLORE_H */
