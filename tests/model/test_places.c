// SPDX-License-Identifier: MIT
/*
 * Pins and operations, interrupted in front of each shared access: by a signal
 * handler of the same thread, which must not wait and must leave the section
 * what it is; and under every schedule with other threads on the same CPU or
 * another one, which may have to wait. With restartable sequences and with the
 * lock (the bare system).
 */
#include <check.h>
#include <pcpu.h>
#include <stdio.h>
#include <stdlib.h>

#include "arena/context.h"
#include "explore.h"
#include "tests/played_cpu.h"
#include "tests/run_suite.h"

/* What is counted plainly in sections and by operations, by CPU. */
static uint64_t *counts;

/* --- what threads do ------------------------------------------------------ */

/* Only who has the place touches this. */
static void count_plainly(uint64_t *own)
{
	uint64_t value = load_relaxed((atom64 *)own);

	pcpu_this_inc(counts[1]);
	explore_expect(own == pcpu_this_ptr(counts), "the copy has changed");
	store_relaxed((atom64 *)own, value + 1);
}

static void section(void)
{
	pcpu_pin();
	count_plainly(pcpu_this_ptr(counts));
	pcpu_unpin();
}

static void operation(void)
{
	pcpu_this_inc(counts[1]);
}

static void section_and_operation(void)
{
	section();
	operation();
}

static void nested_section(void)
{
	pcpu_pin();
	section();
	count_plainly(pcpu_this_ptr(counts));
	pcpu_unpin();
}

static void migrated_section(void)
{
	uint64_t *own;

	pcpu_pin();
	own = pcpu_this_ptr(counts);
	explore_on_cpu(1);
	count_plainly(own);
	pcpu_unpin();
}

static void section_from_outside(void)
{
	explore_take_for_cpu(0);
	section();
}

static void move_the_first(void)
{
	explore_move(0, 1);
}

/* --- what must be true at rest -------------------------------------------- */

static uint64_t sum(unsigned member)
{
	uint64_t all = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		all += pcpu_ptr(counts, cpu)[member];
	return all;
}

static void expect_at_rest(const struct libpcpu_thread *thread)
{
	explore_expect(!thread->place && !thread->nest, "still pinned");
}

static void expect_exact(uint64_t nr_sections, uint64_t nr_added)
{
	unsigned i;

	for (i = 0; i < EXPLORE_CPUS; i++)
		explore_expect(libpcpu_place0[i].owner == 0,
			       "CPU %u has an owner", i);
	expect_at_rest(&libpcpu_self);
	for (i = 0; i < EXPLORE_THREADS; i++)
		expect_at_rest(explore_self_of(i));
	explore_expect(sum(0) == nr_sections && sum(1) == nr_added,
		       "%lu of %lu sections, %lu of %lu operations",
		       (unsigned long)sum(0), (unsigned long)nr_sections,
		       (unsigned long)sum(1), (unsigned long)nr_added);
}

/* --- signal handlers ------------------------------------------------------ */

static unsigned long second; /* where the handler is interrupted itself */
static uint64_t nr_sections, nr_added;

/* What the section has read it must not change. */
static void run_handler(void)
{
	pcpu_pin();
	pcpu_this_inc(counts[1]);
	pcpu_unpin();
	pcpu_this_inc(counts[1]);
	nr_added += 2;
}

static void handle(void)
{
	if (second)
		explore_interrupt(second, run_handler);
	run_handler();
}

/* Returns false if the end came before the n-th access. */
static bool run(unsigned long nth)
{
	bool reached;

	snprintf(explore_context, sizeof(explore_context),
		 "%s, access %lu, then %lu",
		 context_has_sequences ? "sequences" : "lock", nth, second);
	explore_interrupt(nth, handle);
	section_and_operation();
	reached = explore_uninterrupt();
	nr_sections++;
	nr_added += 2;
	expect_exact(nr_sections, nr_added);
	return reached;
}

static void allocate_counts(void)
{
	counts = explore_alloc_unowned(2 * sizeof(*counts));
}

static unsigned one_object(void)
{
	return 1;
}

START_TEST(signal_handler__in_front_of_any_access__changes_nothing)
{
	unsigned long nth = 1;

	explore_reset_for(_i ? EXPLORE_TSO : EXPLORE_BARE);
	allocate_counts();
	/* The explorer's machine has none if the C library has no area. */
	ck_assert(context_has_sequences == (_i && CAN_PLAY_CPUS));
	section(); /* so that the thread is armed */
	nr_sections = nr_added = 1;
	second = 0;
	while (run(nth))
		nth++;
	ck_assert_uint_gt(nth, 5);
	/* And one in each of these. */
	for (nth--; nth; nth--)
		for (second = 1; second < 60; second++)
			run(nth);
	second = 0;
}
END_TEST

/* --- other threads -------------------------------------------------------- */

static void expect_2_2(void)
{
	expect_exact(2, 2);
}

static void expect_1_1(void)
{
	expect_exact(1, 1);
}

static void expect_2_3(void)
{
	expect_exact(2, 3);
}

static void expect_2_4(void)
{
	expect_exact(2, 4);
}

static void expect_1_2(void)
{
	expect_exact(1, 2);
}

static void expect_3_3(void)
{
	expect_exact(3, 3);
}

static void expect_3_4(void)
{
	expect_exact(3, 4);
}

static void expect_0_2(void)
{
	expect_exact(0, 2);
}

/* Must somebody sleep at times, or must nobody? */
enum sleeping { SLEEPS, SLEEPS_NEVER, SLEEPS_OR_NOT };

static const struct {
	struct scenario scenario;
	enum sleeping sleeping;
} meetings[] = {
	{{.name = "pin, pin on one CPU",
	  .thread = {section, section},
	  .cpu = {1, 1},
	  .bound = 4,
	  .after = expect_2_2},
	 SLEEPS},
	{{.name = "pin, pin on two CPUs",
	  .thread = {section_and_operation, section_and_operation},
	  .bound = 3,
	  .after = expect_2_4},
	 SLEEPS_NEVER},
	{{.name = "pin, add on one CPU",
	  .thread = {section, operation},
	  .cpu = {1, 1},
	  .bound = 4,
	  .after = expect_1_2},
	 SLEEPS},
	{{.name = "add, add on one CPU",
	  .thread = {operation, operation},
	  .cpu = {1, 1},
	  .bound = 4,
	  .after = expect_0_2},
	 SLEEPS_OR_NOT},
	{{.name = "pin and add, pin and add on one CPU",
	  .thread = {section_and_operation, section_and_operation},
	  .cpu = {1, 1},
	  .bound = 3,
	  .after = expect_2_4},
	 SLEEPS_OR_NOT},
	{{.name = "nested pin, pin on one CPU",
	  .thread = {nested_section, section},
	  .cpu = {1, 1},
	  .bound = 3,
	  .after = expect_3_3},
	 SLEEPS_OR_NOT},
	{{.name = "owner that migrates, pin where it was",
	  .thread = {migrated_section, section},
	  .cpu = {1, 1},
	  .bound = 3,
	  .after = expect_2_2},
	 SLEEPS},
	{{.name = "owner that migrates, pin where it was and where it is",
	  .thread = {migrated_section, section_and_operation, section},
	  .cpu = {1, 1, 2},
	  .after = expect_3_4},
	 SLEEPS_OR_NOT},
	{{.name = "claim from another CPU, pin",
	  .thread = {section_from_outside, section},
	  .cpu = {2, 1},
	  .bound = 4,
	  .after = expect_2_2},
	 SLEEPS},
	{{.name = "claim from another CPU, pin and add",
	  .thread = {section_from_outside, section_and_operation},
	  .cpu = {2, 1},
	  .bound = 3,
	  .after = expect_2_3},
	 SLEEPS},
	{{.name = "pin of a thread that is moved",
	  .thread = {section, move_the_first},
	  .bound = 3,
	  .after = expect_1_1},
	 SLEEPS_NEVER},
	{{.name = "pin of a thread that is moved, pins on both CPUs",
	  .thread = {section, move_the_first, section, section},
	  .cpu = {1, 3, 1, 2},
	  .after = expect_3_3},
	 SLEEPS_OR_NOT},
	{{.name = "pin and add of a thread that is moved, pin",
	  .thread = {section_and_operation, move_the_first, section},
	  .cpu = {1, 3, 1},
	  .bound = 3,
	  .after = expect_2_3},
	 SLEEPS_OR_NOT},
	{{.name = "three pins on one CPU",
	  .thread = {section, section, section},
	  .cpu = {1, 1, 1},
	  .after = expect_3_3},
	 SLEEPS_OR_NOT},
};
#define NR_MEETINGS ((int)(sizeof(meetings) / sizeof(*meetings)))

START_TEST(other_threads_under_every_schedule__wait_or_are_exact)
{
	struct scenario scenario = meetings[_i / EXPLORE_MODELS].scenario;
	enum sleeping sleeping = meetings[_i / EXPLORE_MODELS].sleeping;
	enum explore_model model = (unsigned)_i % EXPLORE_MODELS;

	scenario.prepare = allocate_counts;
	scenario.nr_others = one_object;
	explore_nr_sleeps = 0;
	explore_and_tell(&scenario, model);
	printf("%lu slept\n", explore_nr_sleeps);
	if (explore_is_left_out(&scenario, model) || getenv("EXPLORE_BOUND"))
		return;
	/* On the same copy they have to at times, on another one never. */
	ck_assert(sleeping != SLEEPS || explore_nr_sleeps);
	ck_assert(sleeping != SLEEPS_NEVER || !explore_nr_sleeps);
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
		tc, other_threads_under_every_schedule__wait_or_are_exact, 0,
		NR_MEETINGS * EXPLORE_MODELS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
