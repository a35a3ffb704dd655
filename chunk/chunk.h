/* SPDX-License-Identifier: MIT */
/*
 * A chunk: the unit of growth and of reclaim. Its free pages are one word, so
 * a run of pages is claimed with one CAS, and "is it empty" and "take it all"
 * are single CASes too.
 *
 *	             claim_run         unclaim_run
 *	  UNLINKED ---------> LINKED <------------>  LINKED, some pages taken
 *	  free = 0   link     free = CHUNK_EMPTY
 *	     ^                   |
 *	     '-------------------'  chunk_retire(): CAS(CHUNK_EMPTY -> 0)
 *
 * UNLINKED is what zeroed memory says: nothing to claim. Whose chunk number it
 * is meanwhile is known to reclaim/pool.h.
 *
 * Free pages whose memory is to go back to the system stay claimable while they
 * wait for it (arena/pages.c): they are noted as idle, and whoever claims a
 * page strikes it off again. So a page that is idle still was free all the time
 * since it was noted, and only who drops its memory claims it, with
 * chunk_claim_idle(), for as long as that takes.
 *
 *	I3  a page's bit is clear, or the page belongs to no slab.
 *	I4  a page that is not dirty holds zeroes on every unit.
 *
 * Who may run beside whom (all lock-free; a loop repeats only because another
 * thread made progress):
 *
 *	               claim_run  unclaim_run  retire  link  note_idle
 *	claim_run         yes         yes        yes    yes     yes
 *	unclaim_run                   yes        no(a)  no(a)   yes
 *	retire                                   yes    no(b)   yes
 *	link                                            no(b)   yes
 *	note_idle                                               no(c)
 *	(a) pages are still taken: the CAS of retire fails, link is not due
 *	(b) link is called only by who owns the retired chunk's number
 *	(c) one round of reclaim at a time; claim_idle is a claim_run
 */
#ifndef CHUNK_CHUNK_H
#define CHUNK_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk/atomic.h"
#include "chunk/layout.h"
#include "chunk/units.h"

/* All pages but the gap. */
#define CHUNK_EMPTY (~UINT64_C(1))

/* Two cache lines: what moves when slabs come and go, and when they fill. */
struct chunk {
	_Alignas(2 * CACHE_LINE) atom64 free; /* free pages; 0 if unlinked */
	atom64 dirty; /* pages handed out since the system zeroed them */
	atom64 idle;  /* pages free since they were noted, see above */
	_Alignas(CACHE_LINE) atom64 room; /* heads of slabs with room that no
					   * CPU has reserved; a hint */
};
_Static_assert(sizeof(struct chunk) == 2 * CACHE_LINE, "no line shared");

static inline struct chunk *chunk_of(chunk_id id)
{
	return &layout.chunks[id.nr];
}

/* Make an unlinked chunk's pages claimable, all but the first nr after the
 * gap, which are the caller's. Only by the owner of its number. */
void chunk_link(chunk_id id, unsigned nr);

/*
 * Claim nr pages in a row; *head is the first. Returns what was free before,
 * 0 if there is no such run.
 */
uint64_t chunk_claim_run(chunk_id id, unsigned nr, page_id *head);

/* Is there such a run? Of the moment. */
bool chunk_has_run(chunk_id id, unsigned nr);

/* How many pages are free; none if it is not linked. Of the moment. */
unsigned chunk_count_free(chunk_id id);

/* Give nr pages back. Returns what is free after. */
uint64_t chunk_unclaim_run(page_id head, unsigned nr);

/* Take an empty chunk out of use. Returns false if it is not empty. */
bool chunk_retire(chunk_id id);

/* Note all pages that are free now as idle. */
void chunk_note_idle(chunk_id id);

/* Pages that are idle and free. Of the moment. */
uint64_t chunk_idle(chunk_id id);

/*
 * Claim just these pages, if all of them are free. Returns what was free
 * before, 0 if they are not. Whether they are idle tells chunk_is_idle() then.
 */
uint64_t chunk_claim_idle(chunk_id id, uint64_t run);

/* Were the pages, which the caller has claimed so, free since they were noted
 * as idle? */
bool chunk_is_idle(chunk_id id, uint64_t run);

/* Of free pages, those with memory that can go back: dirty ones. Without the
 * pages in hand: of the moment. */
uint64_t chunk_returnable(chunk_id id, uint64_t pages);

/* Pages in the caller's hands hold zeroes on every unit now. */
void chunk_clean(chunk_id id, uint64_t pages);

#endif /* CHUNK_CHUNK_H */
