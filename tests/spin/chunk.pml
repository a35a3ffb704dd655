/* SPDX-License-Identifier: MIT */
/*
 * Chunks: claim and give back runs of pages, retire, set aside, take back, wait
 * for a grace period, give the memory back (chunk/chunk.c, reclaim/pool.c and
 * reclaim.c, arena/grow.c, pages.c, shelf.c), for every interleaving of a few
 * operations.
 *
 * One arena of CHUNKS numbers, PAGES pages each; a slab is a run of one or two
 * pages that its user holds. USERS threads carve and end OPS slabs each;
 * READERS enter and leave read-side sections for ever, and look at a page in
 * use; the worker and pcpu_trim() run a round each. The system refuses to take
 * memory up to REFUSALS times a round. Each shared access is one step, as in
 * slab.pml. Where the library decides by a count (how many empty chunks it
 * keeps), both ways are gone; free pages go back even if they are an arena's
 * only run.
 *
 * Checked, besides that nobody gets stuck (names as in DESIGN.md):
 *
 *	I4  a page that is not dirty has no memory when a slab gets it
 *	I7  for pages: one is free or has one owner
 *	I9  a chunk number has one owner, who alone links it, sets it aside,
 *	    gives its memory back or makes it fresh
 *	memory goes back only while nobody uses it and no reader looks at it
 *	hints, whenever all are between two operations: a run of pages is
 *	listed by its length
 *	in the end, when all is given back and a last round is over, all
 *	numbers are fresh, and no page has memory
 *
 * With -DBUG_... one step is broken, and spin must find it: see spin.mk.
 */
#ifdef BUG_ONE_READER
#define READERS 2
#endif
#ifndef CHUNKS
#define CHUNKS 2
#endif
#ifndef PAGES
#define PAGES 2
#endif
#ifndef USERS
#define USERS 1
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef REFUSALS
#define REFUSALS 1
#endif

#define BIT(n) (1 << (n))
#define ALL (BIT(PAGES) - 1)
#define LOWEST(set) ((set) & 1 -> 0 : 1)

/* The lowest run of nr free pages; 0 if there is none. */
#define RUN(pages, nr) \
	((nr) == 2 -> ((pages) == ALL -> ALL : 0) \
		   : ((pages) & 1 -> 1 : (pages) & 2))

byte free[CHUNKS];  /* pages; 0 if the chunk is not linked */
byte dirty[CHUNKS];
byte idle[CHUNKS];
byte listed[3];     /* chunks, by the length of a run */
byte taken;         /* chunk numbers that are not fresh */
byte retired;
byte waiting;
bool lock;          /* of rounds */

/* Not in the library: */
#define FRESH 0
#define HELD 1
#define LINKED 2
#define ASIDE 3
byte owner[CHUNKS];     /* of the number */
byte live[CHUNKS];      /* pages in use */
byte memory[CHUNKS];    /* pages that the system has given */
byte inside;            /* readers in a section */
byte awaited[2];        /* readers that a grace period waits for, by round */
byte looking[READERS];  /* 1 + the page that the reader sees */
byte busy;              /* threads in the middle of an operation */
byte over;

#define PAGE(c, bit) ((c) * 2 + (bit) - 1)
#define SEES(r, c, pages) \
	(looking[r] && (looking[r] - 1) / 2 == (c) && \
	 BIT((looking[r] - 1) % 2) & (pages))

inline pass(c, from, to)
{
	assert(owner[c] == from); /* I9 */
	owner[c] = to
}

inline check_chunk(c)
{
	assert((taken >> c & 1) == (owner[c] != FRESH)); /* I9 */
	assert(((retired | waiting) >> c & 1) == (owner[c] == ASIDE));
	assert(!(retired & waiting));
	assert((free[c] | live[c]) == (owner[c] == LINKED -> ALL : 0)); /* I7 */
	assert(!(memory[c] & ~dirty[c] & ~live[c])); /* I4 */
	assert(!RUN(free[c], 1) || listed[1] & BIT(c));
	assert(!RUN(free[c], 2) || listed[2] & BIT(c))
}

#define begin() busy++
#define end()                                                            \
	d_step {                                                         \
		busy--;                                                  \
		if                                                       \
		:: busy == 0 ->                                          \
			check_chunk(0);                                  \
			check_chunk(CHUNKS - 1)                          \
		:: else                                                  \
		fi                                                       \
	}

/* --- reclaim/pool.c ------------------------------------------------------- */

/* The lowest chunk of a set: true in `got`, and the chunk in c. */
inline take(set)
{
#ifdef BUG_TAKE_STORES
	old = set;
	got = old != 0;
	if
	:: got -> d_step {
		c = LOWEST(old);
		set = old & (old - 1);
		old = 0;
		pass(c, ASIDE, HELD)
	}
	:: else
	fi
#else
	d_step {
		got = set != 0;
		if
		:: got ->
			c = LOWEST(set);
			set = set & (set - 1);
			pass(c, ASIDE, HELD)
		:: else
		fi
	}
#endif
}

inline put(set)
{
	d_step {
		pass(c, HELD, ASIDE);
		set = set | BIT(c)
	}
}

inline take_back()
{
#ifdef BUG_TAKE_BACK_LEAVES
	d_step {
		got = (retired | waiting) != 0;
		if
		:: got ->
			c = LOWEST(retired | waiting);
			pass(c, ASIDE, HELD)
		:: else
		fi
	}
#else
	take(retired);
	if
	:: !got -> take(waiting)
	:: else
	fi
#endif
}

inline claim_number()
{
	d_step {
		got = taken != BIT(CHUNKS) - 1;
		if
		:: got ->
			c = LOWEST(BIT(CHUNKS) - 1 - taken);
			taken = taken | BIT(c);
			pass(c, FRESH, HELD)
		:: else
		fi
	}
}

inline unclaim_number()
{
	d_step {
		pass(c, HELD, FRESH);
		taken = taken & ~BIT(c)
	}
}

/* --- chunk/chunk.c -------------------------------------------------------- */

inline end_idle(pages)
{
#ifdef BUG_CLAIM_LEAVES_IDLE
	skip
#else
	idle[c] = idle[c] & ~(pages)
#endif
}

/* The run is in `mine`, 0 if there is none. */
inline claim_run(nr)
{
	d_step {
		mine = RUN(free[c], nr);
		if
		:: mine ->
			assert(owner[c] == LINKED);
			free[c] = free[c] & ~mine
		:: else
		fi
	}
	if
	:: mine -> end_idle(mine)
	:: else
	fi
}

inline note_idle()
{
#ifdef BUG_LOOK_THEN_NOTE
	seen = free[c];
	idle[c] = seen;
#else
	idle[c] = ALL;
	seen = free[c];
	idle[c] = idle[c] & seen;
#endif
	seen = 0
}

/* With all of its pages free: true in `got` if it could be taken. */
inline retire_chunk()
{
#ifdef BUG_LOOK_THEN_STORE
	got = free[c] == ALL;
	if
	:: got -> d_step {
		free[c] = 0;
		pass(c, LINKED, HELD)
	}
	:: else
	fi;
#else
	d_step {
		got = free[c] == ALL;
		if
		:: got ->
			free[c] = 0;
			pass(c, LINKED, HELD)
		:: else
		fi
	}
#endif
	if
	:: got -> end_idle(ALL)
	:: else
	fi
}

/* The memory goes back to the system. */
inline depopulate(pages)
{
	d_step {
		assert(!(live[c] & (pages)));
		assert(!SEES(0, c, pages));
		assert(READERS == 1 || !SEES(READERS - 1, c, pages));
		memory[c] = memory[c] & ~(pages)
	}
}

/* --- arena/grow.c --------------------------------------------------------- */

/* Tell of the runs among what was just seen to be free. */
inline offer_runs(pages)
{
	if
	:: RUN(pages, 1) -> listed[1] = listed[1] | BIT(c)
	:: else
	fi;
	if
	:: RUN(pages, 2) -> listed[2] = listed[2] | BIT(c)
	:: else
	fi
}

inline set_aside()
{
	retire_chunk();
	if
	:: got ->
#ifdef BUG_JOIN_ROUND
		put(waiting)
#else
		put(retired)
#endif
	:: else
	fi
}

inline let_go()
{
#ifdef BUG_OFFER_FIRST
	offer_runs(free[c] | mine);
#endif
	d_step {
		assert(!(free[c] & mine)); /* I7 */
		assert(!(live[c] & mine));
		assert(owner[c] == LINKED);
		free[c] = free[c] | mine;
		mine = free[c]
	}
	got = false;
	if
	:: mine == ALL -> set_aside()
	:: true
	fi;
#ifndef BUG_OFFER_FIRST
	if
	:: !got -> offer_runs(mine)
	:: else
	fi;
#endif
	mine = 0;
	got = false
}

/* A slab of these pages begins: what is clean is handed out as it is. */
inline carve()
{
	d_step {
		assert(!(memory[c] & ~dirty[c] & mine)); /* I4 */
		assert(!(live[c] & mine)); /* I7 */
		live[c] = live[c] | mine;
		memory[c] = memory[c] | mine
	}
}

/* ... and ends: readers see no more of it than they have found before. */
inline end_slab()
{
#ifndef BUG_DIRTY_LATE
	dirty[c] = dirty[c] | mine;
#endif
	d_step {
		assert((live[c] & mine) == mine);
		live[c] = live[c] & ~mine
#ifdef BUG_DIRTY_LATE
		;
		seen = mine
#endif
	};
	let_go()
#ifdef BUG_DIRTY_LATE
	;
	dirty[c] = dirty[c] | seen;
	seen = 0
#endif
}

inline grow(nr)
{
	take_back();
	if
	:: !got -> claim_number()
	:: else
	fi;
	if
	:: got ->
		d_step {
			pass(c, HELD, LINKED);
			mine = RUN(ALL, nr);
#ifdef BUG_LINK_ALL
			free[c] = ALL
#else
			free[c] = ALL & ~mine
#endif
		};
		if
		:: mine != ALL -> offer_runs(ALL & ~mine)
		:: else
		fi
	:: else
	fi
}

/* --- arena/pick.c --------------------------------------------------------- */

inline pick_in_chunk(nr)
{
	if
	:: listed[nr] & BIT(c) ->
		claim_run(nr);
		if
		:: !mine ->
			listed[nr] = listed[nr] & ~BIT(c);
#ifndef BUG_NO_SECOND_LOOK
			if
			:: RUN(free[c], nr) ->
				listed[nr] = listed[nr] | BIT(c)
			:: else
			fi
#endif
		:: else
		fi
	:: else
	fi
}

inline allocate(nr)
{
	c = 0;
	do
	:: c < CHUNKS ->
		pick_in_chunk(nr);
		if
		:: mine -> break
		:: else -> c++
		fi
	:: else -> break
	od;
	if
	:: !mine -> grow(nr)
	:: else
	fi;
	if
	:: mine -> carve()
	:: else -> c = 0
	fi;
	got = false
}

/* --- arena/pages.c -------------------------------------------------------- */

/* What is idle in chunk c, as one run. */
inline return_pages()
{
	seen = idle[c];
	seen = seen & free[c] & dirty[c];
	if
	:: seen ->
		begin();
#ifdef BUG_RETURN_UNCLAIMED
		mine = seen;
#else
		d_step {
			mine = ((free[c] & seen) == seen -> seen : 0);
			free[c] = free[c] & ~mine
		};
#endif
		if
		:: mine && (idle[c] & mine) == mine ->
			depopulate(mine);
#ifdef BUG_CLEAN_STORES
			seen = dirty[c] & ~mine;
			dirty[c] = seen
#else
			dirty[c] = dirty[c] & ~mine
#endif
		:: else
		fi;
		if
#ifdef BUG_RETURN_UNCLAIMED
		:: mine -> mine = 0
#else
		:: mine -> let_go()
#endif
		:: else
		fi;
		end()
	:: else
	fi;
	seen = 0
}

/* --- reclaim/reclaim.c ---------------------------------------------------- */

inline take_lock()
{
#ifdef BUG_NO_ROUND_LOCK
	skip
#else
	atomic { !lock -> lock = true }
#endif
}

inline give_lock()
{
	lock = false
}

inline collect()
{
	do
	:: true ->
#ifdef BUG_COLLECT_COPIES
		if
		:: retired ->
			c = LOWEST(retired);
			waiting = waiting | BIT(c);
			retired = retired & ~BIT(c)
		:: else -> break
		fi
#else
		take(retired);
		if
		:: got -> put(waiting)
		:: else -> break
		fi
#endif
	od;
	skip
}

/* A chunk that the system does not take goes back to where it was. */
inline give_back()
{
	if
	:: dirty[c] ->
		if
		:: true ->
#ifdef BUG_FRESH_FIRST
			unclaim_number();
#endif
			depopulate(ALL);
#ifdef BUG_CLEAN_LATE
			unclaim_number();
#endif
			dirty[c] = 0;
#if !defined(BUG_FRESH_FIRST) && !defined(BUG_CLEAN_LATE)
			unclaim_number()
#endif
		:: refused < REFUSALS ->
			refused++;
#ifdef BUG_REFUSED_FRESH
			unclaim_number()
#else
			put(retired)
#endif
		fi
	:: else -> unclaim_number()
	fi
}

inline finish()
{
#ifdef BUG_NO_SECOND_TAKE
	do
	:: seen ->
		d_step {
			c = LOWEST(seen);
			seen = seen & (seen - 1);
			waiting = waiting & ~BIT(c);
			owner[c] = HELD
		}
		give_back()
	:: else -> break
	od;
#else
	do
	:: true ->
		take(waiting);
		if
		:: got -> give_back()
		:: else -> break
		fi
	od;
#endif
	skip
}

/* Waits for the readers that were inside when it began. */
inline grace_begins()
{
	d_step {
#ifdef BUG_ONE_READER
		awaited[me] = inside & 1
#else
		awaited[me] = inside
#endif
	}
}

inline finish_round()
{
#ifdef BUG_GRACE_FIRST
	grace_begins();
	collect();
#else
	collect();
#ifdef BUG_NO_SECOND_TAKE
	seen = waiting;
#endif
	grace_begins();
#endif
#ifndef BUG_NO_GRACE
	awaited[me] == 0;
#endif
	finish();
	c = 0;
	do
	:: c < CHUNKS -> return_pages(); c++
	:: else -> c = 0; break
	od
}

inline run_round(slow)
{
	take_lock();
	do
	:: c < CHUNKS -> note_idle(); c++
	:: else -> c = 0; break
	od;
	if
	:: slow ->
		give_lock();
		take_lock()
	:: else
	fi;
	finish_round();
	give_lock()
}

/* --- the threads ---------------------------------------------------------- */

/* arena_retire_empty() */
inline retire_empty()
{
	c = 0;
	do
	:: c < CHUNKS ->
		if
		:: free[c] == ALL -> begin(); set_aside(); end()
		:: else
		fi;
		c++
	:: else -> c = 0; break
	od
}

proctype user()
{
	byte c, mine, seen, old;
	byte left = OPS;
	bool got;

	do
	:: left && !mine ->
		left--;
		if
		:: begin(); allocate(1); end()
		:: PAGES == 2 -> begin(); allocate(2); end()
		fi
	:: mine -> begin(); end_slab(); c = 0; end()
	:: !left && !mine -> break
	od;
	over++
}

proctype rounds(byte me)
{
	byte c, mine, seen, old, refused;
	bool got;

	if
	:: me == 0 -> run_round(true)
	:: me == 1 -> retire_empty(); run_round(false)
	fi;
	over++
}

#define LOOK(c, bit) \
	d_step { \
		live[c] & (bit) -> \
		inside = inside | BIT(me); \
		looking[me] = 1 + PAGE(c, bit) \
	}

/* Enters when it looks: who entered earlier is waited for by more rounds. */
proctype reader(byte me)
{
end:	do
	:: if
		:: LOOK(0, 1)
#if PAGES == 2
		:: LOOK(0, 2)
#endif
#if CHUNKS == 2
		:: LOOK(1, 1)
#endif
#if CHUNKS == 2 && PAGES == 2
		:: LOOK(1, 2)
#endif
		fi;
		d_step {
			looking[me] = 0;
			inside = inside & ~BIT(me);
			awaited[0] = awaited[0] & ~BIT(me);
			awaited[1] = awaited[1] & ~BIT(me)
		}
	od
}

init {
	byte me, c, mine, seen, old, refused;
	bool got;

	atomic {
		do
		:: me < ROUNDS -> run rounds(me); me++
		:: else -> break
		od;
		me = 0;
		do
		:: me < USERS -> run user(); me++
		:: else -> break
		od;
		me = 0;
		do
		:: me < READERS -> run reader(me); me++
		:: else -> break
		od;
		me = 1;
		refused = REFUSALS
	}
	over == USERS + ROUNDS;
	retire_empty();
	run_round(false);
	assert(!taken && !retired && !waiting);
	assert(!memory[0] && !free[0]);
	assert(!memory[CHUNKS - 1] && !free[CHUNKS - 1])
}
