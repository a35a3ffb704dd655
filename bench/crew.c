// SPDX-License-Identifier: MIT
#include "crew.h"

#include "clock.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

unsigned crew_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

/*
 * The allowed cores are counted, not numbered: a container's mask may begin
 * anywhere.
 */
void crew_pin(unsigned nth)
{
	cpu_set_t allowed, one;
	size_t cpu;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed) && nth-- == 0)
			break;
	}
	if (cpu == CPU_SETSIZE)
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	/* Failing is no error: the figures are noisier, not wrong. */
	sched_setaffinity(0, sizeof(one), &one);
}

void spin_barrier_init(struct spin_barrier *barrier, unsigned members)
{
	barrier->members = members;
	atomic_init(&barrier->arrived, 0);
	atomic_init(&barrier->round, 0);
}

void spin_barrier_wait(struct spin_barrier *barrier)
{
	unsigned round, turns = 0;

	/* relaxed: this round cannot end before we have arrived in it */
	round = atomic_load_explicit(&barrier->round, memory_order_relaxed);
	/* pairs with [barrier-arrive] itself: the members' writes so far */
	if (atomic_fetch_add_explicit(&barrier->arrived, 1,
				      memory_order_acq_rel) +
		    1 ==
	    barrier->members) {
		/* relaxed: published by the store of round below */
		atomic_store_explicit(&barrier->arrived, 0,
				      memory_order_relaxed);
		/* pairs with [barrier-leave] below: all of the members' writes
		 */
		atomic_store_explicit(&barrier->round, round + 1,
				      memory_order_release);
		return;
	}
	/* pairs with [barrier-leave] above: all of the members' writes */
	while (atomic_load_explicit(&barrier->round, memory_order_acquire) ==
	       round)
		spin_wait(&turns);
}

void crew_stop(struct crew *crew)
{
	/* relaxed: see crew_stopped() */
	atomic_store_explicit(&crew->stop, true, memory_order_relaxed);
}

void crew_fail(struct crew *crew, const char *error)
{
	/* relaxed: read after the members were joined */
	atomic_store_explicit(&crew->error, error, memory_order_relaxed);
	crew_stop(crew);
}

static void *member_main(void *arg)
{
	struct crew_member *member = arg;
	struct crew *crew = member->crew;

	if (crew->members <= crew_cores())
		crew_pin(member->index);
	if (crew->prepare)
		crew->prepare(member);
	spin_barrier_wait(&crew->barrier);
	if (member->index == 0)
		sem_post(&crew->started);
	member->begin_ns = clock_ns();
	crew->work(member);
	member->end_ns = clock_ns();
	spin_barrier_wait(&crew->barrier);
	if (crew->finish)
		crew->finish(member);
	return NULL;
}

/* False leaves threads waiting at the barrier: the worker then exits. */
static bool start_members(struct crew *crew)
{
	unsigned i;

	for (i = 0; i < crew->members; i++) {
		struct crew_member *member = &crew->member[i];

		member->crew = crew;
		member->index = i;
		if (pthread_create(&member->thread, NULL, member_main, member))
			return false;
	}
	return true;
}

bool crew_run(struct crew *crew)
{
	unsigned i;

	crew->member = calloc(crew->members, sizeof(*crew->member));
	spin_barrier_init(&crew->barrier, crew->members);
	sem_init(&crew->started, 0, 0);
	if (!crew->member || !start_members(crew)) {
		crew_fail(crew, "threads cannot be started");
		return false;
	}
	sem_wait(&crew->started);
	if (crew->window_ms) {
		sleep_ns(crew->window_ms * UINT64_C(1000000));
		crew->stop_ns = clock_ns();
		crew_stop(crew);
	}
	for (i = 0; i < crew->members; i++)
		pthread_join(crew->member[i].thread, NULL);
	sem_destroy(&crew->started);
	/* relaxed: pthread_join() ordered the members' writes before this */
	return !atomic_load_explicit(&crew->error, memory_order_relaxed);
}

void crew_free(struct crew *crew)
{
	free(crew->member);
	crew->member = NULL;
}

double crew_ns_per_op(const struct crew *crew)
{
	uint64_t begin = UINT64_MAX, end = 0;
	unsigned long ops = 0;
	unsigned i;

	for (i = 0; i < crew->members; i++) {
		const struct crew_member *member = &crew->member[i];

		if (member->begin_ns < begin)
			begin = member->begin_ns;
		if (member->end_ns > end)
			end = member->end_ns;
		ops += member->ops;
	}
	return ops ? (double)(end - begin) / (double)ops : 0;
}
