// SPDX-License-Identifier: MIT
/*
 * Preloaded into a program that an emulator or valgrind runs, whose
 * /proc/self/exe is another program to the kernel: what executes itself anew
 * shall get itself, through PCPU_TEST_EMULATOR if that is set. And what aborts
 * shall say no more than it would elsewhere, and threads of the emulator's own
 * are not the program's.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGS_MAX 16
#define INTERPOSED __attribute__((visibility("default")))

static int execute(const char *path, char *const argv[])
{
	return (int)syscall(SYS_execve, path, argv, environ);
}

INTERPOSED int execv(const char *path, char *const argv[])
{
	char *emulator = getenv("PCPU_TEST_EMULATOR"), self[4096];
	char *args[ARGS_MAX] = {emulator, self};
	ssize_t length;
	int i;

	if (strcmp(path, "/proc/self/exe") != 0)
		return execute(path, argv);
	length = readlink(path, self, sizeof(self) - 1);
	if (length < 0)
		return -1;
	self[length] = '\0';
	if (!emulator)
		return execute(self, argv);
	for (i = 1; argv[i] && i < ARGS_MAX - 2; i++)
		args[i + 1] = argv[i];
	unsetenv("LD_PRELOAD"); /* ours; the emulator is the host's program */
	return execute(emulator, args);
}

INTERPOSED int execl(const char *path, const char *arg, ...)
{
	const char *args[ARGS_MAX] = {arg};
	va_list rest;
	int i;

	va_start(rest, arg);
	for (i = 0; args[i] && i < ARGS_MAX - 2; i++)
		args[i + 1] = va_arg(rest, const char *);
	va_end(rest);
	return execv(path, (char *const *)args);
}

/* Who counts the process's threads sees one of the emulator's among them. */
INTERPOSED int stat(const char *restrict path, struct stat *restrict result)
{
	int rc = fstatat(AT_FDCWD, path, result, 0);

	if (!rc && getenv("PCPU_TEST_EMULATOR") &&
	    strcmp(path, "/proc/self/task") == 0)
		result->st_nlink--;
	return rc;
}

/* The emulator reports a signal that kills to the guest's standard error. */
INTERPOSED void abort(void)
{
	sigset_t set;

	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	signal(SIGABRT, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGABRT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* the worker blocks all */
	raise(SIGABRT);
	_exit(127);
}
