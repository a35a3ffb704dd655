/* SPDX-License-Identifier: MIT */
/*
 * aarch64: restartable sequences. Included by <pcpu/operations.h> alone, which
 * has the rest.
 *
 * Each sequence is tried once. Its last instruction is what it does; before it
 * nothing is changed, except in libpcpu_try_pin().
 *
 * What a weaker memory order asks for: on one place sequences come one after
 * the other, as the processor sees its own stores and the kernel's scheduler
 * puts a barrier between two threads (and where a number of mm_cid changes
 * hands). Only an owner that was moved lets go of a place from elsewhere: it
 * releases, and every sequence acquires the owner word. Who comes from outside
 * uses the fence of membarrier(2), which is a barrier on each processor, too.
 */
#ifndef LIBPCPU_CONTEXT_H
#include <pcpu/context.h>
#elif !defined(LIBPCPU_AARCH64_H)
#define LIBPCPU_AARCH64_H

/* One instruction each in ARMv8.1, else a loop of exclusive accesses. */
#include <pcpu/own.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where the kernel finds a sequence: from 1 to 2, and whom it throws out goes
 * on at 4, which the signature in front of it marks, with what the caller of
 * the macro says. The descriptor's address is stored in the thread's area. The
 * question marks put both in the section group of the function, if that is in
 * one, as with C++ templates.
 */
#define LIBPCPU_SEQUENCE(scratch, thrown_out)                   \
	".pushsection __rseq_cs, \"aw?\"\n\t"                   \
	".balign 32\n"                                          \
	"3:\t.long 0, 0\n\t"                                    \
	".quad 1f, 2f - 1f, 4f\n\t"                             \
	".popsection\n\t"                                       \
	".pushsection __rseq_failure, \"ax?\"\n\t"              \
	".balign 4\n\t"                                         \
	".inst 0xd428bc00\n" /* RSEQ_SIG: brk, not to be run */ \
	"4:\t" thrown_out "\n\t"                                \
	".popsection\n\t"                                       \
	"adrp " scratch ", 3b\n\t"                              \
	"add " scratch ", " scratch ", :lo12:3b\n\t"            \
	"str " scratch ", [%[area], %c[rseq_cs]]\n"             \
	"1:\n\t"

/*
 * All ways lead to 5. `refused` is 0 there if the sequence was done: it holds
 * what must be 0 for that.
 */
#define LIBPCPU_BEGIN LIBPCPU_SEQUENCE("%[at]", "mov %[refused], 1\n\tb 5f")

/*
 * The kernel clears the descriptor's address when it finds it stale, at the
 * next preemption. A library that may be unloaded before must do it itself.
 */
#if defined(__PIC__) && !defined(__PIE__)
#define LIBPCPU_CLEAR "\tstr xzr, [%[area], %c[rseq_cs]]\n"
#else
#define LIBPCPU_CLEAR
#endif

#define LIBPCPU_END "2:\n5:\n" LIBPCPU_CLEAR

/*
 * The place that we run on, if it has no owner. The acquire pairs with [pin]
 * libpcpu_unpin(): what the owner did to the copies.
 */
#define LIBPCPU_FIND                                     \
	"ldrsw %[at], [%[thread], %[number]]\n\t"        \
	"add %[at], %[places], %[at], lsl %c[shift]\n\t" \
	"ldar %[refused], [%[at]]\n\t"                   \
	"cbnz %[refused], 5f\n\t"

#define LIBPCPU_AREA_INPUTS                                                  \
	[area] "r"(libpcpu_rseq_area()), [rseq_cs] "i"(offsetof(struct rseq, \
								rseq_cs))

#define LIBPCPU_FIND_INPUTS                                                 \
	LIBPCPU_AREA_INPUTS, [thread] "r"(libpcpu_thread_pointer()),        \
		[number] "r"(libpcpu_number), [places] "r"(libpcpu_place0), \
		[shift] "i"(LIBPCPU_PLACE_SHIFT)

/*
 * The distance of its copy, unless the thread has a place. That is checked in
 * here, lest a compiler keep in a loop what it can do in front of it.
 */
#define LIBPCPU_COPY                                         \
	"ldr %[refused], %[place]\n\t"                       \
	"cbnz %[refused], 5f\n\t" LIBPCPU_BEGIN LIBPCPU_FIND \
	"ldr %[at], [%[at], %[offset]]\n\t"

#define LIBPCPU_COPY_INPUTS(p)                                            \
	LIBPCPU_FIND_INPUTS, [p] "r"(p), [place] "m"(libpcpu_self.place), \
		[offset] "r"(offsetof(struct libpcpu_place, offset) +     \
			     libpcpu_window(p) * sizeof(ptrdiff_t))

/*
 * Become the owner of the place that we run on. The place that the thread names
 * is written last: who is thrown out may own a place that it does not name.
 */
LIBPCPU_INLINE bool libpcpu_try_pin(void)
{
	uintptr_t at, refused;

	__asm__ __volatile__(LIBPCPU_BEGIN LIBPCPU_FIND
			     "str %[self], [%[at]]\n\t"
			     "str %[at], [%[self]]\n" LIBPCPU_END
			     : [at] "=&r"(at), [refused] "=&r"(refused)
			     : LIBPCPU_FIND_INPUTS, [self] "r"(&libpcpu_self)
			     : "memory");
	return !refused;
}

/*
 * Let go of the place, unless its owner word has flags. True if that is all.
 * What others may do to the word meanwhile is set a flag; before they rely on
 * it they throw us out. The release pairs with [pin] the sequences of others,
 * claim(): what we did in the section.
 */
LIBPCPU_INLINE bool libpcpu_try_unpin(struct libpcpu_place *place)
{
	uintptr_t at, refused;

	__asm__ __volatile__(LIBPCPU_BEGIN "str xzr, [%[self]]\n\t"
					   "ldr %[refused], [%[place]]\n\t"
					   "eor %[refused], %[refused], "
					   "%[self]\n\t"
					   "cbnz %[refused], 5f\n\t"
					   "stlr xzr, [%[place]]\n" LIBPCPU_END
			     : [at] "=&r"(at), [refused] "=&r"(refused)
			     : LIBPCPU_AREA_INPUTS, [self] "r"(&libpcpu_self),
			       [place] "r"(place)
			     : "memory");
	return !refused;
}

/* --- sequences ------------------------------------------------------------ */

/*
 * Values are 64 bits wide in registers. As with the kernel's operations, their
 * accesses have no order with others.
 */
#define LIBPCPU_LOAD_uint8_t "ldrb %w"
#define LIBPCPU_LOAD_uint16_t "ldrh %w"
#define LIBPCPU_LOAD_uint32_t "ldr %w"
#define LIBPCPU_LOAD_uint64_t "ldr %x"
#define LIBPCPU_STORE_uint8_t "strb %w"
#define LIBPCPU_STORE_uint16_t "strh %w"
#define LIBPCPU_STORE_uint32_t "str %w"
#define LIBPCPU_STORE_uint64_t "str %x"
#define LIBPCPU_LOAD(type) LIBPCPU_LOAD_##type "[old], [%[p], %[at]]\n\t"
#define LIBPCPU_STORE(type, x) LIBPCPU_STORE_##type "[" x "], [%[p], %[at]]\n\t"

#define LIBPCPU_TRY_WRITE(type)                                           \
	do {                                                              \
		uintptr_t at, refused;                                    \
		__asm__ __volatile__(                                     \
			LIBPCPU_COPY LIBPCPU_STORE(type, "x") LIBPCPU_END \
			: [at] "=&r"(at), [refused] "=&r"(refused)        \
			: LIBPCPU_COPY_INPUTS(p), [x] "rZ"(x)             \
			: "memory");                                      \
		done = !refused;                                          \
	} while (0)

/* With the kinds of constants that the instruction takes. */
#define LIBPCPU_CHANGE(type, change, kinds)                                   \
	do {                                                                  \
		uintptr_t at, refused;                                        \
		uint64_t value;                                               \
		__asm__ __volatile__(                                         \
			LIBPCPU_COPY LIBPCPU_LOAD(type)                       \
				change LIBPCPU_STORE(type, "old") LIBPCPU_END \
			: [at] "=&r"(at), [refused] "=&r"(refused),           \
			  [old] "=&r"(value)                                  \
			: LIBPCPU_COPY_INPUTS(p), [x] kinds(x)                \
			: "memory");                                          \
		done = !refused;                                              \
	} while (0)

#define LIBPCPU_TRY_ADD(type) \
	LIBPCPU_CHANGE(type, "add %[old], %[old], %[x]\n\t", "rI")
#define LIBPCPU_TRY_AND(type) \
	LIBPCPU_CHANGE(type, "and %[old], %[old], %[x]\n\t", "rL")
#define LIBPCPU_TRY_OR(type) \
	LIBPCPU_CHANGE(type, "orr %[old], %[old], %[x]\n\t", "rL")

#define LIBPCPU_TRY_READ(type)                                      \
	do {                                                        \
		uintptr_t at, refused;                              \
		__asm__ __volatile__(                               \
			LIBPCPU_COPY LIBPCPU_LOAD(type) LIBPCPU_END \
			: [at] "=&r"(at), [refused] "=&r"(refused), \
			  [old] "=&r"(*old)                         \
			: LIBPCPU_COPY_INPUTS(p)                    \
			: "memory");                                \
		done = !refused;                                    \
	} while (0)

#define LIBPCPU_TRY_XCHG(type)                                       \
	do {                                                         \
		uintptr_t at, refused;                               \
		__asm__ __volatile__(                                \
			LIBPCPU_COPY LIBPCPU_LOAD(type)              \
				LIBPCPU_STORE(type, "x") LIBPCPU_END \
			: [at] "=&r"(at), [refused] "=&r"(refused),  \
			  [old] "=&r"(*old)                          \
			: LIBPCPU_COPY_INPUTS(p), [x] "rZ"(x)        \
			: "memory");                                 \
		done = !refused;                                     \
	} while (0)

#define LIBPCPU_SUM "add %[sum], %[old], %[x]\n\t"

#define LIBPCPU_TRY_FETCH_ADD(type)                                    \
	do {                                                           \
		uintptr_t at, refused;                                 \
		uint64_t sum;                                          \
		__asm__ __volatile__(                                  \
			LIBPCPU_COPY LIBPCPU_LOAD(type)                \
				LIBPCPU_SUM LIBPCPU_STORE(type, "sum") \
					LIBPCPU_END                    \
			: [at] "=&r"(at), [refused] "=&r"(refused),    \
			  [old] "=&r"(*old), [sum] "=&r"(sum)          \
			: LIBPCPU_COPY_INPUTS(p), [x] "rI"(x)          \
			: "memory");                                   \
		done = !refused;                                       \
	} while (0)

#define LIBPCPU_COMPARE               \
	"cmp %[old], %[expected]\n\t" \
	"b.ne 2f\n\t"

/* Without the store the sequence has ended, too: nothing is left to be done. */
#define LIBPCPU_TRY_CMPXCHG(type)                                        \
	do {                                                             \
		uintptr_t at, refused;                                   \
		__asm__ __volatile__(                                    \
			LIBPCPU_COPY LIBPCPU_LOAD(type)                  \
				LIBPCPU_COMPARE LIBPCPU_STORE(type, "x") \
					LIBPCPU_END                      \
			: [at] "=&r"(at), [refused] "=&r"(refused),      \
			  [old] "=&r"(*old)                              \
			: LIBPCPU_COPY_INPUTS(p), [x] "rZ"(x),           \
			  [expected] "rI"((uint64_t)(type)expected)      \
			: "cc", "memory");                               \
		done = !refused;                                         \
	} while (0)

/* See <pcpu/operations.h>. The condition says that the sum has reached it. */
#define LIBPCPU_ADD_UNLESS(condition)                               \
	do {                                                        \
		uintptr_t at, refused;                              \
		int32_t sum;                                        \
		__asm__ __volatile__(                               \
			LIBPCPU_COPY                                \
			"ldr %w[sum], [%[p], %[at]]\n\t"            \
			"add %w[sum], %w[sum], %w[x]\n\t"           \
			"cmp %w[sum], %w[limit]\n\t"                \
			"cset %w[refused], " condition "\n\t"       \
			"cbnz %w[refused], 5f\n\t"                  \
			"str %w[sum], [%[p], %[at]]\n" LIBPCPU_END  \
			: [at] "=&r"(at), [refused] "=&r"(refused), \
			  [sum] "=&r"(sum)                          \
			: LIBPCPU_COPY_INPUTS(p), [x] "r"(x),       \
			  [limit] "r"(limit)                        \
			: "cc", "memory");                          \
		done = !refused;                                    \
	} while (0)
#define LIBPCPU_TRY_ADD_BELOW LIBPCPU_ADD_UNLESS("ge")
#define LIBPCPU_TRY_ADD_ABOVE LIBPCPU_ADD_UNLESS("le")

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_AARCH64_H */
