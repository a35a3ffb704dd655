/* SPDX-License-Identifier: MIT */
/*
 * Interleavings of the real sources in one thread. The library is compiled with
 * MODEL_CHECK, so each of its shared accesses calls model_point() first. There
 * another "thread" can preempt the running one: a function that the test armed,
 * which calls the library as any other CPU would, runs to its end and returns.
 * So every interleaving is reached in which threads are preempted like a stack,
 * on any hardware and with nothing left to chance. What it cannot show are the
 * processor's own reorderings; for these see DESIGN.md, section 7.
 *
 * The world of a test: CPUs that are simulated, a few chunks per arena so that
 * scarcity is near, and no worker, so rounds run only when a test asks for one.
 */
#ifndef TESTS_MODEL_EXPLORE_H
#define TESTS_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena/arena.h"

#define EXPLORE_CPUS 3u
#define EXPLORE_CHUNKS 4u /* of an arena */
#define EXPLORE_OBJECTS_MAX 2048u

/*
 * To be called first in main(). Runs the program again with a machine of
 * EXPLORE_CPUS in nr_nodes nodes, which the library has to find when it starts.
 */
void explore_start(char **argv, unsigned nr_nodes);

/* --- time ----------------------------------------------------------------- */

/* Call preempt() in front of the nth shared access from now on, once. It may
 * arm the next one, to preempt itself or what it preempted. */
void explore_arm(unsigned long nth, void (*preempt)(void));

/* No more preemption. Returns whether one was still to come. */
bool explore_disarm(void);

/* Note the places of the shared accesses that follow ... */
void explore_record(void);

/* ... and look among those that follow then for the first that conflicts: */
void explore_watch(void);

/* its number, counting from 1, or 0 if there is none. Ends the watch. */
unsigned long explore_conflict(void);

/* What runs on which CPU and when, for the messages. */
extern char explore_schedule[256];

/* Fail the Check test with the schedule in front. */
_Noreturn void explore_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#define explore_expect(condition, ...) \
	((condition) ? (void)0 : explore_fail(__VA_ARGS__))

/* Shared accesses so far, by the CPU that made them, and fences: what the
 * model of restartable sequences goes by. front.c */
extern unsigned long explore_nr_points[EXPLORE_CPUS];
extern unsigned long explore_nr_fences;

/* --- space ---------------------------------------------------------------- */

/* What the running thread takes for its CPU. */
void explore_on_cpu(unsigned cpu);
unsigned explore_cpu(void);

/*
 * Allocate, check that the object is zero and apart from all others, and fill
 * it. NULL if there is no memory.
 */
void *explore_alloc(size_t size, unsigned flags);

/* Check that the object is as we left it, and free it. */
void explore_free(void *handle);

/* The same in bulk; without memory the handles are NULL. */
void explore_alloc_bulk(size_t size, size_t nr, void **handles);
void explore_free_bulk(size_t nr, void **handles);

/* Live objects in no useful order; a free moves the last to its place. */
struct explore_object {
	char *handle;
	size_t size; /* of its class */
	uint32_t stamp;
};
extern struct explore_object explore_objects[EXPLORE_OBJECTS_MAX];
extern unsigned explore_nr_objects;

/* Allocations that failed, since the last reset. */
extern unsigned explore_nr_refused;

/* All CPUs let go of their slabs. */
void explore_drain(void);

/* Empty chunks are set aside. */
void explore_retire_chunks(void);

/* pcpu_trim(), less the round if the caller has preempted one. */
void explore_trim(void);

/* The round alone; nothing, if the caller has preempted one. */
void explore_round(void);

/* Grace periods since the start: they take no time here. */
extern unsigned explore_nr_graces;

/* --- truth ---------------------------------------------------------------- */

/*
 * With all threads at rest: recompute what the hints and counters must say from
 * the words, and compare. invariants.c
 */
void explore_check(void);

/* Free everything, see that nothing is left, and begin anew. */
void explore_reset(void);

#endif /* TESTS_MODEL_EXPLORE_H */
