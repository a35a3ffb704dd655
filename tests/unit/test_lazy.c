// SPDX-License-Identifier: MIT
/*
 * On-demand copies: by whom and how often each is initialised.
 */
#include <pcpu/lazy.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/support.h"

#define PATTERN INT64_C(0x5a5a5a5a)

static atomic_int nr_inits, failures_left;

/* A copy starts zeroed, even if an earlier try left something. */
static int init(void *copy, int cpu, void *arg)
{
	int64_t *value = copy;

	ck_assert_ptr_eq(arg, &nr_inits);
	ck_assert_int_eq(value[0], 0);
	ck_assert_int_eq(value[1], 0);
	value[1] = 1;
	atomic_fetch_add(&nr_inits, 1);
	if (failures_left > 0 && atomic_fetch_sub(&failures_left, 1) > 0)
		return EAGAIN;
	value[0] = PATTERN + cpu;
	return 0;
}

static struct pcpu_lazy *create(void)
{
	struct pcpu_lazy *lazy = pcpu_lazy_create(16, 8, init, &nr_inits);

	ck_assert_ptr_nonnull(lazy);
	nr_inits = 0;
	return lazy;
}

/* Memory that somebody used before. */
static void soil(void)
{
	char *p[64];
	unsigned i;
	int cpu;

	for (i = 0; i < 64; i++) {
		p[i] = pcpu_alloc(16, 8);
		pcpu_for_each_cpu (cpu)
			memset(pcpu_ptr(p[i], cpu), 0xee, 16);
	}
	for (i = 0; i < 64; i++)
		pcpu_free(p[i]);
}

static uint64_t live_objects(void)
{
	struct pcpu_stats stats;

	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	return stats.nr_cur_alloc;
}

START_TEST(this__first_visit__initialises_the_zeroed_copy_once)
{
	struct pcpu_lazy *lazy;
	int64_t *mine;

	soil();
	lazy = create();
	mine = pcpu_lazy_this(lazy);
	ck_assert_ptr_nonnull(mine);
	ck_assert_int_ge(mine[0], PATTERN);
	mine = pcpu_lazy_visit(lazy, 0);
	ck_assert_int_eq(mine[0], PATTERN);
	mine[1] = 77;
	ck_assert_ptr_eq(pcpu_lazy_visit(lazy, 0), mine);
	ck_assert_int_eq(mine[1], 77);
	ck_assert_int_le(nr_inits, 2);
	pcpu_lazy_destroy(lazy);
}
END_TEST

START_TEST(ptr_and_for_each__some_copies__just_the_initialised_ones)
{
	struct pcpu_lazy *lazy;
	unsigned nr = pcpu_nr_cpus(), seen = 0, i;
	static const unsigned chosen[] = {0, 1, 63, 64, 65, 127, 200};
	int cpu;

	soil();
	lazy = create();
	pcpu_lazy_for_each(cpu, lazy)
		ck_abort_msg("CPU %d in a new object", cpu);
	ck_assert_ptr_null(pcpu_lazy_ptr(lazy, 1));
	for (i = 0; i < 7 && chosen[i] < nr; i++)
		ck_assert_ptr_nonnull(pcpu_lazy_visit(lazy, (int)chosen[i]));
	ck_assert_int_eq(nr_inits, (int)i);
	pcpu_lazy_for_each(cpu, lazy)
	{
		const int64_t *copy = pcpu_lazy_ptr(lazy, cpu);

		ck_assert_int_eq(cpu, (int)chosen[seen]);
		ck_assert_int_eq(copy[0], PATTERN + cpu);
		seen++;
	}
	ck_assert_uint_eq(seen, i);
	if (nr > 2)
		ck_assert_ptr_null(pcpu_lazy_ptr(lazy, 2));
	pcpu_lazy_destroy(lazy);
}
END_TEST

START_TEST(visit__init_fails__its_errno_and_the_next_visitor_tries_again)
{
	struct pcpu_lazy *lazy = create();

	failures_left = 2;
	errno = 0;
	ck_assert_ptr_null(pcpu_lazy_visit(lazy, 0));
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_ptr_null(pcpu_lazy_ptr(lazy, 0));
	ck_assert_ptr_null(pcpu_lazy_visit(lazy, 0));
	ck_assert_ptr_nonnull(pcpu_lazy_visit(lazy, 0));
	ck_assert_int_eq(nr_inits, 3);
	pcpu_lazy_destroy(lazy);
}
END_TEST

START_TEST(visit__cpu_that_is_not_possible__einval)
{
	struct pcpu_lazy *lazy = create();

	errno = 0;
	ck_assert_ptr_null(pcpu_lazy_visit(lazy, -1));
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_ptr_null(pcpu_lazy_visit(lazy, (int)pcpu_nr_cpus()));
	ck_assert_int_eq(errno, EINVAL);
	pcpu_lazy_destroy(lazy);
}
END_TEST

START_TEST(create__bad_arguments__as_an_allocation)
{
	errno = 0;
	ck_assert_ptr_null(pcpu_lazy_create(0, 8, NULL, NULL));
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_ptr_null(pcpu_lazy_create(PCPU_SIZE_MAX + 1, 8, NULL, NULL));
	ck_assert_int_eq(errno, ENOMEM);
	pcpu_lazy_destroy(NULL);
}
END_TEST

START_TEST(destroy__whatever_was_initialised__gives_all_back)
{
	uint64_t before = live_objects();
	struct pcpu_lazy *lazy = pcpu_lazy_create(40, 64, NULL, NULL);

	ck_assert_ptr_nonnull(lazy);
	ck_assert_ptr_nonnull(pcpu_lazy_this(lazy));
	ck_assert_uint_eq(live_objects(), before + 1);
	pcpu_lazy_destroy(lazy);
	ck_assert_uint_eq(live_objects(), before);
}
END_TEST

/* --- visitors that meet --------------------------------------------------- */

#define NR_VISITORS 4

static pthread_barrier_t barrier;
static struct pcpu_lazy *met;

static int init_slowly(void *copy, int cpu, void *arg)
{
	atomic_fetch_add(&nr_inits, 1);
	sched_yield();
	*(int64_t *)copy = PATTERN;
	(void)cpu, (void)arg;
	return 0;
}

static void *visit_in_each_round(void *unused)
{
	unsigned round;

	for (round = 0; round < SUPPORT_SCALE(1000u); round++) {
		const int64_t *copy;

		pthread_barrier_wait(&barrier);
		copy = pcpu_lazy_visit(met, 0);
		require(copy && *copy == PATTERN, "not initialised");
		pthread_barrier_wait(&barrier);
	}
	return unused;
}

START_TEST(visit__by_several_threads_at_once__init_is_called_once)
{
	pthread_t thread[NR_VISITORS];
	unsigned round, i;

	pthread_barrier_init(&barrier, NULL, NR_VISITORS + 1);
	for (i = 0; i < NR_VISITORS; i++)
		pthread_create(&thread[i], NULL, visit_in_each_round, NULL);
	for (round = 0; round < SUPPORT_SCALE(1000u); round++) {
		nr_inits = 0;
		met = pcpu_lazy_create(8, 8, init_slowly, NULL);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		ck_assert_int_eq(nr_inits, 1);
		pcpu_lazy_destroy(met);
	}
	for (i = 0; i < NR_VISITORS; i++)
		pthread_join(thread[i], NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("lazy");
	TCase *tc = tcase_create("lazy");

	tcase_add_test(tc, this__first_visit__initialises_the_zeroed_copy_once);
	tcase_add_test(
		tc, ptr_and_for_each__some_copies__just_the_initialised_ones);
	tcase_add_test(
		tc,
		visit__init_fails__its_errno_and_the_next_visitor_tries_again);
	tcase_add_test(tc, visit__cpu_that_is_not_possible__einval);
	tcase_add_test(tc, create__bad_arguments__as_an_allocation);
	tcase_add_test(tc, destroy__whatever_was_initialised__gives_all_back);
	tcase_add_test(tc,
		       visit__by_several_threads_at_once__init_is_called_once);
	suite_add_tcase(suite, tc);
	return suite;
}

/* On a machine whose CPUs take several words. */
int main(int argc, char **argv)
{
	if (!getenv("PCPU_POSSIBLE_CPUS")) {
		setenv("PCPU_POSSIBLE_CPUS", "201", 1);
		execv("/proc/self/exe", argv);
	}
	return support_main(argc, argv, suite, NULL);
}
