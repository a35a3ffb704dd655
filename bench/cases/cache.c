// SPDX-License-Identifier: MIT
/*
 * cache - an object cache's pair, beside a bare stack; what it holds when idle.
 *
 * The loops run in turn, in rounds so short that most are not preempted, and
 * the least time of each counts, as in the case "operations".
 *
 *	bare	pop and push on a stack of pointers for each CPU, the shortest
 *		restartable sequences that there are
 *	ns	pcpu_cache_alloc() and pcpu_cache_free() of 8 bytes per CPU
 *	process	the same of a descriptor with four counters tied to it
 *	fresh	what the cache spares: pcpu_alloc() and pcpu_free() of 8 bytes
 *	made	of the descriptor, with malloc() and four of those
 */
#include "bench/by_hand.h"
#include "bench/case.h"
#include "bench/clock.h"

#include <errno.h>
#include <pcpu/cache.h>
#include <stdlib.h>
#include <string.h>

enum { ROUND = 2000, COUNTERS = 4, CHURN = 10000 };

struct process {
	uint64_t id;
	int64_t *counter[COUNTERS];
};

static struct pcpu_cache *copies, *processes;

/* --- the bare stack ------------------------------------------------------- */

enum { DEPTH = 63, STACK_SHIFT = 9 };
struct stack {
	uint64_t nr;
	void *object[DEPTH];
};
_Static_assert(sizeof(struct stack) == 1 << STACK_SHIFT, "indexed by shift");
static _Alignas(64) struct stack stacks[LIBPCPU_CPUS_MAX];

#if LIBPCPU_SEQUENCES && defined(__x86_64__)
#define HAVE_BARE 1

#define BEGIN                              \
	BY_HAND                            \
	"movl %%fs:4(%[area]), %k[at]\n\t" \
	"shlq %[shift], %[at]\n\t"         \
	"addq %[stacks], %[at]\n\t"        \
	"movq (%[at]), %[nr]\n\t"

#define INPUTS                                               \
	[area] "r"(__rseq_offset), [shift] "i"(STACK_SHIFT), \
		[stacks] "r"(stacks)

static inline __attribute__((always_inline)) void *try_pop(void)
{
	uintptr_t at, nr;
	void *object;

	__asm__ __volatile__ goto(
		BEGIN "testq %[nr], %[nr]\n\t"
		      "jz 4b\n\t"
		      "movq (%[at],%[nr],8), %[object]\n\t"
		      "decq %[nr]\n\t"
		      "movq %[nr], (%[at])\n"
		      "2:\n\t"
		: [at] "=&r"(at), [nr] "=&r"(nr), [object] "=&r"(object)
		: INPUTS
		: "cc", "memory"
		: thrown_out);
	return object;
thrown_out:
	return NULL;
}

static inline __attribute__((always_inline)) bool try_push(void *object)
{
	uintptr_t at, nr;

	__asm__ __volatile__ goto(
		BEGIN "cmpq %[depth], %[nr]\n\t"
		      "jae 4b\n\t"
		      "movq %[object], 8(%[at],%[nr],8)\n\t"
		      "incq %[nr]\n\t"
		      "movq %[nr], (%[at])\n"
		      "2:\n\t"
		: [at] "=&r"(at), [nr] "=&r"(nr)
		: INPUTS, [object] "r"(object), [depth] "i"(DEPTH)
		: "cc", "memory"
		: thrown_out);
	return true;
thrown_out:
	return false;
}
#else
#define HAVE_BARE 0

static void *try_pop(void)
{
	return &stacks;
}

static bool try_push(void *object)
{
	return object;
}
#endif

static void fill_stacks(void)
{
	unsigned cpu, i;

	for (cpu = 0; cpu < LIBPCPU_CPUS_MAX && cpu < pcpu_nr_cpus(); cpu++) {
		stacks[cpu].nr = DEPTH / 2;
		for (i = 0; i < DEPTH; i++)
			stacks[cpu].object[i] = &stacks[cpu];
	}
}

/* --- objects -------------------------------------------------------------- */

static void destroy_process(void *object)
{
	struct process *process = object;
	int i;

	for (i = 0; i < COUNTERS; i++)
		pcpu_free(process->counter[i]);
}

static int make_process(void *object)
{
	struct process *process = object;
	int i;

	for (i = 0; i < COUNTERS; i++) {
		process->counter[i] = pcpu_alloc(8, 8);
		if (!process->counter[i]) {
			destroy_process(process);
			return ENOMEM;
		}
	}
	return 0;
}

/* So many of each are in the cache, wherever the threads run. */
static bool make_caches(void)
{
	static void *objects[CHURN];

	copies = pcpu_cache_create("copies", 8, 8, NULL, NULL,
				   PCPU_CACHE_PERCPU);
	processes = pcpu_cache_create("processes", sizeof(struct process), 8,
				      make_process, destroy_process, 0);
	if (!copies || !processes)
		return false;
	pcpu_cache_set_tied(processes, COUNTERS * sizeof(int64_t));
	if (pcpu_cache_alloc_bulk(copies, CHURN, objects))
		return false;
	pcpu_cache_free_bulk(copies, CHURN, objects);
	if (pcpu_cache_alloc_bulk(processes, CHURN, objects))
		return false;
	pcpu_cache_free_bulk(processes, CHURN, objects);
	return true;
}

/* --- loops ---------------------------------------------------------------- */

static void *volatile seen;

/* Out of line, so that they do not mix. */
#define LOOP(name, alloc, release)                       \
	static __attribute__((noinline)) void name(void) \
	{                                                \
		struct pcpu_cache *cache = copies;       \
		unsigned i;                              \
                                                         \
		(void)cache;                             \
		for (i = 0; i < ROUND; i++) {            \
			void *p = alloc;                 \
                                                         \
			seen = p;                        \
			release;                         \
		}                                        \
	}

LOOP(do_bare, try_pop(), while (p && !try_push(p));)
LOOP(do_copies, pcpu_cache_alloc(cache), pcpu_cache_free(cache, p))
LOOP(do_process, pcpu_cache_alloc(processes), pcpu_cache_free(processes, p))
LOOP(do_fresh, pcpu_alloc(8, 8), pcpu_free(p))

static __attribute__((noinline)) void do_made(void)
{
	unsigned i;

	for (i = 0; i < ROUND; i++) {
		struct process *process = malloc(sizeof(*process));

		seen = process;
		if (!process)
			return;
		if (!make_process(process))
			destroy_process(process);
		free(process);
	}
}

static const struct loop {
	const char *name;
	void (*run)(void);
} loops[] = {
	{"bare", do_bare},   {"ns", do_copies}, {"process", do_process},
	{"fresh", do_fresh}, {"made", do_made},
};
enum {
	NR_LOOPS = sizeof(loops) / sizeof(loops[0]),
	BARE = 0,
	PAIR = 1,
	OFTEN = 50
};

/* Memory, when all is idle and after a shrink. */
static void add_memory(struct result *result)
{
	struct pcpu_cache_info stats;

	pcpu_cache_stats(copies, &stats);
	result_add(result, "held",
		   (double)stats.held_bytes / (double)stats.budget);
	pcpu_cache_shrink(copies);
	pcpu_cache_stats(copies, &stats);
	result_add(result, "shrunk", (double)stats.held_bytes);
}

/* The two that are compared run more often. */
static void run_round(uint64_t least[NR_LOOPS])
{
	unsigned i;

	for (i = 0; i < 2 * OFTEN + NR_LOOPS; i++) {
		unsigned nr = i < 2 * OFTEN ? i % 2 : i - 2 * OFTEN;
		uint64_t begin = clock_ns(), ns;

		loops[nr].run();
		ns = clock_ns() - begin;
		least[nr] = ns < least[nr] ? ns : least[nr];
	}
}

static void cache_run(const struct job *job, struct result *result)
{
	uint64_t end, least[NR_LOOPS];
	unsigned i;

	fill_stacks();
	if (!make_caches()) {
		result_fail(result, "no memory");
		return;
	}
	memset(least, 0xff, sizeof(least));
	run_round(least); /* memory that went back while caches were filled */
	end = clock_ns() + (uint64_t)job->window_ms * 1000000;
	do
		run_round(least);
	while (clock_ns() < end);
	for (i = 0; i < NR_LOOPS; i++)
		if (HAVE_BARE || i != BARE)
			result_add(result, loops[i].name,
				   (double)least[i] / ROUND);
	if (HAVE_BARE)
		result_add(result, "of_bare",
			   (double)least[PAIR] / (double)least[BARE]);
	add_memory(result);
}

static const struct metric metrics[] = {
	{"bare", "bare", 2, false},       {"ns", "pair", 2, false},
	{"of_bare", "of bare", 2, false}, {"process", "process", 2, false},
	{"fresh", "fresh", 2, false},     {"made", "made", 1, false},
	{"held", "of budget", 2, false},  {"shrunk", "shrunk, B", 0, false},
	{NULL, NULL, 0, false},
};

static const struct point points[] = {
	{CPUS_REAL, 1, MODES_ALL},
	{64, 1, MODES_ALL},
	{256, 1, MODES_ALL},
	{0, 0, 0},
};

const struct bench_case case_cache = {
	.name = "cache",
	.what = "object caches: alloc and free, beside a bare rseq stack, ns",
	.flags = CASE_OWN,
	.points = points,
	.metrics = metrics,
	.run = cache_run,
};
