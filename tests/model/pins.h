/* SPDX-License-Identifier: MIT */
/*
 * The sequences and operations of <pcpu/operations.h> as pins.c plays them.
 * Included by <pcpu/context.h> alone.
 */
#ifndef TESTS_MODEL_PINS_H
#define TESTS_MODEL_PINS_H

bool libpcpu_try_pin(void);
bool libpcpu_try_unpin(struct libpcpu_place *place);

bool libpcpu_try_write(const volatile void *p, unsigned size, uint64_t x);
bool libpcpu_try_add(const volatile void *p, unsigned size, uint64_t x);
bool libpcpu_try_and(const volatile void *p, unsigned size, uint64_t x);
bool libpcpu_try_or(const volatile void *p, unsigned size, uint64_t x);
bool libpcpu_try_read(const volatile void *p, unsigned size, uint64_t *old);
bool libpcpu_try_xchg(const volatile void *p, unsigned size, uint64_t x,
		      uint64_t *old);
bool libpcpu_try_fetch_add(const volatile void *p, unsigned size, uint64_t x,
			   uint64_t *old);
bool libpcpu_try_cmpxchg(const volatile void *p, unsigned size,
			 uint64_t expected, uint64_t x, uint64_t *old);

bool libpcpu_try_add_if(const uint64_t *gate, uint64_t handle, uint64_t x);

void libpcpu_own_write(uintptr_t copy, unsigned size, uint64_t x);
void libpcpu_own_add(uintptr_t copy, unsigned size, uint64_t x);
void libpcpu_own_and(uintptr_t copy, unsigned size, uint64_t x);
void libpcpu_own_or(uintptr_t copy, unsigned size, uint64_t x);
uint64_t libpcpu_own_read(uintptr_t copy, unsigned size);
uint64_t libpcpu_own_xchg(uintptr_t copy, unsigned size, uint64_t x);
uint64_t libpcpu_own_fetch_add(uintptr_t copy, unsigned size, uint64_t x);
uint64_t libpcpu_own_cmpxchg(uintptr_t copy, unsigned size, uint64_t expected,
			     uint64_t x);

#endif /* TESTS_MODEL_PINS_H */
