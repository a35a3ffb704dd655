// SPDX-License-Identifier: MIT
/* lib/percpu-refcount.c: released once, when nobody has one any more. */
#include <linux/percpu-refcount.h>

#define NR_THREADS 6

static struct percpu_ref ref;
static int holders, nr_released, nr_confirmed;

static void released(struct percpu_ref *it)
{
	require(it == &ref && percpu_ref_is_zero(it));
	require(__atomic_load_n(&holders, __ATOMIC_SEQ_CST) == 0);
	__atomic_add_fetch(&nr_released, 1, __ATOMIC_SEQ_CST);
}

static void confirmed(struct percpu_ref *it)
{
	require(!percpu_ref_tryget_live(it));
	__atomic_add_fetch(&nr_confirmed, 1, __ATOMIC_SEQ_CST);
}

static void wait_for(const int *number, int value)
{
	while (__atomic_load_n(number, __ATOMIC_SEQ_CST) != value)
		callers_yield();
}

static void hold(unsigned long nr)
{
	if (!percpu_ref_tryget_live(&ref))
		return;
	__atomic_add_fetch(&holders, 1, __ATOMIC_SEQ_CST);
	percpu_ref_get_many(&ref, 2);
	if (nr % 16 == 0)
		callers_yield();
	percpu_ref_put(&ref);
	percpu_ref_put(&ref);
	__atomic_sub_fetch(&holders, 1, __ATOMIC_SEQ_CST);
	percpu_ref_put(&ref);
}

/* The first thread ends it, and begins anew, or changes its mode. */
static void live(unsigned thread, unsigned long nr)
{
	static int lives;

	if (thread || nr % 64) {
		hold(nr);
		return;
	}
	percpu_ref_switch_to_atomic_sync(&ref);
	percpu_ref_switch_to_percpu(&ref);
	percpu_ref_kill_and_confirm(&ref, confirmed);
	wait_for(&nr_confirmed, ++lives);
	wait_for(&nr_released, lives);
	percpu_ref_reinit(&ref);
}

void drive(void)
{
	int before;

	require(percpu_ref_init(&ref, released, PERCPU_REF_ALLOW_REINIT,
				GFP_KERNEL) == 0);
	stress(live, NR_THREADS);
	before = nr_released;
	require(before > 0 && nr_confirmed == before);
	require(!percpu_ref_is_zero(&ref));
	percpu_ref_kill(&ref);
	wait_for(&nr_released, before + 1);
	pr_info("%d lives\n", before + 1);
	rcu_barrier();
	percpu_ref_exit(&ref);
}
