// SPDX-License-Identifier: MIT
#include "arena/front.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chunk/topology.h"

struct slots *arena_slots;
atom64 front_limit;

/* More than CPUs: each who stops the front lowers the limit by this. */
#define STOPPED (UINT64_C(1) << 32)

uint64_t front_limit_on;

/* How often the running thread has stopped it. */
static _Thread_local unsigned nr_stopped LIBPCPU_TLS;

static bool membarrier(int command)
{
	return !syscall(SYS_membarrier, command, 0, 0);
}

#if FRONT_SUPPORTED

/*
 * Who stopped it in the parent does not run in the child; but for the thread
 * that forks, if it does so in a signal handler, and it will call front_go().
 */
static void start_in_child(void)
{
	/* relaxed: there is one thread */
	store_relaxed(&front_limit, front_limit_on - nr_stopped * STOPPED);
}

static bool can_start(void)
{
	return libpcpu_cpu_rseq() >= 0 &&
	       membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ) &&
	       !pthread_atfork(NULL, NULL, start_in_child);
}

#else

static bool can_start(void)
{
	return false;
}

#endif

/*
 * A page fault in a NOWAIT allocation would be one system entry too many, and a
 * huge page for a few slots too much memory.
 */
static void place_slots(unsigned nr_cpu_ids)
{
	long nr = sysconf(_SC_NPROCESSORS_CONF);
	unsigned cpu;

	madvise(arena_slots, nr_cpu_ids * sizeof(*arena_slots),
		MADV_NOHUGEPAGE);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		layout_bind(&arena_slots[cpu], sizeof(*arena_slots),
			    topology.cpu_node[cpu]);
		if (cpu < nr) /* relaxed: start */
			store_relaxed(&arena_slots[cpu].slot[1].word, 0);
	}
}

bool front_init(void)
{
	unsigned nr = topology.nr_cpu_ids, class;

	if (arena_slots)
		return true;
	arena_slots = layout_reserve(nr * sizeof(*arena_slots));
	if (!arena_slots)
		return false;
	place_slots(nr);
	for (class = 1; class < NR_CLASSES; class += 1)
		size_classes[class].slot0 = &arena_slots[0].slot[class];
	return true;
}

void front_start(void)
{
	if (front_exists() || !can_start())
		return;
	front_limit_on = topology.nr_cpu_ids;
	/* relaxed: slots are empty, whoever sees it now or later */
	store_relaxed(&front_limit, front_limit_on);
}

bool front_stop(void)
{
	if (!front_exists())
		return true;
	/* Counted for longer than it is stopped: a fork() in between leaves the
	 * child without front, and not with one that cannot be stopped. */
	nr_stopped++;
	/* seq_cst [front]: the fence after it throws out who read it before */
	fetch_add_seq_cst(&front_limit, -STOPPED);
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ))
		return true;
	front_go();
	return false;
}

void front_go(void)
{
	if (!front_exists())
		return;
	/* seq_cst [front]: sequences see the slots as we left them */
	fetch_add_seq_cst(&front_limit, STOPPED);
	nr_stopped--;
}

#ifndef MODEL_CHECK

bool front_exchange(unsigned cpu, const struct size_class *class,
		    word_id expected, uint64_t held, word_id word,
		    uint64_t free)
{
	uint64_t name = front_name(word.nr, front_base(class, word));

	return front_try_exchange(cpu, class, expected, held, free, name);
}

#endif
