// SPDX-License-Identifier: MIT
#include "chunk/zero.h"

/* A constant size is straight-line code; from 128 bytes on memset() wins. */
#define ZERO_COPIES(bytes)             \
	for (; offset < end; offset++) \
	memset((void *)(handle + (uintptr_t)*offset), 0, (bytes))

void copies_zero_any(unsigned window, uintptr_t handle, size_t size)
{
	const ptrdiff_t *offset = layout.unit_offset[window];
	const ptrdiff_t *end = offset + layout.nr_units;

	switch (size) {
	case 4:
		ZERO_COPIES(4);
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
		ZERO_COPIES(size);
	}
}
