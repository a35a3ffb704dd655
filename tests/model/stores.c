// SPDX-License-Identifier: MIT
/*
 * Accesses, and stores that are still on their way.
 *
 * With EXPLORE_TSO every CPU has a store buffer, a queue. Stores enter it,
 * loads look into the own one first, and an atomic read-modify-write or seq_cst
 * store waits until it is empty. A store leaves it whenever it pleases; but
 * when does not matter until somebody else touches its place, so that is when
 * the engine asks whether it left before (memory_meets()). Whatever is left
 * when all threads have ended leaves then, and not before, or nobody would ever
 * see another's stores late.
 */
#include <string.h>

#include "engine.h"

/* --- store buffers -------------------------------------------------------- */

struct store {
	char *at;
	unsigned bytes;
	_Alignas(16) char data[16];
};

/* About what processors have; a full one lets its oldest store go. */
#define STORES_MAX 48u
static struct buffer {
	unsigned nr;
	struct store store[STORES_MAX]; /* the oldest first */
} buffers[EXPLORE_CPUS];

void stores_forget(void)
{
	unsigned cpu;

	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		buffers[cpu].nr = 0;
}

static bool is_in(const struct store *store, const struct place *place)
{
	uintptr_t at = (uintptr_t)store->at;

	return at < place->address + 8 && place->address < at + store->bytes;
}

static bool do_meet(const struct store *a, const struct store *b)
{
	return a->at < b->at + b->bytes && b->at < a->at + a->bytes;
}

void memory_flush(unsigned cpu, unsigned nr)
{
	struct buffer *buffer = &buffers[cpu];
	unsigned i;

	for (i = 0; i < nr; i++) {
		struct store store = buffer->store[0];

		memmove(buffer->store, buffer->store + 1,
			--buffer->nr * sizeof(store));
		if (engine.tracing)
			trace_event("CPU %u's store to %s arrives", cpu,
				    trace_name(store.at));
		memory_write(store.at, store.data, store.bytes);
	}
}

void memory_drain(unsigned cpu)
{
	if (buffers[cpu].nr)
		memory_flush(cpu, buffers[cpu].nr);
}

unsigned memory_meets(unsigned cpu, const struct touch *touch)
{
	const struct buffer *own = &buffers[explore_cpu()];
	unsigned i, j;

	for (i = 0; i < buffers[cpu].nr; i++) {
		const struct store *store = &buffers[cpu].store[i];

		if (touch->place && is_in(store, touch->place))
			return i + 1;
		for (j = 0; touch->drains && j < own->nr; j++)
			if (do_meet(store, &own->store[j]))
				return i + 1;
	}
	return 0;
}

bool memory_is_shared(const struct touch *touch)
{
	const struct buffer *own = &buffers[explore_cpu()];
	unsigned i, j;

	if (touch->place && place_is_shared(touch->place))
		return true;
	for (i = 0; touch->drains && i < own->nr; i++)
		for (j = 0; j < own->store[i].bytes; j += 8)
			if (place_is_shared(memory_place(own->store[i].at + j)))
				return true;
	return false;
}

/* Where a load of the running thread finds its value. */
static void *find(const volatile void *address, unsigned bytes)
{
	struct buffer *own = &buffers[explore_cpu()];
	unsigned i = own->nr;

	while (i-- > 0) {
		struct store *store = &own->store[i];
		size_t offset = (uintptr_t)address - (uintptr_t)store->at;

		if (offset < store->bytes && offset + bytes <= store->bytes)
			return store->data + offset;
	}
	return NULL;
}

static void *push(const volatile void *address, unsigned bytes)
{
	struct buffer *own = &buffers[explore_cpu()];
	struct store *store;

	if (own->nr == STORES_MAX)
		memory_flush(explore_cpu(), 1);
	store = &own->store[own->nr++];
	store->at = (char *)(uintptr_t)address;
	store->bytes = bytes;
	return store->data;
}

uint64_t memory_state(void)
{
	uint64_t state = memory_contents(), data[2];
	unsigned cpu, i;

	for (cpu = 0; cpu < EXPLORE_CPUS; cpu++)
		for (i = 0; i < buffers[cpu].nr; i++) {
			const struct store *store = &buffers[cpu].store[i];

			data[1] = 0;
			memcpy(data, store->data, store->bytes);
			if (store->bytes < 8)
				data[0] &=
					(UINT64_C(1) << store->bytes * 8) - 1;
			state = mix(state ^ data[0] * MIX ^ cpu) +
				mix(data[1] + (uintptr_t)store->at);
		}
	return state;
}

/* --- accesses ------------------------------------------------------------- */

static uint64_t read_at(const void *at, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

static void learn(uint64_t value)
{
	uint64_t *history = &engine.thread[engine.current].history;

	*history = (*history ^ value) * MIX + 1; /* a 0 counts, too */
	*history ^= *history >> 32;
}

static void *load(struct place *place, const volatile void *address,
		  unsigned bytes)
{
	void *from = engine.model != EXPLORE_SC ? find(address, bytes) : NULL;

	if (!from) {
		struct touch touch = {.place = place};

		memory_note(place, false);
		engine_point(&touch);
		from = (void *)(uintptr_t)address;
	}
	learn(read_at(from, bytes));
	return from;
}

/* A store that is not buffered, or a read-modify-write. */
static void *change(struct place *place, const volatile void *address,
		    unsigned bytes, bool reads)
{
	struct touch touch = {.place = place, .drains = true};

	memory_note(place, true);
	engine_point(&touch);
	memory_drain(explore_cpu());
	memory_begin_write(place);
	learn(reads ? read_at((const void *)(uintptr_t)address, bytes) : 0);
	return (void *)(uintptr_t)address;
}

static void trace(const volatile void *address, unsigned bytes,
		  enum atom_access access, void *at, const void *caller)
{
	static const char *const name[] = {"load", "store", "change"};
	struct access told = {
		.address = at,
		.bytes = bytes,
		.what = access == ATOM_STORES && at != address ? "buffer"
							       : name[access],
		.before = read_at(at, bytes),
		.caller = caller,
	};

	told.after = told.before;
	if (at == address && access != ATOM_LOADS) {
		trace_pending = told;
		return;
	}
	told.address = address;
	trace_access(&told);
}

/* Called by the library in front of each shared access. */
void *model_access(const volatile void *address, unsigned bytes,
		   enum atom_access access)
{
	struct place *place;
	void *at;

	if (engine.peeking && (at = find(address, bytes)))
		return at;
	if (!engine.running && !engine.peeking)
		signals_point();
	if (!engine.running || engine.peeking)
		return (void *)(uintptr_t)address;
	memory_settle();
	place = memory_place(address);
	if (!engine.scheduled) {
		if (access != ATOM_LOADS)
			memory_begin_write(place);
		return (void *)(uintptr_t)address;
	}
	explore_expect(++engine.step < 1000000, "no end in sight");
	if (access == ATOM_LOADS) {
		at = load(place, address, bytes);
	} else if (access == ATOM_STORES && engine.model != EXPLORE_SC) {
		memory_note(place, true);
		learn(0); /* that it has come so far */
		at = push(address, bytes);
	} else {
		at = change(place, address, bytes, access == ATOM_RMWS);
	}
	if (engine.tracing)
		trace(address, bytes, access, at, __builtin_return_address(0));
	return at;
}

void memory_store(void *at, const void *data, unsigned bytes)
{
	unsigned i;

	if (!engine.running) {
		memcpy(at, data, bytes);
		return;
	}
	for (i = 0; i < bytes; i += 8)
		memory_note(memory_place((char *)at + i), true);
	if (engine.scheduled && engine.model != EXPLORE_SC)
		memcpy(push(at, bytes), data, bytes);
	else
		memory_write(at, data, bytes);
	if (engine.tracing)
		trace_event("the sequence commits to %s", trace_name(at));
}

uint64_t memory_exchange(uint64_t *at, uint64_t value)
{
	uint64_t old;

	if (engine.running)
		memory_drain(explore_cpu());
	old = *at;
	if (!engine.running) {
		*at = value;
		return old;
	}
	learn(old);
	memory_note(memory_place(at), true);
	memory_write((char *)at, &value, sizeof(value));
	if (engine.tracing)
		trace_event("the sequence exchanges %s", trace_name(at));
	return old;
}
