// SPDX-License-Identifier: MIT
#include "callers/support.h"

#include <limits.h>
#include <linux/futex.h>
#include <pcpu/context.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

/* --- tasks ---------------------------------------------------------------- */

static __thread struct task_struct *self;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void callers_put_task(struct task_struct *task)
{
	if (!__atomic_sub_fetch(&task->usage, 1, __ATOMIC_ACQ_REL))
		free(task);
}

static void leave(void *task)
{
	callers_put_task(task);
}

static void make_key(void)
{
	pthread_key_create(&key, leave);
}

struct task_struct *callers_current(void)
{
	if (!self) {
		self = calloc(1, sizeof(*self));
		if (!self)
			abort();
		self->usage = 1;
		pthread_once(&once, make_key);
		pthread_setspecific(key, self);
	}
	return self;
}

static void futex(uint32_t *word, int operation, uint32_t value)
{
	syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL,
		NULL, 0);
}

void callers_schedule(void)
{
	struct task_struct *task = callers_current();
	uint32_t state;

	while ((state = __atomic_load_n(&task->state, __ATOMIC_SEQ_CST)))
		futex(&task->state, FUTEX_WAIT, state);
}

bool callers_wake(struct task_struct *task, unsigned states)
{
	uint32_t state = __atomic_load_n(&task->state, __ATOMIC_SEQ_CST);

	while (state & states)
		if (__atomic_compare_exchange_n(&task->state, &state, 0, false,
						__ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST)) {
			futex(&task->state, FUTEX_WAKE, INT_MAX);
			return true;
		}
	return false;
}

struct start {
	int (*fn)(void *);
	void *arg;
	struct task_struct *task;
};

static void *run(void *arg)
{
	struct start *start = arg;

	self = start->task;
	pthread_once(&once, make_key);
	pthread_setspecific(key, self);
	start->fn(start->arg);
	free(start);
	return NULL;
}

struct task_struct *callers_run(int (*fn)(void *), void *arg)
{
	struct start *start = malloc(sizeof(*start));
	pthread_t thread;

	if (!start)
		abort();
	start->fn = fn;
	start->arg = arg;
	start->task = calloc(1, sizeof(*start->task));
	if (!start->task)
		abort();
	start->task->usage = 2; /* its own, and the caller's */
	if (pthread_create(&thread, NULL, run, start))
		abort();
	pthread_detach(thread);
	return start->task;
}

/* It may be in its last lines still; nobody looks at its result. */
void callers_stop(struct task_struct *task)
{
	__atomic_store_n(&task->should_stop, true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&task->usage, __ATOMIC_ACQUIRE) > 1)
		callers_sleep_ms(1);
	callers_put_task(task);
}

/* --- RCU ------------------------------------------------------------------ */

void callers_read_lock(void)
{
	urcu_bp_read_lock();
}

void callers_read_unlock(void)
{
	urcu_bp_read_unlock();
}

/*
 * The kernel's grace periods wait for all who run with preemption disabled.
 * Here these have a copy pinned; whoever pins each copy once has waited for all
 * of them.
 */
static void wait_for_sections(void)
{
	cpu_set_t before, one;
	size_t cpu;

	sched_getaffinity(0, sizeof(before), &before);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &before))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		libpcpu_pin();
		libpcpu_unpin();
	}
	sched_setaffinity(0, sizeof(before), &before);
}

void callers_synchronize(void)
{
	urcu_bp_synchronize_rcu();
	wait_for_sections();
}

static void call_back(struct rcu_head *urcu)
{
	struct callback_head *head = (struct callback_head *)urcu;

	wait_for_sections();
	head->func(head);
}

_Static_assert(sizeof(struct rcu_head) <= offsetof(struct callback_head, func),
	       "liburcu's head fits");

void callers_call_rcu(struct callback_head *head,
		      void (*func)(struct callback_head *head))
{
	head->func = func;
	urcu_bp_call_rcu((struct rcu_head *)head, call_back);
}

void callers_rcu_barrier(void)
{
	urcu_bp_barrier();
}

/* --- the rest ------------------------------------------------------------- */

void callers_yield(void)
{
	sched_yield();
}

void callers_sleep_ms(unsigned ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000l};

	nanosleep(&t, NULL);
}

uint64_t callers_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Xorshift, seeded by where the thread's memory is. */
uint32_t callers_random(void)
{
	static __thread uint64_t x;

	if (!x)
		x = (uintptr_t)&x * UINT64_C(0x9e3779b97f4a7c15) | 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

void (*callers_listener)(const char *line);

void callers_print(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fputs(line, stdout);
	if (callers_listener)
		callers_listener(line);
}

void callers_warn(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	fflush(NULL);
	abort();
}
