/* SPDX-License-Identifier: MIT */
/*
 * by_hand.h - a restartable sequence by the book, to measure the library's
 * beside it: not made of the library's macros.
 *
 * BY_HAND is what it begins with, up to label 1; the sequence ends with label
 * 2, and whoever is thrown out, or jumps to 4b, goes on at thrown_out. Needs a
 * scratch register [at], and [area], the distance of the thread's rseq area.
 */
#ifndef BENCH_BY_HAND_H
#define BENCH_BY_HAND_H

#define BY_HAND                                        \
	".pushsection __rseq_cs, \"aw\"\n\t"           \
	".balign 32\n"                                 \
	"3:\t.long 0, 0\n\t"                           \
	".quad 1f, 2f - 1f, 4f\n\t"                    \
	".popsection\n\t"                              \
	".pushsection __rseq_failure, \"ax\"\n\t"      \
	".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n" \
	"4:\tjmp %l[thrown_out]\n\t"                   \
	".popsection\n\t"                              \
	"leaq 3b(%%rip), %[at]\n\t"                    \
	"movq %[at], %%fs:8(%[area])\n"                \
	"1:\n\t"

#endif /* BENCH_BY_HAND_H */
