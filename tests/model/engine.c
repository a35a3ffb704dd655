// SPDX-License-Identifier: MIT
/*
 * Threads, and what can happen next.
 *
 * A thread can stop in front of each shared access, and others go on: that is a
 * preemption, unless it waits, yields or has ended. Schedules with at most
 * `bound` preemptions are tried, all of them but for two kinds, of which one
 * stands for many.
 *
 * 1. Threads stop only where it matters: in front of an access to a shared
 * place, one that several threads of the scenario touch and one of them writes.
 * Take any schedule and a thread in it that is stopped in front of another
 * access. Up to its next one to a shared place it does nothing that others see
 * or could have changed, so they may as well run behind that: the stop moves
 * there, everybody reads what he read, and preemptions become no more. Which
 * places are shared is learned while searching: by who touched what in any
 * execution so far. When a search has learned of one more it is done again. So
 * the last one has known all that its schedules meet, and the first place that
 * a schedule beyond them were to meet would come behind a start that is among
 * them, and so be met.
 *
 * 2. States are met once. What can follow depends on memory, on the store
 * buffers, and on where each thread is: which it has read to know, so a thread
 * is told by the values it read since its library call began, and by what its
 * calls before returned (scenarios keep nothing else in their heads). A state
 * that was met before, with as many preemptions left and the same thread about
 * to run, has nothing new behind it. States are compared by a hash. Copies of
 * objects are not part of it, as bits in `used` and `dirty` tell of them.
 *
 * The model of a CPU's store buffer is in memory.c; a context switch drains it,
 * as the kernel does. Restartable sequences are aborted when another thread of
 * the CPU ran in the middle, when somebody fenced, and, at the price of a
 * preemption, for no reason (kernel.c).
 */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

struct engine engine = {.current = THREAD_NONE};
char explore_context[256];

/* --- the end -------------------------------------------------------------- */

void engine_end(enum outcome outcome)
{
	engine.outcome = outcome;
	coroutine_switch(&engine.thread[engine.current].coroutine,
			 &engine.test);
	abort(); /* nobody comes back */
}

void explore_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(engine.message, sizeof(engine.message), format, args);
	va_end(args);
	if (engine.running)
		engine_end(FAILED);
	ck_abort_msg("%s: %s", explore_context, engine.message);
	abort(); /* not reached */
}

/* --- who is where --------------------------------------------------------- */

unsigned explore_thread(void)
{
	return engine.current < EXPLORE_THREADS ? engine.current
						: EXPLORE_THREADS;
}

static struct thread *self(void)
{
	return &engine.thread[engine.current];
}

static bool is_on_cpu(unsigned i, unsigned cpu)
{
	return i < engine.nr_threads && engine.thread[i].cpu == cpu;
}

/* The running thread is on its CPU now; was another there before? */
void engine_arrive(void)
{
	unsigned cpu = self()->cpu, i;

	kernel_store_cpu(self()->stale ? UINT32_MAX : cpu);
	if (engine.cpu_last[cpu] == engine.current)
		return;
	engine.cpu_last[cpu] = engine.current;
	memory_drain(cpu);
	for (i = 0; i < engine.nr_threads; i++)
		if (i != engine.current && is_on_cpu(i, cpu))
			engine.thread[i].thrown_out =
				engine.thread[i].in_sequence;
}

void explore_on_cpu(unsigned cpu)
{
	if (engine.scheduled)
		memory_drain(self()->cpu);
	self()->cpu = cpu;
	engine_arrive();
}

void explore_move(unsigned i, unsigned cpu)
{
	struct thread *thread = &engine.thread[i];

	memory_drain(thread->cpu);
	thread->cpu = cpu;
	thread->thrown_out = thread->in_sequence;
}

void explore_take_for_cpu(unsigned cpu)
{
	self()->stale = 1 + cpu;
	engine_arrive();
}

unsigned explore_cpu(void)
{
	return self()->cpu;
}

static bool can_run(unsigned i)
{
	const struct thread *thread = &engine.thread[i];

	return !thread->done && (!thread->ready || thread->ready(thread->arg));
}

static void run(unsigned i)
{
	struct thread *from = self();

	if (i == engine.current)
		return;
	from->saved_errno = errno;
	engine.nr_stays = 0;
	engine.current = i;
	engine_arrive();
	if (engine.tracing)
		trace_event("thread %u goes on", i);
	coroutine_switch(&from->coroutine, &self()->coroutine);
	errno = self()->saved_errno;
}

/* --- state ---------------------------------------------------------------- */

uint64_t engine_state(void)
{
	uint64_t state = mix(memory_state() + engine.current +
			     (uint64_t)engine.nr_stays * MIX);
	unsigned i;

	for (i = 0; i < engine.nr_threads; i++) {
		const struct thread *thread = &engine.thread[i];
		uint64_t flags = (uint64_t)thread->done |
				 (uint64_t)thread->in_sequence << 1 |
				 (uint64_t)thread->thrown_out << 2 |
				 (uint64_t)(thread->ready != NULL) << 3 |
				 (uint64_t)thread->cpu << 4 |
				 (uint64_t)engine.cpu_last[thread->cpu] << 8 |
				 (uint64_t)i << 12;

		state += mix(thread->history + flags * MIX);
	}
	return state;
}

void engine_call_returned(uint64_t result)
{
	struct thread *thread = self();

	if (!engine.scheduled)
		return;
	memory_settle();
	thread->boundary = mix(thread->boundary ^ result * MIX) + 1;
	thread->history = thread->boundary;
}

uint32_t engine_stamp(void)
{
	return explore_thread() << 24 | ++self()->nr_stamps;
}

/* --- what can happen next ------------------------------------------------- */

static void add(struct menu *menu, unsigned kind, unsigned which, unsigned cost)
{
	if (engine.bound != BOUND_NONE && engine.spent + cost > engine.bound)
		return;
	menu->choice[menu->nr].kind = kind;
	menu->choice[menu->nr].which = (uint8_t)which;
	menu->choice[menu->nr++].cost = (uint8_t)cost;
}

/* Stores that meet what the running thread is about to touch. */
static void add_stores(struct menu *menu, const struct touch *touch)
{
	unsigned cpu;

	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		if (cpu != explore_cpu() && memory_meets(cpu, touch))
			add(menu, FLUSH, cpu, 0);
}

void engine_add_threads(struct menu *menu, unsigned cost)
{
	unsigned i;

	for (i = 0; i < engine.nr_threads; i++)
		if (i != engine.current && can_run(i))
			add(menu, RUN, i, cost);
}

struct choice engine_decide(const struct menu *menu)
{
	struct choice choice = menu->choice[engine.choose(menu)];

	engine.spent += choice.cost;
	return choice;
}

/* Between two accesses of the running thread. */
void engine_point(const struct touch *touch)
{
	bool others = true;

	if (!touch->commits && !engine.all_points && !memory_is_shared(touch))
		return;
	for (;;) {
		struct menu menu = {.nr = 0};
		struct choice choice;

		add(&menu, RUN, engine.current, 0);
		add_stores(&menu, touch);
		if (others)
			engine_add_threads(&menu, 1);
		if (touch->commits && !self()->thrown_out)
			add(&menu, THROW_OUT, engine.current, 1);
		/* Who comes from another thread has been chosen already. */
		if (!others && menu.nr == 1)
			return;
		choice = engine_decide(&menu);
		if (choice.kind == FLUSH) {
			memory_flush(choice.which,
				     memory_meets(choice.which, touch));
			continue;
		}
		if (choice.kind == THROW_OUT)
			self()->thrown_out = true;
		if (choice.kind == THROW_OUT || choice.which == engine.current)
			return;
		run(choice.which);
		engine.step++;
		others = false;
	}
}

/* --- threads that stop by themselves -------------------------------------- */

static bool all_have_ended(void)
{
	unsigned i;

	for (i = 0; i < engine.nr_threads; i++)
		if (!engine.thread[i].done &&
		    !(engine.scenario->daemons >> i & 1))
			return false;
	return true;
}

/* Everything that is still on its way. In which order it arrives matters where
 * stores meet. */
static void drain_all(void)
{
	struct touch touch = {.drains = true};
	unsigned i;

	for (i = 0; i < engine.nr_threads; i++) {
		struct menu menu = {.nr = 0};

		engine.current = i;
		add(&menu, RUN, i, 0);
		add_stores(&menu, &touch);
		while (menu.nr > 1) {
			struct choice choice = engine_decide(&menu);

			if (choice.kind == RUN)
				break;
			memory_flush(choice.which,
				     memory_meets(choice.which, &touch));
			menu.nr = 1;
			add_stores(&menu, &touch);
		}
		memory_drain(explore_cpu());
	}
}

static bool none_can_run(void)
{
	unsigned i;

	for (i = 0; i < engine.nr_threads; i++)
		if (can_run(i))
			return false;
	return true;
}

/* The running thread cannot go on. */
void engine_run_another(void)
{
	struct menu menu = {.nr = 0};
	unsigned me = engine.current;

	memory_settle();
	engine.step++;
	engine.nr_stays = 0;
	if (none_can_run()) {
		drain_all();
		engine.current = me;
	}
	if (none_can_run()) {
		explore_expect(all_have_ended(), "all threads wait");
		engine.current = 0;
		engine_end(engine.was_here(true) ? MERGED : ENDED);
	}
	if (can_run(me))
		add(&menu, RUN, me, 0);
	engine_add_threads(&menu, 0);
	run(engine_decide(&menu).which);
}

void explore_wait(bool (*ready)(const void *), const void *arg)
{
	struct thread *thread = self();

	explore_expect(engine.scheduled || ready(arg),
		       "would wait with nobody to wait for");
	if (!engine.scheduled)
		return;
	thread->history = mix(thread->history + 1);
	thread->ready = ready;
	thread->arg = arg;
	while (!ready(arg))
		engine_run_another();
	thread->ready = NULL;
}

/* Who has looked so often, with nobody else at work, will see nothing new. More
 * than the library does before it sleeps. */
#define STAYS_MAX 5u

void explore_yield(void)
{
	struct menu menu = {.nr = 0};

	if (!engine.scheduled)
		return;
	memory_settle();
	engine.step++;
	self()->history = mix(self()->history + 1);
	engine_add_threads(&menu, 0);
	if (!menu.nr || engine.nr_stays < STAYS_MAX)
		add(&menu, RUN, engine.current, 0);
	engine.nr_stays++;
	run(engine_decide(&menu).which);
	/* Behind it is another state than in it. */
	self()->history = mix(self()->history + 1);
}
