/* SPDX-License-Identifier: MIT */
/*
 * How the library reports what it cannot survive or must not hide: one line on
 * standard error, written with a single write(), safe in signal handlers.
 */
#ifndef CHUNK_PANIC_H
#define CHUNK_PANIC_H

/* "libpcpu: " + message + newline, then abort(). */
_Noreturn void panic(const char *format, ...)
	__attribute__((format(printf, 1, 2), cold));

/* The same without the abort. */
void complain(const char *format, ...)
	__attribute__((format(printf, 1, 2), cold));

#endif /* CHUNK_PANIC_H */
