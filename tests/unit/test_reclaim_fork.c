// SPDX-License-Identifier: MIT
/*
 * fork() beside a worker that has nothing to do: rounds go on in the parent,
 * and the child can start a worker of its own. Without CK_FORK: a forked child
 * with threads leaves rounds to the worker.
 */
#include <check.h>
#include <pcpu/cache.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena/arena.h"
#include "reclaim/reclaim.h"
#include "tests/run_suite.h"
#include "tests/settle.h"

/* TSan allows no thread there, and has one of its own. */
static void start_in_child(void)
{
#ifndef __SANITIZE_THREAD__
	reclaim_start();
	/* Who helped to start it may take a moment to leave. */
	alarm(10);
	while (settle_nr_threads() > 2)
		usleep(100);
	_exit(settle_nr_threads() != 2);
#else
	_exit(settle_nr_threads() == 0);
#endif
}

START_TEST(fork__beside_a_worker__the_child_has_its_own)
{
	int status;
	pid_t pid;

	reclaim_start();
	pid = settle_and_fork();
	if (!pid)
		start_in_child();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(fork__beside_a_worker__rounds_go_on_in_the_parent)
{
	struct pool *pool = &arena_at(0)->pool;
	chunk_id id = {0};
	pid_t pid;

	ck_assert(pool_claim(pool, &id));
	reclaim_start();
	pid = settle_and_fork();
	if (!pid)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	alarm(10);
	reclaim_retire(pool, id);
	while (pool_is_taken(pool, id))
		reclaim_now();
	alarm(0);
}
END_TEST

/* As a signal handler that forks, at the worst moment of a fork: when the
 * library has prepared for it. */
static int nested;
static bool listens; /* musl has no .preinit_array */

static void fork_in_fork(void)
{
	pid_t pid;

	if (nested != 1)
		return;
	nested++;
	pid = fork();
	if (!pid)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* Whose handlers are registered first, prepares last. */
static void listen_first(void)
{
	listens = !pthread_atfork(fork_in_fork, NULL, NULL);
}
__attribute__((section(".preinit_array"),
	       used)) static void (*listen)(void) = listen_first;

START_TEST(fork__in_a_handler_that_interrupted_fork__locks_are_free_again)
{
	struct pcpu_cache *cache =
		pcpu_cache_create("fork", 64, 8, NULL, NULL, 0);
	struct pool *pool = &arena_at(0)->pool;
	chunk_id id = {0};
	pid_t pid;

	ck_assert(pool_claim(pool, &id));
	nested = 1;
	pid = settle_and_fork();
	if (!pid)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(nested, 2);
	alarm(10);
	reclaim_retire(pool, id);
	while (pool_is_taken(pool, id))
		reclaim_now();
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	alarm(0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reclaim_fork");
	TCase *tc = tcase_create("reclaim_fork");

	tcase_add_test(tc, fork__beside_a_worker__the_child_has_its_own);
	tcase_add_test(tc, fork__beside_a_worker__rounds_go_on_in_the_parent);
	if (listens)
		tcase_add_test(
			tc,
			fork__in_a_handler_that_interrupted_fork__locks_are_free_again);
	suite_add_tcase(suite, tc);
	return run_suite_here(suite);
}
