/* SPDX-License-Identifier: MIT */
/*
 * What the explorer's own files share. Scenarios need explore.h alone.
 */
#ifndef TESTS_MODEL_ENGINE_H
#define TESTS_MODEL_ENGINE_H

#include "coroutine.h"
#include "explore.h"

/* --- mixing ---------------------------------------------------------------
 * States are told apart by 61 bits: among the ten million of a long search two
 * meet with a probability of 2 in 100,000.
 */

#define MIX UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* --- threads: engine.c ---------------------------------------------------- */

#define THREAD_AFTER EXPLORE_THREADS /* looks at the world when all ended */
#define THREAD_NONE (EXPLORE_THREADS + 1)

struct thread {
	struct coroutine coroutine;
	uint64_t history;  /* all that it has read, in this call ... */
	uint64_t boundary; /* ... and what calls before have returned */
	unsigned cpu;
	unsigned stale; /* 1 + CPU that it takes for its own, without rseq */
	bool done;
	bool in_sequence, thrown_out;
	uint32_t nr_stamps;
	bool (*ready)(const void *); /* waits for this, if not NULL */
	const void *arg;
	int saved_errno;
};

/* What can happen next. */
struct choice {
	enum { RUN, FLUSH, THROW_OUT } kind;
	uint8_t which; /* thread, or CPU whose store buffer it is */
	uint8_t cost;  /* in preemptions */
};

#define CHOICES_MAX (EXPLORE_THREADS + EXPLORE_CPUS + 1)
struct menu {
	unsigned nr;
	struct choice choice[CHOICES_MAX]; /* the first is what goes on */
};

enum outcome { ENDED, MERGED, REFUSED, FAILED };

#define BOUND_NONE 7u /* and as many preemptions as there are */

struct engine {
	struct coroutine test; /* who called engine_run() */
	const struct scenario *scenario;
	enum explore_model model;
	unsigned nr_threads;
	unsigned current; /* thread */
	struct thread thread[THREAD_NONE + 1];
	unsigned cpu_last[EXPLORE_CPUS]; /* thread that ran there */
	bool running;                    /* threads run, not the test itself */
	bool scheduled;                  /* and more than one of them */
	bool all_points;                 /* stop at others' places too */
	bool peeking;                    /* behind the threads' backs */
	bool tracing;
	unsigned nr_stays;  /* yields since another thread ran */
	unsigned long step; /* moments at which there was a choice */
	unsigned bound, spent;
	enum outcome outcome;
	char message[512];
	/* Returns the number of the choice that is made. */
	unsigned (*choose)(const struct menu *menu);
	/* Was the state met before? At the end no preemptions are left. */
	bool (*was_here)(bool at_end);
};
extern struct engine engine;

/* Run all threads from the world as it is now, and then the checks.
 * execution.c */
enum outcome engine_run(void);

/* Of those that it needs: choose; offer all threads that can run, but for the
 * running one; the running one is on its CPU now; it cannot go on. */
struct choice engine_decide(const struct menu *menu);
void engine_add_threads(struct menu *menu, unsigned cost);
void engine_arrive(void);
void engine_run_another(void);

/* End the execution. Not to be called from the test itself. */
_Noreturn void engine_end(enum outcome outcome);

/* The state of everything that what comes next can depend on. */
uint64_t engine_state(void);

/* A library call of the running thread has returned this: what it has read on
 * the way has no other effect on it. */
void engine_call_returned(uint64_t result);

/* A stamp that no other object has, and that depends on the thread alone. */
uint32_t engine_stamp(void);

/* Places that the running thread is about to touch: one, and, if that drains
 * its CPU's store buffer, those in there. */
struct place;
struct touch {
	const struct place *place;
	bool drains;
	bool commits; /* a restartable sequence */
};

/* Others may run first. */
void engine_point(const struct touch *touch);

/* --- schedules.c ---------------------------------------------------------- */

extern const char *const schedule_model[EXPLORE_MODELS];

/* If the environment names one of the prepared scenario: replay it. */
bool schedule_replay(void);

/* --- memory: memory.c ----------------------------------------------------- */

/* Eight bytes of memory. */
struct place {
	uintptr_t address;
	uint64_t held;            /* bits of a word that threads own */
	unsigned long logged;     /* in this execution */
	uint8_t readers, writers; /* threads, in all executions */
};

struct place *memory_place(const volatile void *address);

/* The running thread is about to touch it. */
void memory_note(struct place *place, bool writes);

/* Does the order of threads' accesses to it matter? */
static inline bool place_is_shared(const struct place *place)
{
	unsigned threads = place->readers | place->writers;

	return place->writers && threads & (threads - 1);
}

/* The threads of a scenario are other threads: forget who touched what. */
void memory_forget_threads(void);

/* Were shared places met that were not known when this was asked before? */
bool memory_has_news(void);

/* The world is to come back as it is now. */
void memory_begin(void);
void memory_restore(void);

/* The place is about to change; a moment later it has. */
void memory_begin_write(struct place *place);
void memory_settle(void);

/* Both, for up to 16 bytes. */
void memory_write(char *at, const void *data, unsigned bytes);

/* What all writes have left, mixed. */
uint64_t memory_contents(void);

/* --- store buffers: stores.c ---------------------------------------------- */

/* Of memory and all store buffers. */
uint64_t memory_state(void);

/* Are any of the places shared? */
bool memory_is_shared(const struct touch *touch);

/* How many stores of the CPU's buffer must go, for the running thread to meet
 * one in the places; 0 if there is none. */
unsigned memory_meets(unsigned cpu, const struct touch *touch);

/* Let the oldest stores of a CPU go to memory; let all. */
void memory_flush(unsigned cpu, unsigned nr);
void memory_drain(unsigned cpu);
void stores_forget(void);

/* Store at most 16 bytes at once: the last step of a restartable sequence. */
void memory_store(void *at, const void *data, unsigned bytes);

/* Exchange at once, and drain the store buffer: the same. */
uint64_t memory_exchange(uint64_t *at, uint64_t value);

/* --- the kernel: kernel.c, sequences.c ------------------------------------ */

void kernel_store_cpu(unsigned cpu);

/* Where who fences meets sequences. */
extern atom32 kernel_fences;

/* Let a sequence of the running thread begin; leave it; come to a store in the
 * middle of it, or to the last one: true if it may be done. */
void sequence_begin(void);
void sequence_leave(void);
bool sequence_goes_on(const void *at);
bool sequence_commit(const void *at);
/* The same with a locked instruction: memory_exchange(). */
bool sequence_commit_locked(const void *at);

/* --- pins.c, signals.c ---------------------------------------------------- */

/* The thread is one that owns no place. */
void pins_begin_thread(unsigned i);

/* In front of an access, outside of executions. */
void signals_point(void);

/* --- copies: copies.c ----------------------------------------------------- */

/* From now on all zeroing goes by us. */
void copies_start(void);

/* Save an object's. */
void copies_save(uintptr_t handle, size_t bytes);

/* Somebody writes there. */
void copies_touch(const char *copy);

/* The library gives pages back. */
void copies_clear_pages(void *start, size_t bytes);

/* --- trace.c -------------------------------------------------------------- */

struct access {
	const volatile void *address;
	unsigned bytes;
	const char *what; /* NULL for none */
	uint64_t before, after;
	const void *caller;
};
void trace_access(const struct access *access);
void trace_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An access whose result is not there yet: told of by memory_settle(). */
extern struct access trace_pending;

/* What lies at an address, for messages. */
const char *trace_name(const volatile void *address);

#endif /* TESTS_MODEL_ENGINE_H */
