// SPDX-License-Identifier: MIT
/*
 * Bookkeeping that somebody wrote over: PCPU_DEBUG=2 says what is wrong, and
 * without it nothing loops for ever. (Row 20 of the table of faults.)
 */
#include <stdlib.h>
#include <sys/time.h>

#include "arena/arena.h"
#include "arena/debug.h"
#include "chunk/registry.h"
#include "pcpu.h"
#include "tests/owned.h"
#include "tests/support.h"

/* A live object in a slab whose last word has bits that stand for nothing. */
static struct object live(void **handle, unsigned *class)
{
	struct found found;
	uint32_t inside;

	*handle = owned_alloc(40, 0, 1);
	ck_assert(registry_find_around(*handle, &found, &inside));
	*class = map_class(found.entry);
	ck_assert_uint_ne(size_classes[*class].last_word, UINT64_MAX);
	return found.object;
}

/* --- level 2 ---------------------------------------------------------------
 */

struct wrong {
	atom64 *word; /* or */
	atom8 *byte;
	uint64_t bits; /* changed by exclusive or */
};

static void spoil(const struct wrong *w)
{
	if (w->word)
		store_relaxed(w->word, load_relaxed(w->word) ^ w->bits);
	if (w->byte)
		store_relaxed(w->byte,
			      load_relaxed(w->byte) ^ (uint8_t)w->bits);
}

static void spoil_and_trim(void *arg)
{
	spoil(arg);
	pcpu_trim();
}

static void spoil_and_work(void *arg)
{
	unsigned i;

	spoil(arg);
	for (i = 0; i < DEBUG_PERIOD; i++)
		pcpu_free(pcpu_alloc(2000, 4));
}

static void expect_found(struct wrong wrong, const char *words)
{
	support_expect_abort(spoil_and_trim, &wrong, NULL, words);
	support_expect_abort(spoil_and_work, &wrong, NULL, words);
}

START_TEST(free_bit_of_a_live_object__is_reported)
{
	unsigned class;
	void *p;
	struct object object = live(&p, &class);
	struct wrong wrong = {.word = word_of(object.word),
			      .bits = word_bit(object.bit)};

	support_expect_abort(spoil_and_trim, &wrong, p, "its bit is free");
	expect_found(wrong, "its bit is free");
	owned_free(p);
}
END_TEST

#define NO_OBJECT "stands for no object"
#define NO_ENTRY "a map entry that none can have"

START_TEST(free_bit_without_an_object__is_reported)
{
	unsigned class;
	void *p;
	page_id head = word_page(live(&p, &class).word);
	const struct size_class *c = &size_classes[class];
	atom64 *last = word_of(page_word(head, c->nr_words - 1u));

	expect_found((struct wrong){.word = last, .bits = word_bit(63)},
		     NO_OBJECT);
	expect_found((struct wrong){.word = last + 1, .bits = 1}, NO_OBJECT);
	/* Of a page without a slab. */
	head = chunk_page(page_chunk(head), CHUNK_PAGES - 1);
	ck_assert_uint_eq(map_load(head), 0);
	expect_found((struct wrong){.word = word_of(page_word(head, 3)),
				    .bits = word_bit(17)},
		     NO_OBJECT);
	owned_free(p);
}
END_TEST

START_TEST(count_of_used_objects_too_high__is_reported)
{
	unsigned class;
	void *p;
	word_id word = live(&p, &class).word;

	expect_found((struct wrong){.byte = &layout.used[word.nr], .bits = 128},
		     NO_OBJECT);
	owned_free(p);
}
END_TEST

START_TEST(any_bit_of_a_map_entry_flipped__is_reported)
{
	unsigned class;
	void *p;
	atom64 *entry = &layout.map[word_page(live(&p, &class).word).nr];

	/* Not the owner's bits: any CPU may be it, and then it is a hint. */
	if (_i >= MAP_OWNER_SHIFT && _i < 29 &&
	    _i - MAP_OWNER_SHIFT < 32 - __builtin_clz(libpcpu_nr_cpu_ids))
		return;
	expect_found(
		(struct wrong){.word = entry, .bits = word_bit((unsigned)_i)},
		NO_ENTRY "|" NO_OBJECT);
	owned_free(p);
}
END_TEST

START_TEST(page_free_that_has_a_slab__is_reported)
{
	unsigned class;
	void *p;
	page_id head = word_page(live(&p, &class).word);
	struct chunk *chunk = chunk_of(page_chunk(head));
	struct wrong wrong = {.word = &chunk->free,
			      .bits = word_bit(page_index(head))};

	/* It would be carved anew by the next allocation. */
	support_expect_abort(spoil_and_trim, &wrong, NULL,
			     "a free bit in its chunk, and a slab");
	expect_found((struct wrong){.word = &chunk->free, .bits = 1}, "gap");
	expect_found((struct wrong){.word = &chunk->dirty, .bits = 1}, "gap");
	expect_found((struct wrong){.word = &chunk->idle, .bits = 1}, "gap");
	owned_free(p);
}
END_TEST

static void overrun_and_trim(void *p)
{
	pcpu_ptr((char *)p, support_last_cpu())[40] = 1;
	pcpu_trim();
}

static void overrun_and_work(void *p)
{
	unsigned i;

	pcpu_ptr((char *)p, support_last_cpu())[-1] = 1;
	for (i = 0; i < DEBUG_PERIOD; i++)
		pcpu_free(pcpu_alloc(2000, 4));
}

START_TEST(overrun_of_a_live_object__is_reported_before_it_is_freed)
{
	unsigned class;
	void *p;

	live(&p, &class);
	support_expect_caught(overrun_and_trim, p, p, "was written behind");
	support_expect_caught(overrun_and_work, p, p, "was written in front");
	owned_free(p);
}
END_TEST

/* --- all levels ------------------------------------------------------------
 */

/* One bit, anywhere in what is in use. */
static void spoil_anything(struct rng *rng)
{
	chunk_id id = {rng_below(rng, 4) ? 0
					 : layout.window_pages / CHUNK_PAGES};
	page_id page = chunk_page(id, 1 + (unsigned)rng_below(rng, 20));
	struct chunk *chunk = chunk_of(id);
	atom64 *words[] = {
		word_of(page_word(page, (unsigned)rng_below(rng, 3))),
		&layout.map[page.nr],
		&chunk->free,
		&chunk->room,
		&chunk->dirty,
		&chunk->idle,
	};
	atom64 *word = words[rng_below(rng, 6)];

	store_relaxed(word, load_relaxed(word) ^
				    word_bit((unsigned)rng_below(rng, 64)));
}

/* With a bit flipped in the middle of it. */
static void work(struct rng *rng)
{
	void *held[64] = {NULL};
	struct pcpu_stats stats;
	unsigned i;

	for (i = 0; i < 3000; i++) {
		void **slot = &held[i * 7 % 64];

		if (*slot)
			pcpu_free(*slot);
		*slot = pcpu_alloc(4 + i * 13 % 300, 4);
		if (i == 1500)
			spoil_anything(rng);
		if (i % 500 == 0) {
			pcpu_trim();
			pcpu_stats_get(&stats);
		}
	}
	for (i = 0; i < 64; i++)
		if (held[i])
			pcpu_free(held[i]);
	pcpu_trim();
}

static void spoil_and_go_on(void *arg)
{
	struct rng rng = {.state = *(uint64_t *)arg};
	static const struct itimerval limit = {.it_value = {20, 0}};

	/* Whoever loops is killed by it. */
	signal(SIGALRM, SIG_DFL);
	setitimer(ITIMER_REAL, &limit, NULL);
	work(&rng);
}

/* By a signal, or as a sanitizer ends a program. */
static bool died(const struct support_child *child)
{
	if (WIFSIGNALED(child->status))
		return WTERMSIG(child->status) != SIGALRM;
	return SUPPORT_ASAN && (strstr(child->text, "runtime error: ") ||
				strstr(child->text, "AddressSanitizer: "));
}

START_TEST(one_bit_of_the_bookkeeping_flipped__nothing_loops_for_ever)
{
	uint64_t seed = support_seed();
	unsigned i, nr[3] = {0};

	for (i = 0; i < SUPPORT_SCALE(200u); i++, seed++) {
		struct support_child child;

		support_fork(spoil_and_go_on, &seed, &child);
		ck_assert_msg(support_succeeded(&child) || died(&child),
			      "PCPU_TEST_SEED=%#llx: status %#x: %s",
			      (unsigned long long)seed, (unsigned)child.status,
			      child.text);
		if (support_succeeded(&child))
			nr[0]++;
		else if (WIFSIGNALED(child.status) &&
			 WTERMSIG(child.status) == SIGABRT)
			nr[1]++;
		else
			nr[2]++;
	}
	printf("%u not noticed, %u reported, %u crashed\n", nr[0], nr[1],
	       nr[2]);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("consistency");
	TCase *tcase = tcase_create("bookkeeping");

#define ADD(name) tcase_add_test(tcase, name)
	tcase_set_timeout(tcase, 240);
	ADD(one_bit_of_the_bookkeeping_flipped__nothing_loops_for_ever);
	suite_add_tcase(suite, tcase);
	if (debug_level < 2)
		return suite;
	ADD(free_bit_of_a_live_object__is_reported);
	ADD(free_bit_without_an_object__is_reported);
	ADD(count_of_used_objects_too_high__is_reported);
	tcase_add_loop_test(tcase, any_bit_of_a_map_entry_flipped__is_reported,
			    0, 64);
	ADD(page_free_that_has_a_slab__is_reported);
	ADD(overrun_of_a_live_object__is_reported_before_it_is_freed);
	return suite;
}

/* Once on level 2, once without. */
int main(int argc, char **argv)
{
	pid_t pid;
	int status;

	if (debug_level == 2 || getenv("TEST_PLAIN"))
		return support_main(argc, argv, make_suite, NULL);
	pid = fork();
	if (pid == 0) {
		setenv("TEST_PLAIN", "1", 1);
		unsetenv("PCPU_DEBUG");
		execv("/proc/self/exe", argv);
	}
	require(waitpid(pid, &status, 0) == pid, "errno %d", errno);
	require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x",
		(unsigned)status);
	support_enter_debug("2", argv);
	return EXIT_FAILURE;
}
