/* SPDX-License-Identifier: MIT */
#ifndef CHUNK_COMPILER_H
#define CHUNK_COMPILER_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif /* CHUNK_COMPILER_H */
