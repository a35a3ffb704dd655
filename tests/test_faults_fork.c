// SPDX-License-Identifier: MIT
/*
 * fork() while other threads are inside the allocator, or inside liburcu: no
 * object may be lost, and nobody may wait for who is not there. (Row 35 of the
 * table of faults.)
 */
#include <pthread.h>
#include <stdatomic.h>
#include <urcu/urcu-bp.h>

#include <pcpu.h>
#include <pcpu/cache.h>
#include <pcpu/gate.h>

#include "owned.h"
#include "support.h"

static atomic_bool stop, ready;

/* TSan allows no new thread in a forked child unless told so. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

static void *churn_until_stopped(void *arg)
{
	unsigned id = *(unsigned *)arg;
	struct rng rng = {.state = id};

	while (!stop)
		owned_churn(id, 1000, &rng);
	return NULL;
}

static void *trim_until_stopped(void *arg)
{
	while (!stop)
		pcpu_trim();
	return arg;
}

struct fork_case {
	void *kept; /* lives on both sides */
	unsigned round;
};

static void live_in_the_child(void *arg)
{
	struct fork_case *fork_case = arg;
	struct rng rng = {.state = fork_case->round};
	struct pcpu_stats stats;

	require(owned_check(fork_case->kept) == 0x7f000000 + fork_case->round,
		"round %u", fork_case->round);
	owned_churn(99, 500, &rng);
	owned_free(fork_case->kept);
	pcpu_trim();
	owned_churn(99, 500, &rng);
	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
}

START_TEST(fork_beside_busy_threads__child_allocates_frees_and_trims)
{
	static unsigned ids[3] = {1, 2, 3};
	pthread_t threads[4];
	struct support_child child;
	struct fork_case fork_case;
	unsigned i;

	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						churn_until_stopped, &ids[i]),
				 0);
	ck_assert_int_eq(
		pthread_create(&threads[3], NULL, trim_until_stopped, NULL), 0);
	for (i = 1; i <= SUPPORT_SCALE(150u); i++) {
		fork_case.round = i;
		fork_case.kept = owned_alloc(64, 0, 0x7f000000 + i);
		support_fork(live_in_the_child, &fork_case, &child);
		ck_assert_msg(support_succeeded(&child),
			      "round %u: status %#x: %s", i,
			      (unsigned)child.status, child.text);
		require(owned_check(fork_case.kept) == 0x7f000000 + i,
			"the child's writes are seen");
		owned_free(fork_case.kept);
	}
	stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	support_expect_none_live();
}
END_TEST

/* A child of a child, each with objects of its ancestors to free. */
static void live_in_generations(void *arg)
{
	struct fork_case *fork_case = arg;
	struct support_child child;
	struct fork_case next = {.round = fork_case->round + 1};

	live_in_the_child(fork_case);
	if (next.round > 5)
		return;
	next.kept = owned_alloc(64, 0, 0x7f000000 + next.round);
	support_fork(live_in_generations, &next, &child);
	require(support_succeeded(&child), "status %#x: %s",
		(unsigned)child.status, child.text);
	owned_free(next.kept);
	support_expect_none_live();
}

START_TEST(fork_of_a_forked_child__works_through_generations)
{
	struct fork_case first = {.round = 0};
	struct support_child child;

	first.kept = owned_alloc(64, 0, 0x7f000000);
	pcpu_trim();
	support_fork(live_in_generations, &first, &child);
	ck_assert_msg(support_succeeded(&child), "status %#x: %s",
		      (unsigned)child.status, child.text);
	owned_free(first.kept);
	support_expect_none_live();
}
END_TEST

/* Sits in a read-side section, as a reader that never quiesces. */
static void *read_until_stopped(void *arg)
{
	urcu_bp_read_lock();
	ready = true;
	while (!stop)
		usleep(100);
	urcu_bp_read_unlock();
	return arg;
}

/* When who stands still somewhere says that he does. */
static void fork_when_ready(void (*live)(void *), struct support_child *child)
{
	struct fork_case fork_case = {.round = 1};

	while (!ready)
		usleep(100);
	fork_case.kept = owned_alloc(64, 0, 0x7f000001);
	support_fork(live, &fork_case, child);
	stop = true;
	owned_free(fork_case.kept);
}

/* While a thread stands still in `stand`, which says when it is ready. */
static void fork_beside(void *(*stand)(void *), void (*live)(void *),
			struct support_child *child)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, stand, NULL), 0);
	fork_when_ready(live, child);
	pthread_join(thread, NULL);
	pcpu_trim();
	support_expect_none_live();
}

static void succeed_beside(void *(*stand)(void *), void (*live)(void *))
{
	struct support_child child;

	fork_beside(stand, live, &child);
	ck_assert_msg(support_succeeded(&child), "status %#x: %s",
		      (unsigned)child.status, child.text);
}

/* The reader is not there in the child: nothing may wait for it. */
START_TEST(fork_beside_an_rcu_reader__child_does_not_wait_for_it)
{
	succeed_beside(read_until_stopped, live_in_the_child);
}
END_TEST

static atomic_bool called;

static void note_call(struct libpcpu_grace *grace)
{
	(void)grace;
	called = true;
}

/* By the worker, which the child does not have yet. */
static void call_back(void (*done)(struct libpcpu_grace *))
{
	static struct libpcpu_grace grace;

	called = false;
	libpcpu_grace_call(&grace, done);
	while (!called)
		usleep(100);
}

/* Before anybody has asked for memory back. */
static void call_back_first(void *arg)
{
	call_back(note_call);
	live_in_the_child(arg);
	libpcpu_grace_wait();
}

START_TEST(fork_beside_an_rcu_reader__the_childs_worker_does_not_wait_for_it)
{
	succeed_beside(read_until_stopped, call_back_first);
}
END_TEST

/* The thread of a cache is none of the program's. */
static void use_a_cache_first(void *arg)
{
	struct pcpu_cache *cache =
		pcpu_cache_create("first", 64, 8, NULL, NULL, 0);

	require(cache != NULL, "errno %d", errno);
	pcpu_cache_free(cache, pcpu_cache_alloc(cache));
	live_in_the_child(arg);
	libpcpu_grace_wait();
	require(!pcpu_cache_destroy(cache), "errno %d", errno);
}

START_TEST(fork_beside_an_rcu_reader__nor_does_a_child_with_a_cache)
{
	succeed_beside(read_until_stopped, use_a_cache_first);
}
END_TEST

static void *idle_until_stopped(void *arg)
{
	ready = true;
	while (!stop)
		usleep(100);
	return arg;
}

static void trim_and_note(struct libpcpu_grace *grace)
{
	pcpu_trim();
	note_call(grace);
}

static void *synchronize(void *done)
{
	urcu_bp_synchronize_rcu();
	*(atomic_bool *)done = true;
	return NULL;
}

/* The child's own thread is a reader like others, whoever trims. */
static void trim_in_the_worker(void *arg)
{
	atomic_bool done = false;
	pthread_t thread;

	urcu_bp_read_lock();
	urcu_bp_read_unlock();
	call_back(trim_and_note);
	urcu_bp_read_lock();
	pthread_create(&thread, NULL, synchronize, &done);
	usleep(100000);
	require(!done, "a grace period ended beside a reader");
	urcu_bp_read_unlock();
	pthread_join(thread, NULL);
	live_in_the_child(arg);
}

START_TEST(fork_beside_a_thread__the_childs_worker_forgets_no_reader)
{
	succeed_beside(idle_until_stopped, trim_in_the_worker);
}
END_TEST

static void read_in_the_worker(struct libpcpu_grace *grace)
{
	read_until_stopped(grace);
}

START_TEST(fork_beside_a_worker_that_reads__child_does_not_wait_for_it)
{
	static struct libpcpu_grace grace;
	struct support_child child;

	libpcpu_grace_call(&grace, read_in_the_worker);
	fork_when_ready(live_in_the_child, &child);
	ck_assert_msg(support_succeeded(&child), "status %#x: %s",
		      (unsigned)child.status, child.text);
}
END_TEST

/* As a thread that registers with liburcu, at the worst moment. */
static void *stay_inside_liburcu(void *arg)
{
	urcu_bp_before_fork();
	ready = true;
	while (!stop)
		usleep(100);
	urcu_bp_after_fork_parent();
	return arg;
}

static void live_without_grace(void *arg)
{
	struct fork_case *again = arg;

	live_in_the_child(arg);
	again->kept = owned_alloc(64, 0, 0x7f000001);
	live_in_the_child(again);
	fprintf(stderr, "waits\n");
	libpcpu_grace_wait();
}

/* liburcu's locks are held in the child for ever. */
START_TEST(fork_beside_a_thread_inside_liburcu__child_goes_on)
{
	struct support_child child;

	fork_beside(stay_inside_liburcu, live_without_grace, &child);
	/* What cannot go on without says so. */
	ck_assert_msg(WIFSIGNALED(child.status) &&
			      WTERMSIG(child.status) == SIGABRT &&
			      strstr(child.text, "waits\nlibpcpu: nobody can "
						 "wait for readers"),
		      "status %#x: %s", (unsigned)child.status, child.text);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("faults_fork");
	TCase *tcase = tcase_create("fork"), *reader = tcase_create("reader");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(
		tcase,
		fork_beside_busy_threads__child_allocates_frees_and_trims);
	tcase_add_test(tcase,
		       fork_of_a_forked_child__works_through_generations);
	suite_add_tcase(suite, tcase);
	/* A child that waits for a grace period has all signals blocked. */
	tcase_set_timeout(reader, 20);
	/* The library asks liburcu itself there. */
	if (!SUPPORT_TSAN)
		tcase_add_test(
			reader,
			fork_beside_a_thread_inside_liburcu__child_goes_on);
	tcase_add_test(reader,
		       fork_beside_an_rcu_reader__child_does_not_wait_for_it);
	tcase_add_test(
		reader,
		fork_beside_an_rcu_reader__the_childs_worker_does_not_wait_for_it);
	tcase_add_test(
		reader,
		fork_beside_an_rcu_reader__nor_does_a_child_with_a_cache);
	tcase_add_test(
		reader,
		fork_beside_a_thread__the_childs_worker_forgets_no_reader);
	tcase_add_test(
		reader,
		fork_beside_a_worker_that_reads__child_does_not_wait_for_it);
	suite_add_tcase(suite, reader);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, NULL);
}
