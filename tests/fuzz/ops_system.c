// SPDX-License-Identifier: MIT
/*
 * What the system does to a program: it migrates, it forks, it has threads, and
 * its calls fail.
 */
#include "fuzz.h"

#include "tests/inject.h"

#define FORKS_MAX 2u
#define THREADS_MAX 4u
#define CHILD_SECONDS 60u

void __asan_init(void) __attribute__((weak));

static void run_some(struct fuzz *fuzz, unsigned nr)
{
	while (nr-- > 0 && fuzz_step(fuzz))
		continue;
}

/* CPU: 2 */
static void migrate(struct fuzz *fuzz)
{
	fuzz_go(fuzz, take_cpu(fuzz));
}

bool fuzz_fork(struct fuzz *fuzz)
{
	int status = 0;
	pid_t pid;

	if (fuzz->nr_forks++ >= FORKS_MAX)
		return false;
	/* In the child ASan would take the worker's stack for one in use. */
	if (fuzz_machine->worker && __asan_init)
		return false;
	pid = fork();
	require(pid >= 0, "errno %d", errno);
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		inject_keep_pages(false); /* writing would copy them */
		fuzz->is_child = true;
		/* The parent's other thread may have seemed to be there yet. */
		fuzz->may_keep |= fuzz->nr_threads > 0;
		return true;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	require(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		"the child's status is %#x", (unsigned)status);
	return false;
}

/* count: 1. The child runs so many operations, the parent the same after it.
 */
static void fork_here(struct fuzz *fuzz)
{
	unsigned nr = take_byte(fuzz) % 16;

	if (!fuzz_fork(fuzz))
		return;
	run_some(fuzz, nr);
	inject_plan(NULL);
	fuzz->may_keep |= fuzz->failing;
	fuzz->failing = false;
	fuzz_end(fuzz);
	_exit(0);
}

bool fuzz_begin_thread(struct fuzz *fuzz, pthread_t *thread,
		       void *(*run)(void *), void *arg)
{
	int rc;

	if (fuzz->nr_threads++ >= THREADS_MAX)
		return false;
	/* With several threads on both sides no grace period is waited for. */
	fuzz->may_keep |= fuzz->is_child;
	rc = pthread_create(thread, NULL, run, arg);
	require(rc == 0 || fuzz->failing, "errno %d", rc);
	return rc == 0;
}

void fuzz_end_thread(struct fuzz *fuzz, pthread_t thread)
{
	pthread_join(thread, NULL);
	fuzz_go(fuzz, fuzz->cpu);
}

bool fuzz_in_thread(struct fuzz *fuzz, void *(*run)(void *), void *arg)
{
	unsigned cpu = fuzz->cpu;
	pthread_t thread;

	if (!fuzz_begin_thread(fuzz, &thread, run, arg))
		return false;
	pthread_join(thread, NULL);
	fuzz_go(fuzz, cpu);
	return true;
}

struct turn {
	struct fuzz *fuzz;
	unsigned nr;
};

static void *take_turn(void *arg)
{
	struct turn *turn = arg;

	fuzz_go(turn->fuzz, turn->fuzz->cpu);
	run_some(turn->fuzz, turn->nr);
	return NULL;
}

/* count: 1. Another thread runs so many operations. */
static void other_thread(struct fuzz *fuzz)
{
	struct turn turn = {fuzz, take_byte(fuzz) % 16};

	fuzz_in_thread(fuzz, take_turn, &turn);
}

/* call and kind: 1, nth: 1. The next operations' N-th call fails, or all from
 * that on. */
static void fail_calls(struct fuzz *fuzz)
{
	static const char *const names[] = {"madvise", "membarrier",    "open",
					    "stat",    "any",           "mmap",
					    "mbind",   "pthread_create"};
	unsigned how = take_byte(fuzz), nth = take_byte(fuzz);
	char plan[32];

	if (fuzz->failing)
		return;
	snprintf(plan, sizeof(plan), "%s:%u%s", names[how % 8], 1 + nth % 64,
		 how & 8 ? "+" : "");
	fuzz->failing = true;
	inject_plan(plan);
	run_some(fuzz, 1 + how / 16);
	fuzz->may_keep |= inject_nr_failed() > 0;
	inject_plan(NULL);
	fuzz->failing = false;
}

static const struct fuzz_op ops[] = {
	{"fork", 0xc0, 2, fork_here},
	{"thread", 0xc4, 4, other_thread},
	{"migrate", 0xc8, 8, migrate},
	{"fail", 0xd0, 8, fail_calls},
};
FUZZ_OPS(ops)
