// SPDX-License-Identifier: MIT
/*
 * The pure transitions of chunk/word.h, against what one would write bit by
 * bit.
 */
#include "chunk/word.h"

#include "tests/run_suite.h"
#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NR_RANDOM 20000

static uint64_t seed;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Words with few, half and many bits, and the borders. */
static uint64_t some_word(unsigned i)
{
	uint64_t a = next_random(), b = next_random(), c = next_random();

	switch (i % 4) {
	case 0:
		return a & b & c;
	case 1:
		return a | b | c;
	case 2:
		return a;
	default:
		return UINT64_MAX << a % 64 >> b % 64;
	}
}

static bool has(uint64_t word, unsigned bit)
{
	return word >> bit & 1;
}

/* Does a run of nr set bits start there? */
static bool run_starts(uint64_t word, unsigned at, unsigned nr)
{
	unsigned i;

	for (i = 0; i < nr; i++)
		if (at + i >= 64 || !has(word, at + i))
			return false;
	return true;
}

static unsigned count(uint64_t word)
{
	unsigned i, nr = 0;

	for (i = 0; i < 64; i++)
		nr += has(word, i);
	return nr;
}

static unsigned longest(uint64_t word)
{
	unsigned i, nr = 0;

	for (i = 0; i < 64; i++)
		while (run_starts(word, i, nr + 1))
			nr++;
	return nr;
}

/* ck_assert_*() reports every success to the parent: too slow for millions. */
static void expect(bool condition, const char *what, uint64_t word)
{
	if (!condition)
		ck_abort_msg("%s: word %#" PRIx64, what, word);
}

/* -------------------------------------------------------------------------- */

START_TEST(first__single_bit__its_index)
{
	unsigned i;

	for (i = 0; i < 64; i++) {
		ck_assert_uint_eq(word_first(word_bit(i)), i);
		ck_assert_uint_eq(word_first(UINT64_MAX << i), i);
	}
}
END_TEST

START_TEST(claim_first__any_word__only_the_lowest_bit_goes)
{
	unsigned i;

	for (i = 0; i < NR_RANDOM; i++) {
		uint64_t word = some_word(i);
		uint64_t left;

		if (!word)
			continue;
		left = word_claim_first(word);
		expect((word ^ left) == word_bit(word_first(word)),
		       "claimed another bit", word);
		expect(!left || word_first(left) > word_first(word),
		       "not the lowest", word);
	}
}
END_TEST

START_TEST(claim_first__until_empty__every_bit_once)
{
	uint64_t word = UINT64_MAX;
	unsigned i;

	for (i = 0; i < 64; i++) {
		ck_assert_uint_eq(word_first(word), i);
		word = word_claim_first(word);
	}
	ck_assert_uint_eq(word, 0);
}
END_TEST

START_TEST(count__any_word__number_of_bits)
{
	unsigned i;

	ck_assert_uint_eq(word_count(0), 0);
	ck_assert_uint_eq(word_count(UINT64_MAX), 64);
	for (i = 0; i < NR_RANDOM; i++) {
		uint64_t word = some_word(i);

		expect(word_count(word) == count(word), "count", word);
		expect(word_sum(word) == count(word), "sum", word);
	}
}
END_TEST

START_TEST(run__every_place_and_length__those_bits)
{
	unsigned at, nr, i;

	for (at = 0; at < 64; at++)
		for (nr = 1; nr <= 64 - at; nr++)
			for (i = 0; i < 64; i++)
				expect(has(word_run(at, nr), i) ==
					       (i >= at && i < at + nr),
				       "run", word_run(at, nr));
}
END_TEST

START_TEST(run_starts__any_word_and_length__exactly_the_starts)
{
	unsigned i, nr, at;

	for (i = 0; i < NR_RANDOM / 40; i++) {
		uint64_t word = some_word(i);

		for (nr = 1; nr <= 64; nr++)
			for (at = 0; at < 64; at++)
				expect(has(word_run_starts(word, nr), at) ==
					       run_starts(word, at, nr),
				       "starts", word);
	}
}
END_TEST

START_TEST(run_starts__run_up_to_the_last_bit__found)
{
	unsigned nr;

	for (nr = 1; nr <= 64; nr++) {
		uint64_t word = word_run(64 - nr, nr);

		ck_assert_uint_eq(word_run_starts(word, nr), word_bit(64 - nr));
		if (nr < 64)
			ck_assert_uint_eq(word_run_starts(word, nr + 1), 0);
	}
}
END_TEST

START_TEST(run_around__any_free_bit__as_far_as_bits_are_free)
{
	unsigned i, at;

	for (i = 0; i < NR_RANDOM / 40; i++) {
		uint64_t word = i ? some_word(i) : UINT64_MAX;

		for (at = 0; at < 64; at++) {
			uint64_t run = 0;
			unsigned k;

			for (k = at; k < 64 && has(word, k); k++)
				run |= word_bit(k);
			for (k = at; has(word, at) && k-- > 0 && has(word, k);)
				run |= word_bit(k);
			if (run)
				expect(word_run_around(word, at) == run,
				       "run around", word);
		}
	}
}
END_TEST

START_TEST(longest_run__any_word__its_length_up_to_the_limit)
{
	unsigned i, max;

	for (i = 0; i < NR_RANDOM / 10; i++) {
		uint64_t word = some_word(i);
		unsigned length = longest(word);

		for (max = 0; max <= 64; max += 8)
			expect(word_longest_run(word, max) ==
				       (length < max ? length : max),
			       "longest run", word);
	}
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("word");
	TCase *tc = tcase_create("word");
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) | 1;
	printf("SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	tcase_add_test(tc, first__single_bit__its_index);
	tcase_add_test(tc, claim_first__any_word__only_the_lowest_bit_goes);
	tcase_add_test(tc, claim_first__until_empty__every_bit_once);
	tcase_add_test(tc, count__any_word__number_of_bits);
	tcase_add_test(tc, run__every_place_and_length__those_bits);
	tcase_add_test(tc, run_starts__any_word_and_length__exactly_the_starts);
	tcase_add_test(tc, run_starts__run_up_to_the_last_bit__found);
	tcase_add_test(tc, run_around__any_free_bit__as_far_as_bits_are_free);
	tcase_add_test(tc, longest_run__any_word__its_length_up_to_the_limit);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
