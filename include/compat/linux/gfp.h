/* SPDX-License-Identifier: MIT */
/*
 * The kernel's allocation flags, as far as callers of alloc_percpu() spell
 * them. In user space there is nothing to reclaim from and nobody to account
 * to, so two questions are all that is left of them:
 *
 *	__GFP_DIRECT_RECLAIM	may the allocation wait and grow? Without it the
 *				request is "atomic"
 *	__GFP_NOWARN		keep silent about a failure
 *
 * The rest is accepted and ignored; __GFP_ZERO because per-CPU memory is always
 * zeroed. The values are this library's own: only the names are the kernel's.
 */
#ifndef LIBPCPU_LINUX_GFP_H
#define LIBPCPU_LINUX_GFP_H

#include <stdbool.h>

typedef unsigned int gfp_t;

/* What the request may do. */
#define __GFP_DIRECT_RECLAIM ((gfp_t)1u << 0)
#define __GFP_KSWAPD_RECLAIM ((gfp_t)1u << 1)
#define __GFP_IO ((gfp_t)1u << 2)
#define __GFP_FS ((gfp_t)1u << 3)
#define __GFP_HIGH ((gfp_t)1u << 4)
#define __GFP_MEMALLOC ((gfp_t)1u << 5)
#define __GFP_NOMEMALLOC ((gfp_t)1u << 6)

/* How hard it tries, and what it says. */
#define __GFP_NOWARN ((gfp_t)1u << 7)
#define __GFP_NORETRY ((gfp_t)1u << 8)
#define __GFP_RETRY_MAYFAIL ((gfp_t)1u << 9)
#define __GFP_NOFAIL ((gfp_t)1u << 10)
#define __GFP_NOLOCKDEP ((gfp_t)1u << 11)

/* What memory it is for. */
#define __GFP_ZERO ((gfp_t)1u << 12)
#define __GFP_ACCOUNT ((gfp_t)1u << 13)
#define __GFP_HARDWALL ((gfp_t)1u << 14)
#define __GFP_THISNODE ((gfp_t)1u << 15)

#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT __GFP_KSWAPD_RECLAIM
#define GFP_NOIO __GFP_RECLAIM
#define GFP_NOFS (GFP_NOIO | __GFP_IO)
#define GFP_KERNEL (GFP_NOFS | __GFP_FS)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_USER (GFP_KERNEL | __GFP_HARDWALL)

/* May a request with these flags wait? */
static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return (gfp & __GFP_DIRECT_RECLAIM) != 0;
}

#endif /* LIBPCPU_LINUX_GFP_H */
