// SPDX-License-Identifier: MIT
/*
 * The public allocation calls, with the fast paths.
 *
 * An allocation, when its CPU's slot holds an object:
 *
 *	size, align -> class			no memory access
 *	slot: take the lowest bit away		a line of this CPU alone
 *	used: zero the copies?			read-mostly
 *
 * When it does not, but its word has one, and on machines without a front:
 *
 *	slot -> word number			a line of this CPU alone
 *	word: CAS the lowest bit away		a line of this CPU's slab
 *	map: still our class?			read-mostly
 *
 * A free: pointer -> page -> map -> class -> index, then the bit goes to the
 * slot if that names the object's word, else to the word by a fetch_add.
 */
#include <errno.h>

#include "arena/arena.h"
#include "arena/debug.h"
#include "chunk/compiler.h"
#include "chunk/registry.h"
#include "pcpu.h"

#define SLOW __attribute__((noinline))
#define FAST __attribute__((always_inline))

_Static_assert(PCPU_SIZE_MAX == SLAB_PAGES_MAX * PAGE_BYTES, "one a slab");
_Static_assert(PCPU_ALIGN_MAX == PAGE_BYTES, "slabs start on a page");

static bool arguments_are_good(size_t size, size_t align, unsigned flags)
{
	return size - 1 < PCPU_SIZE_MAX && align - 1 < PCPU_ALIGN_MAX &&
	       (align & (align - 1)) == 0 &&
	       (flags & ~(PCPU_NOWAIT | PCPU_NOZERO)) == 0;
}

/*
 * What the fast path does not do itself it leaves to one of the functions below
 * by a tail call, so that it needs no stack: each store in front of an atomic
 * operation delays that.
 */

/* An object that was never handed out: its copies are zero, untouched. */
static void *hand_out_virgin(uintptr_t handle, struct object object)
{
	object_use(object);
	return (void *)handle;
}

SLOW static void *hand_out_fresh(uintptr_t handle, uint64_t word, uint64_t bit)
{
	struct object object = {{(uint32_t)word}, (unsigned)bit};

	return hand_out_virgin(handle, object);
}

static inline void *hand_out_object(unsigned nr, struct object object,
				    unsigned flags)
{
	const struct size_class *class = &size_classes[nr];
	uintptr_t handle = object_handle(class, object);

	if (!object_is_used(object))
		return hand_out_virgin(handle, object);
	if (unlikely(flags & PCPU_NOZERO))
		return (void *)handle;
	return class->zero(class, handle);
}

SLOW /* The slot may hold an object: we were thrown out of its sequence. */
	static bool
	claim_again(unsigned class, struct object *object)
{
	struct claimed claimed;

	if (!front_claim(&size_classes[class], &claimed))
		return false;
	/* relaxed: statistics */
	add_local_relaxed(&claimed.slot->nr_alloc, 1);
	object->word.nr = (uint32_t)claimed.word;
	object->bit = (unsigned)claimed.bit;
	return true;
}

static void *alloc_slow(unsigned class, unsigned flags)
{
	struct request r = {.class = class, .nowait = flags & PCPU_NOWAIT};
	struct object object;

	r.cpu = (unsigned)libpcpu_cpu();
	if (arena_pick(&r, &object)) {
		/* relaxed: statistics */
		add_local_relaxed(&arena_slots[r.cpu].slot[class].nr_alloc, 1);
	} else if (!claim_again(class, &object)) {
		errno = ENOMEM;
		return NULL;
	}
	return hand_out_object(class, object, flags);
}

SLOW static void *alloc_stale(struct object object, unsigned class,
			      unsigned flags)
{
	arena_undo_stale(object);
	return alloc_slow(class, flags);
}

/* Before the start, and in debug mode. `end` is what was asked for, less 1, see
 * debug_alloc(). */
SLOW static void *alloc_otherwise(size_t end, unsigned class, unsigned flags)
{
	/* Another constructor may be faster than ours. */
	if (!arena_is_ready() && (flags & PCPU_NOWAIT || !arena_init())) {
		errno = ENOMEM;
		return NULL;
	}
	return debug_level ? debug_alloc(end, class, flags)
			   : alloc_slow(class, flags);
}

/* With a front that has nothing, or without rseq, too. */
static void *alloc_aside(size_t end, unsigned class, unsigned flags)
{
	if (unlikely(!arena_is_ready() || debug_level))
		return alloc_otherwise(end, class, flags);
	return alloc_slow(class, flags);
}

/* Without a front, the fast path. */
static void *alloc_word(size_t end, unsigned class, unsigned flags)
{
	unsigned cpu = (unsigned)libpcpu_cpu_rseq(); /* none: above all */
	struct object object;
	struct slot *slot;
	word_id word;

	if (cpu >= arena_word_limit)
		return alloc_aside(end, class, flags);
	slot = &arena_slots[cpu].slot[class];
	/* relaxed: only a number; the claim and the map say what it is */
	word.nr = load_relaxed(&slot->word);
	if (unlikely(!word_claim(word, &object)))
		return alloc_slow(class, flags);
	if (unlikely(!slab_is(word_page(word), class)))
		return alloc_stale(object, class, flags);
	add_local_relaxed(&slot->nr_alloc, 1); /* relaxed: statistics */
	return hand_out_object(class, object, flags);
}

/* The running CPU's front has nothing, or there is none. */
SLOW static void *alloc_shared(size_t end, const struct size_class *class,
			       unsigned flags)
{
	return alloc_word(end, (unsigned)(class - size_classes), flags);
}

/* `end` is the size, less 1: it lies in a register anyway. */
FAST static inline void *alloc_class(size_t end, const struct size_class *class,
				     unsigned flags)
{
	struct claimed claimed;
	uintptr_t handle;

	OPAQUE(class);
	if (unlikely(!front_claim(class, &claimed)))
		return alloc_shared(end, class, flags);
	/* relaxed: statistics */
	add_local_relaxed(&claimed.slot->nr_alloc, 1);
	handle = claimed_handle(class, &claimed);
	/* relaxed: as in object_is_used() */
	if (unlikely(claimed.bit >= load_relaxed(&layout.used[claimed.word])))
		return hand_out_fresh(handle, claimed.word, claimed.bit);
	return class->zero(class, handle);
}

/* With PCPU_NOZERO. */
static void *alloc_as_is(size_t end, unsigned class, unsigned flags)
{
	struct object object;

	/* Without a front gcc misses that there is no object to go on with. */
	if (!FRONT_SUPPORTED || unlikely(!claim_again(class, &object)))
		return alloc_word(end, class, flags);
	return hand_out_object(class, object, flags);
}

/* Everything but small sizes and alignments; or bad arguments. */
SLOW static void *alloc_general(size_t end, size_t align, unsigned flags)
{
	size_t size = end + 1;

	if (arguments_are_good(size, align, flags)) {
		unsigned class = sizeclass_of(size, align);

		if (flags & PCPU_NOZERO)
			return alloc_as_is(end, class, flags);
		return alloc_class(end, &size_classes[class], flags);
	}
	/* Too much is another mistake than nonsense. */
	errno = size > PCPU_SIZE_MAX && arguments_are_good(1, align, flags)
			? ENOMEM
			: EINVAL;
	return NULL;
}

FAST static inline void *alloc(size_t size, size_t align, unsigned flags)
{
	size_t end = size - 1;
	size_t last = end | (align - 1);

	if (unlikely(last >= SMALL_SIZE_MAX || (align & (align - 1)) ||
		     (flags & ~PCPU_NOWAIT)))
		return alloc_general(end, align, flags);
	return alloc_class(end, sizeclass_small(last), flags);
}

FAST static inline void free_to_word(const char *caller, void *p,
				     struct object object,
				     const struct size_class *c)
{
	uint64_t bit = word_bit(object.bit);
	uint64_t old = slab_unclaim(object);

	if (unlikely(old & bit))
		registry_refuse(caller, p);
	if (unlikely(arena_free_tells(c, old | bit)))
		arena_note_free(c, object.word, old | bit);
}

/* A slot seems to hold the object already. */
SLOW static void free_held(const char *caller, void *p, uint32_t word,
			   unsigned bit, const struct size_class *c)
{
	if (!arena_is_live(p, c))
		registry_refuse_free(caller, p);
	free_to_word(caller, p, (struct object){{word}, bit}, c);
}

/* Let go of an object that the running CPU's slot does not take. */
SLOW static void free_shared(const char *caller, void *p, uint32_t word,
			     unsigned bit, const struct size_class *c)
{
	struct object object = {{word}, bit};

	if (unlikely(slot_bits(c, object.word) & word_bit(bit)))
		free_held(caller, p, word, bit, c);
	else
		free_to_word(caller, p, object, c);
}

FAST static inline void free_found(const char *caller, void *p,
				   const struct found *found)
{
	const struct size_class *class = &size_classes[map_class(found->entry)];
	struct object object = found->object;

	OPAQUE(class);
	/* relaxed: who owns the object knows of a free of it before */
	if (unlikely(load_relaxed(word_of(object.word)) >> object.bit & 1) ||
	    !front_unclaim(class, object))
		free_shared(caller, p, object.word.nr, object.bit, class);
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
		debug_free(caller, p);
}

FAST static inline void free_object(const char *caller, void *p)
{
	uintptr_t offset = registry_offset(p, WINDOW_SKEWED);
	struct found found;

	if (unlikely(offset >= layout.handle_bytes ||
		     !registry_find_at(offset, 0, &found)))
		free_general(caller, p);
	else
		free_found(caller, p, &found);
}

/* Bytes of a live object's copy; refuses everything else. */
static size_t usable_size(const char *caller, const void *p)
{
	const struct size_class *class;
	struct found found;
	uint64_t bits;

	if (!p)
		return 0;
	if (!registry_find(p, &found))
		return debug_usable_size(caller, p);
	class = &size_classes[map_class(found.entry)];
	/* relaxed: the caller owns the object, so its bit stays clear */
	bits = load_relaxed(word_of(found.object.word)) |
	       slot_bits(class, found.object.word);
	if (unlikely(bits & word_bit(found.object.bit)) &&
	    !arena_is_live(p, class))
		registry_refuse_free(caller, p);
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
