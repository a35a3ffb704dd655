/* SPDX-License-Identifier: MIT */
/*
 * The kernel's percpu_ref on libpcpu's reference counters; <pcpu/ref.h> says
 * what each function does, costs, and when it waits.
 *
 * What differs: confirm and release run in the library's worker thread, or in
 * the caller, not in an RCU callback. Wrong use is one line on standard error
 * and an abort, where the kernel warns: killed twice, a put without a
 * reference, reinit with references, a second life not asked for, an exit in
 * the middle of a change of mode. The members of the structure are private.
 */
#ifndef LIBPCPU_LINUX_PERCPU_REFCOUNT_H
#define LIBPCPU_LINUX_PERCPU_REFCOUNT_H

#include <errno.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <pcpu/ref_abi.h>

#ifdef __cplusplus
extern "C" {
#endif

struct percpu_ref;
typedef void(percpu_ref_func_t)(struct percpu_ref *);

struct percpu_ref {
	struct libpcpu_ref libpcpu_core;
};

/* Flags of percpu_ref_init(). */
enum {
	PERCPU_REF_INIT_ATOMIC = 1 << 0,
	PERCPU_REF_INIT_DEAD = 1 << 1,
	PERCPU_REF_ALLOW_REINIT = 1 << 2,
};

static inline void libpcpu_kernel_ref_call(struct libpcpu_ref *core,
					   libpcpu_ref_fn fn)
{
	((percpu_ref_func_t *)fn)((struct percpu_ref *)core);
}

/* 0 or -ENOMEM; -EAGAIN, if the library can have no thread to call back. */
static inline int __attribute__((warn_unused_result))
percpu_ref_init(struct percpu_ref *ref, percpu_ref_func_t *release,
		unsigned int flags, gfp_t gfp)
{
	unsigned int how = 0;
	int saved = errno, error = 0;

	if (flags & PERCPU_REF_INIT_ATOMIC)
		how |= LIBPCPU_REF_INIT_ATOMIC;
	if (flags & PERCPU_REF_INIT_DEAD)
		how |= LIBPCPU_REF_INIT_DEAD;
	if (flags & PERCPU_REF_ALLOW_REINIT)
		how |= LIBPCPU_REF_ALLOW_REINIT;
	if (!(gfp & __GFP_DIRECT_RECLAIM))
		how |= LIBPCPU_NOWAIT;
	if (libpcpu_ref_init(&ref->libpcpu_core, libpcpu_kernel_ref_call,
			     (libpcpu_ref_fn)release, how))
		error = -errno;
	errno = saved;
	return error;
}

/* Also of a zeroed one, and a second time. */
static inline void percpu_ref_exit(struct percpu_ref *ref)
{
	if (ref->libpcpu_core.call)
		libpcpu_ref_exit(&ref->libpcpu_core);
}

static inline void percpu_ref_kill_and_confirm(struct percpu_ref *ref,
					       percpu_ref_func_t *confirm_kill)
{
	libpcpu_ref_kill(&ref->libpcpu_core, (libpcpu_ref_fn)confirm_kill);
}

static inline void percpu_ref_kill(struct percpu_ref *ref)
{
	libpcpu_ref_kill(&ref->libpcpu_core, NULL);
}

static inline void
percpu_ref_switch_to_atomic(struct percpu_ref *ref,
			    percpu_ref_func_t *confirm_switch)
{
	libpcpu_ref_to_atomic(&ref->libpcpu_core,
			      (libpcpu_ref_fn)confirm_switch);
}

static inline void percpu_ref_switch_to_atomic_sync(struct percpu_ref *ref)
{
	libpcpu_ref_to_atomic(&ref->libpcpu_core, NULL);
	libpcpu_ref_settle(&ref->libpcpu_core);
}

static inline void percpu_ref_switch_to_percpu(struct percpu_ref *ref)
{
	libpcpu_ref_to_percpu(&ref->libpcpu_core);
}

static inline void percpu_ref_resurrect(struct percpu_ref *ref)
{
	libpcpu_ref_resurrect(&ref->libpcpu_core);
}

static inline void percpu_ref_reinit(struct percpu_ref *ref)
{
	libpcpu_ref_reinit(&ref->libpcpu_core);
}

static inline void percpu_ref_get_many(struct percpu_ref *ref, unsigned long nr)
{
	libpcpu_ref_get(&ref->libpcpu_core, nr);
}

static inline void percpu_ref_get(struct percpu_ref *ref)
{
	libpcpu_ref_get(&ref->libpcpu_core, 1);
}

static inline bool percpu_ref_tryget_many(struct percpu_ref *ref,
					  unsigned long nr)
{
	return libpcpu_ref_tryget(&ref->libpcpu_core, nr);
}

static inline bool percpu_ref_tryget(struct percpu_ref *ref)
{
	return libpcpu_ref_tryget(&ref->libpcpu_core, 1);
}

static inline bool percpu_ref_tryget_live(struct percpu_ref *ref)
{
	return libpcpu_ref_tryget_live(&ref->libpcpu_core, 1);
}

/* For callers inside an RCU read-side section: no other here. */
static inline bool percpu_ref_tryget_live_rcu(struct percpu_ref *ref)
{
	return libpcpu_ref_tryget_live(&ref->libpcpu_core, 1);
}

static inline void percpu_ref_put_many(struct percpu_ref *ref, unsigned long nr)
{
	libpcpu_ref_put(&ref->libpcpu_core, nr);
}

static inline void percpu_ref_put(struct percpu_ref *ref)
{
	libpcpu_ref_put(&ref->libpcpu_core, 1);
}

static inline bool percpu_ref_is_dying(struct percpu_ref *ref)
{
	return libpcpu_ref_is_dying(&ref->libpcpu_core);
}

static inline bool percpu_ref_is_zero(struct percpu_ref *ref)
{
	return libpcpu_ref_is_zero(&ref->libpcpu_core);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_LINUX_PERCPU_REFCOUNT_H */
