/* SPDX-License-Identifier: MIT */
/*
 * Counters that cost what their use does.
 *
 * struct pcpu_counter starts as a plain integer of the thread that made it: no
 * per-CPU memory, no atomic operation. With the first update from another
 * thread it becomes a per-CPU counter, for good. So a short-lived process's
 * counters, which one thread touches, cost what integers cost.
 *
 *	struct pcpu_counter requests;
 *
 *	pcpu_counter_init(&requests, 0, 0);
 *	pcpu_counter_inc(&requests);            any thread
 *	pcpu_counter_read(&requests);           approximate, at once
 *	pcpu_counter_sum(&requests);            exact, looks at all CPUs
 *	pcpu_counter_destroy(&requests);
 *
 * struct pcpu_counter_tree is for many CPUs and frequent reading: its
 * approximation is much closer, and its bounds are known.
 *
 * A counter's memory is the caller's, zeroed or not; it must not be copied.
 * Nothing here may run beside init and destroy of the same counter.
 */
#ifndef LIBPCPU_COUNTER_H
#define LIBPCPU_COUNTER_H

#include <pcpu.h>
#include <pcpu/batch.h>
#include <pcpu/counter_tree.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Private, but for inline functions.
 *
 *	value = own + shared + the sum of all copies
 *
 * Only the owner writes `own`, so there is no moment at which the counter
 * changes over: once there are copies everybody uses them, and an owner who has
 * not seen them yet adds to its own part once more.
 */
struct pcpu_counter {
	/* First, as compilers clear both by one store, which must not lie
	 * across cache lines: what the owner adds next would wait for it. */
	int64_t own;
	int64_t shared;   /* what outgrew copies, and the first value */
	uintptr_t holder; /* the owner's number or 0; or, odd, copies */
	int32_t batch;
	uint32_t flags;
};

/* Flags. PCPU_NOWAIT: allocate copies so that updates may come from signal
 * handlers; while there is no memory for them, updates are atomic. */
#define PCPU_COUNTER_SHARED 0x100u  /* per-CPU at once */
#define PCPU_COUNTER_UNOWNED 0x200u /* the first who updates it owns it */

/* Bounds of a batch. The default follows the kernel's: twice the number of
 * possible CPUs, at least 32. */
#define PCPU_COUNTER_BATCH_MAX (1 << 20)

#pragma GCC visibility push(default)

/*
 * Give it a copy per CPU now. Returns 0, also if it has them, or -1 with errno
 * ENOMEM: then it works on as it is, and later updates of other threads try
 * again. Lock-free; may run beside updates. Cost: as pcpu_alloc().
 */
int pcpu_counter_upgrade(struct pcpu_counter *counter);

/*
 * The exact value of all updates that happened before. Of updates that run
 * meanwhile some are in it; each that moves a full batch from a copy may count
 * twice or not at all for the moment. Cost: a cache line per possible CPU once
 * it has copies. percpu_counter_sum().
 */
int64_t pcpu_counter_sum_copies(const struct pcpu_counter *counter);

/* Set the value. No update may run meanwhile. percpu_counter_set(). */
void pcpu_counter_set(struct pcpu_counter *counter, int64_t value);

/* How far a copy may count before what it has goes to the part that all share,
 * 1 to PCPU_COUNTER_BATCH_MAX; others are EINVAL. May run beside updates. */
int pcpu_counter_batch_set(struct pcpu_counter *counter, int32_t batch);

/*
 * The sign of value - other: -1, 0 or 1. Looks at the copies only if the
 * approximation cannot tell, which supposes that no copy has more than the
 * counter's batch: where pcpu_counter_add_batch() is given more, or the batch
 * was lowered, compare pcpu_counter_sum(). percpu_counter_compare().
 */
int pcpu_counter_compare(const struct pcpu_counter *counter, int64_t other);

/* What inline functions leave to the library. */
int libpcpu_counter_init(struct pcpu_counter *counters, size_t nr,
			 int64_t value, unsigned flags);
void libpcpu_counter_destroy(struct pcpu_counter *counter);
void libpcpu_counter_add(struct pcpu_counter *counter, int64_t x,
			 int32_t batch);

#pragma GCC visibility pop

/* A number of the running thread's that no other living thread has; even. */
static inline uintptr_t libpcpu_counter_thread(void)
{
#if defined(__x86_64__) && !defined(MODEL_CHECK)
	uintptr_t self;

	/* One load that loops do once. */
	__asm__("movq %%fs:0, %0" : "=r"(self));
	return self;
#else
	return (uintptr_t)&libpcpu_self;
#endif
}

/* The copies that a holder stands for, as a handle; NULL for an owner. */
static inline int32_t *libpcpu_counter_copies(uintptr_t holder)
{
	return holder & 1 ? (int32_t *)(holder - 1) : NULL;
}

static inline void libpcpu_counter_start(struct pcpu_counter *counter,
					 int64_t value, unsigned flags)
{
	int32_t batch = 2 * (int32_t)libpcpu_nr_cpu_ids;

	counter->own = 0;
	counter->shared = value;
	counter->holder =
		flags & PCPU_COUNTER_UNOWNED ? 0 : libpcpu_counter_thread();
	counter->batch = batch > 32 ? batch : 32;
	counter->flags = flags;
}

/*
 * Make a counter of the value, owned by the calling thread. Returns 0, or -1
 * with errno
 *	EINVAL	unknown flag
 *	ENOMEM	no memory for its copies (PCPU_COUNTER_SHARED alone)
 * Wait-free and without memory but for that flag. Follows
 * percpu_counter_init().
 */
static inline int pcpu_counter_init(struct pcpu_counter *counter, int64_t value,
				    unsigned flags)
{
	if (flags)
		return libpcpu_counter_init(counter, 1, value, flags);
	libpcpu_counter_start(counter, value, 0);
	return 0;
}

/* The same for nr counters, or for none. percpu_counter_init_many(). */
static inline int pcpu_counter_init_many(struct pcpu_counter *counters,
					 size_t nr, int64_t value,
					 unsigned flags)
{
	size_t i;

	if (flags)
		return libpcpu_counter_init(counters, nr, value, flags);
	for (i = 0; i < nr; i++)
		libpcpu_counter_start(&counters[i], value, 0);
	return 0;
}

/* Has it copies? Of the moment. Wait-free, a load. */
static inline bool pcpu_counter_is_shared(const struct pcpu_counter *counter)
{
	/* Relaxed: who goes to the copies looks again. */
	return __atomic_load_n(&counter->holder, __ATOMIC_RELAXED) & 1;
}

/* Give its memory back. The counter is no longer one. */
static inline void pcpu_counter_destroy(struct pcpu_counter *counter)
{
	if (pcpu_counter_is_shared(counter))
		libpcpu_counter_destroy(counter);
}

static inline void pcpu_counter_destroy_many(struct pcpu_counter *counters,
					     size_t nr)
{
	while (nr--)
		pcpu_counter_destroy(&counters[nr]);
}

/*
 * Add to the owner's part. On x86-64 one instruction, so that a signal handler
 * of the owner's never comes in between.
 */
static inline void libpcpu_counter_add_own(struct pcpu_counter *counter,
					   int64_t x)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	__asm__("addq %1, %0" : "+m"(counter->own) : "er"(x) : "cc");
#else
	/* Relaxed: nothing is published by a count. */
	__atomic_fetch_add(&counter->own, x, __ATOMIC_RELAXED);
#endif
}

static inline void libpcpu_counter_add_in(struct pcpu_counter *counter,
					  int64_t x, int32_t batch)
{
#ifndef MODEL_CHECK
	/* Pairs with pcpu_counter_upgrade(): the copies are zero. */
	uintptr_t holder = __atomic_load_n(&counter->holder, __ATOMIC_ACQUIRE);

	if (LIBPCPU_LIKELY(holder & 1)) {
		libpcpu_batch_add(&counter->shared,
				  libpcpu_counter_copies(holder), x, batch);
		return;
	}
	if (holder == libpcpu_counter_thread()) {
		libpcpu_counter_add_own(counter, x);
		return;
	}
#endif
	libpcpu_counter_add(counter, x, batch);
}

/*
 * Add x. Any thread; signal handlers if it has copies, or PCPU_NOWAIT, or
 * interrupt its owner alone. Cost: for the owner of a counter without copies
 * about three instructions; else as pcpu_this_add_return(), and an atomic
 * operation on a line that all share once in a batch. Progress: as
 * pcpu_this_add(). percpu_counter_add().
 */
static inline void pcpu_counter_add(struct pcpu_counter *counter, int64_t x)
{
	/* Relaxed: any will do. */
	int32_t batch = __atomic_load_n(&counter->batch, __ATOMIC_RELAXED);

	libpcpu_counter_add_in(counter, x, batch);
}

/* The same with a batch other than the counter's; of more than
 * LIBPCPU_BATCH_LIMIT, with that. percpu_counter_add_batch(). */
static inline void pcpu_counter_add_batch(struct pcpu_counter *counter,
					  int64_t x, int32_t batch)
{
	if (batch > LIBPCPU_BATCH_LIMIT)
		batch = LIBPCPU_BATCH_LIMIT;
	libpcpu_counter_add_in(counter, x, batch);
}

static inline void pcpu_counter_sub(struct pcpu_counter *counter, int64_t x)
{
	pcpu_counter_add(counter, -x);
}

static inline void pcpu_counter_inc(struct pcpu_counter *counter)
{
	pcpu_counter_add(counter, 1);
}

static inline void pcpu_counter_dec(struct pcpu_counter *counter)
{
	pcpu_counter_add(counter, -1);
}

/*
 * The approximate value: exact while it has no copies, else off by less than
 * the batch for each possible CPU. Wait-free, a load or two.
 * percpu_counter_read().
 */
static inline int64_t pcpu_counter_read(const struct pcpu_counter *counter)
{
	/* Relaxed: of the moment. */
	return __atomic_load_n(&counter->own, __ATOMIC_RELAXED) +
	       __atomic_load_n(&counter->shared, __ATOMIC_RELAXED);
}

/* For what is never negative, but may look so for a moment. */
static inline int64_t
pcpu_counter_read_positive(const struct pcpu_counter *counter)
{
	int64_t value = pcpu_counter_read(counter);

	return value > 0 ? value : 0;
}

static inline int64_t pcpu_counter_sum(const struct pcpu_counter *counter)
{
	if (pcpu_counter_is_shared(counter))
		return pcpu_counter_sum_copies(counter);
	return pcpu_counter_read(counter);
}

static inline int64_t
pcpu_counter_sum_positive(const struct pcpu_counter *counter)
{
	int64_t value = pcpu_counter_sum(counter);

	return value > 0 ? value : 0;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_COUNTER_H */
