// SPDX-License-Identifier: MIT
/*
 * What comes at any moment: signal handlers that allocate and free, threads
 * that exit. Nothing may be lost. (Rows 36 and 37 of the table of faults; 35 is
 * test_faults_fork.c, 38 test_stopped.c.)
 */
#include <pthread.h>
#include <sys/time.h>

#include <pcpu.h>

#include "owned.h"
#include "support.h"

#define NR_HELD 32u

/* --- 36: signal handlers
 * -------------------------------------------------------- */

static void *handler_held[4];
static volatile sig_atomic_t nr_handled, nr_handler_allocs;

/* Hold a few objects from one signal to the next. */
static void allocate_in_handler(int sig)
{
	unsigned slot = (unsigned)nr_handled % 4;
	int saved = errno;

	(void)sig;
	nr_handled++;
	if (handler_held[slot])
		owned_free(handler_held[slot]);
	handler_held[slot] = owned_alloc(slot == 3 ? 256 : 8, PCPU_NOWAIT,
					 0x6e000000u + (unsigned)nr_handled);
	if (handler_held[slot])
		nr_handler_allocs++;
	errno = saved;
}

static void *bulk_held[20];

/* With NOWAIT, bulk calls may be made in handlers, too. */
static void allocate_in_bulk_in_handler(int sig)
{
	int saved = errno;

	(void)sig;
	nr_handled++;
	if (bulk_held[0])
		pcpu_free_bulk(20, bulk_held);
	if (pcpu_alloc_bulk(8, 4, PCPU_NOWAIT, 20, bulk_held))
		bulk_held[0] = NULL;
	else
		nr_handler_allocs++;
	errno = saved;
}

static void set_timer(long us)
{
	struct itimerval every = {{0, us}, {0, us}};

	setitimer(ITIMER_REAL, &every, NULL);
}

START_TEST(handler_at_1_khz_allocates_and_frees__nothing_is_corrupted)
{
	struct sigaction action = {.sa_handler = allocate_in_handler,
				   .sa_flags = SA_RESTART};
	struct rng rng = {.state = support_seed()};
	unsigned slot, nr_steps = 0;

	sigaction(SIGALRM, &action, NULL);
	set_timer(1000);
	while (nr_handled < (SUPPORT_SANITIZED ? 200 : 2000)) {
		owned_churn(1, 1000, &rng);
		if (nr_steps++ % 64 == 0)
			pcpu_trim();
	}
	set_timer(0);
	for (slot = 0; slot < 4; slot++)
		if (handler_held[slot])
			owned_free(handler_held[slot]);
	ck_assert_int_gt(nr_handler_allocs, nr_handled / 4);
	support_expect_none_live();
}
END_TEST

START_TEST(handler_at_1_khz_allocates_in_bulk__nothing_is_corrupted)
{
	struct sigaction action = {.sa_handler = allocate_in_bulk_in_handler,
				   .sa_flags = SA_RESTART};
	struct rng rng = {.state = support_seed()};
	unsigned nr_steps = 0;

	sigaction(SIGALRM, &action, NULL);
	set_timer(1000);
	while (nr_handled < (SUPPORT_SANITIZED ? 200 : 2000)) {
		owned_churn(1, 1000, &rng);
		if (nr_steps++ % 64 == 0)
			pcpu_trim();
	}
	set_timer(0);
	if (bulk_held[0])
		pcpu_free_bulk(20, bulk_held);
	ck_assert_int_gt(nr_handler_allocs, nr_handled / 4);
	support_expect_none_live();
}
END_TEST

/* --- 37: exited threads
 * ------------------------------------------------------- */

static void *leave_objects(void *arg)
{
	void **left = arg;
	unsigned i;

	for (i = 0; i < NR_HELD; i++)
		left[i] = owned_alloc(8 + 8 * i, 0, 0x55000000u + i);
	return NULL;
}

START_TEST(objects_of_exited_threads__are_freed_by_others)
{
	void *left[NR_HELD];
	pthread_t thread;
	unsigned round, i;

	for (round = 0; round < 50; round++) {
		ck_assert_int_eq(
			pthread_create(&thread, NULL, leave_objects, left), 0);
		pthread_join(thread, NULL);
		for (i = 0; i < NR_HELD; i++)
			owned_free(left[i]);
	}
	pcpu_trim();
	support_expect_none_live();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("faults_async");
	TCase *tcase = tcase_create("async");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(
		tcase,
		handler_at_1_khz_allocates_and_frees__nothing_is_corrupted);
	tcase_add_test(
		tcase,
		handler_at_1_khz_allocates_in_bulk__nothing_is_corrupted);
	tcase_add_test(tcase, objects_of_exited_threads__are_freed_by_others);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, NULL);
}
