// SPDX-License-Identifier: MIT
/*
 * What the soak has seen: lines while it runs, then the verdict. Of the samples
 * the first fifth is warm-up; of the rest the first third is compared with the
 * last, by medians.
 */
#include "soak.h"

#include <spawn.h>

#include "chunk/sysfile.h"
#include "chunk/units.h"

/* Memory with nothing live may grow by so much: noise, and a rate. */
#define NOISE_BYTES (32 * 1024.0)
#define BYTES_PER_SECOND 512.0
/* Until so long after the start bookkeeping is used for the first time: what
 * that adds beyond a shorter warm-up (60 KiB seen in a run of 12 s), and more
 * where many arenas come to their first chunks (280 KiB with 128, in 20 s). */
#define SETTLED_SECONDS 20
#define UNSETTLED_BYTES (96 * 1024.0)
#define ARENA_BYTES 4096.0
/* The address space of what clients hold, whose sizes are random. */
#define UNIT_GROWTH 1.25
#define UNIT_NOISE (1024 * 1024.0)
/* Two chunks more or less; each has all CPUs' copies, 16 MiB with 64. */
#define RSS_NOISE (2.0 * CHUNK_BYTES * libpcpu_nr_cpu_ids)
/* A machine that is shared has its moods: less is no longer one. */
#define RATE_FALL 0.2
/* In a third of the time; fewer are many or few by chance. */
#define FEW_OPERATIONS 100

/* --- series ------------------------------------------------------------------
 */

typedef double value_of(const struct record *record, unsigned i,
			unsigned which);

static double value_empty(const struct record *record, unsigned i,
			  unsigned which)
{
	(void)which;
	return (double)record->sample[i].empty;
}

static double value_rss(const struct record *record, unsigned i, unsigned which)
{
	(void)which;
	return (double)record->sample[i].rss;
}

static double value_units(const struct record *record, unsigned i,
			  unsigned which)
{
	(void)which;
	return (double)record->sample[i].unit_bytes;
}

/* Operations a second of a client in the last steps. */
static double rate(const struct record *record, unsigned i, unsigned which,
		   unsigned steps)
{
	const struct sample *at = &record->sample[i];
	static const struct sample start;
	const struct sample *before = i >= steps ? at - steps : &start;

	return (double)(at->done[which] - before->done[which]) /
	       (at->worked - before->worked);
}

/* Of two steps: every second one begins with nothing live, and on a machine
 * with many CPUs comes to a tenth of what the other does. */
static double value_rate(const struct record *record, unsigned i,
			 unsigned which)
{
	return rate(record, i, which, 2);
}

/* Of all clients, in the last step. */
static double rate_of_all(const struct record *record, unsigned i)
{
	double sum = 0;
	unsigned c;

	for (c = 0; clients[c].name; c++)
		sum += rate(record, i, c, 1);
	return sum;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the samples that have a value, from the k-th third after the warm-up. */
static double median(const struct record *record, unsigned third,
		     value_of *value, unsigned which)
{
	unsigned warm = record->nr / 5, nr = 0, i;
	unsigned rest = record->nr - warm;
	double values[SAMPLES_MAX];

	for (i = warm + rest * third / 3; i < warm + rest * (third + 1) / 3;
	     i++) {
		values[nr] = value(record, i, which);
		nr += values[nr] > 0;
	}
	qsort(values, nr, sizeof(*values), compare);
	return nr ? values[nr / 2] : 0;
}

struct change {
	const char *name, *unit;
	double first, last, limit;
	bool rises; /* the limit is an upper one */
	bool failed;
};

static struct change compare_thirds(const struct record *record,
				    value_of *value, unsigned which)
{
	return (struct change){.first = median(record, 0, value, which),
			       .last = median(record, 2, value, which)};
}

#define CHANGES_MAX (CLIENTS_MAX + 4)

static unsigned nr_arenas(void)
{
	struct pcpu_stats stats;

	return pcpu_stats_get(&stats) ? 0 : stats.nr_arenas;
}

static unsigned find_changes(const struct record *record,
			     struct change changes[CHANGES_MAX])
{
	double seconds = record->sample[record->nr - 1].seconds;
	double span = seconds * 0.8 * 2 / 3;
	unsigned nr = 0, i;
	struct change *at;

	at = &changes[nr++];
	*at = compare_thirds(record, value_empty, 0);
	at->name = "memory, nothing live", at->unit = "KiB", at->rises = true;
	at->limit = at->first + NOISE_BYTES + BYTES_PER_SECOND * span;
	if (seconds / 5 < SETTLED_SECONDS)
		at->limit += UNSETTLED_BYTES + ARENA_BYTES * nr_arenas();
	at = &changes[nr++];
	*at = compare_thirds(record, value_units, 0);
	at->name = "linked chunks, one unit", at->unit = "KiB";
	at->rises = true;
	at->limit = at->first * UNIT_GROWTH + UNIT_NOISE;
	at = &changes[nr++];
	*at = compare_thirds(record, value_rss, 0);
	at->name = "RSS", at->unit = "KiB", at->rises = true;
	at->limit = at->first * UNIT_GROWTH + UNIT_NOISE + RSS_NOISE;
	for (i = 0; clients[i].name; i++) {
		at = &changes[nr++];
		*at = compare_thirds(record, value_rate, i);
		at->name = clients[i].name, at->unit = "op/s";
		at->limit = at->first * RATE_FALL;
		if (at->first > 0 && at->first * span / 2 < FEW_OPERATIONS)
			at->limit = -1;
	}
	for (i = 0; i < nr; i++)
		changes[i].failed =
			changes[i].rises ? changes[i].last > changes[i].limit
					 : changes[i].last <= changes[i].limit;
	return nr;
}

/* --- text and JSON
 * -------------------------------------------------------------
 */

void report_progress(const struct record *record)
{
	const struct sample *at = &record->sample[record->nr - 1];
	static double last;

	if (at->seconds - last < 5)
		return;
	last = at->seconds;
	printf("  %6.0f s  %7zu KiB RSS  %4llu chunks  %8.0f operations/s\n",
	       at->seconds, at->rss / 1024, (unsigned long long)at->chunks,
	       rate_of_all(record, record->nr - 1));
	fflush(stdout);
}

static double shown(const struct change *change, double value)
{
	return strcmp(change->unit, "KiB") ? value : value / 1024;
}

static void print_table(const struct record *record,
			const struct change *changes, unsigned nr)
{
	unsigned i;

	printf("\n%u standstills: contents whole, statistics agree\n",
	       record->nr);
	printf("%-24s %12s %12s %12s\n", "", "first third", "last third",
	       "limit");
	for (i = 0; i < nr; i++)
		printf("%-24s %12.0f %12.0f %12.0f %-4s  %s\n", changes[i].name,
		       shown(&changes[i], changes[i].first),
		       shown(&changes[i], changes[i].last),
		       shown(&changes[i], changes[i].limit), changes[i].unit,
		       changes[i].failed ? "FAILED" : "ok");
	for (i = 0; faults[i].name; i++)
		printf("%-24s %12llu of %llu calls failed on purpose\n",
		       faults[i].name, (unsigned long long)faults[i].nr_failed,
		       (unsigned long long)faults[i].nr_calls);
}

static void write_samples(const struct record *record, FILE *file)
{
	unsigned i, c;

	fprintf(file, "  \"samples\": [");
	for (i = 0; i < record->nr; i++) {
		const struct sample *at = &record->sample[i];

		fprintf(file,
			"%s\n    {\"seconds\": %.2f, \"rss\": %zu, "
			"\"empty\": %zu, \"chunks\": %llu, \"unit_bytes\": "
			"%zu, \"live_bytes\": %zu, \"rates\": [",
			i ? "," : "", at->seconds, at->rss, at->empty,
			(unsigned long long)at->chunks, at->unit_bytes,
			at->live_bytes);
		for (c = 0; clients[c].name; c++)
			fprintf(file, "%s%.0f", c ? ", " : "",
				rate(record, i, c, 1));
		fprintf(file, "]}");
	}
	fprintf(file, "\n  ]\n}\n");
}

static FILE *create(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	require(file, "%s: %s", path, strerror(errno));
	return file;
}

static void write_json(const struct record *record,
		       const struct change *changes, unsigned nr,
		       const char *folder)
{
	FILE *file = create(folder, "soak.json");
	unsigned i;

	fprintf(file, "{\n  \"seed\": \"%#llx\",\n  \"changes\": [",
		(unsigned long long)record->seed);
	for (i = 0; i < nr; i++)
		fprintf(file,
			"%s\n    {\"name\": \"%s\", \"unit\": \"%s\", "
			"\"first\": %.0f, \"last\": %.0f, \"limit\": %.0f, "
			"\"failed\": %s}",
			i ? "," : "", changes[i].name, changes[i].unit,
			shown(&changes[i], changes[i].first),
			shown(&changes[i], changes[i].last),
			shown(&changes[i], changes[i].limit),
			changes[i].failed ? "true" : "false");
	fprintf(file, "\n  ],\n");
	write_samples(record, file);
	fclose(file);
}

/* --- the picture
 * ----------------------------------------------------------------
 */

static void write_data(const struct record *record, FILE *file)
{
	unsigned i;

	fprintf(file, "$data << END\n");
	for (i = 0; i < record->nr; i++) {
		const struct sample *at = &record->sample[i];

		fprintf(file, "%.2f %.3f", at->seconds,
			(double)at->rss / (1 << 20));
		if (at->empty)
			fprintf(file, " %.3f", (double)at->empty / (1 << 20));
		else
			fprintf(file, " ?");
		fprintf(file, " %.0f\n", rate_of_all(record, i));
	}
	fprintf(file, "END\n");
}

static bool draw(const struct record *record, const char *folder)
{
	char script[4096], gnuplot[] = "gnuplot";
	char *argv[] = {gnuplot, script, NULL};
	FILE *file = create(folder, "soak.gp");
	int status;
	pid_t pid;

	fprintf(file,
		"set terminal pngcairo size 1200,600 font ',11'\n"
		"set output '%s/soak.png'\nset datafile missing '?'\n"
		"set xlabel 'seconds'\nset key outside top\nset grid\n"
		"set ylabel 'MiB'\nset yrange [0:*]\nset ytics nomirror\n"
		"set y2label 'operations/s'\nset y2range [0:*]\nset y2tics\n",
		folder);
	write_data(record, file);
	fprintf(file,
		"plot $data using 1:2 with lines lw 2 title 'RSS', "
		"$data using 1:3 with linespoints title "
		"'anonymous memory, nothing live', "
		"$data using 1:4 axes x1y2 with lines title 'operations/s'\n");
	fclose(file);
	snprintf(script, sizeof(script), "%s/soak.gp", folder);
	return !posix_spawnp(&pid, gnuplot, NULL, NULL, argv, environ) &&
	       waitpid(pid, &status, 0) == pid && status == 0;
}

bool report(const struct record *record, const char *folder)
{
	struct change changes[CHANGES_MAX];
	unsigned nr, i;
	bool ok = true;

	require(record->nr >= 10, "%u samples are too few", record->nr);
	nr = find_changes(record, changes);
	print_table(record, changes, nr);
	write_json(record, changes, nr, folder);
	if (!draw(record, folder))
		printf("no picture: gnuplot failed\n");
	for (i = 0; i < nr; i++)
		ok = ok && !changes[i].failed;
	printf("%s; %s/soak.json and .png\n", ok ? "ok" : "FAILED", folder);
	return ok;
}
