// SPDX-License-Identifier: MIT
/*
 * Grace periods, played: of readers of the scenarios, and the library's own.
 */
#include "engine.h"

/* Odd while the thread is in a section. */
static atom32 sections[EXPLORE_THREADS];
static atom32 nr_graces;

void explore_read_lock(void)
{
	fetch_add_seq_cst(&sections[explore_thread()], 1);
}

void explore_read_unlock(void)
{
	fetch_add_seq_cst(&sections[explore_thread()], 1);
}

/* The library's own. Where it is alone there is nobody to hold up. */
void __wrap_urcu_bp_read_lock(void);
void __wrap_urcu_bp_read_lock(void)
{
	if (explore_thread() < EXPLORE_THREADS)
		explore_read_lock();
}

void __wrap_urcu_bp_read_unlock(void);
void __wrap_urcu_bp_read_unlock(void)
{
	if (explore_thread() < EXPLORE_THREADS)
		explore_read_unlock();
}

unsigned explore_nr_graces(void)
{
	return load_relaxed(&nr_graces);
}

struct reader {
	unsigned thread;
	uint32_t section;
};

static bool has_left(const void *arg)
{
	const struct reader *reader = arg;

	return sections[reader->thread].v != reader->section;
}

void __wrap_urcu_bp_synchronize_rcu(void);
void __wrap_urcu_bp_synchronize_rcu(void)
{
	struct reader reader;

	for (reader.thread = 0; reader.thread < EXPLORE_THREADS;
	     reader.thread++) {
		reader.section = load_seq_cst(&sections[reader.thread]);
		if (reader.section % 2)
			explore_wait(has_left, &reader);
	}
	fetch_add_relaxed(&nr_graces, 1);
}
