// SPDX-License-Identifier: MIT
/*
 * Pins and operations under stress: more threads than cores, which yield inside
 * their sections, are moved from CPU to CPU, and are interrupted by a signal
 * whose handler pins, operates and yields, too. All sums must be exact, in each
 * context, with and without restartable sequences. And a test of this test:
 * pins that exclude nobody must be seen to lose counts.
 */
#include <pthread.h>
#include <sched.h>

#include "tests/provoke.h"
#include "tests/support.h"

#define THREADS 6
#define ROUNDS SUPPORT_SCALE(20000u)

/* What is to add up. Members are changed in one way only, unless said. */
struct counts {
	uint64_t added;     /* by operations */
	uint64_t sections;  /* plainly, inside sections */
	uint64_t mixed;     /* both ways */
	uint64_t exchanged; /* by cmpxchg, until it succeeds */
	uint32_t inside;    /* threads that are in a section now */
	uint8_t bytes;      /* by operations, modulo 256 */
	uint64_t handled;   /* by operations in handlers */
	uint64_t handled_pinned;
};

static struct counts *counts;
static unsigned rounds = ROUNDS; /* of each thread */
static bool broken;
static bool finished;

struct worker {
	pthread_t thread;
	struct rng rng;
	uint64_t handled;
	bool done;
};

static struct worker workers[THREADS];
static _Thread_local struct worker *me;

/* --- sections ------------------------------------------------------------- */

/* Broken: the copy stays the same, but nobody is kept away. */
static void begin(void)
{
	if (!broken)
		pcpu_pin();
	else
		libpcpu_self.place = libpcpu_here();
}

static void end(void)
{
	if (!broken)
		pcpu_unpin();
	else
		libpcpu_self.place = NULL;
}

/* Read, be interrupted, write. */
static void add_slowly(uint64_t *count, struct rng *rng)
{
	volatile uint64_t *slow = count;
	uint64_t value = *slow;

	provoke(rng);
	*slow = value + 1;
}

static void section(struct rng *rng)
{
	struct counts *own;
	int cpu;

	begin();
	own = pcpu_this_ptr(counts);
	cpu = pcpu_cpu();
	require(broken || own->inside == 0, "%u others are inside",
		own->inside);
	own->inside++;
	add_slowly(&own->sections, rng);
	add_slowly(&own->mixed, rng);
	if (rng_below(rng, 8) == 0) {
		pcpu_pin();
		pcpu_this_inc(counts->added);
		provoke(rng);
		pcpu_unpin();
	} else {
		pcpu_this_inc(counts->added);
	}
	require(pcpu_cpu() == cpu && pcpu_this_ptr(counts) == own,
		"the copy has changed");
	own->inside--;
	end();
}

static void exchange(void)
{
	uint64_t old = pcpu_this_read(counts->exchanged), seen;

	/* It may be another copy by now: only equal values are exchanged. */
	while ((seen = pcpu_this_cmpxchg(counts->exchanged, old, old + 1)) !=
	       old)
		old = seen;
}

/* --- threads -------------------------------------------------------------- */

static void handler(int signal)
{
	int saved = errno;

	(void)signal;
	if (!me)
		return;
	pcpu_this_inc(counts->handled);
	pcpu_pin();
	pcpu_this_inc(counts->handled_pinned);
	sched_yield();
	pcpu_unpin();
	me->handled++;
	errno = saved;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	unsigned i;

	me = worker;
	for (i = 0; i < rounds; i++) {
		section(&worker->rng);
		pcpu_this_add(counts->added, 2);
		pcpu_this_inc(counts->mixed);
		pcpu_this_add_return(counts->bytes, 3);
		exchange();
	}
	__atomic_store_n(&worker->done, true, __ATOMIC_RELEASE);
	/* Signals are for the living. */
	while (!__atomic_load_n(&finished, __ATOMIC_ACQUIRE))
		usleep(1000);
	me = NULL;
	return NULL;
}

static bool all_done(void)
{
	unsigned i;

	for (i = 0; i < THREADS; i++)
		if (!__atomic_load_n(&workers[i].done, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

static void run_threads(uint64_t seed)
{
	struct sigaction action = {.sa_handler = handler};
	struct rng rng = {seed};
	unsigned i;

	require(sigaction(SIGUSR1, &action, NULL) == 0, "errno %d", errno);
	for (i = 0; i < THREADS; i++) {
		workers[i].rng.state = support_mix(seed + i);
		require(pthread_create(&workers[i].thread, NULL, work,
				       &workers[i]) == 0,
			"thread %u", i);
	}
	do {
		pthread_kill(workers[rng_below(&rng, THREADS)].thread, SIGUSR1);
		usleep(200);
	} while (!all_done());
	__atomic_store_n(&finished, true, __ATOMIC_RELEASE);
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

static struct counts sum(void)
{
	struct counts all = {0};
	int cpu;

	pcpu_for_each_cpu (cpu) {
		const struct counts *one = pcpu_ptr(counts, cpu);

		all.added += one->added;
		all.sections += one->sections;
		all.mixed += one->mixed;
		all.exchanged += one->exchanged;
		all.inside += one->inside;
		all.bytes = (uint8_t)(all.bytes + one->bytes);
		all.handled += one->handled;
		all.handled_pinned += one->handled_pinned;
	}
	return all;
}

static struct counts run(void)
{
	counts = pcpu_alloc(sizeof(*counts), _Alignof(struct counts));
	require(counts, "errno %d", errno);
	run_threads(support_seed());
	return sum();
}

#define EXPECT(value, expected)                                \
	require((value) == (expected), "%llu instead of %llu", \
		(unsigned long long)(value), (unsigned long long)(expected))

static void stress(void)
{
	const uint64_t nr = (uint64_t)THREADS * rounds;
	struct counts all = run();
	uint64_t handled = 0;
	unsigned i;

	for (i = 0; i < THREADS; i++)
		handled += workers[i].handled;
	EXPECT(all.sections, nr);
	EXPECT(all.added, 3 * nr);
	EXPECT(all.mixed, 2 * nr);
	EXPECT(all.exchanged, nr);
	EXPECT(all.inside, 0u);
	EXPECT(all.bytes, (uint8_t)(3 * nr));
	EXPECT(all.handled, handled);
	EXPECT(all.handled_pinned, handled);
	require(handled > 0, "no signal came");
}

/* Who yields with the only copy that is left for five keeps all of them away.
 */
static void stress_shared(void)
{
	rounds = ROUNDS / 20;
	stress();
}

/* Without exclusion most of these are wrong. */
static void stress_broken(void)
{
	const uint64_t nr = (uint64_t)THREADS * rounds;
	struct counts all;

	broken = true;
	all = run();
	require(all.sections < nr, "nothing was lost of %llu",
		(unsigned long long)nr);
	printf("lost %llu of %llu\n", (unsigned long long)(nr - all.sections),
	       (unsigned long long)nr);
}

/* -------------------------------------------------------------------------- */

#define NO_RSEQ "GLIBC_TUNABLES=glibc.pthread.rseq=0"

static const char *const environments[][4] = {
	{NULL},
	{NO_RSEQ, NULL},
	{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=16", NULL},
	{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=16", NO_RSEQ, NULL},
	{"PCPU_CONTEXT=mm_cid", NULL},
};

START_TEST(pins_and_operations__preempted_and_moved__lose_nothing)
{
	support_run_job("stress", environments[_i]);
}
END_TEST

START_TEST(more_threads_than_places__share_and_lose_nothing)
{
	static const char *const environment[] = {"PCPU_CONTEXT=thread", NULL};

	support_run_job("shared", environment);
}
END_TEST

START_TEST(pins_that_exclude_nobody__are_seen_to_lose_counts)
{
	/* ThreadSanitizer sees the races, and is right. */
	static const char *const environment[] = {
		"TSAN_OPTIONS=report_bugs=0:atexit_sleep_ms=0", NULL};

	support_run_job("broken", environment);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("contexts");
	TCase *tc = tcase_create("contexts");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, pins_and_operations__preempted_and_moved__lose_nothing, 0,
		sizeof(environments) / sizeof(environments[0]));
	tcase_add_test(tc, more_threads_than_places__share_and_lose_nothing);
	tcase_add_test(tc, pins_that_exclude_nobody__are_seen_to_lose_counts);
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"stress", stress},
	{"shared", stress_shared},
	{"broken", stress_broken},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
