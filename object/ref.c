// SPDX-License-Identifier: MIT
/*
 * Reference counters: changes of mode, and atomic mode. What they are stands in
 * <pcpu/ref.h>, the invariants in <pcpu/ref_abi.h>. The word of the gate goes
 * through these states, by compare-and-swap:
 *
 *	         kill, to_atomic                     switch_done()
 *	open ---------------------> ATOMIC SWITCHING --------------> ATOMIC
 *	  ^                                                            |
 *	  +---- ATOMIC SWITCHING <-------------------------------------+
 *	open_up()                   to_percpu, resurrect
 *
 * DEAD and FORCED stand beside ATOMIC. Whoever wants to change the mode while
 * somebody is SWITCHING waits.
 */
#include "pcpu/ref_abi.h"

#include <errno.h>
#include <limits.h>

#include "chunk/atomic.h"
#include "chunk/panic.h"
#include "object/futex.h"

#define ATOMIC LIBPCPU_REF_ATOMIC
#define DEAD LIBPCPU_REF_DEAD
#define FORCED LIBPCPU_REF_FORCED
#define SWITCHING LIBPCPU_REF_SWITCHING
#define WAITED LIBPCPU_REF_WAITED
#define BIAS LIBPCPU_REF_BIAS

#define ALL_FLAGS                                          \
	(LIBPCPU_REF_INIT_ATOMIC | LIBPCPU_REF_INIT_DEAD | \
	 LIBPCPU_REF_ALLOW_REINIT | LIBPCPU_NOWAIT)

static atom64 *word_of(const struct libpcpu_ref *ref)
{
	return (atom64 *)&ref->gate;
}

static atom64 *count_of(const struct libpcpu_ref *ref)
{
	return (atom64 *)&ref->count;
}

/* --- references in atomic mode -------------------------------------------- */

void libpcpu_ref_get_slow(struct libpcpu_ref *ref, uint64_t nr)
{
	/* relaxed: who gets has a reference, or got the counter from who has */
	uint64_t old = fetch_add_relaxed(count_of(ref), nr);

	if ((int64_t)old <= 0)
		panic("reference counter %p: got after the last put",
		      (void *)ref);
}

bool libpcpu_ref_tryget_slow(struct libpcpu_ref *ref, uint64_t nr)
{
	uint64_t old = load_relaxed(count_of(ref)); /* relaxed: see below */

	do {
		if (!old)
			return false;
		/* relaxed: as for get */
	} while (!cas_weak_relaxed(count_of(ref), &old, old + nr));
	return true;
}

void libpcpu_ref_put_slow(struct libpcpu_ref *ref, uint64_t nr)
{
	/* Who sees it at zero may give its memory back. */
	void (*call)(struct libpcpu_ref *, libpcpu_ref_fn) = ref->call;
	libpcpu_ref_fn release = ref->release;
	/* seq_cst [ref]: what holders did before their puts is seen by the last
	 * of them, and by libpcpu_ref_is_zero() */
	uint64_t old = fetch_add_seq_cst(count_of(ref), 0 - nr);

	if ((int64_t)(old - nr) < 0)
		panic("reference counter %p: put %lu, had %ld", (void *)ref,
		      (unsigned long)nr, (long)old);
	if (old == nr && release)
		call(ref, release);
}

int64_t libpcpu_ref_sum(const struct libpcpu_ref *ref)
{
	uint64_t word = libpcpu_ref_word(ref);
	uint64_t count =
		load_relaxed(count_of(ref)); /* relaxed: of the moment */

	if ((word & (ATOMIC | SWITCHING)) == ATOMIC)
		return (int64_t)count;
	return (int64_t)(count - BIAS) + libpcpu_gate_sum(&ref->gate);
}

/* --- waiting for a change of mode ----------------------------------------- */

/* The half that has the flags. */
static const void *futex_of(const struct libpcpu_ref *ref)
{
	return futex_half(&ref->gate, true);
}

/* The word, with nobody switching. */
static uint64_t settled(struct libpcpu_ref *ref)
{
	for (;;) {
		/* pairs with [mode] end_switch(): all that belongs to the mode
		 */
		uint64_t word = load_acquire(word_of(ref));

		if (!(word & SWITCHING))
			return word;
		/* relaxed: the kernel looks again before we sleep */
		if (word & WAITED ||
		    cas_relaxed(word_of(ref), &word, word | WAITED))
			futex_wait(futex_of(ref),
				   (uint32_t)((word | WAITED) >> 32));
	}
}

void libpcpu_ref_settle(struct libpcpu_ref *ref)
{
	settled(ref);
}

/* Nobody but us changes the word meanwhile, except that others wait. */
static void end_switch(struct libpcpu_ref *ref, uint64_t word)
{
	/* pairs with [mode] settled(), [gate] load_word(), and the look in
	 * libpcpu_gate_add(): the mode */
	uint64_t old = xchg_release(word_of(ref), word);

	if (old & WAITED)
		futex_wake(futex_of(ref), INT_MAX);
}

/* A word that nobody was switching becomes another, unless it has changed. */
static bool change(struct libpcpu_ref *ref, uint64_t word, uint64_t to)
{
	/* pairs with [mode] end_switch(): all that belongs to the mode */
	return cas_acquire(word_of(ref), &word, to);
}

/* --- to atomic mode ------------------------------------------------------- */

static struct libpcpu_ref *ref_of(struct libpcpu_grace *grace)
{
	return (struct libpcpu_ref *)((char *)grace -
				      offsetof(struct libpcpu_ref, grace));
}

/* What a switch holds is among the references, so there is one at least. */
static void settle_count(struct libpcpu_ref *ref)
{
	uint64_t sum = (uint64_t)libpcpu_gate_sum(&ref->gate);
	/* relaxed: what holders did before travels with fence, grace period and
	 * libpcpu_ref_put_slow() */
	uint64_t count = fetch_add_relaxed(count_of(ref), sum - BIAS);

	count += sum - BIAS;
	if ((int64_t)count <= 0)
		panic("reference counter %p: %ld references after all puts",
		      (void *)ref, (long)count - 1);
}

static void switch_done(struct libpcpu_grace *grace)
{
	struct libpcpu_ref *ref = ref_of(grace);
	/* relaxed: ours, but for WAITED */
	uint64_t word = load_relaxed(word_of(ref)) & ~(SWITCHING | WAITED);

	libpcpu_gate_fence();
	settle_count(ref);
	if (ref->confirm)
		ref->call(ref, ref->confirm);
	if (!ref->reinit) {
		libpcpu_free(libpcpu_gate_handle(word));
		word &= ~LIBPCPU_GATE_HANDLE;
	}
	/* Killed, it may end with our reference, and its memory with that. Else
	 * the maker's is left, who may give it back when we are done. */
	if (!(word & DEAD))
		libpcpu_ref_put_slow(ref, 1);
	end_switch(ref, word);
	if (word & DEAD)
		libpcpu_ref_put_slow(ref, 1);
}

/* Set flags, and leave per-CPU mode, if it is that. */
static void close_up(struct libpcpu_ref *ref, uint64_t flags,
		     libpcpu_ref_fn confirm)
{
	uint64_t word, to;

	do {
		word = settled(ref);
		if (word & flags & DEAD)
			panic("reference counter %p: killed twice",
			      (void *)ref);
		to = word | flags | ATOMIC;
		if (!(word & ATOMIC))
			to |= SWITCHING;
	} while (!change(ref, word, to));
	if (to & SWITCHING) {
		ref->confirm = confirm;
		libpcpu_ref_get_slow(ref, 1);
		libpcpu_grace_call(&ref->grace, switch_done);
	} else if (confirm) {
		ref->call(ref, confirm);
	}
}

void libpcpu_ref_to_atomic(struct libpcpu_ref *ref, libpcpu_ref_fn confirm)
{
	close_up(ref, FORCED, confirm);
}

void libpcpu_ref_kill(struct libpcpu_ref *ref, libpcpu_ref_fn confirm)
{
	close_up(ref, DEAD, confirm);
	libpcpu_ref_put_slow(ref, 1);
}

/* --- back to per-CPU mode ------------------------------------------------- */

/* While we are switching. */
static void open_up(struct libpcpu_ref *ref, uint64_t word)
{
	/* relaxed: end_switch() publishes it */
	fetch_add_relaxed(count_of(ref), BIAS);
	libpcpu_gate_fill(&ref->gate, 0);
	end_switch(ref, word & LIBPCPU_GATE_HANDLE);
}

static void check_reinit(const struct libpcpu_ref *ref, uint64_t word)
{
	if (!(word & LIBPCPU_GATE_HANDLE))
		panic("reference counter %p: not made for a second life",
		      (const void *)ref);
}

void libpcpu_ref_to_percpu(struct libpcpu_ref *ref)
{
	uint64_t word, to;

	do {
		word = settled(ref);
		if (!(word & ATOMIC))
			return;
		to = word & ~FORCED;
		if (!(word & DEAD)) {
			check_reinit(ref, word);
			to |= SWITCHING;
		}
	} while (!change(ref, word, to));
	if (to & SWITCHING)
		open_up(ref, to);
}

void libpcpu_ref_resurrect(struct libpcpu_ref *ref)
{
	uint64_t word;

	do {
		word = settled(ref);
		if (!(word & DEAD))
			panic("reference counter %p: resurrected, but alive",
			      (void *)ref);
		check_reinit(ref, word);
	} while (!change(ref, word, word | SWITCHING));
	/* relaxed: end_switch() publishes it */
	fetch_add_relaxed(count_of(ref), 1);
	if (word & FORCED)
		end_switch(ref, word & ~DEAD);
	else
		open_up(ref, word);
}

void libpcpu_ref_reinit(struct libpcpu_ref *ref)
{
	if (!libpcpu_ref_is_zero(ref))
		panic("reference counter %p: reinit with %ld references",
		      (void *)ref, (long)libpcpu_ref_sum(ref));
	libpcpu_ref_resurrect(ref);
}

/* --- life ----------------------------------------------------------------- */

/* What the flags say of the word, the count, and the copies' life. */
static void begin(struct libpcpu_ref *ref, char *copies, unsigned flags)
{
	const unsigned closed = LIBPCPU_REF_INIT_ATOMIC | LIBPCPU_REF_INIT_DEAD;

	ref->gate = (uintptr_t)copies;
	ref->count = !(flags & LIBPCPU_REF_INIT_DEAD);
	ref->reinit = flags & (closed | LIBPCPU_REF_ALLOW_REINIT);
	if (flags & closed)
		ref->gate |= ATOMIC;
	else
		ref->count += BIAS;
	if (flags & LIBPCPU_REF_INIT_ATOMIC)
		ref->gate |= FORCED;
	if (flags & LIBPCPU_REF_INIT_DEAD)
		ref->gate |= DEAD;
}

int libpcpu_ref_init(struct libpcpu_ref *ref,
		     void (*call)(struct libpcpu_ref *ref, libpcpu_ref_fn fn),
		     libpcpu_ref_fn release, unsigned flags)
{
	char *copies;

	if (flags & ~ALL_FLAGS) {
		errno = EINVAL;
		return -1;
	}
	if (libpcpu_grace_start())
		return -1;
	copies = libpcpu_alloc(sizeof(uint64_t), sizeof(uint64_t),
			       flags & LIBPCPU_NOWAIT);
	if (!copies)
		return -1;
	begin(ref, copies, flags);
	ref->call = call;
	ref->release = release;
	ref->confirm = NULL;
	return 0;
}

void libpcpu_ref_check_unused(const struct libpcpu_ref *ref)
{
	int64_t sum = libpcpu_ref_sum(ref);

	if (sum != !libpcpu_ref_is_dying(ref) && sum)
		panic("reference counter %p: exit with %ld references",
		      (const void *)ref, (long)sum);
}

void libpcpu_ref_exit(struct libpcpu_ref *ref)
{
	uint64_t word = libpcpu_ref_word(ref);

	if (word & SWITCHING)
		panic("reference counter %p: exit while it changes its mode",
		      (void *)ref);
	/* relaxed: nobody else uses it any more */
	store_relaxed(count_of(ref), (uint64_t)libpcpu_ref_sum(ref));
	libpcpu_free(libpcpu_gate_handle(word));
	store_relaxed(word_of(ref), ATOMIC | DEAD); /* relaxed: the same */
}
