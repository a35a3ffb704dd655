/* SPDX-License-Identifier: MIT */
/*
 * Which memory a program may touch, told to AddressSanitizer and to valgrind's
 * memcheck, so that they report a wrong access where it happens. Only debug
 * mode tells them (arena/guard.h): telling takes time and, with
 * AddressSanitizer, an eighth of the memory.
 *
 * AddressSanitizer is there if the host program brings its runtime, valgrind
 * if it runs the process. Both see memory as open that they were not told of.
 */
#ifndef CHUNK_ANNOTATE_H
#define CHUNK_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Find out who listens; until then nobody does. */
void annotate_start(void);

/* Does anybody listen? */
bool annotate_is_on(void);

/* The range may be touched, and holds defined values. */
void annotate_open(uintptr_t start, size_t bytes);

/* It may not. AddressSanitizer counts in 8 bytes: of those that it shares with
 * open memory, only what lies behind that can be closed. */
void annotate_close(uintptr_t start, size_t bytes);

#endif /* CHUNK_ANNOTATE_H */
