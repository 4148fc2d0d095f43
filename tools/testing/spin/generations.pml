/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel whose ends stop, crash and start again: what is delivered is what was
 * sent to this start of the receiver by that start of the sender, all of it, in
 * order, once; who has lost something is told; and two that are up do talk.
 *
 * All pairs have the same RING_START, which is the worst that chance can do, and
 * nobody but the other side rings when a generation changes: the switch does so,
 * too, but later.  A message rings always; doorbell.pml says when it need not.
 */
#define SENDER		0
#define RECEIVER	1
#ifndef RING
#define RING		1	/* records that it takes */
#endif
#ifndef MESSAGES
#define MESSAGES	2	/* that a start of the sender sends to one of the receiver */
#endif
#ifndef SENDERS
#define SENDERS		2	/* starts of the sender */
#endif
#ifndef RECEIVERS
#define RECEIVERS	2	/* starts of the receiver */
#endif

#define GENERATION(of)	(0 + (of))	/* famez_peer */
#define TX_GENERATION	2		/* famez_tx_half */
#define TX_ACCEPTED	3
#define HEAD		4
#define RX_GENERATION	5		/* famez_rx_half */
#define RX_ACCEPTED	6
#define TAIL		7
#define RUNG(to)	(8 + (to))
#define SEEN(to)	(10 + (to))
#define DOORBELL(to)	(12 + (to))
#define RECORD(at)	(14 + (at) % RING)
#define WORDS		(14 + RING)
#define STORES		12
bit crash[2];
/* a crash is over before anything else goes on */
#define stopped		(crash[SENDER] || crash[RECEIVER])
#include "memory.pml"
#include "bells.pml"

#define START		0	/* FAMEZ_RING_START() */

/* What a record tells of itself. */
#define record(from, to, number)	((from) << 4 | (to) << 2 | (number))

byte starts[2];		/* the generation is the number of the start */
bit up[2];		/* it runs */
bit ended;		/* the sender has stopped for good */
byte remote[2];		/* famez_remote.generation */
byte own[2], other[2];	/* famez_tx, famez_rx */
byte head, tail;
bit mark[2];		/* the other one has rung */
bit quiet[2];		/* nothing to send or receive until it is rung */
byte delivered;		/* messages of the pair that the sender is in */

#define has_to_send	(own[SENDER] && !quiet[SENDER] && head - START < MESSAGES)
#define has_to_receive	(own[RECEIVER] && !quiet[RECEIVER])
#define may_restart(me)	(starts[me] < (me == SENDER -> SENDERS : RECEIVERS))

/* famez_fabric_start() */
inline start(me, to)
{
	atomic {
		starts[me]++;
		up[me] = 1;
		quiet[me] = 0;
		/* famez_publish() */
		store(me, GENERATION(me), 0);
		store(me, GENERATION(me), starts[me])
	};
	/* the look that follows has a barrier, too: either would do */
	atomic { full_barrier(me); g = load(GENERATION(to)) };
	if
	:: atomic { g -> g = 0 }; ring(me, to)
	:: !g
	fi;
	/* famez_fabric_interrupt(): what was left before, and a look at all */
	atomic {
		take_bell(me);
		mark[me] = 1
	}
}

/* All that a side knows is gone. */
inline forget(me)
{
	remote[me] = 0;
	quiet[me] = 1;
	up[me] = 0;
	own[me] = 0;
	other[me] = 0;
	g = 0;
	mark[me] = 0
}

/* famez_fabric_stop() */
inline stop(me, to)
{
	store(me, GENERATION(me), 0);
	if
	:: remote[me] -> ring(me, to)
	:: else
	fi
}

#define accepted(me, word)	(own[me] && load(word) == own[me])

/* famez_tx_unpair(), famez_tx_pair(), and the same for rx; "index": head or tail */
inline set_pair(me, accepted, index, generation)
{
#ifndef NO_TAKING_BACK
	store(me, accepted, 0);
#endif
	remote[me] = g;
	own[me] = (g -> starts[me] : 0);
	other[me] = g;
	quiet[me] = 0;
#ifdef ACCEPT_FIRST
	store(me, accepted, g);
#endif
	store(me, index, START);
	store(me, generation, own[me]);
#ifndef ACCEPT_FIRST
	store(me, accepted, g);
#endif
	g = 0
}

inline forget_sent()
{
	head = START;
	delivered = 0
}

/* ---- The sender ---------------------------------------------------------- */

/* Who is not told ECONNRESET has lost nothing. */
#define nothing_lost	assert(delivered == head - START)

/* famez_tx_in_flight(); famez_tx_ready() is the first two steps of it */
inline check_in_flight()
{
	do
	:: !accepted(SENDER, RX_ACCEPTED) -> break
	:: accepted(SENDER, RX_ACCEPTED);
		if
		:: load(RX_GENERATION) != other[SENDER] -> break
		:: load(RX_GENERATION) == other[SENDER]
		fi;
		if
		:: atomic { load(TAIL) == head -> nothing_lost }
		:: load(TAIL) != head	/* told */
		fi;
		break
	od	/* not ready: told, if it has sent anything */
}

/* famez_look_at_peer(), famez_pair_locked() */
inline look_at_receiver()
{
	atomic {
		after_mark(SENDER);
		mark[SENDER] = 0;
		quiet[SENDER] = 0;
		g = load(GENERATION(RECEIVER))
	};
	if
	:: g != remote[SENDER] ->
		if
		:: own[SENDER] -> check_in_flight()
		:: else
		fi;
		atomic {
			head = START;
			delivered = 0;
			set_pair(SENDER, TX_ACCEPTED, HEAD, TX_GENERATION)
		};
#ifndef NO_RING_AFTER_PAIR
		ring(SENDER, RECEIVER)
#endif
	:: g == remote[SENDER] -> g = 0
	fi
}

/* famez_tx_try(): famez_tx_reserve(), famez_tx_ready(), famez_tx_commit() */
inline send()
{
	do
	:: atomic {
		quiet[SENDER] = 1;
		if
		:: head - load(TAIL) >= RING || head < load(TAIL) -> break
		:: else
		fi };
#ifndef NO_TX_READY
		if
		:: !accepted(SENDER, RX_ACCEPTED) -> break
		:: accepted(SENDER, RX_ACCEPTED)
		fi;
#endif
		atomic {
#ifndef NO_TX_READY
		if
		:: load(RX_GENERATION) != other[SENDER] -> break
		:: else
		fi;
#endif
		store(SENDER, RECORD(head),
		      record(own[SENDER], other[SENDER], head - START));
		head++;
		store(SENDER, HEAD, head);
		quiet[SENDER] = 0 };
		ring(SENDER, RECEIVER);
		break
	od
}

proctype sender() provided (!crash[RECEIVER])
{
	byte g;

	do
	:: {
		start(SENDER, RECEIVER);
idle:		do
		:: atomic { is_interrupted(SENDER) -> take_bell(SENDER) }
		:: mark[SENDER] -> look_at_receiver()
		:: !mark[SENDER] && has_to_send -> send()
		:: !mark[SENDER] -> break
		od;
		stop(SENDER, RECEIVER);
		atomic {
			up[SENDER] = 0;
			if
			:: may_restart(SENDER) -> forget(SENDER); forget_sent()
			:: ended = 1; break
			fi
		}
	} unless {
		atomic {
			crash[SENDER] -> crash[SENDER] = 0;
			forget(SENDER);
			forget_sent()
		}
	}
	od
}

/* ---- The receiver -------------------------------------------------------- */

/* famez_rx_peek(), famez_rx_consume(): one record, or it is quiet */
inline receive()
{
	do
	:: /* famez_rx_head() */
#ifndef NO_FIRST_LOOK
		atomic {
		quiet[RECEIVER] = 1;
		if
		:: !accepted(RECEIVER, TX_ACCEPTED) -> break
		:: else
		fi };
		if
		:: load(TX_GENERATION) != other[RECEIVER] -> break
		:: load(TX_GENERATION) == other[RECEIVER]
		fi;
#endif
		atomic {
		quiet[RECEIVER] = 1;
		h = load(HEAD);
		if
		:: h == tail -> h = 0; break
		:: else
		fi };
#ifndef NO_SECOND_LOOK
		if
		:: atomic { !accepted(RECEIVER, TX_ACCEPTED) -> h = 0; break }
		:: accepted(RECEIVER, TX_ACCEPTED)
		fi;
		if
		:: atomic { load(TX_GENERATION) != other[RECEIVER] -> h = 0; break }
		:: load(TX_GENERATION) == other[RECEIVER]
		fi;
#endif
		atomic {
		/* it is no garbage: that of this pair, and the next */
		assert(tail < h && h <= tail + RING);
		assert(load(RECORD(tail)) ==
		       record(other[RECEIVER], own[RECEIVER], tail - START));
		h = 0;
		if
		:: own[SENDER] == other[RECEIVER] && other[SENDER] == own[RECEIVER] ->
			delivered++
		:: else
		fi;
		tail++;
		store(RECEIVER, TAIL, tail);
		quiet[RECEIVER] = 0 };
		ring(RECEIVER, SENDER);
		break
	od
}

/* famez_look_at_peer(), famez_channel_pair() */
inline look_at_sender()
{
	atomic {
		after_mark(RECEIVER);
		mark[RECEIVER] = 0;
		quiet[RECEIVER] = 0;
		g = load(GENERATION(SENDER))
	};
	if
	:: g != remote[RECEIVER] ->
#ifndef NO_DRAIN
		/* what the former sender had sent is still to be delivered */
		do
		:: own[RECEIVER] && !quiet[RECEIVER] -> receive()
		:: !own[RECEIVER] || quiet[RECEIVER] -> break
		od;
#endif
		atomic {
			tail = START;
			set_pair(RECEIVER, RX_ACCEPTED, TAIL, RX_GENERATION)
		};
#ifndef NO_RING_AFTER_PAIR
		ring(RECEIVER, SENDER)
#endif
	:: g == remote[RECEIVER] -> g = 0
	fi
}

proctype receiver() provided (!crash[SENDER])
{
	byte g, h;

	do
	:: {
		start(RECEIVER, SENDER);
idle:		do
		:: atomic { is_interrupted(RECEIVER) -> take_bell(RECEIVER) }
		:: mark[RECEIVER] -> look_at_sender()
		:: !mark[RECEIVER] && has_to_receive -> receive()
		:: !mark[RECEIVER] -> break
		od;
		stop(RECEIVER, SENDER);
		atomic {
			forget(RECEIVER);
			tail = START;
			if
			:: may_restart(RECEIVER)
			:: break
			fi
		}
	} unless {
		atomic {
			crash[RECEIVER] -> crash[RECEIVER] = 0;
			forget(RECEIVER);
			tail = START;
			h = 0
		}
	}
	od
}

/* ---- Both ---------------------------------------------------------------- */

active proctype fate() provided (!stopped)
{
end:	do
	:: atomic { up[SENDER] && may_restart(SENDER) -> crash[SENDER] = 1 }
	:: atomic { up[RECEIVER] && may_restart(RECEIVER) -> crash[RECEIVER] = 1 }
	od
}

#define is_paired(me, to)	(own[me] == starts[me] && other[me] == starts[to])

#define sender_rests	(sender@idle && !mark[SENDER] && \
			 !is_interrupted(SENDER) && !has_to_send)
#define receiver_rests	(receiver@idle && !mark[RECEIVER] && \
			 !is_interrupted(RECEIVER) && !has_to_receive)
#define nothing_moves	(all_stored && sender_rests && receiver_rests)
/* The sender has told that it ends, and the receiver has stayed. */
#define left_alone	(all_stored && ended && receiver_rests && \
			 other[SENDER] == starts[RECEIVER])

/* When nothing moves, all is paired, and all has come that was to be sent. */
active proctype judge() provided (!stopped)
{
end:	do
	:: atomic { nothing_moves ->
		assert(is_paired(SENDER, RECEIVER));
		assert(is_paired(RECEIVER, SENDER));
		assert(head - START == MESSAGES);
		assert(tail == head) }
	:: atomic { left_alone -> assert(delivered == head - START) }
	od
}

init {
	atomic { run sender(); run receiver() }
}
