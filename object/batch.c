// SPDX-License-Identifier: MIT
/*
 * The slow ways of counting in batches; what it is stands in <pcpu/batch.h>.
 */
#include "pcpu/batch.h"

#include "chunk/atomic.h"

static atom32 *copy_of(int32_t *copies, int cpu)
{
	return (atom32 *)libpcpu_address(copies, (unsigned)cpu);
}

/* Or that of the CPU where we are moved to. */
void libpcpu_batch_pass_on(int64_t *shared, int32_t *copies, int32_t batch)
{
	int32_t now = libpcpu_this_read(*copies);

	while (now >= batch || now <= -batch) {
		int32_t seen = libpcpu_this_cmpxchg(*copies, now, 0);

		if (seen == now) {
			/* relaxed: a count publishes nothing */
			fetch_add_relaxed((atom64 *)shared,
					  (uint64_t)(int64_t)now);
			return;
		}
		now = seen;
	}
}

void libpcpu_batch_add_slow(int64_t *shared, int32_t *copies, int64_t x,
			    int32_t batch)
{
	int32_t now;

	if (x >= batch || x <= -batch) {
		/* relaxed: a count publishes nothing */
		fetch_add_relaxed((atom64 *)shared, (uint64_t)x);
		return;
	}
	now = libpcpu_this_add_return(*copies, (int32_t)x);
	if (now >= batch || now <= -batch)
		libpcpu_batch_pass_on(shared, copies, batch);
}

int64_t libpcpu_batch_sum(const int64_t *shared, int32_t *copies)
{
	int64_t sum = 0;
	int cpu;

	for (cpu = libpcpu_cpu_next(-1); (unsigned)cpu < libpcpu_nr_cpu_ids;
	     cpu = libpcpu_cpu_next(cpu))
		/* relaxed: of the moment */
		sum += (int32_t)load_relaxed(copy_of(copies, cpu));
	/* relaxed: the same */
	return sum + (int64_t)load_relaxed((const atom64 *)shared);
}

void libpcpu_batch_set(int64_t *shared, int32_t *copies, int64_t value)
{
	int cpu;

	for (cpu = libpcpu_cpu_next(-1); (unsigned)cpu < libpcpu_nr_cpu_ids;
	     cpu = libpcpu_cpu_next(cpu))
		/* relaxed: nobody adds */
		store_relaxed(copy_of(copies, cpu), 0);
	/* relaxed: the same */
	store_relaxed((atom64 *)shared, (uint64_t)value);
}
