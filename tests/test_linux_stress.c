// SPDX-License-Identifier: MIT
/* The shim's sections of all kinds under stress lose nothing. */
#include "tests/linux_stress.h"

static void stress(void)
{
	const unsigned long nr = (unsigned long)THREADS * ROUNDS;
	struct traffic all;
	int kind;

	run_threads();
	all = sum();
	require(all.packets == nr, "%lu of %lu", all.packets, nr);
	require(all.bytes == 3 * nr, "%lu of %lu", all.bytes, 3 * nr);
	require(all.drops == nr, "%u of %lu", all.drops, nr);
	for (kind = 0; kind < NR_KINDS; kind++)
		require(all.by_kind[kind] == nr_by_kind[kind] &&
				nr_by_kind[kind],
			"kind %d: %lu of %lu", kind, all.by_kind[kind],
			nr_by_kind[kind]);
	free_percpu(traffic);
}

static const char *const environments[][4] = {
	{NULL},
	{"GLIBC_TUNABLES=glibc.pthread.rseq=0", NULL},
	{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=16", NULL},
	{"PCPU_CONTEXT=mm_cid", NULL},
};

START_TEST(sections__preempted_and_moved_inside__lose_nothing)
{
	support_run_job("stress", environments[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("linux_stress");
	TCase *tc = tcase_create("stress");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc,
			    sections__preempted_and_moved_inside__lose_nothing,
			    0, sizeof(environments) / sizeof(environments[0]));
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"stress", stress},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
