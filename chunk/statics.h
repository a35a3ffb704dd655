/* SPDX-License-Identifier: MIT */
/*
 * Static per-CPU variables: DEFINE_PER_CPU() of <linux/percpu-defs.h>.
 *
 * Each program and shared object gathers its own in two sections, the second
 * for those that are aligned to a page. A variable is its own handle, and the
 * offsets of allocations lead from it to its copies, wherever the system has
 * loaded the object: what the kernel does by relocating a module, the layout
 * does by having room at the offsets (chunk/layout.h).
 *
 *	handles   |  window |      | .so | .so |    |      | program |
 *	            |                 |                       |
 *	  offset[0][cpu]: the same distance for all of them
 *	            v                 v                       v
 *	copies    |  unit (reserved)  | .so | ..    ...    | program | mapped
 *
 * The sections' contents are the initial values, and nothing else: they are
 * copied to all copies, but for what is zero, when the library starts or the
 * object is loaded.
 *
 *	note       found in objects that are loaded when the library starts, so
 *	           that their variables work before any constructor runs and the
 *	           layout can follow what they need
 *	add        an object's constructor: objects that are loaded later
 *	remove     its destructor: dlclose() frees the copies
 *
 * Two objects' constructors do not run at the same time; searches may run
 * beside them, and miss or find an object that is just loaded or unloaded.
 */
#ifndef CHUNK_STATICS_H
#define CHUNK_STATICS_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk/compiler.h"
#include "pcpu/statics.h"

/* What the layout must know. */
struct statics_seen {
	bool low;   /* some below 4 GiB: a program that is not relocated */
	bool pages; /* some aligned to a page: no skew */
};

HIDDEN extern struct statics_seen statics_seen;

/* Look at what is loaded. */
void statics_look(void);

/* The layout is there: make the copies of what was seen. */
void statics_start(void);

/* Before the library has started it only notes what to do then. */
void statics_add(const struct libpcpu_statics *statics);

/* Is an address inside of a variable, as a handle is? */
bool statics_holds(uintptr_t address);

#endif /* CHUNK_STATICS_H */
