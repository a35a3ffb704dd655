// SPDX-License-Identifier: MIT
/*
 * soak SECONDS FOLDER: the timeline. Half of the standstills also free all that
 * is held, so that memory with nothing live can be compared over time: a leak
 * shows there that fragmentation and chance would hide.
 */
#include "soak.h"

#include <limits.h>
#include <malloc.h>
#include <time.h>

#include "chunk/sysfile.h"

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void sleep_until(double when)
{
	double left = when - now();
	struct timespec time = {(time_t)left,
				(long)((left - (double)(time_t)left) * 1e9)};

	if (left > 0)
		nanosleep(&time, NULL);
}

/* Bytes of memory, as the kernel names them in smaps_rollup. */
static size_t memory(const char *name)
{
	char text[4096];
	const char *at;

	require(sysfile_read("/proc/self/smaps_rollup", text, sizeof(text)),
		"no smaps_rollup");
	at = strstr(text, name);
	require(at, "%s is not in smaps_rollup", name);
	return strtoul(at + strlen(name), NULL, 10) * 1024;
}

static void expect_agreement(const struct pcpu_stats *stats)
{
	struct tally tally = crew_tally();

	require(stats->nr_cur_alloc == tally.nr &&
			stats->live_bytes == tally.bytes,
		"statistics: %llu objects of %zu bytes; held: %llu of %llu",
		(unsigned long long)stats->nr_cur_alloc, stats->live_bytes,
		(unsigned long long)tally.nr, (unsigned long long)tally.bytes);
}

static void look(struct sample *sample)
{
	struct pcpu_stats stats;
	unsigned i;

	caches_settle();
	require(!pcpu_stats_get(&stats), "errno %d", errno);
	expect_agreement(&stats);
	crew_check();
	sample->rss = memory("\nRss:");
	sample->chunks = stats.nr_chunks;
	sample->unit_bytes = stats.unit_bytes;
	sample->live_bytes = stats.live_bytes;
	for (i = 0; clients[i].name; i++)
		sample->done[i] = crew_done(&clients[i]);
}

/* What failed on purpose is made up for by a trim that does not. */
static void look_empty(struct sample *sample)
{
	crew_drain();
	pcpu_trim();
	support_expect_none_live();
	malloc_trim(0);
	sample->empty = memory("\nAnonymous:");
}

static void soak(struct record *record, double seconds)
{
	double step = seconds / 100 < 1    ? 1
		      : seconds / 100 < 10 ? seconds / 100
					   : 10;
	double start = now(), worked = 0, since;

	while (now() < start + seconds && record->nr < SAMPLES_MAX) {
		struct sample *sample = &record->sample[record->nr];

		since = now();
		faults_on = true;
		crew_go();
		sleep_until(since + step);
		crew_halt();
		faults_on = false;
		sample->worked = worked += now() - since;
		look(sample);
		if (record->nr % 2)
			look_empty(sample);
		sample->seconds = now() - start;
		record->nr++;
		report_progress(record);
	}
}

int main(int argc, char **argv)
{
	static struct record record;

	require(argc == 3 && atof(argv[1]) > 0, "usage: soak SECONDS FOLDER");
	/* Threads come and go: of malloc's arenas one is enough to watch. */
	mallopt(M_ARENA_MAX, 1);
	memset(&record, 0, sizeof(record));
	record.seed = support_seed();
	faults_init();
	crew_start(record.seed);
	soak(&record, atof(argv[1]));
	crew_drain();
	crew_stop();
	return report(&record, argv[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
}
