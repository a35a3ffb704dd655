/* SPDX-License-Identifier: MIT */
/*
 * What the stubs of the kernel's headers ask the system for: support.c, which
 * is no kernel code and includes none.
 */
#ifndef CALLERS_SUPPORT_H
#define CALLERS_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- tasks: one per thread, freed when nobody has it any more ------------- */

struct task_struct {
	uint32_t state; /* a futex: 0 when it may run */
	uint32_t usage;
	unsigned flags; /* none */
	bool should_stop;
};

struct task_struct *callers_current(void);
void callers_put_task(struct task_struct *task);

/* Sleep while the state is not 0. */
void callers_schedule(void);

/* True if it was in one of the states, and runs now. */
bool callers_wake(struct task_struct *task, unsigned states);

struct task_struct *callers_run(int (*fn)(void *), void *arg);
void callers_stop(struct task_struct *task);

/* --- RCU, on liburcu; its grace periods wait for pinned sections, too ------
 */

struct callback_head {
	void *urcu[2];
	void (*func)(struct callback_head *head);
};

void callers_read_lock(void);
void callers_read_unlock(void);
void callers_synchronize(void);
void callers_call_rcu(struct callback_head *head,
		      void (*func)(struct callback_head *head));
void callers_rcu_barrier(void);

/* --- the rest ------------------------------------------------------------- */

void callers_yield(void);
void callers_sleep_ms(unsigned ms);
uint64_t callers_ns(void);
uint32_t callers_random(void);

/* A line of the kernel's, to standard output and to who listens. */
extern void (*callers_listener)(const char *line);
void callers_print(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* A WARN() that should not be, or a driver's require(): the driver fails. */
void callers_warn(const char *file, int line, const char *what);
#define require(condition) \
	((condition) ? (void)0 : callers_warn(__FILE__, __LINE__, #condition))

/* --- load: stress.c ------------------------------------------------------- */

/*
 * nr_threads threads call step() again and again, with their number and that of
 * the call, for a second (CALLERS_MS in the environment). Meanwhile signals
 * whose handler yields come in anywhere, and the threads are moved from CPU to
 * CPU. Returns how often each was called, until the next call.
 */
const unsigned long *stress(void (*step)(unsigned thread, unsigned long nr),
			    unsigned nr_threads);
#define STRESS_THREADS_MAX 16

/* The sum of these. */
unsigned long stress_total(const unsigned long *nr, unsigned nr_threads);

/* What a driver does; called once, in a process of its own. */
void drive(void);

#endif /* CALLERS_SUPPORT_H */
