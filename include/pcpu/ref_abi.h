/* SPDX-License-Identifier: MIT */
/*
 * The binary interface behind <pcpu/ref.h>, which says what these do, and
 * behind the shim's <linux/percpu-refcount.h>. Programs include one of those.
 *
 * A reference counter is a gate (pcpu/gate.h) and an integer:
 *
 *	references = count + the sum of all copies - BIAS	per-CPU mode
 *	references = count					atomic mode
 *
 * In per-CPU mode nobody knows the sum, so the bias keeps the count from being
 * zero. On the way to atomic mode the gate is closed, and the bias stays until
 * the copies are summed; the switch itself holds a reference until confirm()
 * has returned, and if it was killed a moment longer.
 *
 *	R1  the gate is open: the count has the bias
 *	R2  SWITCHING: one thread, or the worker, is changing the mode, and
 *	    nobody else changes the word
 *	R3  closed and not SWITCHING: the copies no longer count
 */
#ifndef LIBPCPU_REF_ABI_H
#define LIBPCPU_REF_ABI_H

#include <pcpu/gate.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function of the owner's, which call() knows the type of. */
typedef void (*libpcpu_ref_fn)(void);

struct libpcpu_ref {
	uint64_t gate; /* copies and flags */
	uint64_t count;
	void (*call)(struct libpcpu_ref *ref, libpcpu_ref_fn fn);
	libpcpu_ref_fn release;
	libpcpu_ref_fn confirm; /* of a switch under way */
	struct libpcpu_grace grace;
	uint64_t reinit; /* copies are kept in atomic mode */
};

/*
 * Flags of the word; without any it is open. Killed; to stay in atomic mode; in
 * the middle of a change of mode; somebody sleeps until that is over.
 */
#define LIBPCPU_REF_ATOMIC LIBPCPU_GATE_CLOSED
#define LIBPCPU_REF_DEAD (UINT64_C(1) << 62)
#define LIBPCPU_REF_FORCED (UINT64_C(1) << 61)
#define LIBPCPU_REF_SWITCHING (UINT64_C(1) << 60)
#define LIBPCPU_REF_WAITED (UINT64_C(1) << 59)

#define LIBPCPU_REF_BIAS (UINT64_C(1) << 61)

/* Flags of init. */
#define LIBPCPU_REF_INIT_ATOMIC 0x100u
#define LIBPCPU_REF_INIT_DEAD 0x200u
#define LIBPCPU_REF_ALLOW_REINIT 0x400u

#pragma GCC visibility push(default)

int libpcpu_ref_init(struct libpcpu_ref *ref,
		     void (*call)(struct libpcpu_ref *ref, libpcpu_ref_fn fn),
		     libpcpu_ref_fn release, unsigned flags);
void libpcpu_ref_exit(struct libpcpu_ref *ref);
void libpcpu_ref_kill(struct libpcpu_ref *ref, libpcpu_ref_fn confirm);
void libpcpu_ref_to_atomic(struct libpcpu_ref *ref, libpcpu_ref_fn confirm);
void libpcpu_ref_to_percpu(struct libpcpu_ref *ref);
void libpcpu_ref_resurrect(struct libpcpu_ref *ref);
void libpcpu_ref_reinit(struct libpcpu_ref *ref);

/* Wait until no switch is under way. */
void libpcpu_ref_settle(struct libpcpu_ref *ref);

/* Abort if anybody but the maker has a reference. */
void libpcpu_ref_check_unused(const struct libpcpu_ref *ref);

/* References; of the moment, in per-CPU mode. */
int64_t libpcpu_ref_sum(const struct libpcpu_ref *ref);

/* In atomic mode. */
void libpcpu_ref_get_slow(struct libpcpu_ref *ref, uint64_t nr);
bool libpcpu_ref_tryget_slow(struct libpcpu_ref *ref, uint64_t nr);
void libpcpu_ref_put_slow(struct libpcpu_ref *ref, uint64_t nr);

#pragma GCC visibility pop

/* Relaxed: of the moment. */
static inline uint64_t libpcpu_ref_word(const struct libpcpu_ref *ref)
{
	return __atomic_load_n(&ref->gate, __ATOMIC_RELAXED);
}

static inline bool libpcpu_ref_is_dying(const struct libpcpu_ref *ref)
{
	return libpcpu_ref_word(ref) & LIBPCPU_REF_DEAD;
}

static inline bool libpcpu_ref_is_zero(const struct libpcpu_ref *ref)
{
	if (!(libpcpu_ref_word(ref) & LIBPCPU_REF_ATOMIC))
		return false;
	/* Pairs with libpcpu_ref_put_slow(): what holders did before. */
	return !__atomic_load_n(&ref->count, __ATOMIC_ACQUIRE);
}

static inline void libpcpu_ref_get(struct libpcpu_ref *ref, uint64_t nr)
{
	if (!libpcpu_gate_add(&ref->gate, nr))
		libpcpu_ref_get_slow(ref, nr);
}

static inline bool libpcpu_ref_tryget(struct libpcpu_ref *ref, uint64_t nr)
{
	return libpcpu_gate_add(&ref->gate, nr) ||
	       libpcpu_ref_tryget_slow(ref, nr);
}

static inline bool libpcpu_ref_tryget_live(struct libpcpu_ref *ref, uint64_t nr)
{
	return libpcpu_gate_add(&ref->gate, nr) ||
	       (!libpcpu_ref_is_dying(ref) && libpcpu_ref_tryget_slow(ref, nr));
}

static inline void libpcpu_ref_put(struct libpcpu_ref *ref, uint64_t nr)
{
	if (!libpcpu_gate_add(&ref->gate, 0 - nr))
		libpcpu_ref_put_slow(ref, nr);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_REF_ABI_H */
