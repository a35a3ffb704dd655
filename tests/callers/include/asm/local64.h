/* SPDX-License-Identifier: MIT */
/* On 64 bits local64_t is local_t. */
#ifndef CALLERS_LOCAL64_H
#define CALLERS_LOCAL64_H

#include <asm/local.h>

typedef struct {
	local_t value;
} local64_t;

#define local64_read(l) local_read(&(l)->value)
#define local64_set(l, x) local_set(&(l)->value, (long)(x))
#define local64_add(x, l) local_add((long)(x), &(l)->value)
#define local64_sub(x, l) local_add(-(long)(x), &(l)->value)
#define local64_inc(l) local_add(1, &(l)->value)

#endif /* CALLERS_LOCAL64_H */
