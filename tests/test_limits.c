// SPDX-License-Identifier: MIT
/*
 * Limits on memory: what cannot be had is ENOMEM, all live objects stay intact,
 * nothing is lost by it, and the host program keeps its share. (Row 27 of the
 * table of faults.)
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include <pcpu.h>

#include "owned.h"
#include "smoke.h"
#include "support.h"
#include "workers.h"

#define NR_OBJECTS_MAX (1u << 21)

/* So much for each 8 CPUs: a copy per CPU has to fit in. */
static void set_limit(int resource, size_t mib)
{
	size_t bytes = (mib << 20) * ((libpcpu_nr_cpu_ids + 7) / 8);
	struct rlimit limit = {bytes, bytes};

	/* setrlimit() takes another type from one C library to the next. */
	require(syscall(SYS_prlimit64, 0, resource, &limit, NULL) == 0,
		"errno %d", errno);
}

/* Allocate until ENOMEM; the number of objects in held after it. */
static unsigned fill_up(void **held, unsigned nr, size_t size)
{
	void *p;

	while (nr < NR_OBJECTS_MAX) {
		errno = 0;
		p = pcpu_alloc(size, 4);
		if (!p)
			break;
		owned_stamp(p, pcpu_usable_size(p), nr + 1);
		held[nr++] = p;
	}
	require(nr < NR_OBJECTS_MAX, "no end of memory");
	require(errno == ENOMEM, "errno %d", errno);
	return nr;
}

static unsigned free_from(void **held, unsigned nr, unsigned first)
{
	while (nr > first) {
		nr--;
		require(owned_check(held[nr]) == nr + 1, "object %u", nr);
		owned_free(held[nr]);
	}
	return nr;
}

static void job_exhaust(void)
{
	void **held = calloc(NR_OBJECTS_MAX, sizeof(*held));
	unsigned nr, nr_large, nr_all;
	size_t size;

	require(held != NULL, "calloc");
	nr_large = fill_up(held, 0, 32768);
	nr = fill_up(held, nr_large, 8);
	nr_all = fill_up(held, nr, 1000);
	require(nr_large > 0, "not one object");
	require(!pcpu_alloc(32768, 4) && errno == ENOMEM, "errno %d", errno);
	require(!pcpu_alloc_flags(32768, 4, PCPU_NOWAIT) && errno == ENOMEM,
		"errno %d", errno);
	/* Room for one is room for one. */
	size = pcpu_usable_size(held[nr_all - 1]);
	owned_free(held[nr_all - 1]);
	held[nr_all - 1] = owned_alloc(size, 0, nr_all);
	free_from(held, nr_all, nr_large / 2);
	nr = fill_up(held, nr_large / 2, 8);
	free_from(held, nr, 0);
	support_expect_none_live();
	pcpu_trim();
	nr = fill_up(held, 0, 32768);
	require(nr >= nr_large, "%u objects at first, %u later", nr_large, nr);
	free_from(held, nr, 0);
	support_expect_none_live();
	printf("%u large, %u in all\n", nr_large, nr_all);
	free(held);
}

/* --- the last objects ------------------------------------------------------
 */

#define NR_LEFT 8u /* objects free, of all memory */

static _Atomic unsigned nr_refused;

/* Each holds one object at most. */
static void *take_and_give(void *arg)
{
	struct worker *worker = arg;
	unsigned i;

	worker->nr = 2 * worker->nr + 1; /* to stay on a CPU of its own */
	worker_place(worker);
	for (i = 0; i < 1000000; i++) {
		void *p = pcpu_alloc(64, 4);

		if (p) {
			pcpu_free(p);
			continue;
		}
		/* Somebody was stopped in the middle of something. */
		nr_refused++;
		usleep(1000);
	}
	return NULL;
}

/* Others' slots hold what is left, but give it up. */
static void job_last_objects(void)
{
	void **held = calloc(NR_OBJECTS_MAX, sizeof(*held));
	unsigned nr, nr_large;

	require(held != NULL, "calloc");
	nr_large = fill_up(held, 0, 32768);
	nr = fill_up(held, nr_large, 64);
	require(nr > NR_LEFT, "%u objects", nr);
	nr = free_from(held, nr, nr - NR_LEFT);
	run_workers(take_and_give, 0, 2);
	printf("%u refused\n", nr_refused);
	/* Debug mode lets go of freed objects one by one, while others ask. */
	require(nr_refused < 10 || support_debug(), "%u refused", nr_refused);
	nr = fill_up(held, nr, 64) - nr;
	require(nr == NR_LEFT, "%u objects of %u", nr, NR_LEFT);
	free(held);
}

static void limit_to_256_mib(void)
{
	set_limit(RLIMIT_AS, 256);
}

static void limit_to_64_mib(void)
{
	set_limit(RLIMIT_AS, 64);
}

static void limit_to_4_gib(void)
{
	set_limit(RLIMIT_AS, 4096);
}

static void limit_data_to_1_gib(void)
{
	set_limit(RLIMIT_DATA, 1024);
}

static void run_limited(const char *job, void (*prepare)(void))
{
	static const char *const env[] = {"PCPU_NODES=2", NULL};
	struct support_exec exec = {job, env, prepare};
	struct support_child child;

	/* Sanitizers need more address space than any limit leaves. */
	if (SUPPORT_SANITIZED)
		return;
	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
}

START_TEST(address_space_exhausted__enomem_and_the_living_intact)
{
	run_limited("exhaust", limit_to_256_mib);
	run_limited("exhaust", limit_to_64_mib);
}
END_TEST

START_TEST(two_threads_beside_more_objects_than_they_hold__not_refused)
{
	run_limited("last_objects", limit_to_64_mib);
}
END_TEST

START_TEST(limited_address_space__the_same_work_is_done)
{
	run_limited("smoke", limit_to_4_gib);
}
END_TEST

/* The host program's own half must be left to it. */
static void job_share_the_limit(void)
{
	void *mine = malloc((size_t)512 << 20);

	require(mine != NULL, "no memory left for the program");
	free(mine);
	job_smoke();
}

START_TEST(limited_address_space__leaves_room_for_the_program)
{
	run_limited("share_the_limit", limit_to_4_gib);
}
END_TEST

START_TEST(limited_data_segment__leaves_room_for_the_program)
{
	run_limited("share_the_limit", limit_data_to_1_gib);
}
END_TEST

/* No system call that takes address space succeeds from here on. */
static void job_limit_at_run_time(void)
{
	void **held = calloc(4096, sizeof(*held));
	unsigned nr, i;

	for (nr = 0; nr < 100; nr++)
		held[nr] = owned_alloc(8, 0, nr + 1);
	set_limit(RLIMIT_AS, 1);
	for (; nr < 4096; nr++) {
		held[nr] = pcpu_alloc(4 + nr % 3000, 4);
		require(held[nr] || errno == ENOMEM, "errno %d", errno);
		if (!held[nr])
			break;
		owned_stamp(held[nr], pcpu_usable_size(held[nr]), nr + 1);
	}
	for (i = 0; i < nr; i++)
		owned_free(held[i]);
	pcpu_trim();
	support_expect_none_live();
	free(held);
}

START_TEST(limit_set_at_run_time__works_on_or_enomem)
{
	run_limited("limit_at_run_time", NULL);
}
END_TEST

/* Every other page of another kind is a mapping of its own: the system has a
 * limit for these. We need none. */
static void job_no_more_mappings(void)
{
	static void *held[3000];
	size_t nr_pages = 140000, page = (size_t)sysconf(_SC_PAGESIZE), i;
	char *mine = mmap(NULL, nr_pages * page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	require(mine != MAP_FAILED, "errno %d", errno);
	for (i = 0; i < nr_pages; i += 2)
		if (mprotect(mine + i * page, page, PROT_READ) != 0)
			break;
	printf("%zu mappings, then errno %d\n", i, i < nr_pages ? errno : 0);
	for (i = 0; i < 3000; i++)
		held[i] = owned_alloc(4 + i * 7 % 8000, 0, (unsigned)i + 1);
	for (i = 0; i < 3000; i += 2)
		owned_free(held[i]);
	pcpu_trim();
	for (i = 1; i < 3000; i += 2)
		owned_free(held[i]);
	pcpu_trim();
	support_expect_none_live();
}

START_TEST(no_more_mappings__the_same_work_is_done)
{
	/* Sanitizers need mappings of their own. */
	if (!SUPPORT_SANITIZED)
		support_run_job("no_more_mappings", NULL);
}
END_TEST

static const struct support_job jobs[] = {
	{"no_more_mappings", job_no_more_mappings},
	{"smoke", job_smoke},
	{"exhaust", job_exhaust},
	{"last_objects", job_last_objects},
	{"share_the_limit", job_share_the_limit},
	{"limit_at_run_time", job_limit_at_run_time},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *tcase = tcase_create("limits");

#define ADD(name) tcase_add_test(tcase, name)
	tcase_set_timeout(tcase, 60);
	ADD(address_space_exhausted__enomem_and_the_living_intact);
	ADD(two_threads_beside_more_objects_than_they_hold__not_refused);
	ADD(limited_address_space__the_same_work_is_done);
	ADD(limited_address_space__leaves_room_for_the_program);
	ADD(limited_data_segment__leaves_room_for_the_program);
	ADD(limit_set_at_run_time__works_on_or_enomem);
	ADD(no_more_mappings__the_same_work_is_done);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
