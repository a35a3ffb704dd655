/* SPDX-License-Identifier: MIT */
/*
 * A program in bytes: the fuzzers' inputs, and how to add operations.
 *
 * An input is a row of operations, each a byte that names it and the bytes that
 * it takes for operands; behind the input's end all bytes are 0. A byte that
 * names nothing is skipped. All is checked against the shadow map (shadow.h),
 * wrong frees by the message they die with (catch.c), the bookkeeping against
 * its invariants (tests/model/invariants.c). Every input starts and ends with
 * no live object and all memory given back, so each can be repeated alone.
 *
 * To add operations, write a file ops_<part>.c beside the others:
 *
 *	static void frob(struct fuzz *fuzz)
 *	{
 *		frob_it(take_byte(fuzz));
 *	}
 *
 *	static const struct fuzz_op ops[] = {
 *		{"frob", 0xe0, 4, frob},
 *	};
 *	FUZZ_OPS(ops)
 *
 * "frob" then answers to the bytes 0xe0 to 0xe3: the more, the more often it is
 * met by chance. Pick bytes that nobody has, and keep them, or the corpus
 * changes its meaning. What lives from operation to operation must not outlive
 * the input: see FUZZ_AT_END().
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <pcpu.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shadow.h"

#define FUZZ_LIVE_MAX 512u                    /* objects */
#define FUZZ_LIVE_BYTES_MAX ((size_t)4 << 20) /* of them, over all CPUs */

/* What one input may cost, in bytes written and read. */
#define FUZZ_TOUCHED_MAX ((uint64_t)96 << 20)

#define FUZZ_FREED_MAX 16u

struct fuzz {
	const uint8_t *data; /* what is left of the input */
	size_t left;
	struct shadow *shadow;
	bool failing;  /* a system call may fail */
	bool may_keep; /* memory that it would else give back */
	bool is_child; /* of fork() */
	unsigned nr_forks;
	unsigned nr_threads;
	unsigned cpu; /* where we were told to run */
	/* handles freed of late, which may be in use again */
	char *freed[FUZZ_FREED_MAX];
	unsigned nr_freed;
};

/* --- operands ------------------------------------------------------------- */

static inline unsigned take_byte(struct fuzz *fuzz)
{
	if (fuzz->left == 0)
		return 0;
	fuzz->left--;
	return *fuzz->data++;
}

static inline unsigned take_two(struct fuzz *fuzz)
{
	unsigned low = take_byte(fuzz);

	return low | take_byte(fuzz) << 8;
}

static inline uint64_t take_eight(struct fuzz *fuzz)
{
	uint64_t value = 0;
	unsigned i;

	for (i = 0; i < 8; i++)
		value |= (uint64_t)take_byte(fuzz) << 8 * i;
	return value;
}

/* A live object, by two bytes; NULL if there is none. */
static inline struct shadow_object *take_object(struct fuzz *fuzz)
{
	unsigned which = take_two(fuzz);

	if (fuzz->shadow->nr == 0)
		return NULL;
	return &fuzz->shadow->objects[which % fuzz->shadow->nr];
}

/* Its index in the shadow map. */
static inline size_t fuzz_index(const struct fuzz *fuzz,
				const struct shadow_object *object)
{
	return (size_t)(object - fuzz->shadow->objects);
}

/* A possible CPU. */
unsigned take_cpu(struct fuzz *fuzz);

/* --- operations ----------------------------------------------------------- */

struct fuzz_op {
	const char *name;
	uint8_t first; /* byte */
	uint8_t nr;    /* bytes */
	void (*run)(struct fuzz *fuzz);
};

void fuzz_add_ops(const struct fuzz_op *ops, unsigned nr);

#define FUZZ_OPS(table)                                                  \
	__attribute__((constructor)) static void add_##table(void)       \
	{                                                                \
		fuzz_add_ops(table, sizeof(table) / sizeof((table)[0])); \
	}

/* Called at each input's end, before the last check: free what is left. */
void fuzz_add_end(void (*end)(struct fuzz *fuzz));

#define FUZZ_AT_END(function)                                             \
	__attribute__((constructor)) static void add_end_##function(void) \
	{                                                                 \
		fuzz_add_end(function);                                   \
	}

/* Run the next operation; false at the input's end, or when it has cost
 * enough. */
bool fuzz_step(struct fuzz *fuzz);

/* Free what is left, and see that nothing is. */
void fuzz_end(struct fuzz *fuzz);

/* Run a whole input. */
void fuzz_run(const uint8_t *data, size_t size);

/* --- what operations share ------------------------------------------------ */

/* An object's pages may be new to all CPUs. */
void fuzz_charge(struct fuzz *fuzz);

/* Has the shadow map room for one more of that size? */
bool fuzz_has_room(const struct fuzz *fuzz, size_t size);

/* Allocate, if there is room; a refusal must have its reason. */
void fuzz_alloc(struct fuzz *fuzz, size_t size, size_t align, unsigned flags);

/* An allocation was refused: may it be? nr objects were asked for. */
void fuzz_refused(const struct fuzz *fuzz, size_t size, size_t align,
		  unsigned flags, size_t nr);

/* Free a live object, in the manner of pcpu_free() or another. */
void fuzz_free(struct fuzz *fuzz, size_t index, void (*how)(void *));

/*
 * Run a function in another thread, to its end or beside us. False if this
 * input has had enough of them, or the system refuses. ops_system.c
 */
bool fuzz_in_thread(struct fuzz *fuzz, void *(*run)(void *), void *arg);
bool fuzz_begin_thread(struct fuzz *fuzz, pthread_t *thread,
		       void *(*run)(void *), void *arg);
void fuzz_end_thread(struct fuzz *fuzz, pthread_t thread);

/* True in a child, which must leave by _exit(0); false in the parent when it
 * has, or if this input has had enough of them. ops_system.c */
bool fuzz_fork(struct fuzz *fuzz);

/* All is as it must be; what operations check now and then. check.c */
void fuzz_check(struct fuzz *fuzz);

/* With nothing live: give all memory back, see that nothing is left. */
void fuzz_check_end(struct fuzz *fuzz);

/* Is there no room for an object, in truth? check.c */
bool fuzz_is_exhausted(size_t size, size_t align);

/* Does the bookkeeping have the object as free? check.c */
bool fuzz_is_free(const void *handle);

/* --- wrong calls ---------------------------------------------------------- */

/* What the library wrote to standard error since fuzz_listen(). catch.c */
extern char fuzz_heard[512];
void fuzz_listen(void);
void fuzz_unlisten(void);

/* Call it, listening. Does it abort, with all that it said heard? */
bool fuzz_aborts(void (*call)(void *), void *arg);

/* One line was heard that has the text. */
void fuzz_expect_heard(const char *text);

/* --- the machine ---------------------------------------------------------- */

struct fuzz_machine {
	const char *name;
	unsigned cpus, nodes; /* simulated; 0 for the real number */
	unsigned chunks;      /* of an arena */
	bool no_rseq;         /* we are on whatever CPU we say */
	bool worker;          /* there is one */
	bool drops;           /* madvise() is the real one */
	const char *fail;     /* PCPU_TEST_FAIL at the start */
	const char *file;     /* PCPU_TEST_FILE */
	const char *limit;    /* PCPU_TEST_LIMIT */
	const char *debug;    /* PCPU_DEBUG */
	const char *context;  /* PCPU_CONTEXT */
	bool pages;           /* PCPU_STATIC_PAGES */
	bool huge;            /* PCPU_HUGEPAGES */
	unsigned share;       /* runs one of so many inputs of the corpus; 0
			       * for all */
};
extern const struct fuzz_machine fuzz_machines[];
extern const unsigned fuzz_nr_machines;

/* The one that runs. */
extern const struct fuzz_machine *fuzz_machine;

/*
 * First thing in main(): make it FUZZ_MACHINE's, or that of the given name, by
 * running the program again.
 */
void fuzz_start(char **argv, const char *name);

/* Go to the CPU, or one like it. */
void fuzz_go(struct fuzz *fuzz, unsigned cpu);

#endif /* TESTS_FUZZ_FUZZ_H */
