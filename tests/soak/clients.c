// SPDX-License-Identifier: MIT
/*
 * The clients and their states. To add one: a step, and a row in clients[].
 */
#include "soak.h"

#include <linux/percpu.h>
#include <string.h>
#include <time.h>

/* --- objects ---------------------------------------------------------------
 */

uint32_t member_stamp(struct member *member)
{
	member->serial = (member->serial + 1) & 0xffffff;
	return (member->nr % 127 + 1) << 24 | member->serial;
}

/* Per mille, as kernels ask: mostly counters. */
size_t member_size(struct member *member)
{
	static const struct {
		unsigned short share, size;
	} mix[] = {
		{450, 8},  {150, 4},  {100, 16}, {60, 24},  {80, 32},
		{30, 40},  {60, 64},  {30, 128}, {20, 256}, {10, 512},
		{6, 1024}, {2, 2048}, {2, 4096},
	};
	size_t at = rng_below(&member->rng, 1000);
	unsigned i = 0;

	while (at >= mix[i].share)
		at -= mix[i++].share;
	return mix[i].size;
}

/* --- states ----------------------------------------------------------------
 */

/* All of it is touched now, so that it does not look like a leak later. */
void *shadow_start(void)
{
	struct shadow *shadow = shadow_create();

	memset(shadow->objects, 0, sizeof(shadow->objects));
	return shadow;
}

void shadow_tally(const void *state, struct tally *tally)
{
	const struct shadow *shadow = (const struct shadow *)state;

	tally->nr += shadow->nr;
	tally->bytes += shadow->bytes;
}

void shadow_check(void *state)
{
	shadow_check_all((struct shadow *)state);
}

void shadow_drain(void *state)
{
	struct shadow *shadow = (struct shadow *)state;
	struct rng rng = {.state = shadow->serial};

	shadow_free_all(shadow, &rng);
}

static void tally_object(void *object, struct tally *tally)
{
	if (!object)
		return;
	tally->nr++;
	tally->bytes += pcpu_usable_size(object);
}

void *held_start(void)
{
	struct held *held = (struct held *)malloc(sizeof(*held));

	require(held, "malloc");
	return memset(held, 0, sizeof(*held));
}

void held_tally(const void *state, struct tally *tally)
{
	const struct held *held = (const struct held *)state;
	unsigned i;

	for (i = 0; i < HELD_MAX; i++)
		tally_object(held->object[i], tally);
}

void held_check(void *state)
{
	struct held *held = (struct held *)state;
	unsigned i;

	for (i = 0; i < HELD_MAX; i++)
		if (held->object[i])
			owned_check(held->object[i]);
}

void held_drain(void *state)
{
	struct held *held = (struct held *)state;
	unsigned i;

	for (i = 0; i < HELD_MAX; i++) {
		if (held->object[i])
			owned_free(held->object[i]);
		held->object[i] = NULL;
	}
}

void held_turn(struct held *held, unsigned flags, struct member *member)
{
	void **place = &held->object[rng_below(&member->rng, HELD_MAX)];

	if (*place) {
		owned_free(*place);
		*place = NULL;
	} else {
		*place = owned_alloc(member_size(member), flags,
				     member_stamp(member));
	}
}

/* --- random replace, one at a time and in bulk ------------------------------
 */

#define LIVE 1500u
#define LIVE_BULK 2000u

static size_t random_align(struct member *member, size_t size)
{
	if (size >= 64 && rng_below(&member->rng, 2))
		return 64;
	return rng_below(&member->rng, 64)
		       ? 4
		       : (size_t)1 << rng_below(&member->rng, 13);
}

static unsigned objects_step(struct member *member)
{
	struct shadow *shadow = (struct shadow *)member->state;
	unsigned i, nr = 0;

	for (i = 0; i < 200; i++) {
		size_t size = member_size(member);

		while (shadow->nr >= LIVE)
			shadow_free(shadow, rng_below(&member->rng, LIVE));
		nr += shadow_alloc(shadow, size, random_align(member, size),
				   rng_below(&member->rng, 4) ? 0
							      : PCPU_NOWAIT);
	}
	return nr;
}

static unsigned bulk_step(struct member *member)
{
	struct shadow *shadow = (struct shadow *)member->state;
	size_t nr = rng_below(&member->rng, SHADOW_BULK_MAX);
	size_t size = member_size(member);

	while (shadow->nr + nr > LIVE_BULK)
		shadow_free_bulk(shadow, rng_below(&member->rng, LIVE_BULK),
				 rng_below(&member->rng, 8), SHADOW_BULK_MAX);
	if (!shadow_alloc_bulk(shadow, size, random_align(member, size),
			       rng_below(&member->rng, 4) ? 0 : PCPU_NOWAIT,
			       nr))
		return 0;
	return (unsigned)nr;
}

/* Chunks come and go: many large objects at once, then none. */
static unsigned waves_step(struct member *member)
{
	struct shadow *shadow = (struct shadow *)member->state;
	size_t nr = 1 + rng_below(&member->rng, 200), i, done = 0;

	for (i = 0; i < nr; i++)
		done += shadow_alloc(
			shadow,
			1 + rng_below(&member->rng,
				      i % 8 ? 4096 : PCPU_SIZE_MAX),
			random_align(member, 64), 0);
	shadow_free_all(shadow, &member->rng);
	return (unsigned)done;
}

/* --- freed by who did not allocate ------------------------------------------
 */

_Atomic(void *) boxes[NR_BOXES];

void boxes_tally(struct tally *tally)
{
	unsigned i;

	for (i = 0; i < NR_BOXES; i++)
		tally_object(boxes[i], tally);
}

void boxes_drain(void)
{
	unsigned i;

	for (i = 0; i < NR_BOXES; i++) {
		void *p = atomic_exchange(&boxes[i], NULL);

		if (p)
			owned_free(p);
	}
}

static unsigned handoff_step(struct member *member)
{
	unsigned i;

	for (i = 0; i < 200; i++) {
		_Atomic(void *) *box =
			&boxes[rng_below(&member->rng, NR_BOXES)];
		void *mine = owned_alloc(member_size(member), 0,
					 member_stamp(member));
		void *theirs = atomic_exchange(box, mine);

		if (theirs)
			owned_free(theirs);
	}
	return i;
}

/* --- in a signal handler -----------------------------------------------------
 */

struct signalled {
	struct held held, in_handler;
	struct member handler; /* random numbers and stamps of the handler */
	timer_t timer;
	bool runs;
};

static _Thread_local struct signalled *signalled;

static void *signals_start(void)
{
	struct signalled *state = (struct signalled *)malloc(sizeof(*state));

	require(state, "malloc");
	memset(state, 0, sizeof(*state));
	state->handler.nr = 126; /* above all members */
	return state;
}

static void signals_tally(const void *state, struct tally *tally)
{
	const struct signalled *both = (const struct signalled *)state;

	held_tally(&both->held, tally);
	held_tally(&both->in_handler, tally);
}

static void signals_check(void *state)
{
	struct signalled *both = (struct signalled *)state;

	held_check(&both->held);
	held_check(&both->in_handler);
}

static void signals_drain(void *state)
{
	struct signalled *both = (struct signalled *)state;

	held_drain(&both->held);
	held_drain(&both->in_handler);
}
#define SOAK_SIGNALS signals_start, signals_tally, signals_check, signals_drain

static void handle(int sig)
{
	int saved = errno;

	(void)sig;
	if (signalled)
		held_turn(&signalled->in_handler, PCPU_NOWAIT,
			  &signalled->handler);
	errno = saved;
}

/* At 1 kHz, to this thread. */
static void start_timer(struct signalled *state)
{
	struct sigaction action = {.sa_handler = handle,
				   .sa_flags = SA_RESTART};
	struct itimerspec every = {{0, 1000000}, {0, 1000000}};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = SOAK_SIGNAL};

	event._sigev_un._tid = gettid();
	sigaction(SOAK_SIGNAL, &action, NULL);
	signalled = state;
	require(!timer_create(CLOCK_MONOTONIC, &event, &state->timer) &&
			!timer_settime(state->timer, 0, &every, NULL),
		"errno %d", errno);
	state->runs = true;
}

static unsigned signals_step(struct member *member)
{
	struct signalled *state = (struct signalled *)member->state;
	unsigned i;

	if (!state->runs)
		start_timer(state);
	for (i = 0; i < 500; i++)
		held_turn(&state->held, 0, member);
	return i;
}

/* --- the kernel's interface --------------------------------------------------
 */

static unsigned linux_step(struct member *member)
{
	struct held *held = (struct held *)member->state;
	unsigned i;

	for (i = 0; i < 200; i++) {
		void **place = &held->object[rng_below(&member->rng, HELD_MAX)];
		size_t size = member_size(member);

		if (*place) {
			owned_check(*place);
			free_percpu(*place);
		}
		*place = __alloc_percpu_gfp(
			size, 8,
			rng_below(&member->rng, 4) ? GFP_KERNEL : GFP_NOWAIT);
		if (*place)
			owned_stamp(*place, pcpu_usable_size(*place),
				    member_stamp(member));
	}
	return i;
}

/* --- all ---------------------------------------------------------------------
 */

const struct client clients[] = {
	SOAK_CLIENT("objects", 2, objects_step, SOAK_SHADOW),
	SOAK_CLIENT("bulk", 1, bulk_step, SOAK_SHADOW),
	SOAK_CLIENT("waves", 1, waves_step, SOAK_SHADOW),
	SOAK_CLIENT("handoff", 2, handoff_step, SOAK_HELD),
	SOAK_CLIENT("signals", 1, signals_step, SOAK_SIGNALS),
	SOAK_CLIENT("linux", 1, linux_step, SOAK_HELD),
	SOAK_CLIENT("caches", 2, caches_step, SOAK_CACHES),
	SOAK_CLIENT("threads", 1, threads_step, SOAK_HELD),
	SOAK_CLIENT("forks", 1, fork_step, SOAK_HELD),
	SOAK_CLIENT("readers", 2, reader_step, SOAK_HELD),
	SOAK_CLIENT("trims", 1, trim_step, SOAK_HELD),
	{.name = NULL},
};
