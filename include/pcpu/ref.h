/* SPDX-License-Identifier: MIT */
/*
 * Reference counters that cost nothing to share while they cannot end.
 *
 * A struct pcpu_ref starts in *per-CPU mode* with one reference, its maker's:
 * getting and putting is an addition to a CPU's own copy, and nobody looks for
 * zero. pcpu_ref_kill() puts the maker's reference: the copies are summed, from
 * then on references are counted by an atomic integer, and the last put calls
 * release(). So it suits what lives long and is killed once: a device, a
 * table, a configuration that all requests use.
 *
 *	struct pcpu_ref users;
 *
 *	pcpu_ref_init(&users, released, 0);
 *	if (pcpu_ref_tryget_live(&users)) {     any thread
 *		...
 *		pcpu_ref_put(&users);
 *	}
 *	pcpu_ref_kill(&users);                  released(&users) will be called
 *	pcpu_ref_exit(&users);                  in there, or later
 *
 *	             kill, switch_to_atomic
 *	per-CPU mode ----------------------> atomic mode --- last put ---> zero
 *	     ^                                    |                         |
 *	     +------------------------------------+-------------------------+
 *	        switch_to_percpu, resurrect                   reinit
 *
 * The change to atomic mode is not done at once: it takes a grace period of
 * liburcu's "bp" flavour, after which the library's worker thread calls
 * confirm() and, if no reference is left, release(): with all signals blocked,
 * and what they do holds up others. Until then gets and puts go on, and are
 * atomic. While it is under way, another change of mode waits for it.
 *
 * Memory is the caller's; it must not be copied. Wrong use is reported in one
 * line and aborts: killing twice, a put without a reference (in per-CPU mode
 * only when the copies are summed), a get after the last put.
 *
 * What a holder did before its put happens before release(). In a child of
 * fork() a change that was under way in the parent may never be done.
 * Follows Linux's percpu-refcount.h.
 */
#ifndef LIBPCPU_REF_H
#define LIBPCPU_REF_H

#include <pcpu.h>
#include <pcpu/ref_abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Private. */
struct pcpu_ref {
	struct libpcpu_ref core;
};

/*
 * Flags, besides PCPU_NOWAIT. Start in atomic mode; killed, without a
 * reference. Keep the copies in atomic mode, for switch_to_percpu, resurrect
 * and reinit: the first two imply it.
 */
#define PCPU_REF_INIT_ATOMIC LIBPCPU_REF_INIT_ATOMIC
#define PCPU_REF_INIT_DEAD LIBPCPU_REF_INIT_DEAD
#define PCPU_REF_ALLOW_REINIT LIBPCPU_REF_ALLOW_REINIT

static inline void libpcpu_ref_call(struct libpcpu_ref *core, libpcpu_ref_fn fn)
{
	((void (*)(struct pcpu_ref *))fn)((struct pcpu_ref *)core);
}

/*
 * Make a counter with one reference.
 *
 * @release: called by the last put; or NULL
 * @flags:   see above
 *
 * Returns 0, or -1 with errno
 *	EINVAL	unknown flag
 *	ENOMEM	no memory for the copies
 *	EAGAIN	no thread for the library's worker
 * Cost: as pcpu_alloc(). Context: any thread. percpu_ref_init().
 */
static inline int pcpu_ref_init(struct pcpu_ref *ref,
				void (*release)(struct pcpu_ref *ref),
				unsigned flags)
{
	return libpcpu_ref_init(&ref->core, libpcpu_ref_call,
				(libpcpu_ref_fn)release, flags);
}

/*
 * Give its memory back: when it is at zero, with a release() in that or later,
 * or while there is just the maker's reference and nobody else uses it. Aborts
 * if somebody else has a reference, or if a change of mode is under way.
 * percpu_ref_exit(), which does not look.
 */
static inline void pcpu_ref_exit(struct pcpu_ref *ref)
{
	libpcpu_ref_check_unused(&ref->core);
	libpcpu_ref_exit(&ref->core);
}

/*
 * Get nr references, by who has one or knows that the maker's is not put.
 * Cost: in per-CPU mode one restartable sequence, in atomic mode one atomic
 * operation on a line that all share. Progress: as pcpu_this_add(); in atomic
 * mode wait-free. Context: any thread; signal handlers. percpu_ref_get_many().
 */
static inline void pcpu_ref_get_many(struct pcpu_ref *ref, size_t nr)
{
	libpcpu_ref_get(&ref->core, nr);
}

static inline void pcpu_ref_get(struct pcpu_ref *ref)
{
	libpcpu_ref_get(&ref->core, 1);
}

/* The same unless it is at zero; false if it is. The counter's memory must be
 * there: it needs RCU, say, if release() frees it. percpu_ref_tryget_many(). */
static inline bool pcpu_ref_tryget_many(struct pcpu_ref *ref, size_t nr)
{
	return libpcpu_ref_tryget(&ref->core, nr);
}

static inline bool pcpu_ref_tryget(struct pcpu_ref *ref)
{
	return libpcpu_ref_tryget(&ref->core, 1);
}

/*
 * The same unless it was killed. It may succeed beside pcpu_ref_kill(), and
 * fails if it begins after the confirmation. percpu_ref_tryget_live().
 */
static inline bool pcpu_ref_tryget_live(struct pcpu_ref *ref)
{
	return libpcpu_ref_tryget_live(&ref->core, 1);
}

/* Put nr references; the last one calls release(). Cost and progress as for
 * pcpu_ref_get_many(), besides release(). percpu_ref_put_many(). */
static inline void pcpu_ref_put_many(struct pcpu_ref *ref, size_t nr)
{
	libpcpu_ref_put(&ref->core, nr);
}

static inline void pcpu_ref_put(struct pcpu_ref *ref)
{
	libpcpu_ref_put(&ref->core, 1);
}

/* Is it at zero? Never in per-CPU mode. Wait-free. percpu_ref_is_zero(). */
static inline bool pcpu_ref_is_zero(const struct pcpu_ref *ref)
{
	return libpcpu_ref_is_zero(&ref->core);
}

/* Was it killed? Wait-free. percpu_ref_is_dying(). */
static inline bool pcpu_ref_is_dying(const struct pcpu_ref *ref)
{
	return libpcpu_ref_is_dying(&ref->core);
}

/*
 * Put the maker's reference, for good, and change to atomic mode. confirm(), if
 * not NULL, is called when whoever looks finds the counter dying, before
 * release(); at once if it is in atomic mode already.
 * Context: any thread that does not hold up a change under way, as confirm()
 * would: it may wait for that. Cost: an atomic operation and a futex wake-up;
 * in the worker a fence, membarrier(2), a grace period and a sum over all CPUs.
 * percpu_ref_kill_and_confirm().
 */
static inline void
pcpu_ref_kill_and_confirm(struct pcpu_ref *ref,
			  void (*confirm)(struct pcpu_ref *ref))
{
	libpcpu_ref_kill(&ref->core, (libpcpu_ref_fn)confirm);
}

static inline void pcpu_ref_kill(struct pcpu_ref *ref)
{
	libpcpu_ref_kill(&ref->core, NULL);
}

/*
 * Change to atomic mode, and stay there, also through reinit, until
 * pcpu_ref_switch_to_percpu(). Context and cost as above.
 * percpu_ref_switch_to_atomic().
 */
static inline void
pcpu_ref_switch_to_atomic(struct pcpu_ref *ref,
			  void (*confirm)(struct pcpu_ref *ref))
{
	libpcpu_ref_to_atomic(&ref->core, (libpcpu_ref_fn)confirm);
}

/* The same, and wait until it is done; not inside an RCU read-side section. */
static inline void pcpu_ref_switch_to_atomic_sync(struct pcpu_ref *ref)
{
	libpcpu_ref_to_atomic(&ref->core, NULL);
	libpcpu_ref_settle(&ref->core);
}

/*
 * Back to per-CPU mode; if it was killed, with the resurrection. May wait for a
 * change under way. Cost: a store per possible CPU. Aborts without
 * PCPU_REF_ALLOW_REINIT. percpu_ref_switch_to_percpu().
 */
static inline void pcpu_ref_switch_to_percpu(struct pcpu_ref *ref)
{
	libpcpu_ref_to_percpu(&ref->core);
}

/* Undo the kill, by whoever knows that release() is not called meanwhile.
 * Context and cost as above. percpu_ref_resurrect(). */
static inline void pcpu_ref_resurrect(struct pcpu_ref *ref)
{
	libpcpu_ref_resurrect(&ref->core);
}

/* The same of a counter at zero, and only of such. percpu_ref_reinit(). */
static inline void pcpu_ref_reinit(struct pcpu_ref *ref)
{
	libpcpu_ref_reinit(&ref->core);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_REF_H */
