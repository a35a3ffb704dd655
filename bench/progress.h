// SPDX-License-Identifier: MIT
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include "plan.h"

#include <stdint.h>

/* A bar on stderr; on what is no terminal, a line for every tenth. */
struct progress {
	unsigned all;
	unsigned shown_tenths;
	bool terminal;
	uint64_t begin_ns;
};

void progress_begin(struct progress *progress, unsigned all);
void progress_show(struct progress *progress, unsigned done,
		   const struct cell *next);
void progress_end(struct progress *progress);

#endif
