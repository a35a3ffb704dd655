// SPDX-License-Identifier: MIT
/*
 * Every scenario under every schedule up to its bound, in both memory models;
 * every two operations in the weaker one, which has all that the other has.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

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
	tcase_set_timeout(pairs, 0);
	tcase_add_loop_test(
		pairs, two_operations_under_every_schedule__invariants_hold, 0,
		(int)pairs_count() * EXPLORE_MODELS);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, pairs);
	return run_suite(suite);
}
