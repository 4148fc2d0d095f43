/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's readers: a mark wakes one who sleeps, at whichever port, and that
 * one, or the work, finds what came for the others.  A reader who has found
 * something goes away, for ever perhaps, and leaves a ring that is not armed.
 *
 * One sender, whose stores are seen at once; it waits for nothing that it is not
 * given.  generations.pml has the marks, credits.pml the sender who sleeps.
 */
#define RING	2	/* records that it takes */
#define WINDOW	2	/* records of a port that may be on their way */

/* What lies in the ring: the ports of its records. */
chan records = [RING] of { bit };
/* Places are told from the tail; what is behind it is no place any more. */
#define TAIL	1
#define back(i)	((i) - ((i) > 0))
byte data_event = TAIL;
byte committed;		/* where the last record was put */
byte sent[2];		/* what of it was not read */
bit mark;		/* an interrupt that is under way */

bit rx_lock, bell_lock;
bit work;		/* it is queued */
bit active_sender = 1;	/* famez_bridge.active */
bit idle;		/* famez_remote.idle */
bit slot;		/* famez_remote.slot */
byte box[2];
bit events[2];		/* famez_port.events moved on since the reader looked */
bit sleeping[2];	/* famez_bridge.sleeping */
#ifdef LATE_SLEEPER
bit waits[2];		/* the reader is in famez_port.wait */
#else
#define waits	sleeping
#endif
bit gone[2];		/* it reads no more */

#define has_record	(len(records) > 0)

/* famez_out_commit(), famez_tx_must_ring(), famez_ring() */
proctype sender()
{
end:	do
	:: atomic { len(records) < RING && sent[0] < WINDOW ->
		committed = TAIL + len(records); records!0; sent[0]++ };
		atomic { mark = mark || data_event == committed; committed = 0 }
	:: atomic { len(records) < RING && sent[1] < WINDOW ->
		committed = TAIL + len(records); records!1; sent[1]++ };
		atomic { mark = mark || data_event == committed; committed = 0 }
	od
}

inline lock()	{ atomic { !rx_lock -> rx_lock = 1 } }
inline unlock()	{ rx_lock = 0 }

/* famez_port_wake_reader() */
inline wake_reader()
{
	if
	:: !sleeping[0] && !sleeping[1] ->
		idle = 1;
		work = 1
	:: sleeping[slot] -> events[slot] = 1
	:: else -> events[1 - slot] = 1
	fi
}

/* famez_fabric_interrupt(), famez_take_bell(): under bell_lock */
proctype interrupt()
{
end:	do
	:: atomic { mark -> mark = 0; active_sender = 1; wake_reader() }
	od
}

inline arm()
{
	data_event = TAIL
}

inline consume()
{
	records?port;
	data_event = back(data_event);
	committed = back(committed)
}

/* famez_rx_stash() */
inline stash()
{
	consume();
	box[port]++;
	assert(box[port] <= WINDOW);
	slot = port;
#ifndef NO_WAKE_FOR_BOX
	events[port] = 1;
#endif
	port = 0
}

/* famez_channel_service(): famez_rx_left() */
proctype worker()
{
	bit port, moved;

end:	do
	:: atomic { work -> work = 0 };
		lock();
		if
		:: atomic { active_sender && (waits[0] || waits[1]) && !idle ->
			idle = 1;
			/* famez_later() */
			work = 1 }
		:: atomic { active_sender && (waits[0] || waits[1]) && idle ->
			active_sender = 0 };
			do
			:: atomic { moved = 0; arm() };
				do
				:: atomic { has_record -> stash(); moved = 1 }
				:: !has_record -> break
				od;
				if
				:: !moved -> break
				:: atomic { moved -> moved = 0 }
				fi
			od
		:: !active_sender || !(waits[0] || waits[1])
		fi;
		unlock()
	od
}

/* famez_rx_done() */
inline done()
{
	/* a mark that has chosen this reader is seen below */
	sleeping[me] = 0;
	slot = me;
	idle = 0;
	sent[me]--;
	if
#ifndef NO_LATER
	:: active_sender && waits[1 - me] -> work = 1
#endif
	:: else
	fi
}

#ifdef LATE_SLEEPER
#define has_said	true
#else
#define has_said	sleeping[me]
#endif

/* famez_channel_recv() */
proctype reader(bit me)
{
	bit port, armed;

	do
	:: events[me] = 0;
		/* famez_rx_try() */
		lock();
try:		if
		:: atomic { box[me] -> box[me]--; done(); goto found }
		:: atomic { !box[me] && active_sender && has_record ->
			if
			:: records?[eval(me)] -> consume(); done(); goto found
			:: else -> stash(); armed = 0; goto try
			fi }
		:: atomic { !box[me] && armed && has_record ->
			if
			:: records?[eval(me)] ->
				active_sender = 1;
				consume();
				done();
				goto found
			:: else -> stash(); armed = 0; active_sender = 1; goto try
			fi }
		/* said before the last look: others count on knowing of it */
		:: atomic { !box[me] && !(active_sender && has_record) && !armed &&
			!has_said -> sleeping[me] = 1; goto try }
		:: atomic { !box[me] && active_sender && !has_record && has_said ->
			/* famez_arm_one() */
			active_sender = 0;
			armed = 1;
			arm();
			goto try }
		:: atomic { !box[me] && !active_sender && !(armed && has_record) &&
			has_said ->
			armed = 0;
			rx_lock = 0 }
		fi;
		/* famez_rx_sleep() */
#ifdef LATE_SLEEPER
		sleeping[me] = 1;
		waits[me] = 1;
#endif
end_asleep:	atomic {
			events[me];
			waits[me] = 0;
			sleeping[me] = 0;
			goto next
		};
found:		atomic { armed = 0; port = 0; rx_lock = 0 };
progress:	if
		:: skip
		:: gone[me] = 1; break
		fi;
next:		skip
	od
}

/* When nothing moves, nobody sleeps beside what came for it. */
active proctype judge()
{
	timeout;
	assert(gone[0] || !sent[0]);
	assert(gone[1] || !sent[1])
}

init {
	atomic {
		run sender();
		run interrupt();
		run worker();
		run reader(0);
		run reader(1)
	}
}
