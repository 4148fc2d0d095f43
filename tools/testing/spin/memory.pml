/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that two machines share, as x86 has it: what a side stores waits in a
 * first-in first-out buffer of its own, and reaches the memory some time later,
 * while the side goes on and loads what is there.  A full barrier waits until
 * the own buffer is empty.  Loads are not reordered.
 *
 * Every word has one writer, so nobody loads what is in its own buffer: a side
 * knows what it has stored, as in struct famez_tx and struct famez_rx.
 *
 * What one side does between two looks at the other's words is one atomic step:
 * nobody sees a store before it leaves the buffer, which it does in a step of
 * its own.
 *
 * A file that includes this says how many WORDS there are, and how many STORES a
 * side has under way at most: more of them fail an assertion, so that a buffer
 * which is too short hides nothing.
 */
#ifndef stopped
#define stopped 0
#endif
byte memory[WORDS];
#define load(word)	memory[word]

#ifdef IN_ORDER
/* Without the buffers: for what is large enough without them. */
#define store(me, word, value)	memory[word] = value
#define full_barrier(me)	true
#define all_stored		true
#define step_back_buffer(side, first, last)
#else
chan buffer[2] = [STORES] of { byte, byte };

/* famez_store(), famez_store_release() */
inline store(me, word, value)
{
	assert(nfull(buffer[me]));
	buffer[me]!word,value
}

/* famez_mb() */
#define full_barrier(me)	empty(buffer[me])

#define all_stored		(empty(buffer[0]) && empty(buffer[1]))

inline leave_buffer(side)
{
	d_step {
		buffer[side]?word,value;
		memory[word] = value;
		word = 0;
		value = 0
	}
}

active proctype buffers() provided (!stopped)
{
	byte word, value;

end:	do
	:: leave_buffer(0)
	:: leave_buffer(1)
	od
}
#endif

/*
 * Indexes run freely, and states must not.  So all of one kind are told from one
 * of them, which is at ZERO for ever: when it moves, step_back() moves the others
 * back instead, those in the buffers as well.  What lies ZERO or more behind
 * stays at 0, as a word from long ago does not come back by wrapping: that would
 * take 4 GiB of messages during which its owner does not touch it.
 */
#define ZERO	(RING + 1)
#define back(i)	((i) - ((i) > 0))

#ifndef IN_ORDER
inline step_back_buffer(side, first, last)
{
	for (n : 1 .. len(buffer[side])) {
		buffer[side]?w,v;
		if
		:: first <= w && w <= last -> v = back(v)
		:: else
		fi;
		buffer[side]!w,v
	}
}
#endif

/* Words first to last hold indexes of this kind. */
inline step_back(first, last)
{
	byte n, w, v;

	d_step {
		for (n : first .. last) {
			memory[n] = back(memory[n])
		}
		step_back_buffer(0, first, last);
		step_back_buffer(1, first, last);
		n = 0;
		w = 0;
		v = 0
	}
}

/* famez_passed(), (__s32)(a - b) > 0: without wrapping, as said above */
#define passed(event, now, before)	((before) <= (event) && (event) < (now))
#define beyond(a, b)			((a) > (b))
