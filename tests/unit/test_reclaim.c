// SPDX-License-Identifier: MIT
/*
 * Rounds of reclaim on an arena's own pool: what goes back, what a reader
 * holds up, and the worker. A process that never grew has no worker, so that
 * rounds happen only when the test asks for one. Without CK_FORK: a forked
 * child with threads leaves rounds to the worker.
 */
#include "reclaim/reclaim.h"

#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "arena/arena.h"
#include "tests/run_suite.h"

#define DIRTY UINT64_C(2)

static struct pool *pool;

static void set_up(void)
{
	pool = &arena_at(0)->pool;
}

static bool is_fresh(chunk_id id)
{
	return !pool_is_taken(pool, id);
}

/* Owned by us. */
static chunk_id claim(void)
{
	chunk_id id = {0};

	ck_assert(pool_claim(pool, &id));
	return id;
}

static size_t bytes_of_a_chunk(void)
{
	return (size_t)CHUNK_BYTES * layout.nr_units;
}

static char *copy(chunk_id id, unsigned unit)
{
	uintptr_t handle = page_handle(layout.page0[0], chunk_page(id, 1));

	return (char *)(handle + (uintptr_t)layout.unit_offset[0][unit]);
}

static void dirty(chunk_id id)
{
	unsigned unit;

	store_relaxed(&chunk_of(id)->dirty, DIRTY);
	for (unit = 0; unit < layout.nr_units; unit++)
		*copy(id, unit) = 1;
}

static bool is_resident(const char *p)
{
	uintptr_t page = (uintptr_t)p & ~(uintptr_t)(PAGE_BYTES - 1);
	unsigned char vec;

	ck_assert_int_eq(mincore((void *)page, PAGE_BYTES, &vec), 0);
	return vec & 1;
}

/* --- a round -------------------------------------------------------------- */

START_TEST(now__nothing_retired__nothing_goes_back)
{
	ck_assert_uint_eq(reclaim_now(), 0);
}
END_TEST

START_TEST(now__chunks_retired__all_fresh_and_bytes_of_dirty_ones_counted)
{
	chunk_id a = claim(), b = claim(), c = claim();

	dirty(a);
	dirty(c);
	reclaim_retire(pool, a);
	reclaim_retire(pool, c);
	ck_assert_uint_eq(reclaim_now(), 2 * bytes_of_a_chunk());
	ck_assert(is_fresh(a) && !is_fresh(b) && is_fresh(c));
	ck_assert_uint_eq(load_relaxed(&pool->nr_set_aside), 0);
	ck_assert_uint_eq(claim().nr, a.nr);
}
END_TEST

/* I4 */
START_TEST(now__dirty_chunk__its_pages_go_and_it_is_clean)
{
	chunk_id id = claim();
	unsigned unit;

	dirty(id);
	reclaim_retire(pool, id);
	ck_assert_uint_gt(reclaim_now(), 0);
	ck_assert_uint_eq(load_relaxed(&chunk_of(id)->dirty), 0);
	for (unit = 0; unit < layout.nr_units; unit++) {
		ck_assert(!is_resident(copy(id, unit)));
		ck_assert_int_eq(*copy(id, unit), 0);
	}
}
END_TEST

START_TEST(now__chunks_of_several_arenas__each_to_its_own)
{
	struct pool *other = &arena_at(arena_count() - 1)->pool;
	chunk_id a = claim(), b;

	ck_assert(pool_claim(other, &b));
	dirty(a);
	reclaim_retire(pool, a);
	reclaim_retire(other, b);
	ck_assert_uint_eq(reclaim_now(), bytes_of_a_chunk()); /* b is clean */
	ck_assert(is_fresh(a));
	ck_assert(!pool_is_taken(other, b));
}
END_TEST

START_TEST(take_back__before_a_round__keeps_its_memory)
{
	chunk_id id = claim(), back;

	dirty(id);
	reclaim_retire(pool, id);
	ck_assert(pool_take_back(pool, &back));
	ck_assert_uint_eq(back.nr, id.nr);
	ck_assert_uint_eq(reclaim_now(), 0);
	ck_assert_int_eq(*copy(id, 0), 1);
	ck_assert_uint_eq(load_relaxed(&chunk_of(id)->dirty), DIRTY);
	ck_assert(!is_fresh(id));
}
END_TEST

/* --- readers -------------------------------------------------------------- */

static atom32 round_is_over;
static size_t bytes_of_round;

static void *run_round(void *unused)
{
	(void)unused;
	bytes_of_round = reclaim_now();
	store_release(&round_is_over, 1);
	return NULL;
}

/* A round that has begun and waits for us to leave our section. */
static pthread_t start_round(chunk_id id)
{
	const atom64 *waiting = &pool->waiting[pool_index(pool, id) / 64];
	pthread_t thread;

	store_relaxed(&round_is_over, 0);
	dirty(id);
	reclaim_retire(pool, id);
	ck_assert(!pthread_create(&thread, NULL, run_round, NULL));
	/* Should it not wait, the caller sees that it is over. */
	while (!load_acquire(waiting) && !load_acquire(&round_is_over))
		usleep(1000);
	usleep(20000);
	return thread;
}

START_TEST(now__reader_in_its_section__memory_stays_until_it_leaves)
{
	chunk_id id = claim();
	pthread_t thread;

	urcu_bp_read_lock();
	thread = start_round(id);
	ck_assert_uint_eq(load_acquire(&round_is_over), 0);
	ck_assert_int_eq(*copy(id, 0), 1);
	ck_assert(!is_fresh(id));
	ck_assert_uint_ne(claim().nr, id.nr);
	urcu_bp_read_unlock();
	pthread_join(thread, NULL);
	ck_assert_uint_eq(bytes_of_round, bytes_of_a_chunk());
	ck_assert(is_fresh(id));
	ck_assert(!is_resident(copy(id, 0)));
}
END_TEST

/* So a grace period that never ends delays no allocation. */
START_TEST(take_back__while_the_round_waits__ours_and_not_given_back)
{
	chunk_id id = claim(), back;
	pthread_t thread;

	urcu_bp_read_lock();
	thread = start_round(id);
	ck_assert(pool_take_back(pool, &back));
	ck_assert_uint_eq(back.nr, id.nr);
	urcu_bp_read_unlock();
	pthread_join(thread, NULL);
	ck_assert_uint_eq(bytes_of_round, 0);
	ck_assert(!is_fresh(id));
	ck_assert_int_eq(*copy(id, 0), 1);
}
END_TEST

/* Its readers may have begun after the grace period did. */
START_TEST(retire__while_the_round_waits__left_for_the_next_round)
{
	chunk_id first = claim(), second = claim();
	pthread_t thread;

	urcu_bp_read_lock();
	thread = start_round(first);
	reclaim_retire(pool, second);
	urcu_bp_read_unlock();
	pthread_join(thread, NULL);
	ck_assert_uint_eq(bytes_of_round, bytes_of_a_chunk());
	ck_assert(is_fresh(first) && !is_fresh(second));
	reclaim_now();
	ck_assert(is_fresh(second));
}
END_TEST

/* TSan allows no thread there, so no worker. */
#ifdef __SANITIZE_THREAD__
#define CHILD_HAS_WORKER false
#else
#define CHILD_HAS_WORKER true
#endif

/* The child reuses what was set aside, but cannot wait for its readers. */
static void use_pool_in_child(chunk_id retired)
{
	chunk_id back;

	alarm(10);
	_exit((CHILD_HAS_WORKER && reclaim_now() != 0) ||
	      !pool_take_back(pool, &back) || back.nr != retired.nr);
}

START_TEST(fork__while_the_round_waits__child_goes_on_without)
{
	chunk_id id = claim();
	pthread_t thread;
	int status;
	pid_t pid;

	urcu_bp_read_lock();
	thread = start_round(id);
	pid = fork();
	if (!pid)
		use_pool_in_child(id);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	urcu_bp_read_unlock();
	pthread_join(thread, NULL);
	ck_assert(is_fresh(id));
}
END_TEST

/* --- the worker ----------------------------------------------------------- */

/* The worker's task number; *nr is how many there are. */
static int find_worker(unsigned *nr)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	int tid = 0;

	*nr = 0;
	while ((task = readdir(tasks))) {
		char path[300], name[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 task->d_name);
		file = fopen(path, "r");
		if (file && fgets(name, sizeof(name), file) &&
		    !strcmp(name, "pcpu-reclaim\n")) {
			tid = atoi(task->d_name);
			(*nr)++;
		}
		if (file)
			fclose(file);
	}
	closedir(tasks);
	return tid;
}

/* Looks for up to five seconds. */
static bool becomes_fresh(chunk_id id)
{
	unsigned i;

	for (i = 0; i < 1000 && !is_fresh(id); i++)
		usleep(5000);
	return is_fresh(id);
}

START_TEST(worker__chunk_retired__goes_back_by_itself)
{
	chunk_id a = claim(), b = claim();

	reclaim_start();
	reclaim_retire(pool, a);
	ck_assert(becomes_fresh(a));
	reclaim_retire(pool, b);
	ck_assert(becomes_fresh(b));
}
END_TEST

START_TEST(start__several_times__one_worker_that_finds_what_was_there)
{
	chunk_id id = claim();
	unsigned nr;

	find_worker(&nr);
	ck_assert_uint_eq(nr, 0);
	reclaim_retire(pool, id);
	reclaim_start();
	reclaim_start();
	reclaim_start();
	usleep(20000);
	find_worker(&nr);
	ck_assert_uint_eq(nr, 1);
	ck_assert(becomes_fresh(id));
}
END_TEST

/* The host's signals are handled by the host's threads. */
START_TEST(worker__any_signal__blocked_and_ours_as_before)
{
	char path[64], line[128];
	unsigned long blocked = 0;
	sigset_t before = {0}, after = {0};
	unsigned nr;
	FILE *file;

	sigprocmask(SIG_SETMASK, NULL, &before);
	reclaim_start();
	sigprocmask(SIG_SETMASK, NULL, &after);
	ck_assert_mem_eq(&before, &after, sizeof(after));
	usleep(20000);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status",
		 find_worker(&nr));
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SigBlk: %lx", &blocked) == 1)
			break;
	fclose(file);
	ck_assert_uint_eq(blocked >> (SIGUSR1 - 1) & 1, 1);
	ck_assert_uint_eq(blocked >> (SIGINT - 1) & 1, 1);
	ck_assert_uint_eq(blocked >> (SIGALRM - 1) & 1, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reclaim");
	TCase *tc = tcase_create("reclaim");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, now__nothing_retired__nothing_goes_back);
	tcase_add_test(
		tc,
		now__chunks_retired__all_fresh_and_bytes_of_dirty_ones_counted);
	tcase_add_test(tc, now__dirty_chunk__its_pages_go_and_it_is_clean);
	tcase_add_test(tc, now__chunks_of_several_arenas__each_to_its_own);
	tcase_add_test(tc, take_back__before_a_round__keeps_its_memory);
	tcase_add_test(
		tc, now__reader_in_its_section__memory_stays_until_it_leaves);
	tcase_add_test(
		tc, take_back__while_the_round_waits__ours_and_not_given_back);
	tcase_add_test(tc,
		       retire__while_the_round_waits__left_for_the_next_round);
	tcase_add_test(tc, fork__while_the_round_waits__child_goes_on_without);
	tcase_add_test(
		tc, start__several_times__one_worker_that_finds_what_was_there);
	tcase_add_test(tc, worker__any_signal__blocked_and_ours_as_before);
	tcase_add_test(tc, worker__chunk_retired__goes_back_by_itself);
	suite_add_tcase(suite, tc);
	return run_suite_here(suite);
}
