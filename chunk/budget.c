// SPDX-License-Identifier: MIT
#include "chunk/budget.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#include "chunk/sysfile.h"

#define BUDGET_MAX ((size_t)16 << 40)

static bool overcommit_is_strict(void)
{
	char mode[16];

	return sysfile_read("/proc/sys/vm/overcommit_memory", mode,
			    sizeof(mode)) &&
	       mode[0] == '2';
}

/* A quarter of the limit: the rest is the host program's. */
static void obey(rlim_t limit, size_t *bytes)
{
	if (limit != RLIM_INFINITY && limit / 4 < *bytes)
		*bytes = limit / 4;
}

size_t budget_bytes(void)
{
	size_t bytes = BUDGET_MAX;
	struct rlimit limit;

	if (!getrlimit(RLIMIT_AS, &limit))
		obey(limit.rlim_cur, &bytes);
	/* Private writable memory, touched or not. */
	if (!getrlimit(RLIMIT_DATA, &limit))
		obey(limit.rlim_cur, &bytes);
	/* Reserved memory counts as committed there. */
	if (overcommit_is_strict()) {
		long pages = sysconf(_SC_AVPHYS_PAGES);
		size_t spare = pages > 0 ? (size_t)pages *
						   (size_t)sysconf(_SC_PAGESIZE)
					 : 0;

		if (spare / 8 < bytes)
			bytes = spare / 8;
	}
	return bytes;
}
