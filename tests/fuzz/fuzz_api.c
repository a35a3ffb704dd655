// SPDX-License-Identifier: MIT
/*
 * libFuzzer against the shadow map (shadow.h): the input's bytes are a program
 * of allocations, frees, trims and checks. Every input starts and ends with no
 * live object, and allocations of earlier inputs leave recycled memory behind.
 *
 *	opcode % 8, operands
 *	0, 1	size: 2 bytes, alignment and flags: 1	allocate
 *	2	class: 1, count: 1	allocate some small ones, maybe in bulk
 *	3, 4	object: 2		check and free
 *	5	first: 1, count: 1	check and free some, maybe in bulk
 *	6	object: 2		check
 *	7	kind: 1		trim, check all, free all, or bad arguments
 *
 * tests/fuzz/corpus/ holds one seed per kind of program.
 */
#include <pcpu.h>

#include "shadow.h"

#define NR_LIVE_MAX 512u
#define LIVE_BYTES_MAX ((size_t)1 << 20)
#define IN_BULK 0x80u /* of a count */

struct input {
	const uint8_t *data;
	size_t left;
};

static unsigned take_byte(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

static unsigned take_two(struct input *input)
{
	unsigned low = take_byte(input);

	return low | take_byte(input) << 8;
}

static void allocate(struct shadow *shadow, size_t size, size_t align,
		     unsigned flags)
{
	if (shadow->nr >= NR_LIVE_MAX || shadow->bytes >= LIVE_BYTES_MAX)
		return;
	require(shadow_alloc(shadow, size, align, flags) || flags,
		"%zu bytes at %zu: no memory", size, align);
}

static void op_allocate(struct shadow *shadow, struct input *input)
{
	size_t size = take_two(input);
	unsigned how = take_byte(input);

	allocate(shadow, 1 + size % PCPU_SIZE_MAX, (size_t)1 << how % 13,
		 how & 0x80 ? PCPU_NOWAIT : 0);
}

static void op_allocate_some(struct shadow *shadow, struct input *input)
{
	size_t size = 4 * (1 + take_byte(input) % 64);
	unsigned how = take_byte(input), count = how % IN_BULK;

	if (how & IN_BULK && shadow->nr + count <= NR_LIVE_MAX &&
	    shadow->bytes < LIVE_BYTES_MAX) {
		require(shadow_alloc_bulk(shadow, size, 4, 0, count),
			"%u of %zu bytes: no memory", count, size);
		return;
	}
	while (count-- > 0)
		allocate(shadow, size, 4, 0);
}

static void op_free(struct shadow *shadow, struct input *input)
{
	size_t which = take_two(input);

	if (shadow->nr > 0)
		shadow_free(shadow, which % shadow->nr);
}

static void op_free_some(struct shadow *shadow, struct input *input)
{
	size_t first = take_byte(input), how = take_byte(input);
	size_t count = how % IN_BULK;

	if (how & IN_BULK) {
		shadow_free_bulk(shadow, first, first % 4, count);
		return;
	}
	while (count-- > 0 && shadow->nr > 0)
		shadow_free(shadow, first % shadow->nr);
}

static void op_check(struct shadow *shadow, struct input *input)
{
	size_t which = take_two(input);

	if (shadow->nr > 0)
		shadow_check_object(&shadow->objects[which % shadow->nr]);
}

static void bad_arguments(unsigned kind)
{
	size_t align = kind % 2 ? 0 : PCPU_ALIGN_MAX * 2;
	void *none[2];

	require(!pcpu_alloc(8, align), "alignment %zu", align);
	require(!pcpu_alloc(0, 8), "size 0");
	require(!pcpu_alloc(PCPU_SIZE_MAX + 1 + kind, 8), "too large");
	require(!pcpu_alloc(SIZE_MAX - kind, 4096), "much too large");
	require(!pcpu_alloc_flags(8, 8, 4u << kind % 30), "unknown flag");
	require(pcpu_alloc_bulk(8, align, 0, 2, none), "in bulk");
	require(pcpu_alloc_bulk(PCPU_SIZE_MAX + 1 + kind, 8, 0, 2, none),
		"too large, in bulk");
	pcpu_free(NULL);
}

static void op_rare(struct shadow *shadow, struct input *input)
{
	struct rng rng = {.state = shadow->serial};
	unsigned kind = take_byte(input);

	if (kind < 64)
		pcpu_trim();
	else if (kind < 128)
		shadow_check_all(shadow);
	else if (kind < 192)
		shadow_free_all(shadow, &rng);
	else
		bad_arguments(kind);
}

static void step(struct shadow *shadow, struct input *input)
{
	switch (take_byte(input) % 8) {
	case 0:
	case 1:
		op_allocate(shadow, input);
		break;
	case 2:
		op_allocate_some(shadow, input);
		break;
	case 3:
	case 4:
		op_free(shadow, input);
		break;
	case 5:
		op_free_some(shadow, input);
		break;
	case 6:
		op_check(shadow, input);
		break;
	default:
		op_rare(shadow, input);
	}
}

/* Two nodes and three CPUs, unless the environment asks for others. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	if (getenv("PCPU_POSSIBLE_CPUS"))
		return 0;
	setenv("PCPU_POSSIBLE_CPUS", "3", 1);
	setenv("PCPU_NODES", "2", 0);
	execv("/proc/self/exe", *argv);
	perror("fuzz_api: execv");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shadow *shadow;
	static unsigned nr_runs;
	struct input input = {data, size};
	struct rng rng = {.state = size};

	if (!shadow)
		shadow = shadow_create();
	while (input.left > 0)
		step(shadow, &input);
	shadow_check_all(shadow);
	shadow_free_all(shadow, &rng);
	if (nr_runs++ % 32 == 0) /* statistics walk all there is */
		support_expect_none_live();
	return 0;
}
