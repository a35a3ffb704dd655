// SPDX-License-Identifier: MIT
/*
 * The <linux/percpu.h> shim: the kernel's rules for arguments, its warnings,
 * and its ways from a handle to a copy.
 */
#include <linux/percpu.h>

#include "fuzz.h"

/* Of the process: allocations may fail with a warning so many times. */
static unsigned nr_warned;
#define WARNINGS_MAX 10u

static const gfp_t flags[] = {
	GFP_KERNEL,
	GFP_KERNEL | __GFP_NOWARN,
	GFP_ATOMIC,
	GFP_NOWAIT,
	GFP_NOWAIT | __GFP_NOWARN,
	GFP_KERNEL_ACCOUNT,
	GFP_NOIO,
	GFP_ATOMIC | __GFP_ZERO | __GFP_NOWARN,
};

static bool is_legal(size_t size, size_t align)
{
	return size > 0 && size <= PCPU_MIN_UNIT_SIZE && align <= 4096 &&
	       (align < 4 || (align & (align - 1)) == 0);
}

/* What was said of a request that was refused. */
static void expect_warning(size_t size, size_t align, gfp_t gfp)
{
	char text[96];

	if (!is_legal(size, align)) {
		snprintf(text, sizeof(text),
			 "libpcpu: illegal size (%zu) or alignment (%zu)\n",
			 size, align);
		if (!(gfp & __GFP_NOWARN))
			fuzz_expect_heard(text);
	} else if (gfp & __GFP_DIRECT_RECLAIM && !(gfp & __GFP_NOWARN) &&
		   nr_warned++ < WARNINGS_MAX) {
		snprintf(text, sizeof(text),
			 "libpcpu: allocation failed, size=%zu align=%zu%s\n",
			 size, align,
			 nr_warned == WARNINGS_MAX ? " (not reported any more)"
						   : "");
		fuzz_expect_heard(text);
	} else {
		require(!fuzz_heard[0], "heard %s", fuzz_heard);
	}
	if (gfp & __GFP_NOWARN)
		require(!fuzz_heard[0], "heard %s", fuzz_heard);
}

static void kernel_alloc(struct fuzz *fuzz, size_t size, size_t align,
			 gfp_t gfp)
{
	void *p;

	fuzz_charge(fuzz);
	if (is_legal(size, align) && !fuzz_has_room(fuzz, size))
		return;
	fuzz_listen();
	p = __alloc_percpu_gfp(size, align, gfp);
	fuzz_unlisten();
	if (p) {
		require(is_legal(size, align), "%zu bytes at %zu", size, align);
		require(!fuzz_heard[0], "heard %s", fuzz_heard);
		shadow_add(fuzz->shadow, p, size, align < 4 ? 4 : align);
		return;
	}
	expect_warning(size, align, gfp);
	if (is_legal(size, align))
		fuzz_refused(fuzz, size, align < 4 ? 4 : align,
			     gfp & __GFP_DIRECT_RECLAIM ? 0 : PCPU_NOWAIT, 1);
}

/* size: 2, alignment: 1, flags: 1 */
static void kernel_some(struct fuzz *fuzz)
{
	size_t size = take_two(fuzz), align = take_byte(fuzz);
	unsigned how = take_byte(fuzz);

	align = align & 0x80 ? (size_t)1 << align % 16 : align;
	if (how & 0x80)
		size %= 128;
	kernel_alloc(fuzz, size, align, flags[how % 8]);
}

struct counters {
	long packets, bytes;
};

/* flags: 1. By type, and from the reserved area that there is not. */
static void kernel_typed(struct fuzz *fuzz)
{
	unsigned how = take_byte(fuzz);
	struct counters __percpu *p = NULL;
	long __percpu *q = NULL;

	fuzz_charge(fuzz);
	if (!fuzz_has_room(fuzz, sizeof(*p) + sizeof(*q)))
		return;
	fuzz_listen(); /* it may warn */
	if (how & 1)
		p = alloc_percpu_gfp(struct counters, GFP_NOWAIT);
	else
		p = alloc_percpu_gfp(struct counters,
				     GFP_KERNEL | __GFP_NOWARN);
	if (p)
		shadow_add(fuzz->shadow, p, sizeof(*p), 8);
	q = how & 2 ? __alloc_reserved_percpu(8, 8) : alloc_percpu(long);
	fuzz_unlisten();
	if (q)
		shadow_add(fuzz->shadow, q, 8, 8);
	else
		nr_warned++;
}

/* object: 2 */
static void kernel_free(struct fuzz *fuzz)
{
	struct shadow_object *object = take_object(fuzz);

	free_percpu(NULL);
	if (object)
		fuzz_free(fuzz, fuzz_index(fuzz, object), free_percpu);
}

static void *shifted;

static void shift(void *p)
{
	shifted = SHIFT_PERCPU_PTR(p, per_cpu_offset(0) + 1);
}

/* object: 2, CPU: 2 */
static void kernel_pointers(struct fuzz *fuzz)
{
	struct shadow_object *object = take_object(fuzz);
	unsigned cpu = take_cpu(fuzz), nr = 0;
	int other;
	char *p;

	require(cpu_possible(cpu) && !cpu_possible(nr_cpu_ids), "CPU %u", cpu);
	for_each_possible_cpu (other)
		nr++;
	require(nr == num_possible_cpus(), "%u CPUs", nr);
	if (!object)
		return;
	p = object->handle;
	require(pcpu_alloc_size(p) == object->usable, "size of %p", (void *)p);
	require(per_cpu_ptr(p, cpu) == pcpu_ptr(p, cpu), "copy of %p",
		(void *)p);
	require(SHIFT_PERCPU_PTR(p, per_cpu_offset(cpu)) == per_cpu_ptr(p, cpu),
		"shift of %p", (void *)p);
	if (object->align <= 64)
		return;
	require(fuzz_aborts(shift, p), "shifts %p", (void *)p);
	fuzz_expect_heard("libpcpu: SHIFT_PERCPU_PTR(0x");
}

static const struct fuzz_op ops[] = {
	{"kernel_some", 0x80, 8, kernel_some},
	{"kernel_typed", 0x88, 4, kernel_typed},
	{"kernel_free", 0x8c, 4, kernel_free},
	{"kernel_pointers", 0x90, 4, kernel_pointers},
};
FUZZ_OPS(ops)
