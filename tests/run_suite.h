/* SPDX-License-Identifier: MIT */
/* What main() of each test program ends with. */
#ifndef TESTS_RUN_SUITE_H
#define TESTS_RUN_SUITE_H

#include <check.h>
#include <stdlib.h>

static inline int run_suite_as(Suite *suite, enum fork_status fork)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_fork_status(runner, fork);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Run the suite and free it. Returns the program's exit status. */
static inline int run_suite(Suite *suite)
{
	return run_suite_as(suite, CK_FORK_GETENV);
}

/* The same with all tests in the program's own process, one after another. */
static inline int run_suite_here(Suite *suite)
{
	return run_suite_as(suite, CK_NOFORK);
}

#endif /* TESTS_RUN_SUITE_H */
