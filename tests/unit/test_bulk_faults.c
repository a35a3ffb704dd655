// SPDX-License-Identifier: MIT
/*
 * The bulk calls when they cannot do what they are asked: errors leave nothing
 * allocated, wrong frees abort with one line that names the pointer. Each in
 * processes with a front and without.
 */
#include "bulk.h"

/* --- errors --------------------------------------------------------------- */

static void expect_error(size_t size, size_t align, unsigned flags, size_t nr,
			 int error)
{
	static void *objects[8192];
	struct pcpu_stats before, after;

	pcpu_stats_get(&before);
	errno = 0;
	require(pcpu_alloc_bulk(size, align, flags, nr, objects) == -1,
		"%zu of %zu bytes at %zu", nr, size, align);
	require(errno == error, "%zu of %zu bytes at %zu: errno %d", nr, size,
		align, errno);
	pcpu_stats_get(&after);
	require(before.nr_cur_alloc == after.nr_cur_alloc &&
			before.live_bytes == after.live_bytes,
		"%llu objects before, %llu after",
		(unsigned long long)before.nr_cur_alloc,
		(unsigned long long)after.nr_cur_alloc);
}

static void job_bad_arguments(void)
{
	struct pcpu_stats stats;
	void *objects[8];

	expect_error(0, 8, 0, 8, EINVAL);
	expect_error(8, 0, 0, 8, EINVAL);
	expect_error(8, 24, 0, 8, EINVAL);
	expect_error(8, 2 * PCPU_ALIGN_MAX, 0, 1, EINVAL);
	expect_error(8, 8, 4, 8, EINVAL);
	expect_error(8, 8, 4 | PCPU_NOWAIT, 8, EINVAL);
	expect_error(PCPU_SIZE_MAX + 1, 8, 0, 8, ENOMEM);
	expect_error(SIZE_MAX, 8, PCPU_NOWAIT, 8, ENOMEM);
	errno = EXDEV;
	require(!pcpu_alloc_bulk(8, 8, 0, 8, objects), "errno %d", errno);
	pcpu_free_bulk(0, NULL);
	pcpu_free_bulk(8, objects);
	require(!pcpu_alloc_bulk(8, 8, 0, 0, NULL) && errno == EXDEV,
		"errno %d", errno);
	pcpu_stats_get(&stats);
	require(stats.nr_alloc == 8 && stats.nr_dealloc == 8,
		"%llu allocations", (unsigned long long)stats.nr_alloc);
}

/* As many as there are, and not one more. */
static void expect_exactly(size_t size, unsigned flags)
{
	static void *objects[8192];
	size_t nr = 0;

	while ((objects[nr] = pcpu_alloc_flags(size, 8, flags)))
		require(++nr < NR(objects), "no end");
	pcpu_free_bulk(nr, objects);
	expect_error(size, 8, flags, nr + 1, ENOMEM);
	expect_error(size, 8, flags, NR(objects), ENOMEM);
	require(!pcpu_alloc_bulk(size, 8, flags, nr, objects), "%zu of %zu", nr,
		size);
	pcpu_free_bulk(nr, objects);
}

static void job_scarce(void)
{
	void *p, *last = NULL;
	unsigned i;
	chunk_id id;

	expect_exactly(PCPU_SIZE_MAX, PCPU_NOWAIT);
	for (i = 0; i < arena_count(); i++)
		while (pool_claim(&arena_at(i)->pool, &id))
			;
	expect_exactly(PCPU_SIZE_MAX, 0);
	while ((p = pcpu_alloc(PCPU_SIZE_MAX, 8)))
		last = p;
	pcpu_free(last);
	expect_exactly(8, PCPU_NOWAIT);
	expect_exactly(8, 0);
	expect_exactly(40, 0);
	require(pcpu_alloc(PCPU_SIZE_MAX, 8) == last, "pages are lost");
}

/* --- wrong frees ---------------------------------------------------------- */

#define FREE "already free|given back"

struct array {
	size_t nr;
	void *objects[4];
};

static void free_array(void *arg)
{
	struct array *array = arg;

	pcpu_free_bulk(array->nr, array->objects);
}

/* As support_expect_abort(), for jobs. */
static void expect_abort(struct array *array, const void *pointer,
			 const char *words)
{
	struct support_child child;
	char address[32], list[64], *word, *rest = NULL;
	const char *newline;
	bool found = false;

	support_fork(free_array, array, &child);
	require(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		"status %#x: %s", (unsigned)child.status, child.text);
	newline = strchr(child.text, '\n');
	require(newline && !newline[1], "not one line: %s", child.text);
	snprintf(address, sizeof(address), "pcpu_free_bulk(%p)", pointer);
	require(strstr(child.text, address), "no %s: %s", address, child.text);
	snprintf(list, sizeof(list), "%s", words);
	for (word = strtok_r(list, "|", &rest); word;
	     word = strtok_r(NULL, "|", &rest))
		found = found || strstr(child.text, word);
	require(found, "no \"%s\": %s", words, child.text);
}

static const size_t sizes[] = {4, 8, 40, 64, 256, 32768};

static void job_twice_in_the_array(void)
{
	void *p, *q, *other = pcpu_alloc(1000, 8);
	size_t s;

	for (s = 0; s < NR(sizes); s++) {
		p = pcpu_alloc(sizes[s], 8);
		q = pcpu_alloc(sizes[s], 8);
		expect_abort(&(struct array){2, {p, p}}, p, FREE);
		expect_abort(&(struct array){3, {p, q, p}}, p, FREE);
		expect_abort(&(struct array){3, {p, other, p}}, p, FREE);
		expect_abort(&(struct array){4, {q, NULL, p, p}}, p, FREE);
		pcpu_free_bulk(2, (void *[]){p, q});
	}
}

/* With its first free the object's slab goes. */
static void job_twice_and_the_slab_goes(void)
{
	size_t s;
	void *p;

	for (s = 0; s < NR(sizes); s++) {
		p = pcpu_alloc(sizes[s], 8);
		arena_drain(WINDOW_SKEWED);
		expect_abort(&(struct array){2, {p, p}}, p, FREE);
		expect_abort(&(struct array){3, {p, NULL, p}}, p, FREE);
		pcpu_free(p);
	}
}

/* Two words of a slab; an object of one was free before, and the slab goes with
 * that of the other. */
static void job_free_before_and_the_slab_goes(void)
{
	void *objects[128];

	require(!pcpu_alloc_bulk(32, 8, 0, 128, objects), "errno %d", errno);
	arena_drain(WINDOW_SKEWED);
	pcpu_free_bulk(127, objects + 1);
	expect_abort(&(struct array){2, {objects[0], objects[127]}},
		     objects[127], FREE);
	expect_abort(&(struct array){2, {objects[127], objects[0]}},
		     objects[127], FREE);
	expect_abort(&(struct array){2, {objects[0], objects[1]}}, objects[1],
		     FREE);
}

/* Its bit is in the slot, in that of another CPU, in the word. */
static void job_free_before(void)
{
	size_t s;

	for (s = 0; s + 1 < NR(sizes); s++) {
		void *p = pcpu_alloc(sizes[s], 8), *q = pcpu_alloc(sizes[s], 8);

		pcpu_free(p);
		expect_abort(&(struct array){1, {p}}, p, FREE);
		expect_abort(&(struct array){2, {q, p}}, p, FREE);
		expect_abort(&(struct array){2, {p, q}}, p, FREE);
		run_on_cpu(1);
		expect_abort(&(struct array){2, {q, p}}, p, FREE);
		arena_drain(WINDOW_SKEWED);
		expect_abort(&(struct array){2, {q, p}}, p, FREE);
		pcpu_free(q);
		run_on_cpu(0);
	}
}

static void job_no_object(void)
{
	char *p = pcpu_alloc(64, 8), *copy = pcpu_ptr(p, 1);
	void *wild = (void *)~(uintptr_t)0;
	int local;

	expect_abort(&(struct array){2, {p, p + 4}}, p + 4, "inside an object");
	expect_abort(&(struct array){2, {p, copy}}, copy, "copy of");
	expect_abort(&(struct array){2, {NULL, &local}}, &local, "not a per");
	expect_abort(&(struct array){2, {p, wild}}, wild, "not a per-CPU");
	expect_abort(&(struct array){1, {p + (1 << 20)}}, p + (1 << 20),
		     "never allocated");
}

/* -------------------------------------------------------------------------- */

START_TEST(alloc__bad_argument__which_error_and_nothing_allocated)
{
	bulk_run("bad_arguments", _i, "PCPU_POSSIBLE_CPUS=8");
}
END_TEST

START_TEST(alloc__memory_runs_out__enomem_and_nothing_allocated)
{
	bulk_run("scarce", _i, "PCPU_POSSIBLE_CPUS=1024");
}
END_TEST

START_TEST(free__twice_in_the_array__aborts)
{
	bulk_run("twice_in_the_array", _i, "PCPU_POSSIBLE_CPUS=8");
}
END_TEST

START_TEST(free__twice_with_the_last_of_a_slab__aborts)
{
	bulk_run("twice_and_the_slab_goes", _i, "PCPU_POSSIBLE_CPUS=8");
}
END_TEST

START_TEST(free__free_before_with_the_last_of_a_slab__aborts)
{
	bulk_run("free_before_and_the_slab_goes", _i, "PCPU_POSSIBLE_CPUS=8");
}
END_TEST

START_TEST(free__free_before__aborts_wherever_its_bit_is)
{
	bulk_run("free_before", _i, "PCPU_POSSIBLE_CPUS=8");
}
END_TEST

START_TEST(free__no_object__aborts)
{
	bulk_run("no_object", _i, "PCPU_POSSIBLE_CPUS=8");
}
END_TEST

static const struct support_job jobs[] = {
	{"bad_arguments", job_bad_arguments},
	{"scarce", job_scarce},
	{"twice_in_the_array", job_twice_in_the_array},
	{"twice_and_the_slab_goes", job_twice_and_the_slab_goes},
	{"free_before_and_the_slab_goes", job_free_before_and_the_slab_goes},
	{"free_before", job_free_before},
	{"no_object", job_no_object},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("bulk_faults");
	TCase *tc = tcase_create("bulk_faults");

#define ADD(name) tcase_add_loop_test(tc, name, 0, NR_MODES)
	tcase_set_timeout(tc, 60);
	ADD(alloc__bad_argument__which_error_and_nothing_allocated);
	ADD(alloc__memory_runs_out__enomem_and_nothing_allocated);
	ADD(free__twice_in_the_array__aborts);
	ADD(free__twice_with_the_last_of_a_slab__aborts);
	ADD(free__free_before_with_the_last_of_a_slab__aborts);
	ADD(free__free_before__aborts_wherever_its_bit_is);
	ADD(free__no_object__aborts);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(int argc, char **argv)
{
	bulk_start();
	return support_main(argc, argv, make_suite, jobs);
}
