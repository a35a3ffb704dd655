// SPDX-License-Identifier: MIT
/*
 * System calls of the library that fail at random: the linker leads them here
 * (soak.mk), where one in sixteen fails.
 */
#include "soak.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define ONE_IN 16u

atomic_bool faults_on;

enum { MMAP, MADVISE, MEMBARRIER, PTHREAD_CREATE };

struct fault *faults;

static const char *const names[] = {
	[MMAP] = "mmap",
	[MADVISE] = "madvise",
	[MEMBARRIER] = "membarrier",
	[PTHREAD_CREATE] = "pthread_create",
};
#define NR_FAULTS (sizeof(names) / sizeof(names[0]))

/* Safe in signal handlers and children: one atomic operation. */
static bool must_fail(int which)
{
	static _Atomic uint64_t state;
	uint64_t at;

	if (!faults_on)
		return false;
	atomic_fetch_add(&faults[which].nr_calls, 1);
	at = atomic_fetch_add(&state, UINT64_C(0x9e3779b97f4a7c15));
	if (support_mix(at) % ONE_IN)
		return false;
	atomic_fetch_add(&faults[which].nr_failed, 1);
	return true;
}

void *__real_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd,
		  off_t offset)
{
	if (!must_fail(MMAP))
		return __real_mmap(at, bytes, prot, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

void faults_init(void)
{
	unsigned i;

	faults = (struct fault *)__real_mmap(
		NULL, (NR_FAULTS + 1) * sizeof(*faults), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(faults != MAP_FAILED, "errno %d", errno);
	for (i = 0; i < NR_FAULTS; i++)
		faults[i].name = names[i];
}

int __real_madvise(void *at, size_t bytes, int advice);
int __wrap_madvise(void *at, size_t bytes, int advice);
int __wrap_madvise(void *at, size_t bytes, int advice)
{
	if (!must_fail(MADVISE))
		return __real_madvise(at, bytes, advice);
	errno = ENOMEM;
	return -1;
}

long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...);
long __wrap_syscall(long nr, ...)
{
	long arg[6];
	va_list args;
	unsigned i;

	va_start(args, nr);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (nr != SYS_membarrier || !must_fail(MEMBARRIER))
		return __real_syscall(nr, arg[0], arg[1], arg[2], arg[3],
				      arg[4], arg[5]);
	errno = EPERM;
	return -1;
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*run)(void *), void *arg)
{
	if (!must_fail(PTHREAD_CREATE))
		return __real_pthread_create(thread, attr, run, arg);
	return EAGAIN;
}

int soak_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
	return __real_pthread_create(thread, NULL, run, arg);
}
