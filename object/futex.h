/* SPDX-License-Identifier: MIT */
/* Sleeping on 32 bits until somebody who has changed them wakes. */
#ifndef OBJECT_FUTEX_H
#define OBJECT_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The upper or the lower half of a word of 64 bits. */
static inline const void *futex_half(const void *word, bool upper)
{
	bool is_first = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	return (const uint32_t *)word + (upper != is_first);
}

/* May return for no reason; at once if the value is another one. */
static inline void futex_wait(const void *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static inline void futex_wake(const void *word, int nr)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr, NULL, NULL, 0);
}

#endif /* OBJECT_FUTEX_H */
