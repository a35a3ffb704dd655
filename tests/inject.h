/* SPDX-License-Identifier: MIT */
/*
 * A system that fails when a test wants it, and that looks as a test wants it.
 *
 * Programs linked with inject.c define mmap() and its like themselves. Calls
 * that come from the program's own code, the library's objects among it, are
 * counted and may fail; those of other libraries pass.
 *
 *	PCPU_TEST_FAIL	what fails from the very start, see inject_plan()
 *	PCPU_TEST_FILE	"PATH=TEXT": what the file seems to hold
 *	PCPU_TEST_LIMIT	bytes: what RLIMIT_AS seems to be
 *
 * Not under TSan, which needs the calls for itself: there nothing fails.
 */
#ifndef TESTS_INJECT_H
#define TESTS_INJECT_H

#include <stdbool.h>

/* The calls that can fail, by name; NULL at the end. */
extern const char *const inject_calls[];

/*
 * What fails from now on. "madvise:3" is the third madvise(), "any:3+" the
 * third call of any kind and all after it. NULL: nothing. The text must stay.
 */
void inject_plan(const char *plan);

/* Calls since the start, or the plan, that it was about; those that failed. */
int inject_nr_calls(void);
int inject_nr_failed(void);

/* What this thread does within its next membarrier(), as a signal handler
 * would; once. */
void inject_at_fence(void (*handler)(void));

/* From now on no thread with attributes can be created, whatever the plan: no
 * worker. */
void inject_no_worker(void);

/*
 * From now on, or no more, madvise() zeroes the pages that it should drop: to
 * the library the same, and sooner done than faulting them in again.
 */
void inject_keep_pages(bool keep);

#endif /* TESTS_INJECT_H */
