/* SPDX-License-Identifier: MIT */
/*
 * Static per-CPU variables: how an object (a program or a shared object) tells
 * the library of its own. For <linux/percpu-defs.h>; chunk/statics.h has the
 * design.
 *
 * The variables lie in the sections libpcpu_percpu and libpcpu_percpu_pages.
 * The linker defines symbols for where these begin and end, or the weak symbols
 * here are NULL. A note says how far these are from it, which needs no
 * relocation: so the library finds it in whatever is loaded when it starts.
 * What is loaded later has a constructor. (The linker "gold" knows no such
 * distances to weak symbols.)
 */
#ifndef LIBPCPU_STATICS_H
#define LIBPCPU_STATICS_H

#include <pcpu/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* Objects that may be loaded at a time, a page-aligned section counts as one.
 */
#define LIBPCPU_STATICS_MAX 1024u

#define LIBPCPU_NOTE_NAME "libpcpu"
#define LIBPCPU_NOTE_TYPE 1

/* Of one object: an end is the address behind the last. */
struct libpcpu_statics {
	const char *first, *end;
	const char *first_page, *end_page;
};

/*
 * Make all CPUs' copies, with the initial values, or free them. A second time
 * for the same object does nothing. Aborts with one line if there is no room
 * for copies at the offsets, or for so many objects.
 */
void libpcpu_statics_add(const struct libpcpu_statics *statics);
void libpcpu_statics_remove(const struct libpcpu_statics *statics);

/*
 * The CPU whose copy of a static variable holds an address, or -1, and the
 * handle that leads there. Any context. Cost: proportional to objects and CPUs.
 */
int libpcpu_statics_find(uintptr_t address, uintptr_t *handle);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_STATICS_H */
