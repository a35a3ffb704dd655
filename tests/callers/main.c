// SPDX-License-Identifier: MIT
/* Runs a driver as a test of one case. */
#include <check.h>
#include <pcpu.h>

#include "callers/support.h"
#include "tests/run_suite.h"

START_TEST(kernel_file__driven_under_load__results_are_right)
{
	struct pcpu_stats stats;

	drive();
	pcpu_stats_get(&stats);
	ck_assert_uint_eq(stats.nr_cur_alloc, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("callers");
	TCase *tc = tcase_create("callers");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, kernel_file__driven_under_load__results_are_right);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
