// SPDX-License-Identifier: MIT
/*
 * Every scenario under every schedule up to its bound, in both memory models,
 * and without a front; every two operations in the weaker one, which has all
 * that the other has.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "pairs.h"
#include "tests/run_suite.h"

START_TEST(scenario_under_every_schedule__invariants_hold)
{
	const struct scenario *scenario = scenarios_begin[_i / EXPLORE_MODELS];

	explore_and_tell(scenario, (unsigned)_i % EXPLORE_MODELS);
}
END_TEST

START_TEST(two_operations_under_every_schedule__invariants_hold)
{
	pairs_explore((unsigned)_i, EXPLORE_TSO);
}
END_TEST

/* What engine.c leaves out must be what makes no difference: the threads come
 * to as many ends without it. */
static const char *const small[] = {
	"claim, claim",
	"last free, claim",
	"two pairs on one CPU",
	"last frees in two words",
	"growth, growth",
	"pair in the slot, drain",
	"chunk empties, the worker",
	"chunk empties, another thread grows",
};

static unsigned long count_ends(const struct scenario *scenario,
				enum explore_model model, const char *every)
{
	struct explore_result result;

	setenv("EXPLORE_EVERY_SCHEDULE", every, 1);
	explore_all(scenario, model, &result);
	explore_expect(result.complete, "not all schedules");
	return result.nr_ended;
}

START_TEST(schedules_that_are_left_out__come_to_no_other_end)
{
	const char *name = small[_i / EXPLORE_MODELS];
	enum explore_model model = (unsigned)_i % EXPLORE_MODELS;
	const struct scenario *const *it;

	setenv("EXPLORE_BOUND", "1", 1);
	for (it = scenarios_begin; strcmp((*it)->name, name); it++)
		ck_assert(it + 1 < scenarios_end);
	if (!explore_is_left_out(*it, model))
		ck_assert_uint_eq(count_ends(*it, model, "0"),
				  count_ends(*it, model, "1"));
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("explore");
	TCase *tc = tcase_create("scenarios"), *pairs = tcase_create("pairs");
	int nr = (int)(scenarios_end - scenarios_begin);

	(void)argc;
	explore_start(argv, 1);
	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, scenario_under_every_schedule__invariants_hold,
			    0, nr * EXPLORE_MODELS);
	tcase_add_loop_test(
		tc, schedules_that_are_left_out__come_to_no_other_end, 0,
		(int)(sizeof(small) / sizeof(*small)) * EXPLORE_MODELS);
	tcase_set_timeout(pairs, 0);
	tcase_add_loop_test(
		pairs, two_operations_under_every_schedule__invariants_hold, 0,
		(int)pairs_count());
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, pairs);
	return run_suite(suite);
}
