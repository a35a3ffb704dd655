// SPDX-License-Identifier: MIT
/*
 * handoff - one thread allocates, another frees, a ring between them.
 *
 * Threads work in couples, each with a ring of its own (Concurrency Kit's, one
 * producer and one consumer). The ring is long enough for the two to run
 * apart, short enough to stay in the cache.
 *
 * What null takes, the way through the ring, is taken off. Beside it stands
 * the round trip of a bare line: the first thread writes it, the second
 * answers on it, each spins until it sees the other's number.
 */
#include "bench/case.h"
#include "bench/clock.h"
#include "bench/crew.h"

#include <ck_ring.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SIZE = 8,
	RING = 1024,
};

#define LEFT (~0ul) /* on the line instead of a number */

struct couple {
	_Alignas(64) ck_ring_t ring;
	ck_ring_buffer_t slot[RING];
	_Alignas(64) atomic_bool done;
	_Alignas(64) atomic_ulong line; /* of the bare round trips */
};

static void allocate_all(struct crew_member *member, struct couple *couple)
{
	const struct rival *rival = member->crew->job->rival;
	unsigned turns = 0;
	void *p;

	while (!crew_stopped(member->crew)) {
		p = rival->alloc(SIZE, SIZE);
		if (!p) {
			crew_fail(member->crew, strerror(errno));
			break;
		}
		while (!ck_ring_enqueue_spsc(&couple->ring, couple->slot, p))
			spin_wait(&turns);
	}
	/* pairs with [handoff-done] free_all(): the last object enqueued */
	atomic_store_explicit(&couple->done, true, memory_order_release);
}

static void free_all(struct crew_member *member, struct couple *couple)
{
	const struct rival *rival = member->crew->job->rival;
	unsigned turns = 0;
	bool done;
	void *p;

	for (;;) {
		/* pairs with [handoff-done] allocate_all(): the last object */
		done = atomic_load_explicit(&couple->done,
					    memory_order_acquire);
		if (ck_ring_dequeue_spsc(&couple->ring, couple->slot, &p)) {
			rival->free(p);
			member->ops++;
		} else if (done) {
			return;
		} else {
			spin_wait(&turns);
		}
	}
}

/* False: the other side has left. */
static bool await_number(struct couple *couple, unsigned long number)
{
	unsigned turns = 0;
	unsigned long seen;

	for (;;) {
		/* pairs with [handoff-line] send(): its side's earlier trips */
		seen = atomic_load_explicit(&couple->line,
					    memory_order_acquire);
		if (seen == number)
			return true;
		if (seen == LEFT)
			return false;
		spin_wait(&turns);
	}
}

static void send(struct couple *couple, unsigned long number)
{
	/* pairs with [handoff-line] await_number(): the same */
	atomic_store_explicit(&couple->line, number, memory_order_release);
}

/* Odd numbers go out, the even one that follows comes back. */
static void trips_work(struct crew_member *member)
{
	struct couple *couples = member->crew->shared;
	struct couple *couple = &couples[member->index / 2];
	unsigned long number;

	if (member->index % 2) {
		for (number = 1; await_number(couple, number); number += 2)
			send(couple, number + 1);
		return;
	}
	for (number = 1; !crew_stopped(member->crew); number += 2) {
		send(couple, number);
		await_number(couple, number + 1);
		member->ops++;
	}
	send(couple, LEFT);
}

static void handoff_work(struct crew_member *member)
{
	struct couple *couples = member->crew->shared;
	struct couple *couple = &couples[member->index / 2];

	if (member->index % 2)
		free_all(member, couple);
	else
		allocate_all(member, couple);
}

static void handoff_run(const struct job *job, struct result *result)
{
	struct crew crew = {
		.job = job,
		.members = job->threads,
		.window_ms = job->window_ms,
		.work = job->rival->bare_trips ? trips_work : handoff_work,
	};
	struct couple *couples;
	unsigned i, nr = job->threads / 2;

	if (job->threads % 2) {
		result_fail(result, "needs an even number of threads");
		return;
	}
	couples = aligned_alloc(64, nr * sizeof(*couples));
	if (!couples) {
		result_fail(result, strerror(errno));
		return;
	}
	for (i = 0; i < nr; i++) {
		ck_ring_init(&couples[i].ring, RING);
		atomic_init(&couples[i].done, false);
		atomic_init(&couples[i].line, 0);
	}
	crew.shared = couples;
	if (crew_run(&crew))
		result_add(result, "ns", crew_ns_per_op(&crew));
	else
		result_fail(result, crew.error);
	crew_free(&crew);
	free(couples);
}

static const struct point points[] = {
	{CPUS_REAL, 2, MODES_LONG},
	{64, 2, MODE_FULL},
	{CPUS_REAL, 8, MODE_FULL},
	{0, 0, 0},
};

const struct bench_case case_handoff = {
	.name = "handoff",
	.what = "8 B: allocated on one thread, freed on another",
	.flags = CASE_NULL | CASE_NET | CASE_TRIPS | CASE_ALL_LOCKS,
	.live = RING,
	.points = points,
	.metrics = metric_ns,
	.run = handoff_run,
};
