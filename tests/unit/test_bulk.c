// SPDX-License-Identifier: MIT
/*
 * Many objects at once: what pcpu.h promises of pcpu_alloc_bulk() and
 * pcpu_free_bulk(), in processes with a front and in those without. Errors and
 * wrong frees are in test_bulk_faults.c.
 */
#include "bulk.h"
#include "owned.h"

#define NR_MAX 300u

static void fill(void *p)
{
	int cpu;

	pcpu_for_each_cpu (cpu)
		memset(pcpu_ptr(p, cpu), 0xa5, pcpu_usable_size(p));
}

/* Every byte of every copy is `value`. */
static void expect_bytes(void *p, int value)
{
	static char bytes[PCPU_SIZE_MAX];
	size_t size = pcpu_usable_size(p);
	int cpu;

	memset(bytes, value, size);
	pcpu_for_each_cpu (cpu)
		require(!memcmp(pcpu_ptr(p, cpu), bytes, size),
			"%p of %zu bytes on CPU %d: not %#x", p, size, cpu,
			(unsigned)value);
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (void *const *)a;
	uintptr_t y = (uintptr_t) * (void *const *)b;

	return x < y ? -1 : x > y;
}

/* --- objects -------------------------------------------------------------- */

static const size_t sizes[] = {4, 8, 40, 64, 256, 32768};
static const size_t aligns[] = {8, 64, 4096};
static const size_t numbers[] = {0, 1, 2, 63, 64, 65, NR_MAX};

static void expect_apart(size_t nr, void *const *objects)
{
	void *sorted[NR_MAX];
	size_t i;

	memcpy(sorted, objects, nr * sizeof(*objects));
	qsort(sorted, nr, sizeof(*sorted), by_address);
	for (i = 0; i + 1 < nr; i++)
		require((char *)sorted[i] + pcpu_usable_size(sorted[i]) <=
				(char *)sorted[i + 1],
			"%p overlaps %p", sorted[i], sorted[i + 1]);
}

/* Allocate, look at all, write them full, and free. */
static void use_bulk(size_t size, size_t align, size_t nr)
{
	void *objects[NR_MAX + 1], *end = &end;
	size_t i;

	objects[nr] = end;
	errno = EXDEV;
	require(!pcpu_alloc_bulk(size, align, 0, nr, objects), "errno %d",
		errno);
	require(objects[nr] == end, "written behind the end");
	bulk_expect_live(nr);
	expect_apart(nr, objects);
	for (i = 0; i < nr; i++) {
		require((uintptr_t)objects[i] % align == 0, "%p is not at %zu",
			objects[i], align);
		require(pcpu_usable_size(objects[i]) >= size, "%p is too small",
			objects[i]);
		expect_bytes(objects[i], 0);
		fill(objects[i]);
	}
	pcpu_free_bulk(nr, objects);
	require(errno == EXDEV, "errno %d", errno);
	support_expect_none_live();
}

/* Each number finds what the ones before left behind. */
static void job_objects(void)
{
	size_t s, a, n, round;

	for (s = 0; s < NR(sizes); s++)
		for (a = 0; a < NR(aligns); a++)
			for (n = 0; n < NR(numbers); n++)
				for (round = 0; round < 2; round++)
					if (numbers[n] * sizes[s] <= 1 << 17 &&
					    numbers[n] * aligns[a] <= 1 << 19)
						use_bulk(sizes[s], aligns[a],
							 numbers[n]);
}

/* Gaps of one, two and more objects between others that are in use. */
static void job_gaps(void)
{
	void *objects[NR_MAX], *again[NR_MAX], *gaps[NR_MAX];
	size_t s, i, nr;

	for (s = 0; s < 5; s++) {
		require(!pcpu_alloc_bulk(sizes[s], 8, 0, NR_MAX, objects),
			"errno %d", errno);
		for (i = nr = 0; i < NR_MAX; i++) {
			fill(objects[i]);
			if (i % 3 == 0 || i % 16 < 5) {
				gaps[nr++] = objects[i];
				objects[i] = NULL;
			}
		}
		pcpu_free_bulk(nr, gaps);
		require(!pcpu_alloc_bulk(sizes[s], 8, 0, NR_MAX, again),
			"errno %d", errno);
		for (i = 0; i < NR_MAX; i++)
			expect_bytes(again[i], 0);
		for (i = 0; i < NR_MAX; i++)
			if (objects[i])
				expect_bytes(objects[i], 0xa5);
		pcpu_free_bulk(NR_MAX, objects);
		pcpu_free_bulk(NR_MAX, again);
		support_expect_none_live();
	}
}

/* --- virgin memory -------------------------------------------------------- */

/* Pages of the object's copies that are in memory, over all CPUs. */
static size_t resident_pages(void *p)
{
	unsigned char vec[PCPU_SIZE_MAX / PAGE_BYTES + 1];
	size_t nr = 0, i;
	int cpu;

	pcpu_for_each_cpu (cpu) {
		uintptr_t at = (uintptr_t)pcpu_ptr(p, cpu);
		uintptr_t first = at & ~(uintptr_t)(PAGE_BYTES - 1);
		size_t bytes = at + pcpu_usable_size(p) - first;

		require(!mincore((void *)first, bytes, vec), "errno %d", errno);
		for (i = 0; i * PAGE_BYTES < bytes; i++)
			nr += vec[i] & 1;
	}
	return nr;
}

static void job_virgin(void)
{
	static void *objects[1100];
	size_t s, a, i;

	for (s = 0; s < NR(sizes); s++)
		for (a = 0; a < NR(aligns); a++) {
			require(!pcpu_alloc_bulk(sizes[s], aligns[a], 0,
						 NR(objects), objects),
				"errno %d", errno);
			for (i = 0; i < NR(objects); i += 33)
				require(!resident_pages(objects[i]),
					"%zu of %zu bytes at %zu is touched", i,
					sizes[s], aligns[a]);
		}
	*(char *)pcpu_ptr((char *)objects[0], 0) = 1;
	require(resident_pages(objects[0]) == 1, "nothing is seen");
}

/* Of 11 objects of a slab, which take four pages, the first three were used. */
static void job_half_virgin(void)
{
	void *objects[11];
	size_t i;

	require(!pcpu_alloc_bulk(1408, 128, 0, 3, objects), "errno %d", errno);
	for (i = 0; i < 3; i++)
		fill(objects[i]);
	pcpu_free_bulk(3, objects);
	require(!pcpu_alloc_bulk(1408, 128, 0, 11, objects), "errno %d", errno);
	for (i = 6; i < 11; i++)
		require(!resident_pages(objects[i]), "%zu is touched", i);
	for (i = 0; i < 11; i++)
		expect_bytes(objects[i], 0);
}

/* --- frees ---------------------------------------------------------------- */

/* Many sizes, NULLs, any order, and some go one by one. */
static void job_mixed(void)
{
	struct rng rng = {.state = support_seed()};
	void *objects[NR_MAX], *p;
	unsigned round;
	size_t i, k;

	for (round = 0; round < 200; round++) {
		for (i = 0; i < NR_MAX; i += 10) {
			size_t size =
				1 + rng_below(&rng, round % 8 ? 100 : 9000);

			require(!pcpu_alloc_bulk(size, 8, 0, 9, objects + i),
				"errno %d", errno);
			objects[i + 9] = pcpu_alloc(size, 128);
		}
		for (i = 0; i < NR_MAX; i++) {
			k = round % 2 ? i : rng_below(&rng, NR_MAX);
			p = objects[k];
			objects[k] = objects[i];
			objects[i] = p;
		}
		errno = EXDEV;
		for (i = 0; i < NR_MAX; i += 1 + rng_below(&rng, 20)) {
			pcpu_free(objects[i]);
			objects[i] = NULL;
		}
		pcpu_free_bulk(NR_MAX, objects);
		require(errno == EXDEV, "errno %d", errno);
		support_expect_none_live();
	}
}

/* By another CPU than that which allocated them, and with slots drained. */
static void job_no_slot_matches(void)
{
	void *objects[NR_MAX];
	struct found found;
	size_t s, way;

	for (s = 0; s < NR(sizes); s++)
		for (way = 0; way < 2; way++) {
			run_on_cpu(0);
			require(!pcpu_alloc_bulk(sizes[s], 8, 0, NR_MAX / 2,
						 objects),
				"errno %d", errno);
			if (way)
				arena_drain(WINDOW_SKEWED);
			else
				run_on_cpu(1);
			pcpu_free_bulk(NR_MAX / 2, objects);
			support_expect_none_live();
			require(!way || !registry_find(objects[0], &found),
				"an empty slab of %zu is left", sizes[s]);
		}
}

/* --- threads -------------------------------------------------------------- */

#define NR_PARCEL 100u
#define NR_ROUNDS SUPPORT_SCALE(4000)

struct parcel {
	size_t nr;
	void *objects[NR_PARCEL];
};

static struct parcel *counter;

static struct parcel *pack(struct rng *rng, uint32_t stamp)
{
	struct parcel *parcel = malloc(sizeof(*parcel));
	size_t i, size = 4 + 4 * rng_below(rng, 8);

	require(parcel != NULL, "malloc");
	parcel->nr = 1 + rng_below(rng, NR_PARCEL);
	require(!pcpu_alloc_bulk(size, 4, 0, parcel->nr, parcel->objects),
		"errno %d", errno);
	for (i = 0; i < parcel->nr; i++)
		owned_stamp(parcel->objects[i],
			    pcpu_usable_size(parcel->objects[i]),
			    stamp + (uint32_t)i);
	return parcel;
}

static void unpack(struct parcel *parcel)
{
	uint32_t stamp;
	size_t i;
	int cpu;

	for (i = 0; parcel && i < parcel->nr; i++) {
		stamp = owned_check(parcel->objects[i]);
		pcpu_for_each_cpu (cpu)
			__atomic_store_n(owned_words(parcel->objects[i], cpu),
					 ~stamp, __ATOMIC_RELAXED);
	}
	if (parcel)
		pcpu_free_bulk(parcel->nr, parcel->objects);
	free(parcel);
}

/* Leave a parcel, take the other's. */
static void *exchange(void *arg)
{
	uint32_t nr = (uint32_t)(uintptr_t)arg, i;
	struct rng rng = {.state = support_seed() + nr};

	run_on_cpu(nr);
	for (i = 1; i <= NR_ROUNDS; i++) {
		struct parcel *parcel = pack(&rng, (nr + 1) << 28 | i << 8);

		unpack(__atomic_exchange_n(&counter, parcel, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void job_exchange(void)
{
	pthread_t threads[2];
	uintptr_t i;

	for (i = 0; i < 2; i++)
		require(!pthread_create(&threads[i], NULL, exchange, (void *)i),
			"no thread");
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	unpack(counter);
	support_expect_none_live();
	pcpu_trim();
	support_expect_none_live();
}

/* -------------------------------------------------------------------------- */

START_TEST(alloc__any_number_and_size__distinct_and_zero_on_every_cpu)
{
	bulk_run("objects", _i, "PCPU_POSSIBLE_CPUS=72");
}
END_TEST

START_TEST(alloc__gaps_between_others__zero_and_the_others_untouched)
{
	bulk_run("gaps", _i, "PCPU_POSSIBLE_CPUS=72");
}
END_TEST

START_TEST(alloc__virgin_memory__no_page_of_any_copy_is_touched)
{
	bulk_run("virgin", _i, "PCPU_POSSIBLE_CPUS=72");
}
END_TEST

START_TEST(alloc__word_used_in_part__only_that_part_is_touched)
{
	bulk_run("half_virgin", _i, "PCPU_POSSIBLE_CPUS=72");
}
END_TEST

START_TEST(free__mixed_sizes_in_any_order__all_free_and_errno_stays)
{
	bulk_run("mixed", _i, "PCPU_POSSIBLE_CPUS=8");
}
END_TEST

START_TEST(free__by_another_cpu_or_none__slabs_are_retired)
{
	bulk_run("no_slot_matches", _i, "PCPU_POSSIBLE_CPUS=8");
}
END_TEST

START_TEST(alloc_and_free__two_cpus_exchange__every_object_has_one_owner)
{
	bulk_run("exchange", _i, "PCPU_POSSIBLE_CPUS=4");
}
END_TEST

static const struct support_job jobs[] = {
	{"objects", job_objects},   {"gaps", job_gaps},
	{"virgin", job_virgin},     {"half_virgin", job_half_virgin},
	{"mixed", job_mixed},       {"no_slot_matches", job_no_slot_matches},
	{"exchange", job_exchange}, {NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("bulk");
	TCase *tc = tcase_create("bulk");

#define ADD(name) tcase_add_loop_test(tc, name, 0, NR_MODES)
	tcase_set_timeout(tc, 60);
	ADD(alloc__any_number_and_size__distinct_and_zero_on_every_cpu);
	ADD(alloc__gaps_between_others__zero_and_the_others_untouched);
	ADD(alloc__virgin_memory__no_page_of_any_copy_is_touched);
	ADD(alloc__word_used_in_part__only_that_part_is_touched);
	ADD(free__mixed_sizes_in_any_order__all_free_and_errno_stays);
	ADD(free__by_another_cpu_or_none__slabs_are_retired);
	ADD(alloc_and_free__two_cpus_exchange__every_object_has_one_owner);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	bulk_start();
	return support_main(argc, argv, make_suite, jobs);
}
