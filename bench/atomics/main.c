// SPDX-License-Identifier: MIT
/*
 * count-atomics: locked instructions per pair of allocation and free, by who
 * else touched their cache lines. A table and atomics.json.
 */
#include "bench/crew.h"
#include "bench/machine.h"
#include "coherence.h"
#include "scenario.h"
#include "tally.h"

#include <getopt.h>
#include <jansson.h>
#include <pcpu.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
	"Usage: count-atomics [OPTION]...\n"
	"Count atomic operations per pair in an instrumented libpcpu.\n"
	"  --out=DIR    where atomics.json goes\n"
	"  --pairs=N    pairs of each thread that are counted\n"
	"  --help       this text\n";

static const char legend[] =
	"Per pair of allocation and free, in steady state. rmw: locked\n"
	"instructions. own: on lines that no other thread touched meanwhile;\n"
	"read: that others loaded from; written: that others wrote, too, at\n"
	"any time. moved: accesses that found the line with another CPU, by\n"
	"caches of unlimited size. Not counted: zeroing of copies, and the\n"
	"insides of liburcu and pthread, which are not entered.\n";

struct counts {
	struct tally_sum all;
	struct tally_sum region[NR_REGIONS];
	double pairs;
	double overlap;
};

static unsigned long sum3(const unsigned long value[NR_LINE_KINDS])
{
	return value[LINE_OWN] + value[LINE_READ] + value[LINE_WRITTEN];
}

static void collect(struct counts *counts)
{
	unsigned r, k;

	tally_sum(counts->region);
	for (r = 0; r < NR_REGIONS; r++) {
		for (k = 0; k < NR_LINE_KINDS; k++) {
			counts->all.loads[k] += counts->region[r].loads[k];
			counts->all.stores[k] += counts->region[r].stores[k];
			counts->all.rmws[k] += counts->region[r].rmws[k];
		}
		counts->all.moved_loads += counts->region[r].moved_loads;
		counts->all.moved_stores += counts->region[r].moved_stores;
		counts->all.moved_rmws += counts->region[r].moved_rmws;
	}
}

static void print_head(void)
{
	printf("\n%-8s %3s | %31s %7s | %15s %7s | %7s %7s\n"
	       "%-8s %3s | %7s %7s %7s %7s %7s | %7s %7s %7s | %7s %7s\n",
	       "", "", "rmw on lines", "", "stores", "", "loads", "", "", "CPU",
	       "all", "own", "read", "written", "moved", "all", "written",
	       "moved", "all", "moved");
}

static void print_line(const char *name, unsigned threads,
		       const struct tally_sum *sum, double pairs)
{
	printf("%-8s %3u | %7.4f %7.4f %7.4f %7.4f %7.4f | %7.4f %7.4f %7.4f "
	       "| %7.4f %7.4f\n",
	       name, threads, (double)sum3(sum->rmws) / pairs,
	       (double)sum->rmws[LINE_OWN] / pairs,
	       (double)sum->rmws[LINE_READ] / pairs,
	       (double)sum->rmws[LINE_WRITTEN] / pairs,
	       (double)sum->moved_rmws / pairs,
	       (double)sum3(sum->stores) / pairs,
	       (double)sum->stores[LINE_WRITTEN] / pairs,
	       (double)sum->moved_stores / pairs,
	       (double)sum3(sum->loads) / pairs,
	       (double)sum->moved_loads / pairs);
}

/* What of it is written, and by whom: by region, without empty ones. */
static void print_regions(const struct counts *counts)
{
	unsigned r;

	for (r = 0; r < NR_REGIONS; r++) {
		const struct tally_sum *sum = &counts->region[r];

		if (!sum3(sum->rmws) && !sum3(sum->stores))
			continue;
		printf("    %-13s rmw %7.4f own, %7.4f read, %7.4f written, "
		       "%7.4f moved; stores %7.4f\n",
		       region_name(r),
		       (double)sum->rmws[LINE_OWN] / counts->pairs,
		       (double)sum->rmws[LINE_READ] / counts->pairs,
		       (double)sum->rmws[LINE_WRITTEN] / counts->pairs,
		       (double)sum->moved_rmws / counts->pairs,
		       (double)sum3(sum->stores) / counts->pairs);
	}
}

static json_t *kinds_json(const unsigned long value[NR_LINE_KINDS],
			  unsigned long moved, double pairs)
{
	return json_pack("{s:f, s:f, s:f, s:f}", "own",
			 (double)value[LINE_OWN] / pairs, "read_by_others",
			 (double)value[LINE_READ] / pairs, "written_by_others",
			 (double)value[LINE_WRITTEN] / pairs, "moved",
			 (double)moved / pairs);
}

static json_t *sum_json(const struct tally_sum *sum, double pairs)
{
	return json_pack(
		"{s:o, s:o, s:o}", "rmw",
		kinds_json(sum->rmws, sum->moved_rmws, pairs), "stores",
		kinds_json(sum->stores, sum->moved_stores, pairs), "loads",
		kinds_json(sum->loads, sum->moved_loads, pairs));
}

static json_t *counts_json(const struct scenario *scenario,
			   const struct counts *counts)
{
	json_t *regions = json_object();
	unsigned r;

	for (r = 0; r < NR_REGIONS; r++)
		json_object_set_new(
			regions, region_name(r),
			sum_json(&counts->region[r], counts->pairs));
	return json_pack("{s:s, s:i, s:f, s:f, s:o, s:o}", "case",
			 scenario->name, "threads", (int)scenario->threads,
			 "pairs", counts->pairs, "overlap", counts->overlap,
			 "per_pair", sum_json(&counts->all, counts->pairs),
			 "regions", regions);
}

/* At most two, on lines that no other CPU writes. */
static bool is_met(const struct counts *counts)
{
	const unsigned long *rmws = counts->all.rmws;

	return (double)(rmws[LINE_OWN] + rmws[LINE_READ]) <=
		       2 * counts->pairs &&
	       !rmws[LINE_WRITTEN];
}

/* NULL when a run failed. *met: in all pair cases. */
static json_t *run_all(unsigned pairs, bool *met)
{
	json_t *json = json_array();
	unsigned i;

	*met = true;
	for (i = 0; scenarios[i].name; i++) {
		const struct scenario *scenario = &scenarios[i];
		struct counts counts = {.pairs = 0};

		if (!scenario_run(scenario, pairs, &counts.overlap)) {
			json_decref(json);
			return NULL;
		}
		counts.pairs = (double)pairs * scenario->runners;
		collect(&counts);
		if (scenario->run == scenarios[0].run)
			*met = *met && is_met(&counts);
		print_head();
		print_line(scenario->name, scenario->threads, &counts.all,
			   counts.pairs);
		print_regions(&counts);
		if (scenario->threads > 1)
			printf("    both at work for %.0f %% of the time\n",
			       100 * counts.overlap);
		json_array_append_new(json, counts_json(scenario, &counts));
	}
	return json;
}

static json_t *baseline_json(void)
{
	static const unsigned cpus[] = {2, 16};
	json_t *json = json_array();
	struct coherence lines;
	unsigned i;

	printf("\nThe baseline's cache lines under its lock, per pair, when "
	       "its CPUs take turns:\n");
	for (i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		if (!coherence_measure(cpus[i], 1000, &lines))
			continue;
		printf("    %2u CPUs: %.1f move from another CPU, %.1f "
		       "upgrades, %.0f accesses\n",
		       cpus[i], lines.moves, lines.upgrades, lines.accesses);
		json_array_append_new(
			json,
			json_pack("{s:i, s:f, s:f, s:f}", "cpus", (int)cpus[i],
				  "moves", lines.moves, "upgrades",
				  lines.upgrades, "accesses", lines.accesses));
	}
	return json;
}

static int write_json(const char *out, json_t *rows, json_t *baseline, bool met)
{
	struct machine machine;
	char path[4096];
	json_t *json;
	int failed;

	machine_read(&machine);
	json = json_pack("{s:s, s:s, s:s, s:i, s:b, s:o, s:o}", "date",
			 machine.date, "cpu", machine.cpu, "accepted_when",
			 "pair: at most 2 rmw, none on lines that other CPUs "
			 "write",
			 "cores", (int)crew_cores(), "met", (int)met, "cases",
			 rows, "baseline_lines", baseline);
	snprintf(path, sizeof(path), "%s/atomics.json", out);
	failed = !json ||
		 json_dump_file(json, path,
				JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	if (failed)
		fprintf(stderr, "count-atomics: cannot write %s\n", path);
	json_decref(json);
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"out", required_argument, NULL, 'o'},
		{"pairs", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *out = "build/bench";
	unsigned pairs = 100000;
	json_t *rows;
	bool met;
	int opt;

	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == 'o')
			out = optarg;
		else if (opt == 'p')
			pairs = (unsigned)strtoul(optarg, NULL, 10);
		else
			fputs(usage, opt == 'h' ? stdout : stderr);
		if (opt != 'o' && opt != 'p')
			return opt == 'h' ? 0 : 2;
	}
	printf("%u CPUs' copies, %u cores, %u pairs of each thread\n%s",
	       pcpu_nr_cpus(), crew_cores(), pairs, legend);
	if (crew_cores() < 2)
		printf("ONE CORE ONLY: two threads share it, so nothing "
		       "runs at the same time.\n");
	rows = pairs ? run_all(pairs, &met) : NULL;
	if (!rows)
		return 1;
	printf("\npair: at most 2 rmw on the CPU's own lines, 0 on lines that "
	       "other CPUs write: %s\n",
	       met ? "met" : "MISSED");
	return write_json(out, rows, baseline_json(), met);
}
