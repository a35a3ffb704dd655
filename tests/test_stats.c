// SPDX-License-Identifier: MIT
/* Statistics as a structure, text and JSON, against known populations. */
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include <pcpu.h>

#include "support.h"

struct kind {
	size_t size, align;
	unsigned nr;
};

static const struct kind kinds[] = {
	{8, 8, 100}, {24, 4, 300}, {1000, 8, 50}, {64, 4096, 5}, {32768, 8, 10},
};
#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define NR_OBJECTS 465u

struct population {
	void *objects[NR_OBJECTS];
	unsigned nr;
	size_t bytes; /* usable */
};

static struct pcpu_stats get_stats(void)
{
	struct pcpu_stats stats;

	memset(&stats, 0xff, sizeof(stats));
	ck_assert_int_eq(pcpu_stats_get(&stats), 0);
	return stats;
}

static void populate(struct population *population)
{
	unsigned kind, i;

	memset(population, 0, sizeof(*population));
	for (kind = 0; kind < NR_KINDS; kind++)
		for (i = 0; i < kinds[kind].nr; i++) {
			void *p =
				pcpu_alloc(kinds[kind].size, kinds[kind].align);

			require(p != NULL, "errno %d", errno);
			population->objects[population->nr++] = p;
			population->bytes += pcpu_usable_size(p);
		}
	require(population->nr == NR_OBJECTS, "%u objects", population->nr);
}

/* Free every step-th object, from the first on. */
static void thin_out(struct population *population, unsigned step)
{
	unsigned i;

	for (i = 0; i < NR_OBJECTS; i += step) {
		void *p = population->objects[i];

		if (!p)
			continue;
		population->objects[i] = NULL;
		population->nr--;
		population->bytes -= pcpu_usable_size(p);
		pcpu_free(p);
	}
}

/* --- the structure -------------------------------------------------------- */

START_TEST(layout__agrees_with_itself_and_the_api)
{
	struct pcpu_stats stats = get_stats();
	unsigned nr = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		nr++;
	ck_assert_uint_eq(stats.nr_cpu_ids, pcpu_nr_cpus());
	ck_assert_uint_eq(stats.nr_units, nr);
	ck_assert_uint_ge(stats.nr_nodes, 1);
	ck_assert_uint_gt(stats.nr_arenas, 0);
	ck_assert_uint_eq(stats.nr_arenas % (2 * stats.nr_nodes), 0);
	ck_assert_uint_eq(stats.chunk_size % stats.page_size, 0);
	ck_assert_uint_gt(stats.unit_size, stats.chunk_size);
	ck_assert_uint_eq(stats.unit_size % stats.chunk_size, 0);
}
END_TEST

static void expect_population(const struct population *population,
			      const struct pcpu_stats *before)
{
	struct pcpu_stats stats = get_stats();

	ck_assert_uint_eq(stats.nr_cur_alloc, population->nr);
	ck_assert_uint_eq(stats.live_bytes, population->bytes);
	ck_assert_uint_eq(stats.nr_alloc - before->nr_alloc, NR_OBJECTS);
	ck_assert_uint_eq(stats.nr_alloc - stats.nr_dealloc, population->nr);
	ck_assert_uint_ge(stats.nr_max_alloc, population->nr);
	ck_assert_uint_le(stats.nr_max_alloc, NR_OBJECTS);
	ck_assert_uint_ge(stats.nr_max_chunks, stats.nr_chunks);
	ck_assert_uint_eq(stats.unit_bytes, stats.nr_chunks * stats.chunk_size);
	ck_assert_uint_ge(stats.populated_bytes, stats.live_bytes);
	ck_assert_uint_le(stats.populated_bytes, stats.unit_bytes);
	ck_assert_uint_le(stats.empty_pop_pages * stats.page_size,
			  stats.populated_bytes);
	ck_assert_uint_gt(stats.metadata_bytes, 0);
}

START_TEST(known_population__is_counted_exactly)
{
	struct pcpu_stats before = get_stats(), stats;
	struct population population;

	ck_assert_uint_eq(before.nr_cur_alloc, 0);
	ck_assert_uint_eq(before.live_bytes, 0);
	populate(&population);
	expect_population(&population, &before);
	stats = get_stats();
	ck_assert_uint_eq(stats.min_alloc_size, 8);
	ck_assert_uint_eq(stats.max_alloc_size, 32768);
	thin_out(&population, 3);
	expect_population(&population, &before);
	thin_out(&population, 2);
	expect_population(&population, &before);
	ck_assert_uint_eq(get_stats().nr_max_alloc, NR_OBJECTS);
	thin_out(&population, 1);
	expect_population(&population, &before);
	stats = get_stats();
	ck_assert_uint_eq(stats.min_alloc_size, 0);
	ck_assert_uint_eq(stats.max_alloc_size, 0);
}
END_TEST

/* A job, as a forked child's trim may leave the work to another thread. */
static void job_trim(void)
{
	struct population population;
	struct pcpu_stats stats;
	size_t bytes;

	populate(&population);
	thin_out(&population, 1);
	bytes = pcpu_trim();
	pcpu_stats_get(&stats);
	require(bytes % (stats.chunk_size * stats.nr_units) == 0,
		"%zu bytes given back", bytes);
	/* One chunk a node may stay for NOWAIT callers, but no memory. */
	require(stats.nr_chunks <= stats.nr_nodes && !stats.nr_retired,
		"%zu bytes of chunks", stats.unit_bytes);
	require(!stats.populated_bytes && !stats.empty_pop_pages,
		"%zu bytes populated", stats.populated_bytes);
	require(stats.nr_max_chunks > 0, "no chunk, ever");
	require(pcpu_trim() == 0, "more bytes given back");
}

START_TEST(all_freed_and_trimmed__no_memory_is_left)
{
	support_run_job("trim", NULL);
}
END_TEST

START_TEST(bad_arguments__are_errors)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);

	errno = 0;
	ck_assert_int_eq(pcpu_stats_get(NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	errno = 0;
	ck_assert_int_eq(pcpu_stats_print(NULL, PCPU_STATS_TEXT), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(pcpu_stats_print(file, -1), -1);
	fclose(file);
	ck_assert_uint_eq(length, 0);
	free(text);
}
END_TEST

START_TEST(print_to_a_full_device__is_an_error)
{
	FILE *file = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(file);
	errno = 0;
	ck_assert_int_eq(pcpu_stats_print(file, PCPU_STATS_TEXT), -1);
	ck_assert_int_eq(errno, ENOSPC);
	fclose(file);
}
END_TEST

/* --- what is printed ------------------------------------------------------ */

static char *print_stats(int format)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);

	require(file != NULL, "open_memstream");
	errno = EDOM;
	require(!pcpu_stats_print(file, format) && errno == EDOM, "%d", errno);
	fclose(file);
	require(strlen(text) == length, "a NUL inside");
	return text;
}

static const char *const names[] = {
	"unit_size",      "nr_alloc",        "nr_dealloc",    "nr_cur_alloc",
	"nr_max_alloc",   "nr_chunks",       "nr_max_chunks", "min_alloc_size",
	"max_alloc_size", "empty_pop_pages", "first_bit",     "free_bytes",
	"contig_bytes",   "sum_frag",        "max_frag",      "cur_min_alloc",
	"cur_med_alloc",  "cur_max_alloc",
};

START_TEST(text__has_the_kernels_names)
{
	struct population population;
	char *text;
	unsigned i;

	populate(&population);
	text = print_stats(PCPU_STATS_TEXT);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(strstr(text, names[i]) != NULL, "no %s in: %s",
			      names[i], text);
	free(text);
	thin_out(&population, 1);
}
END_TEST

static json_t *parse_stats(void)
{
	char *text = print_stats(PCPU_STATS_JSON);
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	require(root && json_is_object(root), "line %d: %s: %s", error.line,
		error.text, text);
	free(text);
	return root;
}

static uint64_t get_number(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	require(value && json_is_integer(value), "no number %s", name);
	return (uint64_t)json_integer_value(value);
}

/* What the chunks of all arenas add up to. */
static uint64_t sum_over_chunks(const json_t *root, const char *name)
{
	const json_t *arenas = json_object_get(root, "arenas");
	uint64_t sum = 0;
	size_t i, k;

	for (i = 0; i < json_array_size(arenas); i++) {
		const json_t *chunks =
			json_object_get(json_array_get(arenas, i), "chunks");

		require(json_is_array(chunks), "no chunks in arena %zu", i);
		for (k = 0; k < json_array_size(chunks); k++)
			sum += name ? get_number(json_array_get(chunks, k),
						 name)
				    : 1;
	}
	return sum;
}

static void check_sums(unsigned nr_live, size_t live_bytes)
{
	json_t *root = parse_stats();
	const json_t *layout = json_object_get(root, "layout");
	const json_t *global = json_object_get(root, "global");
	const json_t *arenas = json_object_get(root, "arenas");
	uint64_t chunks = 0;
	size_t i;

	require(get_number(layout, "nr_cpu_ids") == pcpu_nr_cpus(), "CPUs");
	require(json_array_size(arenas) == get_number(layout, "nr_arenas"),
		"%zu arenas", json_array_size(arenas));
	for (i = 0; i < json_array_size(arenas); i++)
		chunks += get_number(json_array_get(arenas, i), "nr_chunks");
	require(chunks == get_number(global, "nr_chunks"), "chunks of arenas");
	require(sum_over_chunks(root, NULL) >= chunks, "chunks listed");
	require(get_number(global, "nr_cur_alloc") == nr_live, "live objects");
	require(sum_over_chunks(root, "nr_alloc") == nr_live,
		"live objects of chunks");
	require(get_number(global, "live_bytes") == live_bytes, "live bytes");
	require(sum_over_chunks(root, "live_bytes") == live_bytes,
		"live bytes of chunks");
	require(sum_over_chunks(root, "empty_pop_pages") ==
			get_number(global, "empty_pop_pages"),
		"empty_pop_pages of chunks");
	json_decref(root);
}

static void job_json(void)
{
	struct population population;

	populate(&population);
	check_sums(population.nr, population.bytes);
	thin_out(&population, 3);
	check_sums(population.nr, population.bytes);
	thin_out(&population, 1);
	pcpu_trim();
	check_sums(0, 0);
}

START_TEST(json__parses_and_its_sums_agree)
{
	static const char *const env[] = {"PCPU_POSSIBLE_CPUS=8",
					  "PCPU_NODES=4", NULL};

	support_run_job("json", NULL);
	support_run_job("json", env);
}
END_TEST

static atomic_bool stop;

static void *churn(void *arg)
{
	struct rng rng = {.state = (uintptr_t)arg};
	void *held[64] = {NULL};
	unsigned i;

	while (!stop) {
		void **slot = &held[rng_below(&rng, 64)];

		pcpu_free(*slot);
		*slot = pcpu_alloc(1 + rng_below(&rng, 3000), 4);
		require(*slot != NULL, "errno %d", errno);
	}
	for (i = 0; i < 64; i++)
		pcpu_free(held[i]);
	return NULL;
}

START_TEST(statistics_beside_busy_threads__are_plausible_and_parse)
{
	pthread_t threads[3];
	struct pcpu_stats stats;
	unsigned i;

	for (i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, churn,
						(void *)(uintptr_t)(i + 1)),
				 0);
	for (i = 0; i < SUPPORT_SCALE(300u); i++) {
		json_decref(parse_stats());
		free(print_stats(PCPU_STATS_TEXT));
		stats = get_stats();
		ck_assert_uint_le(stats.max_alloc_size, 4096);
		if (i % 16 == 0)
			pcpu_trim();
	}
	stop = true;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	support_expect_none_live();
}
END_TEST

static const struct support_job jobs[] = {
	{"json", job_json},
	{"trim", job_trim},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stats");
	TCase *tcase = tcase_create("stats");

#define ADD(name) tcase_add_test(tcase, name)
	tcase_set_timeout(tcase, 60);
	ADD(layout__agrees_with_itself_and_the_api);
	ADD(known_population__is_counted_exactly);
	ADD(all_freed_and_trimmed__no_memory_is_left);
	ADD(bad_arguments__are_errors);
	ADD(print_to_a_full_device__is_an_error);
	ADD(text__has_the_kernels_names);
	ADD(json__parses_and_its_sums_agree);
	ADD(statistics_beside_busy_threads__are_plausible_and_parse);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
