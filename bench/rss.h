// SPDX-License-Identifier: MIT
#ifndef BENCH_RSS_H
#define BENCH_RSS_H

#include <stddef.h>

/* Resident bytes of this process, exactly; 0 where /proc does not tell. */
size_t rss_bytes(void);

#endif
