/* SPDX-License-Identifier: MIT */
/*
 * Sets of CPUs, and the possible CPUs: those that every per-CPU object has a
 * copy for. They are constant, and all of them are online here: a CPU that goes
 * offline keeps its copies, and as nobody tells callers to take over what is in
 * these, for_each_online_cpu() must go on visiting them.
 */
#ifndef LIBPCPU_LINUX_CPUMASK_H
#define LIBPCPU_LINUX_CPUMASK_H

#include <stdbool.h>

#include <linux/gfp.h>
#include <pcpu/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For arrays with a member for each CPU. */
#ifndef NR_CPUS
#define NR_CPUS LIBPCPU_CPUS_MAX
#endif

/*
 * Highest possible CPU number plus one; constant. A second name for the
 * library's variable, not a macro: structures have members of that name.
 */
extern unsigned int nr_cpu_ids __asm__("libpcpu_nr_cpu_ids");

#define nr_cpumask_bits nr_cpu_ids

typedef struct cpumask {
	unsigned long bits[LIBPCPU_CPUS_MAX / LIBPCPU_LONG_BITS];
} cpumask_t;

#define cpumask_bits(maskp) ((maskp)->bits)

#define cpu_possible_mask ((const struct cpumask *)libpcpu_possible)
#define cpu_online_mask cpu_possible_mask
#define cpu_present_mask cpu_possible_mask
#define cpu_active_mask cpu_possible_mask

/* --- one CPU -------------------------------------------------------------- */

static inline unsigned long libpcpu_cpu_bit(unsigned int cpu)
{
	return 1ul << cpu % LIBPCPU_LONG_BITS;
}

static inline bool cpumask_test_cpu(int cpu, const struct cpumask *mask)
{
	unsigned int nr = (unsigned int)cpu;

	return (mask->bits[nr / LIBPCPU_LONG_BITS] & libpcpu_cpu_bit(nr)) != 0;
}

/* Atomic, but for those with underscores; the test_and_ ones are ordered. */
static inline void cpumask_set_cpu(unsigned int cpu, struct cpumask *dstp)
{
	__atomic_fetch_or(&dstp->bits[cpu / LIBPCPU_LONG_BITS],
			  libpcpu_cpu_bit(cpu), __ATOMIC_RELAXED);
}

static inline void __cpumask_set_cpu(unsigned int cpu, struct cpumask *dstp)
{
	dstp->bits[cpu / LIBPCPU_LONG_BITS] |= libpcpu_cpu_bit(cpu);
}

static inline void cpumask_clear_cpu(int cpu, struct cpumask *dstp)
{
	unsigned int nr = (unsigned int)cpu;

	__atomic_fetch_and(&dstp->bits[nr / LIBPCPU_LONG_BITS],
			   ~libpcpu_cpu_bit(nr), __ATOMIC_RELAXED);
}

static inline void __cpumask_clear_cpu(int cpu, struct cpumask *dstp)
{
	unsigned int nr = (unsigned int)cpu;

	dstp->bits[nr / LIBPCPU_LONG_BITS] &= ~libpcpu_cpu_bit(nr);
}

static inline bool cpumask_test_and_set_cpu(int cpu, struct cpumask *cpumask)
{
	unsigned int nr = (unsigned int)cpu;
	unsigned long bit = libpcpu_cpu_bit(nr);

	return (__atomic_fetch_or(&cpumask->bits[nr / LIBPCPU_LONG_BITS], bit,
				  __ATOMIC_SEQ_CST) &
		bit) != 0;
}

static inline bool cpumask_test_and_clear_cpu(int cpu, struct cpumask *cpumask)
{
	unsigned int nr = (unsigned int)cpu;
	unsigned long bit = libpcpu_cpu_bit(nr);

	return (__atomic_fetch_and(&cpumask->bits[nr / LIBPCPU_LONG_BITS], ~bit,
				   __ATOMIC_SEQ_CST) &
		bit) != 0;
}

static inline unsigned int cpumask_check(unsigned int cpu)
{
	return cpu;
}

/* --- words ---------------------------------------------------------------- */

/* Those that have bits of CPUs; what is behind them is never looked at. */
static inline unsigned int libpcpu_mask_words(void)
{
	const unsigned int bits = LIBPCPU_LONG_BITS;

	return (nr_cpu_ids + bits - 1) / bits;
}

/* A mask's word, without bits above the last CPU's. */
static inline unsigned long libpcpu_mask_word(const struct cpumask *mask,
					      unsigned int i)
{
	unsigned long word = mask->bits[i];
	unsigned int end = nr_cpu_ids % LIBPCPU_LONG_BITS;

	if (end && i == nr_cpu_ids / LIBPCPU_LONG_BITS)
		word &= libpcpu_cpu_bit(end) - 1;
	return word;
}

/* The first set bit from start on of a xor flip, b being all if NULL. */
static inline unsigned int libpcpu_mask_find(const struct cpumask *a,
					     const struct cpumask *b,
					     unsigned long flip_a,
					     unsigned long flip_b,
					     unsigned int start)
{
	unsigned int i = start / LIBPCPU_LONG_BITS;
	unsigned long above = ~0ul << start % LIBPCPU_LONG_BITS;

	for (; i < libpcpu_mask_words(); i++, above = ~0ul) {
		unsigned long word = (a->bits[i] ^ flip_a) & above;

		if (b)
			word &= b->bits[i] ^ flip_b;
		if (word) {
			unsigned int cpu = i * (unsigned int)LIBPCPU_LONG_BITS +
					   (unsigned int)__builtin_ctzl(word);

			return cpu < nr_cpu_ids ? cpu : nr_cpu_ids;
		}
	}
	return nr_cpu_ids;
}

/* --- searches: nr_cpu_ids or more if there is none; n may be -1 ----------- */

static inline unsigned int cpumask_next(int n, const struct cpumask *srcp)
{
	return libpcpu_mask_find(srcp, NULL, 0, 0, (unsigned int)(n + 1));
}

static inline unsigned int cpumask_next_zero(int n, const struct cpumask *srcp)
{
	return libpcpu_mask_find(srcp, NULL, ~0ul, 0, (unsigned int)(n + 1));
}

static inline unsigned int cpumask_next_and(int n, const struct cpumask *src1p,
					    const struct cpumask *src2p)
{
	return libpcpu_mask_find(src1p, src2p, 0, 0, (unsigned int)(n + 1));
}

static inline unsigned int libpcpu_mask_next_andnot(int n,
						    const struct cpumask *src1p,
						    const struct cpumask *src2p)
{
	return libpcpu_mask_find(src1p, src2p, 0, ~0ul, (unsigned int)(n + 1));
}

static inline unsigned int cpumask_first(const struct cpumask *srcp)
{
	return cpumask_next(-1, srcp);
}

static inline unsigned int cpumask_first_zero(const struct cpumask *srcp)
{
	return cpumask_next_zero(-1, srcp);
}

static inline unsigned int cpumask_first_and(const struct cpumask *srcp1,
					     const struct cpumask *srcp2)
{
	return cpumask_next_and(-1, srcp1, srcp2);
}

static inline unsigned int cpumask_last(const struct cpumask *srcp)
{
	unsigned int i = libpcpu_mask_words();

	while (i--) {
		unsigned long word = libpcpu_mask_word(srcp, i);

		if (word)
			return (i + 1) * (unsigned int)LIBPCPU_LONG_BITS - 1 -
			       (unsigned int)__builtin_clzl(word);
	}
	return nr_cpu_ids;
}

/*
 * The next one of a walk around that began at start; wrap is false for the
 * first one. After the last one it is nr_cpumask_bits.
 */
static inline unsigned int cpumask_next_wrap(int n, const struct cpumask *mask,
					     int start, bool wrap)
{
	unsigned int begin = (unsigned int)start;
	unsigned int next = cpumask_next(n, mask);
	bool around = wrap && (unsigned int)n + 1 <= begin;

	/* In the second half, which ends where the first one began. */
	if (around)
		return next < begin ? next : nr_cpu_ids;
	if (next < nr_cpu_ids)
		return next;
	next = cpumask_first(mask);
	return next < begin ? next : nr_cpu_ids;
}

#define cpumask_any(srcp) cpumask_first(srcp)
#define cpumask_any_and(mask1, mask2) cpumask_first_and((mask1), (mask2))

/* --- visits --------------------------------------------------------------- */

/* In ascending order; cpu is any integer variable, at the end nr_cpu_ids. */
#define libpcpu_for_each(cpu, first, next)     \
	for ((cpu) = (__typeof__(cpu))(first); \
	     (unsigned int)(cpu) < nr_cpu_ids; \
	     (cpu) = (__typeof__(cpu))(next))

#define for_each_cpu(cpu, mask)                    \
	libpcpu_for_each(cpu, cpumask_first(mask), \
			 cpumask_next((int)(cpu), mask))
#define for_each_cpu_not(cpu, mask)                     \
	libpcpu_for_each(cpu, cpumask_first_zero(mask), \
			 cpumask_next_zero((int)(cpu), mask))
#define for_each_cpu_and(cpu, mask1, mask2)                    \
	libpcpu_for_each(cpu, cpumask_first_and(mask1, mask2), \
			 cpumask_next_and((int)(cpu), mask1, mask2))
#define for_each_cpu_andnot(cpu, mask1, mask2)                            \
	libpcpu_for_each(cpu, libpcpu_mask_next_andnot(-1, mask1, mask2), \
			 libpcpu_mask_next_andnot((int)(cpu), mask1, mask2))

/* From start around to the one before it; start is evaluated once. */
#define for_each_cpu_wrap(cpu, mask, start) \
	LIBPCPU_WRAP(cpu, mask, start, __COUNTER__)
#define LIBPCPU_WRAP(cpu, mask, start, nr) LIBPCPU_WRAP_NR(cpu, mask, start, nr)
#define LIBPCPU_WRAP_NR(cpu, mask, start, nr)                      \
	libpcpu_for_each_wrap(cpu, mask, start, libpcpu_start##nr, \
			      libpcpu_wrap##nr)
#define libpcpu_for_each_wrap(cpu, mask, start, once, wrap)               \
	for (int once = (int)(start),                                     \
		 wrap = ((cpu) = (__typeof__(cpu))cpumask_next_wrap(      \
				 once - 1, mask, once, false),            \
			true);                                            \
	     (unsigned int)(cpu) < nr_cpu_ids;                            \
	     (cpu) = (__typeof__(cpu))cpumask_next_wrap((int)(cpu), mask, \
							once, wrap))

#define for_each_possible_cpu(cpu) for_each_cpu (cpu, cpu_possible_mask)
#define for_each_online_cpu(cpu) for_each_cpu (cpu, cpu_online_mask)
#define for_each_present_cpu(cpu) for_each_cpu (cpu, cpu_present_mask)

static inline unsigned int cpumask_weight(const struct cpumask *srcp)
{
	unsigned int i, nr = 0;

	for (i = 0; i < libpcpu_mask_words(); i++)
		nr += (unsigned int)__builtin_popcountl(
			libpcpu_mask_word(srcp, i));
	return nr;
}

/* --- the possible CPUs ---------------------------------------------------- */

static inline unsigned int num_possible_cpus(void)
{
	return cpumask_weight(cpu_possible_mask);
}

static inline unsigned int num_online_cpus(void)
{
	return num_possible_cpus();
}

static inline unsigned int num_present_cpus(void)
{
	return num_possible_cpus();
}

static inline unsigned int num_active_cpus(void)
{
	return num_possible_cpus();
}

/* Any number may be asked about. */
static inline bool cpu_possible(unsigned int cpu)
{
	return cpu < nr_cpu_ids &&
	       cpumask_test_cpu((int)cpu, cpu_possible_mask);
}

static inline bool cpu_online(unsigned int cpu)
{
	return cpu_possible(cpu);
}

static inline bool cpu_present(unsigned int cpu)
{
	return cpu_possible(cpu);
}

static inline bool cpu_active(unsigned int cpu)
{
	return cpu_possible(cpu);
}

static inline bool cpu_is_offline(unsigned int cpu)
{
	return !cpu_online(cpu);
}

#ifdef __cplusplus
}
#endif

#include <linux/libpcpu-masks.h>

#endif /* LIBPCPU_LINUX_CPUMASK_H */
