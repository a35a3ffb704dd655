/* SPDX-License-Identifier: MIT */
/*
 * Gates: copies that count, until somebody closes them to be sure of the sum.
 * References (pcpu_ref) and the shim's read-write semaphore stand on this.
 *
 * A gate is a word: the handle of its copies, of 8 bytes each, and, in bits
 * that no handle has, why it is closed. Who adds to a copy must not do so after
 * the sum was taken, whenever it looked at the word. So the look and the
 * addition are one restartable sequence:
 *
 *	add                             close
 *	  sequence {                      1. set a flag in the word
 *	    word is as it was?            2. fence: who is in the middle of a
 *	    copy += x                        sequence starts it anew, and sees 1
 *	  }                               3. wait for a grace period
 *	  else, in a pinned section       4. the sum is exact, for good
 *	  that is an RCU reader, too:
 *	    word is open?
 *	    copy += x
 *
 * Step 3 is for those who can have no sequence: the thread is pinned, or has a
 * place of its own, or the system has none.
 */
#ifndef LIBPCPU_GATE_H
#define LIBPCPU_GATE_H

#include <pcpu/this_cpu.h>

#if LIBPCPU_SEQUENCES && defined(__x86_64__)
#include <pcpu/gate_x86_64.h>
#elif LIBPCPU_SEQUENCES
#include <pcpu/gate_aarch64.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Who is told when a grace period has passed; the caller's memory. */
struct libpcpu_grace {
	struct libpcpu_grace *next;
	void (*done)(struct libpcpu_grace *grace);
};

#pragma GCC visibility push(default)

/*
 * See to it that there is a worker to call back: 0, or -1 with errno EAGAIN if
 * no thread can be had.
 */
int libpcpu_grace_start(void);

/*
 * Call done(grace) when all RCU readers ("bp") of this moment have left, from
 * the library's worker, with all signals blocked; it may be busy with a round
 * of reclaim before, for some 20 ms. Lock-free; signal handlers,
 * after libpcpu_grace_start(). In a child of fork() a worker is created anew,
 * and what was under way when it forked may never be called there. call_rcu().
 */
void libpcpu_grace_call(struct libpcpu_grace *grace,
			void (*done)(struct libpcpu_grace *grace));

/* Wait for the same; not inside a read-side section. synchronize_rcu(). */
void libpcpu_grace_wait(void);

/* libpcpu_fence(), or abort with a message: there is no sum without it. */
void libpcpu_gate_fence(void);

/* The word of a gate is negative, taken as a number, while it is closed. */
#define LIBPCPU_GATE_CLOSED (UINT64_C(1) << 63)
#define LIBPCPU_GATE_HANDLE ((UINT64_C(1) << 56) - 1)

/* What is left of libpcpu_gate_add(). */
bool libpcpu_gate_add_slow(uint64_t *gate, uint64_t x);

/*
 * The sum of all copies. Exact if the gate was closed, and then fence and grace
 * period went by: what was added happened before.
 */
int64_t libpcpu_gate_sum(const uint64_t *gate);

/* All copies become x, while the gate is closed. */
void libpcpu_gate_fill(const uint64_t *gate, uint64_t x);

/* Open a closed gate: the word is the handle alone. */
void libpcpu_gate_open(uint64_t *gate);

#pragma GCC visibility pop

#if !LIBPCPU_SEQUENCES && !defined(MODEL_CHECK)
LIBPCPU_INLINE bool libpcpu_try_add_if(const uint64_t *gate, uint64_t handle,
				       uint64_t x)
{
	(void)gate, (void)handle, (void)x;
	return false;
}
#endif

static inline char *libpcpu_gate_handle(uint64_t word)
{
	return (char *)(uintptr_t)(word & LIBPCPU_GATE_HANDLE);
}

/*
 * Add x to a copy if the gate is open; false if it is closed. Any thread;
 * signal handlers. Cost: open, one restartable sequence. Progress: waits only
 * for a section that has the copy pinned.
 */
static inline bool libpcpu_gate_add(uint64_t *gate, uint64_t x)
{
	/* Relaxed: the sequence looks again. */
	uint64_t word = __atomic_load_n(gate, __ATOMIC_RELAXED);

	if (!LIBPCPU_LIKELY((int64_t)word >= 0))
		return false;
	return LIBPCPU_LIKELY(libpcpu_try_add_if(gate, word, x)) ||
	       libpcpu_gate_add_slow(gate, x);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_GATE_H */
