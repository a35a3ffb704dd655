/* SPDX-License-Identifier: MIT */
/*
 * How DEFINE_PER_CPU() works; see pcpu/statics.h. Included in each file that
 * may define or use static per-CPU variables. What is emitted here is the same
 * in all of them, and the linker or the library keeps one per object.
 */
#ifndef LIBPCPU_LINUX_LIBPCPU_STATICS_H
#define LIBPCPU_LINUX_LIBPCPU_STATICS_H

#include <stdbool.h>

#include <pcpu/statics.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The linker's symbols, NULL in an object without such variables. */
#define LIBPCPU_EDGE(name)                                     \
	extern const char libpcpu_##name[] __asm__("__" #name) \
		__attribute__((weak, visibility("hidden")))
LIBPCPU_EDGE(start_libpcpu_percpu);
LIBPCPU_EDGE(stop_libpcpu_percpu);
LIBPCPU_EDGE(start_libpcpu_percpu_pages);
LIBPCPU_EDGE(stop_libpcpu_percpu_pages);

/* A name of 8 bytes, 32 bytes of data: the four distances. */
#define LIBPCPU_NOTE_SYMBOL(name) \
	".weak __" #name "\n"     \
	".hidden __" #name "\n"   \
	".quad __" #name " - 1b\n"
__asm__(".pushsection .note.libpcpu, \"aG\", %note, libpcpu_note, comdat\n"
	".balign 4\n"
	".long 8, 32, 1\n"
	".asciz \"" LIBPCPU_NOTE_NAME "\"\n"
	"1:\n" LIBPCPU_NOTE_SYMBOL(start_libpcpu_percpu)
		LIBPCPU_NOTE_SYMBOL(stop_libpcpu_percpu) LIBPCPU_NOTE_SYMBOL(
			start_libpcpu_percpu_pages)
			LIBPCPU_NOTE_SYMBOL(
				stop_libpcpu_percpu_pages) ".popsection\n");

static inline struct libpcpu_statics libpcpu_own_statics(void)
{
	struct libpcpu_statics statics;

	statics.first = libpcpu_start_libpcpu_percpu;
	statics.end = libpcpu_stop_libpcpu_percpu;
	statics.first_page = libpcpu_start_libpcpu_percpu_pages;
	statics.end_page = libpcpu_stop_libpcpu_percpu_pages;
	return statics;
}

static inline bool libpcpu_has_statics(const struct libpcpu_statics *statics)
{
	return statics->first != statics->end ||
	       statics->first_page != statics->end_page;
}

__attribute__((constructor(101))) static void libpcpu_statics_load(void)
{
	struct libpcpu_statics statics = libpcpu_own_statics();

	if (libpcpu_has_statics(&statics))
		libpcpu_statics_add(&statics);
}

__attribute__((destructor(101))) static void libpcpu_statics_unload(void)
{
	struct libpcpu_statics statics = libpcpu_own_statics();

	if (libpcpu_has_statics(&statics))
		libpcpu_statics_remove(&statics);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LINUX_LIBPCPU_STATICS_H */
