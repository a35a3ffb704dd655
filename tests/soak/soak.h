/* SPDX-License-Identifier: MIT */
/*
 * The soak: all that uses the library, at once and for long, while system calls
 * fail at random. Now and then everything stands still; then what the clients
 * hold must be whole, the library's statistics must agree with it, and memory
 * must be what it was before.
 *
 * A client is a row of clients[] (clients.c): a name, a number of threads, and
 * a step that does some operations with the state of its thread. What the state
 * is decides who tallies, checks and frees it: SOAK_SHADOW, a shadow map;
 * SOAK_HELD, stamped objects; or functions of its own.
 */
#ifndef SOAK_H
#define SOAK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "owned.h"
#include "shadow.h"
#include "support.h"

/* --- clients -------------------------------------------------------------- */

struct member {
	const struct client *client;
	void *state;
	unsigned nr;     /* of the thread, unique in the process */
	uint32_t serial; /* of the last stamp */
	struct rng rng;
	_Atomic uint64_t nr_done; /* operations; written by the thread alone */
	pthread_t thread;
};

/* What somebody holds: objects, and bytes of one copy of each. */
struct tally {
	uint64_t nr;
	uint64_t bytes;
};

struct client {
	const char *name;
	unsigned nr_threads;
	void *(*start)(void);
	/* Some operations, a few milliseconds of work; returns how many. */
	unsigned (*step)(struct member *member);
	/* While all stand still, by another thread: */
	void (*tally)(const void *state, struct tally *tally);
	void (*check)(void *state);
	void (*drain)(void *state); /* check and free all */
};

/* Ends with a row without name. */
extern const struct client clients[];

/* Steps of clients that are not about the objects they hold: actors.c. */
unsigned trim_step(struct member *member);
unsigned fork_step(struct member *member);
unsigned threads_step(struct member *member);
unsigned reader_step(struct member *member);

/* A state for clients with a shadow map. */
void *shadow_start(void);
void shadow_tally(const void *state, struct tally *tally);
void shadow_check(void *state);
void shadow_drain(void *state);
#define SOAK_SHADOW shadow_start, shadow_tally, shadow_check, shadow_drain

/* A state for clients with stamped objects. */
#define HELD_MAX 256u
struct held {
	void *object[HELD_MAX];
};
void *held_start(void);
void held_tally(const void *state, struct tally *tally);
void held_check(void *state);
void held_drain(void *state);
#define SOAK_HELD held_start, held_tally, held_check, held_drain

/* A state for the client with object caches; before anything is counted while
 * all stand still. caches.c */
unsigned caches_step(struct member *member);
void *caches_start(void);
void caches_tally(const void *state, struct tally *tally);
void caches_check(void *state);
void caches_drain(void *state);
void caches_settle(void);
#define SOAK_CACHES caches_start, caches_tally, caches_check, caches_drain

#define SOAK_CLIENT(client_name, threads, client_step, state) \
	SOAK_ROW(client_name, threads, client_step, state)
#define SOAK_ROW(n, t, s, begin, count, look, end)                             \
	{                                                                      \
		.name = (n), .nr_threads = (t), .start = (begin), .step = (s), \
		.tally = (count), .check = (look), .drain = (end)              \
	}

/* Free the object in a random place of held, or put a new one there. */
void held_turn(struct held *held, unsigned flags, struct member *member);

/* A stamp that no other thread uses (owned.h), and a size of the kernel's mix.
 */
uint32_t member_stamp(struct member *member);
size_t member_size(struct member *member);

/* Objects without owner: who takes one out owns it. */
#define NR_BOXES 64u
extern _Atomic(void *) boxes[NR_BOXES];
void boxes_tally(struct tally *tally);
void boxes_drain(void);

/* --- the crew (crew.c) ------------------------------------------------------
 */

#define CREW_MAX 64u
#define CLIENTS_MAX 32u
/* Handlers that allocate are not run while all stand still. */
#define SOAK_SIGNAL SIGUSR1

void crew_start(uint64_t seed);
/* All stand still between the two calls. */
void crew_halt(void);
void crew_go(void);
/* All have exited; they hold nothing if they were drained before. */
void crew_stop(void);

/* While all stand still. */
struct tally crew_tally(void);
void crew_check(void);
void crew_drain(void);

/* Operations of a client's threads so far. */
uint64_t crew_done(const struct client *client);

/* --- failing system calls (faults.c)
 * --------------------------------------------
 */

extern atomic_bool faults_on;
/* By name, NULL at the end; the counts are those of the children too. */
struct fault {
	const char *name;
	_Atomic uint64_t nr_calls, nr_failed;
};
extern struct fault *faults;

void faults_init(void);

/* pthread_create() that does not fail on purpose. */
int soak_thread(pthread_t *thread, void *(*run)(void *), void *arg);

/* --- what was seen (report.c)
 * -------------------------------------------------
 */

#define SAMPLES_MAX 1024u

struct sample {
	double seconds;  /* since the start */
	double worked;   /* of these not at a standstill */
	size_t rss;      /* with all that clients hold */
	size_t empty;    /* anonymous memory with nothing live, or 0 */
	uint64_t chunks; /* linked, with all that clients hold */
	size_t unit_bytes, live_bytes;
	uint64_t done[CLIENTS_MAX]; /* by client, so far */
};

struct record {
	uint64_t seed;
	unsigned nr; /* samples */
	struct sample sample[SAMPLES_MAX];
};

void report_progress(const struct record *record);

/* Table, JSON and picture. Returns false if memory grew or work collapsed. */
bool report(const struct record *record, const char *folder);

#endif /* SOAK_H */
