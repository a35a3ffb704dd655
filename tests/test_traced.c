// SPDX-License-Identifier: MIT
/*
 * A thread that a debugger holds at any instruction: unlike one in a signal
 * handler it is stopped where it is, in the middle of a system call or a
 * restartable sequence too. The others progress; and when the process that
 * owns it is stopped as a whole and goes on, nothing is lost. (Row 38 of the
 * table of faults.)
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <pcpu.h>

#include "owned.h"
#include "support.h"

/* Shared with the debugger by its pipe alone: the victim's thread number. */
static atomic_int victim;
static atomic_bool stop;

static void *churn_until_stopped(void *arg)
{
	struct rng rng = {.state = 1};

	victim = (int)syscall(SYS_gettid);
	while (!stop) {
		owned_churn(1, 200, &rng);
		if (rng_below(&rng, 8) == 0)
			pcpu_trim();
	}
	return arg;
}

/* --- the debugger ----------------------------------------------------------
 */

static void expect_stop(pid_t tid)
{
	int status;

	require(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status),
		"status %#x, errno %d", (unsigned)status, errno);
}

/* Hold the victim; for each byte that the program sends, let it run for a
 * moment of another length. */
static _Noreturn void debug(pid_t tid, int commands, int answers)
{
	struct rng rng = {.state = support_seed()};
	char byte;

	byte = ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0;
	require(write(answers, &byte, 1) == 1, "errno %d", errno);
	while (read(commands, &byte, 1) == 1) {
		volatile size_t delay = rng_below(&rng, 20000);

		while (delay > 0)
			delay--;
		require(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0,
			"errno %d", errno);
		expect_stop(tid);
		require(write(answers, &byte, 1) == 1, "errno %d", errno);
		require(read(commands, &byte, 1) == 1, "errno %d", errno);
		require(ptrace(PTRACE_CONT, tid, NULL, NULL) == 0, "errno %d",
			errno);
		require(write(answers, &byte, 1) == 1, "errno %d", errno);
	}
	_exit(0);
}

static void tell(int fd)
{
	require(write(fd, "", 1) == 1, "errno %d", errno);
}

static char expect_answer(int fd)
{
	char byte = 0;

	require(read(fd, &byte, 1) == 1, "the debugger is gone");
	return byte;
}

/* Any thread of ours may be traced by a child. */
static pid_t start_debugger(int *commands, int *answers)
{
	int to[2], from[2];
	pid_t pid;

	require(pipe(to) == 0 && pipe(from) == 0, "errno %d", errno);
	fflush(NULL);
	pid = fork();
	require(pid >= 0, "errno %d", errno);
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		debug(victim, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	*commands = to[1];
	*answers = from[0];
	return pid;
}

START_TEST(thread_held_by_a_debugger__others_progress)
{
	struct rng rng = {.state = 2};
	pthread_t thread;
	int commands, answers, status;
	unsigned round, nr_rounds = SUPPORT_SCALE(300u);
	pid_t debugger;

	ck_assert_int_eq(
		pthread_create(&thread, NULL, churn_until_stopped, NULL), 0);
	while (!victim)
		usleep(100);
	/* Where a child may not trace its parent unless that allows it. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	debugger = start_debugger(&commands, &answers);
	if (!expect_answer(answers)) {
		printf("no ptrace here\n");
		nr_rounds = 0;
	}
	for (round = 0; round < nr_rounds; round++) {
		tell(commands);
		expect_answer(answers);
		owned_churn(2, 300, &rng);
		tell(commands);
		expect_answer(answers);
	}
	close(commands);
	ck_assert_int_eq(waitpid(debugger, &status, 0), debugger);
	ck_assert_int_eq(status, 0);
	stop = true;
	pthread_join(thread, NULL);
	pcpu_trim();
	support_expect_none_live();
}
END_TEST

/* --- SIGSTOP ---------------------------------------------------------------
 */

static void job_busy(void)
{
	pthread_t threads[3];
	struct rng rng = {.state = 3};
	unsigned i;

	for (i = 0; i < 3; i++)
		require(pthread_create(&threads[i], NULL, churn_until_stopped,
				       NULL) == 0,
			"thread %u", i);
	for (i = 0; i < 200; i++)
		owned_churn(9, 300, &rng);
	stop = true;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	support_expect_none_live();
}

START_TEST(process_stopped_and_continued_at_random__nothing_is_lost)
{
	struct rng rng = {.state = support_seed()};
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		job_busy();
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		kill(pid, SIGSTOP);
		usleep((useconds_t)rng_below(&rng, 2000));
		kill(pid, SIGCONT);
		usleep((useconds_t)rng_below(&rng, 5000));
	}
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "status %#x", (unsigned)status);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("traced");
	TCase *tcase = tcase_create("traced");

	tcase_set_timeout(tcase, 60);
	/* A sanitizer's thread does not like to be held. */
	if (!SUPPORT_SANITIZED)
		tcase_add_test(tcase,
			       thread_held_by_a_debugger__others_progress);
	tcase_add_test(
		tcase,
		process_stopped_and_continued_at_random__nothing_is_lost);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, NULL);
}
