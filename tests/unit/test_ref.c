// SPDX-License-Identifier: MIT
/*
 * Reference counters: what ends when, in which mode, and wrong use.
 */
#include <urcu/urcu-bp.h>

#include "arena/arena.h"
#include "tests/exhaust.h"
#include "tests/unit/ref_life.h"

static uint64_t live_objects(void)
{
	struct pcpu_stats stats;

	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	return stats.nr_cur_alloc;
}

/* --- one life ------------------------------------------------------------- */

START_TEST(init__unknown_flag__einval)
{
	errno = 0;
	ck_assert_int_eq(pcpu_ref_init(&ref, released, 0x2000), -1);
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_int_eq(pcpu_ref_init(&ref, released, PCPU_NOZERO), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(init__no_memory__enomem)
{
	exhaust(8);
	errno = 0;
	ck_assert_int_eq(pcpu_ref_init(&ref, released, 0), -1);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

START_TEST(kill__nobody_has_a_reference__released_once_and_memory_back)
{
	uint64_t before = live_objects();

	init(0);
	ck_assert_uint_eq(live_objects(), before + 1);
	ck_assert(!pcpu_ref_is_zero(&ref) && !pcpu_ref_is_dying(&ref));
	pcpu_ref_get_many(&ref, 3);
	pcpu_ref_put(&ref);
	pcpu_ref_put_many(&ref, 2);
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	ck_assert(pcpu_ref_is_dying(&ref));
	wait_for(&nr_released, 1);
	ck_assert_int_eq(nr_confirmed, 1);
	pcpu_ref_exit(&ref);
	ck_assert_uint_eq(live_objects(), before);
	ck_assert(pcpu_ref_is_zero(&ref));
}
END_TEST

START_TEST(kill__references_are_left__the_last_put_releases)
{
	init(0);
	pcpu_ref_get_many(&ref, 2);
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	ck_assert(!pcpu_ref_tryget_live(&ref));
	wait_for(&nr_confirmed, 1);
	libpcpu_ref_settle(&ref.core);
	ck_assert(pcpu_ref_tryget(&ref));
	pcpu_ref_put_many(&ref, 2);
	ck_assert(!pcpu_ref_is_zero(&ref));
	ck_assert_int_eq(nr_released, 0);
	pcpu_ref_put(&ref);
	wait_for(&nr_released, 1);
	ck_assert(pcpu_ref_is_zero(&ref));
	ck_assert(!pcpu_ref_tryget(&ref));
	pcpu_ref_exit(&ref);
}
END_TEST

START_TEST(kill__a_reader_is_in_a_section__confirmed_when_it_left)
{
	init(0);
	urcu_bp_read_lock();
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	usleep(100000);
	ck_assert_int_eq(nr_confirmed, 0);
	ck_assert(pcpu_ref_tryget(&ref));
	pcpu_ref_put(&ref);
	urcu_bp_read_unlock();
	wait_for(&nr_released, 1);
	ck_assert_int_eq(nr_confirmed, 1);
	pcpu_ref_exit(&ref);
}
END_TEST

/* One addition has no sequence, as the thread works on its own copy. */
START_TEST(get_and_put__pinned__count_like_others)
{
	init(0);
	pcpu_pin();
	pcpu_ref_get_many(&ref, 2);
	pcpu_ref_put(&ref);
	ck_assert(pcpu_ref_tryget_live(&ref));
	pcpu_unpin();
	expect_references(3);
	pcpu_ref_put_many(&ref, 2);
	pcpu_ref_kill(&ref);
	wait_for(&nr_released, 1);
	pcpu_ref_exit(&ref);
}
END_TEST

START_TEST(exit__only_the_maker_has_a_reference__is_fine)
{
	uint64_t before = live_objects();

	init(0);
	pcpu_ref_get(&ref);
	pcpu_ref_put(&ref);
	pcpu_ref_exit(&ref);
	ck_assert_uint_eq(live_objects(), before);
	ck_assert_int_eq(nr_released, 0);
}
END_TEST

/* What the change itself holds is nobody's reference when it is done. */
START_TEST(exit__right_after_a_change_of_mode__is_fine)
{
	unsigned i;

	for (i = 0; i < SUPPORT_SCALE(100u); i++) {
		init(PCPU_REF_ALLOW_REINIT);
		pcpu_ref_switch_to_atomic_sync(&ref);
		if (i % 2)
			pcpu_ref_switch_to_percpu(&ref);
		pcpu_ref_exit(&ref);
	}
	ck_assert_int_eq(nr_released, 0);
}
END_TEST

/* --- modes ---------------------------------------------------------------- */

START_TEST(init_dead__no_reference__until_reinit)
{
	init(PCPU_REF_INIT_DEAD);
	ck_assert(pcpu_ref_is_dying(&ref) && pcpu_ref_is_zero(&ref));
	ck_assert(!pcpu_ref_tryget(&ref) && !pcpu_ref_tryget_live(&ref));
	pcpu_ref_reinit(&ref);
	ck_assert(!pcpu_ref_is_dying(&ref) && !pcpu_ref_is_zero(&ref));
	ck_assert(pcpu_ref_tryget_live(&ref));
	pcpu_ref_put(&ref);
	pcpu_ref_kill(&ref);
	wait_for(&nr_released, 1);
	pcpu_ref_exit(&ref);
}
END_TEST

START_TEST(init_atomic__last_put__releases_at_once)
{
	init(PCPU_REF_INIT_ATOMIC);
	pcpu_ref_get(&ref);
	pcpu_ref_put_many(&ref, 2);
	ck_assert_int_eq(nr_released, 1);
	pcpu_ref_exit(&ref);
}
END_TEST

START_TEST(reinit__after_zero__a_second_life_in_the_same_mode)
{
	int i;

	init(PCPU_REF_ALLOW_REINIT);
	for (i = 0; i < 3; i++) {
		pcpu_ref_get(&ref);
		pcpu_ref_put(&ref);
		ck_assert(!(libpcpu_ref_word(&ref.core) & LIBPCPU_REF_ATOMIC));
		pcpu_ref_kill_and_confirm(&ref, confirmed);
		wait_for(&nr_released, 1);
		ck_assert_int_eq(nr_confirmed, 1);
		nr_released = nr_confirmed = 0;
		pcpu_ref_reinit(&ref);
		expect_references(1);
	}
	pcpu_ref_exit(&ref);
}
END_TEST

START_TEST(resurrect__with_references_left__all_of_them_count)
{
	init(PCPU_REF_ALLOW_REINIT);
	pcpu_ref_get_many(&ref, 5);
	pcpu_ref_kill(&ref);
	pcpu_ref_resurrect(&ref); /* waits for the change */
	expect_references(6);
	ck_assert(pcpu_ref_tryget_live(&ref));
	pcpu_ref_put_many(&ref, 6);
	pcpu_ref_kill(&ref);
	wait_for(&nr_released, 1);
	pcpu_ref_exit(&ref);
}
END_TEST

START_TEST(switch_to_atomic__stays_through_reinit__until_switched_back)
{
	init(PCPU_REF_ALLOW_REINIT);
	pcpu_ref_get(&ref);
	pcpu_ref_switch_to_atomic_sync(&ref);
	expect_references(2);
	pcpu_ref_switch_to_atomic(&ref, confirmed);
	ck_assert_int_eq(nr_confirmed, 1);
	pcpu_ref_put(&ref);
	pcpu_ref_kill_and_confirm(&ref, NULL);
	ck_assert_int_eq(nr_released, 1);
	pcpu_ref_reinit(&ref);
	ck_assert(libpcpu_ref_word(&ref.core) & LIBPCPU_REF_ATOMIC);
	pcpu_ref_switch_to_percpu(&ref);
	ck_assert(!(libpcpu_ref_word(&ref.core) & LIBPCPU_REF_ATOMIC));
	pcpu_ref_get(&ref);
	expect_references(2);
	pcpu_ref_put(&ref);
	pcpu_ref_exit(&ref);
}
END_TEST

START_TEST(switch_to_percpu__dead__takes_place_with_the_reinit)
{
	init(PCPU_REF_INIT_ATOMIC | PCPU_REF_INIT_DEAD);
	pcpu_ref_switch_to_percpu(&ref);
	ck_assert(libpcpu_ref_word(&ref.core) & LIBPCPU_REF_ATOMIC);
	pcpu_ref_reinit(&ref);
	ck_assert(!(libpcpu_ref_word(&ref.core) & LIBPCPU_REF_ATOMIC));
	pcpu_ref_exit(&ref);
}
END_TEST

/* --- wrong use ------------------------------------------------------------ */

static void kill_twice(void *unused)
{
	(void)unused;
	pcpu_ref_get(&ref);
	pcpu_ref_kill(&ref);
	pcpu_ref_kill(&ref);
}

static void put_too_much(void *unused)
{
	(void)unused;
	pcpu_ref_switch_to_atomic_sync(&ref);
	expect_references(1);
	pcpu_ref_put_many(&ref, 2);
}

static void put_too_much_in_copies(void *unused)
{
	(void)unused;
	pcpu_ref_put_many(&ref, 2);
	urcu_bp_read_lock();
	pcpu_ref_kill(&ref);
	urcu_bp_read_unlock();
	for (;;)
		pause();
}

static void get_after_last_put(void *unused)
{
	(void)unused;
	pcpu_ref_kill(&ref);
	wait_for(&nr_released, 1);
	pcpu_ref_get(&ref);
}

static void exit_with_references(void *unused)
{
	(void)unused;
	pcpu_ref_get(&ref);
	pcpu_ref_exit(&ref);
}

static void exit_dying(void *unused)
{
	(void)unused;
	pcpu_ref_get(&ref);
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	wait_for(&nr_confirmed, 1);
	expect_references(1);
	libpcpu_ref_settle(&ref.core);
	pcpu_ref_exit(&ref);
}

static void exit_in_a_change(void *unused)
{
	(void)unused;
	urcu_bp_read_lock();
	pcpu_ref_kill(&ref);
	libpcpu_ref_exit(&ref.core);
}

static void reinit_with_references(void *unused)
{
	(void)unused;
	pcpu_ref_get(&ref);
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	wait_for(&nr_confirmed, 1);
	pcpu_ref_reinit(&ref);
}

static void resurrect_alive(void *unused)
{
	(void)unused;
	pcpu_ref_resurrect(&ref);
}

static void reinit_not_asked_for(void *unused)
{
	(void)unused;
	pcpu_ref_kill(&ref);
	wait_for(&nr_released, 1);
	pcpu_ref_reinit(&ref);
}

static const struct {
	void (*run)(void *);
	const char *words;
	unsigned flags;
} wrong[] = {
	{kill_twice, "killed twice", 0},
	{put_too_much, "put 2, had 1", 0},
	{put_too_much_in_copies, "-2 references after all puts", 0},
	{get_after_last_put, "got after the last put", 0},
	{exit_with_references, "exit with 2 references", 0},
	{exit_dying, "exit with 1 references", 0},
	{exit_in_a_change, "exit while it changes its mode", 0},
	{reinit_with_references, "reinit with ", PCPU_REF_ALLOW_REINIT},
	{resurrect_alive, "resurrected, but alive", PCPU_REF_ALLOW_REINIT},
	{reinit_not_asked_for, "not made for a second life", 0},
};
#define NR_WRONG ((int)(sizeof(wrong) / sizeof(wrong[0])))

static void run_wrong(void *number)
{
	int i = *(int *)number;

	init(wrong[i].flags);
	wrong[i].run(NULL);
}

START_TEST(wrong_use__one_line_that_names_it__abort)
{
	/* Made in the child: TSan wants no thread there if there is one here.
	 */
	support_expect_abort(run_wrong, &_i, &ref, wrong[_i].words);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("ref");
	TCase *tc = tcase_create("ref");

	tcase_add_test(tc, init__unknown_flag__einval);
	tcase_add_test(tc, init__no_memory__enomem);
	tcase_add_test(
		tc,
		kill__nobody_has_a_reference__released_once_and_memory_back);
	tcase_add_test(tc, kill__references_are_left__the_last_put_releases);
	tcase_add_test(tc,
		       kill__a_reader_is_in_a_section__confirmed_when_it_left);
	tcase_add_test(tc, get_and_put__pinned__count_like_others);
	tcase_add_test(tc, exit__only_the_maker_has_a_reference__is_fine);
	tcase_add_test(tc, exit__right_after_a_change_of_mode__is_fine);
	tcase_add_test(tc, init_dead__no_reference__until_reinit);
	tcase_add_test(tc, init_atomic__last_put__releases_at_once);
	tcase_add_test(tc, reinit__after_zero__a_second_life_in_the_same_mode);
	tcase_add_test(tc, resurrect__with_references_left__all_of_them_count);
	tcase_add_test(
		tc,
		switch_to_atomic__stays_through_reinit__until_switched_back);
	tcase_add_test(tc, switch_to_percpu__dead__takes_place_with_the_reinit);
	tcase_add_loop_test(tc, wrong_use__one_line_that_names_it__abort, 0,
			    NR_WRONG);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
