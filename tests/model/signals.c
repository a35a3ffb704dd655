// SPDX-License-Identifier: MIT
/*
 * What comes in front of a chosen access where no threads run: a signal
 * handler, or whatever else a test wants to do there.
 */
#include "engine.h"

static unsigned long left; /* accesses until then; 0 for never */
static void (*handler)(void);

void explore_interrupt(unsigned long nth, void (*fn)(void))
{
	left = nth;
	handler = fn;
}

bool explore_uninterrupt(void)
{
	bool came = !left;

	left = 0;
	return came;
}

/* As in the kernel, a handler throws us out of a sequence, and has its own. */
void signals_point(void)
{
	struct thread *thread = &engine.thread[engine.current];
	bool in_sequence = thread->in_sequence;

	if (!left || --left)
		return;
	thread->in_sequence = thread->thrown_out = false;
	handler();
	thread->in_sequence = thread->thrown_out = in_sequence;
}
