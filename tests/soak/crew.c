// SPDX-License-Identifier: MIT
/*
 * The threads of all clients: started, moved from CPU to CPU, halted.
 */
#include "soak.h"

#include <sched.h>

static struct member members[CREW_MAX];
static unsigned nr_members;

/* --- the gate: all pass it between two steps --------------------------------
 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned nr_still;
static atomic_bool halt, stop;

static void stand_still(void)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SOAK_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	pthread_mutex_lock(&lock);
	nr_still++;
	pthread_cond_broadcast(&changed);
	while (halt)
		pthread_cond_wait(&changed, &lock);
	nr_still--;
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void crew_halt(void)
{
	pthread_mutex_lock(&lock);
	halt = true;
	while (nr_still < nr_members)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

void crew_go(void)
{
	pthread_mutex_lock(&lock);
	halt = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* --- members
 * ------------------------------------------------------------------
 */

static cpu_set_t all_cpus;

/* To one CPU, or wherever it likes. */
static void migrate(struct member *member)
{
	size_t nr = rng_below(&member->rng, 2 * (size_t)CPU_COUNT(&all_cpus));
	cpu_set_t one;
	size_t cpu;

	CPU_ZERO(&one);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all_cpus) && nr-- == 0)
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), CPU_COUNT(&one) ? &one : &all_cpus);
}

static void *run_member(void *arg)
{
	struct member *member = (struct member *)arg;

	while (!stop) {
		if (halt)
			stand_still();
		if (rng_below(&member->rng, 16) == 0)
			migrate(member);
		atomic_fetch_add_explicit(&member->nr_done,
					  member->client->step(member),
					  memory_order_relaxed);
	}
	return NULL;
}

static void add_member(const struct client *client, uint64_t seed)
{
	struct member *member = &members[nr_members];

	require(nr_members < CREW_MAX, "more than %u threads", CREW_MAX);
	member->client = client;
	member->nr = nr_members++;
	member->rng.state = seed + member->nr;
	member->state = client->start();
}

void crew_start(uint64_t seed)
{
	const struct client *client;
	unsigned i;

	sched_getaffinity(0, sizeof(all_cpus), &all_cpus);
	for (client = clients; client->name; client++)
		for (i = 0; i < client->nr_threads; i++)
			add_member(client, seed);
	for (i = 0; i < nr_members; i++)
		require(!soak_thread(&members[i].thread, run_member,
				     &members[i]),
			"thread %u", i);
}

void crew_stop(void)
{
	unsigned i;

	stop = true;
	crew_go();
	for (i = 0; i < nr_members; i++)
		pthread_join(members[i].thread, NULL);
}

/* --- what they hold ---------------------------------------------------------
 */

struct tally crew_tally(void)
{
	struct tally tally = {0, 0};
	unsigned i;

	for (i = 0; i < nr_members; i++)
		members[i].client->tally(members[i].state, &tally);
	boxes_tally(&tally);
	return tally;
}

void crew_check(void)
{
	unsigned i;

	for (i = 0; i < nr_members; i++)
		members[i].client->check(members[i].state);
}

void crew_drain(void)
{
	unsigned i;

	for (i = 0; i < nr_members; i++)
		members[i].client->drain(members[i].state);
	boxes_drain();
}

uint64_t crew_done(const struct client *client)
{
	uint64_t nr = 0;
	unsigned i;

	for (i = 0; i < nr_members; i++)
		if (members[i].client == client)
			nr += members[i].nr_done;
	return nr;
}
