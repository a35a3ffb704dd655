/* SPDX-License-Identifier: MIT */
/*
 * Without restartable sequences the library does it all, with atomic
 * operations. Included by <pcpu/cache.h> alone.
 */
#ifndef PCPU_CACHE_H
#include <pcpu/cache.h>
#elif !defined(PCPU_CACHE_PORTABLE_H)
#define PCPU_CACHE_PORTABLE_H

#ifdef __cplusplus
extern "C" {
#endif

LIBPCPU_INLINE bool libpcpu_cache_try_pop(const struct pcpu_cache *cache,
					  void **object)
{
	(void)cache, (void)object;
	return false;
}

LIBPCPU_INLINE bool libpcpu_cache_try_push(const struct pcpu_cache *cache,
					   void *object)
{
	(void)cache, (void)object;
	return false;
}

#ifdef __cplusplus
}
#endif

#endif /* PCPU_CACHE_PORTABLE_H */
