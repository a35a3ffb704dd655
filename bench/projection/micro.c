// SPDX-License-Identifier: MIT
/*
 * Two threads, each on a core of its own. Every figure is the median of many
 * short batches, so that neighbours who take the core away do no harm.
 */
#include "micro.h"

#include "bench/clock.h"
#include "bench/crew.h"
#include "bench/stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum {
	BATCHES = 63,
	LOCAL_OPS = 20000, /* of a batch */
	PASSES = 1000,
	ZERO_ROUNDS = 50,
	COPIES = 64,
	STRIDE = 4096 + 64, /* as in the skewed window */
	LINE = 64,
};

_Static_assert((int)BATCHES <= (int)MAX_REPEATS, "stats.h keeps that many");

struct bench_lines {
	_Alignas(LINE) atomic_uint ball;
	_Alignas(LINE) atomic_uint turn;
	_Alignas(LINE) atomic_ulong word;
	_Alignas(LINE) pthread_mutex_t mutex;
	_Alignas(LINE) char copies[COPIES * STRIDE];
};

static struct bench_lines shared = {
	.mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP,
};

static double per_op(uint64_t begin_ns, unsigned ops)
{
	return (double)(clock_ns() - begin_ns) / ops;
}

static double batch_of_rmws(void)
{
	uint64_t begin = clock_ns();
	unsigned i;

	for (i = 0; i < LOCAL_OPS; i++)
		/* seq_cst: as the library's dearest ones */
		atomic_fetch_add_explicit(&shared.word, 1,
					  memory_order_seq_cst);
	return per_op(begin, LOCAL_OPS);
}

static double batch_of_locks(void)
{
	uint64_t begin = clock_ns();
	unsigned i;

	for (i = 0; i < LOCAL_OPS; i++) {
		pthread_mutex_lock(&shared.mutex);
		pthread_mutex_unlock(&shared.mutex);
	}
	return per_op(begin, LOCAL_OPS);
}

/* Wait until it is our turn. No yielding: the way to the line is what counts.
 */
static void await(atomic_uint *flag, unsigned value)
{
	/* pairs with [micro-turn] whoever stores the flag: all written so far
	 */
	while (atomic_load_explicit(flag, memory_order_acquire) != value)
		cpu_relax();
}

static void pass(atomic_uint *flag, unsigned value)
{
	/* pairs with [micro-turn] await(): all written so far */
	atomic_store_explicit(flag, value, memory_order_release);
}

/* A ball that goes to and fro: the mean of both ways. */
static double batch_of_passes(unsigned side)
{
	uint64_t begin = clock_ns();
	unsigned i;

	for (i = 0; i < PASSES; i++) {
		await(&shared.ball, side);
		pass(&shared.ball, !side);
	}
	/* Both begin the next batch with the ball on the first side. */
	return per_op(begin, 2 * PASSES);
}

static void write_copies(uint64_t value)
{
	size_t at;

	for (at = 0; at < sizeof(shared.copies); at += STRIDE)
		*(volatile uint64_t *)(void *)(shared.copies + at) = value;
	/* The stores wait in a buffer; a locked instruction waits for them. */
	atomic_thread_fence(memory_order_seq_cst);
}

static double timed_zeroing(void)
{
	uint64_t begin = clock_ns();

	write_copies(0);
	return per_op(begin, COPIES);
}

/* Side 1 writes all copies, then side 0 zeroes them twice: dirty, then hot. */
static void batch_of_zeroing(unsigned side, double *dirty, double *hot)
{
	unsigned i;

	*dirty = *hot = 0;
	for (i = 0; i < ZERO_ROUNDS; i++) {
		await(&shared.turn, !side);
		if (side == 0) {
			*dirty += timed_zeroing() / ZERO_ROUNDS;
			*hot += timed_zeroing() / ZERO_ROUNDS;
		} else {
			write_copies(1);
		}
		pass(&shared.turn, side);
	}
}

static void work(struct crew_member *member)
{
	static double rmw[BATCHES], lock[BATCHES], way[BATCHES], dirty[BATCHES],
		hot[BATCHES];
	double ignored[2];
	struct costs *costs = member->crew->shared;
	unsigned i, side = member->index;

	for (i = 0; i < BATCHES; i++) {
		if (side == 0) {
			way[i] = batch_of_passes(0);
			batch_of_zeroing(0, &dirty[i], &hot[i]);
		} else {
			batch_of_passes(1);
			batch_of_zeroing(1, &ignored[0], &ignored[1]);
		}
	}
	if (side)
		return;
	for (i = 0; i < BATCHES; i++) {
		rmw[i] = batch_of_rmws();
		lock[i] = batch_of_locks();
	}
	costs->rmw = stats_median(rmw, BATCHES);
	costs->mutex = stats_median(lock, BATCHES);
	costs->transfer = stats_median(way, BATCHES);
	costs->zero_dirty = stats_median(dirty, BATCHES);
	costs->zero_hot = stats_median(hot, BATCHES);
}

const char *micro_measure(struct costs *costs)
{
	struct crew crew = {.members = 2, .work = work, .shared = costs};
	bool done;

	if (crew_cores() < 2)
		return "two cores are needed (or --costs of another machine)";
	done = crew_run(&crew);
	crew_free(&crew);
	return done ? NULL : "threads cannot be started";
}
