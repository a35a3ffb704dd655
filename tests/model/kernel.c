// SPDX-License-Identifier: MIT
/*
 * What the library asks the system for, played: which CPU it runs on, fences,
 * sleep, locks, memory that goes back. All by --wrap, see
 * model.mk.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arena/context.h"
#include "chunk/sysfile.h"
#include "chunk/topology.h"
#include "engine.h"
#include "reclaim/reclaim.h"

/* --- CPUs ----------------------------------------------------------------- */

/*
 * The library reads its CPU from the rseq area that the kernel keeps up to date
 * for the C library. After explore_start() has taken the area from the kernel,
 * what we store there stays.
 */
long __real_syscall(long number, ...);

#ifdef LIBPCPU_HAVE_RSEQ
static void take_rseq_area(void)
{
	if (__rseq_size &&
	    __real_syscall(SYS_rseq, libpcpu_rseq_area(), sizeof(struct rseq),
			   RSEQ_FLAG_UNREGISTER, RSEQ_SIG)) {
		perror("rseq");
		exit(EXIT_FAILURE);
	}
}

void kernel_store_cpu(unsigned cpu)
{
	*(volatile uint32_t *)&libpcpu_rseq_area()->cpu_id = cpu;
}
#else
static void take_rseq_area(void)
{
}

void kernel_store_cpu(unsigned cpu)
{
	(void)cpu;
}
#endif

/* Where the library finds no area it asks the C library. */
int __wrap_sched_getcpu(void);
int __wrap_sched_getcpu(void)
{
	unsigned stale = engine.thread[engine.current].stale;

	return (int)(stale ? stale - 1 : explore_cpu());
}

/* --- fences --------------------------------------------------------------- */

/* Everybody is thrown out of a sequence, and all stores arrive. */
static long fence_all(void)
{
	unsigned i;

	fetch_add_seq_cst(&kernel_fences, 0);
	memory_settle();
	for (i = 0; i < EXPLORE_CPUS; i++)
		memory_drain(i);
	for (i = 0; i < EXPLORE_THREADS; i++)
		engine.thread[i].thrown_out = engine.thread[i].in_sequence;
	return 0;
}

/* --- sleep ---------------------------------------------------------------- */

static atom32 nr_wakes;
unsigned long explore_nr_sleeps;

static bool has_been_woken(const void *arg)
{
	const uint32_t *before = arg;

	return nr_wakes.v != *before;
}

static long wait_for(const uint32_t *word, uint32_t value)
{
	uint32_t before = load_relaxed(&nr_wakes);

	/* Nobody comes in between, as in the kernel. */
	if (*word != value)
		return EAGAIN;
	explore_nr_sleeps++;
	explore_wait(has_been_woken, &before);
	return 0;
}

long __wrap_syscall(long number, long a, long b, long c);
long __wrap_syscall(long number, long a, long b, long c)
{
	if (number == SYS_membarrier)
		return engine.running ? fence_all() : 0;
	if (number != SYS_futex)
		return __real_syscall(number, a, b, c);
	if ((b & ~FUTEX_PRIVATE_FLAG) == FUTEX_WAIT)
		return wait_for((const uint32_t *)a, (uint32_t)c);
	fetch_add_seq_cst(&nr_wakes, 1);
	return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *rest);
int __wrap_nanosleep(const struct timespec *time, struct timespec *rest)
{
	(void)time, (void)rest;
	explore_yield();
	return 0;
}

int __wrap_sched_yield(void);
int __wrap_sched_yield(void)
{
	explore_yield();
	return 0;
}

/* --- locks ---------------------------------------------------------------- */

/* In the mutex's first word, which is 0 in a new one: a child of fork() makes
 * a new one of a lock that its parent held. */
static atom32 *lock_of(pthread_mutex_t *mutex)
{
	return (atom32 *)(void *)mutex;
}

static bool is_unlocked(const void *arg)
{
	return !((const atom32 *)arg)->v;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	uint32_t unlocked = 0;

	return cas_acquire(lock_of(mutex), &unlocked, 1) ? 0 : EBUSY;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	while (__wrap_pthread_mutex_trylock(mutex))
		explore_wait(is_unlocked, lock_of(mutex));
	return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	store_seq_cst(lock_of(mutex), 0);
	return 0;
}

/* --- the worker ----------------------------------------------------------- */

static void *(*worker)(void *);
static bool worker_is_wanted;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg)
{
	(void)attr, (void)arg;
	if (!worker_is_wanted)
		return EAGAIN;
	worker = start;
	*thread = pthread_self();
	return 0;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_pthread_setname_np(pthread_t thread, const char *name)
{
	(void)thread, (void)name;
	return 0;
}

void explore_want_worker(void)
{
	worker_is_wanted = true;
	reclaim_start();
	worker_is_wanted = false;
}

void explore_worker(void)
{
	worker(NULL);
}

/* --- memory that goes back ------------------------------------------------ */

/* Dropping pages and faulting them in again takes longer than all else. The
 * effect is the same. */
int __real_madvise(void *start, size_t bytes, int advice);
int __wrap_madvise(void *start, size_t bytes, int advice);
int __wrap_madvise(void *start, size_t bytes, int advice)
{
	if (advice != MADV_DONTNEED)
		return __real_madvise(start, bytes, advice);
	copies_clear_pages(start, bytes);
	return 0;
}

/* Whether a page was touched: it is not known, as without /proc. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, int mode);
int __wrap_open(const char *path, int flags, int mode)
{
	if (strcmp(path, "/proc/self/pagemap"))
		return __real_open(path, flags, mode);
	errno = ENOENT;
	return -1;
}

/* Machines that have more CPUs than we play will do as well. */
bool __real_sysfile_read(const char *path, char *text, size_t size);
bool __wrap_sysfile_read(const char *path, char *text, size_t size);
bool __wrap_sysfile_read(const char *path, char *text, size_t size)
{
	if (strcmp(path, "/sys/devices/system/cpu/possible"))
		return __real_sysfile_read(path, text, size);
	snprintf(text, size, "0-%u\n", EXPLORE_CPUS - 1);
	return true;
}

/* --- wrong use ------------------------------------------------------------ */

_Noreturn void __wrap_panic(const char *format, ...);
void __wrap_panic(const char *format, ...)
{
	const char *expected = engine.running ? engine.scenario->refusal : NULL;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (expected && strstr(text, expected))
		engine_end(REFUSED);
	explore_fail("%s", text);
}

/* --- systems -------------------------------------------------------------- */

/* Slots are empty in between: that is when they may be left alone. */
void explore_reset_for(enum explore_model model)
{
	static uint64_t front;
	static bool sequences;

	explore_reset();
	if (!front) {
		front = front_limit_on;
		sequences = context_has_sequences;
	}
	context_has_sequences = sequences && model != EXPLORE_BARE;
	front_limit_on = model == EXPLORE_BARE ? 0 : front;
	store_relaxed(&front_limit, front_limit_on);
}

/* --- start ---------------------------------------------------------------- */

/* Fewer chunks than the layout has: the rest is never touched. */
static void make_scarce(void)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		arena_at(i)->pool.nr_chunks = EXPLORE_CHUNKS;
		arena_at(i)->pool.nr_words = 1;
		arena_at(i)->shelves.nr_groups = 1;
	}
}

void explore_start(char **argv, unsigned nr_nodes)
{
	const char *asked = getenv("EXPLORE_ARENAS");
	/* With one a node all CPUs meet in it. */
	const char *arenas = asked ? asked : "1";
	char cpus[16], nodes[16];

	snprintf(cpus, sizeof(cpus), "%u", EXPLORE_CPUS);
	snprintf(nodes, sizeof(nodes), "%u", nr_nodes);
	if (!getenv("EXPLORE_MACHINE")) {
		setenv("EXPLORE_MACHINE", "1", 1);
		setenv("PCPU_POSSIBLE_CPUS", cpus, 1);
		setenv("PCPU_NODES", nodes, 1);
		setenv("PCPU_ARENAS", arenas, 1);
		execv("/proc/self/exe", argv);
	}
	if (!arena_is_ready() || libpcpu_nr_cpu_ids != EXPLORE_CPUS ||
	    layout.nr_nodes != nr_nodes ||
	    layout.node_arenas != (unsigned)atoi(arenas)) {
		fprintf(stderr, "the simulated machine did not come up\n");
		exit(EXIT_FAILURE);
	}
	take_rseq_area();
	explore_on_cpu(0);
	make_scarce();
	copies_start();
}
