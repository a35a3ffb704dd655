// SPDX-License-Identifier: MIT
/*
 * The kernel's percpu_rw_semaphore: who is kept out by whom, and wrong use.
 */
#include <linux/percpu-rwsem.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "arena/arena.h"
#include "tests/exhaust.h"
#include "tests/support.h"

DEFINE_STATIC_PERCPU_RWSEM(sem);
static atomic_int step;

static void in_another_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
	pthread_join(thread, NULL);
}

static bool is_open(void)
{
	return (int64_t)sem.libpcpu_core.gate >= 0;
}

/* --- one thread ----------------------------------------------------------- */

START_TEST(read__static__copies_from_the_first_on)
{
	int i;

	ck_assert(!is_open());
	for (i = 0; i < 3; i++) {
		percpu_down_read(&sem);
		ck_assert(is_open());
		ck_assert(percpu_is_read_locked(&sem));
		ck_assert(!percpu_is_write_locked(&sem));
		ck_assert(percpu_down_read_trylock(&sem));
		percpu_up_read(&sem);
		percpu_up_read(&sem);
		ck_assert(!percpu_is_read_locked(&sem));
	}
	percpu_free_rwsem(&sem);
}
END_TEST

static void *try_to_read(void *got)
{
	*(int *)got = percpu_down_read_trylock(&sem);
	if (*(int *)got)
		percpu_up_read(&sem);
	return NULL;
}

START_TEST(write__nobody_reads__keeps_readers_out_until_its_end)
{
	int got = 2;

	ck_assert_int_eq(percpu_init_rwsem(&sem), 0);
	ck_assert(is_open());
	percpu_down_write(&sem);
	ck_assert(percpu_is_write_locked(&sem));
	ck_assert(!percpu_is_read_locked(&sem));
	in_another_thread(try_to_read, &got);
	ck_assert_int_eq(got, 0);
	percpu_up_write(&sem);
	in_another_thread(try_to_read, &got);
	ck_assert_int_eq(got, 1);
	percpu_free_rwsem(&sem);
}
END_TEST

START_TEST(write__before_the_first_reader__as_afterwards)
{
	int got = 2;

	percpu_down_write(&sem);
	in_another_thread(try_to_read, &got);
	ck_assert_int_eq(got, 0);
	percpu_up_write(&sem);
	in_another_thread(try_to_read, &got);
	ck_assert_int_eq(got, 1);
	percpu_free_rwsem(&sem);
}
END_TEST

START_TEST(read__no_memory__is_slow_but_excludes)
{
	int got = 2;

	exhaust(8);
	percpu_down_read(&sem);
	ck_assert(!is_open());
	ck_assert(percpu_is_read_locked(&sem));
	percpu_up_read(&sem);
	ck_assert(!percpu_is_read_locked(&sem));
	percpu_down_write(&sem);
	in_another_thread(try_to_read, &got);
	ck_assert_int_eq(got, 0);
	percpu_up_write(&sem);
	percpu_free_rwsem(&sem);
	ck_assert_int_eq(percpu_init_rwsem(&sem), -ENOMEM);
}
END_TEST

/* --- who waits for whom --------------------------------------------------- */

static void *write_once(void *unused)
{
	percpu_down_write(&sem);
	step = 2;
	percpu_up_write(&sem);
	return unused;
}

START_TEST(write__somebody_reads__waits_for_the_end_of_that)
{
	pthread_t writer;

	percpu_down_read(&sem);
	percpu_down_read(&sem);
	pthread_create(&writer, NULL, write_once, NULL);
	while (!percpu_is_write_locked(&sem))
		sched_yield();
	usleep(50000);
	ck_assert_int_eq(step, 0);
	percpu_up_read(&sem);
	usleep(50000);
	ck_assert_int_eq(step, 0);
	percpu_up_read(&sem);
	pthread_join(writer, NULL);
	ck_assert_int_eq(step, 2);
	percpu_free_rwsem(&sem);
}
END_TEST

static atomic_int nr_reading;

static void *read_once(void *unused)
{
	percpu_down_read(&sem);
	atomic_fetch_add(&nr_reading, 1);
	while (nr_reading < 3)
		sched_yield();
	require(step != 2, "the next writer was faster");
	usleep(20000);
	percpu_up_read(&sem);
	return unused;
}

static unsigned nr_waiting(void)
{
	unsigned nr;

	pthread_mutex_lock(&sem.libpcpu_core.lock);
	nr = sem.libpcpu_core.nr_waiting;
	pthread_mutex_unlock(&sem.libpcpu_core.lock);
	return nr;
}

/* Readers who wait come before a writer who waits longer than they. */
START_TEST(end_of_write__readers_and_a_writer_wait__readers_all_at_once)
{
	pthread_t reader[3], writer;
	int i;

	percpu_down_write(&sem);
	pthread_create(&writer, NULL, write_once, NULL);
	for (i = 0; i < 3; i++)
		pthread_create(&reader[i], NULL, read_once, NULL);
	while (nr_waiting() < 3)
		sched_yield();
	ck_assert_int_eq(nr_reading, 0);
	percpu_up_write(&sem);
	for (i = 0; i < 3; i++)
		pthread_join(reader[i], NULL);
	pthread_join(writer, NULL);
	percpu_free_rwsem(&sem);
}
END_TEST

static void *end_the_write(void *unused)
{
	percpu_up_write(&sem);
	return unused;
}

static void *end_the_read(void *unused)
{
	percpu_up_read(&sem);
	return unused;
}

START_TEST(ends__by_other_threads__are_as_good)
{
	percpu_down_write(&sem);
	in_another_thread(end_the_write, NULL);
	percpu_down_read(&sem);
	in_another_thread(end_the_read, NULL);
	percpu_down_write(&sem);
	percpu_up_write(&sem);
	percpu_free_rwsem(&sem);
}
END_TEST

/* --- load ----------------------------------------------------------------- */

#define NR_THREADS 4
static long written[2]; /* the same, but while somebody writes */
static atomic_long nr_writes;

static void *read_and_write(void *number)
{
	unsigned i, n = SUPPORT_SCALE(20000u);
	unsigned period = 500 + 37 * (unsigned)(uintptr_t)number;

	for (i = 0; i < n; i++) {
		if (i % period == 0) {
			percpu_down_write(&sem);
			written[0]++;
			sched_yield();
			written[1]++;
			percpu_up_write(&sem);
			nr_writes++;
			continue;
		}
		if (i % 5)
			percpu_down_read(&sem);
		else if (!percpu_down_read_trylock(&sem))
			continue;
		require(written[0] == written[1], "a writer is inside");
		if (i % 1000 == 0)
			sched_yield();
		require(written[0] == written[1], "a writer came in");
		percpu_up_read(&sem);
	}
	return NULL;
}

START_TEST(readers_and_writers__for_a_while__never_together)
{
	pthread_t thread[NR_THREADS];
	uintptr_t i;

	for (i = 0; i < NR_THREADS; i++)
		pthread_create(&thread[i], NULL, read_and_write, (void *)i);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(written[0], nr_writes);
	percpu_free_rwsem(&sem);
}
END_TEST

/* --- wrong use ------------------------------------------------------------ */

static void end_a_read_not_begun(void *unused)
{
	(void)unused;
	percpu_down_read(&sem);
	percpu_up_read(&sem);
	percpu_up_read(&sem);
	percpu_down_write(&sem);
}

static void end_a_write_not_begun(void *unused)
{
	(void)unused;
	percpu_up_write(&sem);
}

static void free_while_read(void *unused)
{
	(void)unused;
	percpu_down_read(&sem);
	percpu_free_rwsem(&sem);
}

static void free_while_written(void *unused)
{
	(void)unused;
	percpu_down_write(&sem);
	percpu_free_rwsem(&sem);
}

START_TEST(wrong_use__one_line_that_names_it__abort)
{
	support_expect_abort(end_a_read_not_begun, NULL, &sem,
			     "up_read() without down_read()");
	support_expect_abort(end_a_write_not_begun, NULL, &sem,
			     "up_write() without down_write()");
	support_expect_abort(free_while_read, NULL, &sem,
			     "freed with 1 readers, no writer");
	support_expect_abort(free_while_written, NULL, &sem,
			     "freed with 0 readers, a writer");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("linux_rwsem");
	TCase *tc = tcase_create("linux_rwsem");

	tcase_add_test(tc, read__static__copies_from_the_first_on);
	tcase_add_test(tc,
		       write__nobody_reads__keeps_readers_out_until_its_end);
	tcase_add_test(tc, write__before_the_first_reader__as_afterwards);
	tcase_add_test(tc, read__no_memory__is_slow_but_excludes);
	tcase_add_test(tc, write__somebody_reads__waits_for_the_end_of_that);
	tcase_add_test(
		tc,
		end_of_write__readers_and_a_writer_wait__readers_all_at_once);
	tcase_add_test(tc, ends__by_other_threads__are_as_good);
	tcase_add_test(tc, readers_and_writers__for_a_while__never_together);
	tcase_add_test(tc, wrong_use__one_line_that_names_it__abort);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, NULL);
}
