/* SPDX-License-Identifier: MIT */
/* The part of <linux/cpumask.h> that works on whole masks. */
#ifndef LIBPCPU_LINUX_LIBPCPU_MASKS_H
#define LIBPCPU_LINUX_LIBPCPU_MASKS_H

#include <linux/cpumask.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline void cpumask_clear(struct cpumask *dstp)
{
	__builtin_memset(dstp, 0, sizeof(*dstp));
}

static inline void cpumask_copy(struct cpumask *dstp,
				const struct cpumask *srcp)
{
	*dstp = *srcp;
}

static inline void cpumask_setall(struct cpumask *dstp)
{
	unsigned int i;

	cpumask_clear(dstp);
	__builtin_memset(dstp, 0xff, libpcpu_mask_words() * sizeof(long));
	for (i = 0; i < libpcpu_mask_words(); i++)
		dstp->bits[i] = libpcpu_mask_word(dstp, i);
}

/* Each word of dst from those of the others; true if a CPU is in the result. */
static inline bool cpumask_and(struct cpumask *dstp,
			       const struct cpumask *src1p,
			       const struct cpumask *src2p)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < libpcpu_mask_words(); i++) {
		dstp->bits[i] = src1p->bits[i] & src2p->bits[i];
		any |= libpcpu_mask_word(dstp, i);
	}
	return any != 0;
}

static inline bool cpumask_andnot(struct cpumask *dstp,
				  const struct cpumask *src1p,
				  const struct cpumask *src2p)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < libpcpu_mask_words(); i++) {
		dstp->bits[i] = src1p->bits[i] & ~src2p->bits[i];
		any |= libpcpu_mask_word(dstp, i);
	}
	return any != 0;
}

static inline void cpumask_or(struct cpumask *dstp, const struct cpumask *src1p,
			      const struct cpumask *src2p)
{
	unsigned int i;

	for (i = 0; i < libpcpu_mask_words(); i++)
		dstp->bits[i] = src1p->bits[i] | src2p->bits[i];
}

static inline void cpumask_xor(struct cpumask *dstp,
			       const struct cpumask *src1p,
			       const struct cpumask *src2p)
{
	unsigned int i;

	for (i = 0; i < libpcpu_mask_words(); i++)
		dstp->bits[i] = src1p->bits[i] ^ src2p->bits[i];
}

static inline void cpumask_complement(struct cpumask *dstp,
				      const struct cpumask *srcp)
{
	unsigned int i;

	for (i = 0; i < libpcpu_mask_words(); i++)
		dstp->bits[i] = ~srcp->bits[i];
}

static inline bool cpumask_empty(const struct cpumask *srcp)
{
	return cpumask_first(srcp) >= nr_cpu_ids;
}

static inline bool cpumask_full(const struct cpumask *srcp)
{
	return cpumask_first_zero(srcp) >= nr_cpu_ids;
}

static inline bool cpumask_intersects(const struct cpumask *src1p,
				      const struct cpumask *src2p)
{
	return cpumask_first_and(src1p, src2p) < nr_cpu_ids;
}

/* Is each CPU of the first in the second? */
static inline bool cpumask_subset(const struct cpumask *src1p,
				  const struct cpumask *src2p)
{
	return libpcpu_mask_next_andnot(-1, src1p, src2p) >= nr_cpu_ids;
}

static inline bool cpumask_equal(const struct cpumask *src1p,
				 const struct cpumask *src2p)
{
	return cpumask_subset(src1p, src2p) && cpumask_subset(src2p, src1p);
}

/* Bytes that hold the bits of all CPUs. */
static inline unsigned int cpumask_size(void)
{
	return libpcpu_mask_words() * (unsigned int)sizeof(long);
}

/* --- masks of the caller's: on the stack, nothing to allocate ------------- */

typedef struct cpumask cpumask_var_t[1];

static inline bool alloc_cpumask_var(cpumask_var_t *mask, gfp_t flags)
{
	(void)mask, (void)flags;
	return true;
}

static inline bool zalloc_cpumask_var(cpumask_var_t *mask, gfp_t flags)
{
	(void)flags;
	cpumask_clear(*mask);
	return true;
}

static inline void free_cpumask_var(struct cpumask *mask)
{
	(void)mask;
}

static inline bool cpumask_available(struct cpumask *mask)
{
	return mask != NULL;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LINUX_LIBPCPU_MASKS_H */
