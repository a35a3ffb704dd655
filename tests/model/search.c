// SPDX-License-Identifier: MIT
/*
 * All schedules of a scenario, one after the other, depth first.
 *
 *	EXPLORE_BOUND=N		preemptions, in place of the scenario's; 7: any
 *	EXPLORE_MORE=N		so many more of them than the scenario's
 *	EXPLORE_SECONDS=N	give a search up after so long
 *	EXPLORE_EVERY_SCHEDULE=1	try those too that are known to be equal
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"

/* --- states that were met ------------------------------------------------- */

/* An open hash of states; the last three bits say how many preemptions were
 * left. 0 is no state. */
static uint64_t *met;
static size_t met_size, nr_met;
#define MET_LEFT UINT64_C(7)

/* free() is the library's while a scenario runs, see caches.c. */
void __real_free(void *p);

static void met_reset(size_t size)
{
	__real_free(met);
	met = calloc(size, sizeof(*met));
	explore_expect(met, "no memory for %zu states", size);
	met_size = size;
	nr_met = 0;
}

static uint64_t *met_find(uint64_t state)
{
	size_t i = (size_t)(state * MIX >> 20) & (met_size - 1);

	while (met[i] && (met[i] ^ state) > MET_LEFT)
		i = (i + 1) & (met_size - 1);
	return &met[i];
}

static void met_grow(void)
{
	uint64_t *old = met;
	size_t size = met_size, i;

	met = NULL;
	met_reset(2 * size);
	for (i = 0; i < size; i++)
		if (old[i]) {
			*met_find(old[i] & ~MET_LEFT) = old[i];
			nr_met++;
		}
	__real_free(old);
}

/* Was the state met with as many preemptions left? From now on it was. */
static bool meet(uint64_t state, unsigned left)
{
	uint64_t *slot;

	state = (state & ~MET_LEFT) | (state > MET_LEFT ? 0 : MET_LEFT + 1);
	slot = met_find(state);
	if (*slot && (*slot & MET_LEFT) >= left)
		return true;
	nr_met += !*slot;
	*slot = state | left;
	if (nr_met > met_size / 2)
		met_grow();
	return false;
}

/* --- depth first ---------------------------------------------------------- */

/* The choices that the execution under way has met, and what it took. */
struct node {
	unsigned long step;
	unsigned taken;
	struct menu menu;
};
#define TRAIL_MAX 20000u
static struct node trail[TRAIL_MAX];
static unsigned trail_length, depth;
static bool every_schedule; /* without the reductions of engine.c */

static unsigned preemptions_left(void)
{
	return engine.bound == BOUND_NONE ? BOUND_NONE
					  : engine.bound - engine.spent;
}

static bool was_here(bool at_end)
{
	return meet(engine_state(), at_end ? 0 : preemptions_left());
}

static unsigned choose_next(const struct menu *menu)
{
	struct node *node = &trail[depth];

	if (depth < trail_length) {
		if (node->step != engine.step || menu->nr == 1)
			return 0;
		explore_expect(node->menu.nr == menu->nr,
			       "the execution is another one this time: %lu.%u "
			       "of %u at %lu %d %d, was %u %d %d %d %d",
			       node->step, depth, trail_length, engine.step,
			       menu->nr, menu->choice[1].kind, node->menu.nr,
			       node->menu.choice[0].which,
			       node->menu.choice[1].kind,
			       node->menu.choice[1].which, node->taken);
		depth++;
		return node->taken;
	}
	if (!every_schedule && was_here(false))
		engine_end(MERGED);
	if (menu->nr == 1)
		return 0;
	explore_expect(depth < TRAIL_MAX, "too many choices");
	node->step = engine.step;
	node->taken = 0;
	node->menu = *menu;
	trail_length = ++depth;
	return 0;
}

/* Take another turn at the last choice that has one left. */
static bool turn(void)
{
	while (trail_length) {
		struct node *node = &trail[trail_length - 1];

		if (++node->taken < node->menu.nr)
			return true;
		trail_length--;
	}
	return false;
}

/* --- what it was ---------------------------------------------------------- */

static void print_schedule(char *text, size_t bytes)
{
	size_t used =
		(size_t)snprintf(text, bytes, "%s/%s:", engine.scenario->name,
				 schedule_model[engine.model]);
	unsigned i;

	for (i = 0; i < depth && used < bytes; i++) {
		const struct node *node = &trail[i];
		const struct choice *choice = &node->menu.choice[node->taken];

		if (node->taken)
			used += (size_t)snprintf(text + used, bytes - used,
						 "%lu%c%u,", node->step,
						 "tfx"[choice->kind],
						 choice -> which);
	}
}

/* --- searching ------------------------------------------------------------ */

static void prepare(const struct scenario *scenario, enum explore_model model)
{
	snprintf(explore_context, sizeof(explore_context), "%s/%s",
		 scenario->name, schedule_model[model]);
	engine.scenario = scenario;
	engine.model = model;
	explore_reset_for(model);
	if (scenario->prepare)
		scenario->prepare();
	explore_on_cpu(0);
	explore_nr_refused = 0;
	memory_forget_threads();
	memory_begin();
}

static _Noreturn void fail_replayable(void)
{
	char text[4096];

	print_schedule(text, sizeof(text));
	printf("EXPLORE_REPLAY='%s'\n", text);
	fflush(stdout);
	ck_abort_msg("%s\nEXPLORE_REPLAY='%s'", engine.message, text);
	abort(); /* not reached */
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 0) : otherwise;
}

/* The processor's: a loaded machine is no failure. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Returns false when there is no more time. */
static bool is_in_time(double start, const struct explore_result *result)
{
	static double told;
	unsigned limit = from_environment("EXPLORE_SECONDS", 0);
	double now = seconds();

	if (now - start < 5)
		told = start;
	if (now - told >= 5) {
		told = now;
		fprintf(stderr,
			"  ... %s, bound %u: %lu executions, %zu states, "
			"%.0f s\n",
			explore_context, engine.bound,
			result->nr_ended + result->nr_merged, nr_met,
			now - start);
	}
	return !limit || now - start < limit;
}

/* All schedules up to engine.bound, as far as shared places are known. */
static void search(double start, struct explore_result *result)
{
	unsigned nr = 0;

	result->nr_ended = result->nr_merged = 0;
	trail_length = 0;
	met_reset((size_t)1 << 12);
	do {
		enum outcome outcome;

		depth = 0;
		outcome = engine_run();
		if (outcome == FAILED)
			fail_replayable();
		memory_restore();
		if (outcome == MERGED)
			result->nr_merged++;
		else
			result->nr_ended++;
		if (++nr % 256 == 0 && !is_in_time(start, result))
			return;
	} while (turn());
	result->complete = true;
}

static unsigned bound_of(const struct scenario *scenario)
{
	unsigned bound = (scenario->bound ? scenario->bound : 2) +
			 from_environment("EXPLORE_MORE", 0);

	bound = from_environment("EXPLORE_BOUND", bound);
	return bound < BOUND_NONE ? bound : BOUND_NONE;
}

void explore_all(const struct scenario *scenario, enum explore_model model,
		 struct explore_result *result)
{
	unsigned bound = bound_of(scenario);
	double start = seconds();

	*result = (struct explore_result){.bound = bound};
	if (explore_is_left_out(scenario, model))
		return;
	prepare(scenario, model);
	if (schedule_replay())
		return;
	engine.choose = choose_next;
	engine.was_here = was_here;
	every_schedule = from_environment("EXPLORE_EVERY_SCHEDULE", 0);
	engine.all_points = every_schedule;
	memory_has_news();
	/* Simple schedules first: they show most of what is shared. */
	for (engine.bound = 0; engine.bound <= bound;
	     engine.bound += !memory_has_news()) {
		result->complete = false;
		search(start, result);
		if (!result->complete)
			break;
	}
	engine.all_points = false;
	result->seconds = seconds() - start;
}

void explore_and_tell(const struct scenario *scenario, enum explore_model model)
{
	struct explore_result result;
	unsigned long nr;

	if (explore_is_left_out(scenario, model))
		return;
	explore_all(scenario, model, &result);
	nr = result.nr_ended + result.nr_merged;
	explore_expect(!result.complete || nr >= scenario->nr_least,
		       "%lu executions: the threads do not meet", nr);
	printf("%-48s %-3s bound %u: %7lu executions, %4lu ends, %7zu states, "
	       "%5.2f s%s\n",
	       scenario->name, schedule_model[model], result.bound, nr,
	       result.nr_ended, nr_met, result.seconds,
	       result.complete ? "" : ", INCOMPLETE");
	fflush(stdout);
}
