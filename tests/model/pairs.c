// SPDX-License-Identifier: MIT
#include "pairs.h"

#include <stdio.h>

#include "ops.h"

static struct actor actors[2];
static const struct op *ops[2];
static const struct shape *shape;
static bool same_cpu;

/* Objects that are there, and that neither is to free. */
static void *loose[EXPLORE_OBJECTS_MAX];
static unsigned nr_loose;

static bool is_held(const struct actor *actor, const void *object)
{
	unsigned i;

	for (i = 0; i < ACTOR_OBJECTS; i++)
		if (actor->object[i] == object)
			return true;
	return false;
}

static void collect_loose(void)
{
	unsigned i;

	nr_loose = 0;
	for (i = 0; i < explore_nr_objects; i++) {
		void *object = explore_objects[i].handle;

		if (!is_held(&actors[0], object) &&
		    !is_held(&actors[1], object))
			loose[nr_loose++] = object;
	}
}

/* Both get a half if both are of the kind that frees it. */
static void share_loose(void)
{
	unsigned half = ops[0] == ops[1] ? nr_loose / 2 : 0;

	actors[0].loose = loose;
	actors[0].nr_loose = half ? half : nr_loose;
	actors[1].loose = loose + half;
	actors[1].nr_loose = ops[0] == ops[1] ? nr_loose - half : nr_loose;
}

static void prepare(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		actors[i] = (struct actor){
			.shape = shape,
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
	collect_loose();
	share_loose();
}

static void run(void)
{
	unsigned i = explore_thread();

	ops[i]->run(&actors[i]);
}

static void explore(enum explore_model model, struct explore_result *result)
{
	char name[200];
	struct scenario scenario = {
		.name = name,
		.prepare = prepare,
		.thread = {run, run},
		.cpu = {2, same_cpu ? 2 : 3},
		.bound = 1,
		.may_fail = ops[0]->may_fail || ops[1]->may_fail,
	};

	snprintf(name, sizeof(name), "%s; %s; %s CPU, %zu and %zu bytes",
		 ops[0]->name, ops[1]->name, same_cpu ? "one" : "another",
		 shape->size, shape->other);
	explore_all(&scenario, model, result);
}

unsigned pairs_count(void)
{
	return nr_ops * nr_shapes;
}

void pairs_explore(unsigned which, enum explore_model model)
{
	unsigned first = which / nr_shapes, second;
	unsigned long nr = 0, nr_incomplete = 0;
	double seconds = 0;
	int one;

	shape = &shapes[which % nr_shapes];
	ops[0] = &all_ops[first];
	for (second = first; second < nr_ops; second++)
		for (one = 0; one < 2; one++) {
			struct explore_result result;

			ops[1] = &all_ops[second];
			same_cpu = one;
			explore(model, &result);
			nr += result.nr_ended + result.nr_merged;
			nr_incomplete += !result.complete;
			seconds += result.seconds;
		}
	printf("pairs: %-40s %5zu bytes: %7lu executions, %5.2f s, %lu "
	       "incomplete\n",
	       ops[0]->name, shape->size, nr, seconds, nr_incomplete);
	fflush(stdout);
}
