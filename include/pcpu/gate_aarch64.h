/* SPDX-License-Identifier: MIT */
/*
 * aarch64: the restartable sequence of <pcpu/gate.h>, which alone includes
 * this.
 */
#ifndef LIBPCPU_GATE_H
#include <pcpu/gate.h>
#elif !defined(LIBPCPU_GATE_AARCH64_H)
#define LIBPCPU_GATE_AARCH64_H

#ifdef __cplusplus
extern "C" {
#endif

#define LIBPCPU_IS_THIS_GATE                   \
	"ldar %[refused], [%[gate]]\n\t"       \
	"eor %[refused], %[refused], %[p]\n\t" \
	"cbnz %[refused], 5f\n\t"

/*
 * Add to the copy of 8 bytes of the handle that *gate is, if it still is that.
 * The acquire pairs with [gate] libpcpu_gate_open(): what the copies are.
 */
LIBPCPU_INLINE bool libpcpu_try_add_if(const uint64_t *gate, uint64_t handle,
				       uint64_t x)
{
	const volatile void *p = (const volatile void *)(uintptr_t)handle;
	uintptr_t at, refused;
	uint64_t sum;

	__asm__ __volatile__(
		LIBPCPU_COPY LIBPCPU_IS_THIS_GATE
		"ldr %[sum], [%[p], %[at]]\n\t"
		"add %[sum], %[sum], %[x]\n\t"
		"str %[sum], [%[p], %[at]]\n" LIBPCPU_END
		: [at] "=&r"(at), [refused] "=&r"(refused), [sum] "=&r"(sum)
		: LIBPCPU_COPY_INPUTS(p), [x] "rI"(x), [gate] "r"(gate)
		: "memory");
	return !refused;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_GATE_AARCH64_H */
