// SPDX-License-Identifier: MIT
/*
 * What pins and contexts promise to one thread, or to few in a known order: bad
 * use, fork and exit, waiting, and the places of threads that come and go.
 */
#include <pthread.h>
#include <sched.h>

#define PCPU_CHECKED
#include "tests/pins.h"

/* --- bad use -------------------------------------------------------------- */

static void unpin_alone(void *unused)
{
	(void)unused;
	pcpu_unpin();
}

static void unpin_once_more(void *unused)
{
	(void)unused;
	pcpu_pin();
	pcpu_pin();
	pcpu_unpin();
	pcpu_unpin();
	pcpu_unpin();
}

static void fork_pinned(void *unused)
{
	(void)unused;
	pcpu_pin();
	fork();
}

static void *pin_for_ever(void *unused)
{
	(void)unused;
	pcpu_pin();
	return NULL;
}

static void exit_pinned(void *unused)
{
	pthread_t thread;

	(void)unused;
	if (!pthread_create(&thread, NULL, pin_for_ever, NULL))
		pthread_join(thread, NULL);
}

static void far_cpu(void *unused)
{
	(void)unused;
	(void)pcpu_ptr((char *)NULL, (int)pcpu_nr_cpus());
}

static void negative_cpu(void *unused)
{
	(void)unused;
	(void)pcpu_ptr((char *)NULL, -1);
}

static void bad_use(void)
{
	support_expect_abort(unpin_alone, NULL, NULL,
			     "pcpu_unpin() without pcpu_pin()");
	support_expect_abort(unpin_once_more, NULL, NULL,
			     "pcpu_unpin() without pcpu_pin()");
	support_expect_abort(fork_pinned, NULL, NULL,
			     "fork() inside a pinned section");
	support_expect_abort(exit_pinned, NULL, NULL,
			     "exits inside a pinned section");
	support_expect_abort(far_cpu, NULL, NULL, "is not possible");
	support_expect_abort(negative_cpu, NULL, NULL,
			     "CPU -1 is not possible");
}

START_TEST(bad_use__any_context__one_line_and_abort)
{
	support_run_job("bad_use", environments[_i]);
}
END_TEST

static void unknown_context(void)
{
	require(pcpu_context() == PCPU_CONTEXT_CPU, "context %d",
		pcpu_context());
}

START_TEST(unknown_context__one_line_and_the_default)
{
	static const char *const environment[] = {"PCPU_CONTEXT=unknown", NULL};
	struct support_exec exec = {.job = "unknown", .env = environment};
	struct support_child child;

	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
	ck_assert_str_eq(child.text, "libpcpu: PCPU_CONTEXT: no such context; "
				     "\"cpu\" is used\n");
}
END_TEST

/* --- nesting -------------------------------------------------------------- */

static void nest(void)
{
	const struct libpcpu_place *place;
	unsigned i;

	for (i = 0; i < 4; i++)
		pcpu_pin();
	place = libpcpu_self.place;
	for (i = 0; i < 4; i++) {
		require(libpcpu_self.place == place && place->owner,
			"after %u of 4 unpins", i);
		pcpu_unpin();
	}
	expect_all_free();
}

START_TEST(pin__four_deep__pinned_until_the_last_unpin)
{
	support_run_job("nest", environments[_i]);
}
END_TEST

/* --- fork ----------------------------------------------------------------- */

static int stage; /* of a thread that pins while we do something */

static void reach(int next)
{
	__atomic_store_n(&stage, next, __ATOMIC_RELEASE);
}

static void await(int wanted)
{
	while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) < wanted)
		sched_yield();
}

static void *hold_a_pin(void *unused)
{
	(void)unused;
	pcpu_pin();
	reach(1);
	await(2);
	pcpu_unpin();
	return NULL;
}

static void use_all_copies(void *handle)
{
	long *p = handle;
	int i;

	for (i = 0; i < 1000; i++) {
		pcpu_this_inc(*p);
		pcpu_pin();
		++*pcpu_this_ptr(p);
		pcpu_unpin();
	}
	expect_all_free();
}

/* In the child the owner of a place may not exist. */
static void fork_beside_a_pin(void)
{
	long *p = pcpu_alloc(sizeof(*p), 8);
	struct support_child child;
	pthread_t thread;

	require(p, "errno %d", errno);
	require(pthread_create(&thread, NULL, hold_a_pin, NULL) == 0, "thread");
	await(1);
	support_fork(use_all_copies, p, &child);
	require(support_succeeded(&child), "status %#x: %s",
		(unsigned)child.status, child.text);
	reach(2);
	pthread_join(thread, NULL);
	use_all_copies(p);
}

START_TEST(fork__beside_a_pinned_thread__child_has_all_copies)
{
	support_run_job("fork", environments[_i]);
}
END_TEST

/* --- waiting -------------------------------------------------------------- */

static long *shared;

/* Sleeps inside its section. */
static void *hold_and_sleep(void *unused)
{
	long *own;

	(void)unused;
	pcpu_pin();
	own = pcpu_this_ptr(shared);
	reach(1);
	usleep(50000);
	*own = 100;
	pcpu_unpin();
	return NULL;
}

static void stay_on_cpu_0(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Operation and pin wait for a section that blocks; both see what it did. */
static void wait_for_section(void)
{
	pthread_t thread;

	shared = pcpu_alloc(sizeof(*shared), 8);
	require(shared, "errno %d", errno);
	stay_on_cpu_0(); /* the thread, too */
	require(pthread_create(&thread, NULL, hold_and_sleep, NULL) == 0,
		"thread");
	await(1);
	require(pcpu_this_add_return(*shared, 1) == 101,
		"did not wait, or was not waited for");
	pthread_join(thread, NULL);
	expect_all_free();
}

START_TEST(operation__on_a_copy_whose_owner_sleeps__waits)
{
	/* Threads with places of their own do not meet. */
	static const int meet[] = {0, 1};

	support_run_job("wait", environments[meet[_i]]);
}
END_TEST

/* --- places of threads ---------------------------------------------------- */

#define CROWD 8

static pthread_barrier_t barrier;

static void *use_a_place(void *arg)
{
	int *cpu = arg;

	pcpu_this_inc(*shared);
	*cpu = pcpu_cpu();
	pthread_barrier_wait(&barrier);
	require(pcpu_cpu() == *cpu, "the place has changed");
	++*pcpu_this_ptr(shared); /* nobody else is there */
	return NULL;
}

/* As many at a time as have places of their own, many times as many in all. */
static void places(void)
{
	pthread_t thread[CROWD];
	int cpu[CROWD], round, i, j;
	long sum = 0;

	shared = pcpu_alloc(sizeof(*shared), 8);
	require(shared, "errno %d", errno);
	pthread_barrier_init(&barrier, NULL, CROWD);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < CROWD; i++)
			require(pthread_create(&thread[i], NULL, use_a_place,
					       &cpu[i]) == 0,
				"thread %d", i);
		for (i = 0; i < CROWD; i++)
			pthread_join(thread[i], NULL);
		for (i = 0; i < CROWD; i++)
			for (j = 0; j < i; j++)
				require(cpu[i] != cpu[j], "%d twice", cpu[i]);
	}
	pcpu_for_each_cpu (i)
		sum += *pcpu_ptr(shared, i);
	require(sum == 2 * 50 * CROWD, "%ld", sum);
	expect_all_free();
}

START_TEST(places_of_threads__are_their_own_and_used_again)
{
	support_run_job("places", environments[2 + _i]);
}
END_TEST

/* -------------------------------------------------------------------------- */

static Suite *suite(void)
{
	Suite *s = suite_create("pins");
	TCase *tc = tcase_create("pins");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, bad_use__any_context__one_line_and_abort, 0,
			    NR_ENVIRONMENTS);
	tcase_add_test(tc, unknown_context__one_line_and_the_default);
	tcase_add_loop_test(tc, pin__four_deep__pinned_until_the_last_unpin, 0,
			    NR_ENVIRONMENTS);
	tcase_add_loop_test(tc,
			    fork__beside_a_pinned_thread__child_has_all_copies,
			    0, NR_ENVIRONMENTS);
	tcase_add_loop_test(tc, operation__on_a_copy_whose_owner_sleeps__waits,
			    0, 2);
	tcase_add_loop_test(tc, places_of_threads__are_their_own_and_used_again,
			    0, 2);
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"bad_use", bad_use},
	{"unknown", unknown_context},
	{"fork", fork_beside_a_pin},
	{"wait", wait_for_section},
	{"places", places},
	{"nest", nest},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
