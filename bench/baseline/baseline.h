/* SPDX-License-Identifier: MIT */
/*
 * The rival that libpcpu is measured against: the algorithm of the Linux
 * kernel's per-CPU allocator (as of 6.1) in user space, written anew.
 *
 * One lock guards every bitmap and hint of the process, and a mutex in front
 * of it lets one caller at a time search with the right to grow.  Memory comes
 * in chunks; a chunk has one unit of BASELINE_UNIT_BYTES per CPU, side by side,
 * so that the copy of CPU c lies c units behind the copy of CPU 0.
 */
#ifndef BENCH_BASELINE_BASELINE_H
#define BENCH_BASELINE_BASELINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the kernel settles on for 8 or more CPUs: static, reserved and dynamic
 * first-chunk space (some 200 KiB), rounded up so that units fill a huge page.
 */
#define BASELINE_UNIT_BYTES ((size_t)256 << 10)
#define BASELINE_MAX_SIZE ((size_t)32 << 10)

enum baseline_lock {
	BASELINE_MUTEX,  /* pthread mutex, adaptive */
	BASELINE_TAS,    /* test and test-and-set; yields in the end */
	BASELINE_TICKET, /* FIFO: bad with more threads than CPUs */
	BASELINE_MCS,    /* FIFO: the same */
	BASELINE_COHORT, /* ticket per node below one global ticket */
};

struct baseline_config {
	unsigned nr_cpus; /* copies of each object, at least 1 */
	enum baseline_lock lock;
	bool zero;       /* false: no memset, to count instructions */
	bool background; /* false: no worker thread */
};

struct baseline_stats {
	size_t nr_alloc; /* live objects */
	size_t nr_chunks;
	size_t unit_bytes;      /* address space of one unit, all chunks */
	size_t populated_bytes; /* populated pages of one unit, all chunks */
	size_t live_bytes;      /* of one CPU, rounded to the 4-byte grain */
	size_t metadata_bytes;  /* once for all CPUs */
};

/*
 * Once per process; not thread-safe.  0, or -1 with errno EINVAL (no CPUs, no
 * such lock), EBUSY (already set up), ENOMEM, or what pthread_create() says.
 */
int baseline_init(const struct baseline_config *config);

/* Frees everything, live objects included; nobody else may be inside. */
void baseline_exit(void);

/*
 * @size 1 to BASELINE_MAX_SIZE bytes, rounded up to 4; @align 0 or a power of
 * two up to the page size.  Returns a cookie for baseline_ptr(); NULL with
 * errno EINVAL or ENOMEM.  Any thread; blocks on the mutex and the lock; may
 * create a chunk.  All copies are zeroed after both have been dropped.
 */
void *baseline_alloc(size_t size, size_t align);

/*
 * The same, but takes only the lock and uses only populated pages; if there
 * are none it kicks the worker and fails with ENOMEM.
 */
void *baseline_alloc_atomic(size_t size, size_t align);

/* NULL is a no-op.  As in the kernel a wrong pointer is not detected. */
void baseline_free(void *p);

/* The copy of @cpu, which must be below nr_cpus. */
void *baseline_ptr(void *p, unsigned cpu);

/* The size asked for, rounded up to 4. */
size_t baseline_usable_size(void *p);

void baseline_stats_get(struct baseline_stats *stats);

/*
 * Does the worker's rounds now: frees empty chunks but one, gives back the
 * pages of chunks set aside for it.  Returns the bytes given back, all CPUs.
 */
size_t baseline_trim(void);

/* "mutex" "tas" "ticket" "mcs" "cohort"; NULL for anything else. */
const char *baseline_lock_name(enum baseline_lock lock);

#endif
