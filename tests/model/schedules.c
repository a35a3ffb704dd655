// SPDX-License-Identifier: MIT
/*
 * Schedules that are known before: those that a seed stands for, and those that
 * a failed search has printed:
 *
 *	EXPLORE_REPLAY=TEXT	run that, and tell who touches what
 *	EXPLORE_ONLY=TEXT	leave out scenarios whose name has it not
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

const char *const schedule_model[EXPLORE_MODELS] = {"SC", "TSO", "bare"};

static bool never(bool at_end)
{
	(void)at_end;
	return false;
}

/* --- a replay ------------------------------------------------------------- */

static const char *replay; /* the rest of it */

static unsigned choose_replayed(const struct menu *menu)
{
	unsigned long step;
	unsigned which, i;
	char kind;

	if (sscanf(replay, "%lu%c%u", &step, &kind, &which) != 3 ||
	    step != engine.step)
		return 0;
	for (i = 0; i < menu->nr; i++)
		if ("tfx"[menu->choice[i].kind] == kind &&
		    menu->choice[i].which == which) {
			replay = strchr(replay, ',');
			replay = replay ? replay + 1 : "";
			return i;
		}
	return 0;
}

/* The schedule, if the scenario is the one that EXPLORE_REPLAY names. */
static const char *find_replay(const struct scenario *scenario,
			       enum explore_model model)
{
	const char *text = getenv("EXPLORE_REPLAY");
	char name[320];
	size_t length;

	if (!text)
		return NULL;
	length = (size_t)snprintf(name, sizeof(name), "%s/%s:", scenario->name,
				  schedule_model[model]);
	return strncmp(text, name, length) ? NULL : text + length;
}

bool explore_is_left_out(const struct scenario *scenario,
			 enum explore_model model)
{
	const char *only = getenv("EXPLORE_ONLY");

	if (only && !strstr(scenario->name, only))
		return true;
	return getenv("EXPLORE_REPLAY") && !find_replay(scenario, model);
}

bool schedule_replay(void)
{
	replay = find_replay(engine.scenario, engine.model);
	if (!replay)
		return false;
	engine.bound = BOUND_NONE;
	engine.all_points = engine.tracing = true;
	engine.choose = choose_replayed;
	engine.was_here = never;
	if (engine_run() == FAILED)
		ck_abort_msg("%s", engine.message);
	memory_restore();
	engine.all_points = engine.tracing = false;
	return true;
}

/* --- at random ------------------------------------------------------------ */

static uint64_t random_state;
static unsigned stay; /* of 64 */

static unsigned choose_random(const struct menu *menu)
{
	uint64_t draw = mix(random_state += MIX);

	if (menu->nr == 1 || draw % 64 < stay)
		return 0;
	return (unsigned)(draw >> 32) % menu->nr;
}

void explore_random(const struct scenario *scenario, enum explore_model model,
		    uint64_t seed)
{
	engine.scenario = scenario;
	engine.model = model;
	engine.bound = BOUND_NONE;
	engine.all_points = true;
	engine.choose = choose_random;
	engine.was_here = never;
	random_state = seed;
	stay = (unsigned)(mix(seed) % 64);
	memory_begin();
	if (engine_run() == FAILED)
		ck_abort_msg("%s: %s", explore_context, engine.message);
	engine.all_points = false;
}
