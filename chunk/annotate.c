// SPDX-License-Identifier: MIT
#include "chunk/annotate.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif

/* The runtime's, if the program has it. */
void __asan_poison_memory_region(const volatile void *start, size_t bytes)
	__attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *start, size_t bytes)
	__attribute__((weak));

#ifdef RUNNING_ON_VALGRIND

static bool is_valgrind(void)
{
	return RUNNING_ON_VALGRIND != 0;
}

static void valgrind_open(uintptr_t start, size_t bytes)
{
	VALGRIND_MAKE_MEM_DEFINED(start, bytes);
}

static void valgrind_close(uintptr_t start, size_t bytes)
{
	VALGRIND_MAKE_MEM_NOACCESS(start, bytes);
}

#else

static bool is_valgrind(void)
{
	return false;
}

static void valgrind_open(uintptr_t start, size_t bytes)
{
	(void)start, (void)bytes;
}

static void valgrind_close(uintptr_t start, size_t bytes)
{
	(void)start, (void)bytes;
}

#endif

static bool asan, valgrind;

void annotate_start(void)
{
	asan = __asan_poison_memory_region && __asan_unpoison_memory_region;
	valgrind = is_valgrind();
}

bool annotate_is_on(void)
{
	return asan || valgrind;
}

void annotate_open(uintptr_t start, size_t bytes)
{
	if (asan)
		__asan_unpoison_memory_region((void *)start, bytes);
	if (valgrind)
		valgrind_open(start, bytes);
}

void annotate_close(uintptr_t start, size_t bytes)
{
	if (asan)
		__asan_poison_memory_region((void *)start, bytes);
	if (valgrind)
		valgrind_close(start, bytes);
}
