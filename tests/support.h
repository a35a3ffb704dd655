/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the public API share: seeded random numbers, children that
 * run a job in a fresh process under another environment, children whose death
 * is the expected result, and an assertion that works in any thread and child.
 *
 * A test runs in a process that Check forked from the test program, so the
 * library is initialised already. What depends on the environment is therefore
 * a "job": a named function that the program runs when its name is the first
 * argument, after support_run_job() executed the program anew.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include <pcpu.h>

#include "tests/run_suite.h"
#include "tests/sanitizers.h"
#include "tests/settle.h"

/* There are machines with one CPU. */
static inline int support_last_cpu(void)
{
	return (int)libpcpu_nr_cpu_ids - 1;
}

/* Less work where a sanitizer, or an emulator, makes each step dearer. */
#ifndef SUPPORT_SLOWDOWN
#define SUPPORT_SLOWDOWN (SUPPORT_TSAN ? 10 : SUPPORT_ASAN ? 5 : 1)
#endif
#define SUPPORT_SCALE(n) (((n) + SUPPORT_SLOWDOWN - 1) / SUPPORT_SLOWDOWN)

/* The same for rounds that look at all copies, of which machines have many. */
static inline unsigned support_rounds(unsigned n)
{
	unsigned copies = libpcpu_nr_cpu_ids;

	return SUPPORT_SCALE(copies > 16 ? n * 16 / copies : n);
}

#define SUPPORT_TEXT_MAX 16384

/* --- an assertion for any thread and any child --------------------------- */

#define require(condition, ...) \
	((condition)            \
		 ? (void)0      \
		 : support_fail(__FILE__, __LINE__, #condition, __VA_ARGS__))

__attribute__((format(printf, 4, 5), noreturn, cold)) static inline void
support_fail(const char *file, int line, const char *what, const char *format,
	     ...)
{
	char text[1024];
	va_list args;
	int n;

	n = snprintf(text, sizeof(text), "%s:%d: require(%s): ", file, line,
		     what);
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	fprintf(stderr, "%s\n", text);
	fflush(NULL);
	abort();
}

/* --- random numbers ------------------------------------------------------- */

/* Splitmix64: any seed is good, and a seed more gives another sequence. */
struct rng {
	uint64_t state;
};

static inline uint64_t support_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t rng_next(struct rng *rng)
{
	return support_mix(rng->state += UINT64_C(0x9e3779b97f4a7c15));
}

/* 0 <= result < limit; limit is small against 2^64. */
static inline size_t rng_below(struct rng *rng, size_t limit)
{
	return (size_t)(rng_next(rng) % limit);
}

/* The seed of this run, printed: PCPU_TEST_SEED, else of the clock. */
static inline uint64_t support_seed(void)
{
	const char *text = getenv("PCPU_TEST_SEED");
	struct timespec now;
	uint64_t seed;

	if (text) {
		seed = strtoull(text, NULL, 0);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		seed = support_mix((uint64_t)now.tv_sec * 1000000007u +
				   (uint64_t)now.tv_nsec + (uint64_t)getpid());
	}
	printf("PCPU_TEST_SEED=%#llx\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

/* --- debug mode ----------------------------------------------------------- */

/* Does this run test debug mode (make check-debug)? */
static inline bool support_debug(void)
{
	const char *level = getenv("PCPU_DEBUG");

	return level && strcmp(level, "0") != 0;
}

/* Run the program again in debug mode; to be called first in main(). */
static inline void support_enter_debug(const char *level, char **argv)
{
	const char *now = getenv("PCPU_DEBUG");

	if (now && strcmp(now, level) == 0)
		return;
	setenv("PCPU_DEBUG", level, 1);
	execv("/proc/self/exe", argv);
	perror("execv");
	exit(EXIT_FAILURE);
}

/* --- statistics ---------------------------------------------------------- */

/* Nobody holds an object. */
static inline void support_expect_none_live(void)
{
	struct pcpu_stats stats;

	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	require(stats.nr_cur_alloc == 0 && stats.live_bytes == 0,
		"%llu objects of %zu bytes are left",
		(unsigned long long)stats.nr_cur_alloc, stats.live_bytes);
}

/* --- children --------------------------------------------------------------
 */

/* How a child ended and the beginning of what it wrote. */
struct support_child {
	int status;     /* of waitpid() */
	size_t nr_text; /* bytes kept of text */
	char text[SUPPORT_TEXT_MAX];
};

static inline void support_drain(int fd, struct support_child *child)
{
	char more[4096];
	ssize_t n;

	child->nr_text = 0;
	while ((n = read(fd, more, sizeof(more))) != 0) {
		size_t room = sizeof(child->text) - 1 - child->nr_text;
		size_t take = n > 0 ? (size_t)n : 0;

		if (n < 0 && errno != EINTR)
			break;
		take = take < room ? take : room;
		memcpy(child->text + child->nr_text, more, take);
		child->nr_text += take;
	}
	child->text[child->nr_text] = '\0';
}

/*
 * Run fn(arg) in a forked child with its stdout and stderr in child->text; the
 * child exits with 0 when fn returns.
 */
static inline void support_fork(void (*fn)(void *), void *arg,
				struct support_child *child)
{
	static const struct rlimit no_core;
	int pipes[2];
	pid_t pid;

	fflush(NULL);
	require(pipe(pipes) == 0, "errno %d", errno);
	pid = settle_and_fork();
	require(pid >= 0, "errno %d", errno);
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		setrlimit(RLIMIT_CORE, &no_core);
		fn(arg);
		fflush(NULL);
		_exit(0);
	}
	close(pipes[1]);
	support_drain(pipes[0], child);
	close(pipes[0]);
	while (waitpid(pid, &child->status, 0) < 0 && errno == EINTR)
		continue;
}

struct support_exec {
	const char *job;
	const char *const *env; /* "NAME=VALUE" ..., NULL; or NULL for none */
	void (*prepare)(void);  /* in the child, just before exec; or NULL */
};

static inline void support_exec_child(void *arg)
{
	const struct support_exec *exec = (const struct support_exec *)arg;
	char job[64];
	char self[] = "/proc/self/exe";
	char *argv[] = {self, job, NULL};
	const char *const *env = exec->env;

	snprintf(job, sizeof(job), "%s", exec->job);
	unsetenv("PCPU_POSSIBLE_CPUS");
	unsetenv("PCPU_NODES");
	for (; env && *env; env++)
		require(putenv(strdup(*env)) == 0, "putenv %s", *env);
	if (exec->prepare)
		exec->prepare();
	execv(self, argv);
	require(false, "execv: %s", strerror(errno));
}

static inline void support_exec_job(const struct support_exec *exec,
				    struct support_child *child)
{
	struct support_exec copy = *exec;

	support_fork(support_exec_child, &copy, child);
}

static inline bool support_succeeded(const struct support_child *child)
{
	return WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0;
}

/* Fail the Check test with all that is known unless the child exited with 0. */
static inline void support_expect_success(const struct support_child *child,
					  const struct support_exec *exec)
{
	const char *const *env = exec->env;

	if (support_succeeded(child))
		return;
	printf("--- job %s failed, status %#x; environment:", exec->job,
	       (unsigned)child->status);
	for (; env && *env; env++)
		printf(" %s", *env);
	printf("\n%s---\n", child->text);
	fflush(stdout);
	ck_abort_msg("job %s: status %#x; first output: %.200s", exec->job,
		     (unsigned)child->status, child->text);
}

/* Run a job in a fresh process that must succeed. */
static inline void support_run_job(const char *job, const char *const *env)
{
	struct support_exec exec = {.job = job, .env = env, .prepare = NULL};
	struct support_child child;

	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
}

/* --- expected deaths -------------------------------------------------------
 */

/*
 * fn(arg) must abort after one line on stderr that holds %p of pointer (unless
 * NULL) and one of the words, which are separated by '|'.
 */
static inline void support_expect_abort(void (*fn)(void *), void *arg,
					const void *pointer, const char *words)
{
	struct support_child child;
	char address[32], list[256], *word, *rest = NULL;
	const char *newline;
	bool found = false;

	support_fork(fn, arg, &child);
	require(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		"status %#x instead of SIGABRT; output: %s",
		(unsigned)child.status, child.text);
	newline = strchr(child.text, '\n');
	require(newline && newline[1] == '\0', "not one line: %s", child.text);
	if (pointer) {
		snprintf(address, sizeof(address), "%p", pointer);
		require(strstr(child.text, address) != NULL,
			"%s is not named: %s", address, child.text);
	}
	snprintf(list, sizeof(list), "%s", words);
	for (word = strtok_r(list, "|", &rest); word;
	     word = strtok_r(NULL, "|", &rest))
		found = found || strstr(child.text, word);
	require(found, "no \"%s\" in: %s", words, child.text);
}

/*
 * The same of an access to memory that is nobody's, which debug mode finds
 * later on: AddressSanitizer is told of it and finds it at once.
 */
static inline void support_expect_caught(void (*fn)(void *), void *arg,
					 const void *pointer, const char *words)
{
	struct support_child child;

	if (!SUPPORT_ASAN) {
		support_expect_abort(fn, arg, pointer, words);
		return;
	}
	support_fork(fn, arg, &child);
	ck_assert_msg(!support_succeeded(&child) &&
			      strstr(child.text, "AddressSanitizer: use-after-"
						 "poison"),
		      "status %#x; output: %s", (unsigned)child.status,
		      child.text);
}

/* --- the program -----------------------------------------------------------
 */

struct support_job {
	const char *name;
	void (*run)(void);
};

/* Run the suite, or the job that argv[1] names. */
static inline int support_main(int argc, char **argv, Suite *(*suite)(void),
			       const struct support_job *jobs)
{
	for (; argc > 1 && jobs && jobs->name; jobs++) {
		if (strcmp(jobs->name, argv[1]) != 0)
			continue;
		jobs->run();
		return 0;
	}
	require(argc == 1, "no job %s", argv[1]);
	return run_suite(suite());
}

#endif /* TESTS_SUPPORT_H */
