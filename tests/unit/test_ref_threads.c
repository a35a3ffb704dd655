// SPDX-License-Identifier: MIT
/*
 * Reference counters whose mode changes while threads get and put.
 */
#include <pthread.h>
#include <sched.h>

#include "tests/unit/ref_life.h"

#define NR_THREADS 4
#define ROUNDS SUPPORT_SCALE(200000u)

static _Alignas(64) long plain[NR_THREADS]; /* written while we hold one */
static atomic_int stop;

static void *get_and_put(void *number)
{
	long *mine = number;
	unsigned i, had = 0;

	for (i = 0; i < ROUNDS; i++) {
		if (!pcpu_ref_tryget_live(&ref))
			break;
		had++;
		if (had > 1 && i % 3 == 0) {
			pcpu_ref_put_many(&ref, had - 1);
			had = 1;
		}
	}
	++*mine;
	if (had)
		pcpu_ref_put_many(&ref, had);
	return NULL;
}

static void sum_up(struct pcpu_ref *it)
{
	int i;

	for (i = 0; i < NR_THREADS; i++)
		require(plain[i] == 1, "thread %d still works", i);
	released(it);
}

START_TEST(kill__beside_gets_and_puts__released_once_after_all)
{
	pthread_t thread[NR_THREADS];
	unsigned round, i;

	for (round = 0; round < SUPPORT_SCALE(50u); round++) {
		init(0);
		pcpu_ref_exit(&ref);
		memset(plain, 0, sizeof(plain));
		ck_assert_int_eq(pcpu_ref_init(&ref, sum_up, 0), 0);
		/* A reference for each: it works until it puts it. */
		pcpu_ref_get_many(&ref, NR_THREADS);
		for (i = 0; i < NR_THREADS; i++)
			pthread_create(&thread[i], NULL, get_and_put,
				       &plain[i]);
		usleep(round * 50);
		pcpu_ref_kill_and_confirm(&ref, confirmed);
		for (i = 0; i < NR_THREADS; i++) {
			pthread_join(thread[i], NULL);
			ck_assert_int_eq(nr_released, 0);
			pcpu_ref_put(&ref);
		}
		wait_for(&nr_released, 1);
		pcpu_ref_exit(&ref);
	}
}
END_TEST

static void *switch_modes(void *unused)
{
	while (!stop) {
		pcpu_ref_switch_to_atomic_sync(&ref);
		pcpu_ref_switch_to_percpu(&ref);
		pcpu_ref_kill(&ref);
		pcpu_ref_resurrect(&ref);
	}
	return unused;
}

static void *hold_and_let_go(void *number)
{
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		pcpu_ref_get(&ref);
		if (i % 1000 == 0)
			sched_yield();
		if (i % 7 == 0 && pcpu_ref_tryget(&ref))
			pcpu_ref_put(&ref);
		if (i % 100 == 0) {
			pcpu_pin();
			pcpu_ref_get(&ref);
			pcpu_unpin();
			pcpu_ref_put(&ref);
		}
		pcpu_ref_put(&ref);
	}
	return number;
}

START_TEST(modes__changed_while_threads_get_and_put__nothing_is_lost)
{
	pthread_t thread[NR_THREADS], switcher;
	unsigned i;

	init(PCPU_REF_ALLOW_REINIT);
	pcpu_ref_get(&ref); /* lest it ends with a kill */
	pthread_create(&switcher, NULL, switch_modes, NULL);
	for (i = 0; i < NR_THREADS; i++)
		pthread_create(&thread[i], NULL, hold_and_let_go, NULL);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(thread[i], NULL);
	stop = 1;
	pthread_join(switcher, NULL);
	expect_references(2);
	ck_assert_int_eq(nr_released, 0);
	pcpu_ref_put(&ref);
	pcpu_ref_kill(&ref);
	wait_for(&nr_released, 1);
	pcpu_ref_exit(&ref);
}
END_TEST

/* --- fork ----------------------------------------------------------------- */

static void kill_in_child(void *unused)
{
	(void)unused;
	pcpu_ref_put(&ref);
	pcpu_ref_kill(&ref);
	wait_for(&nr_released, 1);
	pcpu_ref_exit(&ref);
	_exit(0);
}

START_TEST(kill__in_a_child_of_fork__released_there)
{
	struct support_child child;

	/* TSan wants no new thread there. */
	if (SUPPORT_TSAN)
		return;
	init(0);
	pcpu_ref_get(&ref);
	support_fork(kill_in_child, NULL, &child);
	ck_assert_msg(support_succeeded(&child), "%s", child.text);
	expect_references(2);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("ref_threads");
	TCase *tc = tcase_create("ref_threads");

	tcase_add_test(tc, kill__beside_gets_and_puts__released_once_after_all);
	tcase_add_test(
		tc, modes__changed_while_threads_get_and_put__nothing_is_lost);
	tcase_add_test(tc, kill__in_a_child_of_fork__released_there);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
