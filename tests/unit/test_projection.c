// SPDX-License-Identifier: MIT
/* The arithmetic of the benchmark's projection: its ends and its bounds. */
#include "bench/projection/model.h"

#include "tests/run_suite.h"
#include <check.h>
#include <stdlib.h>

#define NEAR 1e-9

/* 20 ns and 1 per copy; 280 ns and 10 per copy, 5 of it the harness's. */
static const struct model model = {
	.costs =
		{
			.rmw = 4,
			.transfer = 50,
			.mutex = 15,
			.harness = 5,
			.zero_hot = 1,
			.zero_dirty = 3,
			.pcpu = {3, {2, 64, 256}, {22, 84, 276}},
			.baseline = {3, {2, 64, 256}, {305, 925, 2845}},
		},
	.counts = {.pcpu_rmws = 2, .pcpu_moves = 0, .baseline_moves = 12},
	.assumptions = {.remote_factor = 3, .spinners = 8},
};

static const unsigned sizes[] = {2, 4, 16, 64, 256, 512};
#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static struct shape shape_of(unsigned cpus, unsigned sockets)
{
	return (struct shape){cpus, cpus, sockets};
}

/* -------------------------------------------------------------------------- */

START_TEST(curve__at_its_points_between_and_beyond__linear)
{
	const struct curve curve = {3, {2, 4, 8}, {10, 20, 60}};

	ck_assert_double_eq_tol(curve_at(&curve, 2), 10, NEAR);
	ck_assert_double_eq_tol(curve_at(&curve, 4), 20, NEAR);
	ck_assert_double_eq_tol(curve_at(&curve, 6), 40, NEAR);
	ck_assert_double_eq_tol(curve_at(&curve, 8), 60, NEAR);
	ck_assert_double_eq_tol(curve_at(&curve, 10), 80, NEAR);
	ck_assert_double_eq_tol(curve_at(&curve, 0), 0, NEAR);
}
END_TEST

START_TEST(transfer__more_sockets__from_near_towards_remote)
{
	ck_assert_double_eq_tol(model_transfer(&model, 1), 50, NEAR);
	ck_assert_double_eq_tol(model_transfer(&model, 2), 100, NEAR);
	ck_assert_double_eq_tol(model_transfer(&model, 4), 125, NEAR);
	ck_assert_double_lt(model_transfer(&model, 8), 150);
}
END_TEST

START_TEST(rates__one_thread__the_measured_pair)
{
	unsigned i;

	for (i = 0; i < model.costs.pcpu.nr; i++) {
		struct shape shape = {
			.threads = 1,
			.copies = (unsigned)model.costs.pcpu.copies[i],
			.sockets = 1,
		};

		ck_assert_double_eq_tol(1 / model_pcpu_rate(&model, shape),
					model.costs.pcpu.ns[i], NEAR);
		ck_assert_double_eq_tol(1 / model_baseline_rate(&model, shape),
					model.costs.baseline.ns[i], NEAR);
	}
}
END_TEST

START_TEST(pcpu__no_line_moves__threads_multiply_and_sockets_do_not_matter)
{
	struct shape one = {1, 64, 1}, many = {64, 64, 8};

	ck_assert_double_eq_tol(model_pcpu_rate(&model, many),
				64 * model_pcpu_rate(&model, one), NEAR);
	ck_assert_double_lt(model_pcpu_rate_written(&model, many),
			    model_pcpu_rate(&model, many));
}
END_TEST

START_TEST(pcpu__a_line_moves_in_each_pair__bound_by_it)
{
	struct model shared = model;
	unsigned i;

	shared.counts.pcpu_moves = 1;
	for (i = 0; i < NR_SIZES; i++)
		ck_assert_double_le(
			model_pcpu_rate(&shared, shape_of(sizes[i], 1)),
			1.0 / 50 + NEAR);
}
END_TEST

START_TEST(baseline__any_shape__no_faster_than_its_serial_part)
{
	unsigned i, sockets;

	for (i = 0; i < NR_SIZES; i++) {
		for (sockets = 1; sockets <= 8; sockets *= 2) {
			struct shape shape = shape_of(sizes[i], sockets);

			ck_assert_double_le(
				model_baseline_rate(&model, shape) *
					model_baseline_serial_ns(&model, shape),
				1 + NEAR);
		}
	}
}
END_TEST

START_TEST(baseline__more_cpus_or_sockets__never_faster_under_a_full_lock)
{
	unsigned i, sockets;

	for (i = 1; i < NR_SIZES; i++) {
		for (sockets = 1; sockets <= 8; sockets *= 2) {
			double rate = model_baseline_rate(
				&model, shape_of(sizes[i], sockets));

			ck_assert_double_ge(
				model_baseline_rate(
					&model,
					shape_of(sizes[i - 1], sockets)) +
					NEAR,
				rate);
			ck_assert_double_lt(
				model_baseline_rate(
					&model,
					shape_of(sizes[i], 2 * sockets)),
				rate);
		}
	}
}
END_TEST

START_TEST(baseline__waiters__count_until_they_sleep)
{
	double two = model_baseline_serial_ns(&model, shape_of(2, 1));

	/* 280 of its own (the pair without copies, less the harness), 13 moves
	 */
	ck_assert_double_eq_tol(two, 280 + 13 * 50, NEAR);
	ck_assert_double_eq_tol(
		model_baseline_serial_ns(&model, shape_of(4, 1)), two + 3 * 50,
		NEAR);
	ck_assert_double_eq_tol(
		model_baseline_serial_ns(&model, shape_of(512, 1)),
		two + 12 * 50, NEAR);
}
END_TEST

/* -------------------------------------------------------------------------- */

int main(void)
{
	Suite *suite = suite_create("projection");
	TCase *tc = tcase_create("model");

	tcase_add_test(tc, curve__at_its_points_between_and_beyond__linear);
	tcase_add_test(tc, transfer__more_sockets__from_near_towards_remote);
	tcase_add_test(tc, rates__one_thread__the_measured_pair);
	tcase_add_test(
		tc,
		pcpu__no_line_moves__threads_multiply_and_sockets_do_not_matter);
	tcase_add_test(tc, pcpu__a_line_moves_in_each_pair__bound_by_it);
	tcase_add_test(tc, baseline__any_shape__no_faster_than_its_serial_part);
	tcase_add_test(
		tc,
		baseline__more_cpus_or_sockets__never_faster_under_a_full_lock);
	tcase_add_test(tc, baseline__waiters__count_until_they_sleep);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
