// SPDX-License-Identifier: MIT
/*
 * The slow ways of pcpu_counter; what it is stands in <pcpu/counter.h>.
 */
#include "pcpu/counter.h"

#include <errno.h>

#include "chunk/atomic.h"
#include "chunk/compiler.h"

#define ALL_FLAGS (PCPU_NOWAIT | PCPU_COUNTER_SHARED | PCPU_COUNTER_UNOWNED)

/* The fields are plain, as the header has users who do not know our wrappers.
 */

static atom64 *own_of(const struct pcpu_counter *counter)
{
	return (atom64 *)&counter->own;
}

static atom64 *shared_of(const struct pcpu_counter *counter)
{
	return (atom64 *)&counter->shared;
}

static atom64 *holder_of(const struct pcpu_counter *counter)
{
	return (atom64 *)&counter->holder;
}

_Static_assert(sizeof(uintptr_t) == sizeof(atom64), "a pointer is a word");
_Static_assert(_Alignof(struct libpcpu_thread) > 1, "owners are even");

static int32_t *load_copies(const struct pcpu_counter *counter)
{
	/* pairs with [copies] pcpu_counter_upgrade(): the copies are zero */
	return libpcpu_counter_copies(load_acquire(holder_of(counter)));
}

/* --- life ----------------------------------------------------------------- */

static void destroy(struct pcpu_counter *counter)
{
	int32_t *copies = load_copies(counter);

	if (!copies)
		return;
	libpcpu_free(copies);
	/* relaxed: nobody else uses it any more */
	store_relaxed(holder_of(counter), 0);
}

void libpcpu_counter_destroy(struct pcpu_counter *counter)
{
	destroy(counter);
}

/* False if others were faster. */
static bool publish(struct pcpu_counter *counter, const int32_t *copies)
{
	/* relaxed: compared below */
	uint64_t holder = load_relaxed(holder_of(counter));

	/* Once more for the first owner, who may come meanwhile. */
	while (!libpcpu_counter_copies(holder))
		/* pairs with [copies] load_copies(): the copies are zero */
		if (cas_release(holder_of(counter), &holder,
				(uintptr_t)copies | 1))
			return true;
	return false;
}

static int upgrade(struct pcpu_counter *counter)
{
	int saved = errno;
	int32_t *copies;

	if (load_copies(counter))
		return 0;
	copies = libpcpu_alloc(sizeof(*copies), sizeof(*copies),
			       counter->flags & PCPU_NOWAIT);
	if (!copies)
		return -1;
	if (!publish(counter, copies))
		libpcpu_free(copies);
	errno = saved;
	return 0;
}

int pcpu_counter_upgrade(struct pcpu_counter *counter)
{
	return upgrade(counter);
}

static int upgrade_many(struct pcpu_counter *counters, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (upgrade(&counters[i])) {
			while (i--)
				destroy(&counters[i]);
			errno = ENOMEM;
			return -1;
		}
	return 0;
}

int libpcpu_counter_init(struct pcpu_counter *counters, size_t nr,
			 int64_t value, unsigned flags)
{
	size_t i;

	if (flags & ~ALL_FLAGS) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < nr; i++)
		libpcpu_counter_start(&counters[i], value, flags);
	return flags & PCPU_COUNTER_SHARED ? upgrade_many(counters, nr) : 0;
}

int pcpu_counter_batch_set(struct pcpu_counter *counter, int32_t batch)
{
	if (batch < 1 || batch > PCPU_COUNTER_BATCH_MAX) {
		errno = EINVAL;
		return -1;
	}
	/* relaxed: any batch will do */
	store_relaxed((atom32 *)&counter->batch, (uint32_t)batch);
	return 0;
}

/* --- updates -------------------------------------------------------------- */

/* Is the running thread the owner, now or by this? */
static bool own(struct pcpu_counter *counter)
{
	uint64_t self = libpcpu_counter_thread(), none = 0;

	/* relaxed: who compares equal has stored it, or was handed the counter
	 * by who did */
	return load_relaxed(holder_of(counter)) == self ||
	       (counter->flags & PCPU_COUNTER_UNOWNED &&
		/* relaxed: the same */
		cas_relaxed(holder_of(counter), &none, self));
}

void libpcpu_counter_add(struct pcpu_counter *counter, int64_t x, int32_t batch)
{
	int32_t *copies = load_copies(counter);
	int saved = errno; /* an add does not fail */

	if (!copies && own(counter)) {
		/* relaxed: only we write it */
		add_local_relaxed(own_of(counter), (uint64_t)x);
		return;
	}
	if (!copies && !upgrade(counter))
		copies = load_copies(counter);
	if (copies)
		libpcpu_batch_add_slow(&counter->shared, copies, x, batch);
	else
		/* relaxed: a count publishes nothing */
		fetch_add_relaxed(shared_of(counter), (uint64_t)x);
	errno = saved;
}

void pcpu_counter_set(struct pcpu_counter *counter, int64_t value)
{
	int32_t *copies = load_copies(counter);

	store_relaxed(own_of(counter), 0); /* relaxed: no update runs */
	if (copies)
		libpcpu_batch_set(&counter->shared, copies, value);
	else
		/* relaxed: the same */
		store_relaxed(shared_of(counter), (uint64_t)value);
}

/* --- reading -------------------------------------------------------------- */

static int64_t sum_copies(const struct pcpu_counter *counter)
{
	int32_t *copies = load_copies(counter);

	if (!copies)
		return pcpu_counter_read(counter);
	/* relaxed: of the moment */
	return (int64_t)load_relaxed(own_of(counter)) +
	       libpcpu_batch_sum(&counter->shared, copies);
}

int64_t pcpu_counter_sum_copies(const struct pcpu_counter *counter)
{
	return sum_copies(counter);
}

int pcpu_counter_compare(const struct pcpu_counter *counter, int64_t other)
{
	/* relaxed: of the moment */
	int64_t batch = (int32_t)load_relaxed((atom32 *)&counter->batch);
	int64_t error = batch * libpcpu_nr_cpu_ids;
	int sign =
		libpcpu_sign_beyond(pcpu_counter_read(counter), other, error);

	return sign ? sign : libpcpu_sign_beyond(sum_copies(counter), other, 0);
}
