// SPDX-License-Identifier: MIT
/*
 * crew.h - N threads that start together, work for a while and are timed.
 *
 * Each member is pinned to a core of its own while the cores suffice. It runs
 * prepare() untimed, meets the others, runs work() timed, meets them again and
 * runs finish() untimed. Any of the three may set the crew's error.
 */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include "case.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>

/*
 * A barrier that spins: waking from a futex takes longer than a whole replay
 * of a short trace. Any number of crossings, always by the same threads.
 */
struct spin_barrier {
	unsigned members;
	atomic_uint arrived;
	atomic_uint round;
};

struct crew;

struct crew_member {
	struct crew *crew;
	unsigned index;
	unsigned long ops; /* work() counts what it finished */
	uint64_t begin_ns;
	uint64_t end_ns;
	void *own; /* prepare()'s, for work() and finish() */
	pthread_t thread;
};

typedef void crew_step(struct crew_member *member);

struct crew {
	const struct job *job;
	unsigned members;
	unsigned window_ms; /* 0: work() ends by itself */
	crew_step *prepare; /* may be NULL */
	crew_step *work;
	crew_step *finish; /* may be NULL */
	void *shared;

	/* crew_run()'s own. */
	uint64_t stop_ns; /* when the window was over */
	struct spin_barrier barrier;
	sem_t started;
	atomic_bool stop;
	_Atomic(const char *) error;
	struct crew_member *member;
};

static inline bool crew_stopped(const struct crew *crew)
{
	/* relaxed: the flag only ends a loop, and carries nothing with it */
	return atomic_load_explicit(&crew->stop, memory_order_relaxed);
}

void spin_barrier_init(struct spin_barrier *barrier, unsigned members);
void spin_barrier_wait(struct spin_barrier *barrier);

/* False: see crew->error. Members' counts stay readable until crew_free(). */
bool crew_run(struct crew *crew);
void crew_free(struct crew *crew);
void crew_stop(struct crew *crew);
void crew_fail(struct crew *crew, const char *error);

/* From the first member's start to the last one's end, per operation. */
double crew_ns_per_op(const struct crew *crew);

/* Cores that this process may run on. */
unsigned crew_cores(void);
/* The calling thread to the nth of them. */
void crew_pin(unsigned nth);

#endif
