// SPDX-License-Identifier: MIT
/*
 * The kernel's percpu_ref: its flags, callbacks and lives. What is below is
 * tested in test_ref.c.
 */
#include <linux/percpu-refcount.h>

#include <stdatomic.h>

#include "tests/support.h"

static struct percpu_ref ref;
static atomic_int nr_released, nr_confirmed;

static void released(struct percpu_ref *it)
{
	require(it == &ref && percpu_ref_is_zero(it), "released alive");
	atomic_fetch_add(&nr_released, 1);
}

static void confirmed(struct percpu_ref *it)
{
	require(it == &ref && !nr_released, "confirmed after the release");
	atomic_fetch_add(&nr_confirmed, 1);
}

static void init(unsigned flags)
{
	nr_released = nr_confirmed = 0;
	ck_assert_int_eq(percpu_ref_init(&ref, released, flags, GFP_KERNEL), 0);
}

static void wait_for_release(void)
{
	int ms;

	for (ms = 0; !nr_released; ms++) {
		require(ms < 20000, "not released");
		usleep(1000);
	}
}

static uint64_t live_objects(void)
{
	struct pcpu_stats stats;

	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	return stats.nr_cur_alloc;
}

static bool is_atomic(void)
{
	return libpcpu_ref_word(&ref.libpcpu_core) & LIBPCPU_REF_ATOMIC;
}

START_TEST(life__get_put_kill__confirmed_then_released)
{
	uint64_t before = live_objects();

	init(0);
	ck_assert(!is_atomic());
	percpu_ref_get(&ref);
	percpu_ref_get_many(&ref, 4);
	ck_assert(percpu_ref_tryget(&ref));
	ck_assert(percpu_ref_tryget_many(&ref, 2));
	ck_assert(percpu_ref_tryget_live(&ref));
	ck_assert(percpu_ref_tryget_live_rcu(&ref));
	percpu_ref_put_many(&ref, 9);
	ck_assert(!percpu_ref_is_dying(&ref));
	percpu_ref_kill_and_confirm(&ref, confirmed);
	ck_assert(percpu_ref_is_dying(&ref));
	ck_assert(!percpu_ref_tryget_live(&ref));
	ck_assert(!percpu_ref_tryget_live_rcu(&ref));
	percpu_ref_put(&ref);
	wait_for_release();
	ck_assert_int_eq(nr_confirmed, 1);
	ck_assert(!percpu_ref_tryget(&ref));
	percpu_ref_exit(&ref);
	ck_assert_uint_eq(live_objects(), before);
	ck_assert(percpu_ref_is_zero(&ref));
}
END_TEST

START_TEST(exit__zeroed__live__and_twice__is_fine)
{
	uint64_t before = live_objects();

	percpu_ref_exit(&ref);
	init(0);
	percpu_ref_get(&ref);
	percpu_ref_exit(&ref);
	percpu_ref_exit(&ref);
	ck_assert_uint_eq(live_objects(), before);
	ck_assert(!percpu_ref_is_zero(&ref));
}
END_TEST

START_TEST(init__atomic_or_dead__as_the_flags_say)
{
	init(PERCPU_REF_INIT_ATOMIC);
	ck_assert(is_atomic() && !percpu_ref_is_dying(&ref));
	percpu_ref_switch_to_percpu(&ref);
	ck_assert(!is_atomic());
	percpu_ref_exit(&ref);
	init(PERCPU_REF_INIT_DEAD);
	ck_assert(is_atomic() && percpu_ref_is_dying(&ref));
	ck_assert(percpu_ref_is_zero(&ref));
	percpu_ref_reinit(&ref);
	ck_assert(!is_atomic() && !percpu_ref_is_dying(&ref));
	percpu_ref_exit(&ref);
}
END_TEST

START_TEST(modes__to_atomic_and_back__references_stay)
{
	init(PERCPU_REF_ALLOW_REINIT);
	percpu_ref_get(&ref);
	percpu_ref_switch_to_atomic_sync(&ref);
	ck_assert(is_atomic());
	percpu_ref_switch_to_atomic(&ref, confirmed);
	ck_assert_int_eq(nr_confirmed, 1);
	percpu_ref_switch_to_percpu(&ref);
	ck_assert(!is_atomic());
	percpu_ref_kill(&ref);
	percpu_ref_resurrect(&ref);
	ck_assert(percpu_ref_tryget_live(&ref));
	percpu_ref_put_many(&ref, 2);
	percpu_ref_kill(&ref);
	wait_for_release();
	percpu_ref_exit(&ref);
}
END_TEST

/* Out of a fresh process nothing is given without growing. */
START_TEST(init__atomic_without_memory__enomem_and_errno_untouched)
{
	while (pcpu_alloc_flags(8, 8, PCPU_NOWAIT))
		continue;
	errno = EPERM;
	ck_assert_int_eq(percpu_ref_init(&ref, released, 0, GFP_ATOMIC),
			 -ENOMEM);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(percpu_ref_init(&ref, released, 0, GFP_KERNEL), 0);
	percpu_ref_exit(&ref);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("linux_refcount");
	TCase *tc = tcase_create("linux_refcount");

	tcase_add_test(tc, life__get_put_kill__confirmed_then_released);
	tcase_add_test(tc, exit__zeroed__live__and_twice__is_fine);
	tcase_add_test(tc, init__atomic_or_dead__as_the_flags_say);
	tcase_add_test(tc, modes__to_atomic_and_back__references_stay);
	tcase_add_test(tc,
		       init__atomic_without_memory__enomem_and_errno_untouched);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
