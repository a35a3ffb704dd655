// SPDX-License-Identifier: MIT
/*
 * Clients that are about what else happens in a process: trims, forks, threads
 * that come and go, readers.
 */
#include "soak.h"

#include <time.h>
#include <urcu/urcu-bp.h>

static void sleep_us(long us)
{
	struct timespec time = {0, us * 1000};

	nanosleep(&time, NULL);
}

unsigned trim_step(struct member *member)
{
	pcpu_trim();
	sleep_us((long)rng_below(&member->rng, 20000));
	return 1;
}

/* --- threads
 * ------------------------------------------------------------------
 */

/* Leaves its objects to who waits for it. */
static void *short_life(void *arg)
{
	struct member *member = (struct member *)arg;
	unsigned i;

	for (i = 0; i < HELD_MAX; i++)
		held_turn((struct held *)member->state, 0, member);
	return NULL;
}

unsigned threads_step(struct member *member)
{
	pthread_t thread;

	require(!soak_thread(&thread, short_life, member), "errno %d", errno);
	pthread_join(thread, NULL);
	return 1;
}

/* --- forks
 * --------------------------------------------------------------------
 */

/* What the child does to the objects, the parent does not see. */
static void live_in_child(struct member *member)
{
	struct held *held = (struct held *)member->state;
	struct pcpu_stats stats;
	unsigned i;

	alarm(60);
	held_check(held);
	for (i = 0; i < 2 * HELD_MAX; i++)
		held_turn(held, i % 4 ? 0 : PCPU_NOWAIT, member);
	if (rng_below(&member->rng, 2))
		pcpu_trim();
	for (i = 0; i < HELD_MAX; i++)
		held_turn(held, 0, member);
	held_check(held);
	require(!pcpu_stats_get(&stats), "errno %d", errno);
	_exit(0);
}

unsigned fork_step(struct member *member)
{
	int status;
	pid_t pid;

	held_turn((struct held *)member->state, 0, member);
	fflush(NULL);
	pid = fork();
	if (!pid)
		live_in_child(member);
	require(pid > 0, "errno %d", errno);
	while (waitpid(pid, &status, 0) < 0)
		require(errno == EINTR, "errno %d", errno);
	require(WIFEXITED(status) && !WEXITSTATUS(status),
		"a child of fork() ended with status %#x", (unsigned)status);
	rng_next(&member->rng); /* as another child */
	sleep_us(2000);
	return 1;
}

/* --- readers
 * ------------------------------------------------------------------
 */

/*
 * An object in a box may be freed any time; its memory stays for as long as we
 * are in the section. TSan would rightly say that we race for its contents.
 */
static void read_boxes(struct member *member)
{
	void *p = atomic_load(&boxes[rng_below(&member->rng, NR_BOXES)]);
	int cpu;

	if (p && !SUPPORT_TSAN)
		pcpu_for_each_cpu (cpu)
			(void)*(volatile uint32_t *)owned_words(p, cpu);
}

/* Most stay for as long as a request takes, some for long. */
unsigned reader_step(struct member *member)
{
	unsigned nr = rng_below(&member->rng, 64) ? 5 : 200, i;

	urcu_bp_read_lock();
	for (i = 0; i < nr; i++) {
		read_boxes(member);
		sleep_us((long)rng_below(&member->rng, 2000));
	}
	urcu_bp_read_unlock();
	return nr;
}
