/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * The ring: one sender, one receiver, in memory that both can spoil.  Used by
 * the driver, the library, the switch and the tests.
 *
 * A side trusts its own state (struct famez_tx, struct famez_rx), which lies in
 * its own memory, and takes from shared memory only what it has checked.  None
 * of these functions sleeps, rings, allocates or loops more often than a ring
 * has records.  The caller sees to it that one thread at a time uses a side.
 *
 * Who waits says so: the receiver in data_event (famez_rx_arm()), the sender in
 * space_event and an ask (famez_tx_wait()).  Each then looks once more; the
 * other side moves its index first, and looks at the event afterwards.  With a
 * full barrier on both sides, one of the two sees the other.
 *
 * A sender that finds no room which programs could make by reading asks for
 * help (famez_tx_help()): it stores in drain how far the ring is to be emptied,
 * and rings.  The receiver answers each new value of drain by a ring, whatever
 * it could do; so who asked may wait for that.
 *
 * What a stranger spoils in a half, its owner puts right when it is next rung
 * or waits (famez_tx_refresh(), famez_rx_refresh()), and rings if it had to.
 */
#ifndef _FAMEZ_RING_H
#define _FAMEZ_RING_H

#include <famez/shm.h>

#define FAMEZ_RECORD_HEADER	((__u32)sizeof(struct famez_record))

/**
 * struct famez_tx - the sending side of a channel
 * @mine: own half, in shared memory
 * @theirs: the receiver's half
 * @data: the ring
 * @size: bytes in @data, a power of two
 * @own: own generation, 0 while the channel is down
 * @other: the receiver's generation
 * @head: bytes committed
 * @asked: @head when famez_tx_must_ring() was last asked
 * @sent: bytes of records sent to port 0
 * @drain: what our half says, as the next three
 * @space_event: likewise
 * @ask_sent: likewise
 * @ask_want: likewise
 * @helped: @head when famez_tx_help() last asked
 */
struct famez_tx {
	struct famez_tx_half *mine;
	const struct famez_rx_half *theirs;
	__u8 *data;
	__u32 size;
	__u32 own;
	__u32 other;
	__u32 head;
	__u32 asked;
	__u32 sent;
	__u32 drain;
	__u32 space_event;
	__u32 ask_sent;
	__u32 ask_want;
	__u32 helped;
};

/**
 * struct famez_rx - the receiving side of a channel
 * @mine: own half, in shared memory
 * @theirs: the sender's half
 * @data: the ring
 * @size: bytes in @data, a power of two
 * @own: own generation, 0 while the channel is down
 * @other: the sender's generation
 * @tail: bytes read
 * @asked: @tail when famez_rx_must_ring() was last asked
 * @window: bytes of records that may be on their way to port 0 at a time
 * @limit: what port 0's grant says
 * @limit_asked: @limit when famez_rx_must_ring() was last asked
 * @event: what our half says in data_event
 * @drained: the last drain of the sender's that was answered
 */
struct famez_rx {
	struct famez_rx_half *mine;
	const struct famez_tx_half *theirs;
	const __u8 *data;
	__u32 size;
	__u32 own;
	__u32 other;
	__u32 tail;
	__u32 asked;
	__u32 window;
	__u32 limit;
	__u32 limit_asked;
	__u32 event;
	__u32 drained;
};

/**
 * struct famez_message - a record found by famez_rx_peek(), checked
 * @payload: its bytes, in the ring: still the sender's to change
 * @next: the tail behind it
 * @length: bytes of @payload
 * @sent: the sender's count of bytes, this record included
 * @type: %FAMEZ_TYPE_DATA and so on; may be unknown
 * @sport: the sender's port
 * @dport: the receiver's port
 * @buffered: it is in the port's buffer, not in the ring (<famez/inbox.h>)
 */
struct famez_message {
	const __u8 *payload;
	__u32 next;
	__u32 length;
	__u32 sent;
	__u16 type;
	__u16 sport;
	__u16 dport;
	bool buffered;
};

/** famez_record_size() - bytes that a message of @length takes in a ring */
static inline __u32 famez_record_size(__u32 length)
{
	return (FAMEZ_RECORD_HEADER + length + 7) & ~7U;
}

/**
 * famez_ring_longest() - the longest message for a ring of @size bytes
 *
 * Half the ring, so that a message finds its room in one piece wherever the
 * indexes stand.
 */
static inline __u32 famez_ring_longest(__u32 size)
{
	return size / 2 - FAMEZ_RECORD_HEADER;
}

/* ---- Sender -------------------------------------------------------------- */

/* Bytes from the head to the end of the ring that a record cannot use. */
static inline __u32 famez_tx_pad(const struct famez_tx *tx, __u32 record)
{
	__u32 left = tx->size - (tx->head & (tx->size - 1));

	return left < record ? left : 0;
}

/**
 * famez_tx_ready() - has the receiver set up its half for this generation?
 * @tx: the sending side
 *
 * Return: true while records may be written
 */
static inline bool famez_tx_ready(const struct famez_tx *tx)
{
	return tx->own &&
	       famez_load_acquire(&tx->theirs->accepted) == tx->own &&
	       famez_load(&tx->theirs->generation) == tx->other;
}

/**
 * famez_tx_granted() - may port 0 be sent a message now?
 * @tx: the sending side
 * @length: bytes of the message
 */
static inline bool famez_tx_granted(const struct famez_tx *tx, __u32 length)
{
	__u32 room = famez_load_acquire(&tx->theirs->grants[0].limit) - tx->sent;

	/* a limit behind what was sent is garbage, and means no */
	return room <= 0x7fffffff && room >= famez_record_size(length);
}

/**
 * famez_tx_reserve() - find room for a message
 * @tx: the sending side
 * @length: bytes of the message
 * @payload: where to write it, before famez_tx_commit()
 *
 * Reserving changes nothing: a caller that cannot fill the room walks away.
 *
 * Return: 0, -EMSGSIZE when no ring of this size takes it, -EAGAIN when the
 * ring is full now (or the receiver's index is garbage)
 */
static inline int famez_tx_reserve(const struct famez_tx *tx, __u32 length,
				   __u8 **payload)
{
	__u32 record, pad, used;

	if (length > famez_ring_longest(tx->size))
		return -EMSGSIZE;
	record = famez_record_size(length);
	pad = famez_tx_pad(tx, record);
	used = tx->head - famez_load_acquire(&tx->theirs->tail);
	if (used > tx->size || tx->size - used < pad + record)
		return -EAGAIN;
	*payload = tx->data + ((tx->head + pad) & (tx->size - 1)) +
		   FAMEZ_RECORD_HEADER;
	return 0;
}

static inline void famez_tx_header(struct famez_tx *tx, __u16 type,
				   __u32 length)
{
	struct famez_record record = {
		.length = famez_to_le32(length),
		.type = famez_to_le16(type),
		.sent = famez_to_le32(tx->sent),
	};

	memcpy(tx->data + (tx->head & (tx->size - 1)), &record, sizeof(record));
}

/**
 * famez_tx_commit() - hand a message over
 * @tx: the sending side
 * @type: %FAMEZ_TYPE_DATA and so on; data counts against port 0's grant
 * @length: bytes of the message, as reserved
 */
static inline void famez_tx_commit(struct famez_tx *tx, __u16 type,
				   __u32 length)
{
	__u32 record = famez_record_size(length);
	__u32 pad = famez_tx_pad(tx, record);

	if (pad >= FAMEZ_RECORD_HEADER)
		famez_tx_header(tx, FAMEZ_TYPE_PAD, pad - FAMEZ_RECORD_HEADER);
	tx->head += pad;
	if (type == FAMEZ_TYPE_DATA)
		tx->sent += record;
	famez_tx_header(tx, type, length);
	tx->head += record;
	famez_store_release(&tx->mine->head, tx->head);
}

/**
 * famez_tx_must_ring() - does the receiver sleep for what was committed?
 * @tx: the sending side
 *
 * Return: true when the receiver must be rung
 */
static inline bool famez_tx_must_ring(struct famez_tx *tx)
{
	__u32 before = tx->asked;

	famez_mb();
	tx->asked = tx->head;
	return famez_passed(famez_load(&tx->theirs->data_event), tx->head,
			    before);
}

/**
 * famez_tx_refresh() - put right what strangers have spoilt in our half
 * @tx: the sending side
 *
 * Return: true when the receiver must be rung, as it may have seen that
 */
static inline bool famez_tx_refresh(struct famez_tx *tx)
{
	bool spoilt;

	if (!tx->own)
		return false;
	spoilt = famez_restore(&tx->mine->head, tx->head);
	spoilt |= famez_restore(&tx->mine->drain, tx->drain);
	spoilt |= famez_restore(&tx->mine->space_event, tx->space_event);
	spoilt |= famez_restore(&tx->mine->asks[0].sent, tx->ask_sent);
	spoilt |= famez_restore(&tx->mine->asks[0].want, tx->ask_want);
	spoilt |= famez_restore(&tx->mine->generation, tx->own);
	famez_wmb();	/* the indexes before the pair that makes them valid */
	spoilt |= famez_restore(&tx->mine->accepted, tx->other);
	return spoilt;
}

/**
 * famez_tx_drain() - ask the receiver to empty the ring as far as it stands
 * @tx: the sending side
 *
 * For what its driver must see even when no program reads.  The caller rings.
 */
static inline void famez_tx_drain(struct famez_tx *tx)
{
	tx->ask_sent = tx->sent;
	tx->drain = tx->head;
	famez_store(&tx->mine->asks[0].sent, tx->ask_sent);
	famez_store_release(&tx->mine->drain, tx->drain);
}

/**
 * famez_tx_help() - does a message that finds no room need the receiver's help?
 * @tx: the sending side
 * @type: %FAMEZ_TYPE_DATA and so on; only data waits for a grant
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
static inline bool famez_tx_help(struct famez_tx *tx, __u16 type, __u32 length)
{
	__u32 used = tx->head - famez_load(&tx->theirs->tail);
	bool spoilt = famez_tx_refresh(tx);

	if (type == FAMEZ_TYPE_DATA && !famez_tx_granted(tx, length) &&
	    famez_tx_ready(tx) && used && used <= tx->size)
		return spoilt;
	if (tx->helped == tx->head && famez_tx_ready(tx) && used <= tx->size)
		return spoilt;
	tx->helped = tx->head;
	famez_tx_drain(tx);
	return true;
}

static inline void famez_tx_set_events(struct famez_tx *tx, __u32 space,
				       __u32 want)
{
	tx->space_event = space;
	tx->ask_want = want;
	tx->ask_sent = tx->sent;
	famez_store(&tx->mine->space_event, tx->space_event);
	famez_store(&tx->mine->asks[0].want, tx->ask_want);
	famez_store(&tx->mine->asks[0].sent, tx->ask_sent);
}

/**
 * famez_tx_wait() - ask to be rung when there is room for a message
 * @tx: the sending side
 * @length: bytes of the message, a program's
 *
 * After this, the caller tries once more before it sleeps.  One sleeper at a
 * time can leave its events.
 *
 * Return: true when the caller must ring, see famez_tx_help()
 */
static inline bool famez_tx_wait(struct famez_tx *tx, __u32 length)
{
	__u32 record = famez_record_size(length);
	bool help;

	famez_tx_set_events(tx, tx->head + famez_tx_pad(tx, record) + record -
			    tx->size - 1, tx->sent + record - 1);
	help = famez_tx_help(tx, FAMEZ_TYPE_DATA, length);
	famez_mb();
	return help;
}

/**
 * famez_tx_unwait() - take famez_tx_wait() back
 * @tx: the sending side
 *
 * Without this, a wait that ended otherwise leaves events behind that ring for
 * nothing.
 */
static inline void famez_tx_unwait(struct famez_tx *tx)
{
	famez_tx_set_events(tx, tx->head - tx->size - 1, tx->sent - 1);
}

/**
 * famez_tx_pair() - set the own half up for a pair of generations
 * @tx: the sending side
 * @own: own generation, 0 takes the channel down
 * @other: the receiver's generation, 0 when it is not up
 *
 * What was in flight for the former pair is gone for the receiver.
 *
 * Return: true when the half changed, and the receiver must be rung
 */
static inline bool famez_tx_pair(struct famez_tx *tx, __u32 own, __u32 other)
{
	if (!own || !other) {
		own = 0;
		other = 0;
	}
	if (tx->own == own && tx->other == other)
		return false;
	famez_store(&tx->mine->accepted, 0);
	famez_wmb();	/* no new index is seen under the old pair */
	tx->own = own;
	tx->other = other;
	tx->head = FAMEZ_RING_START(own, other);
	tx->asked = tx->head;
	tx->sent = tx->head;
	tx->drain = tx->head;
	tx->helped = tx->head - 1;	/* no head: not asked yet */
	famez_store(&tx->mine->head, tx->head);
	famez_store(&tx->mine->drain, tx->drain);
	famez_tx_unwait(tx);
	famez_store(&tx->mine->generation, own);
	famez_store_release(&tx->mine->accepted, other);
	return true;
}

/**
 * famez_tx_in_flight() - is something on its way that has not been read?
 * @tx: the sending side
 */
static inline bool famez_tx_in_flight(const struct famez_tx *tx)
{
	if (!tx->own)
		return false;
	if (famez_tx_ready(tx))
		return famez_load(&tx->theirs->tail) != tx->head;
	/* it has left our pair behind, and does not tell how far it came */
	return tx->head != FAMEZ_RING_START(tx->own, tx->other);
}

/**
 * famez_tx_room() - may a message be written now, and where?
 * @tx: the sending side
 * @type: %FAMEZ_TYPE_DATA and so on
 * @length: bytes of the message
 * @payload: as famez_tx_reserve()
 *
 * Return: as famez_tx_reserve(), and -EAGAIN while the receiver is not ready or
 * grants nothing
 */
static inline int famez_tx_room(const struct famez_tx *tx, __u16 type,
				__u32 length, __u8 **payload)
{
	int err = famez_tx_reserve(tx, length, payload);

	if (err)
		return err;
	if (!famez_tx_ready(tx) ||
	    (type == FAMEZ_TYPE_DATA && !famez_tx_granted(tx, length)))
		return -EAGAIN;
	return 0;
}

/* ---- Receiver ------------------------------------------------------------ */

/** famez_rx_ready() - has the sender set up its half for this generation? */
static inline bool famez_rx_ready(const struct famez_rx *rx)
{
	return rx->own &&
	       famez_load_acquire(&rx->theirs->accepted) == rx->own &&
	       famez_load(&rx->theirs->generation) == rx->other;
}

/* The checked header at an offset, or false.  It is read once, into a copy. */
static inline bool famez_rx_header(const struct famez_rx *rx, __u32 tail,
				   __u32 room, struct famez_message *m)
{
	const __u8 *at = rx->data + (tail & (rx->size - 1));
	struct famez_record record;

	if (room < sizeof(record))
		return false;
	famez_copy_in(&record, at, sizeof(record));
	m->length = famez_le32(record.length);
	if (m->length > room - FAMEZ_RECORD_HEADER ||
	    famez_record_size(m->length) > room)
		return false;
	m->payload = at + FAMEZ_RECORD_HEADER;
	m->next = tail + famez_record_size(m->length);
	m->sent = famez_le32(record.sent);
	m->type = famez_le16(record.type);
	m->sport = famez_le16(record.sport);
	m->dport = famez_le16(record.dport);
	return true;
}

/*
 * The sender's head, or false.  The pair is checked on both sides of it: before,
 * lest a newborn receiver take the head of the former pair; after, as a newborn
 * sender ends the pair before it moves its head.
 */
static inline bool famez_rx_head(const struct famez_rx *rx, __u32 *head)
{
	if (!famez_rx_ready(rx))
		return false;
	*head = famez_load_acquire(&rx->theirs->head);
	return famez_rx_ready(rx);
}

/**
 * famez_rx_peek() - find the next record
 * @rx: the receiving side
 * @m: the record, on 0; its type may be any, %FAMEZ_TYPE_PAD too
 *
 * Return: 0, -EAGAIN when there is none, -EBADMSG when the ring holds garbage
 * (famez_rx_resync() goes on behind it)
 */
static inline int famez_rx_peek(const struct famez_rx *rx,
				struct famez_message *m)
{
	__u32 tail = rx->tail, head, left, room;

	if (!famez_rx_head(rx, &head) || head == tail)
		return -EAGAIN;
	if (head - tail > rx->size || head & 7)
		return -EBADMSG;
	left = rx->size - (tail & (rx->size - 1));
	if (left < FAMEZ_RECORD_HEADER) {
		/* no header has room there: the record is behind it */
		if (head - tail <= left)
			return -EBADMSG;
		tail += left;
		left = rx->size;
	}
	room = head - tail < left ? head - tail : left;
	m->buffered = false;
	if (!famez_rx_header(rx, tail, room, m))
		return -EBADMSG;
	return m->type == FAMEZ_TYPE_PAD ||
	       m->length <= famez_ring_longest(rx->size) ? 0 : -EBADMSG;
}

/**
 * famez_rx_consume() - give the ring's room of a message back
 * @rx: the receiving side
 * @m: the message that famez_rx_peek() just found; its payload is read
 */
static inline void famez_rx_consume(struct famez_rx *rx,
				    const struct famez_message *m)
{
	rx->tail = m->next;
	famez_store_release(&rx->mine->tail, rx->tail);
}

/**
 * famez_rx_grant() - port 0's program has read a message: grant its room again
 * @rx: the receiving side
 * @sent: famez_message.sent of what was read
 *
 * Counting by what the sender says it sent heals the window when records were
 * spoilt; a sender that lies has its own window to lose, and no more than
 * that: what does not fit its buffer is not taken out of its ring.
 */
static inline void famez_rx_grant(struct famez_rx *rx, __u32 sent)
{
	rx->limit = sent + rx->window;
	famez_store_release(&rx->mine->grants[0].limit, rx->limit);
}

/* Has the sender all that it waits for, with these indexes? */
static inline bool famez_rx_satisfies(const struct famez_rx *rx, __u32 tail,
				      __u32 limit)
{
	return (__s32)(tail - famez_load(&rx->theirs->space_event)) > 0 &&
	       (__s32)(limit - famez_load(&rx->theirs->asks[0].want)) > 0;
}

/**
 * famez_rx_must_ring() - does the sender sleep for the room that became free?
 * @rx: the receiving side
 *
 * Return: true once, when ring and grant have both become large enough for what
 * the sender waits with; it is not woken for half of it
 */
static inline bool famez_rx_must_ring(struct famez_rx *rx)
{
	__u32 tail = rx->asked, limit = rx->limit_asked;

	famez_mb();
	rx->asked = rx->tail;
	rx->limit_asked = rx->limit;
	return famez_rx_satisfies(rx, rx->tail, rx->limit) &&
	       !famez_rx_satisfies(rx, tail, limit);
}

/**
 * famez_rx_arm() - ask to be rung for the next record
 * @rx: the receiving side
 *
 * After this, the caller looks once more before it sleeps, and arms again if
 * that moved the tail.
 */
static inline void famez_rx_arm(struct famez_rx *rx)
{
	rx->event = rx->tail;
	famez_store(&rx->mine->data_event, rx->event);
	famez_mb();
}

/**
 * famez_rx_refresh() - put right what strangers have spoilt in our half
 * @rx: the receiving side
 *
 * Return: true when the sender must be rung, as it may have seen that
 */
static inline bool famez_rx_refresh(struct famez_rx *rx)
{
	bool spoilt;

	if (!rx->own)
		return false;
	spoilt = famez_restore(&rx->mine->tail, rx->tail);
	spoilt |= famez_restore(&rx->mine->data_event, rx->event);
	spoilt |= famez_restore(&rx->mine->grants[0].port, 0);
	spoilt |= famez_restore(&rx->mine->grants[0].incarnation, 0);
	spoilt |= famez_restore(&rx->mine->grants[0].limit, rx->limit);
	spoilt |= famez_restore(&rx->mine->generation, rx->own);
	famez_wmb();	/* the indexes before the pair that makes them valid */
	spoilt |= famez_restore(&rx->mine->accepted, rx->other);
	return spoilt;
}

/**
 * famez_rx_resync() - step over garbage
 * @rx: the receiving side
 *
 * Gives up what the ring holds, so that an honest sender can go on.  The caller
 * rings the sender, which may sleep for room that it now has.
 */
static inline void famez_rx_resync(struct famez_rx *rx)
{
	rx->tail = famez_load_acquire(&rx->theirs->head) & ~7U;
	rx->asked = rx->tail;
	famez_store_release(&rx->mine->tail, rx->tail);
}

/**
 * famez_rx_regrant() - give a window back that spoilt records have cost
 * @rx: the receiving side
 * @sent: what the sender says that it has sent
 *
 * Context: the sender has asked, and ring and buffer are empty, so all of the
 * window is free.  What is granted is never taken back.
 */
static inline void famez_rx_regrant(struct famez_rx *rx, __u32 sent)
{
	if ((__s32)(sent + rx->window - rx->limit) > 0)
		famez_rx_grant(rx, sent);
}

/**
 * famez_rx_pair() - set the own half up for a pair of generations
 * @rx: the receiving side
 * @own: own generation, 0 takes the channel down
 * @other: the sender's generation, 0 when it is not up
 * @window: bytes of records that may be on their way to port 0
 *
 * The half starts armed: the first message rings.
 *
 * Return: true when the half changed, and the sender must be rung
 */
static inline bool famez_rx_pair(struct famez_rx *rx, __u32 own, __u32 other,
				 __u32 window)
{
	if (!own || !other) {
		own = 0;
		other = 0;
	}
	if (rx->own == own && rx->other == other)
		return false;
	famez_store(&rx->mine->accepted, 0);
	famez_wmb();	/* no new index is seen under the old pair */
	rx->own = own;
	rx->other = other;
	rx->tail = FAMEZ_RING_START(own, other);
	rx->asked = rx->tail;
	rx->window = window;
	rx->limit = rx->tail + window;
	rx->limit_asked = rx->limit;
	rx->event = rx->tail;
	rx->drained = rx->tail;
	famez_store(&rx->mine->tail, rx->tail);
	famez_store(&rx->mine->data_event, rx->event);
	famez_store(&rx->mine->grants[0].port, 0);
	famez_store(&rx->mine->grants[0].incarnation, 0);
	famez_store(&rx->mine->grants[0].limit, rx->limit);
	famez_store(&rx->mine->generation, own);
	famez_store_release(&rx->mine->accepted, other);
	return true;
}

#endif /* _FAMEZ_RING_H */
