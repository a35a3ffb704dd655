/* SPDX-License-Identifier: MIT */
/*
 * The background work: destroys empty chunks but one, gives back the empty
 * pages of isolated chunks, keeps some empty populated pages for atomic
 * callers.
 */
#ifndef BENCH_BASELINE_BALANCE_H
#define BENCH_BASELINE_BALANCE_H

#include <stddef.h>

/*
 * One round.  The caller holds the grow mutex and not the big lock.  Returns
 * the bytes given back, all CPUs.
 */
size_t bl_balance(void);

/* An atomic caller found nothing: the next round populates generously. */
void bl_balance_note_failure(void);

#endif
