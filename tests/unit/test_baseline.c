// SPDX-License-Identifier: MIT
/*
 * bench/baseline: shadow-model runs with every hint recomputed, contracts,
 * threads under each kind of lock, atomic callers, trimming, exhaustion.
 *
 * Each copy of a live object holds a tag of its own object and CPU in every
 * word; an overlap shows as a foreign tag.  The seed is printed; SEED=n in the
 * environment repeats a run.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "baseline/baseline.h"
#include "baseline/bits.h"
#include "baseline/check.h"
#include "baseline/slot.h"

#define NR_CPUS 3u
#define PAGE 4096u
#define NR_THREADS 4u

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOW_TOOL 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SLOW_TOOL 1
#endif
#endif
#ifndef SLOW_TOOL
#define SLOW_TOOL 0
#endif
#define SCALE(n) (SLOW_TOOL ? (n) / 4 : (n))

static uint64_t first_seed;

struct rng {
	uint64_t state;
};

static uint32_t next_random(struct rng *rng)
{
	rng->state = rng->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(rng->state >> 33);
}

static uint32_t below(struct rng *rng, uint32_t limit)
{
	return next_random(rng) % limit;
}

static void init(unsigned nr_cpus, enum baseline_lock lock, bool background)
{
	struct baseline_config config = {
		.nr_cpus = nr_cpus,
		.lock = lock,
		.zero = true,
		.background = background,
	};

	ck_assert_int_eq(baseline_init(&config), 0);
}

static size_t nr_live(void)
{
	struct baseline_stats stats;

	baseline_stats_get(&stats);
	return stats.nr_alloc;
}

/* A live object and the size that was asked for. */
struct object {
	void *p;
	size_t size;
	uint32_t tag;
};

static uint32_t *copy_of(const struct object *o, unsigned cpu)
{
	return baseline_ptr(o->p, cpu);
}

static size_t nr_words(const struct object *o)
{
	return (o->size + 3) / 4;
}

static void expect_words(const struct object *o, unsigned cpu, uint32_t wanted)
{
	const uint32_t *word = copy_of(o, cpu);
	size_t i;

	for (i = 0; i < nr_words(o); i++)
		if (word[i] != wanted)
			ck_abort_msg("%p cpu %u word %zu of %zu: %x, not %x",
				     o->p, cpu, i, nr_words(o), word[i],
				     wanted);
}

static void write_tags(const struct object *o)
{
	uint32_t *word;
	unsigned cpu;
	size_t i;

	for (cpu = 0; cpu < NR_CPUS; cpu++) {
		word = copy_of(o, cpu);
		for (i = 0; i < nr_words(o); i++)
			word[i] = o->tag + cpu;
	}
}

static void expect_tags(const struct object *o)
{
	unsigned cpu;

	for (cpu = 0; cpu < NR_CPUS; cpu++)
		expect_words(o, cpu, o->tag + cpu);
}

static void expect_fresh(const struct object *o, size_t align)
{
	unsigned cpu;

	for (cpu = 0; cpu < NR_CPUS; cpu++) {
		expect_words(o, cpu, 0);
		if (align)
			ck_assert_uint_eq((uintptr_t)copy_of(o, cpu) % align,
					  0);
	}
	ck_assert_uint_eq(baseline_usable_size(o->p), nr_words(o) * 4);
}

/* Mostly small, now and then up to the largest. */
static size_t random_size(struct rng *rng)
{
	switch (below(rng, 16)) {
	case 0:
		return 1 + below(rng, 4096);
	case 1:
		return below(rng, 8)
			       ? 1 + below(rng, 512)
			       : 1 + below(rng, (uint32_t)BASELINE_MAX_SIZE);
	default:
		return 1 + below(rng, 96);
	}
}

static size_t random_align(struct rng *rng)
{
	if (below(rng, 4))
		return 0;
	return (size_t)1 << below(rng, below(rng, 8) ? 7 : 13);
}

/* Leaves o->p NULL if an atomic request finds nothing. */
static void make(struct object *o, struct rng *rng)
{
	size_t align = random_align(rng);
	bool atomic = below(rng, 8) == 0;

	o->size = random_size(rng);
	o->tag = next_random(rng) & ~(uint32_t)0xff;
	o->p = atomic ? baseline_alloc_atomic(o->size, align)
		      : baseline_alloc(o->size, align);
	if (!o->p) {
		ck_assert(atomic);
		ck_assert_int_eq(errno, ENOMEM);
		return;
	}
	expect_fresh(o, align);
	write_tags(o);
}

static void unmake(struct object *o)
{
	expect_tags(o);
	baseline_free(o->p);
	o->p = NULL;
}

static void replace_randomly(struct object *objects, uint32_t nr,
			     struct rng *rng, unsigned nr_ops)
{
	struct object *o;

	while (nr_ops--) {
		o = &objects[below(rng, nr)];
		if (o->p)
			unmake(o);
		else
			make(o, rng);
	}
}

static void free_most(struct object *objects, uint32_t nr, struct rng *rng,
		      unsigned kept_of_16)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		if (objects[i].p && below(rng, 16) >= kept_of_16)
			unmake(&objects[i]);
}

static void check_all(const struct object *objects, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		if (objects[i].p)
			expect_tags(&objects[i]);
	ck_assert_uint_eq(baseline_check(), 0);
}

START_TEST(init__bad_config__einval)
{
	struct baseline_config config = {.nr_cpus = 0};

	ck_assert_int_eq(baseline_init(&config), -1);
	ck_assert_int_eq(errno, EINVAL);
	config.nr_cpus = 1;
	config.lock = (enum baseline_lock)(BASELINE_COHORT + 1);
	ck_assert_int_eq(baseline_init(&config), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(init__twice__ebusy_until_exit)
{
	struct baseline_config config = {.nr_cpus = 1};

	ck_assert_int_eq(baseline_init(&config), 0);
	ck_assert_int_eq(baseline_init(&config), -1);
	ck_assert_int_eq(errno, EBUSY);
	baseline_exit();
	ck_assert_int_eq(baseline_init(&config), 0);
	baseline_exit();
}
END_TEST

START_TEST(lock_name__each_kind__named)
{
	ck_assert_str_eq(baseline_lock_name(BASELINE_MUTEX), "mutex");
	ck_assert_str_eq(baseline_lock_name(BASELINE_TAS), "tas");
	ck_assert_str_eq(baseline_lock_name(BASELINE_TICKET), "ticket");
	ck_assert_str_eq(baseline_lock_name(BASELINE_MCS), "mcs");
	ck_assert_str_eq(baseline_lock_name(BASELINE_COHORT), "cohort");
	ck_assert_ptr_null(baseline_lock_name((enum baseline_lock)5));
}
END_TEST

/* The word-wise searches against one bit at a time. */
START_TEST(bits__random_maps__as_bit_by_bit)
{
	struct rng rng = {first_seed};
	uint64_t map[4] = {0};
	unsigned round, size, from, want, i;

	for (round = 0; round < SCALE(20000u); round++) {
		size = 1 + below(&rng, 256);
		from = below(&rng, size);
		want = below(&rng, size - from + 1);
		if (below(&rng, 2))
			bl_bits_fill(map, from, want);
		else
			bl_bits_clear(map, from, want);
		for (i = 0; i < want; i++)
			ck_assert(bl_bit_test(map, from + i) ==
				  bl_bit_test(map, from));

		for (i = from; i < size && !bl_bit_test(map, i); i++)
			;
		ck_assert_uint_eq(bl_bits_next_one(map, size, from), i);
		for (i = from; i < size && bl_bit_test(map, i); i++)
			;
		ck_assert_uint_eq(bl_bits_next_zero(map, size, from), i);
		for (i = size; i && !bl_bit_test(map, i - 1); i--)
			;
		ck_assert_uint_eq(bl_bits_last_one(map, size),
				  i ? i - 1 : size);
	}
}
END_TEST

START_TEST(find_area__too_small_holes__largest_is_reported)
{
	/* Free: 2 to 4, 8 to 13, 20 to 39. */
	uint64_t map[1] = {~(uint64_t)0};
	struct bl_area_wish wish = {{0, 64}, 10, 1};
	struct bl_run skipped;

	bl_bits_clear(map, 2, 3);
	bl_bits_clear(map, 8, 6);
	bl_bits_clear(map, 20, 20);
	ck_assert_uint_eq(bl_bits_find_area(map, &wish, &skipped), 20);
	ck_assert_uint_eq(skipped.start, 8);
	ck_assert_uint_eq(skipped.end, 14);
	wish.align = 8;
	ck_assert_uint_eq(bl_bits_find_area(map, &wish, &skipped), 24);
	wish.nr = 21;
	ck_assert_uint_ge(bl_bits_find_area(map, &wish, &skipped), 64);
}
END_TEST

START_TEST(alloc__bad_size_or_alignment__einval)
{
	static const struct {
		size_t size, align;
	} bad[] = {
		{0, 4},        {BASELINE_MAX_SIZE + 1, 4},
		{SIZE_MAX, 4}, {8, 3},
		{8, 24},       {8, 2 * PAGE},
		{8, SIZE_MAX}, {8, (size_t)1 << 63},
	};
	unsigned i;

	init(1, BASELINE_MUTEX, false);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		ck_assert_ptr_null(baseline_alloc(bad[i].size, bad[i].align));
		ck_assert_int_eq(errno, EINVAL);
		errno = 0;
		ck_assert_ptr_null(
			baseline_alloc_atomic(bad[i].size, bad[i].align));
		ck_assert_int_eq(errno, EINVAL);
	}
	baseline_free(NULL);
	ck_assert_uint_eq(nr_live(), 0);
	baseline_exit();
}
END_TEST

START_TEST(alloc__every_size_and_alignment__aligned_and_zero)
{
	size_t size, align;
	struct object o = {.tag = 0xabcd00};

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (size = 1; size <= BASELINE_MAX_SIZE; size = size * 2 + 1) {
		for (align = 0; align <= PAGE; align = align ? align * 2 : 1) {
			o.size = size;
			o.p = baseline_alloc(size, align);
			ck_assert_ptr_nonnull(o.p);
			expect_fresh(&o, align);
			write_tags(&o);
			unmake(&o);
		}
	}
	o.size = BASELINE_MAX_SIZE;
	o.p = baseline_alloc(o.size, PAGE);
	ck_assert_ptr_nonnull(o.p);
	expect_fresh(&o, PAGE);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(alloc__packed__no_gap_between_grains)
{
	char *a, *b, *c;

	init(1, BASELINE_MUTEX, false);
	a = baseline_alloc(1, 0);
	b = baseline_alloc(4, 4);
	c = baseline_alloc(5, 1);
	ck_assert_ptr_eq(b, a + 4);
	ck_assert_ptr_eq(c, b + 4);
	ck_assert_uint_eq(baseline_usable_size(c), 8);
	baseline_free(b);
	ck_assert_ptr_eq(baseline_alloc(4, 4), b);
	baseline_exit();
}
END_TEST

/* Loop test: bit 0 is the worker, the others choose the number of objects. */
START_TEST(random_ops__shadow_model__hints_as_recomputed)
{
	static const uint32_t sizes[] = {60, 600, 3000};
	static struct object objects[3000];
	struct rng rng = {first_seed + (unsigned)_i};
	uint32_t nr = sizes[_i / 2];
	unsigned round;

	memset(objects, 0, sizeof(objects));
	init(NR_CPUS, BASELINE_MUTEX, _i & 1);
	for (round = 0; round < SCALE(24u); round++) {
		replace_randomly(objects, nr, &rng, 2 * nr);
		check_all(objects, nr);
		free_most(objects, nr, &rng, below(&rng, 12));
		check_all(objects, nr);
		if (below(&rng, 2))
			baseline_trim();
		check_all(objects, nr);
	}
	free_most(objects, nr, &rng, 0);
	ck_assert_uint_eq(nr_live(), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

/* A hundred at a time, so that pages and blocks are crossed and emptied. */
START_TEST(random_ops__after_every_one__hints_as_recomputed)
{
	static struct object objects[100];
	struct rng rng = {first_seed + 77};
	unsigned i;

	memset(objects, 0, sizeof(objects));
	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < SCALE(2000u); i++) {
		replace_randomly(objects, 100, &rng, 1);
		ck_assert_uint_eq(baseline_check(), 0);
	}
	baseline_exit();
}
END_TEST

static void *churn(void *arg)
{
	struct rng rng = {first_seed + (uintptr_t)arg};
	struct object objects[64] = {{0}};

	replace_randomly(objects, 64, &rng, SCALE(8000u));
	free_most(objects, 64, &rng, 0);
	return NULL;
}

/* Loop test over the kinds of lock. */
START_TEST(threads__churn__nothing_shared_or_lost)
{
	pthread_t threads[NR_THREADS];
	uintptr_t i;

	init(NR_CPUS, (enum baseline_lock)_i, true);
	for (i = 0; i < NR_THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, churn, (void *)i), 0);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(nr_live(), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

/* Objects go through a shared table: freed by whoever finds them. */
static _Atomic(void *) table[256];

static void *pass_on(void *arg)
{
	struct rng rng = {first_seed + 1000 + (uintptr_t)arg};
	unsigned i;
	void *p;

	for (i = 0; i < SCALE(12000u); i++) {
		p = baseline_alloc(1 + below(&rng, 200), 0);
		ck_assert_ptr_nonnull(p);
		*(char *)baseline_ptr(p, below(&rng, NR_CPUS)) = 1;
		p = atomic_exchange(&table[below(&rng, 256)], p);
		baseline_free(p);
	}
	return NULL;
}

START_TEST(threads__freed_by_others__nothing_lost)
{
	pthread_t threads[NR_THREADS];
	uintptr_t i;

	init(NR_CPUS, (enum baseline_lock)_i, true);
	for (i = 0; i < NR_THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, pass_on, (void *)i),
			0);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 256; i++)
		baseline_free(atomic_exchange(&table[i], NULL));
	ck_assert_uint_eq(nr_live(), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(atomic__pages_used_up__fails_until_worker_ran)
{
	struct baseline_stats before, after;

	init(NR_CPUS, BASELINE_MUTEX, false);
	baseline_stats_get(&before);
	ck_assert_uint_gt(before.populated_bytes, 0);
	while (baseline_alloc_atomic(512, 64))
		;
	ck_assert_int_eq(errno, ENOMEM);
	baseline_stats_get(&after);
	ck_assert_uint_eq(after.nr_chunks, before.nr_chunks);
	ck_assert_uint_eq(after.populated_bytes, before.populated_bytes);
	ck_assert_uint_eq(after.live_bytes, after.populated_bytes);

	baseline_trim();
	ck_assert_ptr_nonnull(baseline_alloc_atomic(512, 64));
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(atomic__with_worker__served_again_soon)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	unsigned served = 0, tries = 0;

	init(NR_CPUS, BASELINE_TAS, true);
	while (served < 2000 && tries < 10000) {
		if (baseline_alloc_atomic(512, 0)) {
			served++;
		} else {
			tries++;
			nanosleep(&tick, NULL);
		}
	}
	ck_assert_uint_eq(served, 2000);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

static unsigned nr_resident(void *const *objects, unsigned nr)
{
	unsigned char resident;
	unsigned i, cpu, sum = 0;
	uintptr_t page;

	for (i = 0; i < nr; i++) {
		for (cpu = 0; cpu < NR_CPUS; cpu++) {
			page = (uintptr_t)baseline_ptr(objects[i], cpu);
			page &= ~(uintptr_t)(PAGE - 1);
			ck_assert_int_eq(mincore((void *)page, PAGE, &resident),
					 0);
			sum += resident & 1;
		}
	}
	return sum;
}

START_TEST(trim__all_freed__memory_is_given_back)
{
	enum { NR = 1000 };
	void *objects[NR];
	struct baseline_stats stats;
	size_t populated;
	unsigned i;

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < NR; i++)
		objects[i] = baseline_alloc(PAGE, PAGE);
	baseline_stats_get(&stats);
	populated = stats.populated_bytes;
	ck_assert_uint_ge(populated, (size_t)NR * PAGE);
	ck_assert_uint_eq(nr_resident(objects, NR), NR * NR_CPUS);

	for (i = 0; i < NR; i++)
		baseline_free(objects[i]);
	ck_assert_uint_ge(baseline_trim(),
			  (populated - BASELINE_UNIT_BYTES) * NR_CPUS);
	baseline_stats_get(&stats);
	ck_assert_uint_eq(stats.nr_chunks, 1);
	ck_assert_uint_le(stats.populated_bytes, BASELINE_UNIT_BYTES);
	ck_assert_uint_le(nr_resident(objects, NR),
			  BASELINE_UNIT_BYTES / PAGE * NR_CPUS);
	ck_assert_uint_eq(baseline_trim(), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

static unsigned nr_listed(unsigned slot)
{
	const struct bl_chunk *chunk;
	unsigned nr = 0;

	TAILQ_FOREACH (chunk, bl_slot_list(slot), link)
		nr++;
	return nr;
}

/* Nobody else is running: the lists may be read without the lock. */
START_TEST(slots__sparse_chunk__set_aside_drained_and_used_again)
{
	enum { NR = 256 };
	void *objects[NR];
	unsigned i, nr;

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < NR; i++)
		objects[i] = baseline_alloc(PAGE, PAGE);
	for (i = 0; i < NR; i++)
		if (i % 4)
			baseline_free(objects[i]);
	ck_assert_uint_gt(nr_listed(BL_SLOT_DEPOPULATE), 0);
	baseline_trim();
	ck_assert_uint_eq(nr_listed(BL_SLOT_DEPOPULATE), 0);
	nr = nr_listed(BL_SLOT_SIDELINED);
	ck_assert_uint_gt(nr, 0);
	/* When the chunk that was kept in reach is full. */
	for (i = 0; i < 3 * NR && nr_listed(BL_SLOT_SIDELINED) == nr; i++)
		ck_assert_ptr_nonnull(baseline_alloc(PAGE, PAGE));
	ck_assert_uint_eq(nr_listed(BL_SLOT_SIDELINED), nr - 1);
	ck_assert_uint_eq(nr_listed(BL_SLOT_FREE), 0);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(grow__work_pending_and_no_worker__done_first)
{
	enum { NR = 256 };
	struct baseline_stats before, after;
	void *objects[NR];
	unsigned i;

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < NR; i++)
		objects[i] = baseline_alloc(PAGE, PAGE);
	baseline_stats_get(&before);
	for (i = 0; i < NR; i++)
		if (i % 4)
			baseline_free(objects[i]);
	ck_assert_uint_gt(nr_listed(BL_SLOT_DEPOPULATE), 0);
	for (i = 0; i < NR; i++)
		if (i % 4)
			ck_assert_ptr_nonnull(baseline_alloc(PAGE, PAGE));
	baseline_stats_get(&after);
	ck_assert_uint_eq(after.nr_chunks, before.nr_chunks);
	baseline_exit();
}
END_TEST

START_TEST(trim__sparse_chunks__empty_pages_are_given_back)
{
	enum { NR = 1000 };
	struct object objects[NR];
	struct baseline_stats before, after;
	unsigned i;

	init(NR_CPUS, BASELINE_MUTEX, false);
	for (i = 0; i < NR; i++) {
		objects[i] = (struct object){baseline_alloc(PAGE, PAGE), PAGE,
					     i << 8};
		write_tags(&objects[i]);
	}
	for (i = 0; i < NR; i++)
		if (i % 4)
			unmake(&objects[i]);
	baseline_stats_get(&before);
	ck_assert_uint_gt(baseline_trim(), 0);
	baseline_stats_get(&after);
	ck_assert_uint_eq(after.nr_chunks, before.nr_chunks);
	ck_assert_uint_lt(after.populated_bytes, before.populated_bytes / 2);
	ck_assert_uint_eq(baseline_check(), 0);

	/* Sidelined chunks serve again before a new one is made. */
	for (i = 0; i < NR; i++) {
		if (i % 4 == 0) {
			expect_tags(&objects[i]);
			continue;
		}
		objects[i].p = baseline_alloc(PAGE, PAGE);
		expect_fresh(&objects[i], PAGE);
		write_tags(&objects[i]);
	}
	baseline_stats_get(&after);
	ck_assert_uint_eq(after.nr_chunks, before.nr_chunks);
	for (i = 0; i < NR; i++)
		expect_tags(&objects[i]);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(worker__all_freed__chunks_go_by_themselves)
{
	enum { NR = 1000 };
	const struct timespec tick = {.tv_nsec = 1000000};
	struct baseline_stats stats;
	void *objects[NR];
	unsigned i;

	init(NR_CPUS, BASELINE_MUTEX, true);
	for (i = 0; i < NR; i++)
		objects[i] = baseline_alloc(PAGE, PAGE);
	for (i = 0; i < NR; i++)
		baseline_free(objects[i]);
	for (i = 0; i < 10000; i++) {
		baseline_stats_get(&stats);
		if (stats.nr_chunks <= 2)
			break;
		nanosleep(&tick, NULL);
	}
	ck_assert_uint_le(stats.nr_chunks, 2);
	ck_assert_uint_eq(baseline_check(), 0);
	baseline_exit();
}
END_TEST

START_TEST(alloc__address_space_used_up__enomem_and_live_intact)
{
	struct baseline_config config = {.nr_cpus = 1};
	void *first, *last = NULL, *p;
	size_t nr = 0;

	ck_assert_int_eq(baseline_init(&config), 0);
	first = baseline_alloc(8, 8);
	ck_assert_ptr_nonnull(first);
	memset(baseline_ptr(first, 0), 0x5a, 8);
	while ((p = baseline_alloc(BASELINE_MAX_SIZE, PAGE))) {
		last = p;
		nr++;
	}
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_uint_gt(nr, 0);
	ck_assert_uint_eq(nr_live(), nr + 1);
	ck_assert_mem_eq(baseline_ptr(first, 0), "ZZZZZZZZ", 8);
	baseline_free(last);
	ck_assert_ptr_eq(baseline_alloc(BASELINE_MAX_SIZE, PAGE), last);
	baseline_exit();
}
END_TEST

static Suite *baseline_suite(void)
{
	Suite *suite = suite_create("baseline");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 300);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, init__bad_config__einval);
	tcase_add_test(tc, init__twice__ebusy_until_exit);
	tcase_add_test(tc, lock_name__each_kind__named);
	tcase_add_test(tc, bits__random_maps__as_bit_by_bit);
	tcase_add_test(tc, find_area__too_small_holes__largest_is_reported);
	tcase_add_test(tc, alloc__bad_size_or_alignment__einval);
	tcase_add_test(tc, alloc__every_size_and_alignment__aligned_and_zero);
	tcase_add_test(tc, alloc__packed__no_gap_between_grains);
	tcase_add_loop_test(tc, random_ops__shadow_model__hints_as_recomputed,
			    0, 6);
	tcase_add_test(tc, random_ops__after_every_one__hints_as_recomputed);
	tcase_add_loop_test(tc, threads__churn__nothing_shared_or_lost,
			    BASELINE_MUTEX, BASELINE_COHORT + 1);
	tcase_add_loop_test(tc, threads__freed_by_others__nothing_lost,
			    BASELINE_MUTEX, BASELINE_COHORT + 1);
	tcase_add_test(tc, atomic__pages_used_up__fails_until_worker_ran);
	tcase_add_test(tc, atomic__with_worker__served_again_soon);
	tcase_add_test(tc, trim__all_freed__memory_is_given_back);
	tcase_add_test(tc,
		       slots__sparse_chunk__set_aside_drained_and_used_again);
	tcase_add_test(tc, grow__work_pending_and_no_worker__done_first);
	tcase_add_test(tc, trim__sparse_chunks__empty_pages_are_given_back);
	tcase_add_test(tc, worker__all_freed__chunks_go_by_themselves);
	tcase_add_test(tc,
		       alloc__address_space_used_up__enomem_and_live_intact);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(baseline_suite());
	const char *seed = getenv("SEED");
	int nr_failed;

	first_seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("SEED=%llu\n", (unsigned long long)first_seed);
	fflush(stdout);
	srunner_run_all(runner, CK_NORMAL);
	nr_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
