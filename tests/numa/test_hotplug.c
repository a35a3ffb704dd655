// SPDX-License-Identifier: MIT
/*
 * CPUs that go offline and come back while threads count on all CPUs, allocate
 * and free: each count is in some CPU's copy, nothing is lost or handed out
 * twice, and what an absent CPU holds can be had. (Row 33 of the table of
 * faults.) CPU 0 stays.
 */
#include <pcpu.h>
#include <pthread.h>
#include <stdatomic.h>

#include "arena/arena.h"
#include "guest.h"
#include "tests/owned.h"
#include "tests/workers.h"

#define NR_WORKERS 4u
#define NR_HELD 32u
#define NR_GOING 8u  /* CPUs that go at most, the highest */
#define NR_SINGLE 4u /* of them, those that go and come back one by one */

static _Atomic bool done;
static _Atomic uint64_t nr_counted;
static _Atomic(void *) box;
static long *counter;

static uint64_t sum(const long *handle)
{
	uint64_t total = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		total += (uint64_t)*pcpu_ptr(handle, cpu);
	return total;
}

/* CPUs that go are this one and all above. */
static unsigned first_to_go(void)
{
	unsigned nr = 0;

	while (nr < pcpu_nr_cpus() && guest_node_of_cpu(nr) >= 0)
		nr++;
	return nr > NR_GOING ? nr - NR_GOING : 1;
}

static void set_all_online(bool online)
{
	unsigned cpu;

	for (cpu = first_to_go(); cpu < pcpu_nr_cpus(); cpu++)
		if (guest_node_of_cpu(cpu) >= 0 &&
		    guest_is_online(cpu) != online)
			guest_set_online(cpu, online);
}

/* Count, replace objects of ours, swap one with another thread's. */
static void *work(void *arg)
{
	struct worker *worker = arg;
	void *held[NR_HELD] = {NULL};
	uint64_t counted = 0;
	unsigned i;

	worker_place(worker);
	while (!atomic_load(&done)) {
		__atomic_fetch_add(pcpu_this_ptr(counter), 1, __ATOMIC_RELAXED);
		counted++;
		i = (unsigned)rng_below(&worker->rng, NR_HELD);
		if (held[i])
			owned_free(held[i]);
		held[i] = owned_alloc(worker_size(worker), 0,
				      worker_stamp(worker));
		if (counted % 16 == 0)
			held[i] = atomic_exchange(&box, held[i]);
	}
	for (i = 0; i < NR_HELD; i++)
		if (held[i])
			owned_free(held[i]);
	atomic_fetch_add(&nr_counted, counted);
	return NULL;
}

/* Some CPUs one by one, then all, NUMA_ROUNDS times: a transition takes up to a
 * second here. */
static void *plug(void *unused)
{
	const char *text = getenv("NUMA_ROUNDS");
	unsigned round, rounds = text ? (unsigned)strtoul(text, NULL, 10) : 1;
	unsigned i, first = first_to_go();

	(void)unused;
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < NR_SINGLE; i++) {
			unsigned cpu = first + (round + 2 * i) % NR_GOING;

			if (cpu < pcpu_nr_cpus() && guest_is_online(cpu)) {
				guest_set_online(cpu, false);
				guest_set_online(cpu, true);
			}
		}
		set_all_online(false);
		usleep(50000);
		set_all_online(true);
	}
	atomic_store(&done, true);
	return NULL;
}

START_TEST(cpus_come_and_go__threads_count_and_allocate__sums_are_exact)
{
	pthread_t plugger;
	void *last;

	set_all_online(true);
	counter = pcpu_alloc(sizeof(*counter), _Alignof(long));
	ck_assert_int_eq(pthread_create(&plugger, NULL, plug, NULL), 0);
	run_workers(work, 0, NR_WORKERS);
	pthread_join(plugger, NULL);
	last = atomic_exchange(&box, NULL);
	if (last)
		owned_free(last);
	ck_assert_uint_gt(nr_counted, 0);
	ck_assert_uint_eq(sum(counter), nr_counted);
	printf("%llu counted\n", (unsigned long long)nr_counted);
	pcpu_free(counter);
	pcpu_trim();
	support_expect_none_live();
}
END_TEST

static unsigned highest_online(void)
{
	unsigned cpu = pcpu_nr_cpus() - 1;

	while (!guest_is_online(cpu))
		cpu--;
	return cpu;
}

START_TEST(pinned_threads_cpu_goes__it_counts_elsewhere)
{
	unsigned cpu, i;
	void *p;

	set_all_online(true);
	cpu = highest_online();
	counter = pcpu_alloc(sizeof(*counter), _Alignof(long));
	guest_pin(cpu);
	ck_assert_int_eq(pcpu_cpu(), (int)cpu);
	*pcpu_this_ptr(counter) += 1;
	guest_set_online(cpu, false);
	ck_assert_int_ne(pcpu_cpu(), (int)cpu);
	for (i = 0; i < 1000; i++) {
		p = pcpu_alloc(64, 8);
		ck_assert_ptr_nonnull(p);
		__atomic_fetch_add(pcpu_this_ptr(counter), 1, __ATOMIC_RELAXED);
		pcpu_free(p);
	}
	guest_set_online(cpu, true);
	ck_assert_int_eq(*pcpu_ptr(counter, cpu), 1);
	ck_assert_uint_eq(sum(counter), 1001);
}
END_TEST

static bool slot_holds(unsigned cpu)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class += 1)
		if (load_relaxed(&arena_slots[cpu].slot[class].free))
			return true;
	return false;
}

/* Objects that were free in its slots are not gone with it. */
START_TEST(cpu_goes__its_slots_full__trim_empties_them)
{
	static void *objects[2000];
	struct pcpu_stats stats;
	unsigned cpu, i;

	set_all_online(true);
	cpu = highest_online();
	pcpu_trim();
	guest_pin(cpu);
	for (i = 0; i < 2000; i++)
		objects[i] = pcpu_alloc(8u + i % 10 * 24u, 8);
	for (i = 0; i < 2000; i++)
		pcpu_free(objects[i]);
	guest_pin(0);
	guest_set_online(cpu, false);
	ck_assert(slot_holds(cpu) == front_exists());
	pcpu_trim();
	ck_assert(!slot_holds(cpu));
	pcpu_stats_get(&stats);
	ck_assert_uint_eq(stats.nr_cur_alloc, 0);
	ck_assert_uint_eq(stats.populated_bytes, stats.empty_pop_pages * 4096);
	guest_set_online(cpu, true);
}
END_TEST

/* --- CPUs that are offline when the program starts ------------------------ */

/* The copies and slots of a CPU that comes later are on its node. */
static void job_late(void)
{
	unsigned cpu = pcpu_nr_cpus() - 1;
	char *p = pcpu_alloc(64, 64), *copy;
	int node;

	while (guest_node_of_cpu(cpu) < 0)
		cpu--;
	node = guest_memory_node(guest_node_of_cpu(cpu));
	require(!guest_is_online(cpu), "CPU %u", cpu);
	copy = pcpu_ptr(p, cpu);
	*copy = 1;
	require(guest_page_node(copy) == node, "CPU %u: on %d", cpu,
		guest_page_node(copy));
	guest_set_online(cpu, true);
	guest_pin(cpu);
	require(pcpu_this_ptr(p) == copy, "on CPU %d", pcpu_cpu());
	pcpu_free(p);
	p = pcpu_alloc(64, 64);
	require(slot_holds(cpu) == front_exists(), "CPU %u", cpu);
	require(guest_page_node(&arena_slots[cpu].slot[1]) == node,
		"slots on %d", guest_page_node(&arena_slots[cpu].slot[1]));
	pcpu_free(p);
}

START_TEST(cpus_offline_at_the_start__come_later__on_their_nodes)
{
	set_all_online(false);
	support_run_job("late", NULL);
	set_all_online(true);
}
END_TEST

/* -------------------------------------------------------------------------- */

static Suite *suite(void)
{
	Suite *suite = suite_create("hotplug");
	TCase *tc = tcase_create("hotplug");

	tcase_set_timeout(tc, 60);
	tcase_add_test(
		tc,
		cpus_come_and_go__threads_count_and_allocate__sums_are_exact);
	tcase_add_test(tc, pinned_threads_cpu_goes__it_counts_elsewhere);
	tcase_add_test(tc, cpu_goes__its_slots_full__trim_empties_them);
	tcase_add_test(tc,
		       cpus_offline_at_the_start__come_later__on_their_nodes);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	static const struct support_job jobs[] = {{"late", job_late},
						  {NULL, NULL}};

	return guest_main(argc, argv, suite, jobs);
}
