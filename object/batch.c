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

/*
 * The copy of the CPU where we are, or are moved to. A full batch is taken out
 * in the same step that would make it: who is moved after an add would look for
 * it in another copy, and leave it in this one.
 */
void libpcpu_batch_add_slow(int64_t *shared, int32_t *copies, int64_t x,
			    int32_t batch)
{
	int64_t sum = x;

	if (x < batch && x > -batch) {
		int32_t seen = libpcpu_this_read(*copies), now, kept;

		do {
			now = seen;
			sum = now + x;
			kept = sum < batch && sum > -batch ? (int32_t)sum : 0;
			seen = libpcpu_this_cmpxchg(*copies, now, kept);
		} while (seen != now);
		sum -= kept;
	}
	if (sum)
		/* relaxed: a count publishes nothing */
		fetch_add_relaxed((atom64 *)shared, (uint64_t)sum);
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
