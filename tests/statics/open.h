/* SPDX-License-Identifier: MIT */
/* Loading of the shared objects beside the test program. */
#ifndef TESTS_STATICS_OPEN_H
#define TESTS_STATICS_OPEN_H

#include <dlfcn.h>

#include "tests/statics/objects.h"
#include "tests/support.h"

/* In the build folder, beside the program's. */
static inline void *open_object(const char *name)
{
	char path[4096] = "";
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	void *object;

	require(n > 0 && strrchr(path, '/'), "%s", path);
	snprintf(strrchr(path, '/'), 64, "/../statics/%s", name);
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	require(object, "%s", dlerror());
	return object;
}

/* Loads paged.c's, whose variable is on a page for each CPU. */
static inline void expect_paged(void)
{
	void *object = open_object("libpaged.so");
	char *text = (char *)dlsym(object, "paged_text");
	int cpu;

	require(text, "%s", dlerror());
	for_each_possible_cpu (cpu) {
		require((uintptr_t)per_cpu_ptr(text, cpu) % 4096 == 0,
			"CPU %d: %p", cpu, (void *)per_cpu_ptr(text, cpu));
		require(!strcmp(per_cpu_ptr(text, cpu), PAGED_TEXT),
			"CPU %d: %s", cpu, per_cpu_ptr(text, cpu));
	}
	dlclose(object);
}

#endif /* TESTS_STATICS_OPEN_H */
