/* SPDX-License-Identifier: MIT */
/*
 * x86-64: restartable sequences, and operations on a copy that is the thread's
 * own. Included by <pcpu/operations.h> alone, which has the rest.
 *
 * Each sequence is tried once. Its last instruction is what it does; before it
 * nothing is changed, except in libpcpu_try_pin().
 */
#ifndef LIBPCPU_CONTEXT_H
#include <pcpu/context.h>
#elif !defined(LIBPCPU_X86_64_H)
#define LIBPCPU_X86_64_H

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
#define LIBPCPU_SEQUENCE(scratch, thrown_out)                 \
	".pushsection __rseq_cs, \"aw?\"\n\t"                 \
	".balign 32\n"                                        \
	"3:\t.long 0, 0\n\t"                                  \
	".quad 1f, 2f - 1f, 4f\n\t"                           \
	".popsection\n\t"                                     \
	".pushsection __rseq_failure, \"ax?\"\n\t"            \
	".byte 0x0f, 0xb9, 0x3d\n\t" /* ud1, not to be run */ \
	".long 0x53053053\n"         /* RSEQ_SIG */           \
	"4:\t" thrown_out "\n\t"                              \
	".popsection\n\t"                                     \
	"leaq 3b(%%rip), " scratch "\n\t"                     \
	"movq " scratch ", %%fs:%c[rseq_cs](%[area])\n"       \
	"1:\n\t"

/*
 * All ways lead to 5, with the zero flag if the sequence was done. (An asm goto
 * with outputs would spare a comparison, but gcc 12 loses its labels at times.)
 * Macros named IN are told which register they may change.
 */
#define LIBPCPU_BEGIN LIBPCPU_BEGIN_IN("%[at]")
#define LIBPCPU_BEGIN_IN(at) \
	LIBPCPU_SEQUENCE(at, "testq %%rsp, %%rsp\n\tjmp 5f")

/*
 * The kernel clears the descriptor's address when it finds it stale, at the
 * next preemption. A library that may be unloaded before must do it itself.
 */
#if defined(__PIC__) && !defined(__PIE__)
#define LIBPCPU_CLEAR "\tmovq $0, %%fs:%c[rseq_cs](%[area])\n"
#else
#define LIBPCPU_CLEAR
#endif

#define LIBPCPU_END               \
	"2:\tcmpq %[at], %[at]\n" \
	"5:\n" LIBPCPU_CLEAR

/*
 * The place that we run on, as a distance from the first, if it has no owner.
 * That load is an acquire, as are all here: pairs with [pin] libpcpu_unpin().
 */
#define LIBPCPU_FIND LIBPCPU_FIND_IN("%[at]")
#define LIBPCPU_FIND_IN(at)                   \
	"movslq %%fs:(%[number]), " at "\n\t" \
	"shlq %[shift], " at "\n\t"           \
	"cmpq $0, (%[places]," at ")\n\t"     \
	"jne 5f\n\t"

#define LIBPCPU_AREA_INPUTS \
	[area] "r"(__rseq_offset), [rseq_cs] "i"(offsetof(struct rseq, rseq_cs))

#define LIBPCPU_FIND_INPUTS                                \
	LIBPCPU_AREA_INPUTS, [number] "r"(libpcpu_number), \
		[shift] "i"(LIBPCPU_PLACE_SHIFT), [places] "r"(libpcpu_place0)

/*
 * The distance of its copy, unless the thread has a place. That is checked in
 * here, lest a compiler keep in a loop what it can do in front of it.
 */
#define LIBPCPU_COPY LIBPCPU_COPY_IN("%[at]")
#define LIBPCPU_COPY_IN(at)               \
	"cmpq $0, %[place]\n\t"           \
	"jne 5f\n\t" LIBPCPU_BEGIN_IN(at) \
		LIBPCPU_FIND_IN(at) "movq (%[offset]," at "), " at "\n\t"

/*
 * &libpcpu_place0->offset[libpcpu_window(p)], and to the compiler a function of
 * p alone: operations clobber memory, but need not ask again in a loop.
 */
LIBPCPU_INLINE const ptrdiff_t *libpcpu_first_distance(const volatile void *p)
{
	const ptrdiff_t *distance;

	__asm__("xorl %k0, %k0\n\t"
		"cmpq (%[split]), %[p]\n\t"
		"setb %b0\n\t"
		"leaq (%[first],%0,8), %0"
		: "=&q"(distance)
		: [split] "r"(&libpcpu_window_split), [p] "r"(p),
		  [first] "r"(libpcpu_place0->offset)
		: "cc");
	return distance;
}

#define LIBPCPU_COPY_INPUTS(p) \
	LIBPCPU_COPY_INPUTS_AT(p, libpcpu_first_distance(p))
#define LIBPCPU_COPY_INPUTS_AT(p, distance)                               \
	LIBPCPU_FIND_INPUTS, [p] "r"(p), [place] "m"(libpcpu_self.place), \
		[offset] "r"(distance)

/*
 * Become the owner of the place that we run on. The place that the thread names
 * is written last: who is thrown out may own a place that it does not name.
 */
LIBPCPU_INLINE bool libpcpu_try_pin(void)
{
	uintptr_t at;
	bool done;

	__asm__ __volatile__(LIBPCPU_BEGIN LIBPCPU_FIND
			     "addq %[places], %[at]\n\t"
			     "movq %[self], (%[at])\n\t"
			     "movq %[at], (%[self])\n" LIBPCPU_END
			     : [at] "=&r"(at), "=@ccz"(done)
			     : LIBPCPU_FIND_INPUTS, [self] "r"(&libpcpu_self)
			     : "memory");
	return done;
}

/*
 * Let go of the place, unless its owner word has flags. True if that is all.
 * What others may do to the word meanwhile is set a flag; before they rely on
 * it they throw us out.
 */
LIBPCPU_INLINE bool libpcpu_try_unpin(struct libpcpu_place *place)
{
	uintptr_t at;
	bool done;

	__asm__ __volatile__(LIBPCPU_BEGIN "movq $0, (%[self])\n\t"
					   "cmpq %[self], (%[place])\n\t"
					   "jne 5f\n\t"
					   "movq $0, (%[place])\n" LIBPCPU_END
			     : [at] "=&r"(at), "=@ccz"(done)
			     : LIBPCPU_AREA_INPUTS, [self] "r"(&libpcpu_self),
			       [place] "r"(place)
			     : "memory");
	return done;
}

/* --- sequences ------------------------------------------------------------ */

#define LIBPCPU_CHANGE(instruction, type)                          \
	do {                                                       \
		uintptr_t at;                                      \
		__asm__ __volatile__(                              \
			LIBPCPU_COPY instruction                   \
			" %[x], (%[p],%[at])\n" LIBPCPU_END        \
			: [at] "=&r"(at), "=@ccz"(done)            \
			: LIBPCPU_COPY_INPUTS(p), [x] "q"((type)x) \
			: "memory");                               \
	} while (0)

#define LIBPCPU_TRY_WRITE(type) LIBPCPU_CHANGE("mov", type)
#define LIBPCPU_TRY_ADD(type) LIBPCPU_CHANGE("add", type)
#define LIBPCPU_TRY_AND(type) LIBPCPU_CHANGE("and", type)
#define LIBPCPU_TRY_OR(type) LIBPCPU_CHANGE("or", type)

#define LIBPCPU_TRY_READ(type)                                                \
	do {                                                                  \
		uintptr_t at;                                                 \
		type value;                                                   \
		__asm__ __volatile__(                                         \
			LIBPCPU_COPY                                          \
			"mov (%[p],%[at]), %[value]\n" LIBPCPU_END            \
			: [at] "=&r"(at), "=@ccz"(done), [value] "=&q"(value) \
			: LIBPCPU_COPY_INPUTS(p)                              \
			: "memory");                                          \
		*old = value;                                                 \
	} while (0)

#define LIBPCPU_TRY_XCHG(type)                                                \
	do {                                                                  \
		uintptr_t at;                                                 \
		type value;                                                   \
		__asm__ __volatile__(                                         \
			LIBPCPU_COPY "mov (%[p],%[at]), %[value]\n\t"         \
				     "mov %[x], (%[p],%[at])\n" LIBPCPU_END   \
			: [at] "=&r"(at), "=@ccz"(done), [value] "=&q"(value) \
			: LIBPCPU_COPY_INPUTS(p), [x] "q"((type)x)            \
			: "memory");                                          \
		*old = value;                                                 \
	} while (0)

#define LIBPCPU_TRY_FETCH_ADD(type)                                            \
	do {                                                                   \
		uintptr_t at;                                                  \
		type value, sum;                                               \
		__asm__ __volatile__(                                          \
			LIBPCPU_COPY "mov (%[p],%[at]), %[value]\n\t"          \
				     "mov %[x], %[sum]\n\t"                    \
				     "add %[value], %[sum]\n\t"                \
				     "mov %[sum], (%[p],%[at])\n" LIBPCPU_END  \
			: [at] "=&r"(at), "=@ccz"(done), [value] "=&q"(value), \
			  [sum] "=&q"(sum)                                     \
			: LIBPCPU_COPY_INPUTS(p), [x] "q"((type)x)             \
			: "memory");                                           \
		*old = value;                                                  \
	} while (0)

/* Without the store the sequence has ended, too: nothing is left to be done. */
#define LIBPCPU_TRY_CMPXCHG(type)                                             \
	do {                                                                  \
		uintptr_t at;                                                 \
		type value;                                                   \
		__asm__ __volatile__(                                         \
			LIBPCPU_COPY "mov (%[p],%[at]), %[value]\n\t"         \
				     "cmp %[expected], %[value]\n\t"          \
				     "jne 2f\n\t"                             \
				     "mov %[x], (%[p],%[at])\n" LIBPCPU_END   \
			: [at] "=&r"(at), "=@ccz"(done), [value] "=&q"(value) \
			: LIBPCPU_COPY_INPUTS(p), [x] "q"((type)x),           \
			  [expected] "q"((type)expected)                      \
			: "memory");                                          \
		*old = value;                                                 \
	} while (0)

/*
 * See <pcpu/operations.h>. The jump says that the sum has reached the limit.
 * Without outputs an asm goto may be had: who is refused goes on elsewhere, at
 * no cost to others, and registers are of our own choice.
 */
#define LIBPCPU_REFUSED                            \
	".pushsection __rseq_failure, \"ax?\"\n"   \
	"5:\n" LIBPCPU_CLEAR "\tjmp %l[refused]\n" \
	".popsection"

#define LIBPCPU_ADD_UNLESS(jump)                                               \
	do {                                                                   \
		__asm__ goto(                                                  \
			LIBPCPU_COPY_IN(                                       \
				"%%rax") "movl (%[p],%%rax), %%ecx\n\t"        \
					 "addl %[x], %%ecx\n\t"                \
					 "cmpl %[limit], %%ecx\n\t" jump       \
					 " 5f\n\t"                             \
					 "movl %%ecx, (%[p],%%rax)\n"          \
					 "2:\n" LIBPCPU_CLEAR LIBPCPU_REFUSED  \
			:                                                      \
			: LIBPCPU_COPY_INPUTS_AT(                              \
				  p, &libpcpu_place0->offset[LIBPCPU_SKEWED]), \
			  [x] "er"(x), [limit] "er"(limit)                     \
			: "cc", "memory", "rax", "rcx"                         \
			: refused);                                            \
		done = true;                                                   \
		break;                                                         \
	refused:                                                               \
		done = false;                                                  \
	} while (0)
#define LIBPCPU_TRY_ADD_BELOW LIBPCPU_ADD_UNLESS("jge")
#define LIBPCPU_TRY_ADD_ABOVE LIBPCPU_ADD_UNLESS("jle")

/* --- on a copy that is ours ----------------------------------------------- */

/*
 * Only a signal handler can come in between: one instruction is enough, and
 * needs no locked bus cycle.
 */
#define LIBPCPU_OWN(type) ((volatile type *)copy)

#define LIBPCPU_OWN_CHANGE(instruction, type)           \
	__asm__ __volatile__(instruction " %1, %0"      \
			     : "+m"(*LIBPCPU_OWN(type)) \
			     : "q"((type)x)             \
			     : "cc", "memory")

#define LIBPCPU_OWN_WRITE(type) LIBPCPU_OWN_CHANGE("mov", type)
#define LIBPCPU_OWN_ADD(type) LIBPCPU_OWN_CHANGE("add", type)
#define LIBPCPU_OWN_AND(type) LIBPCPU_OWN_CHANGE("and", type)
#define LIBPCPU_OWN_OR(type) LIBPCPU_OWN_CHANGE("or", type)

#define LIBPCPU_OWN_READ(type) old = *LIBPCPU_OWN(type)

/* An xchg would be locked; a cmpxchg of what is there is not. */
#define LIBPCPU_OWN_XCHG(type)                                          \
	do {                                                            \
		type value = *LIBPCPU_OWN(type), seen;                  \
		do {                                                    \
			seen = value;                                   \
			__asm__ __volatile__("cmpxchg %2, %1"           \
					     : "+a"(value),             \
					       "+m"(*LIBPCPU_OWN(type)) \
					     : "q"((type)x)             \
					     : "cc", "memory");         \
		} while (value != seen);                                \
		old = value;                                            \
	} while (0)

#define LIBPCPU_OWN_FETCH_ADD(type)                                          \
	do {                                                                 \
		type value = (type)x;                                        \
		__asm__ __volatile__("xadd %0, %1"                           \
				     : "+q"(value), "+m"(*LIBPCPU_OWN(type)) \
				     :                                       \
				     : "cc", "memory");                      \
		old = value;                                                 \
	} while (0)

#define LIBPCPU_OWN_CMPXCHG(type)                                            \
	do {                                                                 \
		type value = (type)expected;                                 \
		__asm__ __volatile__("cmpxchg %2, %1"                        \
				     : "+a"(value), "+m"(*LIBPCPU_OWN(type)) \
				     : "q"((type)x)                          \
				     : "cc", "memory");                      \
		old = value;                                                 \
	} while (0)

#ifdef __cplusplus
}
#endif

#endif /* LIBPCPU_X86_64_H */
