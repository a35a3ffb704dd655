// SPDX-License-Identifier: MIT
/*
 * Steady states to count in. Each thread warms up uncounted, meets the others,
 * does its share counted, meets them again and cleans up uncounted.
 */
#include "scenario.h"

#include "bench/clock.h"
#include "bench/crew.h"
#include "bench/mix.h"
#include "tally.h"

#include <ck_ring.h>
#include <pcpu.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	LIVE = 10000, /* as in the benchmark, shared out among the threads */
	FIRST_PAIRS = 1000,
	MAX_CREW = 2,
	RING = 1024,
};

struct herd {
	struct rng rng;
	unsigned nr;
	void *object[LIVE];
};

static struct herd herds[MAX_CREW];
static struct mix counters, kernel;
static _Alignas(64) ck_ring_t ring;
static ck_ring_buffer_t ring_slots[RING];

static void *get(const struct mix *mix, struct rng *rng)
{
	struct mix_entry entry = mix_draw(mix, rng);
	void *p = pcpu_alloc(entry.size, entry.align);

	if (!p) {
		perror("count-atomics: pcpu_alloc");
		exit(1);
	}
	return p;
}

static void replace(struct herd *herd, const struct mix *mix, unsigned times)
{
	unsigned at;

	while (times--) {
		at = rng_below(&herd->rng, herd->nr);
		pcpu_free(herd->object[at]);
		herd->object[at] = get(mix, &herd->rng);
	}
}

static void populate(const struct mix *mix, unsigned thread, unsigned threads)
{
	struct herd *herd = &herds[thread];
	unsigned i;

	herd->nr = LIVE / threads;
	rng_seed(&herd->rng, thread);
	for (i = 0; i < herd->nr; i++)
		herd->object[i] = get(mix, &herd->rng);
	replace(herd, mix, herd->nr);
}

static void disperse(unsigned thread)
{
	while (herds[thread].nr)
		pcpu_free(herds[thread].object[--herds[thread].nr]);
}

static void populate_kernel(unsigned thread, unsigned threads)
{
	populate(&kernel, thread, threads);
	/* Until slabs of all sizes are as full as they will be. */
	replace(&herds[thread], &kernel, 10 * herds[thread].nr);
}

static void run_pairs(unsigned thread, unsigned pairs)
{
	while (pairs--)
		pcpu_free(get(&counters, &herds[thread].rng));
}

static void warm_pairs(unsigned thread, unsigned threads)
{
	populate(&counters, thread, threads);
	/* The first may meet a full word, and moves on to the next. */
	run_pairs(thread, FIRST_PAIRS);
}

static void run_churn(unsigned thread, unsigned pairs)
{
	replace(&herds[thread], &kernel, pairs);
}

/* The first thread allocates, the second frees. */
static void run_handoff(unsigned thread, unsigned pairs)
{
	unsigned turns = 0;
	void *p;

	while (pairs--) {
		if (thread == 0) {
			p = get(&counters, &herds[0].rng);
			while (!ck_ring_enqueue_spsc(&ring, ring_slots, p))
				spin_wait(&turns);
		} else {
			while (!ck_ring_dequeue_spsc(&ring, ring_slots, &p))
				spin_wait(&turns);
			pcpu_free(p);
		}
	}
}

static void warm_handoff(unsigned thread, unsigned threads)
{
	populate(&counters, thread, threads);
	run_handoff(thread, LIVE);
}

const struct scenario scenarios[] = {
	{"pair", "8 B: allocate and free at once", 1, warm_pairs, run_pairs,
	 disperse, 1},
	{"pair", "the same on two CPUs", 2, warm_pairs, run_pairs, disperse, 2},
	{"churn", "random replace, kernel-like mix", 1, populate_kernel,
	 run_churn, disperse, 1},
	{"churn", "the same on two CPUs", 2, populate_kernel, run_churn,
	 disperse, 2},
	{"handoff", "8 B: allocated on one CPU, freed on the other", 2,
	 warm_handoff, run_handoff, disperse, 1},
	{NULL, NULL, 0, NULL, NULL, NULL, 0},
};

struct order {
	const struct scenario *scenario;
	unsigned pairs;
};

static void prepare(struct crew_member *member)
{
	const struct order *order = member->crew->shared;

	order->scenario->warm_up(member->index, order->scenario->threads);
}

/* Everybody is warm: the crew met right before, and meets right after. */
static void work(struct crew_member *member)
{
	const struct order *order = member->crew->shared;

	tally_start();
	order->scenario->run(member->index, order->pairs);
}

static void finish(struct crew_member *member)
{
	const struct order *order = member->crew->shared;

	tally_stop();
	order->scenario->clean_up(member->index);
}

static double overlap_of(const struct crew *crew)
{
	uint64_t begin = 0, first = UINT64_MAX, end = UINT64_MAX, last = 0;
	unsigned i;

	for (i = 0; i < crew->members; i++) {
		const struct crew_member *member = &crew->member[i];

		first = member->begin_ns < first ? member->begin_ns : first;
		begin = member->begin_ns > begin ? member->begin_ns : begin;
		end = member->end_ns < end ? member->end_ns : end;
		last = member->end_ns > last ? member->end_ns : last;
	}
	if (end <= begin)
		return 0;
	return (double)(end - begin) / (double)(last - first);
}

bool scenario_run(const struct scenario *scenario, unsigned pairs,
		  double *overlap)
{
	struct order order = {.scenario = scenario, .pairs = pairs};
	struct crew crew = {
		.members = scenario->threads,
		.prepare = prepare,
		.work = work,
		.finish = finish,
		.shared = &order,
	};
	const char *error = NULL;
	bool done;

	mix_load(&counters, MIX_8, NULL, &error);
	mix_load(&kernel, MIX_KERNEL, NULL, &error);
	ck_ring_init(&ring, RING);
	tally_clear();
	done = crew_run(&crew);
	*overlap = done ? overlap_of(&crew) : 0;
	crew_free(&crew);
	return done;
}
