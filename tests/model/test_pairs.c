// SPDX-License-Identifier: MIT
/*
 * Every two operations, one of which preempts the other: in front of each of
 * its shared accesses in turn, the other runs to its end. Afterwards all hints
 * must be true.
 *
 * Where the accesses from one point to a later one touch nothing that the
 * preempting operation touches, both points give the same; only one is tried,
 * unless EXPLORE_EVERY_POINT is set.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops.h"
#include "tests/run_suite.h"

static struct actor actors[2];
static const struct op *ops[2];
static bool every_point;

static void run_second(void)
{
	unsigned cpu = explore_cpu();

	explore_record();
	explore_on_cpu(actors[1].cpu);
	ops[1]->run(&actors[1]);
	explore_on_cpu(cpu);
	explore_watch();
}

static void prepare(const struct shape *shape, bool same_cpu)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		actors[i] = (struct actor){
			.shape = shape,
			.peer = &actors[1 - i],
			.cpu = same_cpu ? 1 : 1 + i,
			.second = i == 1,
		};
		explore_on_cpu(actors[i].cpu);
		if (ops[i]->prepare)
			ops[i]->prepare(&actors[i]);
	}
	for (i = 0; i < 2; i++) {
		explore_on_cpu(actors[i].cpu);
		if (ops[i]->settle)
			ops[i]->settle(&actors[i]);
	}
}

/* Returns the next point that may give something else, 0 if there is none. */
static unsigned long run_schedule(const struct shape *shape, bool same_cpu,
				  unsigned long point)
{
	unsigned long conflict;

	snprintf(explore_schedule, sizeof(explore_schedule),
		 "\"%s\", preempted at %lu by \"%s\" on %s CPU, %zu and %zu "
		 "bytes",
		 ops[0]->name, point, ops[1]->name,
		 same_cpu ? "the same" : "another", shape->size, shape->other);
	explore_reset();
	prepare(shape, same_cpu);
	explore_nr_refused = 0;
	explore_on_cpu(actors[0].cpu);
	explore_arm(point, run_second);
	ops[0]->run(&actors[0]);
	if (explore_disarm()) {
		run_second();
		explore_conflict();
		point = 0;
	} else {
		conflict = explore_conflict();
		if (every_point)
			point++;
		else
			point = conflict ? point + conflict : 0;
	}
	explore_check();
	explore_expect(!explore_nr_refused || ops[0]->may_fail ||
			       ops[1]->may_fail,
		       "an allocation failed");
	return point;
}

/* Case _i: an operation and a shape, with all that can preempt it. */
START_TEST(operation_preempted_anywhere_by_any_other__hints_are_true_after)
{
	const struct shape *shape = &shapes[(unsigned)_i % nr_shapes];
	unsigned second, nr = 0;
	int same_cpu;

	ops[0] = &all_ops[(unsigned)_i / nr_shapes];
	for (second = 0; second < nr_ops; second++)
		for (same_cpu = 0; same_cpu < 2; same_cpu++) {
			unsigned long point = 1;

			ops[1] = &all_ops[second];
			for (; point; nr++)
				point = run_schedule(shape, same_cpu, point);
		}
	explore_reset();
	explore_check();
	printf("%-34s %6zu bytes: %6u schedules\n", ops[0]->name, shape->size,
	       nr);
	fflush(stdout);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("pairs");
	TCase *tc = tcase_create("pairs");

	(void)argc;
	explore_start(argv, 1);
	every_point = getenv("EXPLORE_EVERY_POINT") != NULL;
	tcase_set_timeout(tc, every_point ? 600 : 30);
	tcase_add_loop_test(
		tc,
		operation_preempted_anywhere_by_any_other__hints_are_true_after,
		0, (int)(nr_ops * nr_shapes));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
