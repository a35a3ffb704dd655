// SPDX-License-Identifier: MIT
/*
 * Sections of static variables that come and go. They are none of an object's,
 * but lie at addresses where nothing is. In a child, as the places of copies
 * stay taken.
 */
#include <sys/mman.h>

#include "chunk/layout.h"
#include "chunk/statics.h"
#include "fuzz.h"
#include "pcpu/statics.h"
#include "tests/inject.h"

#define SPAN ((size_t)3 * 4096)
#define FAR ((size_t)16 << 40)

static char *far; /* SPAN bytes */

static char *map_at(void *at, size_t bytes)
{
	void *got =
		mmap(at, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return got == at ? got : NULL;
}

static struct libpcpu_statics from_to(size_t first, size_t end, bool pages)
{
	struct libpcpu_statics statics = {.first = NULL};

	if (pages) {
		statics.first_page = far + first;
		statics.end_page = far + end;
	} else {
		statics.first = far + first;
		statics.end = far + end;
	}
	return statics;
}

static void expect_copies(size_t first, size_t end, bool are_there)
{
	size_t i;
	int cpu;

	pcpu_for_each_cpu (cpu)
		for (i = first; i < end; i += 7)
			require(*pcpu_ptr(far + i, cpu) ==
					(are_there ? far[i] : 0),
				"CPU %d's byte %zu", cpu, i);
}

/* A variable, and each copy of it, is known for what it is. */
static void expect_refused(size_t at, unsigned cpu)
{
	char *copy = pcpu_ptr(far + at, cpu);
	char text[64];

	require(fuzz_aborts(pcpu_free, far + at), "freed");
	fuzz_expect_heard(": a static per-CPU variable\n");
	require(fuzz_aborts(pcpu_free, copy), "freed");
	snprintf(text, sizeof(text),
		 ": the address of CPU %u's copy of a static", cpu);
	fuzz_expect_heard(text);
}

static void add(void *statics)
{
	libpcpu_statics_add(statics);
}

/* Where units do not have room anyway, the places may be taken. */
static bool has_no_room(struct libpcpu_statics *statics)
{
	if (!fuzz_aborts(add, statics))
		return false;
	require(!layout_covers((uintptr_t)far, SPAN), "no room");
	fuzz_expect_heard(": no room for the copies of CPU ");
	return true;
}

/* Two that share a page of their copies, in any order, twice. */
static void neighbours(struct fuzz *fuzz, bool pages)
{
	size_t middle = 1 + take_two(fuzz) % (SPAN - 2), i;
	struct libpcpu_statics one = from_to(0, middle, pages);
	struct libpcpu_statics two = from_to(middle, SPAN, pages);
	unsigned cpu = take_cpu(fuzz);

	for (i = 0; i < SPAN; i++)
		far[i] = (char)(i / 512 % 4 ? i : 0);
	if (has_no_room(&one) || has_no_room(&two))
		return;
	for (i = 0; i < 2; i++) {
		libpcpu_statics_add(&two);
		libpcpu_statics_add(&one);
		expect_copies(0, SPAN, true);
		expect_refused(middle, cpu);
		libpcpu_statics_remove(&two);
		expect_copies(0, middle, true);
		expect_copies(middle, SPAN, false);
		libpcpu_statics_remove(&two);
		libpcpu_statics_remove(&one);
		expect_copies(0, SPAN, false);
	}
}

/* Something is where a copy would be. */
static void taken(struct fuzz *fuzz)
{
	struct libpcpu_statics statics = from_to(0, 64, false);
	unsigned cpu = take_cpu(fuzz);
	uintptr_t copy = (uintptr_t)pcpu_ptr(far, cpu) & ~(uintptr_t)4095;

	if (!map_at((void *)copy, 4096))
		return;
	require(fuzz_aborts(add, &statics), "no room, and it is mapped");
	fuzz_expect_heard(": no room for the copies of CPU ");
}

static void too_many(size_t step)
{
	struct libpcpu_statics statics;
	size_t i;

	for (i = 0; i < LIBPCPU_STATICS_MAX; i++) {
		statics = from_to(step * i, step * i + 4, false);
		libpcpu_statics_add(&statics);
		if (!step)
			libpcpu_statics_remove(&statics);
	}
	statics = from_to(step * i, step * i + 4, false);
	require(fuzz_aborts(add, &statics), "too many, and taken");
	fuzz_expect_heard("objects at most");
}

/* The layout has a skew, unless it was told. */
static void page_aligned(struct fuzz *fuzz)
{
	struct libpcpu_statics statics = from_to(0, SPAN, true);

	if (statics_seen.pages) {
		neighbours(fuzz, true);
		return;
	}
	require(fuzz_aborts(add, &statics), "taken");
	fuzz_expect_heard("PCPU_STATIC_PAGES=1\n");
}

/* Far from the skewed window and from all that the system has mapped. */
static void play_far(struct fuzz *fuzz, unsigned how)
{
	switch (how % 8) {
	case 0:
		taken(fuzz);
		break;
	case 1:
		page_aligned(fuzz);
		break;
	case 2:
		too_many(8);
		break;
	case 3:
		too_many(0);
		break;
	default:
		neighbours(fuzz, false);
	}
}

/* Beside the window, where units have room for copies, but for some machines.
 */
static void play_beside(struct fuzz *fuzz, unsigned how)
{
	if (how % 8 == 1)
		page_aligned(fuzz);
	else
		neighbours(fuzz, false);
}

static void play(struct fuzz *fuzz, unsigned how)
{
	inject_plan(NULL);
	if (how & 8)
		far = mmap(NULL, SPAN, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else
		far = map_at((char *)layout.window[0] - FAR, SPAN);
	if (!far || far == MAP_FAILED)
		return;
	if (how & 8)
		play_beside(fuzz, how);
	else
		play_far(fuzz, how);
}

/* how: 1, and what that takes */
static void statics(struct fuzz *fuzz)
{
	unsigned how = take_byte(fuzz);

	fuzz->shadow->touched += (uint64_t)1 << 22;
	if (fuzz_fork(fuzz)) {
		play(fuzz, how);
		_exit(0);
	}
}

static const struct fuzz_op ops[] = {
	{"statics", 0xbc, 2, statics},
};
FUZZ_OPS(ops)
