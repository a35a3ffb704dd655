// SPDX-License-Identifier: MIT
#include "progress.h"

#include "clock.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 24 };

void progress_begin(struct progress *progress, unsigned all)
{
	progress->all = all;
	progress->shown_tenths = 0;
	progress->terminal = isatty(STDERR_FILENO);
	progress->begin_ns = clock_ns();
}

static unsigned seconds_since(const struct progress *progress)
{
	return (unsigned)((clock_ns() - progress->begin_ns) / 1000000000);
}

static void show_bar(const struct progress *progress, unsigned done,
		     const struct cell *next)
{
	static const char full[] = "########################";
	unsigned filled = done * BAR / progress->all;
	unsigned passed = seconds_since(progress);
	unsigned left = done ? passed * (progress->all - done) / done : 0;

	fprintf(stderr, "\r[%-*.*s] %3u%% %3u s, %3u left  %-18.18s %-16.16s",
		BAR, (int)filled, full, done * 100 / progress->all, passed,
		left, next->bench->name, next->rival->name);
	fflush(stderr);
}

void progress_show(struct progress *progress, unsigned done,
		   const struct cell *next)
{
	unsigned tenths = done * 10 / progress->all;

	if (progress->terminal) {
		show_bar(progress, done, next);
	} else if (tenths > progress->shown_tenths) {
		fprintf(stderr, "%u0 %% of %u samples, %u s\n", tenths,
			progress->all, seconds_since(progress));
		progress->shown_tenths = tenths;
	}
}

void progress_end(struct progress *progress)
{
	if (progress->terminal)
		fprintf(stderr, "\r\033[K");
	fprintf(stderr, "%u s of measuring\n", seconds_since(progress));
}
