/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * The receiving end of a channel: its ring, and a box for each open port, which
 * takes what must leave the ring before a program has read it.  Used by the
 * driver, the library and the switch.
 *
 * A box is a ring itself, in our own memory, so that both are read alike.  It has
 * room for all that the sender was granted: the window of the grants is what the
 * box takes, less what is in it from a former start of the sender.
 *
 * A message at the head of the ring is read there; one that stands before another
 * port's goes into its box first.
 *
 * Whatever makes room for the sender notes in @ring that it may have to be
 * rung; the caller asks by famez_inbox_must_ring(), and rings.  No call does
 * more work than a ring's worth; -EBUSY says that it has, and that the caller
 * must come again, as a sender could feed it for ever.
 */
#ifndef _FAMEZ_INBOX_H
#define _FAMEZ_INBOX_H

#include <famez/ports.h>
#include <famez/ring.h>

/* What may be on its way to a port from one sender, in rings of the sender, unless
 * the port's owner wants more or less.
 */
#define FAMEZ_WINDOW_RINGS	2
#define FAMEZ_WINDOW_MAX	0x100000U

/**
 * struct famez_box - what one sender sent to one port, until a program reads it
 * @put: its filling side
 * @get: its emptying side
 * @window: bytes that may be on their way
 * @stale: bytes in it that a former start of the sender sent: they count against
 *	no grant, and keep the window smaller
 * @read: what the sender had sent, with the last message that was read
 * @lost: likewise, with the last that was discarded unread: @read is to be that when what
 *	stood before it has been read
 * @limit: what the grant says
 * @memory: the ring between the two sides
 */
struct famez_box {
	struct famez_tx put;
	struct famez_rx get;
	__u32 window;
	__u32 stale;
	__u32 read;
	__u32 lost;
	__u32 limit;
	struct famez_channel memory;
};

/**
 * struct famez_inbox - the receiving end of a channel
 * @rx: its ring; no data: there is no channel
 * @ports: the ports of this peer
 * @box: by place of the port; what an open one has not got yet is not granted
 * @budget: bytes that may still be taken in this call
 * @ring: the sender must be rung
 * @garbage: times that the ring held garbage
 * @discarded: messages that no open port was there for, to whom it closed, that are
 *	longer than we take, or that have a flag which we do not know
 */
struct famez_inbox {
	struct famez_rx rx;
	const struct famez_ports *ports;
	struct famez_box *box[FAMEZ_GRANTS];
	__u32 budget;
	bool ring;
	__u32 garbage;
	__u32 discarded;
};

/* ---- Boxes --------------------------------------------------------------------- */

static inline __u32 famez_inbox_window(const struct famez_inbox *in, __u32 slot)
{
	__u32 window = in->ports->slot[slot].window;
	__u32 least = famez_record_size(famez_ring_longest(in->rx.size));

	if (!window)
		return FAMEZ_WINDOW_RINGS * in->rx.size;
	if (window > FAMEZ_WINDOW_MAX)
		window = FAMEZ_WINDOW_MAX;
	return window < least ? least : (window + 7) & ~7U;
}

/* A box takes its window, and what records lose at its end. */
static inline __u32 famez_inbox_box_size(const struct famez_inbox *in,
					 __u32 slot)
{
	__u32 need = famez_inbox_window(in, slot) + in->rx.size / 2;
	__u32 size = in->rx.size;

	while (size < need)
		size *= 2;
	return size;
}

/** famez_inbox_box_bytes() - memory that a port's box takes */
static inline size_t famez_inbox_box_bytes(const struct famez_inbox *in,
					   __u32 slot)
{
	return sizeof(struct famez_box) + famez_inbox_box_size(in, slot);
}

static inline __u32 famez_inbox_start(const struct famez_inbox *in, __u32 slot)
{
	return FAMEZ_PORT_START(FAMEZ_RING_START(in->rx.own, in->rx.other),
				in->ports->slot[slot].incarnation);
}

/* Publishes how much may be sent; afterwards to whom, when that is to change. */
static inline void famez_inbox_publish(struct famez_inbox *in, __u32 slot)
{
	const struct famez_port_id *id = &in->ports->slot[slot];
	struct famez_grant *g = &in->rx.mine->grants[slot];
	struct famez_box *box = in->box[slot];

	famez_store(&g->limit, box ? box->limit : famez_inbox_start(in, slot));
	famez_store(&g->port, id->port);
	famez_store_release(&g->incarnation, id->incarnation);
}

/* A pair of generations begins: nothing of it has been read. */
static inline void famez_box_begin(struct famez_inbox *in, __u32 slot)
{
	struct famez_box *box = in->box[slot];
	__u32 window = famez_inbox_window(in, slot);

	/* what is in it now is a former sender's */
	box->stale = box->put.head - box->get.tail;
	box->window = window - (box->stale < window ? box->stale : window);
	box->read = famez_inbox_start(in, slot);
	box->lost = box->read;
	box->limit = box->read + box->window;
}

/**
 * famez_inbox_set_box() - give an open port famez_inbox_box_bytes() of zeros
 * @in: the inbox, where it has none
 * @slot: its place
 * @box: the memory
 *
 * From then on it can be sent to.
 */
static inline void famez_inbox_set_box(struct famez_inbox *in, __u32 slot,
				       struct famez_box *box)
{
	box->put.mine = &box->memory.tx;
	box->put.theirs = &box->memory.rx;
	box->put.data = box->memory.data;
	box->put.size = famez_inbox_box_size(in, slot);
	box->get.mine = &box->memory.rx;
	box->get.theirs = &box->memory.tx;
	box->get.data = box->memory.data;
	box->get.size = box->put.size;
	famez_tx_unpair(&box->put, 1, 1);
	famez_tx_pair(&box->put);
	famez_rx_unpair(&box->get, 1, 1);
	famez_rx_pair(&box->get);
	in->box[slot] = box;
	famez_box_begin(in, slot);
	if (in->rx.own)
		famez_inbox_publish(in, slot);
}

/* ---- Grants -------------------------------------------------------------------- */

/* Lets the sender send up to a window behind what was read. */
static inline void famez_inbox_grant(struct famez_inbox *in, __u32 slot)
{
	struct famez_box *box = in->box[slot];
	__u32 before = box->limit;

	box->limit = box->read + box->window;
	famez_store(&in->rx.mine->grants[slot].limit, box->limit);
	famez_mb();	/* of two, one sees what the other has stored */
	in->ring |= famez_passed(famez_load(&in->rx.theirs->asks[slot].want),
				 box->limit, before);
	in->ring |= famez_rx_must_ring(&in->rx);
}

/*
 * When all that the sender had sent when it last asked has been read, its whole
 * window is free, whatever spoilt records may have cost of it.  What is granted is
 * never taken back.
 */
static inline void famez_inbox_regrant(struct famez_inbox *in, __u32 slot)
{
	__u32 drain = famez_load_acquire(&in->rx.theirs->drain);
	__u32 sent = famez_load(&in->rx.theirs->asks[slot].sent);
	struct famez_box *box = in->box[slot];

	/* what is more than the window is of another owner of the place */
	if (!box || sent == box->read || sent - box->read > box->window ||
	    drain != in->rx.tail || box->put.head != box->get.tail ||
	    !famez_rx_ready(&in->rx))
		return;
	box->read = sent;
	famez_inbox_grant(in, slot);
}

/** famez_inbox_has_boxes() - are there any? */
static inline bool famez_inbox_has_boxes(const struct famez_inbox *in)
{
	__u32 slot;

	for (slot = 0; slot < FAMEZ_GRANTS; slot++)
		if (in->box[slot])
			return true;
	return false;
}

/**
 * famez_inbox_drop_box() - take out a port's box, if there is nothing in it
 * @in: the inbox, paired for no generation
 * @slot: the port's place
 *
 * Return: its memory, for the caller to free, or NULL
 */
static inline struct famez_box *famez_inbox_drop_box(struct famez_inbox *in,
						     __u32 slot)
{
	struct famez_box *box = in->box[slot];

	if (!box || box->put.head != box->get.tail)
		return NULL;
	in->box[slot] = NULL;
	return box;
}

/* ---- What is in it ------------------------------------------------------------- */

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
	famez_mb();	/* of two, one sees what the other has stored */
	in->ring |= famez_rx_must_ring(&in->rx);
}

/* Is this message for a port that is open?  Then its place is one of ours. */
static inline bool famez_inbox_wanted(const struct famez_inbox *in,
				      const struct famez_message *m)
{
	__u32 slot = m->label.slot;

	return slot < in->ports->used && slot < FAMEZ_GRANTS &&
	       in->ports->slot[slot].port == m->label.dport &&
	       in->ports->slot[slot].incarnation == m->label.incarnation &&
	       famez_port_is_open(in->ports, slot);
}

/* Is what was discarded next? */
static inline void famez_inbox_skip_lost(struct famez_box *box)
{
	if (box->lost - box->read > box->window)
		box->lost = box->read;	/* it has been passed, or its sender lies */
	else if (box->put.head == box->get.tail)
		box->read = box->lost;
}

/*
 * Discards a message.  What it has taken of the grant of an open port, the port's reader
 * will not give back; what stands in the box before it is still to be read.
 */
static inline void famez_inbox_discard(struct famez_inbox *in,
				       const struct famez_message *m)
{
	__u32 slot = m->label.slot % FAMEZ_GRANTS;
	struct famez_box *box = in->box[slot];

	in->discarded++;
	famez_inbox_take(in, m);
	if (!box || !famez_inbox_wanted(in, m))
		return;
	box->lost = m->label.sent;
	famez_inbox_skip_lost(box);
	famez_inbox_grant(in, slot);
}

/**
 * famez_inbox_peek_ring() - find the next record in the ring
 * @in: the inbox
 * @m: the record
 *
 * Return: 0: a message for an open port; 1: a record for the caller itself, which
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
		if (err)
			return err;
		if (m->label.type == FAMEZ_TYPE_DATA && famez_inbox_wanted(in, m) &&
		    m->length <= famez_message_max(in->rx.message_max)) {
			m->label.slot = famez_nospec(m->label.slot, FAMEZ_GRANTS);
			return 0;
		}
		if (m->label.type == FAMEZ_TYPE_DATA || m->label.lost) {
			famez_inbox_discard(in, m);
			continue;
		}
		if (m->label.type != FAMEZ_TYPE_PAD)
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
 * Takes a record out of a box.  A former sender's makes room for as many bytes of
 * the present one's.
 */
static inline void famez_inbox_unbox(struct famez_inbox *in, __u32 slot,
				     const struct famez_message *m)
{
	struct famez_box *box = in->box[slot];
	__u32 missing = famez_inbox_window(in, slot) - box->window;
	__u32 bytes = m->next - box->get.tail;

	famez_rx_consume(&box->get, m);
	if (!box->stale)
		return;
	if (bytes > box->stale)
		bytes = box->stale;
	box->stale -= bytes;
	if (!in->rx.own)
		return;
	if (!box->stale || bytes > missing)
		bytes = missing;
	box->window += bytes;
	famez_inbox_grant(in, slot);
}

/** famez_inbox_peek_box() - the oldest message in a port's box, or false */
static inline bool famez_inbox_peek_box(struct famez_inbox *in, __u32 slot,
					struct famez_message *m)
{
	if (!in->box[slot])
		return false;
	while (!famez_rx_peek(&in->box[slot]->get, m)) {
		m->boxed = true;
		if (m->label.type == FAMEZ_TYPE_DATA)
			return true;
		famez_inbox_unbox(in, slot, m);	/* padding */
	}
	return false;
}

/**
 * famez_inbox_stash() - move a message from the ring to its port's box
 *
 * Return: false when it has no room there, as the sender sent more than it was
 * granted
 */
static inline bool famez_inbox_stash(struct famez_inbox *in,
				     const struct famez_message *m)
{
	struct famez_box *box = in->box[m->label.slot];
	__u8 *payload;

	if (!box || famez_tx_reserve(&box->put, m->length, &payload))
		return false;
	memcpy(payload, m->payload, m->length);
	famez_tx_commit(&box->put, &m->label, m->length);
	famez_inbox_take(in, m);
	return true;
}

/** famez_inbox_read() - a program has read a message: grant its room again */
static inline void famez_inbox_read(struct famez_inbox *in,
				    const struct famez_message *m)
{
	__u32 slot = m->label.slot;
	struct famez_box *box = in->box[slot];
	bool stale = m->boxed && box->stale;

	if (m->boxed)
		famez_inbox_unbox(in, slot, m);
	else
		famez_inbox_advance(in, m);
	if (!in->rx.own || !box)
		return;
	/*
	 * Counting by what the sender says it sent heals the window when records
	 * were spoilt; a sender that lies has its own window to lose, and no more
	 * than that: what does not fit its box is not taken out of its ring.
	 */
	if (!stale)
		box->read = m->label.sent;
	famez_inbox_skip_lost(box);
	famez_inbox_grant(in, slot);
	famez_inbox_regrant(in, slot);
}

/* ---- Draining ------------------------------------------------------------------ */

/* Could what was asked for not be done, for lack of room in a box? */
static inline bool famez_inbox_drain_left(const struct famez_inbox *in)
{
	return (__s32)(in->rx.drained - in->rx.tail) > 0;
}

/** famez_inbox_drain_to() - how far does the sender ask it to be emptied? */
static inline __u32 famez_inbox_drain_to(const struct famez_inbox *in)
{
	return famez_load_acquire(&in->rx.theirs->drain);
}

/**
 * famez_inbox_drain_for() - for which port does the sender ask to be helped?
 *
 * Its place, or anything: a hint.
 */
static inline __u32 famez_inbox_drain_for(const struct famez_inbox *in)
{
	return famez_load(&in->rx.theirs->drain_slot);
}

/**
 * famez_inbox_drain_wanted() - is the ring to be emptied into the boxes?
 *
 * It is when the sender asks anew, and as long as what it asked for could not be
 * done for lack of room.
 */
static inline bool famez_inbox_drain_wanted(const struct famez_inbox *in)
{
	__u32 drain = famez_load(&in->rx.theirs->drain);

	if (!famez_rx_ready(&in->rx))
		return false;
	return drain != in->rx.drained || famez_inbox_drain_left(in);
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
	__u32 slot;

	if (!famez_rx_ready(&in->rx))
		return;
	if (drain != in->rx.drained || before != in->rx.tail)
		in->ring = true;
	in->rx.drained = drain;
	for (slot = 0; slot < in->ports->used; slot++)
		famez_inbox_regrant(in, slot);
}

/** famez_inbox_arm() - ask to be rung for the next record; then look again */
static inline void famez_inbox_arm(struct famez_inbox *in)
{
	if (in->rx.own)
		famez_rx_arm(&in->rx);
}

/**
 * famez_inbox_refresh() - put right what strangers have spoilt in our half
 * @in: the inbox
 *
 * Return: true when the sender must be rung, as it may have seen that
 */
static inline bool famez_inbox_refresh(struct famez_inbox *in)
{
	bool spoilt = false;
	__u32 i;

	if (!in->rx.own)
		return false;
	/* of places that nobody has, too: a sender believes what it reads there */
	for (i = 0; i < FAMEZ_GRANTS; i++) {
		struct famez_grant *g = &in->rx.mine->grants[i];
		const struct famez_port_id *id = &in->ports->slot[i];

		spoilt |= famez_restore(&g->port, id->port);
		spoilt |= famez_restore(&g->incarnation, id->incarnation);
		if (in->box[i])
			spoilt |= famez_restore(&g->limit, in->box[i]->limit);
	}
	return famez_rx_refresh(&in->rx) || spoilt;
}

/* ---- Ports and generations ------------------------------------------------------ */

/**
 * famez_inbox_close() - a port has been closed
 * @in: the inbox
 * @slot: its place, where the table still has its owner
 * @tell: the half may still be written
 * @box: the memory of its box, for the caller to free; NULL when there is none
 *
 * What it had not read is discarded, and counted.
 *
 * Return: true when the sender must be rung: it may wait for the port, and has to
 * be told of what was lost
 */
static inline bool famez_inbox_close(struct famez_inbox *in, __u32 slot,
				     bool tell, struct famez_box **box)
{
	struct famez_grant *g = &in->rx.mine->grants[slot];
	struct famez_message m;

	tell = tell && in->rx.own;
	*box = in->box[slot];
	if (tell) {
		famez_store(&g->read, *box ? (*box)->read :
					     famez_inbox_start(in, slot));
		famez_store_release(&g->incarnation, 0);
	}
	while (famez_inbox_peek_box(in, slot, &m)) {
		in->discarded++;
		famez_rx_consume(&(*box)->get, &m);
	}
	in->box[slot] = NULL;
	return tell;
}

/**
 * famez_inbox_pair() - set it up for a pair of generations
 * @in: the inbox, with boxes, drained
 * @own: own generation
 * @other: the sender's; 0: down
 *
 * Return: true when the half changed, and the sender must be rung
 */
static inline bool famez_inbox_pair(struct famez_inbox *in, __u32 own,
				    __u32 other)
{
	__u32 slot;

	if (!famez_rx_unpair(&in->rx, own, other))
		return false;
	for (slot = 0; slot < FAMEZ_GRANTS; slot++) {
		if (in->box[slot])
			famez_box_begin(in, slot);
		famez_inbox_publish(in, slot);
	}
	famez_rx_pair(&in->rx);
	return true;
}

#endif /* _FAMEZ_INBOX_H */
