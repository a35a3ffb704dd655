// SPDX-License-Identifier: MIT
/*
 * operations - this_cpu operations and pins, beside what they are made of.
 *
 * Loops beside each other (rounds.h), one case for each context.
 *
 *	hand	a restartable sequence by the book: the CPU's number, the
 *		counter's address, then in the sequence: still that CPU? add
 *	least	the shortest: number, shift, add, all in the sequence
 */
#include "bench/by_hand.h"
#include "bench/case.h"
#include "bench/rounds.h"

#include <pcpu.h>

enum { LINES = LIBPCPU_CPUS_MAX };

struct line {
	_Alignas(64) uint64_t count;
};
static struct line lines[LINES];
static uint64_t *handle;
static volatile uint64_t plain;

#if LIBPCPU_SEQUENCES && defined(__x86_64__)
#define HAVE_HAND 1

static inline __attribute__((always_inline)) bool try_hand(void)
{
	uintptr_t at;
	uint64_t *count;
	uint32_t cpu;

	__asm__ __volatile__("movl %%fs:0(%1), %0"
			     : "=r"(cpu)
			     : "r"(__rseq_offset));
	count = &lines[cpu].count;
	__asm__ __volatile__ goto(BY_HAND "cmpl %[cpu], %%fs:4(%[area])\n\t"
					  "jne 4b\n\t"
					  "addq %[x], (%[count])\n"
					  "2:\n\t"
				  : [at] "=&r"(at)
				  : [area] "r"(__rseq_offset), [cpu] "r"(cpu),
				    [count] "r"(count), [x] "r"(UINT64_C(1))
				  : "cc", "memory"
				  : thrown_out);
	return true;
thrown_out:
	return false;
}

static inline __attribute__((always_inline)) bool try_least(void)
{
	uintptr_t at;

	__asm__ __volatile__ goto(
		BY_HAND "movl %%fs:4(%[area]), %k[at]\n\t"
			"shlq $6, %[at]\n\t"
			"incq (%[lines],%[at])\n"
			"2:\n\t"
		: [at] "=&r"(at)
		: [area] "r"(__rseq_offset), [lines] "r"(lines)
		: "cc", "memory"
		: thrown_out);
	return true;
thrown_out:
	return false;
}
#else
#define HAVE_HAND 0

static bool try_hand(void)
{
	return true;
}

static bool try_least(void)
{
	return true;
}
#endif

#define LOOP(name, statement) \
	ROUND_LOOP_WITH(name, uint64_t *p = handle, (void)p; statement)

LOOP(do_plain, plain++)
LOOP(do_atomic, __atomic_fetch_add(&lines[0].count, 1, __ATOMIC_RELAXED))
LOOP(do_hand, while (!try_hand());)
LOOP(do_least, while (!try_least());)
LOOP(do_add, pcpu_this_add(*p, 1))
LOOP(do_read, (void)pcpu_this_read(*p))
LOOP(do_xchg, (void)pcpu_this_xchg(*p, 1))
LOOP(do_cmpxchg, (void)pcpu_this_cmpxchg(*p, 1, 1))
LOOP(do_add_return, (void)pcpu_this_add_return(*p, 1))
LOOP(do_pointer, (*(volatile uint64_t *)pcpu_this_ptr(p))++)
LOOP(do_pin, pcpu_pin(); pcpu_unpin())

static void do_nested(void)
{
	pcpu_pin();
	do_pin();
	pcpu_unpin();
}

static void do_pinned_add(void)
{
	pcpu_pin();
	do_add();
	pcpu_unpin();
}

static const struct loop loops[] = {
	{"plain", do_plain},
	{"atomic", do_atomic},
	{"hand", do_hand},
	{"least", do_least},
	{"ns", do_add},
	{"read", do_read},
	{"xchg", do_xchg},
	{"cmpxchg", do_cmpxchg},
	{"ret", do_add_return},
	{"ptr", do_pointer},
	{"pin", do_pin},
	{"nested", do_nested},
	{"pinned", do_pinned_add},
};
enum { NR_LOOPS = sizeof(loops) / sizeof(loops[0]), HAND = 2, ADD = 4 };

static void operations_run(const struct job *job, struct result *result)
{
	double ns[NR_LOOPS];
	unsigned i;

	if (pcpu_context() != *(const int *)job->bench->arg) {
		result_fail(result, "the system has no such context");
		return;
	}
	handle = pcpu_alloc(sizeof(*handle), sizeof(*handle));
	if (!handle) {
		result_fail(result, "no memory");
		return;
	}
	rounds_run(job, loops, NR_LOOPS, ns);
	for (i = 0; i < NR_LOOPS; i++)
		if (HAVE_HAND || (i != HAND && i != HAND + 1))
			result_add(result, loops[i].name, ns[i]);
	if (HAVE_HAND)
		result_add(result, "of_hand", ns[ADD] / ns[HAND]);
}

static const struct metric metrics[] = {
	{"plain", "x++", 2, false},       {"atomic", "atomic", 2, false},
	{"hand", "hand", 2, false},       {"least", "least", 2, false},
	{"ns", "add", 2, false},          {"of_hand", "of hand", 2, false},
	{"read", "read", 2, false},       {"xchg", "xchg", 2, false},
	{"cmpxchg", "cmpxchg", 2, false}, {"ret", "add_return", 2, false},
	{"ptr", "this_ptr++", 2, false},  {"pin", "pin+unpin", 2, false},
	{"nested", "nested", 2, false},   {"pinned", "pinned add", 2, false},
	{NULL, NULL, 0, false},
};

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_ALL},
	{0, 0, 0},
};

static const int cpu = PCPU_CONTEXT_CPU, thread = PCPU_CONTEXT_THREAD,
		 mm_cid = PCPU_CONTEXT_MM_CID;

#define CASE(id, title, which)                                                 \
	const struct bench_case id = {                                         \
		.name = "operations-" title,                                   \
		.what = "this_cpu operations and pins, context " title ", ns", \
		.flags = CASE_OWN,                                             \
		.context = title,                                              \
		.points = points,                                              \
		.metrics = metrics,                                            \
		.arg = &(which),                                               \
		.run = operations_run,                                         \
	}

CASE(case_operations_cpu, "cpu", cpu);
CASE(case_operations_thread, "thread", thread);
CASE(case_operations_mm_cid, "mm_cid", mm_cid);
