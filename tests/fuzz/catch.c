// SPDX-License-Identifier: MIT
/*
 * The library's last words: what it writes to standard error is heard, and when
 * it aborts, as it must for wrong frees, we go on behind the call. That is fair
 * as wrong frees are refused before anything is touched; see ops_wrong.c for
 * the one exception.
 */
#include "fuzz.h"

#include <dlfcn.h>
#include <setjmp.h>

#include "arena/front.h"

#define INTERPOSED __attribute__((visibility("default")))

char fuzz_heard[512];
static _Thread_local jmp_buf *catcher;

static _Thread_local bool listening;

void fuzz_listen(void)
{
	fuzz_heard[0] = '\0';
	listening = true;
}

void fuzz_unlisten(void)
{
	listening = false;
}

bool fuzz_aborts(void (*call)(void *), void *arg)
{
	volatile bool aborted = true;
	jmp_buf here;

	fuzz_listen();
	catcher = &here;
	if (_setjmp(here) == 0) {
		call(arg);
		aborted = false;
	}
	catcher = NULL;
	fuzz_unlisten();
	return aborted;
}

void fuzz_expect_heard(const char *text)
{
	const char *newline = strchr(fuzz_heard, '\n');

	require(newline && newline[1] == '\0', "not one line: %s", fuzz_heard);
	require(strstr(fuzz_heard, text), "no \"%s\" in: %s", text, fuzz_heard);
}

static void hear(const char *text, size_t nr)
{
	size_t have = strlen(fuzz_heard);
	size_t room = sizeof(fuzz_heard) - 1 - have;

	nr = nr < room ? nr : room;
	memcpy(fuzz_heard + have, text, nr);
	fuzz_heard[have + nr] = '\0';
}

INTERPOSED ssize_t write(int fd, const void *text, size_t nr)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (fd == STDERR_FILENO && listening) {
		hear(text, nr);
		return (ssize_t)nr;
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "write");
	return real(fd, text, nr);
}

INTERPOSED _Noreturn void abort(void)
{
	void (*real)(void);
	jmp_buf *there = catcher;

	if (there) {
		catcher = NULL;
		/* Drains look at slots with the front off. */
		while (front_exists() && !front_is_on())
			front_go();
		_longjmp(*there, 1);
	}
	*(void **)&real = dlsym(RTLD_NEXT, "abort");
	real();
	_exit(128 + SIGABRT);
}
