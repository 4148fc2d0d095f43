// SPDX-License-Identifier: LGPL-2.1
/* The two channels with each peer: messages and pings. */
#include <errno.h>
#include <stdlib.h>

#include "fabric-impl.h"

/* ---- Sending ------------------------------------------------------------ */

/* May something be sent to this peer, now? */
static int tx_state(struct famez_fabric *f, uint32_t id, uint16_t type)
{
	struct peer *p;

	if (id >= f->layout.peers.count)
		return -EHOSTUNREACH;
	if (id == f->config.id)
		return -EINVAL;
	p = &f->peers[id];
	if (p->reset && type == FAMEZ_TYPE_DATA) {
		p->reset = false;
		return -ECONNRESET;
	}
	if (famez_load(&fabric_record(f, id)->state) == FAMEZ_PEER_ABSENT)
		return -EHOSTUNREACH;
	if (!p->generation)
		return -ENOTCONN;
	return p->tx.data ? 0 : -ENOBUFS;
}

/* No room: says so to the receiver, and looks once more. */
static int tx_wait(struct famez_fabric *f, uint32_t id, uint16_t type,
		   size_t size, uint8_t **payload)
{
	struct peer *p = &f->peers[id];
	bool help;

	/* a ping leaves no events: they may be those of a message that waits */
	if (type == FAMEZ_TYPE_DATA) {
		p->waiting = true;
		help = famez_tx_wait(&p->tx, size);
	} else {
		help = famez_tx_help(&p->tx, type, size);
	}
	if (help)
		fabric_ring(f, id);
	return famez_tx_room(&p->tx, type, size, payload);
}

static int tx_send(struct famez_fabric *f, uint32_t id, uint16_t type,
		   const void *data, size_t size)
{
	struct peer *p = &f->peers[id];
	uint8_t *payload;
	int err;

	err = tx_state(f, id, type);
	if (err)
		return err;
	err = famez_tx_room(&p->tx, type, size, &payload);
	if (err == -EAGAIN)
		err = tx_wait(f, id, type, size, &payload);
	if (err)
		return err;
	if (p->waiting && type == FAMEZ_TYPE_DATA) {
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
	if (size > FAMEZ_MESSAGE_MAX)
		return -EMSGSIZE;
	return tx_send(f, id, FAMEZ_TYPE_DATA, data, size);
}

int famez_fabric_ping(struct famez_fabric *f, uint32_t id, const void *data,
		      size_t size)
{
	if (size > FAMEZ_PING_MAX)
		return -EMSGSIZE;
	return tx_send(f, id, FAMEZ_TYPE_PING, data, size);
}

static void send_pong(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];

	if (p->pong_due &&
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

/* The next message for a program in the ring; takes out all before it. */
static int rx_next(struct famez_fabric *f, uint32_t id,
		   struct famez_message *m)
{
	struct peer *p = &f->peers[id];
	int err;

	while ((err = famez_inbox_peek_ring(&p->in, m)) == 1) {
		rx_control(f, id, m);
		famez_inbox_skip(&p->in, m);
	}
	return err;
}

/* Empties the ring into port 0's buffer, as far as that takes it. */
static int rx_drain(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	uint32_t before = p->in.rx.tail;
	struct famez_message m;
	int err;

	do {
		err = rx_next(f, id, &m);
	} while (!err && famez_inbox_stash(&p->in, &m));
	famez_inbox_drained(&p->in, before);
	return err;
}

static void ring_if_due(struct famez_fabric *f, uint32_t id)
{
	if (famez_inbox_must_ring(&f->peers[id].in))
		fabric_ring(f, id);
}

bool channel_service(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	struct famez_message m;
	int err = 0;

	p->active = true;
	famez_inbox_begin(&p->in);
	if (p->in.rx.own) {
		p->in.ring |= famez_rx_refresh(&p->in.rx);
		/* it is for the sender to put its half right */
		p->in.ring |= !famez_rx_ready(&p->in.rx);
		err = famez_inbox_drain_wanted(&p->in) ? rx_drain(f, id) :
							 rx_next(f, id, &m);
	}
	p->in.ring |= famez_tx_refresh(&p->tx);
	send_pong(f, id);
	ring_if_due(f, id);
	return err == -EBUSY;
}

/*
 * The next message from one peer, whether in its buffer or in its ring, within
 * what is left of the budget.
 */
static int next_more(struct famez_fabric *f, uint32_t id,
		     struct famez_message *m)
{
	struct famez_inbox *in = &f->peers[id].in;
	int err;

	err = famez_inbox_peek(in, m);
	if (err == 1)
		err = rx_next(f, id, m);
	ring_if_due(f, id);
	return err;
}

static int next_from(struct famez_fabric *f, uint32_t id,
		     struct famez_message *m)
{
	famez_inbox_begin(&f->peers[id].in);
	return next_more(f, id, m);
}

/*
 * Nothing from this peer: asks to be rung, and looks once more.  All rounds share
 * a budget: a sender could answer each by a record, for ever.
 */
static int arm(struct famez_fabric *f, uint32_t id, struct famez_message *m)
{
	struct peer *p = &f->peers[id];
	uint32_t tail;
	int err;

	famez_inbox_begin(&p->in);
	do {
		tail = p->in.rx.tail;
		famez_inbox_arm(&p->in);
		err = next_more(f, id, m);
	} while (err == -EAGAIN && tail != p->in.rx.tail);
	p->active = err != -EAGAIN;
	return err;
}

/*
 * The next message from anyone, each in turn.  Who has more to look at than one
 * call does is not armed, and rings nobody: so we ring ourselves for it.
 */
static int next_message(struct famez_fabric *f, uint32_t *id,
			struct famez_message *m)
{
	uint32_t i, n = f->layout.peers.count;
	int err;

	for (i = 0; i < n; i++) {
		*id = (f->next + i) % n;
		if (f->peers[*id].active && !next_from(f, *id, m))
			return 0;
	}
	for (*id = 0; *id < n; ++*id) {
		err = f->peers[*id].active ? arm(f, *id, m) : -EAGAIN;
		if (!err)
			return 0;
		if (err == -EBUSY)
			fabric_ring_self(f, *id);
	}
	return -EAGAIN;
}

int famez_fabric_recv(struct famez_fabric *f, uint32_t *peer, void *data,
		      size_t room, size_t *size)
{
	struct famez_message m;
	struct famez_inbox *in;
	uint32_t id;
	int err;

	err = next_message(f, &id, &m);
	if (err)
		return err;
	*size = m.length;
	if (m.length > room)
		return -EMSGSIZE;
	if (m.length)
		memcpy(data, m.payload, m.length);
	in = &f->peers[id].in;
	famez_inbox_read(in, &m);
	/* there is room again for what could not be drained */
	if (in->rx.own && famez_inbox_drain_wanted(in))
		rx_drain(f, id);
	ring_if_due(f, id);
	f->next = id + 1;
	*peer = id;
	return 0;
}

/* ---- Generations -------------------------------------------------------- */

/* Port 0's buffer for what a peer sends; made when it first comes up. */
static int make_buffer(struct peer *p)
{
	struct famez_channel *buffer;

	if (p->in.buffer || !p->in.rx.data)
		return 0;
	buffer = calloc(1, famez_inbox_bytes(&p->in));
	if (!buffer)
		return -ENOMEM;
	famez_inbox_set_buffer(&p->in, buffer);
	return 0;
}

int channel_pair(struct famez_fabric *f, uint32_t id, uint32_t generation)
{
	struct peer *p = &f->peers[id];
	uint32_t own = generation ? f->generation : 0;

	if (generation && make_buffer(p))
		return -ENOMEM;
	/* what the former sender had sent is still to be delivered */
	famez_inbox_begin(&p->in);
	if (p->in.rx.own)
		rx_drain(f, id);
	if (famez_tx_in_flight(&p->tx))
		p->reset = true;
	p->generation = generation;
	p->pong_due = 0;
	p->waiting = false;
	p->active = true;
	if (p->tx.data)
		famez_tx_pair(&p->tx, own, generation);
	if (p->in.rx.data)
		famez_inbox_pair(&p->in, own, generation);
	return 0;
}
