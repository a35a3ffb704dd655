// SPDX-License-Identifier: MIT
#include "fuzz.h"

#include "takes_back.h"

#define OPS_MAX 256u
#define ENDS_MAX 16u

static const struct fuzz_op *op_of[OPS_MAX];
static void (*ends[ENDS_MAX])(struct fuzz *);
static unsigned nr_ends;

void fuzz_add_ops(const struct fuzz_op *ops, unsigned nr)
{
	unsigned i, k;

	for (i = 0; i < nr; i++)
		for (k = 0; k < ops[i].nr; k++) {
			const struct fuzz_op **op = &op_of[ops[i].first + k];

			require(!*op, "%s and %s are both %#x", (*op)->name,
				ops[i].name, ops[i].first + k);
			*op = &ops[i];
		}
}

void fuzz_add_end(void (*end)(struct fuzz *))
{
	require(nr_ends < ENDS_MAX, "too many");
	ends[nr_ends++] = end;
}

/* --- what operations share ------------------------------------------------ */

unsigned take_cpu(struct fuzz *fuzz)
{
	unsigned skip = take_two(fuzz) % fuzz->shadow->nr_cpus;
	int cpu;

	pcpu_for_each_cpu (cpu)
		if (skip-- == 0)
			break;
	return (unsigned)cpu;
}

void fuzz_charge(struct fuzz *fuzz)
{
	fuzz->shadow->touched += fuzz->shadow->nr_cpus * (uint64_t)4096;
}

bool fuzz_has_room(const struct fuzz *fuzz, size_t size)
{
	const struct shadow *shadow = fuzz->shadow;

	return shadow->nr < FUZZ_LIVE_MAX &&
	       (shadow->bytes + size) * shadow->nr_cpus <= FUZZ_LIVE_BYTES_MAX;
}

void fuzz_refused(const struct fuzz *fuzz, size_t size, size_t align,
		  unsigned flags, size_t nr)
{
	/* NOWAIT may say so earlier. Of several, all but the last may have been
	 * there. Slots keep what they have without membarrier(). */
	if (flags & PCPU_NOWAIT || nr > 1 || fuzz->failing)
		return;
	require(fuzz_is_exhausted(size, align),
		"%zu bytes at %zu: ENOMEM, and there is room", size, align);
}

void fuzz_alloc(struct fuzz *fuzz, size_t size, size_t align, unsigned flags)
{
	fuzz_charge(fuzz);
	if (fuzz_has_room(fuzz, size) &&
	    !shadow_alloc(fuzz->shadow, size, align, flags))
		fuzz_refused(fuzz, size, align, flags, 1);
}

void fuzz_free(struct fuzz *fuzz, size_t index, void (*how)(void *))
{
	void *handle = shadow_remove(fuzz->shadow, index);

	fuzz->freed[fuzz->nr_freed++ % FUZZ_FREED_MAX] = handle;
	how(handle);
}

/* --- a run ---------------------------------------------------------------- */

bool fuzz_step(struct fuzz *fuzz)
{
	const struct fuzz_op *op;

	if (fuzz->left == 0 || fuzz->shadow->touched > FUZZ_TOUCHED_MAX)
		return false;
	op = op_of[take_byte(fuzz)];
	if (op)
		op->run(fuzz);
	return true;
}

void fuzz_end(struct fuzz *fuzz)
{
	unsigned i;

	for (i = 0; i < nr_ends; i++)
		ends[i](fuzz);
	fuzz_check_end(fuzz);
}

void fuzz_run(const uint8_t *data, size_t size)
{
	static struct shadow *shadow;
	static bool keeps;
	struct fuzz fuzz = {.data = data, .left = size};

	if (!shadow) {
		shadow = shadow_create();
		keeps = !system_takes_back();
	}
	shadow->touched = 0;
	shadow->serial = 0;
	fuzz.shadow = shadow;
	fuzz.may_keep = keeps;
	fuzz_go(&fuzz, 0);
	while (fuzz_step(&fuzz))
		continue;
	fuzz_end(&fuzz);
}
