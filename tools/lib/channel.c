// SPDX-License-Identifier: LGPL-2.1
/* The two channels with each peer: messages, pings, and our ports. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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
	if (type == FAMEZ_TYPE_DATA)
		fabric_set_news(f, p, p->news & ~1ULL);
	if (p->reset && type == FAMEZ_TYPE_DATA) {
		p->reset = false;
		return -ECONNRESET;
	}
	if (fabric_state_of(f, id) == FAMEZ_PEER_ABSENT)
		return -EHOSTUNREACH;
	/* it may have just come up, and the switch is about to tell */
	if (!p->generation && fabric_generation_of(f, id))
		fabric_look_at_peer(f, id);
	if (!p->generation)
		return -ENOTCONN;
	return p->out->tx.data ? 0 : channel_want(f, id);
}

/* No room: says so to the receiver, and looks once more. */
static int tx_wait(struct famez_fabric *f, uint32_t id, uint16_t type,
		   uint32_t slot, size_t size, uint8_t **payload)
{
	struct peer *p = &f->peers[id];
	bool help;

	/* a ping leaves no events: they may be those of a message that waits */
	if (type == FAMEZ_TYPE_DATA) {
		p->waiting |= 1ULL << slot;
		help = famez_out_wait(p->out, slot, size);
	} else {
		help = famez_out_help(p->out, type, slot, size);
	}
	if (help)
		fabric_ring(f, id);
	return famez_out_room(p->out, type, slot, size, payload);
}

static void tx_unwait(struct peer *p, uint32_t slot)
{
	if (!(p->waiting & 1ULL << slot))
		return;
	p->waiting &= ~(1ULL << slot);
	famez_out_unwait(p->out, slot);
	if (!p->waiting)
		famez_tx_unwait(&p->out->tx);
}

static int tx_send(struct famez_fabric *f, uint32_t id, uint16_t type,
		   uint16_t sport, uint16_t dport, const void *data,
		   size_t size)
{
	struct peer *p = &f->peers[id];
	uint8_t *payload;
	uint32_t slot;
	int err;

	err = tx_state(f, id, type);
	if (!err)
		err = famez_out_find(p->out, dport, &slot);
	/* when it is ready, it rings */
	if (err)
		return err;
	if (type == FAMEZ_TYPE_DATA)
		fabric_set_news(f, p, p->news & ~(1ULL << slot));
	err = famez_out_room(p->out, type, slot, size, &payload);
	if (err == -EAGAIN)
		err = tx_wait(f, id, type, slot, size, &payload);
	if (err)
		return err;
	if (type == FAMEZ_TYPE_DATA)
		tx_unwait(p, slot);
	if (size)
		memcpy(payload, data, size);
	famez_out_commit(p->out, type, slot, sport, size);
	/* a ping is not for the program that reads: empty the ring up to it */
	if (type != FAMEZ_TYPE_DATA)
		famez_out_drain(p->out, 0);
	if (famez_tx_must_ring(&p->out->tx) || type != FAMEZ_TYPE_DATA)
		fabric_ring(f, id);
	return 0;
}

int channel_send(struct famez_fabric *f, uint32_t id, uint16_t type, const void *data,
		 size_t size)
{
	return tx_send(f, id, type, 0, 0, data, size);
}

/* One that knows mailslots alone has no ports either. */
static int send_old(struct famez_fabric *f, uint32_t id, uint16_t dport, const void *data,
		    size_t size)
{
	struct peer *p = &f->peers[id];
	int err;

	if (dport)
		return -ECONNREFUSED;
	if (p->reset) {
		p->reset = false;
		return -ECONNRESET;
	}
	err = mail_send(f, id, data, size);
	if (!err)
		f->mail_sent = f->post.sent;
	return err;
}

int famez_fabric_send(struct famez_fabric *f, uint32_t id, uint16_t sport,
		      uint16_t dport, const void *data, size_t size)
{
	if (size > FAMEZ_MESSAGE_MAX)
		return -EMSGSIZE;
	if (famez_fabric_is_old(f, id))
		return send_old(f, id, dport, data, size);
	return tx_send(f, id, FAMEZ_TYPE_DATA, sport, dport, data, size);
}

int famez_fabric_probe(struct famez_fabric *f, uint32_t id, uint16_t port)
{
	int err;

	if (id == f->config.id)
		return !port || famez_port_taken(&f->ports, port) ? 0 : -ECONNREFUSED;
	/* whose restart it is for a message to tell */
	if (famez_fabric_is_old(f, id))
		return port ? -ECONNREFUSED : 0;
	err = tx_state(f, id, FAMEZ_TYPE_PAD);
	if (!err)
		err = famez_out_probe(f->peers[id].out, port);
	return err;
}

int famez_fabric_ping(struct famez_fabric *f, uint32_t id, const void *data,
		      size_t size)
{
	const struct famez_link ping = { .word = FAMEZ_LINK_PING };
	int err;

	if (size > FAMEZ_PING_MAX)
		return -EMSGSIZE;
	if (!famez_fabric_is_old(f, id))
		return tx_send(f, id, FAMEZ_TYPE_PING, 0, 0, data, size);
	err = famez_fabric_say(f, id, &ping);
	if (err)
		return err;
	memcpy(f->ping, data, size);
	f->ping_size = size;
	f->pinged = id;
	return 0;
}

int famez_fabric_flushed(struct famez_fabric *f, uint32_t id,
			 const struct famez_flush *answer)
{
	return tx_send(f, id, FAMEZ_TYPE_FLUSHED, 0, 0, answer, sizeof(*answer));
}

static void send_pong(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];

	if (p->pong_due &&
	    tx_send(f, id, FAMEZ_TYPE_PONG, 0, 0, p->pong, p->pong_due) !=
	    -EAGAIN)
		p->pong_due = 0;
}

/* ---- Receiving ---------------------------------------------------------- */

/* Any peer may be writing there: what was looked at once counts. */
static bool is_zero(const uint8_t *bytes, size_t size)
{
	while (size)
		if (famez_load_byte(&bytes[--size]))
			return false;
	return true;
}

static void take_flush(struct famez_fabric *f, uint32_t id, const uint8_t *data,
		       size_t size)
{
	struct famez_flush request;

	if (size < sizeof(request))
		return;
	famez_copy_in(&request, data, sizeof(request));
	if (request.cookie)
		f->config.flush(f->config.context, id, &request,
				!request.error && !request.reserved &&
				is_zero(data + sizeof(request), size - sizeof(request)));
}

/*
 * Records that are not for a program.  One ping is remembered while there is no
 * room for the answer; who sends a second one meanwhile loses the first.
 */
static void rx_control(struct famez_fabric *f, uint32_t id,
		       const struct famez_message *m)
{
	struct peer *p = &f->peers[id];
	uint8_t data[FAMEZ_PING_MAX];
	struct famez_link l;

	if (m->label.type == FAMEZ_TYPE_LINK && famez_link_record(&l, m->payload, m->length))
		link_heard(f, id, &l);
	if (m->label.type == FAMEZ_TYPE_FLUSH && f->config.flush)
		take_flush(f, id, m->payload, m->length);
	if (!m->length || m->length > sizeof(data))
		return;
	memcpy(data, m->payload, m->length);
	if (m->label.type == FAMEZ_TYPE_PING) {
		memcpy(p->pong, data, m->length);
		p->pong_due = m->length;
		send_pong(f, id);
	} else if (m->label.type == FAMEZ_TYPE_PONG && f->config.pong) {
		f->config.pong(f->config.context, id, data, m->length);
	}
}

/* The next message for a program in the ring; takes out all before it. */
static int rx_next(struct famez_fabric *f, uint32_t id,
		   struct famez_message *m)
{
	struct peer *p = &f->peers[id];
	int err;

	while ((err = famez_inbox_peek_ring(p->in, m)) == 1) {
		rx_control(f, id, m);
		famez_inbox_skip(p->in, m);
	}
	return err;
}

/*
 * Puts a message into its port's box.  One that has no room there was not granted:
 * it stays, and is read where it is.
 */
static bool rx_stash(struct peer *p, const struct famez_message *m)
{
	if (!famez_inbox_stash(p->in, m))
		return false;
	p->boxed |= 1ULL << m->label.slot;
	return true;
}

/* Empties the ring into the boxes, as far as these take it. */
static int rx_drain(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	uint32_t before = p->in->rx.tail;
	struct famez_message m;
	int err;

	do {
		err = rx_next(f, id, &m);
	} while (!err && rx_stash(p, &m));
	famez_inbox_drained(p->in, before);
	return err;
}

static void ring_if_due(struct famez_fabric *f, uint32_t id)
{
	if (famez_inbox_must_ring(f->peers[id].in))
		fabric_ring(f, id);
}

bool channel_service(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	struct famez_message m;
	int err = 0;

	p->active = true;
	fabric_set_news(f, p, p->news | p->waiting);
	famez_inbox_begin(p->in);
	if (p->in->rx.own) {
		p->in->ring |= famez_inbox_refresh(p->in);
		/* it is for the sender to put its half right */
		p->in->ring |= !famez_rx_ready(&p->in->rx);
		err = famez_inbox_drain_wanted(p->in) ? rx_drain(f, id) :
							 rx_next(f, id, &m);
	}
	p->in->ring |= famez_out_refresh(p->out);
	if (p->out->tx.own)
		famez_out_sweep(p->out);
	send_pong(f, id);
	link_send(f, id);
	ring_if_due(f, id);
	return err == -EBUSY;
}

/*
 * The next message for a port from one peer, whether in its box or in its ring,
 * within what is left of the budget.  Those to other ports, which stand before it,
 * go to their boxes; -ENOSPC: one of them has no room there.
 */
static int next_more(struct famez_fabric *f, uint32_t id, uint32_t slot,
		     struct famez_message *m)
{
	struct peer *p = &f->peers[id];
	int err;

	if (p->boxed & 1ULL << slot) {
		if (famez_inbox_peek_box(p->in, slot, m))
			return 0;
		p->boxed &= ~(1ULL << slot);
	}
	while (!(err = rx_next(f, id, m)) && m->label.slot != slot) {
		if (!rx_stash(p, m)) {
			err = -ENOSPC;
			break;
		}
	}
	ring_if_due(f, id);
	return err;
}

static int next_from(struct famez_fabric *f, uint32_t id, uint32_t slot,
		     struct famez_message *m)
{
	famez_inbox_begin(f->peers[id].in);
	return next_more(f, id, slot, m);
}

/*
 * Nothing from this peer: asks to be rung, and looks once more.  All rounds share
 * a budget: a sender could answer each by a record, for ever.
 */
static int arm(struct famez_fabric *f, uint32_t id, uint32_t slot,
	       struct famez_message *m)
{
	struct peer *p = &f->peers[id];
	uint32_t tail;
	int err;

	famez_inbox_begin(p->in);
	do {
		tail = p->in->rx.tail;
		famez_inbox_arm(p->in);
		err = next_more(f, id, slot, m);
	} while (err == -EAGAIN && tail != p->in->rx.tail);
	p->active = err != -EAGAIN;
	return err;
}

static bool may_have(const struct peer *p, uint32_t slot)
{
	return p->active || p->boxed & 1ULL << slot;
}

/*
 * The next message from anyone, each in turn.  Who has more to look at than one
 * call does is not armed, and rings nobody: so we ring ourselves for it.
 */
static int next_message(struct famez_fabric *f, uint32_t slot, uint32_t *id,
			struct famez_message *m)
{
	uint32_t i, n = f->layout.peers.count;
	int err;

	for (i = 0; i < n; i++) {
		*id = (f->next[slot] + i) % n;
		if (may_have(&f->peers[*id], slot) &&
		    !next_from(f, *id, slot, m))
			return 0;
	}
	for (*id = 0; *id < n; ++*id) {
		err = f->peers[*id].active ? arm(f, *id, slot, m) : -EAGAIN;
		if (!err)
			return 0;
		if (err == -EBUSY)
			fabric_ring_self(f, *id);
	}
	return -EAGAIN;
}

int famez_fabric_recv(struct famez_fabric *f, uint32_t slot,
		      struct famez_letter *letter, void *data, size_t room)
{
	struct famez_message m;
	struct famez_inbox *in;
	uint32_t id;
	int err;

	err = slot ? -EAGAIN : mail_recv(f, letter, data, room);
	if (err != -EAGAIN)
		return err;
	err = next_message(f, slot, &id, &m);
	if (err)
		return err;
	letter->size = m.length;
	if (m.length > room)
		return -EMSGSIZE;
	if (m.length)
		memcpy(data, m.payload, m.length);
	letter->peer = id;
	letter->sport = m.label.sport;
	in = f->peers[id].in;
	famez_inbox_read(in, &m);
	/* there is room again for what could not be drained */
	if (in->rx.own && famez_inbox_drain_wanted(in))
		rx_drain(f, id);
	ring_if_due(f, id);
	f->next[slot] = id + 1;
	return 0;
}

/* ---- Ports ------------------------------------------------------------------- */

static int make_box(struct famez_inbox *in, uint32_t slot)
{
	struct famez_box *box;

	if (in->box[slot] || !in->rx.data)
		return 0;
	box = calloc(1, famez_inbox_box_bytes(in, slot));
	if (!box)
		return -ENOMEM;
	famez_inbox_set_box(in, slot, box);
	return 0;
}

static int make_boxes(struct famez_fabric *f, uint32_t id)
{
	uint32_t slot;
	int err = 0;

	for (slot = 0; slot < f->ports.used && !err; slot++)
		if (famez_port_is_open(&f->ports, slot))
			err = make_box(f->peers[id].in, slot);
	return err;
}

uint32_t famez_fabric_port(const struct famez_fabric *f, uint32_t slot)
{
	return f->ports.slot[slot].port;
}

int famez_fabric_bind(struct famez_fabric *f, uint32_t port, uint32_t window)
{
	uint32_t random[2] = { 0, 0 };
	uint32_t id;
	int slot, err;

	while (!random[0])
		if (getrandom(random, sizeof(random), 0) < 0)
			return -errno;
	err = famez_port_check(&f->ports, port, random[1]);
	slot = famez_port_place(&f->ports);
	if (err < 0 || slot < 0)
		return err < 0 ? err : slot;
	f->ports.slot[slot] = (struct famez_port_id){
		.port = err, .incarnation = random[0], .window = window,
	};
	f->ports.used = famez_ports_used(&f->ports);
	err = 0;
	for (id = 0; id < f->layout.peers.count && !err; id++)
		if (f->peers[id].generation)
			err = make_box(f->peers[id].in, slot);
	if (err)
		famez_fabric_unbind(f, slot);
	return err ? err : slot;
}

void famez_fabric_unbind(struct famez_fabric *f, uint32_t slot)
{
	struct famez_box *box;
	uint32_t id;

	for (id = 0; id < f->layout.peers.count; id++) {
		struct peer *p = &f->peers[id];

		p->boxed &= ~(1ULL << slot);
		if (!p->in->rx.data && !p->in->box[slot])
			continue;
		if (famez_inbox_close(p->in, slot, true, &box))
			fabric_ring(f, id);
		free(box);
	}
	famez_port_forget(&f->ports, slot);
	f->ports.used = famez_ports_used(&f->ports);
}

/* ---- Generations -------------------------------------------------------- */

/* Takes both channels with a peer down; what came is kept in the boxes. */
static void channel_down(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];

	/* what the former sender had sent is still to be delivered */
	famez_inbox_begin(p->in);
	if (p->in->rx.own)
		rx_drain(f, id);
	if (famez_found_forget(&p->found) || famez_out_in_flight(p->out))
		p->reset = true;
	/* who waits for room is to hear of that */
	fabric_set_news(f, p, !!p->waiting);
	p->waiting = 0;
	if (p->out->tx.data)
		famez_out_pair(p->out, 0, 0);
	if (p->in->rx.data)
		famez_inbox_pair(p->in, 0, 0);
}

/* With the boxes that it takes. */
static void ends_up(struct famez_fabric *f, struct peer *p)
{
	p->active = channel_there(p);
	if (!p->generation)
		return;
	if (p->out->tx.data)
		famez_out_pair(p->out, f->generation, p->generation);
	if (p->in->rx.data)
		famez_inbox_pair(p->in, f->generation, p->generation);
}

int channel_up(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];

	if (p->generation && make_boxes(f, id))
		return -ENOMEM;
	ends_up(f, p);
	return 0;
}

int channel_pair(struct famez_fabric *f, uint32_t id, uint32_t generation)
{
	struct peer *p = &f->peers[id];

	if (generation && make_boxes(f, id))
		return -ENOMEM;
	channel_down(f, id);
	famez_link_restarts(&p->link_due, p->generation);
	p->generation = generation;
	p->refused = false;
	p->pong_due = 0;
	ends_up(f, p);
	if (generation && id == f->layout.server_id)
		link_begin(f);
	return 0;
}
