// SPDX-License-Identifier: MIT
/*
 * Who runs when, and on which CPU.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chunk/topology.h"
#include "explore.h"

char explore_schedule[256];

unsigned long explore_nr_points[EXPLORE_CPUS];
unsigned long explore_nr_fences;
static unsigned current_cpu;

/* --- preemption ----------------------------------------------------------- */

static unsigned long countdown;
static void (*preempting)(void);

void explore_arm(unsigned long nth, void (*preempt)(void))
{
	countdown = nth;
	preempting = preempt;
}

bool explore_disarm(void)
{
	bool armed = countdown != 0;

	countdown = 0;
	return armed;
}

/*
 * Accesses of two threads conflict if they meet in a place that one of them
 * changes: else their order makes no difference. A place is eight bytes, as
 * model_point() is not told how many an access has.
 */
struct place {
	const volatile uint64_t *address;
	uint64_t before; /* its value when it was touched first */
	unsigned generation;
	bool changed;
};

/* Places that were touched, in an open hash; those of another generation are
 * not there. */
#define NR_PLACES (1u << 13)
static struct place places[NR_PLACES];
static unsigned generation, nr_touched, touched[NR_PLACES];

static enum { IDLE, RECORD, WATCH } mode;
static unsigned long nr_passed, conflict;
static struct place *last; /* of the watched access that is under way */
static uint64_t last_value;

static struct place *place_of(const volatile void *address)
{
	uintptr_t place = (uintptr_t)address & ~(uintptr_t)7;
	unsigned i = (unsigned)(place * UINT64_C(0x9e3779b97f4a7c15) >> 51);

	while (places[i].generation == generation &&
	       (uintptr_t)places[i].address != place)
		i = (i + 1) % NR_PLACES;
	places[i].address = (const volatile uint64_t *)place;
	return &places[i];
}

/* Neighbours of a small variable may be the sanitizer's. */
__attribute__((no_sanitize("address"))) static uint64_t
value_of(const struct place *place)
{
	return *place->address;
}

static void touch(const volatile void *address)
{
	struct place *place = place_of(address);

	if (place->generation == generation)
		return;
	explore_expect(nr_touched < NR_PLACES / 2, "too many places");
	touched[nr_touched++] = (unsigned)(place - places);
	place->generation = generation;
	place->before = value_of(place);
}

void explore_record(void)
{
	generation++;
	nr_touched = 0;
	mode = RECORD;
}

void explore_watch(void)
{
	unsigned i;

	for (i = 0; i < nr_touched; i++) {
		struct place *place = &places[touched[i]];

		place->changed = value_of(place) != place->before;
	}
	nr_passed = conflict = 0;
	last = NULL;
	mode = WATCH;
}

/* The access before has been made: did it change what was touched? */
static void finish_last(void)
{
	if (last && value_of(last) != last_value)
		conflict = nr_passed;
	last = NULL;
}

static void watch(const volatile void *address)
{
	struct place *place = place_of(address);

	finish_last();
	if (conflict)
		return;
	nr_passed++;
	if (place->generation != generation)
		return;
	if (place->changed)
		conflict = nr_passed;
	last = place;
	last_value = value_of(place);
}

unsigned long explore_conflict(void)
{
	if (!conflict)
		finish_last();
	mode = IDLE;
	return conflict;
}

/* Called by the library in front of each shared access. */
void model_point(const volatile void *address)
{
	explore_nr_points[current_cpu]++;
	if (mode == RECORD)
		touch(address);
	if (countdown && --countdown == 0)
		preempting();
	if (mode == WATCH && !conflict)
		watch(address);
}

/* --- failing -------------------------------------------------------------- */

void explore_fail(const char *format, ...)
{
	char text[512];
	va_list args;

	countdown = 0;
	mode = IDLE;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ck_abort_msg("%s: %s", explore_schedule, text);
	abort(); /* not reached */
}

/* --- CPUs ----------------------------------------------------------------- */

/* What a test has threads do that would sleep or wake. */
void model_futex(int operation) __attribute__((weak));

/* Everybody is thrown out of a sequence. --wrap */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c);
long __wrap_syscall(long number, long a, long b, long c)
{
	if (number == SYS_futex && model_futex) {
		model_futex((int)b);
		return 0;
	}
	if (number != SYS_membarrier)
		return __real_syscall(number, a, b, c);
	explore_nr_fences++;
	return 0;
}

/*
 * The library reads its CPU from the rseq area that the kernel keeps up to date
 * for the C library. After explore_start() has taken the area from the kernel,
 * what we store there stays.
 */
#if defined(LIBPCPU_HAVE_RSEQ) && defined(__x86_64__)
static struct rseq *rseq_area(void)
{
	char *thread;

	__asm__("movq %%fs:0, %0" : "=r"(thread));
	return (struct rseq *)(thread + __rseq_offset);
}

static void take_rseq_area(void)
{
	if (__rseq_size &&
	    __real_syscall(SYS_rseq, rseq_area(), sizeof(struct rseq),
			   RSEQ_FLAG_UNREGISTER, RSEQ_SIG)) {
		perror("rseq");
		exit(EXIT_FAILURE);
	}
}

static void store_cpu(unsigned cpu)
{
	*(volatile uint32_t *)&rseq_area()->cpu_id = cpu;
}
#else
static void take_rseq_area(void)
{
}

static void store_cpu(unsigned cpu)
{
	(void)cpu;
}
#endif

/* Where the library finds no area it asks the C library. --wrap */
int __wrap_sched_getcpu(void);
int __wrap_sched_getcpu(void)
{
	return (int)current_cpu;
}

void explore_on_cpu(unsigned cpu)
{
	current_cpu = cpu;
	store_cpu(cpu);
}

unsigned explore_cpu(void)
{
	return current_cpu;
}

/* The worker cannot be created. --wrap */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg)
{
	(void)thread, (void)attr, (void)start, (void)arg;
	return EAGAIN;
}

/* Dropping pages and faulting them in again takes longer than all else. The
 * effect is the same. --wrap */
int __real_madvise(void *start, size_t bytes, int advice);
int __wrap_madvise(void *start, size_t bytes, int advice);
int __wrap_madvise(void *start, size_t bytes, int advice)
{
	if (advice != MADV_DONTNEED)
		return __real_madvise(start, bytes, advice);
	memset(start, 0, bytes);
	return 0;
}

/* All readers are in this thread, and in no section. --wrap */
unsigned explore_nr_graces;
void __wrap_urcu_bp_synchronize_rcu(void);
void __wrap_urcu_bp_synchronize_rcu(void)
{
	explore_nr_graces++;
}

/* --- start ---------------------------------------------------------------- */

/* Fewer chunks than the layout has: the rest is never touched. */
static void make_scarce(void)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		arena_at(i)->pool.nr_chunks = EXPLORE_CHUNKS;
		arena_at(i)->pool.nr_words = 1;
		arena_at(i)->shelves.nr_groups = 1;
	}
}

void explore_start(char **argv, unsigned nr_nodes)
{
	char cpus[16], nodes[16];

	snprintf(cpus, sizeof(cpus), "%u", EXPLORE_CPUS);
	snprintf(nodes, sizeof(nodes), "%u", nr_nodes);
	if (!getenv("EXPLORE_MACHINE")) {
		setenv("EXPLORE_MACHINE", "1", 1);
		setenv("PCPU_POSSIBLE_CPUS", cpus, 1);
		setenv("PCPU_NODES", nodes, 1);
		execv("/proc/self/exe", argv);
	}
	if (!arena_is_ready() || libpcpu_nr_cpu_ids != EXPLORE_CPUS ||
	    layout.nr_nodes != nr_nodes) {
		fprintf(stderr, "the simulated machine did not come up\n");
		exit(EXIT_FAILURE);
	}
	take_rseq_area();
	explore_on_cpu(0);
	make_scarce();
}
