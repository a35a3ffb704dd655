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

_Static_assert(PCPU_SIZE_MAX == SLAB_PAGES_MAX * PAGE_BYTES, "one a slab");
_Static_assert(PCPU_ALIGN_MAX == PAGE_BYTES, "slabs start on a page");

static bool arguments_are_bad(size_t size, size_t align, unsigned flags)
{
	return size - 1 >= PCPU_SIZE_MAX || align - 1 >= PCPU_ALIGN_MAX ||
	       (align & (align - 1)) != 0 || (flags & ~PCPU_NOWAIT) != 0;
}

__attribute__((cold, noinline)) static void *refuse(size_t size, size_t align,
						    unsigned flags)
{
	bool too_large = size > PCPU_SIZE_MAX;

	errno = too_large && !arguments_are_bad(1, align, flags) ? ENOMEM
								 : EINVAL;
	return NULL;
}

/*
 * No atomic operation: threads of one CPU lose an update only when one is
 * preempted between the load and the store.
 */
static inline void count_alloc(struct slots *slots)
{
	/* relaxed: statistics */
	uint64_t nr = load_relaxed(&slots->nr_alloc);

	store_relaxed(&slots->nr_alloc, nr + 1); /* relaxed: statistics */
}

/* Make the object ready for its new owner. */
static inline void *hand_out(unsigned window, unsigned class,
			     struct object object)
{
	uint32_t size = size_classes[class].size;
	uintptr_t handle = object_handle(window, object, size);

	if (likely(object_is_used(object)))
		copies_zero(window, handle, size);
	else
		object_use(object);
	return (void *)handle;
}

__attribute__((noinline)) static void *
alloc_slow(unsigned window, unsigned class, unsigned cpu, unsigned flags)
{
	struct request r = {window, class, cpu, flags & PCPU_NOWAIT};
	struct object object;

	if (!arena_pick(&r, &object)) {
		errno = ENOMEM;
		return NULL;
	}
	count_alloc(&arena_slots[cpu]);
	return hand_out(window, class, object);
}

/* Another constructor was faster than ours. */
__attribute__((cold, noinline)) static bool start_late(void)
{
	int saved = errno;
	bool started = arena_init();

	errno = started ? saved : ENOMEM;
	return started;
}

static inline void *alloc(size_t size, size_t align, unsigned flags)
{
	unsigned window, class, cpu;
	struct object object;
	struct slots *slots;
	word_id word;

	if (unlikely(arguments_are_bad(size, align, flags)))
		return refuse(size, align, flags);
	if (unlikely(!arena_slots) && !start_late())
		return NULL;
	window = align > CACHE_LINE ? WINDOW_PAGES : WINDOW_SKEWED;
	class = sizeclass_of(size, align);
	cpu = (unsigned)libpcpu_cpu();
	slots = &arena_slots[cpu];
	/* relaxed: only a number; the claim and the map say what it is */
	word.nr = load_relaxed(&slots->word[window][class]);
	if (unlikely(!word_claim(word, &object)))
		return alloc_slow(window, class, cpu, flags);
	if (unlikely(!slab_is(word_page(word), class))) {
		arena_undo_stale(object);
		return alloc_slow(window, class, cpu, flags);
	}
	count_alloc(slots);
	return hand_out(window, class, object);
}

static inline void free_object(const char *caller, void *p)
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
