// SPDX-License-Identifier: MIT
/*
 * Statistics, which the shadow map knows better, and CPU numbers.
 */
#include "fuzz.h"

struct sink {
	size_t left; /* bytes it takes */
	bool silent; /* and then says nothing of why */
	size_t nr_text;
	char *text;
};

static ssize_t sink_write(void *cookie, const char *text, size_t nr)
{
	struct sink *sink = cookie;

	if (nr > sink->left) {
		errno = sink->silent ? 0 : ENOSPC;
		return 0;
	}
	sink->left -= nr;
	sink->text = realloc(sink->text, sink->nr_text + nr + 1);
	memcpy(sink->text + sink->nr_text, text, nr);
	sink->nr_text += nr;
	sink->text[sink->nr_text] = '\0';
	return (ssize_t)nr;
}

static int print_to(struct sink *sink, int format)
{
	static const cookie_io_functions_t functions = {.write = sink_write};
	FILE *file = fopencookie(sink, "w", functions);
	int rc;

	require(file != NULL, "errno %d", errno);
	rc = pcpu_stats_print(file, format);
	if (rc != 0)
		require(errno == (sink->silent ? EIO : ENOSPC), "errno %d",
			errno);
	fclose(file);
	return rc;
}

/* Brackets match, and outside of strings there is nothing but JSON. */
static void check_json(const char *text)
{
	char open[16];
	unsigned depth = 0;
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (strchr("{[", *text)) {
			require(depth < sizeof(open), "too deep");
			open[depth++] = *text;
		} else if (strchr("]}", *text)) {
			require(depth > 0 && open[--depth] == *text - 2,
				"unmatched: %s", text);
		} else {
			require(strchr("\": ,\n0123456789", *text),
				"no JSON: %s", text);
		}
	}
	require(depth == 0 && !quoted, "unfinished");
}

/* The first number after the name. */
static unsigned long long number_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	require(at != NULL, "no %s in %s", name, text);
	return strtoull(at + strcspn(at, "0123456789"), NULL, 10);
}

static void check_get(const struct fuzz *fuzz, const struct pcpu_stats *stats)
{
	const struct shadow *shadow = fuzz->shadow;
	size_t least = 0, most = 0, i;

	for (i = 0; i < shadow->nr; i++) {
		size_t usable = shadow->objects[i].usable;

		least = !least || usable < least ? usable : least;
		most = usable > most ? usable : most;
	}
	require(stats->nr_cur_alloc == shadow->nr, "%llu objects",
		(unsigned long long)stats->nr_cur_alloc);
	/* In debug mode objects have redzones. */
	require(libpcpu_debug_level() || (stats->live_bytes == shadow->bytes &&
					  stats->min_alloc_size == least &&
					  stats->max_alloc_size == most),
		"%llu objects of %zu to %zu bytes, %zu in all",
		(unsigned long long)stats->nr_cur_alloc, stats->min_alloc_size,
		stats->max_alloc_size, stats->live_bytes);
	require(stats->nr_alloc - stats->nr_dealloc == shadow->nr &&
			stats->nr_max_alloc >= shadow->nr,
		"%llu allocations, %llu frees, %llu at most",
		(unsigned long long)stats->nr_alloc,
		(unsigned long long)stats->nr_dealloc,
		(unsigned long long)stats->nr_max_alloc);
	require(stats->populated_bytes <=
				stats->unit_bytes +
					stats->nr_retired * stats->chunk_size &&
			stats->nr_max_chunks >= stats->nr_chunks,
		"%zu bytes of %zu, %llu chunks of %llu", stats->populated_bytes,
		stats->unit_bytes, (unsigned long long)stats->nr_chunks,
		(unsigned long long)stats->nr_max_chunks);
	require(stats->nr_units == shadow->nr_cpus, "%u units",
		stats->nr_units);
	if (!fuzz_machine->worker)
		require(libpcpu_nr_pages() ==
				stats->nr_chunks *
					(stats->chunk_size / 4096 - 1) *
					stats->nr_units,
			"%zu pages", libpcpu_nr_pages());
}

/* how: 1, capacity: 2 */
static void statistics(struct fuzz *fuzz)
{
	unsigned how = take_byte(fuzz);
	struct sink sink = {.left = SIZE_MAX, .silent = how & 8};
	struct pcpu_stats stats;
	int format = how & 1 ? PCPU_STATS_JSON : PCPU_STATS_TEXT;

	require(pcpu_stats_get(NULL) == -1 && errno == EINVAL, "NULL");
	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	check_get(fuzz, &stats);
	errno = 0;
	require(pcpu_stats_print(NULL, format) == -1 && errno == EINVAL,
		"NULL");
	require(pcpu_stats_print(stderr, 2 + (int)how) == -1 && errno == EINVAL,
		"no such format");
	fuzz->shadow->touched += (uint64_t)2 << 20;
	if (how & 2) {
		sink.left = take_two(fuzz);
		print_to(&sink, format);
	} else {
		require(print_to(&sink, format) == 0, "errno %d", errno);
		require(number_of(sink.text, "nr_cur_alloc") ==
				fuzz->shadow->nr,
			"nr_cur_alloc: %s", sink.text);
		if (format == PCPU_STATS_JSON)
			check_json(sink.text);
	}
	free(sink.text);
}

/* Every number is where it belongs. */
static void cpu_numbers(struct fuzz *fuzz)
{
	unsigned nr = 0;
	int cpu, last = -1;

	pcpu_for_each_cpu (cpu) {
		require(cpu > last && pcpu_check_cpu(cpu) == (unsigned)cpu,
			"CPU %d behind %d", cpu, last);
		last = cpu;
		nr++;
	}
	require(nr == fuzz->shadow->nr_cpus &&
			pcpu_nr_cpus() == (unsigned)last + 1,
		"%u CPUs up to %d", nr, last);
	cpu = pcpu_cpu();
	require(pcpu_check_cpu(cpu) == (unsigned)cpu, "on CPU %d", cpu);
	if (fuzz_machine->no_rseq)
		require(cpu == (int)fuzz->cpu, "CPU %d in place of %u", cpu,
			fuzz->cpu);
}

static const struct fuzz_op ops[] = {
	{"statistics", 0x70, 4, statistics},
	{"cpu_numbers", 0x78, 2, cpu_numbers},
};
FUZZ_OPS(ops)
