// SPDX-License-Identifier: LGPL-2.1
/* The two channels with each peer: messages, pings, and port 0's buffers. */
#include <errno.h>
#include <stdlib.h>

#include "fabric-impl.h"

/* Port 0's buffer for what a peer sends; made when it first comes up. */
static int make_buffer(struct peer *p)
{
	struct famez_channel *channel;

	if (p->buffer.channel || !p->rx.data)
		return 0;
	channel = calloc(1, famez_buffer_bytes(p->rx.size));
	if (!channel)
		return -ENOMEM;
	famez_buffer_init(&p->buffer, channel, p->rx.size);
	return 0;
}

/* ---- Sending ------------------------------------------------------------ */

/* May something be sent to this peer, now? */
static int tx_state(struct famez_fabric *f, uint32_t id)
{
	struct peer *p;

	if (id >= f->layout.peers.count)
		return -EHOSTUNREACH;
	if (id == f->config.id)
		return -EINVAL;
	p = &f->peers[id];
	if (p->reset) {
		p->reset = false;
		return -ECONNRESET;
	}
	if (famez_load(&fabric_record(f, id)->state) == FAMEZ_PEER_ABSENT)
		return -EHOSTUNREACH;
	if (!p->generation)
		return -ENOTCONN;
	if (!p->tx.data)
		return -ENOBUFS;
	return 0;
}

static int tx_send(struct famez_fabric *f, uint32_t id, uint16_t type,
		   const void *data, size_t size)
{
	struct peer *p = &f->peers[id];
	uint8_t *payload;
	int err;

	err = famez_tx_room(&p->tx, type, size, &payload);
	if (err == -EAGAIN) {
		p->waiting = true;
		if (famez_tx_wait(&p->tx, type, size))
			fabric_ring(f, id);
		err = famez_tx_room(&p->tx, type, size, &payload);
	}
	if (err)
		return err;
	if (p->waiting) {
		famez_tx_unwait(&p->tx);
		p->waiting = false;
	}
	if (size)
		memcpy(payload, data, size);
	famez_tx_commit(&p->tx, type, size);
	/* a ping is not for the program that reads: empty the ring up to it */
	if (type != FAMEZ_TYPE_DATA)
		famez_tx_drain(&p->tx);
	if (famez_tx_must_ring(&p->tx) || type != FAMEZ_TYPE_DATA)
		fabric_ring(f, id);
	return 0;
}

int famez_fabric_send(struct famez_fabric *f, uint32_t id, const void *data,
		      size_t size)
{
	int err = tx_state(f, id);

	if (err)
		return err;
	if (size > FAMEZ_MESSAGE_MAX)
		return -EMSGSIZE;
	return tx_send(f, id, FAMEZ_TYPE_DATA, data, size);
}

int famez_fabric_ping(struct famez_fabric *f, uint32_t id, const void *data,
		      size_t size)
{
	int err = tx_state(f, id);

	if (err)
		return err;
	if (size > FAMEZ_PING_MAX)
		return -EMSGSIZE;
	return tx_send(f, id, FAMEZ_TYPE_PING, data, size);
}

static void send_pong(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];

	if (p->pong_due && p->tx.data &&
	    tx_send(f, id, FAMEZ_TYPE_PONG, p->pong, p->pong_due) != -EAGAIN)
		p->pong_due = 0;
}

/* ---- Receiving ---------------------------------------------------------- */

/*
 * Records that are not for a program.  One ping is remembered while there is no
 * room for the answer; who sends a second one meanwhile loses the first.
 */
static void rx_control(struct famez_fabric *f, uint32_t id,
		       const struct famez_message *m)
{
	struct peer *p = &f->peers[id];
	uint8_t data[FAMEZ_PING_MAX];

	if (!m->length || m->length > sizeof(data))
		return;
	memcpy(data, m->payload, m->length);
	if (m->type == FAMEZ_TYPE_PING) {
		memcpy(p->pong, data, m->length);
		p->pong_due = m->length;
		send_pong(f, id);
	} else if (m->type == FAMEZ_TYPE_PONG && f->config.pong) {
		f->config.pong(f->config.context, id, data, m->length);
	}
}

/* The next record for a program in the ring; takes out all before it. */
static int rx_next(struct famez_fabric *f, uint32_t id,
		   struct famez_message *m)
{
	struct peer *p = &f->peers[id];
	int err;

	for (;;) {
		err = famez_rx_peek(&p->rx, m);
		if (err == -EBADMSG) {
			famez_rx_resync(&p->rx);
			fabric_ring(f, id);
			return -EAGAIN;
		}
		if (err || m->type == FAMEZ_TYPE_DATA)
			return err;
		rx_control(f, id, m);
		famez_rx_consume(&p->rx, m);
	}
}

/* Empties the ring into port 0's buffer, as far as that takes it. */
static void drain(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	struct famez_message m;

	while (!rx_next(f, id, &m) && famez_buffer_put(&p->buffer, &m))
		famez_rx_consume(&p->rx, &m);
	famez_rx_must_ring(&p->rx);	/* it is rung anyhow: it asked */
	fabric_ring(f, id);
}

void channel_service(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	struct famez_message m;

	p->active = true;
	if (!p->rx.own)
		return;
	if (famez_rx_drain_wanted(&p->rx))
		drain(f, id);
	if (famez_buffer_peek(&p->buffer, &m) == -EAGAIN &&
	    rx_next(f, id, &m) == -EAGAIN && famez_rx_regrant(&p->rx))
		fabric_ring(f, id);
	send_pong(f, id);
}

/* The next message from one peer, and where it is. */
static int next_from(struct famez_fabric *f, uint32_t id,
		     struct famez_message *m, struct famez_rx **from)
{
	struct peer *p = &f->peers[id];

	/* the buffer first: it is older */
	*from = &p->buffer.rx;
	if (!famez_buffer_peek(&p->buffer, m))
		return 0;
	*from = &p->rx;
	return p->rx.own ? rx_next(f, id, m) : -EAGAIN;
}

/* The next message from anyone, each in turn. */
static int next_message(struct famez_fabric *f, uint32_t *id,
			struct famez_message *m, struct famez_rx **from)
{
	uint32_t i, n = f->layout.peers.count;

	for (i = 0; i < n; i++) {
		*id = (f->next + i) % n;
		if (f->peers[*id].active && !next_from(f, *id, m, from))
			return 0;
	}
	/* none: ask to be rung, and look once more */
	for (i = 0; i < n; i++) {
		struct peer *p = &f->peers[i];

		if (!p->active)
			continue;
		*id = i;
		if (p->rx.own)
			famez_rx_arm(&p->rx);
		if (!next_from(f, i, m, from))
			return 0;
		p->active = false;
	}
	return -EAGAIN;
}

/* A program has read a message: its sender may send as much again. */
static void give_back(struct famez_fabric *f, uint32_t id,
		      const struct famez_rx *from,
		      const struct famez_message *m)
{
	struct peer *p = &f->peers[id];

	if (!p->rx.own || (from == &p->buffer.rx &&
			   famez_buffer_is_stale(&p->buffer, m)))
		return;
	famez_rx_grant(&p->rx, m->sent);
	if (famez_rx_must_ring(&p->rx))
		fabric_ring(f, id);
}

int famez_fabric_recv(struct famez_fabric *f, uint32_t *peer, void *data,
		      size_t room, size_t *size)
{
	struct famez_message m;
	struct famez_rx *from;
	uint32_t id;
	int err;

	err = next_message(f, &id, &m, &from);
	if (err)
		return err;
	*size = m.length;
	if (m.length > room)
		return -EMSGSIZE;
	if (m.length)
		memcpy(data, m.payload, m.length);
	famez_rx_consume(from, &m);
	give_back(f, id, from, &m);
	f->next = id + 1;
	*peer = id;
	return 0;
}

/* ---- Generations -------------------------------------------------------- */

int channel_pair(struct famez_fabric *f, uint32_t id, uint32_t generation)
{
	struct peer *p = &f->peers[id];

	if (generation && make_buffer(p))
		return -ENOMEM;
	/* what the former sender had sent is still to be delivered */
	if (p->rx.own)
		drain(f, id);
	if (famez_tx_in_flight(&p->tx))
		p->reset = true;
	p->generation = generation;
	famez_buffer_new_sender(&p->buffer);
	p->pong_due = 0;
	p->waiting = false;
	p->active = true;
	if (p->tx.data)
		famez_tx_pair(&p->tx, generation ? f->generation : 0,
			      generation);
	if (p->rx.data)
		famez_rx_pair(&p->rx, generation ? f->generation : 0,
			      generation, FAMEZ_WINDOW_RINGS * p->rx.size);
	return 0;
}
