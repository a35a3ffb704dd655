// SPDX-License-Identifier: MIT
#ifndef BENCH_UNXZ_H
#define BENCH_UNXZ_H

/* The whole of an .xz file as a string to free(); NULL if that cannot be. */
char *unxz_file(const char *path);

#endif
