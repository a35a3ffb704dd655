// SPDX-License-Identifier: MIT
/*
 * Handles that are none. Whatever the pointer, the call must die with one line
 * that names it and says what it is; what that is we know from the shadow map.
 */
#include "fuzz.h"

#include "chunk/layout.h"

#define BULK_MAX 9u

/* --- pointers ------------------------------------------------------------- */

static int global;

static void *foreign(unsigned which)
{
	static void *heap;
	static char *area;

	if (!heap)
		heap = malloc(64);
	if (!area)
		area = (char *)layout.map;
	switch (which % 5) {
	case 0:
		return &global;
	case 1:
		return (void *)(uintptr_t)fuzz_step;
	case 2:
		return heap;
	case 3:
		return area;
	default:
		return __builtin_frame_address(0);
	}
}

/* Anywhere in a window. */
static char *in_window(struct fuzz *fuzz)
{
	uint64_t where = take_eight(fuzz);

	return (char *)layout.window[where % NR_WINDOWS] +
	       where / NR_WINDOWS % layout.unit_bytes;
}

static char *near_object(struct fuzz *fuzz, unsigned kind)
{
	const struct shadow_object *object = take_object(fuzz);
	unsigned where = take_two(fuzz);

	if (!object)
		return in_window(fuzz);
	switch (kind) {
	case 0:
		return object->handle + where % object->usable;
	case 1:
		return object->handle + where % object->usable / 4 * 4;
	case 2:
		return object->handle + object->usable;
	case 3:
		return (char *)((uintptr_t)object->handle ^
				(uintptr_t)1 << where % 64);
	default:
		return pcpu_ptr(object->handle + where / 256 % object->usable,
				take_cpu(fuzz));
	}
}

static char *take_pointer(struct fuzz *fuzz)
{
	unsigned kind = take_byte(fuzz) % 16;

	if (kind < 10)
		return near_object(fuzz, kind % 5);
	if (kind < 13 && fuzz->nr_freed > 0) {
		unsigned nr = fuzz->nr_freed < FUZZ_FREED_MAX ? fuzz->nr_freed
							      : FUZZ_FREED_MAX;

		return fuzz->freed[take_byte(fuzz) % nr];
	}
	if (kind == 13)
		return (char *)(uintptr_t)take_eight(fuzz);
	return kind == 14 ? foreign(take_byte(fuzz)) : in_window(fuzz);
}

/* --- what they are -------------------------------------------------------- */

/* The live object that p lies in. */
static const struct shadow_object *object_around(const struct shadow *shadow,
						 const char *p)
{
	uintptr_t address = (uintptr_t)p;
	size_t above = shadow_index(shadow, (char *)(address + 1));
	const struct shadow_object *object;

	if (above == 0)
		return NULL;
	object = &shadow->objects[above - 1];
	if (address - (uintptr_t)object->handle >= object->usable)
		return NULL;
	return object;
}

/* The CPU whose copies p lies among, or -1. */
static int cpu_around(const char *p)
{
	unsigned w;
	int cpu;

	for (w = 0; w < NR_WINDOWS; w++)
		pcpu_for_each_cpu (cpu)
			if ((uintptr_t)p - (layout.window[w] +
					    (uintptr_t)libpcpu_offset[w][cpu]) <
			    layout.unit_bytes)
				return cpu;
	return -1;
}

static bool is_in_window(const char *p)
{
	unsigned w;

	for (w = 0; w < NR_WINDOWS; w++)
		if ((uintptr_t)p - layout.window[w] < layout.unit_bytes)
			return true;
	return false;
}

/* In a window and no live object's: something of the past, or of nobody. */
static void expect_past(const char *p)
{
	static const char *const words[] = {
		": already free", ": never allocated or given back",
		": never allocated: behind the last",
		" bytes inside an object of ",
		/* in debug mode */
		": never allocated\n",
		": never allocated: in front of an object",
		": never allocated: behind an object"};
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(fuzz_heard, words[i]))
			return;
	require(false, "%p: heard %s", (const void *)p, fuzz_heard);
}

/* The message is about the pointer, and says what is known of it. With others
 * freed before in the same call, its slab may have gone. */
static void expect_verdict(const struct fuzz *fuzz, const char *caller,
			   const char *p, bool may_go)
{
	const struct shadow_object *object = object_around(fuzz->shadow, p);
	char text[128];

	snprintf(text, sizeof(text), "libpcpu: %s(%p): ", caller,
		 (const void *)p);
	fuzz_expect_heard(text);
	if (object && !may_go) {
		snprintf(text, sizeof(text),
			 ": points %zu bytes inside an object of %zu bytes at "
			 "%p\n",
			 (size_t)(p - object->handle), object->usable,
			 (void *)object->handle);
		fuzz_expect_heard(text);
	} else if (is_in_window(p)) {
		expect_past(p);
	} else if (cpu_around(p) >= 0) {
		snprintf(text, sizeof(text),
			 ": the address of CPU %d's copy of an object, not its "
			 "handle\n",
			 cpu_around(p));
		fuzz_expect_heard(text);
	} else {
		fuzz_expect_heard(": not a per-CPU handle\n");
	}
}

/* Is it what the library should take? */
static bool is_right(const struct fuzz *fuzz, const char *p)
{
	const struct shadow_object *object = object_around(fuzz->shadow, p);

	return !p || (object && object->handle == p);
}

/* --- calls ---------------------------------------------------------------- */

static size_t ignored;

static void ask_size(void *p)
{
	ignored = pcpu_usable_size(p);
}

static void ask_kernel_size(void *p)
{
	ignored = libpcpu_usable_size(p);
}

static void free_as_bulk(void *p)
{
	pcpu_free_bulk(1, &p);
}

static const struct {
	const char *name;
	void (*call)(void *);
} calls[] = {
	{"pcpu_free", pcpu_free},         {"free_percpu", libpcpu_free},
	{"pcpu_usable_size", ask_size},   {"pcpu_alloc_size", ask_kernel_size},
	{"pcpu_free_bulk", free_as_bulk},
};
#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))

/* call: 1, pointer: 1 and more */
static void wrong_handle(struct fuzz *fuzz)
{
	unsigned which = take_byte(fuzz) % NR_CALLS;
	char *p = take_pointer(fuzz);

	/* What was freed on another CPU cannot be told without membarrier(). */
	if (is_right(fuzz, p) || fuzz->failing)
		return;
	require(fuzz_aborts(calls[which].call, p), "%s takes %p",
		calls[which].name, (void *)p);
	expect_verdict(fuzz, calls[which].name, p, false);
}

/* Is another live object in the same page, whose slab then has not gone? */
static bool has_neighbour(const struct shadow *shadow, const char *p)
{
	size_t above = shadow_index(shadow, p);
	uintptr_t page = (uintptr_t)p >> PAGE_SHIFT;

	return (above < shadow->nr &&
		(uintptr_t)shadow->objects[above].handle >> PAGE_SHIFT ==
			page) ||
	       (above > 0 &&
		(uintptr_t)shadow->objects[above - 1].handle >> PAGE_SHIFT ==
			page);
}

/* object: 2, call: 1 */
static void free_twice(struct fuzz *fuzz)
{
	struct shadow_object *object = take_object(fuzz);
	unsigned which = take_byte(fuzz) % NR_CALLS;
	char *p;

	if (!object)
		return;
	p = object->handle;
	fuzz_free(fuzz, fuzz_index(fuzz, object), pcpu_free);
	require(fuzz_aborts(calls[which].call, p), "%s takes %p again",
		calls[which].name, (void *)p);
	expect_verdict(fuzz, calls[which].name, p, false);
	if (has_neighbour(fuzz->shadow, p))
		fuzz_expect_heard(": already free\n");
}

struct bulk {
	size_t nr;
	void **objects;
};

static void free_bulk(void *arg)
{
	struct bulk *bulk = arg;

	pcpu_free_bulk(bulk->nr, bulk->objects);
}

/* Forget those of the objects that have been freed. */
static void forget_freed(struct fuzz *fuzz, void *const *objects, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		size_t at = shadow_index(fuzz->shadow, objects[i]);

		if (at < fuzz->shadow->nr &&
		    fuzz->shadow->objects[at].handle == objects[i] &&
		    fuzz_is_free(objects[i]))
			shadow_forget(fuzz->shadow, at);
	}
}

/* count and place: 1, first: 2, pointer: 1 and more. One among right ones. */
static void wrong_in_bulk(struct fuzz *fuzz)
{
	unsigned how = take_byte(fuzz), nr = 0;
	struct shadow_object *first = take_object(fuzz);
	char *p = how & 0x80 && first ? first->handle : take_pointer(fuzz);
	void *objects[BULK_MAX];
	unsigned wrong = how / 8 % BULK_MAX, i;

	if ((is_right(fuzz, p) && !(how & 0x80 && first)) || !first ||
	    fuzz->failing)
		return;
	for (i = 0; i < how % BULK_MAX &&
		    fuzz_index(fuzz, first) + i < fuzz->shadow->nr;
	     i++)
		objects[nr++] = first[i].handle;
	wrong = wrong > nr || is_right(fuzz, p) ? nr : wrong;
	if (is_right(fuzz, p) && nr == 0)
		return;
	for (i = 0; i < nr; i++)
		shadow_check_object(&first[i]);
	memmove(&objects[wrong + 1], &objects[wrong],
		(nr - wrong) * sizeof(*objects));
	objects[wrong] = p;
	require(fuzz_aborts(free_bulk, &(struct bulk){nr + 1, objects}),
		"takes %p", (void *)p);
	forget_freed(fuzz, objects, nr + 1);
	expect_verdict(fuzz, "pcpu_free_bulk", p, wrong > 0);
}

static void check_cpu(void *arg)
{
	pcpu_check_cpu(*(int *)arg);
}

/* CPU: 2 */
static void wrong_cpu(struct fuzz *fuzz)
{
	int cpu = (int16_t)take_two(fuzz);
	char text[64];

	if (cpu >= 0 && cpu < (int)libpcpu_nr_cpu_ids &&
	    libpcpu_cpu_next(cpu - 1) == cpu) {
		require(pcpu_check_cpu(cpu) == (unsigned)cpu, "CPU %d", cpu);
		return;
	}
	require(fuzz_aborts(check_cpu, &cpu), "CPU %d is possible", cpu);
	snprintf(text, sizeof(text), "libpcpu: CPU %d is not possible", cpu);
	fuzz_expect_heard(text);
}

static const struct fuzz_op ops[] = {
	{"wrong_handle", 0x50, 12, wrong_handle},
	{"free_twice", 0x5c, 4, free_twice},
	{"wrong_in_bulk", 0x60, 4, wrong_in_bulk},
	{"wrong_cpu", 0x68, 2, wrong_cpu},
};
FUZZ_OPS(ops)
