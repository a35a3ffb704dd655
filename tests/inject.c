// SPDX-License-Identifier: MIT
#include "tests/inject.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

/* Never inlined: it tells by its caller whether to fail. */
#define INTERPOSED __attribute__((visibility("default"), noinline))

const char *const inject_calls[] = {
	"mmap",     "munmap",         "madvise",    "mbind",
	"mprotect", "pthread_create", "membarrier", "futex",
	"open",     "pread",          "stat",       NULL,
};

/* Of the program alone until it plans something else. */
static const char *plan;
static bool plan_is_ours;
static atomic_int nr_calls;
static atomic_int nr_failed;
static atomic_bool no_worker;
static atomic_bool keep_pages;
static _Thread_local void (*at_fence)(void);

void inject_plan(const char *text)
{
	plan_is_ours = true;
	plan = text;
	nr_calls = 0;
	nr_failed = 0;
}

int inject_nr_calls(void)
{
	return nr_calls;
}

int inject_nr_failed(void)
{
	return nr_failed;
}

void inject_at_fence(void (*handler)(void))
{
	at_fence = handler;
}

void inject_no_worker(void)
{
	no_worker = true;
}

void inject_keep_pages(bool keep)
{
	keep_pages = keep;
}

#if !SUPPORT_TSAN

extern const char __executable_start[], etext[];

static bool is_planned(const char *text, const char *name)
{
	size_t length = strlen(name);
	char *end;
	long nth;
	int nr;

	if (strncmp(text, "any:", 4) == 0)
		text += 4;
	else if (strncmp(text, name, length) == 0 && text[length] == ':')
		text += length + 1;
	else
		return false;
	nr = atomic_fetch_add(&nr_calls, 1) + 1;
	nth = strtol(text, &end, 10);
	return *end == '+' ? nr >= nth : nr == nth;
}

static bool must_fail(const char *name, const void *caller)
{
	const char *text = plan_is_ours ? plan : getenv("PCPU_TEST_FAIL");

	if (!text || (const char *)caller < __executable_start ||
	    (const char *)caller >= etext || !is_planned(text, name))
		return false;
	atomic_fetch_add(&nr_failed, 1);
	return true;
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
	if (keep_pages && advice == MADV_DONTNEED) {
		memset(at, 0, bytes);
		return 0;
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

	if ((attr && no_worker) || MUST_FAIL("pthread_create"))
		return EAGAIN;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, run, arg);
}

/* A wait may end at any time, waking somebody succeeds. */
static bool is_wait(long number, long operation)
{
	return number == SYS_futex &&
	       (operation & FUTEX_CMD_MASK) == FUTEX_WAIT;
}

static void handle_fence(void)
{
	void (*handler)(void) = at_fence;

	at_fence = NULL;
	if (handler)
		handler();
}

/* Calls that have no function of their own. */
INTERPOSED long syscall(long number, ...)
{
	static long (*real)(long, ...);
	const void *caller = __builtin_return_address(0);
	long arg[6];
	va_list args;
	int i;

	if (number == SYS_membarrier)
		handle_fence();
	if (number == SYS_membarrier && must_fail("membarrier", caller)) {
		errno = ENOSYS;
		return -1;
	}
	va_start(args, number);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (is_wait(number, arg[1]) && must_fail("futex", caller)) {
		errno = EINTR;
		return -1;
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* Does the environment say what is in the file? */
static const char *text_of(const char *path)
{
	const char *file = getenv("PCPU_TEST_FILE");
	size_t length = strlen(path);

	if (!file || strncmp(file, path, length) != 0 || file[length] != '=')
		return NULL;
	return file + length + 1;
}

static int open_text(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, text, strlen(text)) < 0 ||
			lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

INTERPOSED int open(const char *path, int flags, ...)
{
	va_list args;
	int mode;

	if (MUST_FAIL("open")) {
		errno = ENOENT;
		return -1;
	}
	if (text_of(path))
		return open_text(text_of(path));
	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
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

INTERPOSED int stat(const char *restrict path, struct stat *restrict result)
{
	if (MUST_FAIL("stat")) {
		errno = ENOENT;
		return -1;
	}
	return fstatat(AT_FDCWD, path, result, 0);
}

/* C libraries do not agree on the first parameter's type. */
INTERPOSED int limit_of(int resource,
			struct rlimit *limit) __asm__("getrlimit");
int limit_of(int resource, struct rlimit *limit)
{
	const char *text = getenv("PCPU_TEST_LIMIT");
	long rc = syscall(SYS_prlimit64, 0, resource, NULL, limit);

	if (rc == 0 && text && resource == RLIMIT_AS)
		limit->rlim_cur = strtoul(text, NULL, 10);
	return (int)rc;
}

#endif /* !SUPPORT_TSAN */
