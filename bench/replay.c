// SPDX-License-Identifier: MIT
/*
 * The replayer: every event as soon as its lane gets to it and what it depends
 * on has happened; the recorded pauses are left out.
 *
 * Allocations recorded as atomic are replayed as plain ones: what they may not
 * do (wait, grow) is a matter of success, not of speed, and a failed
 * allocation would change the rest of the recording. What is still live at the
 * end of a replay is freed before the next, untimed.
 */
#include "replay.h"

#include "clock.h"
#include "crew.h"
#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_ROUNDS = 1000,
	MIN_ROUNDS = 3,
};

/* How many of its steps a lane has done, as far as someone waits for them. */
struct progress {
	_Alignas(64) _Atomic(uint32_t) done;
};

struct stage {
	const struct trace *trace;
	/* Published by the lanes' progress: no access here is atomic. */
	void **object;
	struct progress lane[MAX_LANES];
	struct spin_barrier barrier;
	/* Lane 0 alone writes these, between two barriers. */
	bool again;
	unsigned rounds;
	double ns[MAX_ROUNDS];
	/* Each lane writes its own, before a barrier. */
	uint64_t begin_ns[MAX_LANES];
	uint64_t end_ns[MAX_LANES];
};

static void await(const struct crew *crew, const struct stage *stage,
		  const struct step *step)
{
	const struct progress *other = &stage->lane[step->size];
	unsigned turns = 0;

	/* pairs with [replay-progress] play(): the objects of passed steps */
	while (atomic_load_explicit(&other->done, memory_order_acquire) <=
		       step->at &&
	       !crew_stopped(crew))
		spin_wait(&turns);
}

/* False when an allocation failed. */
static bool play(struct crew *crew, struct stage *stage, unsigned index)
{
	const struct rival *rival = crew->job->rival;
	const struct lane *lane = &stage->trace->lane[index];
	const struct step *step = lane->step, *end = step + lane->nr;

	for (; step < end; step++) {
		switch ((enum step_op)step->op) {
		case STEP_ALLOC:
			stage->object[step->at] =
				rival->alloc(step->size, step->align);
			if (!stage->object[step->at])
				return false;
			break;
		case STEP_FREE:
			rival->free(stage->object[step->at]);
			stage->object[step->at] = NULL;
			break;
		case STEP_WAIT:
			await(crew, stage, step);
			if (crew_stopped(crew))
				return true;
			break;
		}
		/* pairs with [replay-progress] await(): this step's object */
		if (step->announces)
			atomic_store_explicit(&stage->lane[index].done,
					      (uint32_t)(step - lane->step) + 1,
					      memory_order_release);
	}
	return true;
}

static void note_round(struct crew *crew, struct stage *stage,
		       uint64_t first_ns)
{
	uint64_t begin = UINT64_MAX, end = 0;
	unsigned i;

	for (i = 0; i < stage->trace->nr_lanes; i++) {
		if (stage->begin_ns[i] < begin)
			begin = stage->begin_ns[i];
		if (stage->end_ns[i] > end)
			end = stage->end_ns[i];
	}
	stage->ns[stage->rounds++] =
		(double)(end - begin) / stage->trace->nr_events;
	stage->again =
		!crew_stopped(crew) && stage->rounds < MAX_ROUNDS &&
		(stage->rounds <= MIN_ROUNDS ||
		 end - first_ns < crew->job->window_ms * UINT64_C(1000000));
}

static void clear_stage(struct crew *crew, struct stage *stage)
{
	uint32_t i;

	for (i = 0; i < stage->trace->nr_objects; i++) {
		if (stage->object[i])
			crew->job->rival->free(stage->object[i]);
		stage->object[i] = NULL;
	}
	/* relaxed: the barrier that follows publishes it */
	for (i = 0; i < MAX_LANES; i++)
		atomic_store_explicit(&stage->lane[i].done, 0,
				      memory_order_relaxed);
}

static void replay_work(struct crew_member *member)
{
	struct crew *crew = member->crew;
	struct stage *stage = crew->shared;
	uint64_t first_ns = clock_ns();
	unsigned index = member->index;

	do {
		spin_barrier_wait(&stage->barrier);
		stage->begin_ns[index] = clock_ns();
		if (!play(crew, stage, index))
			crew_fail(crew, strerror(errno));
		stage->end_ns[index] = clock_ns();
		spin_barrier_wait(&stage->barrier);
		if (index == 0) {
			note_round(crew, stage, first_ns);
			clear_stage(crew, stage);
		}
		spin_barrier_wait(&stage->barrier);
	} while (stage->again);
}

const char *replay_run(const struct job *job, const struct trace *trace,
		       double *ns)
{
	static struct stage stage;
	struct crew crew = {
		.job = job,
		.members = trace->nr_lanes,
		.work = replay_work,
		.shared = &stage,
	};
	bool done;

	stage.trace = trace;
	stage.object = calloc(trace->nr_objects, sizeof(*stage.object));
	if (!stage.object)
		return strerror(errno);
	spin_barrier_init(&stage.barrier, trace->nr_lanes);
	done = crew_run(&crew);
	/* The first replay pages in code, memory and the trace itself. */
	*ns = stats_median(stage.ns + 1, stage.rounds - 1);
	crew_free(&crew);
	free(stage.object);
	return done ? NULL : crew.error;
}
