/* SPDX-License-Identifier: MIT */
/*
 * The sequences of <pcpu/cache_x86_64.h> as caches.c plays them. Included by
 * <pcpu/cache.h> alone.
 */
#ifndef TESTS_MODEL_CACHES_H
#define TESTS_MODEL_CACHES_H

bool libpcpu_cache_try_pop(const struct pcpu_cache *cache, void **object);
bool libpcpu_cache_try_push(const struct pcpu_cache *cache, void *object);

#endif /* TESTS_MODEL_CACHES_H */
