/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TAKES_BACK_H
#define TESTS_TAKES_BACK_H

#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Does the system take memory back when it is asked to? Where it does not, as
 * in check-refused, what was used stays with the library. */
static inline bool system_takes_back(void)
{
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool taken = page != MAP_FAILED &&
		     !syscall(SYS_madvise, page, bytes, MADV_DONTNEED);

	if (page != MAP_FAILED)
		munmap(page, bytes);
	return taken;
}

#endif /* TESTS_TAKES_BACK_H */
