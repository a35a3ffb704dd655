// SPDX-License-Identifier: MIT
/*
 * Object caches used by several threads at once, beside shrinking, statistics,
 * signals, forks, and without what the system may refuse.
 */
#include <pthread.h>
#include <signal.h>

#include "caches.h"
#include "object/cache.h"
#include "tests/workers.h"

#define NR_HELD 200u
#define NR_STEPS SUPPORT_SCALE(100000u)

static struct pcpu_cache *cache;
static atomic_bool stop;

static void get(struct process **held)
{
	*held = pcpu_cache_alloc(cache);
	require(*held, "errno %d", errno);
	require((*held)->made == MADE, "not made");
	require(atomic_fetch_add(&(*held)->nr_owners, 1) == 0,
		"two have object %p", (void *)*held);
}

static void give(struct process **held)
{
	require(atomic_fetch_sub(&(*held)->nr_owners, 1) == 1,
		"object %p was not ours", (void *)*held);
	pcpu_cache_free(cache, *held);
	*held = NULL;
}

static void *churn(void *arg)
{
	struct worker *worker = arg;
	struct process *held[NR_HELD] = {NULL};
	unsigned i;

	worker_place(worker);
	for (i = 0; i < NR_STEPS; i++) {
		struct process **at = &held[rng_below(&worker->rng, NR_HELD)];

		if (*at)
			give(at);
		else
			get(at);
	}
	for (i = 0; i < NR_HELD; i++)
		if (held[i])
			give(&held[i]);
	return NULL;
}

static void *shrink(void *unused)
{
	unsigned i;

	for (i = 0; !stop; i++) {
		struct timespec pause = {0, 200000};

		if (i % 4 == 0)
			pcpu_cache_shrink(cache);
		else if (i % 4 == 1)
			cache_idle_round();
		else
			cache_stats(cache);
		nanosleep(&pause, NULL);
	}
	return unused;
}

static void expect_all_gone(void)
{
	struct pcpu_cache_info stats = cache_stats(cache);

	ck_assert_uint_eq(stats.nr_cached, stats.nr_objects);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	ck_assert_int_eq(nr_made, nr_gone);
}

static void churn_in_threads(size_t room)
{
	pthread_t shrinker;

	cache = create_processes();
	if (room)
		pcpu_cache_set_budget(cache,
				      room * cache_stats(cache).object_bytes);
	pthread_create(&shrinker, NULL, shrink, NULL);
	run_workers(churn, 0, 4);
	stop = true;
	pthread_join(shrinker, NULL);
	expect_all_gone();
}

START_TEST(threads__beside_shrinking__each_object_has_one_owner)
{
	churn_in_threads(0);
}
END_TEST

START_TEST(threads__with_a_small_budget__each_object_has_one_owner)
{
	churn_in_threads(40);
}
END_TEST

/* Objects go from one thread to the other. */
static _Atomic(struct process *) mailbox[64];

static void *produce(void *unused)
{
	unsigned sent = 0;

	while (sent < NR_STEPS) {
		struct process *none = NULL, *made = NULL;

		get(&made);
		if (atomic_compare_exchange_strong(&mailbox[sent % 64], &none,
						   made)) {
			sent++;
			continue;
		}
		give(&made);
		sched_yield();
	}
	return unused;
}

static void *consume(void *unused)
{
	unsigned got = 0;

	while (got < NR_STEPS) {
		struct process *process =
			atomic_exchange(&mailbox[got % 64], NULL);

		if (process) {
			give(&process);
			got++;
		} else {
			sched_yield();
		}
	}
	return unused;
}

START_TEST(one_thread_allocates_another_frees__objects_are_used_again)
{
	pthread_t producer, consumer;

	cache = create_processes();
	pthread_create(&producer, NULL, produce, NULL);
	pthread_create(&consumer, NULL, consume, NULL);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	ck_assert_int_lt(nr_made, (int)NR_STEPS / 4);
	expect_all_gone();
}
END_TEST

/* --- forks ---------------------------------------------------------------- */

static void *churn_until_stopped(void *unused)
{
	while (!stop)
		cache_churn(cache, 100);
	return unused;
}

static void use_in_child(void *unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; i < 20; i++) {
		cache_churn(cache, 200);
		pcpu_cache_shrink(cache);
	}
	require(cache_stats(cache).nr_cached == 0, "not empty");
	cache_churn(cache, 10);
	cache_idle_round();
	cache_idle_round();
	require(cache_stats(cache).held_bytes < cache_stats(cache).budget / 2,
		"still full");
}

START_TEST(fork__beside_busy_threads__the_child_allocates_and_shrinks)
{
	struct support_child child;
	pthread_t thread[3];
	unsigned i;

	cache = create_processes();
	pthread_create(&thread[0], NULL, churn_until_stopped, NULL);
	pthread_create(&thread[1], NULL, churn_until_stopped, NULL);
	pthread_create(&thread[2], NULL, shrink, NULL);
	for (i = 0; i < SUPPORT_SCALE(100u); i++) {
		support_fork(use_in_child, NULL, &child);
		ck_assert_msg(support_succeeded(&child), "status %#x: %s",
			      (unsigned)child.status, child.text);
	}
	stop = true;
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	expect_all_gone();
}
END_TEST

/* --- signals -------------------------------------------------------------- */

static struct pcpu_cache *cache_of_handler;
static atomic_int nr_signals;

/* Everything is cached, so that no constructor is called. */
static void use_in_handler(int signal)
{
	void *objects[3];
	int saved = errno;

	(void)signal;
	nr_signals++;
	pcpu_cache_alloc_bulk(cache_of_handler, 3, objects);
	pcpu_cache_free_bulk(cache_of_handler, 3, objects);
	errno = saved;
}

START_TEST(handler__interrupts_operations_of_the_same_cache__none_is_lost)
{
	struct sigaction action = {.sa_handler = use_in_handler};
	struct itimerspec often = {{0, 200000}, {0, 200000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGALRM};
	struct process *held[40];
	unsigned i, n;
	timer_t timer;

	cache = cache_of_handler = create_processes();
	cache_churn(cache, 1000);
	sigaction(SIGALRM, &action, NULL);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &often, NULL);
	for (n = 0; n < SUPPORT_SCALE(20000u); n++) {
		for (i = 0; i < 40; i++)
			get(&held[i]);
		for (i = 0; i < 40; i++)
			give(&held[i]);
	}
	timer_delete(timer);
	ck_assert_int_gt(nr_signals, 10);
	expect_all_gone();
}
END_TEST

/* --- what the system refuses ---------------------------------------------- */

static void job_churn(void)
{
	void *objects[500];
	unsigned i;

	cache = create_processes();
	for (i = 0; i < 20; i++) {
		require(!pcpu_cache_alloc_bulk(cache, 500, objects), "errno %d",
			errno);
		pcpu_cache_free_bulk(cache, 500, objects);
		require(nr_made - nr_gone >= 500, "not cached");
		pcpu_cache_shrink(cache);
		require(!cache_stats(cache).nr_objects, "not empty");
	}
	require(pcpu_cache_destroy(cache) == 0, "errno %d", errno);
}

START_TEST(no_rseq__the_same_work_is_done)
{
	static const char *const env[] = {"GLIBC_TUNABLES=glibc.pthread.rseq=0",
					  NULL};

	support_run_job("churn", env);
	support_run_job("churn", NULL);
}
END_TEST

static const struct support_job jobs[] = {
	{"churn", job_churn},
	{NULL, NULL},
};

static Suite *suite(void)
{
	Suite *suite = suite_create("cache_threads");
	TCase *tc = tcase_create("cache_threads");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc,
		       threads__beside_shrinking__each_object_has_one_owner);
	tcase_add_test(tc,
		       threads__with_a_small_budget__each_object_has_one_owner);
	tcase_add_test(
		tc, one_thread_allocates_another_frees__objects_are_used_again);
	/* TSan lets no child of several threads start one, and ASan's malloc()
	 * may be locked there. */
	if (!SUPPORT_SANITIZED)
		tcase_add_test(
			tc,
			fork__beside_busy_threads__the_child_allocates_and_shrinks);
	/* Debug mode calls malloc(). */
	if (!support_debug())
		tcase_add_test(
			tc,
			handler__interrupts_operations_of_the_same_cache__none_is_lost);
	tcase_add_test(tc, no_rseq__the_same_work_is_done);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
