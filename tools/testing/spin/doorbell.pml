/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring, a sender and a receiver who sleep, and the bells that wake them.  What
 * is in the records is left to generations.pml, and grants to credits.pml.
 *
 * Both sides may stop at any time, so that a wake-up which is lost is not made
 * good by the next message.
 */
#define SENDER		0
#define RECEIVER	1
#define RING		2	/* records that it takes */

#define HEAD		0	/* famez_tx_half */
#define SPACE_EVENT	1
#define TAIL		2	/* famez_rx_half */
#define DATA_EVENT	3
#define RUNG(to)	(4 + (to))	/* one sender's byte in the row of "to" */
#define SEEN(to)	(6 + (to))
#define DOORBELL(to)	(8 + (to))	/* an interrupt that is under way */
#define WORDS		10
#define STORES		9
#include "memory.pml"
#include "bells.pml"

/* Indexes are told from the tail. */
#define tail	ZERO
byte head = ZERO;
byte asked = ZERO;	/* famez_tx.asked */
/* famez_remote.rings, famez_bridge.rx_events: moved on since the last look */
bit woken[2];
bit mark[2];		/* the other one has rung */
/* famez_bridge.active */
bit active_sender = 1;
bit asleep[2];

/* famez_fabric_interrupt(), famez_take_bell() */
proctype interrupt(byte me)
{
end:	do
	:: atomic { is_interrupted(me) -> take_bell(me) }
	:: atomic {
		mark[me] && after_mark(me) ->
		mark[me] = 0;
		woken[me] = 1;
		if
		:: me == RECEIVER -> active_sender = 1
		:: else
		fi };
#ifdef RING_BACK
		ring(me, 1 - me)
#endif
	od
}

/* famez_tx_reserve() */
#define room	(head - load(TAIL) < RING)

proctype sender()
{
	do
	:: woken[SENDER] = 0;
	/* famez_tx_sleep() */
wait:	if
	:: atomic { room -> goto commit }
	:: atomic { !room ->
		/* famez_tx_wait() */
#ifndef WAIT_AFTER_LOOK
		store(SENDER, SPACE_EVENT, head - RING)
#endif
		}
	fi;
	atomic {
#ifndef NO_BARRIER_IN_WAIT
		full_barrier(SENDER);
#endif
		if
#ifndef NO_LOOK_AFTER_WAIT
		:: room -> goto commit
#endif
		:: else
		fi;
#ifdef WAIT_AFTER_LOOK
		store(SENDER, SPACE_EVENT, head - RING);
#endif
		asleep[SENDER] = 1
	};
end_asleep:
	atomic {
		woken[SENDER] -> woken[SENDER] = 0;
		asleep[SENDER] = 0
	};
	goto wait;
commit:	/* famez_tx_commit() */
	atomic {
		head++;
		store(SENDER, HEAD, head)
	};
	/* famez_tx_must_ring() */
	atomic {
#ifndef NO_BARRIER_IN_TX_MUST_RING
		full_barrier(SENDER);
#endif
		if
		:: passed(load(DATA_EVENT), head, asked) -> asked = head
		:: else -> asked = head; goto unwait
		fi
	};
	ring(SENDER, RECEIVER);
unwait:	/* famez_tx_unwait() */
	atomic {
		store(SENDER, SPACE_EVENT, head - RING - 1);
		if
		:: skip
		:: break
		fi
	}
	od
}

/* famez_rx_satisfies() */
#define satisfies(t)	beyond(t, load(SPACE_EVENT))

proctype receiver()
{
	do
	:: atomic {
		woken[RECEIVER] = 0;
		/* famez_next_in() */
		if
		:: active_sender && load(HEAD) != tail -> goto take
		:: active_sender && load(HEAD) == tail ->
			/* famez_arm_one(): famez_rx_arm() */
			active_sender = 0;
#ifndef ARM_AFTER_LOOK
			store(RECEIVER, DATA_EVENT, tail)
#endif
		:: !active_sender -> goto sleep
		fi
	};
	atomic {
#ifndef NO_BARRIER_IN_ARM
		full_barrier(RECEIVER);
#endif
		if
#ifndef NO_LOOK_AFTER_ARM
		:: load(HEAD) != tail -> active_sender = 1; goto take
#endif
		:: else
		fi;
#ifdef ARM_AFTER_LOOK
		store(RECEIVER, DATA_EVENT, tail)
#endif
	};
sleep:	asleep[RECEIVER] = 1;
end_asleep:
	atomic { woken[RECEIVER] -> asleep[RECEIVER] = 0; goto next };
take:	/* famez_rx_consume() */
	atomic {
		step_back(HEAD, DATA_EVENT);
		head = back(head);
		asked = back(asked);
		store(RECEIVER, TAIL, tail)
	};
	/* famez_rx_must_ring() */
progress:
	atomic {
#ifndef NO_BARRIER_IN_RX_MUST_RING
		full_barrier(RECEIVER);
#endif
		if
		:: satisfies(tail) && !satisfies(tail - 1)
		:: else -> goto next
		fi
	};
	ring(RECEIVER, SENDER);
next:	if
	:: skip
	:: break
	fi
	od
}

/* When nothing moves any more, nobody sleeps beside what he waits for. */
active proctype judge()
{
	atomic {
		timeout;
		assert(all_stored);
		assert(!asleep[RECEIVER] || head == tail);
		assert(!asleep[SENDER] || head - tail == RING)
	}
}

init {
	atomic {
		memory[HEAD] = ZERO;
		memory[TAIL] = ZERO;
		memory[DATA_EVENT] = ZERO;
		memory[SPACE_EVENT] = ZERO - RING - 1;
		run interrupt(SENDER);
		run interrupt(RECEIVER);
		run sender();
		run receiver()
	}
}
