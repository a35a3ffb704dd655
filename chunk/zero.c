// SPDX-License-Identifier: MIT
#include "chunk/zero.h"

static __attribute__((noinline)) void zero_bytes(const struct size_class *class,
						 uintptr_t handle, size_t bytes)
{
	const ptrdiff_t *offset;

	for (offset = class->unit_offset; offset < class->unit_end; offset++)
		memset((void *)(handle + (uintptr_t)*offset), 0, bytes);
}

void copies_zero_run(const struct size_class *class, uintptr_t handle,
		     unsigned nr)
{
	if (nr == 1)
		copies_zero(class, handle);
	else
		zero_bytes(class, handle, (size_t)nr * class->size);
}

/* A constant size is straight-line code; from 128 bytes on memset() wins. */
#define ZERO_COPIES(bytes)             \
	for (; offset < end; offset++) \
	memset((void *)(handle + (uintptr_t)*offset), 0, (bytes))

void copies_zero(const struct size_class *class, uintptr_t handle)
{
	const ptrdiff_t *offset = class->unit_offset;
	const ptrdiff_t *end = class->unit_end;

	switch (class->size) {
	case 4:
		ZERO_COPIES(4);
		break;
	case 12:
		ZERO_COPIES(12);
		break;
	case 16:
		ZERO_COPIES(16);
		break;
	case 20:
		ZERO_COPIES(20);
		break;
	case 24:
		ZERO_COPIES(24);
		break;
	case 32:
		ZERO_COPIES(32);
		break;
	case 40:
		ZERO_COPIES(40);
		break;
	case 64:
		ZERO_COPIES(64);
		break;
	default:
		zero_bytes(class, handle, class->size);
	}
}
