// SPDX-License-Identifier: MIT
#include "chunk/sysfile.h"

#include <fcntl.h>
#include <unistd.h>

bool sysfile_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n <= 0 || (size_t)n == size - 1)
		return false;
	text[n] = '\0';
	return true;
}
