// SPDX-License-Identifier: MIT
/*
 * Pins, less what the header does inline: who cannot have a place at once.
 *
 * A place is got in two steps: become its owner, name it in libpcpu_self. The
 * header's sequence makes them one, as seen by the thread's own signal
 * handlers; claim() here marks the time between them (OWNER_CLAIMED), and a
 * handler that comes just then finishes what it has interrupted. It is given
 * back in two steps as well, and a handler that comes between these takes the
 * place over, with such a claim, and gives it back itself.
 *
 * A claim from outside, by compare-and-swap, does not keep sequences from going
 * on that have seen the place without an owner: these are thrown out by the
 * fence of membarrier(2), or one of them has stored itself as the owner before,
 * over the claim, which then is lost.
 */
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena/context.h"
#include "chunk/panic.h"
#include "chunk/topology.h"
#include "pcpu/gate.h"
#include "pcpu/this_cpu.h"

/* So often a sequence may be thrown out, as under a debugger always. */
#define TRIES_MAX 4
/* An owner that was preempted goes on when we yield, most often. */
#define YIELDS 4

/* --- sleeping ------------------------------------------------------------- */

/* The half that has the flags, which changes with the owner or its waiters. */
static void futex(struct libpcpu_place *place, int operation, uint32_t value)
{
	uint32_t *half = (uint32_t *)&place->owner;

	half += __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	syscall(SYS_futex, half, operation | FUTEX_PRIVATE_FLAG, value, NULL);
}

static void wake(struct libpcpu_place *place)
{
	futex(place, FUTEX_WAKE, INT32_MAX);
}

/* Was it refused once? A filter of system calls may come after the start. */
static atom32 fence_is_refused;

int libpcpu_fence(void)
{
	if (!context_has_sequences ||
	    !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0,
		     0))
		return 1;
	store_relaxed(&fence_is_refused, 1); /* relaxed: each asks for itself */
	return 0;
}

/* In the context "thread" no sequence ever gets a place: these have owners who
 * hold them as locks. */
static bool places_have_sequences(void)
{
	return context_has_sequences &&
	       libpcpu_context() != LIBPCPU_CONTEXT_THREAD;
}

static bool fence_places(void)
{
	return !places_have_sequences() || libpcpu_fence();
}

/* If the flag came too late for the owner, it has let go when the fence ends.
 */
static void sleep_on(struct libpcpu_place *place, uint64_t owner)
{
	uint64_t waited = owner | OWNER_WAITED;

	/* relaxed: the kernel looks again before we sleep */
	if (owner != waited && !cas_relaxed(owner_of(place), &owner, waited))
		return;
	if (fence_places())
		futex(place, FUTEX_WAIT, (uint32_t)waited);
	else
		sched_yield();
}

/* --- letting go ----------------------------------------------------------- */

/* Unless a signal handler was faster. */
static void let_go(struct libpcpu_place *place)
{
	/* relaxed: the exchange validates it */
	uint64_t owner = load_relaxed(owner_of(place));

	do {
		if (!owner_is_me(owner))
			return;
		if (owner & OWNER_SLOT)
			panic("pcpu_unpin() without pcpu_pin()");
		/* pairs with [pin] claim(), and the sequences of others: what
		 * we did in the section */
	} while (!cas_release(owner_of(place), &owner, 0));
	if (owner & OWNER_WAITED)
		wake(place);
}

/* --- claims --------------------------------------------------------------- */

/*
 * The second half of a claim, of ours or of what we have interrupted. False if
 * the claim is lost.
 */
static bool finish_claim(struct libpcpu_place *place)
{
	if (!fence_places()) {
		let_go(place);
		return false;
	}
	/* relaxed: the fence has ordered it */
	if (!owner_is_me(load_relaxed(owner_of(place)))) {
		/* Who waits for us does not know whom to wait for. */
		wake(place);
		return false;
	}
	libpcpu_self.place = place;
	/* relaxed: only our own signal handlers look at the flag */
	fetch_and_relaxed(owner_of(place), ~OWNER_CLAIMED);
	return true;
}

static bool claim(struct libpcpu_place *place)
{
	uint64_t owner = 0;

	/* pairs with [pin] libpcpu_unpin(): what the last owner did */
	return cas_acquire(owner_of(place), &owner,
			   owner_me() | OWNER_CLAIMED | OWNER_LOCKED) &&
	       finish_claim(place);
}

/*
 * The place is ours, and we did not know: we are a signal handler, and have
 * interrupted a claim or the way back.
 */
static bool take_over(struct libpcpu_place *place)
{
	/* relaxed: only we change it from being ours */
	uint64_t owner = load_relaxed(owner_of(place));

	/* A handler that has interrupted us was faster. */
	if (!owner_is_me(owner))
		return false;
	if (!(owner & OWNER_CLAIMED))
		/* pairs with [pin]: nothing, it is our own */
		return cas_acquire(owner_of(place), &owner,
				   owner | OWNER_CLAIMED) &&
		       finish_claim(place);
	if (!finish_claim(place))
		return false;
	libpcpu_self.nest++;
	return true;
}

/* A place that we own and do not name, without certain flags, or NULL. */
static struct libpcpu_place *find_own(uint64_t without)
{
	unsigned i;

	for (i = 0; i < topology.nr_cpu_ids; i++) {
		struct libpcpu_place *place = &libpcpu_place0[i];
		/* relaxed: only we make ourselves the owner */
		uint64_t owner = load_relaxed(owner_of(place));

		if (owner_is_me(owner) && !(owner & without))
			return place;
	}
	return NULL;
}

/* --- the way back, from outside ------------------------------------------- */

void libpcpu_unpin_slow(struct libpcpu_place *place)
{
	if (!place)
		panic("pcpu_unpin() without pcpu_pin()");
	libpcpu_self.place = NULL;
	let_go(place);
}

/*
 * A sequence that pins was refused, or thrown out: then it may have made us an
 * owner. What we have interrupted may have claimed another place.
 */
static void undo_sequence(void)
{
	struct libpcpu_place *place = find_own(OWNER_CLAIMED);

	if (place)
		let_go(place);
}

/* --- pinning -------------------------------------------------------------- */

static bool may_try_sequence(unsigned tries)
{
	/* relaxed: said by our own claim, if it matters */
	bool refused = load_relaxed(&fence_is_refused);

	if (!places_have_sequences())
		return false;
	if (libpcpu_place_number() >= 0)
		return tries < TRIES_MAX || refused;
	if (refused)
		panic("a thread without rseq needs membarrier() to pin a copy, "
		      "and it is refused now");
	return false;
}

/* One attempt. Waits if somebody else has the place. */
static bool try_pin(unsigned tries)
{
	struct libpcpu_place *place = context_running_place(), *own;
	/* relaxed: who becomes the owner looks again */
	uint64_t owner = load_relaxed(owner_of(place));

	if (!owner && may_try_sequence(tries)) {
		if (libpcpu_try_pin())
			return true;
		undo_sequence();
		return false;
	}
	if (!owner)
		return claim(place);
	/* P3: nobody who owns a place waits for another one. */
	own = owner_is_me(owner) ? place : find_own(0);
	if (own)
		return take_over(own);
	if (tries < YIELDS)
		sched_yield();
	else
		sleep_on(place, owner);
	return false;
}

void libpcpu_pin_slow(void)
{
	unsigned tries;

	if (context_has_sequences)
		undo_sequence();
	context_arm();
	if (libpcpu_self.place) {
		libpcpu_self.nest++;
		return;
	}
	for (tries = 0; !try_pin(tries);)
		tries += tries < TRIES_MAX;
}

/* --- operations ----------------------------------------------------------- */

static uint64_t operate(unsigned operation, uintptr_t copy, unsigned size,
			uint64_t x, uint64_t expected)
{
	switch (operation) {
	case LIBPCPU_READ:
		return libpcpu_own_read(copy, size);
	case LIBPCPU_WRITE:
		libpcpu_own_write(copy, size, x);
		return 0;
	case LIBPCPU_ADD:
		return libpcpu_own_fetch_add(copy, size, x);
	case LIBPCPU_AND:
		libpcpu_own_and(copy, size, x);
		return 0;
	case LIBPCPU_OR:
		libpcpu_own_or(copy, size, x);
		return 0;
	case LIBPCPU_XCHG:
		return libpcpu_own_xchg(copy, size, x);
	default:
		return libpcpu_own_cmpxchg(copy, size, expected, x);
	}
}

uint64_t libpcpu_operate(unsigned operation, const volatile void *p,
			 unsigned size, uint64_t x, uint64_t expected)
{
	uint64_t result;
	uintptr_t copy;

	libpcpu_pin();
	copy = libpcpu_this_address(p);
	result = operate(operation, copy, size, x, expected);
	libpcpu_unpin();
	return result;
}
