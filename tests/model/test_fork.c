// SPDX-License-Identifier: MIT
/*
 * fork() in front of every shared access that another thread makes: the child,
 * where that thread is gone for ever, allocates, frees and trims all the same.
 * (Row 35 of the table of faults.)
 */
#include <check.h>
#include <pcpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "explore.h"
#include "support.h"

#define NR_HELD 8

static void *held[NR_HELD];
static bool forked;

/* --- what the other thread does --------------------------------------------
 */

static void allocate(void)
{
	held[0] = explore_alloc(8, 0);
}

static void allocate_large(void)
{
	held[0] = explore_alloc(12288, 0);
}

static void allocate_in_bulk(void)
{
	explore_alloc_bulk(24, NR_HELD, held);
}

static void free_one(void)
{
	explore_free(held[0]);
	held[0] = NULL;
}

static void free_in_bulk(void)
{
	explore_free_bulk(NR_HELD, held);
	held[0] = NULL;
}

/* The last object of a slab and of a chunk. */
static void free_last(void)
{
	explore_drain();
	free_one();
	explore_retire_chunks();
}

static void trim(void)
{
	explore_trim();
}

static const struct act {
	const char *name;
	void (*prepare)(void);
	void (*run)(void);
} acts[] = {
	{"alloc", NULL, allocate},
	{"alloc of a slab", NULL, allocate_large},
	{"alloc in bulk", NULL, allocate_in_bulk},
	{"free", allocate, free_one},
	{"free in bulk", allocate_in_bulk, free_in_bulk},
	{"free of a slab", allocate_large, free_last},
	{"trim", allocate_large, trim},
};
#define NR_ACTS ((int)(sizeof(acts) / sizeof(acts[0])))

/* --- the child -------------------------------------------------------------
 */

static _Noreturn void live_in_the_child(void)
{
	static const size_t sizes[] = {8, 24, 12288, 4, 1000};
	unsigned i, round;

	alarm(60); /* who waits for the other thread is killed */
	explore_on_cpu(1);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 40; i++)
			explore_expect(explore_alloc(sizes[i % 5], 0) != NULL,
				       "no memory");
		explore_alloc_bulk(24, NR_HELD, held);
		for (i = 0; i < 30; i++)
			explore_free(explore_objects[i % 7].handle);
		pcpu_trim();
		explore_on_cpu(2);
	}
	_exit(0);
}

static void fork_here(void)
{
	pid_t pid;
	int status;

	forked = true;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		live_in_the_child();
	explore_expect(pid > 0 && waitpid(pid, &status, 0) == pid, "no child");
	explore_expect(status == 0, "status %#x of the child",
		       (unsigned)status);
}

/* --- the parent ------------------------------------------------------------
 */

/* All of the first, then ever fewer: of the many they are of a kind. */
static unsigned long next_point(unsigned long point)
{
	return point + 1 + (point > 40 ? point / 8 : 0);
}

START_TEST(fork_at_every_step_of_another_thread__the_child_is_as_good)
{
	const struct act *act = &acts[_i];
	unsigned long point = 1;

	do {
		snprintf(explore_context, sizeof(explore_context),
			 "%s, fork at %lu", act->name, point);
		explore_reset();
		explore_on_cpu(0);
		/* Objects that live on both sides. */
		explore_alloc(8, 0);
		explore_alloc(1000, 0);
		if (act->prepare)
			act->prepare();
		forked = false;
		explore_interrupt(point, fork_here);
		act->run();
		explore_uninterrupt();
		explore_check();
		point = next_point(point);
	} while (forked);
	printf("%s: %lu steps\n", act->name, point);
	explore_reset();
	explore_check();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fork");
	TCase *tcase = tcase_create("steps");

	tcase_set_timeout(tcase, 240);
	tcase_add_loop_test(
		tcase,
		fork_at_every_step_of_another_thread__the_child_is_as_good, 0,
		NR_ACTS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	(void)argc;
	explore_start(argv, 2);
	return run_suite(make_suite());
}
