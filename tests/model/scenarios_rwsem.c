// SPDX-License-Identifier: MIT
/*
 * Read-write semaphores: readers and writers are never inside together, and all
 * come in at last.
 */
#include <pcpu.h>
#include <pcpu/rwsem_abi.h>

#include "explore.h"

static struct libpcpu_rwsem sem;
static atom32 readers, writers, nr_read, nr_written;

static void begin_without_copies(void)
{
	sem = (struct libpcpu_rwsem)LIBPCPU_RWSEM_INIT;
	store_relaxed(&readers, 0);
	store_relaxed(&writers, 0);
	store_relaxed(&nr_read, 0);
	store_relaxed(&nr_written, 0);
}

static void begin(void)
{
	begin_without_copies();
	explore_expect(!libpcpu_rwsem_init(&sem), "no memory");
	explore_leave_unowned(libpcpu_gate_handle(sem.gate));
}

static void begin_read(void)
{
	begin();
	libpcpu_rwsem_down_read(&sem);
}

static unsigned one_object(void)
{
	return 1;
}

/* What is plain in the semaphore is written with the lock. */
static void save(void)
{
	explore_save(&sem.nr_waiting, sizeof(sem.nr_waiting));
	explore_save(&sem.writer, sizeof(sem.writer));
}

static void be_inside(void)
{
	fetch_add_relaxed(&readers, 1);
	explore_expect(!load_relaxed(&writers), "a writer is inside");
	fetch_add_relaxed(&readers, UINT32_MAX);
	fetch_add_relaxed(&nr_read, 1);
	libpcpu_rwsem_up_read(&sem);
}

static void read(void)
{
	save();
	libpcpu_rwsem_down_read(&sem);
	be_inside();
}

static void read_pinned(void)
{
	pcpu_pin();
	read();
	pcpu_unpin();
}

static void try_to_read(void)
{
	save();
	if (libpcpu_rwsem_try_read(&sem))
		be_inside();
}

static void end_read(void)
{
	save();
	explore_expect(!load_relaxed(&writers), "a writer is inside");
	libpcpu_rwsem_up_read(&sem);
}

static void write(void)
{
	save();
	libpcpu_rwsem_down_write(&sem);
	fetch_add_relaxed(&writers, 1);
	explore_expect(!load_relaxed(&readers), "a reader is inside");
	explore_expect(load_relaxed(&writers) == 1, "two writers");
	fetch_add_relaxed(&writers, UINT32_MAX);
	fetch_add_relaxed(&nr_written, 1);
	libpcpu_rwsem_up_write(&sem);
}

static void expect_at_rest(void)
{
	explore_expect(!libpcpu_rwsem_is_read_locked(&sem), "still read");
	explore_expect(!libpcpu_rwsem_is_write_locked(&sem), "still written");
	explore_expect((int64_t)sem.gate >= 0, "the gate stays closed");
	explore_expect(load_relaxed(&nr_written), "not written");
}

SCENARIO(rwsem_read_write) = {
	.name = "semaphore: a writer comes while another reads",
	.prepare = begin,
	.thread = {write, read},
	.nr_others = one_object,
	.after = expect_at_rest,
	.bound = 3,
	.nr_least = 20,
};

SCENARIO(rwsem_end_write) = {
	.name = "semaphore: a writer waits for a reader",
	.prepare = begin_read,
	.thread = {write, end_read, try_to_read},
	.nr_others = one_object,
	.after = expect_at_rest,
	.nr_least = 20,
};

SCENARIO(rwsem_pinned_write) = {
	.name = "semaphore: a writer comes while a pinned thread reads",
	.prepare = begin,
	.thread = {write, read_pinned},
	.nr_others = one_object,
	.after = expect_at_rest,
	.nr_least = 20,
};

SCENARIO(rwsem_write_write) = {
	.name = "semaphore: two writers, a reader",
	.prepare = begin,
	.thread = {write, write, read},
	.nr_others = one_object,
	.after = expect_at_rest,
	.bound = 1,
	.nr_least = 20,
};
