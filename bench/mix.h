// SPDX-License-Identifier: MIT
/*
 * mix.h - which sizes a case asks for, and the random numbers to pick them.
 */
#ifndef BENCH_MIX_H
#define BENCH_MIX_H

#include <stdbool.h>
#include <stdint.h>

enum mix_kind {
	MIX_8,      /* 8 bytes, always: plain counters */
	MIX_KERNEL, /* per mille of a kernel-like population */
	MIX_SITES,  /* one entry per alloc_percpu call site of Linux 6.1 */
};

struct mix_entry {
	uint16_t size;
	uint16_t align;
};

/* A draw is one load: an entry stands as often as its weight. */
struct mix {
	unsigned nr;
	struct mix_entry entry[1024];
};

/* False with *error set when the call sites cannot be read. */
bool mix_load(struct mix *mix, enum mix_kind kind, const char *traces,
	      const char **error);

struct rng {
	uint64_t state;
};

static inline void rng_seed(struct rng *rng, unsigned seed)
{
	rng->state = 0x9e3779b97f4a7c15u * (seed + 1u);
}

/* xorshift64*; the low half of its product is the weak one. */
static inline uint32_t rng_next(struct rng *rng)
{
	uint64_t x = rng->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	rng->state = x;
	return (uint32_t)(x * 0x2545f4914f6cdd1du >> 32);
}

/* Below bound, without a division. */
static inline uint32_t rng_below(struct rng *rng, uint32_t bound)
{
	return (uint32_t)((uint64_t)rng_next(rng) * bound >> 32);
}

static inline struct mix_entry mix_draw(const struct mix *mix, struct rng *rng)
{
	return mix->entry[rng_below(rng, mix->nr)];
}

#endif
