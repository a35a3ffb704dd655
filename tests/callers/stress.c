// SPDX-License-Identifier: MIT
/*
 * Load that provokes what must not happen: threads are preempted in the middle
 * of sections, by signal handlers that yield, by others, and by being moved.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "callers/support.h"

#define DEFAULT_MS 1000
#define SIGNAL_PERIOD_NS 30000
#define MOVE_PERIOD 20 /* signals */

static void (*step)(unsigned thread, unsigned long nr);
static unsigned nr_threads;
static pthread_t threads[STRESS_THREADS_MAX];
static unsigned long nr_steps[STRESS_THREADS_MAX];
static bool stop;
static pthread_barrier_t barrier;

static void yield_in_handler(int signal)
{
	(void)signal;
	sched_yield();
}

static void *work(void *number)
{
	unsigned me = (unsigned)(uintptr_t)number;
	unsigned long nr;

	pthread_barrier_wait(&barrier);
	for (nr = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); nr++)
		step(me, nr);
	nr_steps[me] = nr;
	/* Signals may still come. */
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void move(pthread_t thread, const cpu_set_t *all)
{
	cpu_set_t one;
	size_t cpu;

	do
		cpu = callers_random() % CPU_SETSIZE;
	while (!CPU_ISSET(cpu, all));
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_setaffinity_np(thread, sizeof(one), &one);
}

static void harass(uint64_t until)
{
	const struct timespec pause = {0, SIGNAL_PERIOD_NS};
	unsigned long n;
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	for (n = 0; callers_ns() < until; n++) {
		pthread_t thread = threads[callers_random() % nr_threads];

		pthread_kill(thread, SIGUSR1);
		if (n % MOVE_PERIOD == 0)
			move(thread, &all);
		nanosleep(&pause, NULL);
	}
}

const unsigned long *stress(void (*fn)(unsigned thread, unsigned long nr),
			    unsigned nr)
{
	const char *ms = getenv("CALLERS_MS");
	struct sigaction action = {.sa_handler = yield_in_handler,
				   .sa_flags = SA_RESTART};
	unsigned i;

	sigaction(SIGUSR1, &action, NULL);
	step = fn;
	nr_threads = nr;
	stop = false;
	pthread_barrier_init(&barrier, NULL, nr + 1);
	for (i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, work,
				   (void *)(uintptr_t)i))
			abort();
	pthread_barrier_wait(&barrier);
	harass(callers_ns() +
	       (ms ? strtoul(ms, NULL, 0) : DEFAULT_MS) * 1000000u);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_barrier_wait(&barrier);
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return nr_steps;
}

unsigned long stress_total(const unsigned long *nr, unsigned n)
{
	unsigned long total = 0;

	while (n--)
		total += nr[n];
	return total;
}
