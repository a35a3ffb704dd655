// SPDX-License-Identifier: MIT
/*
 * The ends of things: callbacks of RCU, threads and processes that end with
 * objects in hand, the library loaded and unloaded. (Rows 37, 39 and 40 of the
 * table of faults.)
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <urcu/urcu-bp.h>

#include <pcpu.h>

#include "owned.h"
#include "support.h"
#include "takes_back.h"

/* --- 37, 40: destructors of threads ----------------------------------------
 */

static pthread_key_t key;
static atomic_uint nr_destroyed;

/* The last that a thread does: it frees, and allocates once more. */
static void destroy(void *handle)
{
	owned_free(handle);
	owned_free(owned_alloc(24, 0, 0x66000001));
	nr_destroyed++;
}

static void *leave_to_destructor(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg;

	pthread_setspecific(key, owned_alloc(8 + id % 100, 0, 0x11000000 + id));
	return NULL;
}

START_TEST(destructors_of_threads_free_and_allocate__nothing_is_lost)
{
	pthread_t threads[8];
	unsigned round, i;

	ck_assert_int_eq(pthread_key_create(&key, destroy), 0);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 8; i++)
			ck_assert_int_eq(
				pthread_create(
					&threads[i], NULL, leave_to_destructor,
					(void *)(uintptr_t)(round * 8 + i)),
				0);
		for (i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
	}
	ck_assert_uint_eq(nr_destroyed, 160);
	support_expect_none_live();
	pthread_key_delete(key);
}
END_TEST

/* --- 40: exit --------------------------------------------------------------
 */

static void *last_objects[16];

static void free_at_exit(void)
{
	unsigned i;

	for (i = 0; i < 16; i++)
		owned_free(last_objects[i]);
	for (i = 0; i < 1000; i++)
		owned_free(owned_alloc(4 + i % 300, 0, i + 1));
	pcpu_trim();
	support_expect_none_live();
	printf("all free at exit\n");
}

static void *work_until_killed(void *arg)
{
	for (;;)
		owned_free(owned_alloc(64, 0, 0x7e000001));
	return arg;
}

static void job_exit(void)
{
	pthread_t thread;
	unsigned i;

	require(atexit(free_at_exit) == 0 &&
			pthread_key_create(&key, destroy) == 0,
		"errno %d", errno);
	for (i = 0; i < 16; i++)
		last_objects[i] = owned_alloc(8, 0, i + 1);
	require(pthread_create(&thread, NULL, leave_to_destructor,
			       (void *)(uintptr_t)1) == 0,
		"no thread");
	pthread_join(thread, NULL);
	exit(0);
}

/* Others are at it until the last moment. */
static void job_exit_beside_threads(void)
{
	pthread_t threads[3];
	unsigned i;

	for (i = 0; i < 3; i++)
		require(pthread_create(&threads[i], NULL, work_until_killed,
				       NULL) == 0,
			"no thread");
	usleep(20000);
	pcpu_trim();
	exit(0);
}

START_TEST(handlers_of_exit_allocate_and_free__all_is_free)
{
	struct support_exec exec = {.job = "exit"};
	struct support_child child;

	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
	ck_assert_ptr_nonnull(strstr(child.text, "all free at exit"));
}
END_TEST

START_TEST(exit_beside_busy_threads__no_crash)
{
	unsigned i;

	for (i = 0; i < 20; i++)
		support_run_job("exit_beside_threads", NULL);
}
END_TEST

/* --- 40: dlopen, dlclose ---------------------------------------------------
 */

static void *open_library(void)
{
	char path[PATH_MAX + 32], self[PATH_MAX] = "";
	void *library;

	require(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0,
		"errno %d", errno);
	/* BUILD/tests/PROGRAM */
	snprintf(path, sizeof(path), "%s/libpcpu.so", dirname(dirname(self)));
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	require(library != NULL, "%s", dlerror());
	return library;
}

static void job_reload(void)
{
	void *(*alloc)(size_t, size_t);
	void (*release)(void *);
	size_t (*trim)(void);
	void *kept = NULL;
	unsigned round, i;

	for (round = 0; round < 10; round++) {
		void *library = open_library(), *held[2000];

		*(void **)&alloc = dlsym(library, "pcpu_alloc");
		*(void **)&release = dlsym(library, "pcpu_free");
		*(void **)&trim = dlsym(library, "pcpu_trim");
		require(alloc && release && trim, "%s", dlerror());
		require((void *)alloc != (void *)pcpu_alloc, "it is our own");
		if (kept)
			release(kept);
		kept = alloc(64, 64);
		for (i = 0; i < 2000; i++)
			held[i] = alloc(1000, 8);
		for (i = 0; i < 2000; i++)
			release(held[i]);
		/* Its worker may be in the middle of a round. */
		if (round % 2)
			trim();
		require(dlclose(library) == 0, "%s", dlerror());
	}
	usleep(50000);
}

/* Beside our own, in one process. */
START_TEST(library_loaded_and_unloaded__objects_and_worker_stay)
{
	/* A sanitizer's library wants the runtime of the program alone. */
	if (!SUPPORT_SANITIZED)
		support_run_job("reload", NULL);
}
END_TEST

/* --- 39: RCU ---------------------------------------------------------------
 */

struct node {
	struct rcu_head head;
	void *object;
};

static atomic_uint nr_called, nr_allocated;

static void free_in_callback(struct rcu_head *head)
{
	struct node *node = (struct node *)(void *)head;
	void *object;

	owned_free(node->object);
	/* Which fails while a late callback's objects fill the only chunk. */
	object = owned_alloc(16, PCPU_NOWAIT, 0x77000001);
	if (object) {
		owned_free(object);
		nr_allocated++;
	}
	free(node);
	nr_called++;
}

START_TEST(free_in_a_callback_of_call_rcu__is_as_any_other)
{
	unsigned i, nr = SUPPORT_SCALE(2000u);

	/* It does not see how liburcu hands a callback over. */
	if (SUPPORT_TSAN)
		return;
	for (i = 0; i < nr; i++) {
		struct node *node = malloc(sizeof(*node));

		require(node != NULL, "malloc");
		node->object = owned_alloc(4 + i % 200, 0, i + 1);
		urcu_bp_call_rcu(&node->head, free_in_callback);
	}
	urcu_bp_barrier();
	ck_assert_uint_eq(nr_called, nr);
	ck_assert_uint_gt(nr_allocated, 0);
	pcpu_trim();
	support_expect_none_live();
}
END_TEST

static atomic_bool stop, reading;

static void *read_until_stopped(void *arg)
{
	urcu_bp_read_lock();
	reading = true;
	while (!stop)
		usleep(1000);
	urcu_bp_read_unlock();
	return arg;
}

/* What was retired is used again, so there is never more than at first; that
 * it waits is told by the statistics. */
START_TEST(reader_that_never_leaves__chunks_are_reused_and_reported)
{
	static void *held[400];
	struct pcpu_stats stats;
	uint64_t most = 0;
	pthread_t thread;
	unsigned round, i;

	ck_assert_int_eq(
		pthread_create(&thread, NULL, read_until_stopped, NULL), 0);
	while (!reading)
		usleep(1000);
	for (round = 0; round < 30; round++) {
		for (i = 0; i < 400; i++)
			held[i] = owned_alloc(8192, 0, i + 1);
		ck_assert_int_eq(pcpu_stats_get(&stats), 0);
		if (round == 0)
			most = stats.nr_chunks;
		ck_assert_uint_le(stats.nr_chunks + stats.nr_retired, most + 4);
		for (i = 0; i < 400; i++)
			owned_free(held[i]);
		usleep(5000);
	}
	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	if (!support_debug())
		ck_assert_uint_gt(stats.nr_retired, 0);
	stop = true;
	pthread_join(thread, NULL);
	pcpu_trim();
	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	ck_assert_uint_eq(stats.nr_retired != 0, !system_takes_back());
	support_expect_none_live();
}
END_TEST

static const struct support_job jobs[] = {
	{"exit", job_exit},
	{"exit_beside_threads", job_exit_beside_threads},
	{"reload", job_reload},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("faults_life");
	TCase *tcase = tcase_create("ends");

#define ADD(name) tcase_add_test(tcase, name)
	tcase_set_timeout(tcase, 60);
	ADD(destructors_of_threads_free_and_allocate__nothing_is_lost);
	ADD(handlers_of_exit_allocate_and_free__all_is_free);
	ADD(exit_beside_busy_threads__no_crash);
	ADD(library_loaded_and_unloaded__objects_and_worker_stay);
	ADD(free_in_a_callback_of_call_rcu__is_as_any_other);
	ADD(reader_that_never_leaves__chunks_are_reused_and_reported);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
