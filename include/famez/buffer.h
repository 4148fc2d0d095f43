/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * Port 0's buffer for one sender: what was taken out of its ring before a
 * program has read it.  It is a ring itself, in the receiver's own memory, so
 * that both are read alike.
 */
#ifndef _FAMEZ_BUFFER_H
#define _FAMEZ_BUFFER_H

#include <famez/ring.h>

/* What may be on its way to port 0 from one sender, in rings of the sender. */
#define FAMEZ_WINDOW_RINGS	2
/* The buffer takes that, and what records lose at its end. */
#define FAMEZ_BUFFER_RINGS	4

/**
 * struct famez_buffer - records taken out of a sender's ring
 * @channel: the memory, NULL until it is needed
 * @tx: the filling side
 * @rx: the emptying side
 * @stale: what stands before this came from a former start of the sender, and
 *	counts against no grant of the present one
 */
struct famez_buffer {
	struct famez_channel *channel;
	struct famez_tx tx;
	struct famez_rx rx;
	__u32 stale;
};

/** famez_buffer_bytes() - memory for a buffer beside a ring of @ring bytes */
static inline __u32 famez_buffer_bytes(__u32 ring)
{
	return (__u32)sizeof(struct famez_channel) + FAMEZ_BUFFER_RINGS * ring;
}

/** famez_buffer_init() - begin to use @channel, famez_buffer_bytes() of zeros */
static inline void famez_buffer_init(struct famez_buffer *b,
				     struct famez_channel *channel, __u32 ring)
{
	b->channel = channel;
	b->tx.mine = &channel->tx;
	b->tx.theirs = &channel->rx;
	b->tx.data = channel->data;
	b->tx.size = FAMEZ_BUFFER_RINGS * ring;
	b->rx.mine = &channel->rx;
	b->rx.theirs = &channel->tx;
	b->rx.data = channel->data;
	b->rx.size = FAMEZ_BUFFER_RINGS * ring;
	famez_tx_pair(&b->tx, 1, 1);
	famez_rx_pair(&b->rx, 1, 1, 0);
}

/** famez_buffer_peek() - as famez_rx_peek(); the oldest there is */
static inline int famez_buffer_peek(const struct famez_buffer *b,
				    struct famez_message *m)
{
	return b->channel ? famez_rx_peek(&b->rx, m) : -EAGAIN;
}

/**
 * famez_buffer_put() - take a record over
 *
 * Return: false when it has no room, as its sender has sent more than it was
 * granted
 */
static inline bool famez_buffer_put(struct famez_buffer *b,
				    const struct famez_message *m)
{
	__u8 *payload;

	if (!b->channel || famez_tx_reserve(&b->tx, m->length, &payload))
		return false;
	memcpy(payload, m->payload, m->length);
	/* the commit counts the record again that m->sent has counted */
	b->tx.sent = m->sent - famez_record_size(m->length);
	famez_tx_commit(&b->tx, FAMEZ_TYPE_DATA, m->length);
	return true;
}

/** famez_buffer_new_sender() - what is in it now is a former sender's */
static inline void famez_buffer_new_sender(struct famez_buffer *b)
{
	b->stale = b->tx.head;
}

/** famez_buffer_is_stale() - was this message a former sender's? */
static inline bool famez_buffer_is_stale(const struct famez_buffer *b,
					 const struct famez_message *m)
{
	return (__s32)(m->next - b->stale) <= 0;
}

#endif /* _FAMEZ_BUFFER_H */
