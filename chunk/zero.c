// SPDX-License-Identifier: MIT
#include "chunk/zero.h"

#include <string.h>

#include "chunk/word.h"

static void zero_bytes(const struct size_class *class, uintptr_t handle,
		       size_t bytes)
{
	const ptrdiff_t *offset;

	for (offset = class->unit_offset; offset < class->unit_end; offset++)
		memset((void *)(handle + (uintptr_t)*offset), 0, bytes);
}

/* Whether one store writes that many bytes. */
#define ONE_STORE(bytes) ((bytes) <= 8 || (bytes) == 16)

/*
 * A constant size is straight-line code. Two copies at a time: the table ends
 * with the last unit's offset twice, so that an odd number of copies needs no
 * case of its own.
 *
 * Where a copy takes one store, every second copy gets two. A stream of stores
 * that each go to a page of their own falls, on Zen 5, into a state in which
 * each takes 5 cycles instead of 1.2, and stays there; this one does not.
 */
#define ZERO(bytes)                                                        \
	static void *zero_##bytes(const struct size_class *class,          \
				  uintptr_t handle)                        \
	{                                                                  \
		const ptrdiff_t *offset = class->unit_offset;              \
		const ptrdiff_t *end = class->unit_end;                    \
                                                                           \
		do {                                                       \
			ptrdiff_t here = offset[0], next = offset[1];      \
                                                                           \
			memset((char *)handle + here, 0, (bytes));         \
			memset((char *)handle + next, 0, (bytes));         \
			if (ONE_STORE(bytes)) {                            \
				__asm__ volatile("" ::: "memory");         \
				memset((char *)handle + next, 0, (bytes)); \
			}                                                  \
			offset += 2;                                       \
		} while (offset < end);                                    \
		return (void *)handle;                                     \
	}

ZERO(4)
ZERO(8)
ZERO(12)
ZERO(16)
ZERO(20)
ZERO(24)
ZERO(28)
ZERO(32)
ZERO(36)
ZERO(40)
ZERO(44)
ZERO(48)
ZERO(52)
ZERO(56)
ZERO(60)
ZERO(64)

static void *zero_large(const struct size_class *class, uintptr_t handle)
{
	zero_bytes(class, handle, class->size);
	return (void *)handle;
}

copies_zero_fn *copies_zero_for(uint32_t size)
{
	static copies_zero_fn *const small[NR_SMALL_SIZES] = {
		zero_4,  zero_8,  zero_12, zero_16, zero_20, zero_24,
		zero_28, zero_32, zero_36, zero_40, zero_44, zero_48,
		zero_52, zero_56, zero_60, zero_64,
	};

	return size <= SMALL_SIZE_MAX ? small[size / 4 - 1] : zero_large;
}

void copies_zero_run(const struct size_class *class, uintptr_t handle,
		     unsigned nr)
{
	if (nr == 1)
		class->zero(class, handle);
	else
		zero_bytes(class, handle, (size_t)nr * class->size);
}

/* More would be in the way of what the caller does next. */
#define PREFETCHES 4

#if defined(__x86_64__)
__attribute__((target("prfchw")))
#endif
void copies_prefetch(const struct size_class *class, uintptr_t handle,
		     uint64_t objects)
{
	unsigned left = PREFETCHES;
	const ptrdiff_t *offset;

#if defined(__x86_64__)
	/* Whatever has this takes the other, if only to do nothing. */
	if (!__builtin_cpu_supports("popcnt"))
		return;
#endif
	for (; objects; objects = word_claim_first(objects)) {
		uintptr_t object = handle + word_first(objects) * class->size;

		for (offset = class->unit_offset; offset < class->unit_end;
		     offset++) {
			if (!left--)
				return;
			__builtin_prefetch(
				(void *)(object + (uintptr_t)*offset), 1);
		}
	}
}
