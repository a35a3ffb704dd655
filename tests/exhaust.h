/* SPDX-License-Identifier: MIT */
/* Memory that is used up, for tests of who is refused. */
#ifndef TESTS_EXHAUST_H
#define TESTS_EXHAUST_H

#include <pcpu.h>

#include "arena/arena.h"

/* Nothing of that size or more is left to allocate, and nothing can be grown.
 */
static inline void exhaust(size_t smallest)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++)
		arena_at(i)->pool.nr_chunks = 1;
	while (pcpu_alloc(PCPU_SIZE_MAX, 4))
		continue;
	while (pcpu_alloc(4096, 4))
		continue;
	while (pcpu_alloc(smallest, 4))
		continue;
}

#endif /* TESTS_EXHAUST_H */
