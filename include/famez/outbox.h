/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * The sending end of a channel: its ring, and what may be sent to which port of
 * the receiver.  Used by the driver, the library and the switch.
 *
 * The receiver's half has a place for each of its open ports, with the bytes that
 * may have been sent there: its grant.  Ours has an ask beside each: what was
 * sent, and what we wait for.
 *
 * A message needs the port's grant and the ring's room.  Who lacks the first
 * waits for that alone, then for the second: famez_out_wait().
 *
 * A sender that finds no room which programs could make by reading asks for help
 * (famez_out_help()): it has the ring emptied.
 */
#ifndef _FAMEZ_OUTBOX_H
#define _FAMEZ_OUTBOX_H

#include <famez/ring.h>

#define FAMEZ_OUT_LOST	8

/**
 * struct famez_out_port - what we know of one of the receiver's ports
 * @port: the port
 * @incarnation: whose counts these are, 0: nobody's, but for port 0
 * @sent: bytes of records sent to it
 * @ask_sent: what our half says
 * @ask_want: likewise
 * @helped: the ring's head when famez_out_help() last asked
 */
struct famez_out_port {
	__u32 port;
	__u32 incarnation;
	__u32 sent;
	__u32 ask_sent;
	__u32 ask_want;
	__u32 helped;
};

/**
 * struct famez_outbox - the sending end of a channel
 * @tx: its ring; no data: there is no channel
 * @ports: by place in the receiver's half; port 0 has the first
 * @data: the ring's head behind the last of programs' messages
 * @known: no port is known at this place or behind it
 * @losses: how many @lost there are
 * @lost: ports that were closed with something unread, which no sender has been
 *	told; the oldest is forgotten when there are too many
 */
struct famez_outbox {
	struct famez_tx tx;
	struct famez_out_port ports[FAMEZ_GRANTS];
	__u32 data;
	__u32 known;
	__u32 losses;
	__u16 lost[FAMEZ_OUT_LOST];
};

static inline __u32 famez_out_start(const struct famez_outbox *out,
				    __u32 incarnation)
{
	return FAMEZ_PORT_START(FAMEZ_RING_START(out->tx.own, out->tx.other),
				incarnation);
}

static inline void famez_out_ask(struct famez_outbox *out, __u32 slot,
				 __u32 want)
{
	struct famez_out_port *p = &out->ports[slot];

	p->ask_sent = p->sent;
	p->ask_want = want;
	famez_store(&out->tx.mine->asks[slot].want, p->ask_want);
	famez_store(&out->tx.mine->asks[slot].sent, p->ask_sent);
}

/* Whose place is it?  The port, and its incarnation; 0 when it is closed. */
static inline __u32 famez_out_owner(const struct famez_outbox *out, __u32 slot,
				    __u32 *port)
{
	const struct famez_grant *g = &out->tx.theirs->grants[slot];
	__u32 incarnation = famez_load_acquire(&g->incarnation);

	*port = famez_load_acquire(&g->port);
	/* both of the same owner? if not, it is just opened: not yet */
	return famez_load(&g->incarnation) == incarnation ? incarnation : 0;
}

/* Is this place still that of the owner whom we know? */
static inline bool famez_out_valid(const struct famez_outbox *out, __u32 slot)
{
	const struct famez_out_port *p = &out->ports[slot];
	__u32 port;

	return famez_out_owner(out, slot, &port) == p->incarnation &&
	       port == p->port;
}

/*
 * Did the owner that we know of a place leave something of ours unread when it
 * closed it?  The place tells, until it is another's: then we say so of all.
 */
static inline bool famez_out_unread(const struct famez_outbox *out, __u32 slot)
{
	const struct famez_out_port *p = &out->ports[slot];
	__u32 read = famez_load(&out->tx.theirs->grants[slot].read);
	__u32 port;

	if (!famez_out_owner(out, slot, &port) && port == p->port)
		return read != p->sent;
	return p->sent != famez_out_start(out, p->incarnation);
}

static inline void famez_out_forget(struct famez_outbox *out, __u32 slot)
{
	struct famez_out_port *p = &out->ports[slot];

	if (famez_out_unread(out, slot)) {
		if (out->losses == FAMEZ_OUT_LOST)
			memmove(out->lost, out->lost + 1,
				--out->losses * sizeof(out->lost[0]));
		out->lost[out->losses++] = p->port;
	}
	p->incarnation = 0;
}

/* Is there a loss to be told of a port?  Once. */
static inline bool famez_out_lost(struct famez_outbox *out, __u32 port)
{
	__u32 i;

	for (i = 0; i < out->losses; i++) {
		if (out->lost[i] != port)
			continue;
		out->lost[i] = out->lost[--out->losses];
		return true;
	}
	return false;
}

/**
 * famez_out_sweep() - take note of ports that were closed
 * @out: the sending end
 */
static inline void famez_out_sweep(struct famez_outbox *out)
{
	__u32 slot;

	if (!famez_tx_ready(&out->tx))
		return;
	for (slot = 1; slot < out->known; slot++)
		if (out->ports[slot].incarnation && !famez_out_valid(out, slot))
			famez_out_forget(out, slot);
}

/* Begins to count for the present owner of a port. */
static inline void famez_out_know(struct famez_outbox *out, __u32 slot,
				  __u32 port, __u32 incarnation)
{
	struct famez_out_port *p = &out->ports[slot];

	if (p->incarnation)
		famez_out_forget(out, slot);
	p->port = port;
	p->incarnation = incarnation;
	p->sent = famez_out_start(out, incarnation);
	p->helped = out->tx.head - 1;	/* no head: not asked yet */
	if (out->known <= slot)
		out->known = slot + 1;
	famez_out_ask(out, slot, p->sent - 1);
}

/* The place of a port that is open, by the receiver's table; 0: none. */
static inline __u32 famez_out_scan(const struct famez_outbox *out, __u32 port,
				   __u32 *incarnation)
{
	__u32 slot, theirs;

	for (slot = 1; slot < FAMEZ_GRANTS; slot++) {
		*incarnation = famez_out_owner(out, slot, &theirs);
		if (*incarnation && theirs == port)
			return slot;
	}
	return 0;
}

/* The place at which we know a port; 0: none. */
static inline __u32 famez_out_known(const struct famez_outbox *out, __u32 port)
{
	__u32 slot;

	for (slot = 1; slot < out->known; slot++)
		if (out->ports[slot].port == port &&
		    out->ports[slot].incarnation)
			return slot;
	return 0;
}

/**
 * famez_out_find() - where is the grant of a port?
 * @out: the sending end
 * @port: the port
 * @slot: its place, on 0
 *
 * Return: 0, -ECONNREFUSED when it is closed, -ECONNRESET, once, when it was
 * closed since and had not read all; -EAGAIN while the receiver is not ready
 */
static inline int famez_out_find(struct famez_outbox *out, __u32 port,
				 __u32 *slot)
{
	__u32 incarnation;

	*slot = 0;
	if (!port)
		return 0;
	if (!famez_tx_ready(&out->tx))
		return -EAGAIN;
	*slot = famez_out_known(out, port);
	if (*slot && famez_out_valid(out, *slot))
		return 0;
	if (*slot)
		famez_out_forget(out, *slot);
	if (famez_out_lost(out, port))
		return -ECONNRESET;
	*slot = famez_out_scan(out, port, &incarnation);
	if (!*slot)
		return -ECONNREFUSED;
	famez_out_know(out, *slot, port, incarnation);
	return 0;
}

/**
 * famez_out_probe() - is a port open?
 * @out: the sending end
 * @port: the port
 *
 * What there is to be told of it is left for who sends.
 *
 * Return: 0, -ECONNREFUSED; -EAGAIN while the receiver is not ready
 */
static inline int famez_out_probe(const struct famez_outbox *out, __u32 port)
{
	__u32 incarnation;

	if (!famez_tx_ready(&out->tx))
		return -EAGAIN;
	return !port || famez_out_scan(out, port, &incarnation) ? 0 : -ECONNREFUSED;
}

/**
 * famez_out_granted() - may a port be sent a message now?
 * @out: the sending end
 * @slot: its place
 * @length: bytes of the message
 */
static inline bool famez_out_granted(const struct famez_outbox *out, __u32 slot,
				     __u32 length)
{
	const struct famez_grant *g = &out->tx.theirs->grants[slot];
	__u32 room = famez_load_acquire(&g->limit) - out->ports[slot].sent;

	/* a limit behind what was sent is garbage, and means no */
	return room <= 0x7fffffff && room >= famez_record_size(length);
}

/**
 * famez_out_room() - may a message be written now, and where?
 * @out: the sending end
 * @type: %FAMEZ_TYPE_DATA and so on; only data needs a grant
 * @slot: the port's place
 * @length: bytes of the message
 * @payload: as famez_tx_reserve()
 *
 * Return: as famez_tx_reserve(), -EMSGSIZE also when the receiver takes none of that
 * length, and -EAGAIN while the receiver is not ready or grants nothing
 */
static inline int famez_out_room(struct famez_outbox *out, __u16 type,
				 __u32 slot, __u32 length, __u8 **payload)
{
	__u32 said = famez_load(&out->tx.theirs->message_max);
	int err;

	/* it would wait for room to no end; what was said before it was ready says nothing */
	if (type == FAMEZ_TYPE_DATA && length > famez_message_max(said) &&
	    famez_tx_ready(&out->tx))
		return -EMSGSIZE;
	err = famez_tx_reserve(&out->tx, length, payload);
	if (err)
		return err;
	if (!famez_tx_ready(&out->tx) ||
	    (type == FAMEZ_TYPE_DATA && !famez_out_granted(out, slot, length)))
		return -EAGAIN;
	return 0;
}

/**
 * famez_out_commit() - hand over what was written into famez_out_room()
 * @out: the sending end
 * @type: %FAMEZ_TYPE_DATA and so on
 * @slot: the port's place
 * @sport: the own port
 * @length: bytes of the message
 */
static inline void famez_out_commit(struct famez_outbox *out, __u16 type,
				    __u32 slot, __u32 sport, __u32 length)
{
	struct famez_out_port *p = &out->ports[slot];
	struct famez_label label = { .type = type };

	if (type == FAMEZ_TYPE_DATA) {
		p->sent += famez_record_size(length);
		label.sport = sport;
		label.dport = p->port;
		label.slot = slot;
		label.incarnation = p->incarnation;
		label.sent = p->sent;
	}
	famez_tx_commit(&out->tx, &label, length);
	if (type == FAMEZ_TYPE_DATA)
		out->data = out->tx.head;
}

/**
 * famez_out_in_flight() - is a program's message on its way that has not been read?
 * @out: the sending end
 *
 * Nobody misses what is not for a program: it is asked for again.
 */
static inline bool famez_out_in_flight(const struct famez_outbox *out)
{
	const struct famez_tx *tx = &out->tx;

	if (!tx->own)
		return false;
	if (famez_tx_ready(tx))
		return (__s32)(out->data - famez_load(&tx->theirs->tail)) > 0;
	/* it has left our pair behind, and does not tell how far it came */
	return out->data != FAMEZ_RING_START(tx->own, tx->other);
}

/**
 * famez_out_refresh() - put right what strangers have spoilt in our half
 * @out: the sending end
 *
 * Return: true when the receiver must be rung, as it may have seen that
 */
static inline bool famez_out_refresh(struct famez_outbox *out)
{
	struct famez_ask *asks = out->tx.mine ? out->tx.mine->asks : NULL;
	bool spoilt = false;
	__u32 i;

	if (!out->tx.own)
		return false;
	for (i = 0; i < out->known; i++) {
		spoilt |= famez_restore(&asks[i].sent, out->ports[i].ask_sent);
		spoilt |= famez_restore(&asks[i].want, out->ports[i].ask_want);
	}
	return famez_tx_refresh(&out->tx) || spoilt;
}

/**
 * famez_out_drain() - have the ring emptied, as famez_tx_drain()
 * @out: the sending end
 * @slot: of the port that waits for it
 */
static inline void famez_out_drain(struct famez_outbox *out, __u32 slot)
{
	famez_out_ask(out, slot, out->ports[slot].ask_want);
	famez_store(&out->tx.mine->drain_slot, slot);
	famez_tx_drain(&out->tx);
}

/**
 * famez_out_help() - does a message that finds no room need the receiver's help?
 * @out: the sending end
 * @type: %FAMEZ_TYPE_DATA and so on; only data waits for a grant
 * @slot: the port's place
 * @length: bytes of the message
 *
 * It does where not programs that have yet to read stand in the way: the ring
 * is full while the port has room, the port has none while nothing is on its
 * way, or the receiver's half is not what it should be.  The receiver rings
 * when it has done what it could, and goes on with it when it can do more: so it
 * is asked once.  Two that wait for each other would else wake each other by
 * asking, for ever.
 *
 * Return: true when the caller must ring
 */
static inline bool famez_out_help(struct famez_outbox *out, __u16 type,
				  __u32 slot, __u32 length)
{
	struct famez_tx *tx = &out->tx;
	__u32 used = tx->head - famez_load(&tx->theirs->tail);
	bool spoilt = famez_out_refresh(out);

	if (type == FAMEZ_TYPE_DATA && !famez_out_granted(out, slot, length) &&
	    famez_tx_ready(tx) && used && used <= tx->size)
		return spoilt;
	if (out->ports[slot].helped == tx->head && famez_tx_ready(tx) &&
	    used <= tx->size)
		return spoilt;
	out->ports[slot].helped = tx->head;
	famez_out_drain(out, slot);
	return true;
}

/**
 * famez_out_wait() - ask to be rung when a message may find its room
 * @out: the sending end
 * @slot: the port's place
 * @length: bytes of the message, a program's
 *
 * After this, the caller tries once more before it sleeps.  One sleeper at a
 * time for each port, and one of those who are granted and wait for the ring.
 *
 * Return: true when the caller must ring, see famez_out_help()
 */
static inline bool famez_out_wait(struct famez_outbox *out, __u32 slot,
				  __u32 length)
{
	bool help;

	if (!famez_out_granted(out, slot, length)) {
		famez_out_ask(out, slot, out->ports[slot].sent +
					 famez_record_size(length) - 1);
		famez_mb();	/* of two, one sees what the other has stored */
	}
	/* granted by now? then nobody rings for that, and the ring may be full */
	if (famez_out_granted(out, slot, length))
		famez_tx_wait(&out->tx, length);
	help = famez_out_help(out, FAMEZ_TYPE_DATA, slot, length);
	famez_mb();	/* the event is there before the last look */
	return help;
}

/** famez_out_unwait() - take famez_out_wait() back for a port's grant */
static inline void famez_out_unwait(struct famez_outbox *out, __u32 slot)
{
	famez_out_ask(out, slot, out->ports[slot].sent - 1);
}

/**
 * famez_out_spoilt() - has a stranger written into our half?
 * @out: the sending end
 *
 * A look without a lock, at what the receiver rings for: who sends meanwhile may
 * be taken for one.
 */
static inline bool famez_out_spoilt(const struct famez_outbox *out)
{
	const struct famez_tx *tx = &out->tx;

	return tx->own && (famez_load(&tx->mine->head) != tx->head ||
			   famez_load(&tx->mine->generation) != tx->own ||
			   famez_load(&tx->mine->accepted) != tx->other);
}

/**
 * famez_out_pair() - set it up for a pair of generations, as famez_tx_pair()
 * @out: the sending end
 * @own: own generation, 0 takes the channel down
 * @other: the receiver's generation, 0 when it is not up
 *
 * Return: true when the half changed, and the receiver must be rung
 */
static inline bool famez_out_pair(struct famez_outbox *out, __u32 own,
				  __u32 other)
{
	__u32 i;

	if (!famez_tx_unpair(&out->tx, own, other))
		return false;
	for (i = 0; i < FAMEZ_GRANTS; i++)
		out->ports[i].incarnation = 0;
	out->known = 0;
	out->losses = 0;
	famez_out_know(out, 0, 0, 0);
	out->data = out->tx.head;
	famez_tx_pair(&out->tx);
	return true;
}

#endif /* _FAMEZ_OUTBOX_H */
