// SPDX-License-Identifier: MIT
/*
 * What an object cache holds: budgets, shrinking on demand and when idle, on
 * CPUs that nobody visits, and frees on other nodes.
 */
#include <pthread.h>

#include "arena/arena.h"
#include "caches.h"
#include "object/cache.h"

/* --- budgets -------------------------------------------------------------- */

START_TEST(budget__counts_all_copies_and_what_is_tied)
{
	struct pcpu_cache *cache = create_processes();
	struct pcpu_cache *copies = create_copies();

	ck_assert_uint_eq(cache_stats(cache).object_bytes,
			  sizeof(struct process) + 8u * pcpu_nr_cpus());
	ck_assert_uint_eq(cache_stats(copies).object_bytes,
			  8u * pcpu_nr_cpus());
	ck_assert_uint_eq(cache_stats(cache).budget, 65536u * pcpu_nr_cpus());
}
END_TEST

START_TEST(free__budget_is_reached__objects_leave)
{
	struct pcpu_cache *cache = create_copies();
	size_t weight = cache_stats(cache).object_bytes;
	struct pcpu_cache_info stats;
	size_t room;

	for (room = 0; room < 300; room += room / 4 + 1) {
		pcpu_cache_set_budget(cache, room * weight + weight / 2);
		cache_churn(cache, 1000);
		stats = cache_stats(cache);
		ck_assert_uint_le(stats.nr_cached, room);
		ck_assert_uint_le(stats.held_bytes, room * weight);
		ck_assert_uint_le(stats.cached_bytes, stats.held_bytes);
		ck_assert_uint_eq(stats.nr_objects, stats.nr_cached);
		ck_assert_uint_eq(stats.nr_destructed, (unsigned)nr_gone);
		/* Each CPU takes its share in whole magazines. */
		if (room >= 4 * pcpu_nr_cpus())
			ck_assert_uint_ge(stats.nr_cached, room / 4);
	}
	ck_assert_uint_gt(stats.nr_over_budget, 0);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

/* Magazines that threads have in their hands then come back later. */
START_TEST(set_budget__beside_others__what_is_held_comes_down)
{
	struct pcpu_cache *cache = create_processes();
	struct cache *self = cache_of(cache);
	struct pair mine;

	run_on_cpu(0);
	cache_churn(cache, 100);
	mine = cache_take(self);
	ck_assert_ptr_nonnull(mine.loaded);
	pcpu_cache_set_budget(cache, 0);
	ck_assert_uint_gt(load_relaxed(&self->held), 0);
	cache_put(self, mine);
	ck_assert_uint_eq(cache_stats(cache).held_bytes, 0);
	ck_assert_int_eq(nr_gone, 100);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

START_TEST(budget_0__each_free_destroys)
{
	struct pcpu_cache *cache = create_processes();

	pcpu_cache_set_budget(cache, 0);
	cache_churn(cache, 100);
	ck_assert_int_eq(nr_gone, 100);
	ck_assert_uint_eq(cache_stats(cache).nr_over_budget, 100);
	ck_assert_uint_eq(cache_stats(cache).nr_magazines, 0);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

/* --- on demand ------------------------------------------------------------ */

START_TEST(shrink__nothing_is_left_and_what_was_there_is_returned)
{
	uint64_t before = live_percpu_objects();
	struct pcpu_cache *cache = _i ? create_copies() : create_processes();
	uint64_t own = live_percpu_objects() - before;
	struct pcpu_cache_info stats;
	void *object = pcpu_cache_alloc(cache);

	cache_churn(cache, 1000);
	stats = cache_stats(cache);
	ck_assert_uint_eq(stats.nr_objects, stats.nr_cached + 1);
	ck_assert_uint_eq(pcpu_cache_shrink(cache), stats.cached_bytes);
	stats = cache_stats(cache);
	ck_assert_uint_eq(stats.nr_objects, 1);
	ck_assert_uint_eq(stats.held_bytes, 0);
	ck_assert_uint_eq(stats.nr_magazines, 0);
	ck_assert_uint_eq(live_percpu_objects(), before + own + 1);
	ck_assert_uint_eq(pcpu_cache_shrink(cache), 0);
	pcpu_cache_free(cache, object);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

struct visit {
	struct pcpu_cache *cache;
	int cpu;
	size_t nr;
};

static void *visit(void *arg)
{
	const struct visit *v = arg;

	if (!run_on_cpu(v->cpu))
		return arg;
	cache_churn(v->cache, v->nr);
	return NULL;
}

/* A thread that ends. Returns whether there was such a CPU. */
static bool churn_on(struct pcpu_cache *cache, int cpu, size_t nr)
{
	struct visit v = {cache, cpu, nr};
	pthread_t thread;
	void *failed;

	pthread_create(&thread, NULL, visit, &v);
	pthread_join(thread, &failed);
	return !failed;
}

START_TEST(shrink__objects_of_cpus_that_no_thread_visits__leave_too)
{
	struct pcpu_cache *cache = create_copies();

	churn_on(cache, 0, 30);
	churn_on(cache, 1, 30);
	run_on_cpu(0);
	ck_assert_uint_ge(cache_stats(cache).nr_cached, 30);
	pcpu_cache_shrink(cache);
	ck_assert_uint_eq(cache_stats(cache).nr_objects, 0);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

/* --- when memory is used up ----------------------------------------------- */

/* Two chunks in each arena. */
static void make_scarce(void)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		arena_at(i)->pool.nr_chunks = 2;
		arena_at(i)->pool.nr_words = 1;
	}
}

START_TEST(alloc__no_memory__what_other_cpus_have_idle_is_used)
{
	struct pcpu_cache *cache = pcpu_cache_create(
		"large", PCPU_SIZE_MAX, 8, NULL, NULL, PCPU_CACHE_PERCPU);
	void *objects[200];
	size_t nr = 0;

	make_scarce();
	pcpu_cache_set_budget(cache, SIZE_MAX);
	run_on_cpu(0);
	while (nr < 200 && (objects[nr] = pcpu_cache_alloc(cache)))
		nr++;
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_uint_gt(nr, 1);
	pcpu_cache_free(cache, objects[--nr]);
	ck_assert_uint_eq(cache_stats(cache).nr_cached, 1);
	run_on_cpu(1);
	objects[nr] = pcpu_cache_alloc(cache);
	ck_assert_ptr_nonnull(objects[nr]);
	ck_assert_ptr_null(pcpu_cache_alloc(cache));
	pcpu_cache_free_bulk(cache, nr + 1, objects);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

/* --- when idle ------------------------------------------------------------ */

START_TEST(idle_round__what_was_not_used_since_the_last_one__leaves)
{
	struct pcpu_cache *cache = create_copies();

	cache_churn(cache, 1000);
	ck_assert(cache_idle_round());
	ck_assert_uint_eq(cache_stats(cache).nr_cached, 1000);
	ck_assert(!cache_idle_round());
	ck_assert_uint_eq(cache_stats(cache).nr_objects, 0);
	ck_assert_uint_eq(cache_stats(cache).held_bytes, 0);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

static atomic_bool leaving, may_leave;

static void leave_slowly(void *object)
{
	(void)object;
	leaving = true;
	while (!may_leave)
		usleep(100);
}

static void *shrink_idle(void *unused)
{
	cache_idle_round();
	cache_idle_round();
	return unused;
}

static void *let_leave(void *unused)
{
	usleep(50000);
	may_leave = true;
	return unused;
}

/* What it is at is nobody's any more. */
START_TEST(idle_round__cache_is_destroyed_meanwhile__waits_for_it)
{
	struct pcpu_cache *cache =
		pcpu_cache_create("slow", 64, 8, NULL, leave_slowly, 0);
	pthread_t thread[2];
	unsigned i;

	cache_churn(cache, 1000);
	pthread_create(&thread[0], NULL, shrink_idle, NULL);
	while (!leaving)
		usleep(100);
	pthread_create(&thread[1], NULL, let_leave, NULL);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}
END_TEST

/* However the magazines look: each operation counts. */
START_TEST(idle_round__a_cpu_in_use__keeps_its_magazines)
{
	struct pcpu_cache *cache = create_copies();
	unsigned i;

	run_on_cpu(0);
	cache_churn(cache, 4);
	for (i = 0; i < 10; i++) {
		cache_idle_round();
		cache_churn(cache, 1);
	}
	ck_assert_int_eq(nr_made, 4);
	if (!churn_on(cache, 1, 4) || nr_made == 4)
		return;
	/* The other's go. */
	for (i = 0; i < 3; i++) {
		cache_churn(cache, 1);
		cache_idle_round();
	}
	ck_assert_uint_eq(cache_stats(cache).nr_cached, 4);
}
END_TEST

START_TEST(idle_cache__is_empty_after_some_seconds)
{
	struct pcpu_cache *cache = create_processes();
	unsigned tenths;

	cache_churn(cache, 500);
	ck_assert_uint_gt(cache_stats(cache).nr_cached, 0);
	for (tenths = 0; tenths < 100; tenths++) {
		struct timespec tenth = {0, 100000000};

		nanosleep(&tenth, NULL);
		if (!cache_stats(cache).nr_objects)
			break;
	}
	ck_assert_uint_eq(cache_stats(cache).nr_objects, 0);
	ck_assert_uint_eq(cache_stats(cache).held_bytes, 0);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

/* --- other nodes ---------------------------------------------------------- */

#define NR_PASSED 100u
static int64_t *passed[NR_PASSED];

static void *free_them(void *arg)
{
	struct visit *v = arg;

	if (!run_on_cpu(v->cpu))
		return arg;
	pcpu_cache_free_bulk(v->cache, v->nr, (void **)passed);
	return NULL;
}

/* Allocated on CPU 0, freed on CPU 1: of another node. */
static bool pass(struct pcpu_cache *cache)
{
	struct visit v = {cache, 1, NR_PASSED};
	pthread_t thread;
	void *failed;

	ck_assert_int_eq(
		pcpu_cache_alloc_bulk(cache, NR_PASSED, (void **)passed), 0);
	pthread_create(&thread, NULL, free_them, &v);
	pthread_join(thread, &failed);
	return !failed;
}

START_TEST(freed_on_another_node__bounded_and_the_rest_comes_home)
{
	struct pcpu_cache *cache =
		_i ? create_copies()
		   : pcpu_cache_create("home", 8, 8, NULL, NULL, 0);
	struct pcpu_cache_info stats;
	unsigned round;

	pcpu_cache_set_budget(cache, 1024 * cache_stats(cache).object_bytes);
	if (!run_on_cpu(0) || !pass(cache))
		return;
	for (round = 0; round < 100; round++)
		pass(cache);
	stats = cache_stats(cache);
	ck_assert_uint_le(stats.nr_cached, 1024);
	/* Of 10,100 allocations few find none: what node 1 has no room for goes
	 * to where node 0 finds it. */
	ck_assert_uint_le(stats.nr_constructed, 1024);
	ck_assert_int_eq(pcpu_cache_destroy(cache), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("cache_shrink");
	TCase *tc = tcase_create("cache_shrink");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, budget__counts_all_copies_and_what_is_tied);
	tcase_add_test(tc, free__budget_is_reached__objects_leave);
	tcase_add_test(tc, set_budget__beside_others__what_is_held_comes_down);
	tcase_add_test(tc, budget_0__each_free_destroys);
	tcase_add_loop_test(
		tc, shrink__nothing_is_left_and_what_was_there_is_returned, 0,
		2);
	tcase_add_test(
		tc, shrink__objects_of_cpus_that_no_thread_visits__leave_too);
	tcase_add_test(tc, alloc__no_memory__what_other_cpus_have_idle_is_used);
	tcase_add_test(
		tc, idle_round__what_was_not_used_since_the_last_one__leaves);
	tcase_add_test(tc,
		       idle_round__cache_is_destroyed_meanwhile__waits_for_it);
	tcase_add_test(tc, idle_round__a_cpu_in_use__keeps_its_magazines);
	tcase_add_test(tc, idle_cache__is_empty_after_some_seconds);
	tcase_add_loop_test(
		tc, freed_on_another_node__bounded_and_the_rest_comes_home, 0,
		2);
	suite_add_tcase(suite, tc);
	return suite;
}

/* Each of the first CPUs on a node of its own. */
int main(int argc, char **argv)
{
	if (!getenv("PCPU_NODES")) {
		setenv("PCPU_POSSIBLE_CPUS", "4", 1);
		setenv("PCPU_NODES", "4", 1);
		setenv("PCPU_ARENAS", "1", 1);
		execv("/proc/self/exe", argv);
	}
	return support_main(argc, argv, suite, NULL);
}
