/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two ports of one channel: grants, boxes, and the ring that they share.  The
 * program that reads a port may get stuck at any time; the other port must go on,
 * no box gets more than it holds, and nothing is lost.
 *
 * A ring is a doorbell alone here, which wakes all readers; doorbell.pml and
 * generations.pml have marks, readers.pml has those who are not woken.  All records
 * take one unit.  The programs and the driver's work of one side are steps of one
 * process, as one lock makes them.
 */
#define SENDER		0
#define RECEIVER	1
#define RING		1	/* records that it takes */
#ifndef WINDOW
#define WINDOW		1	/* records of a port that may be on their way */
#endif

#define HEAD		0	/* famez_tx_half */
#define DRAIN		1
#define SPACE_EVENT	2
#define TAIL		3	/* famez_rx_half */
#define DATA_EVENT	4
#define WANT(port)	(5 + (port) * 2)
#define LIMIT(port)	(6 + (port) * 2)
#define DOORBELL(to)	(9 + (to))	/* an interrupt that is under way */
#define WORDS		11
#define IN_ORDER
#include "memory.pml"

/* What lies in the ring: the ports of its records, which the head announces. */
chan records = [RING] of { bit };

/* Ring indexes are told from the tail, those of a port from what was read. */
#define tail		ZERO
#define read		ZERO

/* The sender's: famez_tx */
byte head = ZERO;
bit helped[2];		/* famez_out_port.helped is head */
byte sent[2] = ZERO;
bit waits[2];		/* its sender sleeps */
/* The receiver's: famez_inbox */
byte drained = ZERO;
byte box[2];		/* records in it */
bit asleep[2];		/* its reader sleeps */
bit stuck[2];		/* it reads no more */

/* famez_ring() */
#define ring(me, to)	store(me, DOORBELL(to), 1)

/* ---- The sender ---------------------------------------------------------- */

/* famez_out_granted(), famez_tx_reserve() */
#define has_grant	(load(LIMIT(port)) > sent[port])
#define has_room	(head - load(TAIL) < RING)
#define can_send	(has_grant && has_room)

/* famez_out_help(): is the receiver to empty the ring? asked once for each head */
#if defined(NO_HELP)
#define needs_help	false
#elif defined(ASK_AND_ANSWER)
#define needs_help	true
#else
#define needs_help	(has_grant && !helped[port])
#endif

inline help()
{
	atomic {
		if
		:: needs_help ->
			helped[port] = 1;
			store(SENDER, DRAIN, head);
			ring(SENDER, RECEIVER)
		:: else
		fi
	}
}

/*
 * famez_out_wait().  Stores are seen at once here, but they need not be before the
 * next barrier: so what is asked for is stored there, behind the looks before it.
 */
inline wait_for_grant_or_room()
{
#ifndef ONE_LOOK
	if
	:: !has_grant -> store(SENDER, WANT(port), sent[port])
	:: has_grant
	fi;
#endif
	/* granted by now? then it is the ring that it waits for */
	waits_for_room = has_grant;
	help();
	atomic {
		if
		:: waits_for_room -> store(SENDER, SPACE_EVENT, head - RING)
#ifdef ONE_LOOK
		:: else -> store(SENDER, WANT(port), sent[port])
#else
		:: else
#endif
		fi;
		waits_for_room = 0
	}
}

/* famez_out_commit() */
inline commit()
{
	records!port;
	sent[port]++;
	head++;
	helped[0] = 0;
	helped[1] = 0;
	store(SENDER, HEAD, head)
}

/* famez_tx_must_ring() */
#define must_ring	passed(load(DATA_EVENT), head, head - 1)

proctype sender()
{
	bit port, waits_for_room;

end_idle:
	do
	:: atomic { load(DOORBELL(SENDER)) ->
		memory[DOORBELL(SENDER)] = 0;
		waits[0] = 0;
		waits[1] = 0 }
	:: !waits[0] -> goto try
	:: atomic { !waits[1] -> port = 1; goto try }
	od;
	/* famez_tx_try(), famez_tx_ask() */
try:	if
	:: atomic { can_send -> commit() }
	:: !can_send;
		wait_for_grant_or_room();
		if
		:: atomic { can_send -> commit() }
		/* famez_tx_sleep() */
		:: atomic { !can_send -> waits[port] = 1; port = 0; goto end_idle }
		fi
	fi;
	atomic {
		if
		:: must_ring -> ring(SENDER, RECEIVER)
		:: else
		fi;
		/* famez_tx_give_turn() */
		store(SENDER, SPACE_EVENT, head - RING - 1);
		store(SENDER, WANT(port), sent[port] - 1);
		port = 0;
		goto end_idle
	}
}

/* ---- The receiver -------------------------------------------------------- */

/* famez_rx_consume(): takes the record at the tail out of the ring */
inline consume()
{
	records?which;
	step_back(HEAD, DATA_EVENT);
	head = back(head);
	drained = back(drained);
	store(RECEIVER, TAIL, tail)
}

/* famez_inbox_stash() */
inline stash()
{
	consume();
	box[which]++;
	assert(box[which] <= WINDOW);
#ifndef NO_WAKE_FOR_BOX
	asleep[which] = 0
#endif
}

/* famez_rx_grant(): one record was read */
inline grant(port)
{
	step_back(WANT(port), LIMIT(port));
	sent[port]--;
#ifndef GRANT_AFTER_LOOK
	store(RECEIVER, LIMIT(port), read + WINDOW)
#endif
}

/* famez_rx_must_ring(): the tail, a limit has passed what is waited for */
#define room_awaited		(load(SPACE_EVENT) == tail - 1)
#define grant_awaited(port)	(load(WANT(port)) == read + WINDOW - 1)

inline ring_if(what)
{
	if
	:: what -> ring(RECEIVER, SENDER)
	:: else
	fi
}

/* famez_inbox_drain_wanted() */
#define drain_wanted	(load(DRAIN) != drained || drained > tail)

/* famez_channel_service() */
inline serve()
{
	/* famez_rx_drain(), famez_inbox_drained() */
	if
	:: drain_wanted ->
		do
		:: atomic { load(HEAD) != tail -> stash() }
		:: load(HEAD) == tail -> break
		od;
		atomic {
			drained = load(DRAIN);
			which = 0;
			ring(RECEIVER, SENDER)
		}
	:: !drain_wanted;
#ifdef ASK_AND_ANSWER
		ring(RECEIVER, SENDER)
#endif
	fi
}

proctype receiver()
{
	bit port, which, armed;

end_idle:
	do
	:: atomic { load(DOORBELL(RECEIVER)) ->
		memory[DOORBELL(RECEIVER)] = 0;
		asleep[0] = 0;
		asleep[1] = 0 };
		serve()
	:: !stuck[0] -> stuck[0] = 1
	:: !stuck[1] -> stuck[1] = 1
	:: !asleep[0] && !stuck[0] -> goto look
	:: atomic { !asleep[1] && !stuck[1] -> port = 1; goto look }
	od;
	/* famez_rx_try() */
look:	if
	:: atomic { box[port] -> box[port]--; grant(port) };
		atomic { full_barrier(RECEIVER); ring_if(grant_awaited(port)) };
		goto progress
	:: atomic { !box[port] && load(HEAD) != tail && records?[eval(port)] ->
		consume();
		grant(port) };
		atomic { full_barrier(RECEIVER);
			ring_if(room_awaited || grant_awaited(port)) };
		goto progress
	/* another port's stands before */
	:: atomic { !box[port] && load(HEAD) != tail && !records?[eval(port)] ->
		stash();
#ifndef ARM_ONCE
		armed = 0
#endif
		};
		atomic { full_barrier(RECEIVER); which = 0; ring_if(room_awaited) };
		goto look
	:: !box[port] && load(HEAD) == tail && !armed;
		/* famez_arm_one() */
		atomic { armed = 1; store(RECEIVER, DATA_EVENT, tail); goto look }
	:: atomic { !box[port] && load(HEAD) == tail && armed ->
		asleep[port] = 1;
		armed = 0;
		port = 0;
		goto end_idle }
	fi;
progress:
	atomic {
#ifdef GRANT_AFTER_LOOK
		store(RECEIVER, LIMIT(port), read + WINDOW);
#endif
		armed = 0; port = 0; which = 0; goto end_idle }
}

#define is_asleep(port)	(asleep[port] || stuck[port])
#define nothing_moves	(all_stored && !load(DOORBELL(SENDER)) && \
			 !load(DOORBELL(RECEIVER)) && sender@end_idle && \
			 receiver@end_idle && is_asleep(0) && is_asleep(1))
/* A sender is held up by the reader of its own port alone. */
#define is_held_up(port)	(waits[port] && (!stuck[port] || \
				 load(LIMIT(port)) > sent[port]))

#define is_undelivered(port)	(!stuck[port] && sent[port] != read)

/*
 * When nothing moves, what was sent to a reader who reads has come.  No step of
 * its own, unless there is a fault, as that would be one that goes on for ever.
 */
active proctype judge()
{
end:	if
	:: atomic { nothing_moves && is_held_up(0) -> assert(!is_held_up(0)) }
	:: atomic { nothing_moves && is_held_up(1) -> assert(!is_held_up(1)) }
	:: atomic { nothing_moves && is_undelivered(0) -> assert(!is_undelivered(0)) }
	:: atomic { nothing_moves && is_undelivered(1) -> assert(!is_undelivered(1)) }
	fi
}

init {
	atomic {
		memory[HEAD] = ZERO;
		memory[DRAIN] = ZERO;
		memory[SPACE_EVENT] = ZERO - RING - 1;
		memory[TAIL] = ZERO;
		memory[DATA_EVENT] = ZERO;
		memory[WANT(0)] = ZERO - 1;
		memory[LIMIT(0)] = read + WINDOW;
		memory[WANT(1)] = ZERO - 1;
		memory[LIMIT(1)] = read + WINDOW;
		run sender();
		run receiver()
	}
}
