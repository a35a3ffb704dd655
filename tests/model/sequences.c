// SPDX-License-Identifier: MIT
/*
 * Restartable sequences, as far as the kernel has a part in them: who is thrown
 * out, and where.
 */
#include "engine.h"

atom32 kernel_fences; /* stays 0 */

void sequence_begin(void)
{
	load_relaxed(&kernel_fences);
	engine.thread[engine.current].in_sequence = true;
}

void sequence_leave(void)
{
	struct thread *thread = &engine.thread[engine.current];

	thread->in_sequence = thread->thrown_out = false;
}

static bool goes_on(const void *at, bool drains)
{
	struct touch touch = {
		.place = memory_place(at),
		.drains = drains,
		.commits = true,
	};

	memory_settle();
	engine.step++; /* what was read before may become a point, too */
	if (engine.scheduled)
		engine_point(&touch);
	if (!engine.running)
		signals_point();
	return !engine.thread[engine.current].thrown_out;
}

bool sequence_goes_on(const void *at)
{
	return goes_on(at, false);
}

static bool commit(const void *at, bool drains)
{
	bool may = goes_on(at, drains);

	sequence_leave();
	return may;
}

bool sequence_commit(const void *at)
{
	return commit(at, false);
}

bool sequence_commit_locked(const void *at)
{
	return commit(at, true);
}
