/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * The receiving end of a channel: its ring, and the buffer of port 0 behind it,
 * which takes what must leave the ring before a program has read it.  Used by
 * the driver, the library and the switch.
 *
 * The buffer is a ring itself, in our own memory, so that both are read alike.
 * It has room for all that the sender was granted: the window of the grants is
 * what the buffer takes, less what is in it from a former start of the sender.
 *
 * Whatever makes room for the sender notes in @ring that it may have to be
 * rung; the caller asks by famez_inbox_must_ring(), and rings.  No call does
 * more work than a ring's worth; -EBUSY says that it has, and that the caller
 * must come again, as a sender could feed it for ever.
 */
#ifndef _FAMEZ_INBOX_H
#define _FAMEZ_INBOX_H

#include <famez/ring.h>

/* What may be on its way to port 0 from one sender, in rings of the sender. */
#define FAMEZ_WINDOW_RINGS	2
/* The buffer takes that, and what records lose at its end. */
#define FAMEZ_BUFFER_RINGS	4

/**
 * struct famez_inbox - the receiving end of a channel
 * @rx: its ring; no data: there is no channel
 * @buffer: the buffer's memory, NULL until it is needed
 * @put: the buffer's filling side
 * @get: the buffer's emptying side
 * @stale: bytes in the buffer that a former start of the sender sent: they
 *	count against no grant, and keep the window smaller
 * @budget: bytes that may still be taken in this call
 * @ring: the sender must be rung
 * @garbage: times that the ring held garbage
 */
struct famez_inbox {
	struct famez_rx rx;
	struct famez_channel *buffer;
	struct famez_tx put;
	struct famez_rx get;
	__u32 stale;
	__u32 budget;
	bool ring;
	__u32 garbage;
};

/** famez_inbox_bytes() - memory for the buffer of an inbox */
static inline __u32 famez_inbox_bytes(const struct famez_inbox *in)
{
	return (__u32)sizeof(struct famez_channel) +
	       FAMEZ_BUFFER_RINGS * in->rx.size;
}

/** famez_inbox_set_buffer() - give it famez_inbox_bytes() of zeros */
static inline void famez_inbox_set_buffer(struct famez_inbox *in,
					  struct famez_channel *buffer)
{
	in->buffer = buffer;
	in->put.mine = &buffer->tx;
	in->put.theirs = &buffer->rx;
	in->put.data = buffer->data;
	in->put.size = FAMEZ_BUFFER_RINGS * in->rx.size;
	in->get.mine = &buffer->rx;
	in->get.theirs = &buffer->tx;
	in->get.data = buffer->data;
	in->get.size = in->put.size;
	famez_tx_pair(&in->put, 1, 1);
	famez_rx_pair(&in->get, 1, 1, 0);
}

/** famez_inbox_begin() - a new call: as much work as a ring holds */
static inline void famez_inbox_begin(struct famez_inbox *in)
{
	in->budget = in->rx.size;
}

/** famez_inbox_must_ring() - must the sender be rung? asks once */
static inline bool famez_inbox_must_ring(struct famez_inbox *in)
{
	bool ring = in->ring;

	in->ring = false;
	return ring;
}

/* Moves the ring's tail behind a record. */
static inline void famez_inbox_advance(struct famez_inbox *in,
				       const struct famez_message *m)
{
	__u32 bytes = m->next - in->rx.tail;

	in->budget -= bytes < in->budget ? bytes : in->budget;
	famez_rx_consume(&in->rx, m);
}

/* Takes a record out of the ring that counts against no grant, or not yet. */
static inline void famez_inbox_take(struct famez_inbox *in,
				    const struct famez_message *m)
{
	famez_inbox_advance(in, m);
	in->ring |= famez_rx_must_ring(&in->rx);
}

/**
 * famez_inbox_peek_ring() - find the next record in the ring
 * @in: the inbox
 * @m: the record
 *
 * Return: 0: a program's message; 1: a record for the caller itself, which
 * famez_inbox_skip() takes out; -EAGAIN: none; -EBUSY: enough for this call
 */
static inline int famez_inbox_peek_ring(struct famez_inbox *in,
					struct famez_message *m)
{
	int err;

	if (!in->rx.own)
		return -EAGAIN;
	for (;;) {
		if (!in->budget)
			return -EBUSY;
		err = famez_rx_peek(&in->rx, m);
		if (err == -EBADMSG) {
			in->garbage++;
			in->budget = 0;
			famez_rx_resync(&in->rx);
			in->ring = true;
			return -EBUSY;
		}
		if (err || m->type == FAMEZ_TYPE_DATA)
			return err;
		if (m->type != FAMEZ_TYPE_PAD)
			return 1;
		famez_inbox_take(in, m);
	}
}

/** famez_inbox_skip() - take out a record that was for the caller itself */
static inline void famez_inbox_skip(struct famez_inbox *in,
				    const struct famez_message *m)
{
	famez_inbox_take(in, m);
}

/*
 * Takes a record out of the buffer.  A former sender's makes room for as many
 * bytes of the present one's.
 */
static inline void famez_inbox_unbuffer(struct famez_inbox *in,
					const struct famez_message *m)
{
	__u32 bytes = m->next - in->get.tail;
	__u32 missing = FAMEZ_WINDOW_RINGS * in->rx.size - in->rx.window;

	famez_rx_consume(&in->get, m);
	if (!in->stale)
		return;
	if (bytes > in->stale)
		bytes = in->stale;
	in->stale -= bytes;
	if (!in->rx.own)
		return;
	if (!in->stale || bytes > missing)
		bytes = missing;
	in->rx.window += bytes;
	famez_rx_grant(&in->rx, in->rx.limit + bytes - in->rx.window);
}

/* The oldest message in the buffer. */
static inline bool famez_inbox_peek_buffer(struct famez_inbox *in,
					   struct famez_message *m)
{
	if (!in->buffer)
		return false;
	while (!famez_rx_peek(&in->get, m)) {
		m->buffered = true;
		if (m->type == FAMEZ_TYPE_DATA)
			return true;
		famez_inbox_unbuffer(in, m);	/* padding */
	}
	return false;
}

/** famez_inbox_peek() - the next message for a program, as the above */
static inline int famez_inbox_peek(struct famez_inbox *in,
				   struct famez_message *m)
{
	/* the buffer first: it is older */
	return famez_inbox_peek_buffer(in, m) ? 0 :
	       famez_inbox_peek_ring(in, m);
}

/**
 * famez_inbox_stash() - move a message from the ring to the buffer
 *
 * Return: false when it has no room there, as the sender sent more than it was
 * granted
 */
static inline bool famez_inbox_stash(struct famez_inbox *in,
				     const struct famez_message *m)
{
	__u8 *payload;

	if (!in->buffer || famez_tx_reserve(&in->put, m->length, &payload))
		return false;
	memcpy(payload, m->payload, m->length);
	/* the commit counts the record again that m->sent has counted */
	in->put.sent = m->sent - famez_record_size(m->length);
	famez_tx_commit(&in->put, FAMEZ_TYPE_DATA, m->length);
	famez_inbox_take(in, m);
	return true;
}

/*
 * When all that the sender had sent when it last asked has been read, its whole
 * window is free, whatever spoilt records may have cost of it.
 */
static inline void famez_inbox_regrant(struct famez_inbox *in)
{
	__u32 drain = famez_load_acquire(&in->rx.theirs->drain);
	__u32 sent = famez_load(&in->rx.theirs->asks[0].sent);

	if (drain == in->rx.tail && in->put.head == in->get.tail &&
	    famez_rx_ready(&in->rx))
		famez_rx_regrant(&in->rx, sent);
}

/** famez_inbox_read() - a program has read a message: grant its room again */
static inline void famez_inbox_read(struct famez_inbox *in,
				    const struct famez_message *m)
{
	bool stale = m->buffered && in->stale;

	if (m->buffered)
		famez_inbox_unbuffer(in, m);
	else
		famez_inbox_advance(in, m);
	if (!in->rx.own)
		return;
	if (!stale)
		famez_rx_grant(&in->rx, m->sent);
	famez_inbox_regrant(in);
	in->ring |= famez_rx_must_ring(&in->rx);
}

/**
 * famez_inbox_drain_wanted() - is the ring to be emptied into the buffer?
 *
 * It is when the sender asks anew, and as long as what it asked for could not be
 * done for lack of room.
 */
static inline bool famez_inbox_drain_wanted(const struct famez_inbox *in)
{
	__u32 drain = famez_load(&in->rx.theirs->drain);

	if (!famez_rx_ready(&in->rx))
		return false;
	return drain != in->rx.drained ||
	       (__s32)(in->rx.drained - in->rx.tail) > 0;
}

/**
 * famez_inbox_drained() - the ring was emptied as far as that could be done
 * @in: the inbox
 * @before: the tail before
 *
 * The sender is rung once for each time it asks, and whenever it gained room:
 * it may wait for either.
 */
static inline void famez_inbox_drained(struct famez_inbox *in, __u32 before)
{
	__u32 drain = famez_load_acquire(&in->rx.theirs->drain);

	if (!famez_rx_ready(&in->rx))
		return;
	if (drain != in->rx.drained || before != in->rx.tail)
		in->ring = true;
	in->rx.drained = drain;
	famez_inbox_regrant(in);
}

/** famez_inbox_arm() - ask to be rung for the next record; then look again */
static inline void famez_inbox_arm(struct famez_inbox *in)
{
	if (in->rx.own)
		famez_rx_arm(&in->rx);
}

/**
 * famez_inbox_pair() - set it up for a pair of generations
 * @in: the inbox, with a buffer, drained
 * @own: own generation
 * @other: the sender's; 0: down
 *
 * Return: as famez_rx_pair()
 */
static inline bool famez_inbox_pair(struct famez_inbox *in, __u32 own,
				    __u32 other)
{
	__u32 window = FAMEZ_WINDOW_RINGS * in->rx.size;

	/* what is in the buffer now is a former sender's */
	in->stale = in->buffer ? in->put.head - in->get.tail : 0;
	return famez_rx_pair(&in->rx, own, other,
			     window - (in->stale < window ? in->stale : window));
}

#endif /* _FAMEZ_INBOX_H */
