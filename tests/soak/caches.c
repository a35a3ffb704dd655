// SPDX-License-Identifier: MIT
/*
 * A client with object caches that its threads share: descriptors with a
 * counter tied to them, and per-CPU objects. They are made when the first of
 * them is needed and destroyed when the last was freed, so memory with nothing
 * live has none of them.
 */
#include <pcpu/cache.h>

#include "object/cache.h"
#include "soak.h"

#define MADE UINT64_C(0x50a4ed)

struct process {
	uint64_t made, owner;
	int64_t *count; /* a handle */
};

struct cache_state {
	bool first; /* of the threads: it tallies what they share */
	struct process *process[HELD_MAX];
	uint64_t *copies[HELD_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pcpu_cache *_Atomic processes, *_Atomic copies;

/* Freed by who takes it out. */
static _Atomic(struct process *) passed[NR_BOXES];

/* --- objects -------------------------------------------------------------- */

static int make_process(void *object)
{
	struct process *process = (struct process *)object;

	process->count = pcpu_alloc(sizeof(*process->count), 8);
	if (!process->count)
		return ENOMEM;
	process->made = MADE;
	return 0;
}

static void destroy_process(void *object)
{
	struct process *process = (struct process *)object;

	require(process->made == MADE && !process->owner, "%p: %#llx, %#llx",
		object, (unsigned long long)process->made,
		(unsigned long long)process->owner);
	process->made = 0;
	pcpu_free(process->count);
}

static int make_copies(void *object)
{
	uint64_t *handle = (uint64_t *)object;
	int cpu;

	pcpu_for_each_cpu (cpu)
		*pcpu_ptr(handle, cpu) = MADE;
	return 0;
}

static void expect_copies(void *object)
{
	uint64_t *handle = (uint64_t *)object;
	int cpu;

	pcpu_for_each_cpu (cpu)
		require(*pcpu_ptr(handle, cpu) == MADE, "%p on CPU %d: %#llx",
			object, cpu,
			(unsigned long long)*pcpu_ptr(handle, cpu));
}

/* --- the caches ----------------------------------------------------------- */

void *caches_start(void)
{
	static bool any;
	struct cache_state *state =
		(struct cache_state *)calloc(1, sizeof(*state));

	require(state, "calloc");
	state->first = !any;
	any = true;
	return state;
}

static void make_caches(void)
{
	pthread_mutex_lock(&lock);
	if (!copies)
		copies = pcpu_cache_create("copies", 8, 8, make_copies,
					   expect_copies, PCPU_CACHE_PERCPU);
	if (!processes)
		processes =
			pcpu_cache_create("processes", sizeof(struct process),
					  8, make_process, destroy_process, 0);
	require(copies && processes, "errno %d", errno);
	pthread_mutex_unlock(&lock);
}

static void destroy_cache(struct pcpu_cache *_Atomic *cache)
{
	if (*cache)
		require(pcpu_cache_destroy(*cache) == 0, "errno %d", errno);
	*cache = NULL;
}

/* Idle objects would go by themselves, while they are counted. */
void caches_settle(void)
{
	if (copies)
		pcpu_cache_shrink(copies);
	if (processes)
		pcpu_cache_shrink(processes);
}

static void tally_cache(struct pcpu_cache *cache, struct tally *tally)
{
	struct pcpu_cache_info stats;

	if (!cache)
		return;
	require(!pcpu_cache_stats(cache, &stats), "errno %d", errno);
	tally->nr += 1 + stats.nr_objects;
	tally->bytes += 8 * stats.nr_objects +
			pcpu_usable_size(cache_of(cache)->depots);
}

void caches_tally(const void *state, struct tally *tally)
{
	if (!((const struct cache_state *)state)->first)
		return;
	tally_cache(copies, tally);
	tally_cache(processes, tally);
}

/* --- steps ---------------------------------------------------------------- */

static void free_process(struct process *process)
{
	require(process->made == MADE && process->owner == (uintptr_t)process,
		"%p is not its owner's", (void *)process);
	process->owner = 0;
	pcpu_cache_free(processes, process);
}

static void turn_process(struct process **at)
{
	if (*at) {
		free_process(*at);
		*at = NULL;
		return;
	}
	*at = (struct process *)pcpu_cache_alloc(processes);
	require(*at && (*at)->made == MADE && !(*at)->owner,
		"not as it was made");
	(*at)->owner = (uintptr_t)*at;
}

static void turn_copies(uint64_t **at)
{
	if (*at) {
		*pcpu_ptr(*at, 0) = MADE;
		pcpu_cache_free(copies, *at);
		*at = NULL;
		return;
	}
	*at = (uint64_t *)pcpu_cache_alloc(copies);
	require(*at, "errno %d", errno);
	expect_copies(*at);
	*pcpu_ptr(*at, 0) = (uintptr_t)*at;
}

static void pass(struct member *member)
{
	struct process *mine = NULL, *theirs;

	turn_process(&mine);
	theirs = atomic_exchange(&passed[rng_below(&member->rng, NR_BOXES)],
				 mine);
	if (theirs)
		free_process(theirs);
}

unsigned caches_step(struct member *member)
{
	struct cache_state *state = (struct cache_state *)member->state;
	unsigned i;

	if (!copies || !processes)
		make_caches();
	for (i = 0; i < 200; i++) {
		turn_process(
			&state->process[rng_below(&member->rng, HELD_MAX)]);
		turn_copies(&state->copies[rng_below(&member->rng, HELD_MAX)]);
		if (rng_below(&member->rng, 8) == 0)
			pass(member);
	}
	if (rng_below(&member->rng, 64) == 0)
		pcpu_cache_shrink(rng_below(&member->rng, 2) ? copies
							     : processes);
	return 2 * i;
}

void caches_check(void *state)
{
	struct cache_state *held = (struct cache_state *)state;
	unsigned i;

	for (i = 0; i < HELD_MAX; i++) {
		const struct process *process = held->process[i];

		require(!process || (process->made == MADE &&
				     process->owner == (uintptr_t)process),
			"%p has changed", (const void *)process);
		require(!held->copies[i] || *pcpu_ptr(held->copies[i], 0) ==
						    (uintptr_t)held->copies[i],
			"%p has changed", (void *)held->copies[i]);
	}
}

/* Of the threads, the last one's finds nothing live, and destroys the caches.
 */
void caches_drain(void *state)
{
	struct cache_state *held = (struct cache_state *)state;
	unsigned i;

	for (i = 0; i < HELD_MAX; i++) {
		if (held->process[i])
			turn_process(&held->process[i]);
		if (held->copies[i])
			turn_copies(&held->copies[i]);
	}
	for (i = 0; i < NR_BOXES; i++) {
		struct process *process = atomic_exchange(&passed[i], NULL);

		if (process)
			free_process(process);
	}
	if (copies && !pcpu_cache_live(copies, 0, NULL))
		destroy_cache(&copies);
	if (processes && !pcpu_cache_live(processes, 0, NULL))
		destroy_cache(&processes);
}
