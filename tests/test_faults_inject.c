// SPDX-License-Identifier: MIT
/*
 * System calls that fail at the N-th time, for every N, once or from then on:
 * the library must go on or fail with ENOMEM, lose nothing and leak nothing,
 * and work again when the calls do (if its very start failed, it need not).
 * (Rows 26 and 27 of the table of faults.)
 *
 * The program defines mmap() and its like itself. Calls that come from the
 * program's own code, the library's objects among it, are counted and may fail;
 * those of other libraries pass. PCPU_TEST_FAIL says which: "madvise:3" is the
 * third madvise(), "any:3+" the third call of any kind and all after it. Not
 * under TSan, which needs the calls for itself.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <pcpu.h>

#include "shadow.h"
#include "support.h"

#define INTERPOSED __attribute__((visibility("default")))

static atomic_int nr_calls; /* that might have failed */
static atomic_bool stopped; /* no more failures */

#if !SUPPORT_TSAN

extern const char __executable_start[], etext[];

static bool must_fail(const char *name, const void *caller)
{
	const char *plan = getenv("PCPU_TEST_FAIL");
	size_t length = strlen(name);
	char *end;
	long nth;
	int nr;

	if (stopped || !plan || (const char *)caller < __executable_start ||
	    (const char *)caller >= etext)
		return false;
	if (strncmp(plan, "any:", 4) == 0)
		plan += 4;
	else if (strncmp(plan, name, length) == 0 && plan[length] == ':')
		plan += length + 1;
	else
		return false;
	nr = atomic_fetch_add(&nr_calls, 1) + 1;
	nth = strtol(plan, &end, 10);
	return *end == '+' ? nr >= nth : nr == nth;
}

/* Evaluated in the interposing function, whose caller matters. */
#define MUST_FAIL(name) must_fail(name, __builtin_return_address(0))

INTERPOSED void *mmap(void *at, size_t bytes, int prot, int flags, int fd,
		      off_t offset)
{
	if (MUST_FAIL("mmap")) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, at, bytes, prot, flags, fd, offset);
}

INTERPOSED int munmap(void *at, size_t bytes)
{
	if (MUST_FAIL("munmap")) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_munmap, at, bytes);
}

INTERPOSED int madvise(void *at, size_t bytes, int advice)
{
	if (MUST_FAIL("madvise")) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

INTERPOSED int mprotect(void *at, size_t bytes, int prot)
{
	if (MUST_FAIL("mprotect")) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_mprotect, at, bytes, prot);
}

INTERPOSED long mbind(void *at, unsigned long bytes, int mode,
		      const unsigned long *mask, unsigned long maxnode,
		      unsigned flags);
INTERPOSED long mbind(void *at, unsigned long bytes, int mode,
		      const unsigned long *mask, unsigned long maxnode,
		      unsigned flags)
{
	if (MUST_FAIL("mbind")) {
		errno = EPERM;
		return -1;
	}
	return syscall(SYS_mbind, at, bytes, mode, mask, maxnode, flags);
}

typedef int create_function(pthread_t *, const pthread_attr_t *,
			    void *(*)(void *), void *);

INTERPOSED int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			      void *(*run)(void *), void *arg)
{
	static create_function *real;

	if (MUST_FAIL("pthread_create"))
		return EAGAIN;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, run, arg);
}

typedef ssize_t pread_function(int, void *, size_t, off_t);

INTERPOSED ssize_t pread(int fd, void *to, size_t bytes, off_t at)
{
	static pread_function *real;

	if (MUST_FAIL("pread")) {
		errno = EIO;
		return -1;
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pread");
	return real(fd, to, bytes, at);
}

static int open_at(const char *path, int flags, int mode)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* What the system says of its memory may be a test's own. */
INTERPOSED int open(const char *path, int flags, ...)
{
	const char *overcommit = getenv("PCPU_TEST_OVERCOMMIT");
	va_list args;
	int mode;

	if (MUST_FAIL("open")) {
		errno = EMFILE;
		return -1;
	}
	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	if (overcommit && !strcmp(path, "/proc/sys/vm/overcommit_memory"))
		path = overcommit;
	return open_at(path, flags, mode);
}

#endif /* !SUPPORT_TSAN */

/* --- the work
 * ------------------------------------------------------------------ */

/* Grow to several chunks, shrink, trim, a few times over. */
static void work(struct shadow *shadow, struct rng *rng)
{
	unsigned round, i;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 100; i++) {
			size_t size = i % 8 ? 4096 : 1 + rng_below(rng, 32768);
			size_t align = i % 2 ? 4 : PCPU_ALIGN_MAX;

			if (!shadow_alloc(shadow, size, align, 0))
				require(!stopped, "%zu bytes", size);
		}
		while (shadow->nr > 10)
			shadow_free(shadow, rng_below(rng, shadow->nr));
		pcpu_trim();
		shadow_check_all(shadow);
	}
	shadow_free_all(shadow, rng);
	pcpu_trim();
}

/* Start-up has failed: all calls say so, and none crashes. */
static void work_without_memory(void)
{
	require(errno == ENOMEM, "errno %d", errno);
	require(!pcpu_alloc_flags(8, 8, PCPU_NOWAIT), "NOWAIT finds memory");
	pcpu_free(NULL);
	require(pcpu_trim() == 0, "memory given back");
	support_expect_none_live();
	printf("no memory at first, calls=%d\n", nr_calls);
}

static void job_work(void)
{
	struct rng rng = {.state = 1};
	struct shadow *shadow;
	void *p;

	errno = 0;
	p = pcpu_alloc(8, 8);
	if (!p) {
		work_without_memory();
		stopped = true;
		p = pcpu_alloc(8, 8);
		if (!p)
			return; /* the failure is final */
	}
	pcpu_free(p);
	shadow = shadow_create();
	work(shadow, &rng);
	support_expect_none_live();
	printf("then calls=%d\n", nr_calls);
	stopped = true;
	work(shadow, &rng);
	support_expect_none_live();
	free(shadow);
}

/* Run with a plan; the number of calls that were in danger. */
static int run_plan(const char *call, int nth, bool on)
{
	char plan[64];
	const char *env[] = {plan, "PCPU_POSSIBLE_CPUS=3", "PCPU_NODES=2",
			     NULL};
	struct support_exec exec = {.job = "work", .env = env};
	struct support_child child;
	const char *calls;

	snprintf(plan, sizeof(plan), "PCPU_TEST_FAIL=%s:%d%s", call, nth,
		 on ? "+" : "");
	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
	calls = strstr(child.text, "calls=");
	ck_assert_ptr_nonnull(calls);
	return atoi(calls + strlen("calls="));
}

static const char *const calls[] = {
	"mmap",           "munmap", "madvise", "mbind", "mprotect",
	"pthread_create", "any",    "open",    "pread",
};
#define NR_CALLS ((int)(sizeof(calls) / sizeof(calls[0])))
#define NR_READS 2 /* the last ones: they only ask, each for itself */

/* Every one of the first, then ever fewer: they are calls of the same kind. */
static int next_nth(int nth)
{
	return nth + 1 + (nth > 16 ? nth / 3 : 0);
}

START_TEST(nth_call_fails__nothing_is_lost)
{
	int nth, nr;

	if (SUPPORT_TSAN)
		return;
	nr = run_plan(calls[_i], INT32_MAX, false);
	for (nth = 1; nth <= nr; nth = next_nth(nth))
		run_plan(calls[_i], nth, false);
	printf("%d calls of %s\n", nr, calls[_i]);
}
END_TEST

START_TEST(all_calls_from_the_nth_fail__nothing_is_lost)
{
	int nth, nr;

	if (SUPPORT_TSAN)
		return;
	nr = run_plan(calls[_i], INT32_MAX, false);
	for (nth = 1; nth <= nr; nth = next_nth(nth))
		run_plan(calls[_i], nth, true);
}
END_TEST

/* --- 27: strict accounting -------------------------------------------------
 */

static size_t virtual_bytes(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	require(file && fscanf(file, "%lu", &pages) == 1, "no statm");
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* All that is reserved counts as memory then: an eighth of what is free. */
static void job_strict(void)
{
	size_t spare = (size_t)sysconf(_SC_PHYS_PAGES) *
		       (size_t)sysconf(_SC_PAGESIZE) / 8;
	struct rng rng = {.state = 1};
	struct shadow *shadow = shadow_create();

	require(virtual_bytes() < spare + ((size_t)512 << 20), "%zu bytes",
		virtual_bytes());
	work(shadow, &rng);
	support_expect_none_live();
	free(shadow);
}

START_TEST(strict_overcommit__reserves_what_can_be_spared_and_works)
{
	char path[] = "/tmp/overcommit-XXXXXX", variable[64];
	const char *env[] = {variable, NULL};
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "2\n", 2), 2);
	close(fd);
	snprintf(variable, sizeof(variable), "PCPU_TEST_OVERCOMMIT=%s", path);
	if (!SUPPORT_SANITIZED)
		support_run_job("strict", env);
	unlink(path);
}
END_TEST

static const struct support_job jobs[] = {
	{"strict", job_strict},
	{"work", job_work},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("faults_inject");
	TCase *tcase = tcase_create("system calls");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, nth_call_fails__nothing_is_lost, 0,
			    NR_CALLS);
	tcase_add_loop_test(tcase, all_calls_from_the_nth_fail__nothing_is_lost,
			    0, NR_CALLS - NR_READS);
	tcase_add_test(
		tcase,
		strict_overcommit__reserves_what_can_be_spared_and_works);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
