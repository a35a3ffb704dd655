// SPDX-License-Identifier: MIT
/*
 * The slow ways of a gate; what it is stands in <pcpu/gate.h>.
 */
#include "pcpu/gate.h"

#include <urcu/urcu-bp.h>

#include "chunk/atomic.h"
#include "chunk/panic.h"

static atom64 *copy_of(uint64_t word, int cpu)
{
	return (atom64 *)libpcpu_address(libpcpu_gate_handle(word),
					 (unsigned)cpu);
}

static uint64_t load_word(const uint64_t *gate)
{
	/* pairs with [gate] libpcpu_gate_open(): what the copies are */
	return load_acquire((atom64 *)gate);
}

/*
 * The pin comes first: who waits for one must not hold up a grace period, as
 * the owner of the place may wait for that.
 */
bool libpcpu_gate_add_slow(uint64_t *gate, uint64_t x)
{
	uint64_t word = load_word(gate);

	if ((int64_t)word < 0)
		return false;
	libpcpu_pin();
	urcu_bp_read_lock();
	word = load_word(gate);
	if ((int64_t)word >= 0) {
		libpcpu_own_add(libpcpu_this_address(libpcpu_gate_handle(word)),
				sizeof(x), x);
		LIBPCPU_TSAN_RELEASE(gate);
	}
	urcu_bp_read_unlock();
	libpcpu_unpin();
	return (int64_t)word >= 0;
}

void libpcpu_gate_fence(void)
{
	if (!libpcpu_fence())
		panic("copies cannot be summed without membarrier(), and it is "
		      "refused now");
}

int64_t libpcpu_gate_sum(const uint64_t *gate)
{
	uint64_t word = load_word(gate), sum = 0;
	int cpu;

	LIBPCPU_TSAN_ACQUIRE((void *)gate);
	for (cpu = libpcpu_cpu_next(-1); (unsigned)cpu < libpcpu_nr_cpu_ids;
	     cpu = libpcpu_cpu_next(cpu))
		/* relaxed: fence and grace period have ordered it, or it is of
		 * the moment */
		sum += load_relaxed(copy_of(word, cpu));
	return (int64_t)sum;
}

void libpcpu_gate_fill(const uint64_t *gate, uint64_t x)
{
	uint64_t word = load_word(gate);
	int cpu;

	for (cpu = libpcpu_cpu_next(-1); (unsigned)cpu < libpcpu_nr_cpu_ids;
	     cpu = libpcpu_cpu_next(cpu))
		/* relaxed: nobody adds, libpcpu_gate_open() publishes it */
		store_relaxed(copy_of(word, cpu), x);
}

void libpcpu_gate_open(uint64_t *gate)
{
	uint64_t word = load_word(gate);

	/* pairs with [gate] load_word(), and the look in libpcpu_gate_add():
	 * what the copies are */
	store_release((atom64 *)gate, word & LIBPCPU_GATE_HANDLE);
}
