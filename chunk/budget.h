/* SPDX-License-Identifier: MIT */
/* How much address space the library may take. */
#ifndef CHUNK_BUDGET_H
#define CHUNK_BUDGET_H

#include <stddef.h>

/* No more than the host program can spare, and 16 TiB of its 47 bits. */
size_t budget_bytes(void);

#endif /* CHUNK_BUDGET_H */
