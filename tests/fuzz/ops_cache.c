// SPDX-License-Identifier: MIT
/*
 * An object cache's whole life, as one operation with a program of its own: so
 * nothing of it is there when others are counted.
 */
#include <pcpu/cache.h>
#include <stdatomic.h>

#include "fuzz.h"
#include "inject.h"
#include "object/cache.h"

#define LIVE_MAX 200u
#define MADE UINT64_C(0xca11ab1e)

struct play {
	struct fuzz *fuzz;
	struct pcpu_cache *cache;
	bool percpu;
	size_t size, align;
	void *live[LIVE_MAX];
	unsigned nr;
};

static atomic_uint nr_made, nr_gone;
static unsigned fail_in; /* constructors; 0 for never */
static bool is_percpu;

/* --- objects -------------------------------------------------------------- */

/* A word of each copy. */
static bool all_are(void *object, uint64_t value)
{
	int cpu;

	if (!is_percpu)
		return *(uint64_t *)object == value;
	pcpu_for_each_cpu (cpu)
		if (*pcpu_ptr((uint64_t *)object, cpu) != value)
			return false;
	return true;
}

static void set_all(void *object, uint64_t value)
{
	int cpu;

	if (!is_percpu) {
		*(uint64_t *)object = value;
		return;
	}
	pcpu_for_each_cpu (cpu)
		*pcpu_ptr((uint64_t *)object, cpu) = value;
}

static int make(void *object)
{
	if (fail_in && !--fail_in)
		return EAGAIN;
	require(all_are(object, 0), "%p is not zero", object);
	set_all(object, MADE);
	nr_made++;
	return 0;
}

static void destroy(void *object)
{
	require(all_are(object, MADE), "%p is not as it was made", object);
	nr_gone++;
}

static uint64_t stamp_of(const void *object)
{
	return (uintptr_t)object | 1;
}

/* --- operations ----------------------------------------------------------- */

/* May there be none? */
static void refused(const struct play *play, unsigned nr, bool failed)
{
	if (failed) {
		require(errno == EAGAIN, "errno %d", errno);
		return;
	}
	require(errno == ENOMEM, "errno %d", errno);
	/* Of several, all but the last may have been there. */
	require(play->fuzz->failing || nr > 1 ||
			(play->percpu &&
			 fuzz_is_exhausted(play->size, play->align)),
		"no memory, and there is room");
}

static void add(struct play *play, void *object)
{
	require(all_are(object, MADE), "%p is not as it was made", object);
	require((uintptr_t)object % play->align == 0, "%p", object);
	set_all(object, stamp_of(object));
	play->live[play->nr++] = object;
	fuzz_charge(play->fuzz);
}

static void alloc_some(struct play *play, unsigned nr)
{
	void *objects[LIVE_MAX];
	unsigned i, before = fail_in;

	if (play->nr + nr > LIVE_MAX)
		return;
	if (pcpu_cache_alloc_bulk(play->cache, nr, objects)) {
		refused(play, nr, before && !fail_in);
		return;
	}
	for (i = 0; i < nr; i++)
		add(play, objects[i]);
}

static void free_from(struct play *play, unsigned first, unsigned nr)
{
	void *objects[LIVE_MAX];
	unsigned i;

	for (i = 0; i < nr && play->nr; i++) {
		void **at = &play->live[first % play->nr];

		objects[i] = *at;
		require(all_are(*at, stamp_of(*at)), "%p has another's stamp",
			*at);
		set_all(*at, MADE);
		*at = play->live[--play->nr];
	}
	pcpu_cache_free_bulk(play->cache, i, objects);
}

static void check_stats(const struct play *play)
{
	struct pcpu_cache_info stats;

	require(!pcpu_cache_stats(play->cache, &stats), "errno %d", errno);
	if (fuzz_machine->worker)
		return;
	require(stats.nr_objects == nr_made - nr_gone &&
			stats.nr_objects == stats.nr_cached + play->nr,
		"%llu objects, %llu cached, %u live; %u made, %u gone",
		(unsigned long long)stats.nr_objects,
		(unsigned long long)stats.nr_cached, play->nr, nr_made,
		nr_gone);
	/* A budget that was lowered waits for a fence. */
	require((stats.held_bytes <= stats.budget || play->fuzz->failing) &&
			stats.cached_bytes <= stats.held_bytes,
		"%zu cached, %zu held of %zu", stats.cached_bytes,
		stats.held_bytes, stats.budget);
}

static void shrink(const struct play *play)
{
	struct pcpu_cache_info stats;

	pcpu_cache_shrink(play->cache);
	require(!pcpu_cache_stats(play->cache, &stats), "errno %d", errno);
	if (play->fuzz->failing || fuzz_machine->worker)
		return;
	require(stats.nr_objects == play->nr && !stats.held_bytes,
		"%llu objects after a shrink, %u are live",
		(unsigned long long)stats.nr_objects, play->nr);
}

static void list(const struct play *play)
{
	void *listed[LIVE_MAX];
	size_t nr = pcpu_cache_live(play->cache, LIVE_MAX, listed), i, j;

	if (play->fuzz->failing)
		return;
	require(nr == play->nr, "%zu listed, %u are live", nr, play->nr);
	for (i = 0; i < nr; i++) {
		for (j = 0; j < nr && listed[j] != play->live[i]; j++)
			continue;
		require(j < nr, "%p is not listed", play->live[i]);
	}
}

static void destroy_busy(const struct play *play)
{
	if (!play->nr)
		return;
	fuzz_listen();
	errno = 0;
	require(pcpu_cache_destroy(play->cache) == -1 && errno == EBUSY,
		"errno %d", errno);
	fuzz_unlisten();
	fuzz_expect_heard("live object");
}

/* --- wrong use ------------------------------------------------------------ */

static struct pcpu_cache *wronged;

static void free_wrong(void *object)
{
	pcpu_cache_free(wronged, object);
}

static void alloc_wrong(void *unused)
{
	(void)unused;
	(void)pcpu_cache_alloc(wronged);
}

static void expect_aborts(void (*call)(void *), void *arg, const char *words)
{
	require(fuzz_aborts(call, arg), "no \"%s\"", words);
	fuzz_expect_heard("\"fuzzed\"");
	fuzz_expect_heard(words);
}

static bool is_made(const void *object)
{
	if (is_percpu)
		object = pcpu_ptr(object, libpcpu_cpu_next(-1));
	return *(const uint64_t *)object == MADE;
}

/* What debug mode knows of wrong frees. The object is idle. */
static void wrong_frees(const struct play *play, void *object)
{
	expect_aborts(free_wrong, &wronged, "not an object of this cache");
	expect_aborts(free_wrong, object, "already free");
	if (play->nr)
		expect_aborts(free_wrong, play->live[0],
			      "not in its constructed state");
}

/* The next to be handed out is one that somebody has written to. It is ours
 * since, and only its contents are to come back. */
static void write_late(const struct play *play, void *object)
{
	int cpu = libpcpu_cpu_next(-1);
	char *copy = play->percpu ? pcpu_ptr((char *)object, cpu) : object;

	copy[play->size - 1] ^= 1;
	expect_aborts(alloc_wrong, NULL, "after its free");
	copy[play->size - 1] ^= 1;
	cache_debug_alloc(cache_of(play->cache), object, "fuzz");
}

static uint64_t nr_cached(const struct play *play)
{
	struct pcpu_cache_info stats;

	require(!pcpu_cache_stats(play->cache, &stats), "errno %d", errno);
	return stats.nr_cached;
}

static void misuse(struct play *play)
{
	uint64_t before;
	void *object;

	wronged = play->cache;
	if (!libpcpu_debug_level() || play->nr == LIVE_MAX || fail_in ||
	    play->fuzz->failing)
		return;
	object = pcpu_cache_alloc(play->cache);
	if (!object)
		return;
	before = nr_cached(play);
	pcpu_cache_free(play->cache, object);
	if (nr_cached(play) == before) /* there is no room to be idle */
		return;
	wrong_frees(play, object);
	write_late(play, object);
	add(play, object);
}

static void one_by_one(struct play *play)
{
	void *object =
		play->nr < LIVE_MAX ? libpcpu_cache_alloc(play->cache) : NULL;

	if (object) {
		require(all_are(object, MADE), "%p", object);
		libpcpu_cache_free(play->cache, object);
	}
}

/* --- a program ------------------------------------------------------------ */

static void rare_step(struct play *play)
{
	switch (take_byte(play->fuzz) % 8) {
	case 0:
		check_stats(play);
		break;
	case 6:
		if (take_byte(play->fuzz) % 2)
			one_by_one(play);
		else
			misuse(play);
		break;
	case 1:
		cache_idle_round();
		break;
	case 2:
		fail_in = 1 + take_byte(play->fuzz) % 8;
		break;
	case 3:
		fuzz_go(play->fuzz, take_cpu(play->fuzz));
		break;
	case 4:
		destroy_busy(play);
		break;
	case 5:
		list(play);
		break;
	default:
		shrink(play);
	}
}

static void step(struct play *play)
{
	unsigned how = take_byte(play->fuzz);
	size_t copies = play->percpu ? play->fuzz->shadow->nr_cpus : 1;

	switch (how % 8) {
	case 0:
	case 1:
		alloc_some(play, 1 + how / 64);
		break;
	case 2:
	case 3:
		free_from(play, take_byte(play->fuzz), 1 + how / 64);
		break;
	case 4:
		alloc_some(play, 1 + take_byte(play->fuzz) % 64);
		break;
	case 5:
		free_from(play, take_byte(play->fuzz), LIVE_MAX);
		break;
	case 6:
		pcpu_cache_set_budget(play->cache, take_byte(play->fuzz) *
							   play->size * copies);
		break;
	default:
		rare_step(play);
	}
}

/* What the system refused to fence stays in the cache until it does. */
static void end(struct play *play)
{
	fail_in = 0;
	free_from(play, 0, LIVE_MAX);
	check_stats(play);
	while (pcpu_cache_destroy(play->cache)) {
		require(play->fuzz->failing, "errno %d", errno);
		inject_plan(NULL);
	}
	require(nr_made == nr_gone, "%u made, %u gone", nr_made, nr_gone);
}

/* kind: 1, size: 2, steps: 1, and what these take */
static void cache_life(struct fuzz *fuzz)
{
	unsigned how = take_byte(fuzz), nr;
	struct play play = {
		.fuzz = fuzz,
		.percpu = how & 1,
		.size = 8 + take_two(fuzz) % 500,
		.align = (size_t)8 << how / 2 % 8,
	};

	is_percpu = play.percpu;
	nr_made = nr_gone = 0;
	play.cache =
		pcpu_cache_create("fuzzed", play.size, play.align, make,
				  destroy, play.percpu ? PCPU_CACHE_PERCPU : 0);
	if (!play.cache) {
		require(errno == ENOMEM, "errno %d", errno);
		return;
	}
	pcpu_cache_set_tied(play.cache, how / 16 * 8);
	pcpu_cache_set_check(play.cache, is_made);
	for (nr = take_byte(fuzz); nr && fuzz->left; nr--)
		step(&play);
	end(&play);
}

static const struct fuzz_op ops[] = {
	{"cache_life", 0x98, 8, cache_life},
};
FUZZ_OPS(ops)
