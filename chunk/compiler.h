/* SPDX-License-Identifier: MIT */
#ifndef CHUNK_COMPILER_H
#define CHUNK_COMPILER_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Keep a value in its register: the compiler may not compute it a second time.
 */
#define OPAQUE(x) __asm__("" : "+r"(x))

/*
 * For data that internal headers declare: spares the detour through the global
 * offset table that a mere -fvisibility=hidden does not.
 */
#define HIDDEN __attribute__((visibility("hidden")))

#endif /* CHUNK_COMPILER_H */
