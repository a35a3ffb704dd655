// SPDX-License-Identifier: MIT
/*
 * A port that counts by the kernel's percpu_counter, holds by its percpu_ref
 * and locks by its percpu_rw_semaphore, and has pcpu_* functions of its own.
 */
#include <linux/percpu-refcount.h>
#include <linux/percpu-rwsem.h>
#include <linux/percpu_counter.h>

#include <sched.h>
#include <stdlib.h>

DEFINE_STATIC_PERCPU_RWSEM(lock);
static struct percpu_counter requests;
static struct percpu_ref users;
static volatile bool released;

#ifdef __cplusplus
extern "C" {
#endif
void pcpu_ref_get(struct percpu_ref *ref);
int pcpu_counter_init(void);
#ifdef __cplusplus
}
#endif

void pcpu_ref_get(struct percpu_ref *ref)
{
	(void)ref;
	abort();
}

int pcpu_counter_init(void)
{
	abort();
}

static void release(struct percpu_ref *ref)
{
	released = ref == &users;
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

int main(void)
{
	require(!percpu_counter_init(&requests, 5, GFP_KERNEL));
	require(!percpu_ref_init(&users, release, 0, GFP_KERNEL));
	percpu_down_read(&lock);
	percpu_counter_add(&requests, 37);
	percpu_ref_get(&users);
	percpu_up_read(&lock);
	percpu_down_write(&lock);
	require(percpu_counter_sum(&requests) == 42);
	percpu_up_write(&lock);
	percpu_ref_kill(&users);
	percpu_ref_put(&users);
	while (!released)
		sched_yield();
	percpu_ref_exit(&users);
	percpu_counter_destroy(&requests);
	percpu_free_rwsem(&lock);
	return 0;
}
