// SPDX-License-Identifier: MIT
/*
 * Threads that a signal handler stops at any instruction of an allocation or a
 * free: all others must progress, and what they did meanwhile must not confuse
 * who goes on. (Row 38 of the table of faults.)
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <pcpu.h>

#include "owned.h"
#include "support.h"

#define NR_VICTIMS 2u
static atomic_bool stop, ready[NR_VICTIMS];
static int stopped_pipe[2], resume_pipes[NR_VICTIMS][2];
static _Thread_local unsigned victim_nr;
static pthread_t victims[NR_VICTIMS];

/* --- stopping ----------------------------------------------------------------
 */

/* Async-signal-safe: say so, then wait to be resumed. */
static void stop_here(int sig)
{
	char byte = 0;
	int saved = errno;

	(void)sig;
	if (write(stopped_pipe[1], &byte, 1) != 1)
		_exit(3);
	while (read(resume_pipes[victim_nr][0], &byte, 1) != 1)
		continue;
	errno = saved;
}

/* The argument of run() is the victim's number. */
static void start_victims(void *(*run)(void *))
{
	struct sigaction action = {.sa_handler = stop_here};
	unsigned i;

	ck_assert_int_eq(pipe(stopped_pipe), 0);
	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < NR_VICTIMS; i++) {
		ck_assert_int_eq(pipe(resume_pipes[i]), 0);
		ck_assert_int_eq(pthread_create(&victims[i], NULL, run,
						(void *)(uintptr_t)i),
				 0);
		while (!ready[i])
			sched_yield();
	}
}

/* Returns when all victims stand still, wherever they were. */
static void stop_victims(struct rng *rng)
{
	volatile size_t delay = rng_below(rng, 3000);
	char byte;
	unsigned i;

	while (delay > 0)
		delay--;
	for (i = 0; i < NR_VICTIMS; i++)
		ck_assert_int_eq(pthread_kill(victims[i], SIGUSR1), 0);
	for (i = 0; i < NR_VICTIMS; i++)
		ck_assert_int_eq(read(stopped_pipe[0], &byte, 1), 1);
}

static void resume_victims(void)
{
	char byte = 0;
	unsigned i;

	for (i = 0; i < NR_VICTIMS; i++)
		ck_assert_int_eq(write(resume_pipes[i][1], &byte, 1), 1);
}

static void join_victims(void)
{
	unsigned i;

	stop = true;
	for (i = 0; i < NR_VICTIMS; i++)
		pthread_join(victims[i], NULL);
	support_expect_none_live();
}

/* --- others progress
 * ------------------------------------------------------------ */

static void *churn_until_stopped(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg + 1;
	struct rng rng = {.state = id};

	victim_nr = id - 1;
	ready[victim_nr] = true;
	while (!stop)
		owned_churn(id, 1000, &rng);
	return NULL;
}

START_TEST(threads_stopped_inside_alloc_or_free__others_progress)
{
	struct rng rng = {.state = support_seed()};
	unsigned round;

	start_victims(churn_until_stopped);
	for (round = 0; round < support_rounds(2000); round++) {
		stop_victims(&rng);
		owned_churn(3, 500, &rng);
		resume_victims();
	}
	join_victims();
}
END_TEST

/* --- the world changes meanwhile
 * --------------------------------------------------- */

static const size_t victims_sizes[] = {8, 24};

/* Little but alloc and free, so that most signals hit them. */
static void *pair_until_stopped(void *arg)
{
	unsigned i = 0;
	size_t usable[2];
	void *p;

	victim_nr = (unsigned)(uintptr_t)arg;
	for (i = 0; i < 2; i++) {
		p = pcpu_alloc(victims_sizes[i], 4);
		require(p != NULL, "errno %d", errno);
		usable[i] = pcpu_usable_size(p);
		pcpu_free(p);
	}
	ready[victim_nr] = true;
	for (i = 0; !stop; i ^= 1) {
		p = pcpu_alloc(victims_sizes[i], 4);
		require(p != NULL, "errno %d", errno);
		require(pcpu_usable_size(p) == usable[i],
			"%p has %zu usable bytes, not %zu", p,
			pcpu_usable_size(p), usable[i]);
		pcpu_free(p);
	}
	return NULL;
}

/* The trim retires the victims' slabs, the allocations reuse their pages. */
START_TEST(slab_carved_anew_under_a_stopped_thread__it_is_not_confused)
{
	static const size_t sizes[] = {12, 16, 32, 48, 64, 100, 4, 200};
	struct rng rng = {.state = support_seed()};
	void *held[96];
	unsigned round, i;

	start_victims(pair_until_stopped);
	for (round = 0; round < support_rounds(3000); round++) {
		stop_victims(&rng);
		pcpu_trim();
		for (i = 0; i < 96; i++)
			held[i] = owned_alloc(sizes[(i + round) % 8], 0, i + 1);
		resume_victims();
		for (i = 0; i < 96; i++)
			owned_free(held[i]);
	}
	join_victims();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stopped");
	TCase *tcase = tcase_create("stopped");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase,
		       threads_stopped_inside_alloc_or_free__others_progress);
	tcase_add_test(
		tcase,
		slab_carved_anew_under_a_stopped_thread__it_is_not_confused);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, NULL);
}
