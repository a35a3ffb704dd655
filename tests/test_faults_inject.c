// SPDX-License-Identifier: MIT
/*
 * System calls that fail at the N-th time, for every N, once or from then on:
 * the library must go on or fail with ENOMEM, lose nothing and leak nothing,
 * and work again when the calls do (if its very start failed, it need not).
 * (Rows 26 and 27 of the table of faults.) How they fail: inject.h.
 */
#include <pthread.h>
#include <sched.h>

#include <pcpu.h>
#include <pcpu/this_cpu.h>

#include "arena/front.h"
#include "inject.h"
#include "played_cpu.h"
#include "shadow.h"
#include "statm.h"
#include "support.h"

static bool stopped; /* no more failures */

static void stop_failures(void)
{
	stopped = true;
	inject_plan(NULL);
}

/* --- the work
 * ------------------------------------------------------------------ */

/* Grow to several chunks, shrink, trim, a few times over. */
static void work(struct shadow *shadow, struct rng *rng)
{
	unsigned round, i;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 100; i++) {
			size_t size = i % 8 ? 4096 : 1 + rng_below(rng, 32768);
			size_t align = i % 2 ? 4 : PCPU_ALIGN_MAX;

			if (!shadow_alloc(shadow, size, align, 0))
				require(!stopped, "%zu bytes", size);
		}
		while (shadow->nr > 10)
			shadow_free(shadow, rng_below(rng, shadow->nr));
		pcpu_trim();
		shadow_check_all(shadow);
	}
	shadow_free_all(shadow, rng);
	pcpu_trim();
}

/* Start-up has failed: all calls say so, and none crashes. */
static void work_without_memory(void)
{
	require(errno == ENOMEM, "errno %d", errno);
	require(!pcpu_alloc_flags(8, 8, PCPU_NOWAIT), "NOWAIT finds memory");
	pcpu_free(NULL);
	require(pcpu_trim() == 0, "memory given back");
	support_expect_none_live();
	printf("no memory at first, calls=%d\n", inject_nr_calls());
}

static void job_work(void)
{
	struct rng rng = {.state = 1};
	struct shadow *shadow;
	void *p;

	errno = 0;
	p = pcpu_alloc(8, 8);
	if (!p) {
		work_without_memory();
		stop_failures();
		p = pcpu_alloc(8, 8);
		if (!p)
			return; /* the failure is final */
	}
	pcpu_free(p);
	shadow = shadow_create();
	work(shadow, &rng);
	support_expect_none_live();
	printf("then calls=%d\n", inject_nr_calls());
	stop_failures();
	work(shadow, &rng);
	support_expect_none_live();
	free(shadow);
}

/* Run with a plan; the number of calls that were in danger. */
static int run_plan(const char *call, int nth, bool on)
{
	char plan[64];
	const char *env[] = {plan, "PCPU_POSSIBLE_CPUS=3", "PCPU_NODES=2",
			     NULL};
	struct support_exec exec = {.job = "work", .env = env};
	struct support_child child;
	const char *calls;

	snprintf(plan, sizeof(plan), "PCPU_TEST_FAIL=%s:%d%s", call, nth,
		 on ? "+" : "");
	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
	calls = strstr(child.text, "calls=");
	ck_assert_ptr_nonnull(calls);
	return atoi(calls + strlen("calls="));
}

/* By number: a call of inject_calls[], or any. */
#define NR_CALLS 11

static const char *call_name(int nr)
{
	return nr < NR_CALLS - 1 ? inject_calls[nr] : "any";
}

/* Every one of the first, then ever fewer: they are calls of the same kind. */
static int next_nth(int nth)
{
	return nth + 1 + (nth > 16 ? nth / 3 : 0);
}

START_TEST(nth_call_fails__nothing_is_lost)
{
	int nth, nr;

	if (SUPPORT_TSAN)
		return;
	nr = run_plan(call_name(_i), INT32_MAX, false);
	for (nth = 1; nth <= nr; nth = next_nth(nth))
		run_plan(call_name(_i), nth, false);
	printf("%d calls of %s\n", nr, call_name(_i));
}
END_TEST

START_TEST(all_calls_from_the_nth_fail__nothing_is_lost)
{
	int nth, nr;

	if (SUPPORT_TSAN)
		return;
	nr = run_plan(call_name(_i), INT32_MAX, false);
	for (nth = 1; nth <= nr; nth = next_nth(nth))
		run_plan(call_name(_i), nth, true);
}
END_TEST

/* --- 27: strict accounting -------------------------------------------------
 */

/* All that is reserved counts as memory then: an eighth of what is free. */
static void job_strict(void)
{
	size_t spare = (size_t)sysconf(_SC_PHYS_PAGES) *
		       (size_t)sysconf(_SC_PAGESIZE) / 8;
	struct rng rng = {.state = 1};
	struct shadow *shadow = shadow_create();

	require(statm_read().virtual < spare + ((size_t)512 << 20), "%zu bytes",
		statm_read().virtual);
	work(shadow, &rng);
	support_expect_none_live();
	free(shadow);
}

START_TEST(strict_overcommit__reserves_what_can_be_spared_and_works)
{
	static const char *const env[] = {
		"PCPU_TEST_FILE=/proc/sys/vm/overcommit_memory=2\n",
		NULL,
	};

	if (!SUPPORT_SANITIZED)
		support_run_job("strict", env);
}
END_TEST

/* --- without membarrier() --------------------------------------------------
 */

static void do_free(void *p)
{
	pcpu_free(p);
}

static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)pcpu_cpu(), &set);
	require(sched_setaffinity(0, sizeof(set), &set) == 0, "errno %d",
		errno);
}

/* Slots cannot be drained then, but our own can be looked into. */
START_TEST(membarrier_fails__double_free_on_one_cpu_aborts_all_the_same)
{
	char *neighbour, *p;

	stay_here();
	neighbour = pcpu_alloc(40, 8);
	p = pcpu_alloc(40, 8);
	inject_plan("membarrier:1+");
	pcpu_free(p);
	support_expect_abort(do_free, p, p, "already free");
	inject_plan(NULL);
	support_expect_abort(do_free, p, p, "already free");
	pcpu_free(neighbour);
}
END_TEST

/* --- pins when membarrier() is refused later on ----------------------------
 */

#define NR_PINNERS 4
#define NR_PINS 20000

static long *pinned_count;

static void *pin_and_count(void *unused)
{
	int i;

	for (i = 0; i < NR_PINS; i++) {
		pcpu_pin();
		if (i % 64 == 0) /* others come, and wait for us */
			sched_yield();
		++*pcpu_this_ptr(pinned_count);
		pcpu_unpin();
		pcpu_this_inc(*pinned_count);
	}
	return unused;
}

/* Nobody can be thrown out of a sequence: who waits yields. */
static void job_pins(void)
{
	pthread_t threads[NR_PINNERS];
	long sum = 0;
	int i, cpu;

	pinned_count = pcpu_alloc(sizeof(long), sizeof(long));
	pcpu_this_inc(*pinned_count); /* the context has started */
	inject_plan("membarrier:1+");
	for (i = 0; i < NR_PINNERS; i++)
		pthread_create(&threads[i], NULL, pin_and_count, NULL);
	for (i = 0; i < NR_PINNERS; i++)
		pthread_join(threads[i], NULL);
	pcpu_for_each_cpu (cpu)
		sum += *pcpu_ptr(pinned_count, cpu);
	require(sum == 1 + 2l * NR_PINNERS * NR_PINS, "%ld", sum);
	pcpu_free(pinned_count);
}

/* In the context "thread" the last of the four places is shared. */
START_TEST(membarrier_refused_later__pins_and_operations_count_all_the_same)
{
	static const char *const env[][4] = {
		{NULL},
		{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=4", NULL},
	};

	support_run_job("pins", env[_i]);
}
END_TEST

static void pin_without_rseq(void *unused)
{
	(void)unused;
	inject_plan("membarrier:1+");
	play_cpus(); /* the kernel no longer knows this thread */
	pcpu_pin();
}

START_TEST(membarrier_refused_later__thread_without_rseq_cannot_pin)
{
	long *p = pcpu_alloc(sizeof(*p), sizeof(*p));

	pcpu_this_inc(*p);
	if (CAN_PLAY_CPUS && front_exists())
		support_expect_abort(pin_without_rseq, NULL, NULL,
				     "needs membarrier()");
	pcpu_free(p);
}
END_TEST

static const struct support_job jobs[] = {
	{"pins", job_pins},
	{"strict", job_strict},
	{"work", job_work},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("faults_inject");
	TCase *tcase = tcase_create("system calls");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, nth_call_fails__nothing_is_lost, 0,
			    NR_CALLS);
	tcase_add_loop_test(tcase, all_calls_from_the_nth_fail__nothing_is_lost,
			    0, NR_CALLS);
	tcase_add_test(
		tcase,
		strict_overcommit__reserves_what_can_be_spared_and_works);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("membarrier");
	tcase_add_test(
		tcase,
		membarrier_fails__double_free_on_one_cpu_aborts_all_the_same);
	tcase_add_loop_test(
		tcase,
		membarrier_refused_later__pins_and_operations_count_all_the_same,
		0, 2);
	tcase_add_test(
		tcase,
		membarrier_refused_later__thread_without_rseq_cannot_pin);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
