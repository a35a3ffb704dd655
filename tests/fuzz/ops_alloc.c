// SPDX-License-Identifier: MIT
/*
 * Allocations and frees as they should be, and allocations as they should not.
 */
#include "fuzz.h"
#include "inject.h"

#define IN_BULK 0x80u /* of a count */
#define NOWAIT 0x80u  /* of an alignment */

static size_t take_size(struct fuzz *fuzz)
{
	return 1 + take_two(fuzz) % PCPU_SIZE_MAX;
}

static size_t align_of(unsigned how)
{
	return (size_t)1 << how % 13;
}

/* size: 2 bytes, alignment and flag: 1 */
static void allocate(struct fuzz *fuzz)
{
	size_t size = take_size(fuzz);
	unsigned how = take_byte(fuzz);

	fuzz_alloc(fuzz, size, align_of(how), how & NOWAIT ? PCPU_NOWAIT : 0);
}

static void allocate_bulk(struct fuzz *fuzz, size_t size, size_t align,
			  size_t nr)
{
	fuzz_charge(fuzz);
	if (fuzz->shadow->nr + nr > FUZZ_LIVE_MAX ||
	    !fuzz_has_room(fuzz, size * nr))
		return;
	if (!shadow_alloc_bulk(fuzz->shadow, size, align, 0, nr))
		fuzz_refused(fuzz, size, align, 0, nr);
}

/* class: 1, count: 1 */
static void allocate_some(struct fuzz *fuzz)
{
	unsigned class = take_byte(fuzz), how = take_byte(fuzz);
	unsigned nr = how % IN_BULK;
	size_t size = 4 * (1 + class % 64);
	size_t align = class < 192 ? 4 : 256;

	if (how & IN_BULK) {
		allocate_bulk(fuzz, size, align, nr);
		return;
	}
	while (nr-- > 0)
		fuzz_alloc(fuzz, size, align, 0);
}

/* size: 2, alignment: 1. Until there is no memory, or enough. */
static void fill(struct fuzz *fuzz)
{
	size_t size = take_size(fuzz), align = align_of(take_byte(fuzz));
	size_t before;

	do {
		before = fuzz->shadow->nr;
		fuzz_alloc(fuzz, size, align, 0);
	} while (fuzz->shadow->nr > before);
}

static void bad_arguments(struct fuzz *fuzz)
{
	unsigned kind = take_byte(fuzz);
	size_t align = kind % 2 ? 3 : kind % 4 ? 0 : PCPU_ALIGN_MAX * 2;
	void *none[2];

#define REFUSED(call, error)                                                 \
	do {                                                                 \
		errno = 0;                                                   \
		require(call, "kind %u", kind);                              \
		require(errno == (error), "kind %u, errno %d", kind, errno); \
	} while (0)
	REFUSED(!pcpu_alloc(8, align), EINVAL);
	REFUSED(!pcpu_alloc(0, 8), EINVAL);
	REFUSED(!pcpu_alloc(PCPU_SIZE_MAX + 1 + kind, 8), ENOMEM);
	REFUSED(!pcpu_alloc(SIZE_MAX - kind, 4096), ENOMEM);
	REFUSED(!pcpu_alloc(SIZE_MAX - kind, align), EINVAL);
	REFUSED(!pcpu_alloc_flags(8, 8, 4u << kind % 30), EINVAL);
	REFUSED(pcpu_alloc_bulk(8, align, 0, 2, none), EINVAL);
	REFUSED(pcpu_alloc_bulk(PCPU_SIZE_MAX + 1 + kind, 8, 0, 2, none),
		ENOMEM);
#undef REFUSED
	require(pcpu_alloc_bulk(8, align, 0, 0, NULL) == 0, "none");
	require(pcpu_usable_size(NULL) == 0, "NULL");
	pcpu_free(NULL);
	pcpu_free_bulk(0, NULL);
	none[0] = none[1] = NULL;
	pcpu_free_bulk(2, none);
}

/* object: 2 */
static void free_one(struct fuzz *fuzz)
{
	struct shadow_object *object = take_object(fuzz);

	if (object)
		fuzz_free(fuzz, fuzz_index(fuzz, object), pcpu_free);
}

/* first: 1, count: 1 */
static void free_some(struct fuzz *fuzz)
{
	size_t first = take_byte(fuzz), how = take_byte(fuzz);
	size_t nr = how % IN_BULK;

	if (how & IN_BULK) {
		shadow_free_bulk(fuzz->shadow, first, first % 4, nr);
		return;
	}
	while (nr-- > 0 && fuzz->shadow->nr > 0)
		fuzz_free(fuzz, first % fuzz->shadow->nr, pcpu_free);
}

/* n: 1. All but each n-th. */
static void thin_out(struct fuzz *fuzz)
{
	size_t n = 1 + take_byte(fuzz) % 32, i;

	for (i = fuzz->shadow->nr; i-- > 0;)
		if (i % n)
			fuzz_free(fuzz, i, pcpu_free);
}

static void free_all(struct fuzz *fuzz)
{
	struct rng rng = {.state = take_byte(fuzz)};

	shadow_free_all(fuzz->shadow, &rng);
}

static void check_one(struct fuzz *fuzz)
{
	const struct shadow_object *object = take_object(fuzz);

	if (object)
		shadow_check_object(object);
}

static void trim(struct fuzz *fuzz)
{
	struct pcpu_stats stats;

	fuzz->shadow->touched += (uint64_t)1 << 20;
	require(pcpu_trim() % 4096 == 0, "pages are whole");
	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	/* What the system refuses is kept for the next round. */
	if (!fuzz->may_keep && !inject_nr_failed() && !fuzz_machine->worker)
		require(stats.nr_retired == 0, "%llu chunks are set aside",
			(unsigned long long)stats.nr_retired);
}

static void check_all(struct fuzz *fuzz)
{
	fuzz->shadow->touched += (uint64_t)1 << 20;
	fuzz_check(fuzz);
}

static const struct fuzz_op ops[] = {
	{"allocate", 0x00, 16, allocate},
	{"allocate_some", 0x10, 8, allocate_some},
	{"fill", 0x18, 4, fill},
	{"bad_arguments", 0x1c, 4, bad_arguments},
	{"free", 0x20, 16, free_one},
	{"free_some", 0x30, 8, free_some},
	{"thin_out", 0x38, 4, thin_out},
	{"check_one", 0x3c, 4, check_one},
	{"trim", 0x40, 8, trim},
	{"check_all", 0x48, 4, check_all},
	{"free_all", 0x4c, 4, free_all},
};
FUZZ_OPS(ops)
