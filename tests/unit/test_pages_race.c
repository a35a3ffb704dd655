// SPDX-License-Identifier: MIT
/*
 * Trims beside threads whose slabs come and go: pages are carved, freed and
 * given back all the time, in one chunk or few. Who has an object has it alone,
 * and finds it zero at first.
 */
#include <check.h>
#include <pthread.h>

#include "chunk/atomic.h"
#include "pages_fill.h"
#include "simulate.h"
#include "tests/run_suite.h"

#define NR_THREADS 3u
#define NR_HELD 24u
#define NR_TRIMS 300u

static atom32 stop, nr_errors;

struct actor {
	uint64_t random;
	int value;
	char *held[NR_HELD];
	size_t bytes[NR_HELD];
};

static void let_go(struct actor *actor, unsigned i)
{
	if (!actor->held[i])
		return;
	if (!is_filled(actor->held[i], actor->bytes[i], actor->value))
		fetch_add_relaxed(&nr_errors, 1);
	pcpu_free(actor->held[i]);
	actor->held[i] = NULL;
}

/* Slabs of one, three and eight pages; two objects of one. */
static void get(struct actor *actor, unsigned i)
{
	static const size_t sizes[] = {4096, 12288, 32768, 2048};
	size_t bytes = sizes[actor->random >> 60 & 3];
	char *p = pcpu_alloc(bytes, actor->random >> 59 & 1 ? 64 : 128);

	if (!p || !is_filled(p, bytes, 0)) {
		fetch_add_relaxed(&nr_errors, 1);
		return;
	}
	fill(p, bytes, actor->value);
	actor->held[i] = p;
	actor->bytes[i] = bytes;
}

static void *carve_and_retire(void *arg)
{
	struct actor *actor = arg;
	unsigned i;

	while (!load_relaxed(&stop)) {
		actor->random =
			actor->random * UINT64_C(6364136223846793005) + 1;
		i = (unsigned)(actor->random >> 40) % NR_HELD;
		if (actor->held[i])
			let_go(actor, i);
		else
			get(actor, i);
	}
	for (i = 0; i < NR_HELD; i++)
		let_go(actor, i);
	return NULL;
}

START_TEST(trims__beside_slabs_that_come_and_go__take_only_free_pages)
{
	static struct actor actors[NR_THREADS];
	pthread_t threads[NR_THREADS];
	struct pcpu_stats stats;
	size_t bytes = 0;
	unsigned i;

	for (i = 0; i < NR_THREADS; i++) {
		actors[i].random = i;
		actors[i].value = (int)i + 1;
		ck_assert(!pthread_create(&threads[i], NULL, carve_and_retire,
					  &actors[i]));
	}
	for (i = 0; i < NR_TRIMS; i++) {
		bytes += pcpu_trim();
		usleep(1000);
	}
	store_relaxed(&stop, 1);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(load_relaxed(&nr_errors), 0);
	ck_assert_uint_gt(bytes, 0);
	pcpu_trim();
	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	ck_assert_uint_eq(stats.nr_cur_alloc, 0);
	ck_assert_uint_eq(stats.populated_bytes, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("pages_race");
	TCase *tc = tcase_create("pages_race");

	(void)argc;
	/* With one arena pages come from the same places on each CPU. */
	simulate(argv, 5, 1, 1);
	tcase_set_timeout(tc, 60);
	tcase_add_test(
		tc, trims__beside_slabs_that_come_and_go__take_only_free_pages);
	suite_add_tcase(suite, tc);
	return run_suite_here(suite);
}
