// SPDX-License-Identifier: MIT
/*
 * The sequences of object caches, step by step; and the memory that they get
 * from the C library, which must come back with each execution.
 */
#include <stdlib.h>

#include "arena/context.h"
#include "engine.h"
#include "object/cache_sequences.h"

/* --- sequences ------------------------------------------------------------ */

/* The running CPU's, or NULL if there is no number of a CPU. */
static atom64 *enter(const struct pcpu_cache *public)
{
	struct cache *cache = cache_of(public);

	if (!context_has_sequences || engine.thread[engine.current].stale)
		return NULL;
	sequence_begin();
	return &cache->cpu[explore_cpu()].loaded;
}

static magazine *enter_loaded(const struct pcpu_cache *public, uint64_t *state)
{
	atom64 *loaded = enter(public);
	magazine *m;

	if (!loaded)
		return NULL;
	m = magazine_from(load_relaxed(loaded));
	*state = load_relaxed(atom_at(&m->state));
	return m;
}

static bool refuse(void)
{
	sequence_leave();
	return false;
}

static bool commit(magazine *m, uint64_t state)
{
	if (!sequence_commit(&m->state))
		return false;
	memory_store(&m->state, &state, sizeof(state));
	return true;
}

bool libpcpu_cache_try_pop(const struct pcpu_cache *cache, void **object)
{
	uint64_t state;
	magazine *m = enter_loaded(cache, &state);

	if (!m)
		return false;
	if (!(uint16_t)state)
		return refuse();
	*object = (void *)(uintptr_t)load_relaxed(
		atom_at(&m->object[(uint16_t)state - 1]));
	return commit(m, state + 0xffff);
}

bool libpcpu_cache_try_push(const struct pcpu_cache *cache, void *object)
{
	uint64_t state, word = (uintptr_t)object, *at;
	magazine *m = enter_loaded(cache, &state);

	if (!m)
		return false;
	if ((uint16_t)state >= m->capacity)
		return refuse();
	at = &m->object[(uint16_t)state];
	if (!sequence_goes_on(at))
		return refuse();
	memory_store(at, &word, sizeof(word));
	return commit(m, state + 0x10001);
}

bool try_take(struct cache *cache, magazine **taken)
{
	atom64 *loaded = enter(cache_public(cache));

	if (!loaded || !sequence_commit_locked(loaded))
		return false;
	*taken = magazine_from(
		memory_exchange(&loaded->v, (uintptr_t)&cache_none));
	return true;
}

/* --- memory --------------------------------------------------------------- */

/*
 * What is allocated while threads run lies here; how much of it is used is a
 * place like any other, and so comes back. What is freed then stays as it is:
 * in the next execution it is in use again.
 */
static _Alignas(64) char memory[1 << 20];
static atom64 used;

void *__real_aligned_alloc(size_t align, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes)
{
	size_t at;

	if (!engine.running)
		return __real_aligned_alloc(align, bytes);
	bytes = (bytes + 63) & ~(size_t)63;
	at = fetch_add_relaxed(&used, bytes);
	explore_expect(align <= 64 && at + bytes <= sizeof(memory),
		       "the C library's memory is used up");
	return memory + at;
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	if (!engine.running &&
	    (uintptr_t)p - (uintptr_t)memory >= sizeof(memory))
		__real_free(p);
}
