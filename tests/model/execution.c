// SPDX-License-Identifier: MIT
/*
 * One execution: all threads of the scenario from their start to their end, and
 * then the checks.
 */
#include "engine.h"

static void thread_main(void)
{
	engine.scenario->thread[engine.current]();
	engine.thread[engine.current].done = true;
	for (;;)
		engine_run_another();
}

/* Alone, when the others have ended. */
static void after_main(void)
{
	const struct scenario *scenario = engine.scenario;

	if (!scenario->refusal) {
		explore_check();
		explore_expect(scenario->may_fail || !explore_nr_refused,
			       "an allocation failed");
	}
	if (scenario->after)
		scenario->after();
	explore_expect(!scenario->refusal, "nobody was refused");
	engine_end(ENDED);
}

static void prepare_thread(unsigned i, void (*entry)(void))
{
	struct thread *thread = &engine.thread[i];
	uint8_t cpu = engine.scenario->cpu[i % EXPLORE_THREADS];

	thread->cpu = cpu ? cpu - 1u : i % EXPLORE_CPUS;
	thread->history = thread->boundary = mix(i + 1);
	thread->done = thread->in_sequence = thread->thrown_out = false;
	thread->ready = NULL;
	thread->nr_stamps = thread->stale = 0;
	pins_begin_thread(i);
	coroutine_prepare(&thread->coroutine, entry);
}

static void go(unsigned first)
{
	engine.current = first;
	engine.running = true;
	engine_arrive();
	coroutine_switch(&engine.test, &engine.thread[first].coroutine);
	engine.running = false;
}

static void go_threads(void)
{
	struct menu menu = {.nr = 0};

	engine.current = THREAD_NONE;
	engine_add_threads(&menu, 0);
	engine.scheduled = true;
	go(engine_decide(&menu).which);
	engine.scheduled = false;
}

enum outcome engine_run(void)
{
	unsigned old = engine.current, i;

	engine.nr_threads = 0;
	while (engine.nr_threads < EXPLORE_THREADS &&
	       engine.scenario->thread[engine.nr_threads])
		engine.nr_threads++;
	engine.step = engine.spent = engine.nr_stays = 0;
	for (i = 0; i < engine.nr_threads; i++)
		prepare_thread(i, thread_main);
	for (i = 0; i < EXPLORE_CPUS; i++)
		engine.cpu_last[i] = THREAD_NONE;
	go_threads();
	if (engine.outcome == ENDED) {
		prepare_thread(THREAD_AFTER, after_main);
		go(THREAD_AFTER);
	}
	engine.current = old;
	kernel_store_cpu(explore_cpu());
	return engine.outcome;
}
