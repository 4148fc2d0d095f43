// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: into the ring, or asleep until there is room.
 *
 * A message needs the grant of its port, then room in the ring.  Programs wait for
 * grants one behind the other at each port, so that no port delays another.  Who
 * has its grant and lacks room in the ring is alone in that, as nobody else may
 * write until it has sent: it would else be overtaken for ever by shorter ones.
 * It never waits for a program: what stands in the ring has its grant, too, so
 * the receiver's driver can take it out.
 */
#include <linux/freezer.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "bridge.h"
#include "trace.h"

/* ---- One try: under tx_lock --------------------------------------------------- */

/* May something be sent to this peer now? */
static int famez_tx_state(struct famez_bridge *b, u32 id, u16 type)
{
	struct famez_remote *r = &b->remotes[id];

	lockdep_assert_held(&r->tx_lock);
	if (READ_ONCE(b->gone) || famez_lost(b))
		return -ENODEV;
	/* it is for a program to hear of it */
	if (r->reset && type == FAMEZ_TYPE_DATA) {
		r->reset = false;
		return -ECONNRESET;
	}
	if (famez_peer_state(b, id) == FAMEZ_PEER_ABSENT)
		return -EHOSTUNREACH;
	if (!r->generation) {
		/* to an old one, each message goes by itself */
		if (!famez_peer_generation(b, id))
			return famez_is_old(b, id) ? -EAGAIN : -ENOTCONN;
		/* it has just come up: the work takes note of it, and wakes us */
		famez_again(b, id);
		return -EAGAIN;
	}
	return r->out.tx.data ? 0 : famez_channel_want(b, id);
}

/* Rings for what was written, if its reader sleeps. */
static int famez_tx_settle(struct famez_bridge *b, u32 id, u16 type)
{
	struct famez_remote *r = &b->remotes[id];

	/* a ping is not for the program that reads: empty the ring up to it */
	if (type != FAMEZ_TYPE_DATA)
		famez_out_drain(&r->out, 0);
	if ((famez_tx_must_ring(&r->out.tx) || type != FAMEZ_TYPE_DATA) &&
	    !famez_ring(b, id))
		return -ENODEV;
	/* the device may have been pulled out, and taken nothing */
	return famez_lost(b) ? -ENODEV : 0;
}

/* Writes a record that has room.  Takes no page fault. */
static int famez_tx_write(struct famez_bridge *b, u32 id,
			  const struct famez_parcel *parcel, u32 slot,
			  u8 *payload)
{
	struct famez_remote *r = &b->remotes[id];
	size_t length = iov_iter_count(parcel->from), copied;

	pagefault_disable();
	copied = copy_from_iter(payload, length, parcel->from);
	pagefault_enable();
	if (copied != length) {
		iov_iter_revert(parcel->from, copied);
		return -EFAULT;
	}
	famez_out_commit(&r->out, parcel->type, slot, parcel->sport, length);
	trace_famez_send(b->index, id, parcel->type, length);
	if (parcel->type == FAMEZ_TYPE_DATA) {
		famez_count(&r->counters.tx_messages, 1);
		famez_count(&r->counters.tx_bytes, length);
	} else if (parcel->type == FAMEZ_TYPE_PING) {
		famez_count(&r->counters.tx_pings, 1);
	}
	return 0;
}

/* No room: asks for what helps, and looks once more. */
static int famez_tx_ask(struct famez_bridge *b, u32 id,
			const struct famez_parcel *parcel, u32 slot,
			u8 **payload)
{
	struct famez_remote *r = &b->remotes[id];
	size_t length = iov_iter_count(parcel->from);
	bool help;

	if (parcel->turn) {
		help = famez_out_wait(&r->out, slot, length);
		if (famez_out_granted(&r->out, slot, length))
			r->ring_turn = parcel->turn;
	} else {
		help = famez_out_help(&r->out, parcel->type, slot, length);
	}
	if (help)
		famez_ring(b, id);
	return famez_out_room(&r->out, parcel->type, slot, length, payload);
}

/* Must others be let go first? */
static bool famez_tx_behind(const struct famez_remote *r, u32 slot,
			    const struct famez_parcel *parcel)
{
	/* who wakes nobody and waits for nobody */
	if (parcel->type != FAMEZ_TYPE_DATA)
		return false;
	if (r->ring_turn && r->ring_turn != parcel->turn)
		return true;
	return r->sleepers & BIT_ULL(slot) && parcel->turn != slot + 1;
}

/* Nothing is sent.  A receiver that is not ready is asked to be. */
static int famez_tx_probe(struct famez_bridge *b, u32 id, u32 port)
{
	struct famez_remote *r = &b->remotes[id];
	int err = famez_out_probe(&r->out, port);

	if (err == -EAGAIN && famez_out_help(&r->out, FAMEZ_TYPE_PAD, 0, 0))
		famez_ring(b, id);
	return err;
}

static int famez_tx_try(struct famez_bridge *b, u32 id,
			const struct famez_parcel *parcel)
{
	struct famez_remote *r = &b->remotes[id];
	u8 *payload;
	u32 slot;
	int err;

	err = famez_tx_state(b, id, parcel->type);
	if (err)
		return err;
	if (iov_iter_count(parcel->from) > FAMEZ_MESSAGE_MAX)
		return -EMSGSIZE;
	if (parcel->type == FAMEZ_TYPE_PAD)
		return famez_tx_probe(b, id, parcel->dport);
	err = famez_out_find(&r->out, parcel->dport, &slot);
	if (err && err != -EAGAIN)
		return err;
	/* not where it waits for it any more */
	if (parcel->turn && parcel->turn != slot + 1)
		return -ESTALE;
	if (famez_tx_behind(r, slot, parcel))
		return -EAGAIN;
	if (!err)
		err = famez_out_room(&r->out, parcel->type, slot,
				     iov_iter_count(parcel->from), &payload);
	if (err == -EAGAIN)
		err = famez_tx_ask(b, id, parcel, slot, &payload);
	/* it was not ready, and a port cannot be known before it is */
	if (!err && r->out.ports[slot].port != parcel->dport)
		return -EAGAIN;
	return err ? err : famez_tx_write(b, id, parcel, slot, payload);
}

static int famez_tx_try_locked(struct famez_bridge *b, u32 id,
			       const struct famez_parcel *parcel)
{
	struct famez_remote *r = &b->remotes[id];
	int err;

	mutex_lock(&r->tx_lock);
	err = famez_tx_try(b, id, parcel);
	if (!err && parcel->type != FAMEZ_TYPE_PAD)
		err = famez_tx_settle(b, id, parcel->type);
	mutex_unlock(&r->tx_lock);
	return err;
}

/* ---- Asleep for room ------------------------------------------------------------ */

/* The place of the port whose turn to take; under tx_lock. */
static int famez_tx_slot(struct famez_bridge *b, u32 id, u32 port, u32 *slot)
{
	int err = famez_tx_state(b, id, FAMEZ_TYPE_DATA);

	*slot = 0;
	if (!err)
		err = famez_out_find(&b->remotes[id].out, port, slot);
	return err == -EAGAIN ? 0 : err;
}

/* Is it free?  Then it is ours. */
static int famez_tx_try_turn(struct famez_bridge *b, u32 id,
			     struct famez_parcel *parcel)
{
	struct famez_remote *r = &b->remotes[id];
	u32 slot;
	int err;

	mutex_lock(&r->tx_lock);
	err = famez_tx_slot(b, id, parcel->dport, &slot);
	if (!err && r->sleepers & BIT_ULL(slot))
		err = -EAGAIN;
	if (!err) {
		r->sleepers |= BIT_ULL(slot);
		parcel->turn = slot + 1;
		famez_count(&r->counters.tx_waits, 1);
	}
	mutex_unlock(&r->tx_lock);
	return err;
}

/* Becomes the one who sleeps for a port. */
static int famez_tx_take_turn(struct famez_bridge *b, u32 id,
			      struct famez_parcel *parcel, unsigned long start,
			      long timeout)
{
	struct famez_remote *r = &b->remotes[id];
	unsigned int turns;
	long left;
	int err;

	for (;;) {
		turns = READ_ONCE(r->turns);
		err = famez_tx_try_turn(b, id, parcel);
		if (err != -EAGAIN)
			return err;
		left = wait_event_freezable_timeout(r->turn,
						    READ_ONCE(r->turns) != turns ||
						    READ_ONCE(b->gone),
						    famez_left(start, timeout));
		if (left <= 0)
			return left ? left : -EAGAIN;
	}
}

static void famez_tx_give_turn(struct famez_bridge *b, u32 id,
			       struct famez_parcel *parcel)
{
	struct famez_remote *r = &b->remotes[id];
	bool ring_turn;

	mutex_lock(&r->tx_lock);
	ring_turn = r->ring_turn == parcel->turn;
	if (r->out.tx.own && !famez_lost(b)) {
		famez_out_unwait(&r->out, parcel->turn - 1);
		if (ring_turn)
			famez_tx_unwait(&r->out.tx);
	}
	if (ring_turn)
		r->ring_turn = 0;
	r->sleepers &= ~BIT_ULL(parcel->turn - 1);
	WRITE_ONCE(r->turns, r->turns + 1);
	mutex_unlock(&r->tx_lock);
	parcel->turn = 0;
	wake_up_interruptible_all(&r->turn);
	/* others may have their grant, and wait for the ring */
	if (ring_turn)
		famez_wake_remote(b, id);
}

/* Tells a sleeper, and nobody else again, that its peer is another now. */
static int famez_tx_reset(struct famez_remote *r)
{
	mutex_lock(&r->tx_lock);
	r->reset = false;
	mutex_unlock(&r->tx_lock);
	return -ECONNRESET;
}

/* Tries whenever the peer rings; with the turn, if it is a message. */
static int famez_tx_sleep_on(struct famez_bridge *b, u32 id,
			     const struct famez_parcel *parcel,
			     unsigned long start, long timeout)
{
	struct famez_remote *r = &b->remotes[id];
	u32 generation = READ_ONCE(r->generation);
	unsigned int rings;
	long left;
	int err;

	for (;;) {
		left = famez_left(start, timeout);
		rings = READ_ONCE(r->rings);
		err = famez_tx_try_locked(b, id, parcel);
		if (err != -EAGAIN || !left)
			return err;
		/* who is rung all the time does not sleep, where it would be seen */
		if (signal_pending(current))
			return -ERESTARTSYS;
		left = wait_event_freezable_timeout(r->wait,
						    READ_ONCE(r->rings) != rings,
						    left);
		if (left < 0)
			return left;
		if (!generation)
			generation = READ_ONCE(r->generation);
		else if (READ_ONCE(r->generation) != generation)
			return parcel->type == FAMEZ_TYPE_PAD ? -ECONNRESET :
								 famez_tx_reset(r);
	}
}

static int famez_tx_sleep(struct famez_bridge *b, u32 id,
			  struct famez_parcel *parcel, long timeout)
{
	unsigned long start = jiffies;
	int err;

	do {
		err = famez_tx_take_turn(b, id, parcel, start, timeout);
		if (err)
			return err;
		err = famez_tx_sleep_on(b, id, parcel, start, timeout);
		famez_tx_give_turn(b, id, parcel);
		/* the port has another place now: it waits there */
	} while (err == -ESTALE);
	return err;
}

/* ---- For programs, and the kernel's own ------------------------------------------ */

int famez_check_dest(struct famez_bridge *b, u32 id)
{
	if (id >= b->layout.peers.count)
		return -EHOSTUNREACH;
	return id == b->id ? -EINVAL : 0;
}

static void famez_count_failure(struct famez_remote *r, int err)
{
	struct famez_counters *c = &r->counters;

	mutex_lock(&r->tx_lock);
	if (err == -EAGAIN)
		famez_count(&c->tx_full, 1);
	else if (err == -ECONNRESET)
		famez_count(&c->tx_resets, 1);
	else if (err == -ECONNREFUSED)
		famez_count(&c->tx_refused, 1);
	else if (err == -EHOSTUNREACH)
		famez_count(&c->tx_absent, 1);
	else if (err == -ENOTCONN)
		famez_count(&c->tx_down, 1);
	else if (err == -ENOBUFS)
		famez_count(&c->tx_no_channel, 1);
	else if (err == -EMSGSIZE)
		famez_count(&c->tx_too_long, 1);
	mutex_unlock(&r->tx_lock);
}

static struct famez_parcel famez_parcel_to(const struct famez_dest *dest,
					   struct iov_iter *from)
{
	return (struct famez_parcel){
		.type = FAMEZ_TYPE_DATA,
		.sport = dest->sport,
		.dport = dest->port,
		.from = from,
	};
}

int famez_channel_send(struct famez_bridge *b, const struct famez_dest *dest,
		       struct iov_iter *from, long timeout)
{
	struct famez_parcel parcel = famez_parcel_to(dest, from);
	u32 id = dest->peer;
	int err;

	err = famez_check_dest(b, id);
	if (err)
		return err;
	id = array_index_nospec(id, b->layout.peers.count);
	if (famez_is_old(b, id))
		return famez_mail_send(b, dest, id, from, timeout);
	err = famez_tx_try_locked(b, id, &parcel);
	if (err == -EAGAIN && timeout)
		err = famez_tx_sleep(b, id, &parcel, timeout);
	if (err)
		famez_count_failure(&b->remotes[id], err);
	return err;
}

int famez_channel_probe(struct famez_bridge *b, const struct famez_dest *dest,
			long timeout)
{
	struct famez_parcel parcel = { .type = FAMEZ_TYPE_PAD, .dport = dest->port };
	u32 id = dest->peer;
	struct iov_iter none;
	int err;

	if (famez_lost(b))
		return -ENODEV;
	if (id == b->id)
		return famez_port_own(b, dest->port) ? 0 : -ECONNREFUSED;
	err = famez_check_dest(b, id);
	if (err)
		return err;
	id = array_index_nospec(id, b->layout.peers.count);
	iov_iter_kvec(&none, ITER_SOURCE, NULL, 0, 0);
	parcel.from = &none;
	if (famez_is_old(b, id))
		return dest->port ? -ECONNREFUSED : 0;
	err = famez_tx_try_locked(b, id, &parcel);
	if (err == -EAGAIN && timeout)
		err = famez_tx_sleep_on(b, id, &parcel, jiffies, timeout);
	return err;
}

/* Those at the front of a row that go to the same peer, which is rung once. */
static int famez_tx_row(struct famez_bridge *b, u32 id,
			struct famez_outgoing *row, u32 count, u32 *done)
{
	struct famez_remote *r = &b->remotes[id];
	u32 n = 0;
	int err = 0;

	mutex_lock(&r->tx_lock);
	while (n < count && row[n].dest.peer == row[0].dest.peer) {
		struct famez_parcel parcel =
			famez_parcel_to(&row[n].dest, &row[n].from);

		err = famez_tx_try(b, id, &parcel);
		if (err)
			break;
		n++;
	}
	if (n && famez_tx_settle(b, id, FAMEZ_TYPE_DATA))
		err = -ENODEV;
	mutex_unlock(&r->tx_lock);
	*done += n;
	return err;
}

int famez_channel_send_row(struct famez_bridge *b, struct famez_outgoing *row,
			   u32 count, u32 *done)
{
	int err = 0;
	u32 id;

	*done = 0;
	while (*done < count && !err) {
		id = row[*done].dest.peer;
		err = famez_check_dest(b, id);
		if (err)
			return err;
		id = array_index_nospec(id, b->layout.peers.count);
		err = famez_tx_row(b, id, row + *done, count - *done, done);
		if (err && err != -EAGAIN)
			famez_count_failure(&b->remotes[id], err);
	}
	return err;
}

int famez_tx_kernel(struct famez_bridge *b, u32 id, u16 type, void *data,
		    size_t length)
{
	struct kvec vec = { .iov_base = data, .iov_len = length };
	struct famez_parcel parcel = { .type = type };
	struct iov_iter from;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, length);
	parcel.from = &from;
	return famez_tx_try_locked(b, id, &parcel);
}
