// SPDX-License-Identifier: MIT
#include "output.h"

#include <math.h>
#include <stdio.h>

const unsigned projected_cpus[NR_PROJECTED_CPUS] = {
	1, 2, 4, 8, 16, 32, 64, 128, 256, 512,
};
const unsigned projected_sockets[NR_PROJECTED_SOCKETS] = {1, 2, 4, 8};

/* The table has fewer rows than the plot has points. */
static const bool in_table[NR_PROJECTED_CPUS] = {
	false, true, false, false, true, false, true, false, true, true,
};

const char model_text[] =
	"n copies per object and n threads on n CPUs, spread over s sockets.\n"
	"  t(s)     = transfer * (1/s + (1 - 1/s) * remote factor)\n"
	"  dirty(s) = (zero_dirty - zero_hot) * t(s) / transfer, per copy\n"
	"libpcpu   T = P(n) + moves * t(s);  rate = min(n / T, 1 / (moves * "
	"t(s)))\n"
	"  P(n): one thread's pair, measured; written: + (n - 1) * dirty(s)\n"
	"baseline  S = C + (moves + 1 + 3 * min(n - 2, spinners) / 2) * t(s)\n"
	"          Z = B(n) - B(0) + n * dirty(s);  rate = min(n / (S + Z), 1 "
	"/ "
	"S)\n"
	"  B(n): one thread's pair, measured; C = B(0) - harness\n";

const char not_modelled_text[] =
	"Not modelled: where NUMA puts memory, more than one hop between\n"
	"sockets, slower transfers between the clusters of one socket, SMT,\n"
	"frequency and its drop with busy cores, TLB and cache misses of a\n"
	"larger working set, full or missing directories and snoop filters,\n"
	"bandwidth of the links, the scheduler, sleeping and waking in locks,\n"
	"unfair locks (who gets one twice moves nothing), other operations\n"
	"than pairs of 8 B.\n";

bool shape_is_likely(unsigned cpus, unsigned sockets)
{
	return sockets == 1 || cpus >= 8 * sockets;
}

static void print_curve(const struct study *study, unsigned index,
			const struct curve *curve)
{
	unsigned i;

	printf("  %-14s", input_name(index));
	for (i = 0; i < curve->nr; i++)
		printf(" %.1f at %.0f%s", curve->ns[i], curve->copies[i],
		       i + 1 < curve->nr ? "," : " copies");
	printf("\n%18s%s\n", "", study->how[index]);
}

static void print_inputs(const struct projection *projection)
{
	struct study study = projection->study;
	const struct counts *counts = &projection->model.counts;
	const struct assumptions *a = &projection->model.assumptions;
	unsigned i;

	printf("Costs, ns (%s, %s):\n", study.machine, study.date);
	for (i = 0; i < NR_COSTS; i++)
		printf("  %-14s %7.2f   %s\n", input_name(i),
		       *cost_at(&study.costs, i), study.how[i]);
	for (; i < NR_INPUTS; i++)
		print_curve(&study, i, curve_of(&study.costs, i));
	printf("Counts per pair (count-atomics):\n"
	       "  libpcpu: %.4f locked instructions, %.6f lines from other "
	       "CPUs\n"
	       "  baseline: %.1f lines from other CPUs under a fair lock\n",
	       counts->pcpu_rmws, counts->pcpu_moves, counts->baseline_moves);
	printf("Assumptions, not measured:\n"
	       "  remote factor %.1f: a transfer between sockets takes so many "
	       "times that within one\n"
	       "  spinners %.1f: waiters that spin beside the next owner (8 "
	       "was "
	       "chosen by 16-cores/pair.json; 0: a queue lock)\n",
	       a->remote_factor, a->spinners);
	printf("Of the uncontended pair: libpcpu's locked instructions take "
	       "%.1f ns,\n  the baseline's lock operations %.1f of the %.1f ns "
	       "of its sections\n",
	       counts->pcpu_rmws * study.costs.rmw, 3 * study.costs.mutex,
	       model_baseline_serial_ns(&projection->model,
					(struct shape){1, 1, 1}));
}

static void print_row(const struct model *model, struct shape shape)
{
	double ours = model_pcpu_rate(model, shape);
	double theirs = model_baseline_rate(model, shape);

	printf("%5u %7u | %8.1f %10.1f %10.1f | %8.0f %8.0f %10.2f | %8.0fx\n",
	       shape.threads, shape.sockets, shape.threads / ours, 1000 * ours,
	       1000 * model_pcpu_rate_written(model, shape),
	       model_baseline_serial_ns(model, shape), shape.threads / theirs,
	       1000 * theirs, ours / theirs);
}

static void print_rows(const struct model *model)
{
	unsigned i, k;

	printf("\n%5s %7s | %30s | %28s |\n"
	       "%5s %7s | %8s %10s %10s | %8s %8s %10s | %9s\n",
	       "", "", "libpcpu", "baseline", "CPUs", "sockets", "ns",
	       "Mpairs/s", "written", "S, ns", "ns", "Mpairs/s", "ratio");
	for (i = 0; i < NR_PROJECTED_CPUS; i++) {
		for (k = 0; in_table[i] && k < NR_PROJECTED_SOCKETS; k++) {
			struct shape shape = {
				.threads = projected_cpus[i],
				.copies = projected_cpus[i],
				.sockets = projected_sockets[k],
			};

			if (shape_is_likely(shape.threads, shape.sockets))
				print_row(model, shape);
		}
	}
	printf("ns: of one CPU for a pair. written: Mpairs/s if every copy was "
	       "written by its\nCPU before it is freed.\n");
}

static void print_error(double predicted, double measured)
{
	if (isnan(measured))
		printf(" %9.1f %9s %8s", predicted, "-", "");
	else
		printf(" %9.1f %9.1f %+6.0f%%", predicted, measured,
		       100 * (predicted / measured - 1));
}

static void print_ours(double predicted, const struct observed *at)
{
	printf(" %8.1f %8.1f %+6.0f%% %8.1f %+5.0f%%", predicted, at->pcpu,
	       100 * (predicted / at->pcpu - 1), at->pcpu_least,
	       100 * (predicted / at->pcpu_least - 1));
}

/* Cores that run null's bare loop slower run everything slower. */
static void print_slowdown(const struct observed *at, double alone,
			   double predicted)
{
	double times = at->threads * at->harness / alone;

	if (isnan(times))
		printf(" |\n");
	else if (isnan(at->pcpu))
		printf(" | %6.2fx\n", times);
	else
		printf(" | %6.2fx %+9.0f%%\n", times,
		       100 * (predicted * times / at->pcpu - 1));
}

static void print_validation(const struct projection *projection,
			     const struct observations *seen)
{
	const struct model *model = &projection->model;
	double alone = seen->nr ? seen->at[0].harness : (double)NAN;
	unsigned i;

	printf("\nAgainst %s; ns of the whole process for a pair:\n"
	       "%7s | %41s | %27s | %s\n"
	       "%7s | %8s %8s %7s %8s %6s | %9s %9s %7s | %7s %10s\n",
	       seen->source, "", "libpcpu", "baseline-mutex", "null's slowdown",
	       "threads", "model", "measured", "error", "least", "error",
	       "model", "measured", "error", "", "libpcpu's*");
	for (i = 0; i < seen->nr; i++) {
		const struct observed *at = &seen->at[i];
		struct shape shape = {at->threads, at->copies, 1};

		printf("%7u |", at->threads);
		print_ours(1 / model_pcpu_rate(model, shape), at);
		printf(" |");
		print_error(1 / model_baseline_rate(model, shape),
			    at->baseline);
		print_slowdown(at, alone, 1 / model_pcpu_rate(model, shape));
	}
}

void projection_print(const struct projection *projection)
{
	unsigned i;

	printf("%s\n", model_text);
	print_inputs(projection);
	print_rows(&projection->model);
	for (i = 0; i < projection->nr_reports; i++)
		print_validation(projection, &projection->report[i]);
	if (projection->nr_reports)
		printf("Measured: medians; least: of the same samples. One "
		       "thread's pair is an input where\ncosts and report are "
		       "of one run: its error is then no test.\n"
		       "* libpcpu's error if the model's time is multiplied by "
		       "null's slowdown: where the\nbare loop slows down with "
		       "more threads, the cores did (SMT, frequency,\n"
		       "neighbours), and the model has no such term.\n");
	printf("\n%s", not_modelled_text);
}
