// SPDX-License-Identifier: MIT
/*
 * PCPU_HUGEPAGES: which copies may lie in huge pages, and that nothing else
 * becomes different.
 */
#include <inttypes.h>

#include "chunk/layout.h"
#include "tests/smoke.h"
#include "tests/support.h"

/* Has the mapping that `at` is in this flag? As /proc/PID/smaps has them. */
static bool has_flag(uintptr_t at, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	uintptr_t first = 0, end = 0;
	bool found = false;
	char line[512];

	require(file != NULL, "errno %d", errno);
	while (!found && fgets(line, sizeof(line), file))
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &first, &end) != 2)
			found = at >= first && at < end &&
				!strncmp(line, "VmFlags:", 8) &&
				strstr(line, flag);
	fclose(file);
	return found;
}

static void expect_flag(const char *flag)
{
	unsigned w;

	if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0)
		return; /* a kernel without */
	for (w = 0; w < NR_WINDOWS; w++)
		require(has_flag(layout.area[w] + layout.area_bytes / 2, flag),
			"window %u has not%s", w, flag);
}

static void job_huge(void)
{
	expect_flag(" hg");
	job_smoke();
}

static void job_small(void)
{
	expect_flag(" nh");
}

START_TEST(asked_for__copies_may_lie_in_huge_pages)
{
	static const char *const env[] = {"PCPU_HUGEPAGES=1", NULL};

	support_run_job("huge", env);
}
END_TEST

START_TEST(not_asked_for__none_do)
{
	static const char *const env[] = {"PCPU_HUGEPAGES=0", NULL};

	unsetenv("PCPU_HUGEPAGES");
	support_run_job("small", NULL);
	support_run_job("small", env);
}
END_TEST

static const struct support_job jobs[] = {
	{"huge", job_huge}, {"small", job_small}, {NULL, NULL}};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("huge pages");
	TCase *tcase = tcase_create("huge pages");

	tcase_add_test(tcase, asked_for__copies_may_lie_in_huge_pages);
	tcase_add_test(tcase, not_asked_for__none_do);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
