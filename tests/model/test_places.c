// SPDX-License-Identifier: MIT
/*
 * Pins and operations, interrupted in front of each shared access: by a signal
 * handler of the same thread, which must not wait and must leave the section
 * what it is; and by another thread on the same CPU or another one, which may
 * have to wait. Here that means that it never runs again, as its waker is
 * below it on the stack. With restartable sequences and with the lock.
 */
#include <check.h>
#include <linux/futex.h>
#include <pcpu.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "arena/context.h"
#include "explore.h"
#include "tests/run_suite.h"

/* What is counted plainly in sections and by operations, by CPU. */
static uint64_t *counts;
static uint64_t nr_sections, nr_added;

static struct libpcpu_thread threads[2];

/* --- what threads do ------------------------------------------------------ */

static void section(void)
{
	uint64_t *own, value;

	pcpu_pin();
	own = pcpu_this_ptr(counts);
	model_point(own);
	value = *own;
	pcpu_this_inc(counts[1]);
	explore_expect(own == pcpu_this_ptr(counts), "the copy has changed");
	model_point(own);
	*own = value + 1;
	nr_sections++;
	nr_added++;
	pcpu_unpin();
	pcpu_this_inc(counts[1]);
	nr_added++;
}

/* --- who comes in between ------------------------------------------------- */

static unsigned long second; /* where it is interrupted itself */

/* A handler, and one in that. What the section has read it must not change. */
static void run_handler(void)
{
	pcpu_pin();
	pcpu_this_inc(counts[1]);
	nr_added++;
	pcpu_unpin();
	pcpu_this_inc(counts[1]);
	nr_added++;
}

static void handle(void)
{
	if (second)
		explore_arm(second, run_handler);
	run_handler();
}

static jmp_buf blocked;
static bool may_block;
static unsigned other_cpu;
static bool other_is_blocked;

/* Of the C library's; the explorer's own wrapper calls it. */
void model_futex(int operation);
void model_futex(int operation)
{
	if ((operation & FUTEX_CMD_MASK) != FUTEX_WAIT)
		return;
	explore_expect(may_block, "a handler waits for its own thread");
	longjmp(blocked, 1);
}

static void run_other(void)
{
	unsigned cpu = explore_cpu();
	struct libpcpu_thread *self = model_self;

	model_self = &threads[1];
	explore_on_cpu(other_cpu);
	other_is_blocked = true;
	may_block = true;
	if (!setjmp(blocked)) {
		section();
		other_is_blocked = false;
	}
	may_block = false;
	model_self = self;
	explore_on_cpu(cpu);
}

/* --- schedules ------------------------------------------------------------ */

static uint64_t sum(unsigned member)
{
	uint64_t all = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		all += pcpu_ptr(counts, cpu)[member];
	return all;
}

static void expect_exact(void)
{
	unsigned cpu;

	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		explore_expect(libpcpu_place0[cpu].owner == 0,
			       "CPU %u has an owner", cpu);
	explore_expect(!libpcpu_self.place && !libpcpu_self.nest,
		       "still pinned");
	explore_expect(sum(0) == nr_sections && sum(1) == nr_added,
		       "%lu of %lu sections, %lu of %lu operations",
		       (unsigned long)sum(0), (unsigned long)nr_sections,
		       (unsigned long)sum(1), (unsigned long)nr_added);
}

/* Returns false if the end came before the n-th access. */
static bool run(unsigned long nth, void (*preempt)(void))
{
	bool reached;

	explore_on_cpu(0);
	memset(&threads[1], 0, sizeof(threads[1]));
	threads[1].armed = true;
	snprintf(explore_schedule, sizeof(explore_schedule),
		 "%s, access %lu, then %lu",
		 context_has_sequences ? "sequences" : "lock", nth, second);
	explore_arm(nth, preempt);
	section();
	reached = !explore_disarm();
	expect_exact();
	return reached;
}

static void prepare(bool sequences)
{
	context_has_sequences = sequences;
	counts = pcpu_alloc(2 * sizeof(*counts), 8);
	ck_assert_ptr_nonnull(counts);
	nr_sections = nr_added = 0;
	section(); /* so that the thread is armed */
}

START_TEST(signal_handler__in_front_of_any_access__changes_nothing)
{
	unsigned long nth = 1;

	prepare(_i);
	second = 0;
	while (run(nth, handle))
		nth++;
	ck_assert_uint_gt(nth, 5);
	/* And one in each of these. */
	for (nth--; nth; nth--)
		for (second = 1; second < 60; second++)
			run(nth, handle);
	second = 0;
}
END_TEST

START_TEST(other_thread__in_front_of_any_access__waits_or_is_exact)
{
	unsigned nr_blocked = 0, nr_ran = 0;
	unsigned long nth;

	prepare(_i / 2);
	other_cpu = (unsigned)_i % 2;
	for (nth = 1; run(nth, run_other); nth++) {
		nr_blocked += other_is_blocked;
		nr_ran += !other_is_blocked;
	}
	/* On the same copy it has to wait at times, on another one never. */
	ck_assert((nr_blocked > 0) == (other_cpu == 0));
	ck_assert_uint_gt(nr_ran, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("places");
	TCase *tc = tcase_create("places");

	(void)argc;
	explore_start(argv, 1);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, signal_handler__in_front_of_any_access__changes_nothing, 0,
		2);
	tcase_add_loop_test(
		tc, other_thread__in_front_of_any_access__waits_or_is_exact, 0,
		4);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
