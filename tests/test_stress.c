// SPDX-License-Identifier: MIT
/*
 * Many threads on few CPUs: every object is stamped by its owner on all copies
 * (owned.h) and checked before it is freed, by the thread that allocated it or
 * by another. Each scenario runs in a process of its own, on several machines.
 */
#include <stdatomic.h>
#include <sys/mman.h>

#include <pcpu.h>

#include "owned.h"
#include "statm.h"
#include "support.h"
#include "takes_back.h"
#include "workers.h"

#define NR_WORKERS 8u
#define NR_BOXES 64u
#define NR_HELD 48u
#define RING_SIZE 64u

/* An object in a box has no owner: who takes it out is the next. */
static _Atomic(void *) boxes[NR_BOXES];

static void check_all_is_free(void)
{
	unsigned i;

	for (i = 0; i < NR_BOXES; i++) {
		void *p = atomic_exchange(&boxes[i], NULL);

		if (p)
			owned_free(p);
	}
	pcpu_trim();
	support_expect_none_live();
}

/* --- scenarios ---------------------------------------------------------------
 */

/* Hold up to NR_HELD objects of one or of all sizes. */
static void churn(struct worker *worker, unsigned nr_steps, size_t size)
{
	void *held[NR_HELD] = {NULL};
	unsigned step, slot;

	for (step = 0; step < nr_steps; step++) {
		slot = (unsigned)rng_below(&worker->rng, NR_HELD);
		if (held[slot]) {
			owned_free(held[slot]);
			held[slot] = NULL;
			continue;
		}
		held[slot] = owned_alloc(size ? size : worker_size(worker),
					 step % 8 ? 0 : PCPU_NOWAIT,
					 worker_stamp(worker));
	}
	for (slot = 0; slot < NR_HELD; slot++)
		if (held[slot])
			owned_free(held[slot]);
}

static void *churn_one_class(void *arg)
{
	worker_place(arg);
	churn(arg, SUPPORT_SCALE(250000), 8);
	return NULL;
}

static void job_one_class(void)
{
	run_workers(churn_one_class, 0, NR_WORKERS);
	check_all_is_free();
}

static void *churn_all_sizes(void *arg)
{
	worker_place(arg);
	churn(arg, SUPPORT_SCALE(50000), 0);
	return NULL;
}

static void job_all_sizes(void)
{
	run_workers(churn_all_sizes, 0, NR_WORKERS);
	check_all_is_free();
}

/* Put a new object into a box and free the one that was there. */
static void swap_boxes(struct worker *worker, unsigned nr_steps)
{
	unsigned step;

	for (step = 0; step < nr_steps; step++) {
		_Atomic(void *) *box =
			&boxes[rng_below(&worker->rng, NR_BOXES)];
		void *mine = NULL, *theirs;

		if (rng_below(&worker->rng, 4))
			mine = owned_alloc(worker_size(worker), 0,
					   worker_stamp(worker));
		theirs = atomic_exchange_explicit(box, mine,
						  memory_order_acq_rel);
		if (theirs)
			owned_free(theirs);
	}
}

static void *swap_for_long(void *arg)
{
	worker_place(arg);
	swap_boxes(arg, SUPPORT_SCALE(50000));
	return NULL;
}

static void job_boxes(void)
{
	run_workers(swap_for_long, 0, NR_WORKERS);
	check_all_is_free();
}

/* One of four trims all the time, the rest swap and churn. */
static void *swap_or_trim(void *arg)
{
	struct worker *worker = arg;
	unsigned i;

	worker_place(worker);
	for (i = 0; i < SUPPORT_SCALE(100u); i++) {
		if (worker->nr % 4 == 0) {
			pcpu_trim();
			continue;
		}
		swap_boxes(worker, 200);
		churn(worker, 200, worker->nr % 4 == 1 ? 8 : 0);
	}
	return NULL;
}

static void job_trims(void)
{
	run_workers(swap_or_trim, 0, NR_WORKERS);
	check_all_is_free();
}

/* Threads that live for a moment leave their objects to the next. */
static void *swap_for_short(void *arg)
{
	worker_place(arg);
	swap_boxes(arg, 100);
	return NULL;
}

static void job_come_and_go(void)
{
	unsigned wave;

	for (wave = 0; wave < SUPPORT_SCALE(60u); wave++) {
		run_workers(swap_for_short, wave * 12, 12);
		if (wave % 16 == 15)
			pcpu_trim();
	}
	check_all_is_free();
}

/* --- producers and consumers -------------------------------------------------
 */

/* One producer, one consumer. */
struct ring {
	_Alignas(64) atomic_uint head; /* next to take */
	_Alignas(64) atomic_uint tail; /* next to put */
	void *slots[RING_SIZE];
};

static struct ring rings[NR_WORKERS / 2];

static bool ring_put(struct ring *ring, void *p)
{
	unsigned tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	/* pairs with ring_take(): the slot was read */
	if (tail - atomic_load_explicit(&ring->head, memory_order_acquire) ==
	    RING_SIZE)
		return false;
	ring->slots[tail % RING_SIZE] = p;
	/* pairs with ring_take(): the slot and the object's contents */
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

static void *ring_take(struct ring *ring)
{
	unsigned head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	void *p;

	if (head == atomic_load_explicit(&ring->tail, memory_order_acquire))
		return NULL;
	p = ring->slots[head % RING_SIZE];
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return p;
}

static void *produce_or_consume(void *arg)
{
	struct worker *worker = arg;
	struct ring *ring = &rings[worker->nr / 2];
	unsigned left = SUPPORT_SCALE(60000u);
	void *p = NULL;

	worker_place(worker);
	while (left > 0) {
		if (worker->nr % 2 == 0) {
			p = p ? p
			      : owned_alloc(worker_size(worker), 0,
					    worker_stamp(worker));
			if (ring_put(ring, p)) {
				p = NULL;
				left--;
				continue;
			}
		} else {
			p = ring_take(ring);
			if (p) {
				owned_free(p);
				left--;
				continue;
			}
		}
		sched_yield();
	}
	return NULL;
}

static void job_rings(void)
{
	run_workers(produce_or_consume, 0, NR_WORKERS);
	check_all_is_free();
}

/* --- memory comes back -------------------------------------------------------
 */

/* Hold 4 MiB a thread and CPU at once, let half of it go by other threads. */
static void *fill_and_free(void *arg)
{
	enum { NR = 4096 };
	struct worker *worker = arg;
	/* Not in malloc's arenas, one a thread, each of which keeps some. */
	void **held = mmap(NULL, NR * sizeof(*held), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned i;

	require(held != MAP_FAILED, "mmap");
	for (i = 0; i < NR; i++)
		held[i] = owned_alloc(i % 8 ? 1024 : 4 + i % 3000, 0,
				      worker_stamp(worker));
	for (i = 0; i < NR; i++) {
		unsigned box = (unsigned)rng_below(&worker->rng, NR_BOXES);
		void *other = atomic_exchange(&boxes[box], held[i]);

		if (other)
			owned_free(other);
	}
	munmap(held, NR * sizeof(*held));
	return NULL;
}

static unsigned nr_units(void)
{
	struct pcpu_stats stats;

	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	return stats.nr_units;
}

static void job_memory_comes_back(void)
{
	size_t before, peak, after, kept, slack = (size_t)1 << 20;
	unsigned round;

	/* Stacks and malloc's arenas of the threads come first. */
	run_workers(swap_for_short, 0, NR_WORKERS);
	check_all_is_free();
	before = statm_read().resident;
	for (round = 0; round < 3; round++) {
		void *p = pcpu_alloc(PCPU_SIZE_MAX, 4);

		run_workers(fill_and_free, 0, NR_WORKERS);
		peak = statm_read().resident;
		pcpu_free(p);
		check_all_is_free();
		after = statm_read().resident;
		printf("resident: %zu, then %zu, trimmed %zu\n", before, peak,
		       after);
		/* The bookkeeping of chunks that were in use stays, 7 % of a
		 * unit at most; in debug mode records of objects too. */
		kept = (peak - before) / nr_units() / 100 * 7;
		if (!system_takes_back())
			kept = peak - before;
		require(support_debug() ||
				after <= before + before / 10 + kept + slack,
			"%zu bytes resident before, %zu after all is free",
			before, after);
	}
}

/* --- machines ----------------------------------------------------------------
 */

static const char *const machines[][4] = {
	{NULL},
	{"PCPU_NODES=2", NULL},
	{"PCPU_POSSIBLE_CPUS=16", "PCPU_NODES=4", NULL},
	{"GLIBC_TUNABLES=glibc.pthread.rseq=0", NULL},
};
#define NR_MACHINES ((int)(sizeof(machines) / sizeof(machines[0])))

#define STRESS_TEST(name, job)                      \
	START_TEST(name)                            \
	{                                           \
		support_run_job(job, machines[_i]); \
	}                                           \
	END_TEST

STRESS_TEST(eight_threads_in_one_class__never_share_an_object, "one_class")
STRESS_TEST(eight_threads_in_all_sizes__never_share_an_object, "all_sizes")
STRESS_TEST(objects_freed_by_any_thread__arrive_whole, "boxes")
STRESS_TEST(objects_sent_through_rings__arrive_whole, "rings")
STRESS_TEST(trims_beside_allocation_and_free__harm_nothing, "trims")
STRESS_TEST(threads_that_come_and_go__leave_nothing_behind, "come_and_go")

START_TEST(all_is_freed_and_trimmed__resident_memory_is_back)
{
	if (!SUPPORT_SANITIZED)
		support_run_job("memory_comes_back", machines[_i]);
}
END_TEST

static const struct support_job jobs[] = {
	{"one_class", job_one_class},
	{"all_sizes", job_all_sizes},
	{"boxes", job_boxes},
	{"rings", job_rings},
	{"trims", job_trims},
	{"come_and_go", job_come_and_go},
	{"memory_comes_back", job_memory_comes_back},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stress");
	TCase *tcase = tcase_create("threads");

#define ADD(name) tcase_add_loop_test(tcase, name, 0, NR_MACHINES)
	tcase_set_tags(tcase, "threads");
	tcase_set_timeout(tcase, 120);
	ADD(eight_threads_in_one_class__never_share_an_object);
	ADD(eight_threads_in_all_sizes__never_share_an_object);
	ADD(objects_freed_by_any_thread__arrive_whole);
	ADD(objects_sent_through_rings__arrive_whole);
	ADD(trims_beside_allocation_and_free__harm_nothing);
	ADD(threads_that_come_and_go__leave_nothing_behind);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("memory");
	tcase_set_tags(tcase, "memory"); /* page faults by the 100,000 */
	tcase_set_timeout(tcase, 120);
	ADD(all_is_freed_and_trimmed__resident_memory_is_back);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
