// SPDX-License-Identifier: MIT
/*
 * The public allocation calls, with the fast paths.
 *
 * An allocation, when its CPU's slot names a word with a free object:
 *
 *	size, align -> class			no memory access
 *	CPU number				the thread's rseq area
 *	slot -> word number			a line of this CPU alone
 *	word: CAS the lowest bit away		a line of this CPU's slab
 *	map: still our class?			read-mostly
 *	used: zero the copies?			read-mostly
 *
 * A free: pointer -> page -> map -> class -> index -> fetch_add on the word.
 */
#include <errno.h>

#include "arena/arena.h"
#include "chunk/compiler.h"
#include "chunk/registry.h"
#include "chunk/zero.h"
#include "pcpu.h"

#define SLOW __attribute__((noinline))
#define FAST __attribute__((always_inline))

_Static_assert(PCPU_SIZE_MAX == SLAB_PAGES_MAX * PAGE_BYTES, "one a slab");
_Static_assert(PCPU_ALIGN_MAX == PAGE_BYTES, "slabs start on a page");

static bool arguments_are_good(size_t size, size_t align, unsigned flags)
{
	return size - 1 < PCPU_SIZE_MAX && align - 1 < PCPU_ALIGN_MAX &&
	       (align & (align - 1)) == 0 && (flags & ~PCPU_NOWAIT) == 0;
}

/*
 * What the fast path does not do itself it leaves to one of the functions below
 * by a tail call, so that it needs no stack: each store in front of an atomic
 * operation delays that.
 */

/* An object that was never handed out: its copies are zero, untouched. */
SLOW static void *hand_out_virgin(uintptr_t handle, struct object object)
{
	object_use(object);
	return (void *)handle;
}

SLOW static void *hand_out_zeroed(uintptr_t handle,
				  const struct size_class *class)
{
	copies_zero(class, handle);
	return (void *)handle;
}

/* Make the object ready for its new owner. */
static inline void *hand_out(unsigned class, struct object object)
{
	const struct size_class *c = &size_classes[class];
	uintptr_t handle = object_handle(c, object);

	if (unlikely(!object_is_used(object)))
		return hand_out_virgin(handle, object);
	if (unlikely(!copies_are_small(c)))
		return hand_out_zeroed(handle, c);
	copies_zero_small(c, handle);
	return (void *)handle;
}

/* Another constructor may be faster than ours. */
static bool start_late(void)
{
	int saved = errno;
	bool started = arena_init();

	errno = saved;
	return started;
}

SLOW static void *alloc_slow(unsigned class, unsigned flags)
{
	struct request r = {.class = class, .nowait = flags & PCPU_NOWAIT};
	struct object object;

	if (!arena_is_ready() && (r.nowait || !start_late())) {
		errno = ENOMEM;
		return NULL;
	}
	r.cpu = (unsigned)libpcpu_cpu();
	if (!arena_pick(&r, &object)) {
		errno = ENOMEM;
		return NULL;
	}
	/* relaxed: statistics */
	add_local_relaxed(&arena_slots[r.cpu].nr_alloc, 1);
	return hand_out(class, object);
}

SLOW static void *alloc_stale(struct object object, unsigned class,
			      unsigned flags)
{
	arena_undo_stale(object);
	return alloc_slow(class, flags);
}

FAST static inline void *alloc_class(unsigned class, unsigned flags)
{
	int cpu = libpcpu_cpu_rseq();
	struct object object;
	struct slots *slots;
	word_id word;

	if (unlikely(cpu < 0))
		return alloc_slow(class, flags);
	slots = &arena_slots[cpu];
	/* relaxed: only a number; the claim and the map say what it is */
	word.nr = load_relaxed(&slots->word[class]);
	if (unlikely(!word_claim(word, &object)))
		return alloc_slow(class, flags);
	if (unlikely(!slab_is(word_page(word), class)))
		return alloc_stale(object, class, flags);
	add_local_relaxed(&slots->nr_alloc, 1); /* relaxed: statistics */
	return hand_out(class, object);
}

/* Everything but small sizes and alignments; or bad arguments. */
SLOW static void *alloc_general(size_t size, size_t align, unsigned flags)
{
	if (arguments_are_good(size, align, flags))
		return alloc_class(sizeclass_of(size, align), flags);
	/* Too much is another mistake than nonsense. */
	errno = size > PCPU_SIZE_MAX && arguments_are_good(1, align, flags)
			? ENOMEM
			: EINVAL;
	return NULL;
}

FAST static inline void *alloc(size_t size, size_t align, unsigned flags)
{
	size_t last = (size - 1) | (align - 1);

	if (unlikely(last >= SMALL_SIZE_MAX || (align & (align - 1)) ||
		     (flags & ~PCPU_NOWAIT)))
		return alloc_general(size, align, flags);
	return alloc_class(sizeclass_small(last), flags);
}

/* p is not the handle of a live object. */
SLOW static void refuse(const char *caller, void *p)
{
	registry_refuse(caller, p);
}

FAST static inline void free_found(const char *caller, void *p,
				   const struct found *found)
{
	struct object object = found->object;
	uint64_t bit = word_bit(object.bit);
	uint64_t old = slab_unclaim(object);

	if (unlikely(old & bit))
		refuse(caller, p);
	else if (!slab_is_reserved(word_page(object.word)))
		arena_note_free(object, map_class(found->entry), old | bit);
}

/* In the other window, or NULL, or nothing of ours. */
SLOW static void free_general(const char *caller, void *p)
{
	struct found found;

	if (!p)
		return;
	if (registry_find(p, &found))
		free_found(caller, p, &found);
	else
		refuse(caller, p);
}

FAST static inline void free_object(const char *caller, void *p)
{
	uintptr_t offset = registry_offset(p, WINDOW_SKEWED);
	struct found found;

	if (unlikely(offset >= layout.unit_bytes ||
		     !registry_find_at(offset, 0, &found)))
		free_general(caller, p);
	else
		free_found(caller, p, &found);
}

/* Bytes of a live object's copy; refuses everything else. */
static size_t usable_size(const char *caller, const void *p)
{
	struct found found;

	if (!p)
		return 0;
	/* relaxed: the caller owns the object, so its bit stays clear */
	if (!registry_find(p, &found) ||
	    load_relaxed(word_of(found.object.word)) &
		    word_bit(found.object.bit))
		registry_refuse(caller, p);
	return size_classes[map_class(found.entry)].size;
}

void *pcpu_alloc(size_t size, size_t align)
{
	return alloc(size, align, 0);
}

void *pcpu_alloc_flags(size_t size, size_t align, unsigned flags)
{
	return alloc(size, align, flags);
}

void pcpu_free(void *p)
{
	free_object("pcpu_free", p);
}

size_t pcpu_usable_size(const void *p)
{
	return usable_size("pcpu_usable_size", p);
}

/* The same for the shim, whose callers may have pcpu_* functions. */

void *libpcpu_alloc(size_t size, size_t align, unsigned flags)
{
	return alloc(size, align, flags);
}

void libpcpu_free(void *p)
{
	free_object("free_percpu", p);
}

size_t libpcpu_usable_size(const void *p)
{
	return usable_size("pcpu_alloc_size", p);
}
