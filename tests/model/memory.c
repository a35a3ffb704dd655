// SPDX-License-Identifier: MIT
/*
 * Memory: who touches what, what must not be written there, and what all of it
 * was at the start of the execution.
 */
#include <string.h>
#include <sys/mman.h>

#include "engine.h"

/* --- places --------------------------------------------------------------- */

/* An open hash; what is in it stays. */
#define PLACES_SHIFT 16
static struct place places[1u << PLACES_SHIFT];
static unsigned nr_places;
static bool news;

struct place *memory_place(const volatile void *address)
{
	uintptr_t at = (uintptr_t)address & ~(uintptr_t)7;
	unsigned i = (unsigned)((at * MIX) >> (64 - PLACES_SHIFT));

	while (places[i].address != at) {
		if (!places[i].address) {
			explore_expect(nr_places++ < 1u << (PLACES_SHIFT - 1),
				       "too many places");
			places[i].address = at;
			break;
		}
		i = (i + 1) % (1u << PLACES_SHIFT);
	}
	return &places[i];
}

void memory_forget_threads(void)
{
	unsigned i;

	for (i = 0; i < 1u << PLACES_SHIFT; i++)
		places[i].readers = places[i].writers = 0;
}

bool memory_has_news(void)
{
	bool had = news;

	news = false;
	return had;
}

void memory_note(struct place *place, bool writes)
{
	bool was_shared = place_is_shared(place);
	uint8_t thread = (uint8_t)(1u << engine.current);

	if (writes)
		place->writers |= thread;
	else
		place->readers |= thread;
	news |= place_is_shared(place) && !was_shared;
}

/* Neighbours of a small variable may be the sanitizer's. */
__attribute__((no_sanitize("address"))) static uint64_t
value_of(const struct place *place)
{
	return *(const uint64_t *)place->address;
}

__attribute__((no_sanitize("address"))) static void set(uintptr_t address,
							uint64_t value)
{
	*(uint64_t *)address = value;
}

/* --- the way back --------------------------------------------------------- */

static unsigned long execution;
static struct {
	uintptr_t address;
	uint64_t value;
} words[1u << 16];
static unsigned nr_words;

/* What is not a place: a piece, then where it belongs. */
struct piece {
	void *start;
	size_t bytes;
};
#define PIECES_BYTES ((size_t)1 << 30)
static char *pieces;
static size_t pieces_used;

void memory_begin(void)
{
	if (!pieces)
		pieces = mmap(NULL, PIECES_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			      0);
	explore_expect(pieces != MAP_FAILED, "no memory");
	execution++;
	nr_words = 0;
	pieces_used = 0;
}

void explore_save(const void *start, size_t bytes)
{
	struct piece piece = {(void *)(uintptr_t)start, bytes};
	size_t room = (bytes + 15) & ~(size_t)15;

	if (!engine.running)
		return;
	explore_expect(pieces_used + room + sizeof(piece) <= PIECES_BYTES,
		       "too much to save");
	memcpy(pieces + pieces_used, start, bytes);
	pieces_used += room;
	memcpy(pieces + pieces_used, &piece, sizeof(piece));
	pieces_used += sizeof(piece);
}

/* --- stores --------------------------------------------------------------- */

static uint64_t contents; /* of all places that were written, mixed */
static struct place *pending[2];
static unsigned nr_pending;

static uint64_t mix_place(const struct place *place)
{
	return mix(value_of(place) + place->address * MIX);
}

/* The place is about to change. */
void memory_begin_write(struct place *place)
{
	if (place->logged != execution) {
		explore_expect(nr_words < sizeof(words) / sizeof(*words),
			       "too many places");
		place->logged = execution;
		words[nr_words].address = place->address;
		words[nr_words++].value = value_of(place);
	}
	contents ^= mix_place(place);
	pending[nr_pending++] = place;
}

/* Is there a later value of it on its way? */
static bool is_outdated(const struct place *place)
{
	struct touch touch = {.place = place};
	unsigned cpu;

	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		if (memory_meets(cpu, &touch))
			return true;
	return false;
}

/* I7, F1: what somebody owns is free nowhere. */
static void expect_owned(const struct place *place)
{
	size_t offset = place->address - (uintptr_t)arena_slots;
	const struct slot *slot;
	uint64_t twice = value_of(place) & place->held;

	if (is_outdated(place))
		return;
	explore_expect(!twice, "%s: %#lx is owned and free",
		       trace_name((void *)place->address), twice);
	if (offset >= EXPLORE_CPUS * sizeof(*arena_slots))
		return;
	slot = &arena_slots->slot[0] + offset / sizeof(*slot);
	twice = memory_place(&layout.words[slot->word.v])->held & slot->free.v;
	explore_expect(!twice || is_outdated(memory_place(&slot->free)) ||
			       is_outdated(memory_place(&slot->word)),
		       "%s: %#lx is owned and in the slot", trace_name(slot),
		       twice);
}

static void trace_result(void)
{
	struct access access = trace_pending;

	trace_pending.what = NULL;
	if (!access.what)
		return;
	memcpy(&access.after, (const void *)(uintptr_t)access.address,
	       access.bytes < 8 ? access.bytes : 8);
	trace_access(&access);
}

void memory_settle(void)
{
	unsigned i, nr = nr_pending;

	nr_pending = 0;
	if (trace_pending.what)
		trace_result();
	for (i = 0; i < nr; i++)
		contents ^= mix_place(pending[i]);
	for (i = 0; i < nr; i++)
		expect_owned(pending[i]);
}

void memory_restore(void)
{
	struct piece piece;

	stores_forget();
	nr_pending = 0;
	trace_pending.what = NULL;
	contents = 0;
	while (nr_words-- > 0)
		set(words[nr_words].address, words[nr_words].value);
	while (pieces_used) {
		pieces_used -= sizeof(piece);
		memcpy(&piece, pieces + pieces_used, sizeof(piece));
		pieces_used -= (piece.bytes + 15) & ~(size_t)15;
		memcpy(piece.start, pieces + pieces_used, piece.bytes);
	}
	memory_begin();
}

void memory_write(char *at, const void *data, unsigned bytes)
{
	unsigned i;

	for (i = 0; i < bytes; i += 8)
		memory_begin_write(memory_place(at + i));
	memcpy(at, data, bytes);
	memory_settle();
}

uint64_t memory_contents(void)
{
	return contents;
}
