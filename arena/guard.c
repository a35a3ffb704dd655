// SPDX-License-Identifier: MIT
#include "arena/guard.h"

#include <sched.h>
#include <string.h>

#include "chunk/annotate.h"
#include "chunk/layout.h"
#include "chunk/panic.h"
#include "chunk/topology.h"

/* By unit: its CPU is none that the program can run on. */
static bool is_remote[LIBPCPU_CPUS_MAX];

void guard_start(void)
{
	cpu_set_t *set = CPU_ALLOC(LIBPCPU_CPUS_MAX);
	size_t bytes = CPU_ALLOC_SIZE(LIBPCPU_CPUS_MAX);
	unsigned unit;

	if (set && !sched_getaffinity(0, bytes, set))
		for (unit = 0; unit < layout.nr_units; unit++)
			is_remote[unit] = !CPU_ISSET_S(topology.unit_cpu[unit],
						       bytes, set);
	CPU_FREE(set);
}

static uint8_t *copy_of(const struct guarded *g, unsigned unit)
{
	return (uint8_t *)(g->cell + (uintptr_t)g->units[unit]);
}

static void open_copy(const struct guarded *g, const uint8_t *copy)
{
	annotate_open((uintptr_t)copy, g->bytes);
}

static void close_copy(const struct guarded *g, const uint8_t *copy)
{
	annotate_close((uintptr_t)copy, g->bytes);
}

static void close_redzones(const struct guarded *g, const uint8_t *copy)
{
	uintptr_t end = (uintptr_t)copy + g->front + g->size;

	annotate_close((uintptr_t)copy, g->front);
	annotate_close(end, (uintptr_t)copy + g->bytes - end);
}

/* Index of the first byte that is not `value`, or n. */
static size_t first_other(const uint8_t *bytes, size_t n, uint8_t value)
{
	size_t i = 0;

	/* All equal to the next one, and the first one right. */
	if (!n || (bytes[0] == value && !memcmp(bytes, bytes + 1, n - 1)))
		return n;
	/* Others may be writing. */
	while (i < n && bytes[i] == value)
		i++;
	return i;
}

static bool is_untouched(const struct guarded *g, unsigned unit)
{
	return is_remote[unit] &&
	       first_other(copy_of(g, unit), g->bytes, 0) == g->bytes;
}

static void fill_redzones(const struct guarded *g, uint8_t *copy)
{
	size_t end = g->front + g->size;

	memset(copy, GUARD_CANARY, g->front);
	memset(copy + end, GUARD_CANARY, g->bytes - end);
}

void guard_arm(const struct guarded *g, bool clean)
{
	unsigned unit;

	for (unit = 0; unit < layout.nr_units; unit++) {
		uint8_t *copy = copy_of(g, unit);

		open_copy(g, copy);
		if (clean ? !is_remote[unit] : !is_untouched(g, unit)) {
			if (!clean)
				memset(copy + g->front, 0, g->size);
			fill_redzones(g, copy);
		}
		close_redzones(g, copy);
	}
}

/* A byte of [from, to) that is not `value`. */
static bool find_other(const struct guarded *g, unsigned unit, size_t from,
		       size_t to, uint8_t value, struct guard_fault *fault)
{
	const uint8_t *copy = copy_of(g, unit);
	size_t i = from + first_other(copy + from, to - from, value);

	if (i == to)
		return false;
	fault->unit = unit;
	fault->offset = (ptrdiff_t)i - (ptrdiff_t)g->front;
	fault->found = copy[i];
	return true;
}

/* What the patterns are made of on this unit: the pattern's byte, or zero. The
 * cell's first and last bytes tell, where they are in a redzone: who runs over
 * one end does not write to both. */
static uint8_t expected(const struct guarded *g, unsigned unit, uint8_t value)
{
	const uint8_t *copy = copy_of(g, unit);
	size_t first = g->front ? 0 : g->bytes - 1;
	size_t last = g->front + g->size < g->bytes ? g->bytes - 1 : 0;
	bool filled = copy[first] == value || copy[last] == value;

	return is_remote[unit] && !filled ? 0 : value;
}

static bool overrun_on(const struct guarded *g, unsigned unit,
		       struct guard_fault *fault)
{
	uint8_t value = expected(g, unit, GUARD_CANARY);

	/* The rear first: most who overrun do so there. */
	return find_other(g, unit, g->front + g->size, g->bytes, value,
			  fault) ||
	       find_other(g, unit, 0, g->front, value, fault);
}

bool guard_find_overrun(const struct guarded *g, struct guard_fault *fault)
{
	unsigned unit;

	for (unit = 0; unit < layout.nr_units; unit++)
		if (overrun_on(g, unit, fault))
			return true;
	return false;
}

bool guard_find_late_write(const struct guarded *g, struct guard_fault *fault)
{
	unsigned unit;

	for (unit = 0; unit < layout.nr_units; unit++)
		if (find_other(g, unit, 0, g->bytes,
			       expected(g, unit, GUARD_POISON), fault))
			return true;
	return false;
}

void guard_bury(const char *caller, const struct guarded *g)
{
	struct guard_fault fault;
	unsigned unit;

	for (unit = 0; unit < layout.nr_units; unit++) {
		uint8_t *copy = copy_of(g, unit);

		open_copy(g, copy);
		if (overrun_on(g, unit, &fault))
			guard_report_overrun(caller, g, &fault);
		if (!is_untouched(g, unit))
			memset(copy, GUARD_POISON, g->bytes);
		close_copy(g, copy);
	}
}

void guard_expect_dead(const char *caller, const struct guarded *g)
{
	bool told = annotate_is_on();
	struct guard_fault fault;
	unsigned unit;

	for (unit = 0; told && unit < layout.nr_units; unit++)
		open_copy(g, copy_of(g, unit));
	if (guard_find_late_write(g, &fault))
		guard_report_late_write(caller, g, &fault);
	for (unit = 0; told && unit < layout.nr_units; unit++)
		close_copy(g, copy_of(g, unit));
}

void guard_report_overrun(const char *caller, const struct guarded *g,
			  const struct guard_fault *fault)
{
	panic("%s(%p): CPU %u's copy was written %s its %u bytes: %#x at "
	      "offset %td",
	      caller, guard_handle(g), topology.unit_cpu[fault->unit],
	      fault->offset < 0 ? "in front of" : "behind", g->size,
	      fault->found, fault->offset);
}

void guard_report_late_write(const char *caller, const struct guarded *g,
			     const struct guard_fault *fault)
{
	panic("%s: CPU %u's copy of %p was written after pcpu_free(): %#x at "
	      "offset %td of %u bytes",
	      caller, topology.unit_cpu[fault->unit], guard_handle(g),
	      fault->found, fault->offset, g->size);
}
