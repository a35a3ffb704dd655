/* SPDX-License-Identifier: MIT */
/* What the test programs and the shared objects with variables share. */
#ifndef TESTS_STATICS_OBJECTS_H
#define TESTS_STATICS_OBJECTS_H

#include <linux/percpu.h>

#pragma GCC visibility push(default)

struct pair {
	long a, b;
};

/* linked.c: the program is linked with it. */
DECLARE_PER_CPU(struct pair, linked_pair);
#define LINKED_A 11
#define LINKED_B 12

/* What its constructor, which runs before the program's, found and did. */
extern bool linked_constructor_was_right;
extern long linked_added;

/* The sum of all copies of its static variable, and its handle. */
long linked_sum(void);
long *linked_handle(void);
#define LINKED_HIDDEN 13

/* test_statics*.c: linked.c uses it. */
DECLARE_PER_CPU(long, program_counter);
#define PROGRAM_COUNTER 14

/* loaded.c and paged.c, found by dlsym(). */
#define LOADED_VALUE 15
#define PAGED_TEXT "page"

#pragma GCC visibility pop

#endif /* TESTS_STATICS_OBJECTS_H */
