// SPDX-License-Identifier: MIT
#include "chunk/env.h"

#include <errno.h>
#include <stdlib.h>

#include "chunk/panic.h"

unsigned env_number(const char *name, unsigned min, unsigned max)
{
	const char *text = getenv(name);
	unsigned long value;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && value >= min &&
	    value <= max)
		return (unsigned)value;
	complain("%s=%.32s: must be a number from %u to %u; ignored", name,
		 text, min, max);
	return 0;
}
