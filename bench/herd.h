// SPDX-License-Identifier: MIT
/*
 * herd.h - a live population, and the random replacing of its members.
 *
 * One thread's: several threads have a herd each. Where memory runs out,
 * errno is the allocator's.
 */
#ifndef BENCH_HERD_H
#define BENCH_HERD_H

#include "case.h"
#include "mix.h"
#include "rival.h"

struct herd {
	const struct rival *rival;
	const struct mix *mix;
	struct rng rng;
	unsigned nr;
	void *object[];
};

/*
 * nr objects of sizes drawn from the mix, all copies written; NULL when memory
 * ran out. Who leaves new memory alone would else have the system find pages
 * for it in the time that is measured, who zeroes it at once would not.
 */
struct herd *herd_new(const struct job *job, const struct mix *mix, unsigned nr,
		      unsigned seed);

/* Each time, frees one picked at random and allocates another. */
bool herd_replace(struct herd *herd, unsigned times);

/* The list only: the objects stay live. */
void herd_forget(struct herd *herd);

#endif
