/* SPDX-License-Identifier: MIT */
/* How many threads there are, and a fork() that waits for those in their first
 * steps. */
#ifndef TESTS_SETTLE_H
#define TESTS_SETTLE_H

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sanitizers.h"

/* The letter of a thread's state in /proc, as 'R' or 'S'; 0 when it is gone. */
static inline char settle_state(const char *tid)
{
	char path[64], line[128], *end;
	FILE *file;
	bool read;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	read = fgets(line, sizeof(line), file) != NULL;
	fclose(file);
	end = read ? strrchr(line, ')') : NULL;
	return end && end[1] ? end[2] : 0;
}

static inline unsigned settle_nr_threads(void)
{
	struct stat tasks;

	return stat("/proc/self/task", &tasks) ? 0
					       : (unsigned)tasks.st_nlink - 2;
}

static inline bool settle_all_sleep(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	bool sleep = true;

	while (tasks && sleep && (task = readdir(tasks)))
		if (isdigit((unsigned char)task->d_name[0]) &&
		    atoi(task->d_name) != gettid())
			sleep = settle_state(task->d_name) != 'R';
	if (tasks)
		closedir(tasks);
	return sleep;
}

/*
 * In a child of fork() the locks of AddressSanitizer's allocator stay as they
 * were, and a thread that starts takes them: as the library's worker does.
 * Wait for others to sleep, 50 ms at most, as some never do.
 */
static inline pid_t settle_and_fork(void)
{
	int ms;

	for (ms = 0; SUPPORT_ASAN && ms < 50 && !settle_all_sleep(); ms++)
		usleep(1000);
	return fork();
}

#endif /* TESTS_SETTLE_H */
