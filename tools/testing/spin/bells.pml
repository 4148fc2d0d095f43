/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Marks and doorbells, both ways.  Who includes this says which words RUNG(to),
 * SEEN(to) and DOORBELL(to) are: a sender's byte in the rows of receiver "to",
 * and an interrupt that is under way to it.
 */

/* What was stored last.  A mark is a step of one, so that one bit tells it. */
bit rung[2], seen[2];

/* famez_ring(): famez_bell_raise(), famez_doorbell() */
inline ring(me, to)
{
	atomic {
#ifndef NO_BARRIER_IN_RAISE
		full_barrier(me);
#endif
#ifdef RING_BEFORE_MARK
		store(me, DOORBELL(to), 1);
#endif
		if
		:: load(SEEN(to)) == rung[to] ->
			rung[to] = 1 - rung[to];
			store(me, RUNG(to), rung[to])
		:: else
		fi;
#ifndef RING_BEFORE_MARK
		store(me, DOORBELL(to), 1)
#endif
	}
}

#define is_interrupted(me)	load(DOORBELL(me))

/* famez_take_bells(), famez_bell_take(): has the other one left a mark? */
inline take_bell(me)
{
	memory[DOORBELL(me)] = 0;
	if
	:: load(RUNG(me)) != seen[me] ->
		seen[me] = 1 - seen[me];
		store(me, SEEN(me), seen[me]);
		mark[me] = 1
	:: else
	fi
}

/* The barrier in famez_bell_take(): what was announced is looked at after it. */
#ifdef NO_BARRIER_IN_TAKE
#define after_mark(me)	true
#else
#define after_mark(me)	full_barrier(me)
#endif
