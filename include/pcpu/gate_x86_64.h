/* SPDX-License-Identifier: MIT */
/*
 * x86-64: the restartable sequence of <pcpu/gate.h>, which alone includes this.
 */
#ifndef LIBPCPU_GATE_H
#include <pcpu/gate.h>
#elif !defined(LIBPCPU_GATE_X86_64_H)
#define LIBPCPU_GATE_X86_64_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Add to the copy of 8 bytes of the handle that *gate is, if it still is that.
 */
LIBPCPU_INLINE bool libpcpu_try_add_if(const uint64_t *gate, uint64_t handle,
				       uint64_t x)
{
	const volatile void *p = (const volatile void *)(uintptr_t)handle;
	uintptr_t at;
	bool done;

	__asm__ __volatile__(
		LIBPCPU_COPY "cmpq %[p], (%[gate])\n\t"
			     "jne 5f\n\t"
			     "addq %[x], (%[p],%[at])\n" LIBPCPU_END
		: [at] "=&r"(at), "=@ccz"(done)
		: LIBPCPU_COPY_INPUTS(p), [x] "er"(x), [gate] "r"(gate)
		: "memory");
	return done;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_GATE_X86_64_H */
