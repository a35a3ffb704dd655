// SPDX-License-Identifier: MIT
/*
 * The fuzzers' corpus once more, without a fuzzer: each input on each machine,
 * in the order of their names.
 */
#include <dirent.h>

#include "fuzz/fuzz.h"

#define CORPUS "tests/fuzz/corpus"
#define INPUT_MAX 65536

static uint8_t input[INPUT_MAX];

static void run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	require(file != NULL, "%s: errno %d", path, errno);
	size = fread(input, 1, sizeof(input), file);
	fclose(file);
	/* The one that fails is the last that is named. */
	printf("%s\n", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	fflush(stdout);
	fuzz_run(input, size);
}

static unsigned run_folder(const char *path, int share)
{
	struct dirent **entries;
	int nr = scandir(path, &entries, NULL, alphasort), i;
	unsigned nr_run = 0;
	char name[512];

	require(nr >= 0, "%s: errno %d", path, errno);
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (i % share == 0 && entries[i]->d_name[0] != '.') {
			run_file(name);
			nr_run++;
		}
		free(entries[i]);
	}
	free(entries);
	return nr_run;
}

/* As a program of its own: MACHINE [FILE...], for all or some inputs. */
static void run_arguments(int argc, char **argv)
{
	int i;

	fuzz_start(argv, argv[1]);
	if (argc == 2)
		require(run_folder(CORPUS, fuzz_machine->share
						   ? (int)fuzz_machine->share
						   : 1) > 0,
			"no corpus");
	for (i = 2; i < argc; i++)
		run_file(argv[i]);
}

START_TEST(corpus_on_a_machine__keeps_every_invariant)
{
	char name[32];
	struct support_exec exec = {.job = name};
	struct support_child child;

	snprintf(name, sizeof(name), "%s", fuzz_machines[_i].name);
	support_exec_job(&exec, &child);
	if (!support_succeeded(&child) && child.nr_text > 300)
		printf("... %s\n", child.text + child.nr_text - 300);
	support_expect_success(&child, &exec);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("corpus");
	TCase *tcase = tcase_create("machines");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, corpus_on_a_machine__keeps_every_invariant,
			    0, (int)fuzz_nr_machines);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		run_arguments(argc, argv);
		return 0;
	}
	return run_suite(make_suite());
}
