// SPDX-License-Identifier: MIT
/* kernel/locking/percpu-rwsem.c: readers and writers are never together. */
#include <linux/percpu-rwsem.h>

#define NR_THREADS 6

DEFINE_STATIC_PERCPU_RWSEM(fixed);
static struct percpu_rw_semaphore made;
static long written[2], nr_writes;

static void write(struct percpu_rw_semaphore *sem)
{
	percpu_down_write(sem);
	written[0]++;
	callers_yield();
	written[1]++;
	nr_writes++;
	percpu_up_write(sem);
}

static void read(struct percpu_rw_semaphore *sem, unsigned long nr)
{
	if (nr % 5)
		percpu_down_read(sem);
	else if (!percpu_down_read_trylock(sem))
		return;
	require(READ_ONCE(written[0]) == READ_ONCE(written[1]));
	if (nr % 64 == 0)
		callers_yield();
	require(READ_ONCE(written[0]) == READ_ONCE(written[1]));
	percpu_up_read(sem);
}

static struct percpu_rw_semaphore *sem;

static void read_or_write(unsigned thread, unsigned long nr)
{
	if (nr % (2000 + thread * 100) == 1999)
		write(sem);
	else
		read(sem, nr);
}

static void try(struct percpu_rw_semaphore *it)
{
	sem = it;
	nr_writes = written[0] = written[1] = 0;
	stress(read_or_write, NR_THREADS);
	require(nr_writes > 0 && written[0] == nr_writes);
	require(!percpu_is_read_locked(it) && !percpu_is_write_locked(it));
	percpu_down_read(it);
	require(percpu_is_read_locked(it));
	percpu_up_read(it);
	pr_info("%ld writes\n", nr_writes);
}

void drive(void)
{
	require(percpu_init_rwsem(&made) == 0);
	try(&made);
	percpu_free_rwsem(&made);
	try(&fixed);
	rcu_barrier();
}
