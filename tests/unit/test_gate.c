// SPDX-License-Identifier: MIT
/*
 * Gates and grace periods: who may still add, and who is called when.
 */
#include <pcpu/gate.h>
#include <pthread.h>
#include <stdatomic.h>
#include <urcu/urcu-bp.h>

#include "tests/support.h"

static uint64_t gate;

static void make_gate(void)
{
	char *copies = pcpu_alloc(8, 8);

	ck_assert_ptr_nonnull(copies);
	gate = (uintptr_t)copies;
}

static void close_gate(void)
{
	__atomic_fetch_or(&gate, LIBPCPU_GATE_CLOSED, __ATOMIC_SEQ_CST);
	libpcpu_gate_fence();
	libpcpu_grace_wait();
}

START_TEST(add__open_and_closed__only_the_former_counts)
{
	make_gate();
	ck_assert(libpcpu_gate_add(&gate, 5));
	ck_assert(libpcpu_gate_add(&gate, (uint64_t)-2));
	close_gate();
	ck_assert(!libpcpu_gate_add(&gate, 7));
	ck_assert(!libpcpu_gate_add_slow(&gate, 7));
	ck_assert_int_eq(libpcpu_gate_sum(&gate), 3);
	libpcpu_gate_fill(&gate, 1);
	ck_assert_int_eq(libpcpu_gate_sum(&gate), libpcpu_nr_cpu_ids);
	libpcpu_gate_open(&gate);
	ck_assert(libpcpu_gate_add(&gate, 1));
	ck_assert_int_eq(libpcpu_gate_sum(&gate), libpcpu_nr_cpu_ids + 1);
	pcpu_free(libpcpu_gate_handle(gate));
}
END_TEST

/* As a thread that was stopped between its look and the sequence. */
START_TEST(sequence__the_gate_was_open_when_looked_at__adds_nothing)
{
	uint64_t word;
	int i;

	make_gate();
	word = gate;
	close_gate();
	for (i = 0; i < 100; i++)
		ck_assert(!libpcpu_try_add_if(&gate, word, 1));
	ck_assert_int_eq(libpcpu_gate_sum(&gate), 0);
	libpcpu_gate_open(&gate);
	for (i = 0; i < 100; i++)
		ck_assert(libpcpu_gate_add(&gate, 1));
	ck_assert_int_eq(libpcpu_gate_sum(&gate), 100);
}
END_TEST

START_TEST(add__pinned__is_counted_until_closed)
{
	make_gate();
	pcpu_pin();
	ck_assert(!libpcpu_try_add_if(&gate, gate, 1));
	ck_assert(libpcpu_gate_add(&gate, 4));
	ck_assert_int_eq(libpcpu_gate_sum(&gate), 4);
	gate |= LIBPCPU_GATE_CLOSED;
	ck_assert(!libpcpu_gate_add(&gate, 1));
	pcpu_unpin();
	ck_assert_int_eq(libpcpu_gate_sum(&gate), 4);
}
END_TEST

/* --- grace periods -------------------------------------------------------- */

static struct libpcpu_grace graces[3];
static atomic_int nr_done, reading;

static void done(struct libpcpu_grace *grace)
{
	sigset_t blocked;

	require(grace == &graces[nr_done], "out of order");
	require(!reading, "a reader is in its section");
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	require(sigismember(&blocked, SIGUSR1), "signals come in");
	atomic_fetch_add(&nr_done, 1);
}

static void wait_for_done(int nr)
{
	int ms;

	for (ms = 0; nr_done != nr; ms++) {
		require(ms < 20000, "%d of %d are done", nr_done, nr);
		usleep(1000);
	}
}

START_TEST(grace_call__several__in_order_when_readers_left)
{
	int i;

	ck_assert_int_eq(libpcpu_grace_start(), 0);
	urcu_bp_read_lock();
	reading = 1;
	for (i = 0; i < 3; i++)
		libpcpu_grace_call(&graces[i], done);
	usleep(50000);
	ck_assert_int_eq(nr_done, 0);
	reading = 0;
	urcu_bp_read_unlock();
	wait_for_done(3);
}
END_TEST

static void done_and_again(struct libpcpu_grace *grace)
{
	if (atomic_fetch_add(&nr_done, 1) < 4)
		libpcpu_grace_call(grace, done_and_again);
	pcpu_trim(); /* which takes the lock of rounds */
}

START_TEST(grace_call__from_a_callback__is_called_once_more)
{
	libpcpu_grace_call(&graces[0], done_and_again);
	wait_for_done(5);
}
END_TEST

static void *read_for_a_while(void *unused)
{
	urcu_bp_read_lock();
	reading = 1;
	usleep(50000);
	reading = 2;
	urcu_bp_read_unlock();
	return unused;
}

START_TEST(grace_wait__a_reader__returns_when_it_left)
{
	pthread_t thread;

	pthread_create(&thread, NULL, read_for_a_while, NULL);
	while (!reading)
		sched_yield();
	libpcpu_grace_wait();
	ck_assert_int_eq(reading, 2);
	pthread_join(thread, NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("gate");
	TCase *tc = tcase_create("gate");

	tcase_add_test(tc, add__open_and_closed__only_the_former_counts);
	tcase_add_test(
		tc, sequence__the_gate_was_open_when_looked_at__adds_nothing);
	tcase_add_test(tc, add__pinned__is_counted_until_closed);
	tcase_add_test(tc, grace_call__several__in_order_when_readers_left);
	tcase_add_test(tc, grace_call__from_a_callback__is_called_once_more);
	tcase_add_test(tc, grace_wait__a_reader__returns_when_it_left);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
