// SPDX-License-Identifier: MIT
#include "chunk/panic.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void report(const char *format, va_list args)
{
	char line[256] = "libpcpu: ";
	size_t used = strlen(line);
	int n = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	int saved = errno;

	used += n > 0 ? (size_t)n : 0;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	/* Nowhere to report a failing report. */
	if (write(STDERR_FILENO, line, used) < 0)
		errno = saved;
	errno = saved;
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(format, args);
	va_end(args);
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(format, args);
	va_end(args);
	abort();
}
