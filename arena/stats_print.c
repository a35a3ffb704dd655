// SPDX-License-Identifier: MIT
/*
 * Printing of statistics: one walk, two ways to write what it meets.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "arena/stats.h"

struct printer {
	FILE *file;
	bool json;
	bool first; /* nothing written yet between the innermost brackets */
};

static void separate(struct printer *p)
{
	if (!p->first)
		fputs(", ", p->file);
	p->first = false;
}

/* A named group of numbers, or of groups. */
static void open_group(struct printer *p, const char *name, char bracket)
{
	if (!p->json) {
		fprintf(p->file, "%s:\n", name);
		return;
	}
	separate(p);
	fprintf(p->file, "\n\"%s\": %c", name, bracket);
	p->first = true;
}

/* One of a group of groups. */
static void open_member(struct printer *p, const char *name, unsigned nr)
{
	if (!p->json) {
		fprintf(p->file, "%s %u:\n", name, nr);
		return;
	}
	separate(p);
	fprintf(p->file, "\n{\"%s\": %u", name, nr);
	p->first = false;
}

static void close_group(struct printer *p, char bracket)
{
	if (p->json)
		fputc(bracket, p->file);
	else
		fputc('\n', p->file);
	p->first = false;
}

static void number(struct printer *p, const char *name, uint64_t value)
{
	if (!p->json) {
		fprintf(p->file, "  %-20s: %12" PRIu64 "\n", name, value);
		return;
	}
	separate(p);
	fprintf(p->file, "\"%s\": %" PRIu64, name, value);
}

static void print_chunks(struct printer *p, const struct arena *arena)
{
	struct chunk_stats chunk;
	uint32_t at = 0;
	chunk_id id;

	while (pool_next(&arena->pool, &at, &id)) {
		stats_chunk(id, &chunk);
		open_member(p, "chunk", at - 1);
#define PRINT(name) number(p, #name, chunk.name);
		STATS_CHUNK_FIELDS(PRINT)
#undef PRINT
		close_group(p, '}');
	}
}

static void print_arena(struct printer *p, unsigned index)
{
	const struct arena *arena = arena_at(index);

	open_member(p, "arena", index);
	number(p, "node", arena->node);
	number(p, "window", arena->window);
	/* relaxed: counters */
	number(p, "nr_chunks", load_relaxed(&arena->nr_chunks));
	number(p, "nr_max_chunks", load_relaxed(&arena->max_chunks));
	open_group(p, "chunks", '[');
	print_chunks(p, arena);
	close_group(p, ']');
	close_group(p, '}');
}

static void print_global(struct printer *p, const struct pcpu_stats *stats)
{
#define PRINT(name) number(p, #name, stats->name);
	open_group(p, "layout", '{');
	STATS_LAYOUT_FIELDS(PRINT)
	close_group(p, '}');
	open_group(p, "global", '{');
	STATS_GLOBAL_FIELDS(PRINT)
	close_group(p, '}');
#undef PRINT
}

int pcpu_stats_print(FILE *file, int format)
{
	struct printer p = {file, format == PCPU_STATS_JSON, true};
	struct pcpu_stats stats;
	int saved = errno;
	bool failed;
	unsigned i;

	if (!file || (format != PCPU_STATS_TEXT && format != PCPU_STATS_JSON)) {
		errno = EINVAL;
		return -1;
	}
	stats_collect(&stats);
	flockfile(file);
	errno = 0;
	fputs(p.json ? "{" : "Percpu memory statistics\n\n", file);
	print_global(&p, &stats);
	open_group(&p, "arenas", '[');
	for (i = 0; i < stats.nr_arenas; i++)
		print_arena(&p, i);
	close_group(&p, ']');
	fputs(p.json ? "}\n" : "", file);
	failed = fflush(file) || ferror(file);
	funlockfile(file);
	if (failed && !errno)
		errno = EIO;
	if (!failed)
		errno = saved;
	return failed ? -1 : 0;
}
