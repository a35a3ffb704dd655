// SPDX-License-Identifier: MIT
/*
 * Rounds of reclaim that are preempted at all points in turn: memory goes back
 * only if nobody can look at it any more, and no allocation fails for it.
 */
#include <check.h>
#include <pcpu.h>
#include <stdio.h>
#include <stdlib.h>

#include "explore.h"
#include "tests/run_suite.h"

struct scenario {
	const char *name;
	void (*prepare)(void);
	void (*round)(void);
	void (*preempt)(void); /* what runs in the middle of it */
};

static const struct scenario *scenario;
static bool preempted;
static void *held[8];

static void alloc_into(unsigned i, size_t size)
{
	held[i] = explore_alloc(size, 0);
}

static void preempt(void)
{
	unsigned cpu = explore_cpu();

	preempted = true;
	scenario->preempt();
	explore_on_cpu(cpu);
}

static void run_all_schedules(const struct scenario *which)
{
	unsigned long point = 0;

	scenario = which;
	do {
		snprintf(explore_schedule, sizeof(explore_schedule),
			 "%s, preempted at %lu", scenario->name, ++point);
		explore_reset();
		scenario->prepare();
		preempted = false;
		explore_arm(point, preempt);
		scenario->round();
		explore_disarm();
		explore_check();
	} while (preempted);
	explore_expect(point > 10, "%lu schedules", point);
	explore_reset();
	explore_check();
}

/* --- pages go back that are in use again ------------------------------------
 * If a page is freed after the grace period has begun, a reader may still look
 * at what was freed there: its memory must be left for the next round.
 */

static struct {
	const uint32_t *copy; /* of what was freed there; NULL if nothing was */
	uint32_t value;
	unsigned nr_graces; /* when it was freed */
} freed;

static void free_some_pages(void)
{
	unsigned i;

	freed.copy = NULL;
	for (i = 0; i < 6; i++)
		alloc_into(i, 12288);
	explore_drain();
	for (i = 0; i < 5; i++)
		if (i != 2)
			explore_free(held[i]);
}

static void free_for_readers(void *object)
{
	freed.copy = pcpu_ptr((uint32_t *)object + 64, 1);
	freed.value = *freed.copy;
	explore_free(object);
	explore_drain();
	freed.nr_graces = explore_nr_graces;
}

static void use_a_page_again(void)
{
	explore_on_cpu(1);
	alloc_into(0, 12288);
	free_for_readers(held[0]);
}

static void free_a_page(void)
{
	free_for_readers(held[2]);
}

/* The second chunk has a slab, and free pages in front of it. */
static void make_a_second_chunk(void)
{
	unsigned i;

	freed.copy = NULL;
	for (i = 0; i < 7; i++)
		alloc_into(0, 32768);
	alloc_into(0, 32768);
	alloc_into(1, 32768);
	explore_drain();
	explore_free(held[0]);
}

static void take_the_chunk_back(void)
{
	explore_free(held[1]);
	explore_retire_chunks();
	explore_on_cpu(1);
	alloc_into(0, 32768);
	free_for_readers(held[0]);
}

static void run_a_round(void)
{
	unsigned nr_graces = explore_nr_graces;

	explore_round();
	if (freed.copy && freed.nr_graces != nr_graces)
		explore_expect(freed.value && *freed.copy == freed.value,
			       "memory freed after the grace period is gone");
}

static const struct scenario reused_page = {
	.name = "round while a free page is used",
	.prepare = free_some_pages,
	.round = run_a_round,
	.preempt = use_a_page_again,
};

static const struct scenario freed_page = {
	.name = "round while a page becomes free",
	.prepare = free_some_pages,
	.round = run_a_round,
	.preempt = free_a_page,
};

static const struct scenario relinked_chunk = {
	.name = "round while a chunk is retired and taken back",
	.prepare = make_a_second_chunk,
	.round = run_a_round,
	.preempt = take_the_chunk_back,
};

START_TEST(page_used_and_freed_in_a_round__waits_for_the_next_grace_period)
{
	run_all_schedules(&reused_page);
	run_all_schedules(&freed_page);
	run_all_schedules(&relinked_chunk);
}
END_TEST

/* --- pages go back where there are no others --------------------------------
 * In an arena that cannot grow. Whatever a round has in hand, there is a run as
 * long for whoever needs one.
 */

static void take_all_but(unsigned nr)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		alloc_into(i, 32768);
	while (explore_alloc(32768, 0))
		;
	explore_drain();
	for (i = 2; i < 2 + nr; i++)
		explore_free(held[i]);
	explore_nr_refused = 0;
}

static void take_all_but_one_run(void)
{
	take_all_but(1);
}

static void take_all_but_a_long_run(void)
{
	take_all_but(3);
}

static void claim_one_nowait(void)
{
	explore_on_cpu(1);
	explore_expect(explore_alloc(32768, PCPU_NOWAIT), "ENOMEM");
}

static const struct scenario no_other_run = {
	.name = "round in an arena with one run",
	.prepare = take_all_but_one_run,
	.round = explore_round,
	.preempt = claim_one_nowait,
};

static const struct scenario one_long_run = {
	.name = "round in an arena with one long run",
	.prepare = take_all_but_a_long_run,
	.round = run_a_round,
	.preempt = claim_one_nowait,
};

START_TEST(round_where_pages_are_few__allocations_find_what_is_there)
{
	freed.copy = NULL;
	run_all_schedules(&no_other_run);
	run_all_schedules(&one_long_run);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite = suite_create("rounds");
	TCase *tc = tcase_create("rounds");

	(void)argc;
	explore_start(argv, 1);
	tcase_set_timeout(tc, 60);
	tcase_add_test(
		tc,
		page_used_and_freed_in_a_round__waits_for_the_next_grace_period);
	tcase_add_test(
		tc, round_where_pages_are_few__allocations_find_what_is_there);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
