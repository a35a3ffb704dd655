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
#include <sched.h>

#include "arena/arena.h"
#include "chunk/compiler.h"
#include "chunk/panic.h"
#include "chunk/registry.h"
#include "chunk/topology.h"
#include "chunk/zero.h"
#include "pcpu.h"

#define SLOW __attribute__((noinline))
#define FAST __attribute__((always_inline))

_Static_assert(PCPU_SIZE_MAX == SLAB_PAGES_MAX * PAGE_BYTES, "one a slab");
_Static_assert(PCPU_ALIGN_MAX == PAGE_BYTES, "slabs start on a page");

static inline bool arguments_are_bad(size_t size, size_t align, unsigned flags)
{
	return size - 1 >= PCPU_SIZE_MAX || align - 1 >= PCPU_ALIGN_MAX ||
	       (align & (align - 1)) != 0 || (flags & ~PCPU_NOWAIT) != 0;
}

/*
 * What the fast path does not do itself it leaves to one of the functions below
 * by a tail call, so that it needs no stack: each store in front of an atomic
 * operation delays that.
 */

SLOW static void *refuse(size_t size, size_t align, unsigned flags)
{
	bool too_large = size > PCPU_SIZE_MAX;

	errno = too_large && !arguments_are_bad(1, align, flags) ? ENOMEM
								 : EINVAL;
	return NULL;
}

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

SLOW static void *alloc_slow(unsigned class, unsigned flags)
{
	struct request r = {
		.class = class,
		.cpu = (unsigned)libpcpu_cpu(),
		.nowait = flags & PCPU_NOWAIT,
	};
	struct object object;

	if (!arena_pick(&r, &object)) {
		errno = ENOMEM;
		return NULL;
	}
	/* relaxed: statistics */
	add_local_relaxed(&arena_slots[r.cpu].nr_alloc, 1);
	return hand_out(class, object);
}

/* Another constructor was faster than ours, or start failed. */
SLOW static void *alloc_late(unsigned class, unsigned flags)
{
	int saved = errno;

	if (!arena_init()) {
		errno = ENOMEM;
		return NULL;
	}
	errno = saved;
	return alloc_slow(class, flags);
}

SLOW static void *alloc_stale(struct object object, unsigned class,
			      unsigned flags)
{
	arena_undo_stale(object);
	return alloc_slow(class, flags);
}

FAST static inline void *alloc(size_t size, size_t align, unsigned flags)
{
	int cpu = libpcpu_cpu_rseq();
	struct object object;
	struct slots *slots;
	unsigned class;
	word_id word;

	if (unlikely(arguments_are_bad(size, align, flags)))
		return refuse(size, align, flags);
	class = sizeclass_of(size, align);
	if (unlikely(!arena_slots))
		return alloc_late(class, flags);
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

FAST static inline void free_object(const char *caller, void *p)
{
	const struct size_class *class;
	struct object object;
	uint64_t old, bit;

	if (!p)
		return;
	class = registry_find(p, &object);
	if (unlikely(!class))
		registry_refuse(caller, p);
	bit = word_bit(object.bit);
	old = slab_unclaim(object);
	if (unlikely(old & bit))
		registry_refuse(caller, p);
	/* Few were free, or all of the word are now: see arena_note_free(). */
	if (word_has_few(old) || (old | bit) == UINT64_MAX ||
	    (old | bit) == class->last_word)
		arena_note_free(object, (unsigned)(class - size_classes),
				old | bit);
}

/* Bytes of a live object's copy; refuses everything else. */
static size_t usable_size(const char *caller, const void *p)
{
	const struct size_class *class;
	struct object object;

	if (!p)
		return 0;
	class = registry_find(p, &object);
	/* relaxed: the caller owns the object, so its bit stays clear */
	if (!class || load_relaxed(word_of(object.word)) & word_bit(object.bit))
		registry_refuse(caller, p);
	return class->size;
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
