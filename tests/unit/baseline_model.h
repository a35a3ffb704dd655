/* SPDX-License-Identifier: MIT */
/*
 * What the tests of bench/baseline share: a shadow model of the live objects.
 *
 * Each copy of a live object holds a tag of its own object and CPU in every
 * word; an overlap shows as a foreign tag.
 */
#ifndef TESTS_UNIT_BASELINE_MODEL_H
#define TESTS_UNIT_BASELINE_MODEL_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "baseline/baseline.h"
#include "baseline/check.h"

#include "tests/run_suite.h"

#define NR_CPUS 3u
#define PAGE 4096u

struct rng {
	uint64_t state;
};

static inline uint32_t next_random(struct rng *rng)
{
	rng->state = rng->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(rng->state >> 33);
}

static inline uint32_t below(struct rng *rng, uint32_t limit)
{
	return next_random(rng) % limit;
}

static inline void init(unsigned nr_cpus, enum baseline_lock lock,
			bool background)
{
	struct baseline_config config = {
		.nr_cpus = nr_cpus,
		.lock = lock,
		.zero = true,
		.background = background,
	};

	ck_assert_int_eq(baseline_init(&config), 0);
}

static inline size_t nr_live(void)
{
	struct baseline_stats stats;

	baseline_stats_get(&stats);
	return stats.nr_alloc;
}

/* A live object and the size that was asked for. */
struct object {
	void *p;
	size_t size;
	uint32_t tag;
};

static inline uint32_t *copy_of(const struct object *o, unsigned cpu)
{
	return baseline_ptr(o->p, cpu);
}

static inline size_t nr_words(const struct object *o)
{
	return (o->size + 3) / 4;
}

static inline void expect_words(const struct object *o, unsigned cpu,
				uint32_t wanted)
{
	const uint32_t *word = copy_of(o, cpu);
	size_t i;

	for (i = 0; i < nr_words(o); i++)
		if (word[i] != wanted)
			ck_abort_msg("%p cpu %u word %zu of %zu: %x, not %x",
				     o->p, cpu, i, nr_words(o), word[i],
				     wanted);
}

static inline void write_tags(const struct object *o)
{
	uint32_t *word;
	unsigned cpu;
	size_t i;

	for (cpu = 0; cpu < NR_CPUS; cpu++) {
		word = copy_of(o, cpu);
		for (i = 0; i < nr_words(o); i++)
			word[i] = o->tag + cpu;
	}
}

static inline void expect_tags(const struct object *o)
{
	unsigned cpu;

	for (cpu = 0; cpu < NR_CPUS; cpu++)
		expect_words(o, cpu, o->tag + cpu);
}

static inline void expect_fresh(const struct object *o, size_t align)
{
	unsigned cpu;

	for (cpu = 0; cpu < NR_CPUS; cpu++) {
		expect_words(o, cpu, 0);
		if (align)
			ck_assert_uint_eq((uintptr_t)copy_of(o, cpu) % align,
					  0);
	}
	ck_assert_uint_eq(baseline_usable_size(o->p), nr_words(o) * 4);
}

/* Mostly small, now and then up to the largest. */
static inline size_t random_size(struct rng *rng)
{
	switch (below(rng, 16)) {
	case 0:
		return 1 + below(rng, 4096);
	case 1:
		return below(rng, 8)
			       ? 1 + below(rng, 512)
			       : 1 + below(rng, (uint32_t)BASELINE_MAX_SIZE);
	default:
		return 1 + below(rng, 96);
	}
}

static inline size_t random_align(struct rng *rng)
{
	if (below(rng, 4))
		return 0;
	return (size_t)1 << below(rng, below(rng, 8) ? 7 : 13);
}

/* Leaves o->p NULL if an atomic request finds nothing. */
static inline void make(struct object *o, struct rng *rng)
{
	size_t align = random_align(rng);
	bool atomic = below(rng, 8) == 0;

	o->size = random_size(rng);
	o->tag = next_random(rng) & ~(uint32_t)0xff;
	o->p = atomic ? baseline_alloc_atomic(o->size, align)
		      : baseline_alloc(o->size, align);
	if (!o->p) {
		ck_assert(atomic);
		ck_assert_int_eq(errno, ENOMEM);
		return;
	}
	expect_fresh(o, align);
	write_tags(o);
}

static inline void unmake(struct object *o)
{
	expect_tags(o);
	baseline_free(o->p);
	o->p = NULL;
}

static inline void replace_randomly(struct object *objects, uint32_t nr,
				    struct rng *rng, unsigned nr_ops)
{
	struct object *o;

	while (nr_ops--) {
		o = &objects[below(rng, nr)];
		if (o->p)
			unmake(o);
		else
			make(o, rng);
	}
}

static inline void free_most(struct object *objects, uint32_t nr,
			     struct rng *rng, unsigned kept_of_16)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		if (objects[i].p && below(rng, 16) >= kept_of_16)
			unmake(&objects[i]);
}

static inline void check_all(const struct object *objects, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		if (objects[i].p)
			expect_tags(&objects[i]);
	ck_assert_uint_eq(baseline_check(), 0);
}

/* All cases in one, with time for a sanitizer. */
static inline TCase *add_case(Suite *suite)
{
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 300);
	suite_add_tcase(suite, tc);
	return tc;
}

#endif
