// SPDX-License-Identifier: MIT
/*
 * A replay for people to read: who touches what, in which function.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"

/* --- names of places ------------------------------------------------------ */

#define OFFSET_IN(address, start) ((uintptr_t)(address) - (uintptr_t)(start))

static int name_page(char *text, size_t bytes, page_id page)
{
	chunk_id chunk = page_chunk(page);
	const struct arena *arena = arena_of(chunk);

	return snprintf(text, bytes, "%u.%u.%u",
			(unsigned)(arena - arena_at(0)),
			pool_index(&arena->pool, chunk), page_index(page));
}

/* Per page: arena, chunk and page number. */
static bool name_in_layout(char *text, size_t bytes, uintptr_t address)
{
	size_t nr_pages = (size_t)NR_WINDOWS * layout.window_pages;
	size_t word = OFFSET_IN(address, layout.words) / sizeof(atom64);
	size_t used = OFFSET_IN(address, layout.used);
	size_t page = OFFSET_IN(address, layout.map) / sizeof(atom64);
	char where[32];

	if (word < nr_pages * PAGE_WORDS) {
		word_id id = {(uint32_t)word};

		name_page(where, sizeof(where), word_page(id));
		snprintf(text, bytes, "word %s[%u]", where, word_index(id));
	} else if (used < nr_pages * PAGE_WORDS) {
		word_id id = {(uint32_t)used};

		name_page(where, sizeof(where), word_page(id));
		snprintf(text, bytes, "used %s[%u]", where, word_index(id));
	} else if (page < nr_pages) {
		name_page(where, sizeof(where), (page_id){(uint32_t)page});
		snprintf(text, bytes, "map %s", where);
	} else {
		return false;
	}
	return true;
}

static bool name_in_chunk(char *text, size_t bytes, uintptr_t address)
{
	static const char *const field[] = {"free", "dirty", "idle"};
	size_t offset = OFFSET_IN(address, layout.chunks);
	chunk_id id = {(uint32_t)(offset / sizeof(struct chunk))};
	char where[32];

	if (id.nr >= arena_count() * layout.arena_chunks)
		return false;
	offset %= sizeof(struct chunk);
	name_page(where, sizeof(where), chunk_page(id, 0));
	*strrchr(where, '.') = '\0';
	snprintf(text, bytes, "chunk %s %s", where,
		 offset < sizeof(field) ? field[offset / 8] : "room");
	return true;
}

static bool name_in_slots(char *text, size_t bytes, uintptr_t address)
{
	size_t offset = OFFSET_IN(address, arena_slots);
	size_t cpu = offset / sizeof(struct slots), class, in_slot;

	if (cpu >= EXPLORE_CPUS)
		return false;
	offset %= sizeof(struct slots);
	class = offset / sizeof(struct slot);
	in_slot = offset % sizeof(struct slot);
	snprintf(text, bytes, "slot of CPU %zu, %u bytes, %s", cpu,
		 size_classes[class].size,
		 in_slot < offsetof(struct slot, word)       ? "free"
		 : in_slot < offsetof(struct slot, nr_alloc) ? "word"
							     : "nr_alloc");
	return true;
}

static bool name_in_shelves(char *text, size_t bytes, uintptr_t address)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		const struct shelves *shelves = &arena_at(i)->shelves;
		size_t kind = OFFSET_IN(address, shelves->leaf) / 8;
		size_t summary = OFFSET_IN(address, shelves->summary) / 8;
		bool is_leaf = kind < shelves->nr_groups * NR_SHELVES;

		if (!is_leaf && summary >= shelves->nr_summaries * NR_SHELVES)
			continue;
		if (!is_leaf)
			kind = summary / shelves->nr_summaries;
		if (kind < NR_SIZES)
			snprintf(text, bytes, "shelf %u for %u bytes%s", i,
				 size_classes[1 + kind].size,
				 is_leaf ? "" : ", summary");
		else
			snprintf(text, bytes, "shelf %u for %zu pages%s", i,
				 kind - NR_SIZES + 1,
				 is_leaf ? "" : ", summary");
		return true;
	}
	return false;
}

static bool name_in_arena(char *text, size_t bytes, uintptr_t address)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		const struct arena *arena = arena_at(i);
		const struct {
			const void *at;
			const char *name;
		} field[] = {
			{&arena->nr_empty, "nr_empty"},
			{&arena->nr_chunks, "nr_chunks"},
			{&arena->max_chunks, "max_chunks"},
			{&arena->pool.nr_set_aside, "nr_set_aside"},
			{arena->pool.taken, "taken"},
			{arena->pool.retired, "retired"},
			{arena->pool.waiting, "waiting"},
		};
		size_t j;

		for (j = 0; j < sizeof(field) / sizeof(*field); j++)
			if (address == (uintptr_t)field[j].at) {
				snprintf(text, bytes, "arena %u %s", i,
					 field[j].name);
				return true;
			}
	}
	return false;
}

const char *trace_name(const volatile void *at)
{
	static char texts[2][80];
	static unsigned turn;
	char *text = texts[turn++ % 2];
	uintptr_t address = (uintptr_t)at;
	size_t bytes = sizeof(texts[0]);

	if (address == (uintptr_t)&front_limit)
		return "front_limit";
	if (!name_in_layout(text, bytes, address) &&
	    !name_in_chunk(text, bytes, address) &&
	    !name_in_slots(text, bytes, address) &&
	    !name_in_shelves(text, bytes, address) &&
	    !name_in_arena(text, bytes, address))
		snprintf(text, bytes, "%p", (void *)address);
	return text;
}

/* --- names of functions --------------------------------------------------- */

extern const char executable_start[] __asm__("__executable_start")
	__attribute__((visibility("hidden")));

/* "function at file:line", if there is an addr2line. */
static void name_function(char *text, size_t bytes, const void *caller)
{
	char command[128], line[160];
	FILE *pipe;

	snprintf(text, bytes, "%p", caller);
	snprintf(command, sizeof(command),
		 "addr2line -psfe /proc/%d/exe %#zx 2>/dev/null", (int)getpid(),
		 OFFSET_IN(caller, executable_start) - 1);
	pipe = popen(command, "r");
	if (!pipe)
		return;
	if (fgets(line, sizeof(line), pipe)) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, bytes, "%s", line);
	}
	pclose(pipe);
}

/* --- lines ---------------------------------------------------------------- */

static void begin_line(void)
{
	printf("%6lu  thread %u  CPU %u  ", engine.step, explore_thread(),
	       explore_cpu());
}

struct access trace_pending;

void trace_access(const struct access *access)
{
	char function[160];

	name_function(function, sizeof(function), access->caller);
	begin_line();
	printf("%-6s  %-36s %#lx", access->what, trace_name(access->address),
	       access->before);
	if (access->after != access->before)
		printf(" -> %#lx", access->after);
	printf("   %s\n", function);
	fflush(stdout);
}

void trace_event(const char *format, ...)
{
	va_list args;

	begin_line();
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}
