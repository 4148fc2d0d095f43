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
 * space_event (famez_tx_wait()) or in a port's ask (<famez/outbox.h>).  Each then
 * looks once more; the other side moves its index first, and looks at the event
 * afterwards.  With a full barrier on both sides, one of the two sees the other.
 *
 * What may be sent to which port, and what lies where until a program reads it,
 * is on top of this: <famez/outbox.h> and <famez/inbox.h>.
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
 * @room: the receiver's tail when it was last read: further on by now, if at all
 * @asked: @head when famez_tx_must_ring() was last asked
 * @drain: what our half says
 * @space_event: likewise
 */
struct famez_tx {
	struct famez_tx_half *mine;
	const struct famez_rx_half *theirs;
	__u8 *data;
	__u32 size;
	__u32 own;
	__u32 other;
	__u32 head;
	__u32 room;
	__u32 asked;
	__u32 drain;
	__u32 space_event;
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
 * @known: the sender's head when it was last read; what is before it is all there
 * @asked: @tail when famez_rx_must_ring() was last asked
 * @event: what our half says in data_event
 * @message_max: what our half says
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
	__u32 known;
	__u32 asked;
	__u32 event;
	__u32 message_max;
	__u32 drained;
};

#define FAMEZ_TYPE_UNKNOWN	0xffff	/* for us alone, of what is not to be understood */

/**
 * struct famez_label - what a record says of itself
 * @type: %FAMEZ_TYPE_DATA and so on; may be unknown
 * @lost: it is of %FAMEZ_TYPE_UNKNOWN, but its sender has counted it as data
 * @sport: the sender's port
 * @dport: the receiver's port
 * @slot: where the grant of @dport is
 * @incarnation: of @dport, as its grant said
 * @sent: the sender's count of bytes to @dport, this record included
 *
 * All but @type is of data only, 0 in other records.
 */
struct famez_label {
	__u16 type;
	bool lost;
	__u16 sport;
	__u16 dport;
	__u32 slot;
	__u32 incarnation;
	__u32 sent;
};

/**
 * struct famez_message - a record found by famez_rx_peek(), checked
 * @payload: its bytes, in the ring: still the sender's to change
 * @next: the tail behind it
 * @length: bytes of @payload
 * @label: what it is, and from where to where; unchecked
 * @boxed: it is in the port's box, not in the ring (<famez/inbox.h>)
 * @mail: it is in neither, as it came by a mailslot (<famez/mailslot.h>)
 */
struct famez_message {
	const __u8 *payload;
	__u32 next;
	__u32 length;
	struct famez_label label;
	bool boxed;
	bool mail;
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

/**
 * famez_message_max() - the longest message for a port, by what a receiver's half says
 *
 * All take FAMEZ_RX_MESSAGE_MAX, so that whoever writes there can keep nothing back that
 * can be sent today.
 */
static inline __u32 famez_message_max(__u32 said)
{
	return said > FAMEZ_RX_MESSAGE_MAX ? said : FAMEZ_RX_MESSAGE_MAX;
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

static inline bool famez_tx_has_room(const struct famez_tx *tx, __u32 bytes)
{
	return tx->size - (tx->head - tx->room) >= bytes;
}

/*
 * How far has the receiver come?  Only when there is no room by what was known: its
 * index lies in a cache line that it writes all the time.  False if that is garbage.
 */
static inline bool famez_tx_look(struct famez_tx *tx)
{
	__u32 tail = famez_load_acquire(&tx->theirs->tail);

	if (tx->head - tail > tx->size)
		return false;
	tx->room = tail;
	return true;
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
static inline int famez_tx_reserve(struct famez_tx *tx, __u32 length,
				   __u8 **payload)
{
	__u32 record, pad;

	if (length > famez_ring_longest(tx->size))
		return -EMSGSIZE;
	record = famez_record_size(length);
	pad = famez_tx_pad(tx, record);
	if (!famez_tx_has_room(tx, pad + record) &&
	    !(famez_tx_look(tx) && famez_tx_has_room(tx, pad + record)))
		return -EAGAIN;
	*payload = tx->data + ((tx->head + pad) & (tx->size - 1)) +
		   FAMEZ_RECORD_HEADER;
	return 0;
}

static inline void famez_tx_header(struct famez_tx *tx,
				   const struct famez_label *label, __u32 length)
{
	struct famez_record record = {
		.length = famez_to_le32(length),
		.type = famez_to_le16(label->type),
		.sport = famez_to_le16(label->sport),
		.dport = famez_to_le16(label->dport),
		.incarnation = famez_to_le32(label->incarnation),
		.sent = famez_to_le32(label->sent),
		.slot = famez_to_le32(label->slot),
	};

	memcpy(tx->data + (tx->head & (tx->size - 1)), &record, sizeof(record));
}

/**
 * famez_tx_commit() - hand a message over
 * @tx: the sending side
 * @label: what it is
 * @length: bytes of the message, as reserved
 */
static inline void famez_tx_commit(struct famez_tx *tx,
				   const struct famez_label *label,
				   __u32 length)
{
	static const struct famez_label padding = { .type = FAMEZ_TYPE_PAD };
	__u32 record = famez_record_size(length);
	__u32 pad = famez_tx_pad(tx, record);

	if (pad >= FAMEZ_RECORD_HEADER)
		famez_tx_header(tx, &padding, pad - FAMEZ_RECORD_HEADER);
	tx->head += pad;
	famez_tx_header(tx, label, length);
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
 * The receiver answers each new value by a ring, whatever it could do; so who
 * asked may wait for that.
 */
static inline void famez_tx_drain(struct famez_tx *tx)
{
	tx->drain = tx->head;
	famez_store_release(&tx->mine->drain, tx->drain);
}

static inline void famez_tx_set_space_event(struct famez_tx *tx, __u32 event)
{
	tx->space_event = event;
	famez_store(&tx->mine->space_event, tx->space_event);
}

/**
 * famez_tx_wait() - ask to be rung when the ring has room for a message
 * @tx: the sending side
 * @length: bytes of the message
 *
 * And half of it is empty: a sender that is woken for each record would sleep
 * again at once.  It does not wait for a program to read so far, as the receiver
 * empties the ring when asked to.
 *
 * After this, and a full barrier, the caller tries once more before it sleeps.
 * One sleeper at a time can wait for the ring.
 */
static inline void famez_tx_wait(struct famez_tx *tx, __u32 length)
{
	__u32 record = famez_record_size(length);
	__u32 need = famez_tx_pad(tx, record) + record;

	if (need < tx->size / 2)
		need = tx->size / 2;
	famez_tx_set_space_event(tx, tx->head + need - tx->size - 1);
}

/**
 * famez_tx_unwait() - take famez_tx_wait() back
 * @tx: the sending side
 *
 * Without this, a wait that ended otherwise leaves an event behind that rings
 * for nothing.
 */
static inline void famez_tx_unwait(struct famez_tx *tx)
{
	famez_tx_set_space_event(tx, tx->head - tx->size - 1);
}

/**
 * famez_tx_unpair() - take the own half down, before it is set up anew
 * @tx: the sending side
 * @own: own generation, 0 takes the channel down
 * @other: the receiver's generation, 0 when it is not up
 *
 * What was in flight for the former pair is gone for the receiver.
 *
 * Return: true when famez_tx_pair() has to follow, as soon as all else in the
 * half is right
 */
static inline bool famez_tx_unpair(struct famez_tx *tx, __u32 own, __u32 other)
{
	if (!own || !other) {
		own = 0;
		other = 0;
	}
	if (tx->own == own && tx->other == other)
		return false;
	famez_store(&tx->mine->accepted, 0);
	famez_wmb();	/* no new index is seen under the old pair */
	memset(tx->mine->reserved0, 0, sizeof(tx->mine->reserved0));
	memset(tx->mine->reserved1, 0, sizeof(tx->mine->reserved1));
	tx->own = own;
	tx->other = other;
	tx->head = FAMEZ_RING_START(own, other);
	tx->room = tx->head;
	tx->asked = tx->head;
	tx->drain = tx->head;
	famez_store(&tx->mine->head, tx->head);
	famez_store(&tx->mine->drain, tx->drain);
	famez_tx_unwait(tx);
	return true;
}

/**
 * famez_tx_pair() - let the receiver see the half
 * @tx: the sending side, for which famez_tx_unpair() was true
 *
 * The caller rings the receiver.
 */
static inline void famez_tx_pair(struct famez_tx *tx)
{
	famez_store(&tx->mine->generation, tx->own);
	famez_store_release(&tx->mine->accepted, tx->other);
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
	m->label.type = famez_le16(record.type);
	m->label.lost = false;
	/* padding is skipped, too, and may be longer than a message */
	if (record.flags && m->label.type != FAMEZ_TYPE_PAD) {
		m->label.lost = m->label.type == FAMEZ_TYPE_DATA;
		m->label.type = FAMEZ_TYPE_UNKNOWN;
	}
	m->label.sport = famez_le16(record.sport);
	m->label.dport = famez_le16(record.dport);
	m->label.slot = famez_le32(record.slot);
	m->label.incarnation = famez_le32(record.incarnation);
	m->label.sent = famez_le32(record.sent);
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
	/* no record ends between: to go on there would find the same garbage for ever */
	*head = famez_load_acquire(&rx->theirs->head) & ~7U;
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
static inline int famez_rx_peek(struct famez_rx *rx, struct famez_message *m)
{
	__u32 tail = rx->tail, head = rx->known, left, room;

	/*
	 * Its line is the sender's to write all the time, so it is read when all that
	 * was known is gone.  That is there whatever the sender does: it writes nothing
	 * over it, and one that is newborn nothing at all, before we have moved on.
	 */
	if (head == tail && (!famez_rx_head(rx, &head) || head == tail))
		return -EAGAIN;
	if (head - tail > rx->size)
		return -EBADMSG;
	rx->known = head;
	left = rx->size - (tail & (rx->size - 1));
	if (left < FAMEZ_RECORD_HEADER) {
		/* no header has room there: the record is behind it */
		if (head - tail <= left)
			return -EBADMSG;
		tail += left;
		left = rx->size;
	}
	room = head - tail < left ? head - tail : left;
	m->boxed = false;
	if (!famez_rx_header(rx, tail, room, m))
		return -EBADMSG;
	return m->label.type == FAMEZ_TYPE_PAD ||
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
 * famez_rx_must_ring() - does the sender sleep for the room that became free?
 * @rx: the receiving side
 *
 * Context: a full barrier stands between the store of the tail and this
 *
 * Return: true once, when the ring has room for what the sender waits with
 */
static inline bool famez_rx_must_ring(struct famez_rx *rx)
{
	__u32 before = rx->asked;

	rx->asked = rx->tail;
	return famez_passed(famez_load(&rx->theirs->space_event), rx->tail,
			    before);
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
	spoilt |= famez_restore(&rx->mine->message_max, rx->message_max);
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
	rx->known = rx->tail;
	rx->asked = rx->tail;
	famez_store_release(&rx->mine->tail, rx->tail);
}

/**
 * famez_rx_unpair() - take the own half down, before it is set up anew
 * @rx: the receiving side
 * @own: own generation, 0 takes the channel down
 * @other: the sender's generation, 0 when it is not up
 *
 * The half is set up armed: the first message rings.
 *
 * Return: true when famez_rx_pair() has to follow, as soon as all else in the
 * half is right
 */
static inline bool famez_rx_unpair(struct famez_rx *rx, __u32 own, __u32 other)
{
	if (!own || !other) {
		own = 0;
		other = 0;
	}
	if (rx->own == own && rx->other == other)
		return false;
	famez_store(&rx->mine->accepted, 0);
	famez_wmb();	/* no new index is seen under the old pair */
	memset(rx->mine->reserved0, 0, sizeof(rx->mine->reserved0));
	memset(rx->mine->reserved1, 0, sizeof(rx->mine->reserved1));
	rx->own = own;
	rx->other = other;
	rx->tail = FAMEZ_RING_START(own, other);
	rx->known = rx->tail;
	rx->asked = rx->tail;
	rx->event = rx->tail;
	rx->drained = rx->tail;
	famez_store(&rx->mine->tail, rx->tail);
	famez_store(&rx->mine->data_event, rx->event);
	famez_store(&rx->mine->message_max, rx->message_max);
	return true;
}

/**
 * famez_rx_pair() - let the sender in
 * @rx: the receiving side, for which famez_rx_unpair() was true
 *
 * The caller rings the sender.
 */
static inline void famez_rx_pair(struct famez_rx *rx)
{
	famez_store(&rx->mine->generation, rx->own);
	famez_store_release(&rx->mine->accepted, rx->other);
}

#endif /* _FAMEZ_RING_H */
