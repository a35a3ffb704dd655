// SPDX-License-Identifier: MIT
/*
 * Races by name; the first three once hid room until the next free in the slab.
 * A victim is preempted once or twice, at all points in turn, so the tests need
 * not know at which of them the window was.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "explore.h"
#include "tests/run_suite.h"

struct scenario {
	const char *name;
	void (*prepare)(void);
	void (*victim)(void);
	void (*first)(void);  /* preempts the victim */
	void (*second)(void); /* preempts it once more, later; or NULL */
};

static const struct scenario *scenario;
static unsigned long distance; /* from the first to the second */
static unsigned nr_preempted;
static void *held[8];

static void alloc_into(unsigned i, size_t size)
{
	held[i] = explore_alloc(size, 0);
}

static void preempt_again(void)
{
	unsigned cpu = explore_cpu();

	nr_preempted = 2;
	scenario->second();
	explore_on_cpu(cpu);
}

static void preempt(void)
{
	unsigned cpu = explore_cpu();

	nr_preempted = 1;
	scenario->first();
	explore_on_cpu(cpu);
	if (scenario->second)
		explore_arm(distance, preempt_again);
}

/* Returns how often the victim was preempted before it ended. */
static unsigned run_schedule(unsigned long point)
{
	snprintf(explore_schedule, sizeof(explore_schedule),
		 "%s, preempted at %lu and %lu later", scenario->name, point,
		 distance);
	explore_reset();
	scenario->prepare();
	nr_preempted = 0;
	explore_arm(point, preempt);
	scenario->victim();
	explore_disarm();
	explore_check();
	return nr_preempted;
}

static void run_all_schedules(const struct scenario *which)
{
	unsigned long point, nr = 0;
	unsigned times = 1;

	scenario = which;
	for (point = 1; times; point++) {
		distance = 0;
		do {
			distance++;
			times = run_schedule(point);
			nr += times == (scenario->second ? 2 : 1);
		} while (times == 2);
	}
	explore_expect(nr >= 10, "%lu schedules of %lu points", nr, point);
	explore_reset();
	explore_check();
}

/* --- a stale reservation takes another slab's listing ----------------------
 * The victim is to reserve a listed slab. Before it takes the slab off the
 * list the slab is retired, and a listed one of another class lies there. In
 * between, a third thread may miss that.
 */

static void list_one_line(void)
{
	alloc_into(0, 64);
	explore_drain();
}

static void reserve_a_line(void)
{
	explore_on_cpu(1);
	alloc_into(1, 64);
}

static void list_another_class_there(void)
{
	explore_free(held[0]);
	explore_on_cpu(2);
	alloc_into(2, 56);
	alloc_into(3, 56);
	explore_drain();
}

/* Finds nothing on the list, so the chunk comes off the shelf. */
static void look_for_the_other_class(void)
{
	explore_on_cpu(0);
	alloc_into(4, 56);
}

static const struct scenario stale_reservation = {
	.name = "reservation of a slab that becomes another",
	.prepare = list_one_line,
	.victim = reserve_a_line,
	.first = list_another_class_there,
	.second = look_for_the_other_class,
};

START_TEST(reservation_gone_stale__leaves_the_other_slab_listed)
{
	run_all_schedules(&stale_reservation);
}
END_TEST

/* --- a failed retire of another class's slab -------------------------------
 * The victim frees one of two objects of a slab, the other was just freed too.
 * Before it retires the slab that has happened, and one of smaller objects lies
 * there, whose free bits look like an empty slab of the old class. While the
 * victim holds these, an allocation finds the new slab full.
 */

static void hold_two_halves_of_a_page(void)
{
	alloc_into(0, 2048);
	alloc_into(1, 2048);
	explore_drain();
}

static void free_the_first(void)
{
	explore_free(held[0]);
}

static void half_fill_quarters_there(void)
{
	unsigned i;

	explore_free(held[1]);
	explore_on_cpu(1);
	for (i = 2; i < 6; i++)
		alloc_into(i, 1024);
	explore_drain();
	explore_free(held[2]);
	explore_free(held[3]);
}

static void allocate_a_quarter(void)
{
	explore_on_cpu(2);
	alloc_into(6, 1024);
}

static const struct scenario retire_of_another = {
	.name = "retire of a slab that becomes another",
	.prepare = hold_two_halves_of_a_page,
	.victim = free_the_first,
	.first = half_fill_quarters_there,
	.second = allocate_a_quarter,
};

START_TEST(retire_of_another_classes_slab__fails_and_leaves_it_listed)
{
	run_all_schedules(&retire_of_another);
}
END_TEST

/* --- a failed retire against a claim in the second word --------------------
 * The victim empties a slab of two words and holds the first, when the second
 * is allocated from and emptied again: who does that sees the first as full,
 * so that the slab stays, and the victim finds the second in use.
 */

static void list_half_a_line(void)
{
	alloc_into(0, 32);
	explore_drain();
}

static void claim_in_the_slab(void)
{
	explore_on_cpu(1);
	alloc_into(1, 32);
}

static void free_the_claim_and_let_go(void)
{
	explore_free(held[1]);
	explore_drain();
}

static const struct scenario retire_against_claim = {
	.name = "retire of a slab in whose second word is claimed",
	.prepare = list_half_a_line,
	.victim = free_the_first,
	.first = claim_in_the_slab,
	.second = free_the_claim_and_let_go,
};

START_TEST(retire_against_a_claim_in_the_second_word__retires_in_the_end)
{
	run_all_schedules(&retire_against_claim);
}
END_TEST

/* --- a stale claim holds the last object -----------------------------------
 * The victim has read from its slot which word to claim in. Before it does, the
 * slab there becomes another; before it gives the claim back, all other objects
 * are freed, so it is the victim who must see to the slab's end.
 */

static void reserve_an_empty_slab(void)
{
	explore_free(explore_alloc(64, 0));
}

static void allocate_a_line(void)
{
	alloc_into(0, 64);
}

static void carve_another_there(void)
{
	explore_drain();
	explore_on_cpu(1);
	alloc_into(1, 56);
}

static const struct scenario stale_claim = {
	.name = "claim in a slab that becomes another",
	.prepare = reserve_an_empty_slab,
	.victim = allocate_a_line,
	.first = carve_another_there,
	.second = free_the_claim_and_let_go,
};

START_TEST(stale_claim_of_the_last_object__is_given_back_and_the_slab_retired)
{
	run_all_schedules(&stale_claim);
}
END_TEST

/* --- a chunk that empties when it is needed ---------------------------------
 * The victim empties a chunk and is to set it aside, beside one that claims a
 * run of it and one that trims.
 */

static void empty_all_but_one_page(void)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		alloc_into(i, 32768);
	for (i = 1; i < 7; i++)
		explore_free(held[i]);
	explore_free(held[7]);
	explore_drain();
}

static void claim_a_run(void)
{
	explore_on_cpu(1);
	alloc_into(1, 32768);
}

static const struct scenario chunk_empties = {
	.name = "chunk that empties when it is needed",
	.prepare = empty_all_but_one_page,
	.victim = free_the_first,
	.first = claim_a_run,
	.second = explore_trim,
};

START_TEST(chunk_that_empties_beside_a_claim_and_a_trim__is_counted_once)
{
	run_all_schedules(&chunk_empties);
}
END_TEST

/* --- an empty slab is reserved when it is to be retired ---------------------
 * The victim frees the last object of a slab that nobody has reserved. Before
 * it retires the slab it is reserved, used up, and emptied from another CPU. If
 * it is retired all the same, and its pages cut for the same class, a slot is
 * left that names a word which another CPU has reserved, and takes bits of it
 * that nobody looks for there.
 */

static void hold_half_a_page(void)
{
	alloc_into(0, 2048);
	explore_drain();
}

static void reserve_and_empty_it(void)
{
	explore_on_cpu(1);
	alloc_into(1, 2048);
	alloc_into(2, 2048);
	explore_on_cpu(2);
	explore_free(held[1]);
	explore_free(held[2]);
}

static void free_and_use_the_place(void)
{
	unsigned cpu = explore_cpu();

	explore_free(held[0]);
	explore_on_cpu(2);
	alloc_into(3, 2048);
	alloc_into(4, 2048);
	explore_on_cpu(1);
	explore_free(held[3]);
	explore_on_cpu(cpu);
}

static const struct scenario retire_of_reserved = {
	.name = "retire of a slab that is reserved by now",
	.prepare = hold_half_a_page,
	.victim = free_and_use_the_place,
	.first = reserve_and_empty_it,
};

START_TEST(retire_of_a_slab_that_is_reserved_by_now__leaves_no_stale_slot)
{
	run_all_schedules(&retire_of_reserved);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	Suite *suite = suite_create("directed");
	TCase *tc = tcase_create("directed");

	(void)argc;
	explore_start(argv, 1);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc,
		       reservation_gone_stale__leaves_the_other_slab_listed);
	tcase_add_test(
		tc, retire_of_another_classes_slab__fails_and_leaves_it_listed);
	tcase_add_test(
		tc,
		retire_against_a_claim_in_the_second_word__retires_in_the_end);
	tcase_add_test(
		tc,
		chunk_that_empties_beside_a_claim_and_a_trim__is_counted_once);
	tcase_add_test(
		tc,
		stale_claim_of_the_last_object__is_given_back_and_the_slab_retired);
	tcase_add_test(
		tc,
		retire_of_a_slab_that_is_reserved_by_now__leaves_no_stale_slot);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
