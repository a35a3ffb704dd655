// SPDX-License-Identifier: MIT
/*
 * From pointer to object: every byte of a slab of every class, everything
 * that is no handle, and what is said about it.
 */
#include "chunk/registry.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chunk/topology.h"
#include "pcpu.h"
#include "tests/run_suite.h"

#define SIXTY_FOUR (FIRST_CLASS(WINDOW_SKEWED) + 15)

/* The library links low chunks first, so an arena's last pages stay ours. */
static page_id spare_head(unsigned class)
{
	uint32_t window = size_classes[class].window;
	uint32_t chunk = window * layout.window_pages / CHUNK_PAGES +
			 layout.arena_chunks - 1;

	return chunk_page((chunk_id){chunk}, 9);
}

/* First address of a new slab of the class. */
static uintptr_t carve(unsigned class)
{
	slab_unclaim(slab_carve(spare_head(class), class, 0));
	slab_unreserve(spare_head(class));
	return page_handle(size_classes[class].page0, spare_head(class));
}

static bool is_handle(uintptr_t address)
{
	struct found found;

	return registry_find((const void *)address, &found);
}

/* --- handles -------------------------------------------------------------- */

START_TEST(find__every_object_of_every_class__its_word_and_bit)
{
	unsigned class, n;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		uintptr_t at = carve(class);

		for (n = 0; n < c->nr_objects; n++, at += c->size) {
			struct found found;

			if (!registry_find((const void *)at, &found) ||
			    map_class(found.entry) != class ||
			    object_index(found.object) != n ||
			    word_page(found.object.word).nr !=
				    spare_head(class).nr)
				ck_abort_msg("class %u, object %u", class, n);
		}
		ck_assert(slab_retire(spare_head(class), class));
	}
}
END_TEST

/* The exactness of the division by a multiplication. */
START_TEST(find__every_byte_of_every_class__none_but_objects_starts)
{
	unsigned class;

	for (class = 1; class < NR_CLASSES; class ++) {
		const struct size_class *c = &size_classes[class];
		uintptr_t first = carve(class);
		uint32_t i;

		for (i = 0; i < c->nr_pages * PAGE_BYTES; i++)
			if (is_handle(first + i) !=
			    (i % c->size == 0 && i / c->size < c->nr_objects))
				ck_abort_msg("class %u, byte %u", class, i);
		ck_assert(!is_handle(first - 1));
		ck_assert(!is_handle(first + i));
		ck_assert(slab_retire(spare_head(class), class));
	}
}
END_TEST

START_TEST(find__what_the_allocator_gave__its_class)
{
	static const size_t aligns[] = {4, 64, 128, 4096};
	unsigned i;

	for (i = 0; i < 4; i++) {
		void *p = pcpu_alloc(100, aligns[i]);
		struct found found;
		uint64_t bit;

		ck_assert(registry_find(p, &found));
		ck_assert_uint_eq(map_class(found.entry),
				  sizeclass_of(100, aligns[i]));
		bit = word_bit(found.object.bit);
		ck_assert(!(load_relaxed(word_of(found.object.word)) & bit));
	}
}
END_TEST

/* --- no handles ----------------------------------------------------------- */

START_TEST(find__slab_that_was_retired__nothing)
{
	uintptr_t first = carve(SIXTY_FOUR);

	ck_assert(is_handle(first));
	ck_assert(slab_retire(spare_head(SIXTY_FOUR), SIXTY_FOUR));
	ck_assert(!is_handle(first));
}
END_TEST

/* Also the pages beyond the last, whose bookkeeping would be out of range. */
START_TEST(find__addresses_around_the_windows__nothing)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++) {
		uintptr_t first = layout.window[w];
		uintptr_t end = first + layout.unit_bytes;
		uintptr_t bit = (uintptr_t)1 << 36;

		ck_assert(!is_handle(first));
		ck_assert(!is_handle(first - 1));
		ck_assert(!is_handle(end - 1));
		ck_assert(!is_handle(end));
		ck_assert(!is_handle(first - 2 * bit));
		ck_assert(!is_handle(first + 2 * bit));
		ck_assert(!is_handle(~first));
	}
}
END_TEST

START_TEST(find__wild_pointers__nothing)
{
	int local;

	ck_assert(!is_handle(0));
	ck_assert(!is_handle(1));
	ck_assert(!is_handle(UINTPTR_MAX));
	ck_assert(!is_handle((uintptr_t)1 << 63));
	ck_assert(!is_handle((uintptr_t)&local));
	ck_assert(!is_handle((uintptr_t)&layout));
	ck_assert(!is_handle((uintptr_t)layout.words));
}
END_TEST

START_TEST(find__copies_of_an_object__nothing)
{
	uintptr_t first = carve(SIXTY_FOUR);
	unsigned unit;

	for (unit = 0; unit < layout.nr_units; unit++)
		ck_assert(!is_handle(first +
				     (uintptr_t)layout.unit_offset[0][unit]));
}
END_TEST

/* --- what is said --------------------------------------------------------- */

static char said[512];

/* In a child, which must abort. */
static void refuse(uintptr_t address)
{
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDERR_FILENO);
		registry_refuse("caller", (const void *)address);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	close(ends[1]);
	n = read(ends[0], said, sizeof(said) - 1);
	ck_assert_int_gt(n, 0);
	said[n] = '\0';
	close(ends[0]);
}

/* One line, which names the caller and the pointer. */
static void expect_said(uintptr_t address, const char *reason)
{
	char line[256];

	refuse(address);
	snprintf(line, sizeof(line), "libpcpu: caller(%p): %s\n",
		 (void *)address, reason);
	ck_assert_str_eq(said, line);
}

START_TEST(refuse__foreign_pointer__is_no_handle)
{
	expect_said((uintptr_t)&layout, "not a per-CPU handle");
	expect_said(1, "not a per-CPU handle");
	expect_said(UINTPTR_MAX, "not a per-CPU handle");
}
END_TEST

START_TEST(refuse__copy__tells_whose)
{
	uintptr_t first = carve(SIXTY_FOUR);
	unsigned unit = layout.nr_units - 1;
	char reason[128];

	snprintf(reason, sizeof(reason),
		 "the address of CPU %u's copy of an object, not its handle",
		 topology.unit_cpu[unit]);
	expect_said(first + (uintptr_t)layout.unit_offset[0][unit], reason);
	first = layout.window[WINDOW_PAGES];
	expect_said(first + (uintptr_t)layout.unit_offset[1][unit], reason);
}
END_TEST

START_TEST(refuse__page_without_a_slab__was_never_allocated)
{
	uintptr_t first = carve(SIXTY_FOUR);
	static const char reason[] = "never allocated or given back";

	expect_said(first - 1, reason);
	expect_said(layout.window[WINDOW_PAGES], reason);
	ck_assert(slab_retire(spare_head(SIXTY_FOUR), SIXTY_FOUR));
	expect_said(first, reason);
}
END_TEST

START_TEST(refuse__interior_pointer__tells_of_which_object)
{
	uintptr_t first = carve(NR_SIZES);
	char reason[128];

	snprintf(reason, sizeof(reason),
		 "points 32767 bytes inside an object of 32768 bytes at %p",
		 (void *)first);
	expect_said(first + 32767, reason);
	first = carve(SIXTY_FOUR);
	snprintf(reason, sizeof(reason),
		 "points 1 bytes inside an object of 64 bytes at %p",
		 (void *)(first + 128));
	expect_said(first + 129, reason);
}
END_TEST

/* 48 bytes: 85 to a page, 16 bytes are left. */
START_TEST(refuse__tail_of_a_slab__is_behind_the_last_object)
{
	uintptr_t first = carve(sizeclass_of(48, 1));

	ck_assert(is_handle(first + 84 * 48));
	expect_said(first + 85 * 48,
		    "never allocated: behind the last object of a slab");
	expect_said(first + PAGE_BYTES - 1,
		    "never allocated: behind the last object of a slab");
}
END_TEST

START_TEST(refuse__free_object__is_already_free)
{
	expect_said(carve(SIXTY_FOUR) + 64, "already free");
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("registry");
	TCase *tc = tcase_create("registry");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, find__every_object_of_every_class__its_word_and_bit);
	tcase_add_test(
		tc, find__every_byte_of_every_class__none_but_objects_starts);
	tcase_add_test(tc, find__what_the_allocator_gave__its_class);
	tcase_add_test(tc, find__slab_that_was_retired__nothing);
	tcase_add_test(tc, find__addresses_around_the_windows__nothing);
	tcase_add_test(tc, find__wild_pointers__nothing);
	tcase_add_test(tc, find__copies_of_an_object__nothing);
	tcase_add_test(tc, refuse__foreign_pointer__is_no_handle);
	tcase_add_test(tc, refuse__copy__tells_whose);
	tcase_add_test(tc, refuse__page_without_a_slab__was_never_allocated);
	tcase_add_test(tc, refuse__interior_pointer__tells_of_which_object);
	tcase_add_test(tc, refuse__tail_of_a_slab__is_behind_the_last_object);
	tcase_add_test(tc, refuse__free_object__is_already_free);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
