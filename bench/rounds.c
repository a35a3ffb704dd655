// SPDX-License-Identifier: MIT
#include "rounds.h"

#include "clock.h"

#include <stdint.h>

static double time_round(const struct loop *loop)
{
	uint64_t begin = clock_ns();

	loop->run();
	return (double)(clock_ns() - begin) / ROUND;
}

void rounds_run(const struct job *job, const struct loop *loops, unsigned nr,
		double *ns)
{
	uint64_t end = clock_ns() + (uint64_t)job->window_ms * 1000000;
	unsigned i;

	/* The first round meets pages that nobody has touched. */
	for (i = 0; i < nr; i++) {
		loops[i].run();
		ns[i] = time_round(&loops[i]);
	}
	while (clock_ns() < end)
		for (i = 0; i < nr; i++) {
			double one = time_round(&loops[i]);

			ns[i] = one < ns[i] ? one : ns[i];
		}
}
