/* SPDX-License-Identifier: MIT */
/*
 * Slabs: claim, free, reserve, retire and carving anew (chunk/slab.h,
 * arena/reserve.c, arena/pick.c), for every interleaving of a few operations.
 *
 * One run of pages; two classes, whose first words look alike:
 *
 *	class 1: three objects in two words	class 2: two objects in one
 *
 * USERS threads on as many CPUs do OPS operations each: allocate in a class, or
 * free an object, whoever allocated it. Each shared access is one step. A CAS
 * that is repeated until it succeeds is one too: its failures change nothing.
 * Slots hold names, no bits: bits in slots are claims like any others.
 *
 * Checked, besides that nobody gets stuck (names as in DESIGN.md):
 *
 *	I5  words of no slab are 0, always
 *	I6  who holds an object sees a slab of its class in the map
 *	I7  an object has one owner, and a bit that is given back was clear
 *	I10 what a slot names is a slab that its CPU has reserved
 *	hints, whenever all are between two operations: a slab that nobody has
 *	reserved is listed if it has room, and gone if it is empty
 *	in the end, when all is freed and let go of, the pages are free
 *
 * With -DBUG_... one step is broken, and spin must find it: see spin.mk.
 */
#ifndef USERS
#define USERS 2
#endif
#ifndef OPS
#define OPS 3
#endif

/* The word of a slab of a class, when all is free; 0 behind its last. */
#define ALL(class, w) ((w) == 0 -> 3 : ((class) == 1 -> 1 : 0))
#define WORDS(class) ((class) == 1 -> 2 : 1)

/* A map entry: the class, and above it 1 + the CPU that has reserved it. */
#define CLASS(entry) ((entry) & 3)
#define OWNED(entry) ((entry) >> 2)
#define ENTRY(class, cpu) ((class) | ((cpu) + 1) << 2)

#define OBJECT(w, b) ((w) * 2 + (b))

byte word[2];
byte map;
bool pages = true; /* are free */
bool room;         /* the slab is listed */
byte slot[USERS];  /* 1 + the word that it names */

/* Not in the library: */
byte class_of[3];  /* of a live object; 0 for others */
byte busy;         /* users in the middle of an operation */
byte over;

#define HAS_ROOM (word[0] || word[1])
#define IS_EMPTY \
	(word[0] == ALL(CLASS(map), 0) && word[1] == ALL(CLASS(map), 1))

#define LIVE(o) (class_of[o] -> 1 : 0)

inline check_at_rest()
{
	assert(pages || (word[0] + LIVE(0) + 2 * LIVE(1) == 3 &&
		word[1] + LIVE(2) == ALL(CLASS(map), 1))); /* I7 */
	if
	:: pages -> assert(map == 0)
	:: !pages && OWNED(map) ->
		assert(CLASS(map));
		assert(slot[OWNED(map) - 1])
	:: else ->
		assert(CLASS(map));
		assert(!IS_EMPTY);
		assert(!HAS_ROOM || room)
	fi
}

/* --- chunk/slab.h --------------------------------------------------------- */

/* The object is ours: its bit was clear, and we have seen the map. */
inline give(object, class)
{
	assert(CLASS(map) == class);  /* I6 */
	assert(class_of[object] == 0); /* I7 */
	class_of[object] = class
}

#define FULL 0
#define CLAIMED 1
#define STALE 2

/* Claim the lowest object of word w for a class: result, place. */
inline claim(w, class)
{
	d_step {
		if
		:: word[w] == 0 -> result = FULL
		:: else ->
			place = (word[w] & 1 -> 0 : 1);
			word[w] = word[w] & (word[w] - 1);
			result = CLAIMED
		fi
	}
	if
	:: result == CLAIMED -> d_step {
#ifndef BUG_NO_MAP_CHECK
		if
		:: CLASS(map) != class -> result = STALE
		:: else
		fi;
#endif
		if
		:: result == CLAIMED ->
			give(OBJECT(w, place), class)
		:: else
		fi
	}
	:: else
	fi
}

inline set_bits(w, bits)
{
	d_step {
		assert(!pages); /* I5 */
		word[w] = word[w] | (bits)
	}
}

/* Words of an empty slab: true in `done` if all could be taken. */
inline retire(class)
{
	done = false;
	taken = 0;
#ifdef BUG_LOOK_THEN_STORE
	if
	:: word[0] == ALL(class, 0) -> word[0] = 0; taken = 1
	:: else
	fi;
#else
	d_step {
		if
		:: word[0] == ALL(class, 0) -> word[0] = 0; taken = 1
#ifdef BUG_RETIRE_LIVE
		:: word[0] != 0 && word[0] != ALL(class, 0) ->
			word[0] = 0; taken = 1
#endif
		:: else
		fi
	}
#endif
	if
	:: taken == 1 && WORDS(class) == 2 && CLASS(map) == class -> d_step {
		if
		:: word[1] == ALL(class, 1) -> word[1] = 0; taken = 2
		:: else
		fi
	}
	:: else
	fi;
	if
	:: taken == WORDS(class) ->
		entry = map;
		if
#ifdef BUG_MAP_STORE
		:: CLASS(entry) == class && !OWNED(entry) ->
			map = 0; done = true
#else
		:: CLASS(entry) == class && !OWNED(entry) -> d_step {
			if
			:: map == entry -> map = 0; done = true
			:: else
			fi
		}
#endif
		:: else
		fi
	:: else
	fi;
#ifndef BUG_NO_UNDO
	/* Word 0 last. */
	if
	:: !done && taken == 2 -> set_bits(1, ALL(class, 1))
	:: else
	fi;
	if
	:: !done && taken -> set_bits(0, ALL(class, 0))
	:: else
	fi
#endif
}

/* --- arena/reserve.c ------------------------------------------------------ */

/* List the slab if it has room, retire it if it is empty; whatever it is. */
inline offer()
{
	do
	:: entry = map;
		if
		:: CLASS(entry) == 0 || OWNED(entry) -> break
		:: else
		fi;
		found = CLASS(entry);
		done = word[0] == ALL(found, 0);
		if
		:: done && WORDS(found) == 2 -> done = word[1] == ALL(found, 1)
		:: else
		fi;
		if
		:: done ->
			retire(found);
			if
			:: done ->
				room = false;
				d_step {
					assert(!pages);
					assert(word[0] == 0 && word[1] == 0);
					pages = true
				};
				break
#ifdef BUG_NO_SECOND_OFFER
			:: else -> break
#else
			:: else /* go round again */
#endif
			fi
		:: else ->
			done = word[0] != 0;
			if
			:: !done && WORDS(found) == 2 -> done = word[1] != 0
			:: else
			fi;
			if
			:: done -> room = true
			:: else
			fi;
			break
		fi
	od;
	skip
}

/* Let go of the object; then tell. */
inline unclaim(w, b, class)
{
#ifdef BUG_TELL_FIRST
	entry = map;
#endif
	d_step {
		assert(!(word[w] >> b & 1)); /* I7 */
		assert(!pages);
		word[w] = word[w] | 1 << b;
		free = word[w]
	}
#ifndef BUG_TELL_FIRST
	entry = map;
#endif
	if
	:: OWNED(entry)
	:: !OWNED(entry) && free == ALL(class, w) -> offer()
	:: !OWNED(entry) && free != ALL(class, w) ->
		/* One more than the spare, which is 0. */
		if
		:: CLASS(map) == class -> room = true
		:: else -> offer()
		fi
	fi
}

/* Who holds a bit holds the slab, whichever it is by now. */
inline undo_stale(w, b)
{
	found = CLASS(map);
	assert(found);
	unclaim(w, b, found)
}

inline claim_any(class)
{
	at = 0;
	claim(0, class);
	if
	:: result == FULL && WORDS(class) == 2 -> at = 1; claim(1, class)
	:: else
	fi;
	if
	:: result == STALE -> undo_stale(at, place)
	:: else
	fi
}

inline unreserve(cpu)
{
	d_step {
		assert(OWNED(map) == cpu + 1); /* I10 */
		map = CLASS(map)
	};
	offer()
}

inline install(w)
{
	d_step {
		assert(slot[me] == 0); /* there is but one slab */
		slot[me] = w + 1
	}
}

/* A CPU's slot no longer names the slab, if it still does: who takes the name
 * out of it lets go of the reservation. */
inline let_go(cpu, name)
{
	d_step {
		done = slot[cpu] == name;
		if
		:: done -> slot[cpu] = 0
		:: else
		fi
	}
	if
	:: done -> unreserve(cpu)
	:: else
	fi
}

/* --- arena/pick.c, slot.c ------------------------------------------------- */

/* From a listed slab. */
inline pick_listed(class)
{
	if
	:: room && CLASS(map) == class ->
		d_step {
			done = room;
			room = false
		};
		if
		:: done ->
			entry = map;
			d_step {
				done = false;
				if
#ifdef BUG_RESERVE_ANY
				:: CLASS(map) == class && map == entry ->
#else
				:: CLASS(entry) == class && !OWNED(entry) &&
					map == entry ->
#endif
					map = ENTRY(class, me); done = true
				:: else
				fi
			};
			if
			:: done ->
				claim_any(class);
				if
				:: result == CLAIMED -> install(at)
				:: else -> unreserve(me)
				fi
			:: else -> offer()
			fi
		:: else
		fi
	:: else
	fi
}

/* A new one. */
inline pick_new(class)
{
	d_step {
		done = pages;
		pages = false
	};
	if
	:: done ->
		room = false;
#ifdef BUG_MAP_LAST
		word[0] = 2;
		word[1] = ALL(class, 1);
		map = ENTRY(class, me);
#else
		map = ENTRY(class, me);
		word[0] = 2;
		word[1] = ALL(class, 1);
#endif
		d_step {
			give(0, class);
			result = CLAIMED
		};
		install(0)
	:: else
	fi
}

/* Another word of the slab. If it has nothing the slot goes on naming it until
 * there is another to take its place, which here there is not. */
inline advance(class)
{
	claim_any(class);
	if
	:: result == CLAIMED -> d_step {
		if
		:: slot[me] == o -> slot[me] = at + 1
		:: else
		fi
	}
	:: else
	fi
}

inline allocate(class)
{
	result = FULL;
	o = slot[me];
	if
	:: o ->
		at = o - 1;
		claim(at, class);
		if
		:: result == STALE -> undo_stale(at, place)
		:: else
		fi;
		if
		:: result != CLAIMED -> advance(class)
		:: else
		fi
	:: else
	fi;
	if
	:: result != CLAIMED -> result = FULL; pick_listed(class)
	:: else
	fi;
	if
	:: result != CLAIMED -> pick_new(class)
	:: else
	fi
}

/* --- the threads ---------------------------------------------------------- */

#define begin() busy++
#define end()                                       \
	d_step {                                    \
		busy--;                             \
		if                                  \
		:: busy == 0 -> check_at_rest()     \
		:: else                             \
		fi                                  \
	}

proctype user(byte me)
{
	byte result, place, at, taken, entry, found, free, w, b, o, wants, cpu;
	byte left = OPS;
	bool done;

	do
	:: left ->
		left--;
		if
		:: atomic { begin(); wants = 1 }; allocate(1); end()
		:: atomic { begin(); wants = 2 }; allocate(2); end()
		:: atomic {
			if
			:: class_of[0] -> o = 0
			:: class_of[1] -> o = 1
			:: class_of[2] -> o = 2
			fi;
			begin();
			wants = class_of[o];
			assert(CLASS(map) == wants); /* I6 */
			class_of[o] = 0
			};
			w = o / 2;
			b = o % 2;
			unclaim(w, b, wants);
			end()
		:: atomic {
			if
			:: slot[0] -> cpu = 0
			:: slot[1] -> cpu = 1
			fi;
			begin();
			o = slot[cpu]
			};
			let_go(cpu, o);
			end()
		fi
	:: !left -> break
	od;
	over++
}

init {
	byte me, taken, entry, found, free, o, wants, w, b;
	bool done;

	atomic {
		do
		:: me < USERS -> run user(me); me++
		:: else -> break
		od
	}
	over == USERS;
	me = 0;
	do
	:: me < USERS && slot[me] -> let_go(me, slot[me]); me++
	:: me < USERS && !slot[me] -> me++
	:: else -> break
	od;
	do
	:: o < 3 && class_of[o] ->
		wants = class_of[o];
		assert(CLASS(map) == wants);
		class_of[o] = 0;
		w = o / 2;
		b = o % 2;
		unclaim(w, b, wants);
		o++
	:: o < 3 && !class_of[o] -> o++
	:: else -> break
	od;
	assert(pages && map == 0 && word[0] == 0 && word[1] == 0)
}
