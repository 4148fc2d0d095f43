// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: all of it under rx_lock.
 *
 * Whoever looks into a ring for messages to its port moves those to other ports,
 * which stand before them, into their boxes, and wakes their readers.  A ring is
 * armed, so that its sender rings for the next record, when somebody has found
 * nothing in it and goes to sleep.  A reader that has found something does not arm
 * it, as it comes back: so a stream needs no doorbells.  Should it not come back
 * while others sleep at other ports, the work looks a tick later, empties the ring
 * and arms it for them (famez_channel_service()).
 */
#include <linux/bitmap.h>
#include <linux/freezer.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "bridge.h"
#include "trace.h"

/* ---- What is in a ring ---------------------------------------------------------------- */

/* Rings if what was taken out says so, and tells of garbage. */
static void famez_rx_settle(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];

	if (famez_inbox_must_ring(&r->in) && !famez_ring(b, id))
		r->in.ring = true;
	if (r->in.discarded) {
		famez_count(&r->counters.rx_discarded, r->in.discarded);
		r->in.discarded = 0;
	}
	if (!r->in.garbage)
		return;
	famez_count(&r->counters.rx_garbage, r->in.garbage);
	r->in.garbage = 0;
	dev_warn_ratelimited(&b->dev, "peer %u: garbage in its ring, what the ring held is lost\n",
			     id);
}

/* The next message in a ring, to any port; takes out all that stand before. */
static int famez_rx_next(struct famez_bridge *b, u32 id,
			 struct famez_message *m)
{
	struct famez_remote *r = &b->remotes[id];
	int err;

	lockdep_assert_held(&b->rx_lock);
	while ((err = famez_inbox_peek_ring(&r->in, m)) == 1) {
		famez_rx_control(b, id, m);
		famez_inbox_skip(&r->in, m);
	}
	return err;
}

/*
 * Puts a message into its port's box.  One that has no room there was not granted:
 * it stays, and is read where it is.
 */
static bool famez_rx_stash(struct famez_bridge *b, u32 id,
			   const struct famez_message *m)
{
	u32 slot = m->label.slot;
	bool fits = famez_inbox_stash(&b->remotes[id].in, m);

	if (fits)
		__set_bit(id, b->port[slot].boxed);
	b->remotes[id].slot = slot;
	famez_port_wake(b, slot);
	return fits;
}

/* Empties the ring into the boxes, as far as these take it. */
static int famez_rx_drain(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	u32 before = r->in.rx.tail;
	struct famez_message m;
	int err;

	do {
		err = famez_rx_next(b, id, &m);
	} while (!err && famez_rx_stash(b, id, &m));
	famez_inbox_drained(&r->in, before);
	return err;
}

/* ---- The work's part ------------------------------------------------------------------ */

/*
 * A ring that was left by one who read from it, while others sleep at other ports:
 * if nobody has come back since the last look, it is emptied and armed for them.
 */
static int famez_rx_left(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	u32 tail;
	int err;

	if (!test_bit(id, b->active) || !famez_others_wait(b, FAMEZ_GRANTS))
		return -EAGAIN;
	if (!r->idle) {
		r->idle = true;
		famez_later(b, id);
		return -EAGAIN;
	}
	clear_bit(id, b->active);
	do {
		tail = r->in.rx.tail;
		famez_inbox_arm(&r->in);
		err = famez_rx_drain(b, id);
	} while (err == -EAGAIN && tail != r->in.rx.tail);
	if (err != -EAGAIN)
		set_bit(id, b->active);
	return err;
}

/*
 * The sender wants the ring emptied.  While a reader comes for what is in it, and the
 * sender waits for that reader's port, it gets empty by itself, and nothing is copied
 * twice: so the work looks again in a tick (-EINPROGRESS), once, as senders to other
 * ports wait as well.  What is for the driver itself, a ping, does not wait if it is
 * the next.
 */
static int famez_rx_help(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	u32 drain = famez_inbox_drain_to(&r->in);
	struct famez_message m;
	int err;

	err = famez_rx_next(b, id, &m);
	if ((s32)(r->in.rx.tail - drain) >= 0) {
		famez_inbox_drained(&r->in, r->in.rx.tail);
		return err;
	}
	if (err || r->idle || drain == r->deferred || m.label.slot != r->slot ||
	    famez_inbox_drain_for(&r->in) != r->slot)
		return famez_rx_drain(b, id);
	r->deferred = drain;
	famez_later(b, id);
	return -EINPROGRESS;
}

static int famez_rx_service(struct famez_bridge *b, u32 id)
{
	struct famez_inbox *in = &b->remotes[id].in;
	struct famez_message m;
	int err;

	if (!in->rx.own)
		return 0;
	in->ring |= famez_inbox_refresh(in);
	/* it is for the sender to put its half right */
	in->ring |= !famez_rx_ready(&in->rx);
	err = famez_inbox_drain_wanted(in) ? famez_rx_help(b, id) :
					     famez_rx_next(b, id, &m);
	if (err != -EBUSY && err != -EINPROGRESS && b->ports.used > 1)
		err = famez_rx_left(b, id);
	return err;
}

bool famez_channel_service(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	bool busy;
	int err;

	mutex_lock(&b->rx_lock);
	busy = r->busy;
	r->busy = false;
	famez_inbox_begin(&r->in);
	err = famez_rx_service(b, id);
	mutex_lock(&r->tx_lock);
	r->in.ring |= famez_out_refresh(&r->out);
	if (r->out.tx.own)
		famez_out_sweep(&r->out);
	mutex_unlock(&r->tx_lock);
	famez_send_pong(b, id);
	famez_rx_settle(b, id);
	mutex_unlock(&b->rx_lock);
	return busy || err == -EBUSY;
}

bool famez_channel_calls(struct famez_bridge *b, u32 id)
{
	const struct famez_remote *r = &b->remotes[id];

	if (r->in.rx.own && (!famez_rx_ready(&r->in.rx) ||
			     famez_inbox_drain_wanted(&r->in)))
		return true;
	return r->out.tx.own && (READ_ONCE(r->pong_due) || !famez_tx_ready(&r->out.tx) ||
				 famez_out_spoilt(&r->out));
}

/* ---- The next message for a port -------------------------------------------------------- */

/*
 * The next from one peer, whether in its box or in its ring, within what is left of
 * the budget.  Return: 0, -EAGAIN, -EBUSY, or -ENOSPC when one that is not granted
 * stands before it
 */
static int famez_next_more(struct famez_bridge *b, u32 id, u32 slot,
			   struct famez_message *m)
{
	struct famez_remote *r = &b->remotes[id];
	int err;

	m->mail = false;
	if (test_bit(id, b->port[slot].boxed)) {
		if (!slot && famez_mail_next(b, id, m))
			return 0;
		if (famez_inbox_peek_box(&r->in, slot, m))
			return 0;
		__clear_bit(id, b->port[slot].boxed);
	}
	while (!(err = famez_rx_next(b, id, m)) && m->label.slot != slot) {
		if (!famez_rx_stash(b, id, m)) {
			err = -ENOSPC;
			break;
		}
	}
	famez_rx_settle(b, id);
	if (err == -EBUSY) {
		r->busy = true;
		famez_again(b, id);
	}
	return err;
}

static int famez_next_from(struct famez_bridge *b, u32 id, u32 slot,
			   struct famez_message *m)
{
	famez_inbox_begin(&b->remotes[id].in);
	return famez_next_more(b, id, slot, m);
}

/* The next id at or behind @from that may have one for a port. */
static u32 famez_next_id(struct famez_bridge *b, u32 slot, u32 from, u32 to)
{
	return min(find_next_bit(b->active, to, from),
		   find_next_bit(b->port[slot].boxed, to, from));
}

/* The next message from those in a part of the ids. */
static int famez_next_in(struct famez_bridge *b, u32 slot, u32 *id, u32 from,
			 u32 to, struct famez_message *m)
{
	for (*id = famez_next_id(b, slot, from, to); *id < to;
	     *id = famez_next_id(b, slot, *id + 1, to))
		if (!famez_next_from(b, *id, slot, m))
			return 0;
	return -EAGAIN;
}

/* The next message from anyone, each in turn. */
static int famez_next(struct famez_bridge *b, u32 slot, u32 *id,
		      struct famez_message *m)
{
	u32 n = b->layout.peers.count;
	u32 first = b->port[slot].first;

	if (!famez_next_in(b, slot, id, first, n, m))
		return 0;
	return famez_next_in(b, slot, id, 0, min(first, n), m);
}

/*
 * Nothing from this peer: asks it to ring for its next, and looks once more.  All
 * rounds share a budget: a sender could answer each by a record, for ever.
 */
static int famez_arm_one(struct famez_bridge *b, u32 id, u32 slot,
			 struct famez_message *m)
{
	struct famez_inbox *in = &b->remotes[id].in;
	u32 tail;
	int err;

	clear_bit(id, b->active);
	famez_inbox_begin(in);
	do {
		tail = in->rx.tail;
		famez_inbox_arm(in);
		err = famez_next_more(b, id, slot, m);
	} while (err == -EAGAIN && tail != in->rx.tail);
	if (err != -EAGAIN)
		set_bit(id, b->active);
	return err;
}

static int famez_arm(struct famez_bridge *b, u32 slot, u32 *id,
		     struct famez_message *m)
{
	for_each_set_bit(*id, b->active, b->layout.peers.count)
		if (!famez_arm_one(b, *id, slot, m))
			return 0;
	return -EAGAIN;
}

/* ---- For programs ---------------------------------------------------------------------- */

/* Who sent it, for read(2) */
static size_t famez_prefix(struct famez_bridge *b, const struct famez_delivery *d,
			   char *to, size_t room)
{
	u32 cid = 0, sid;

	if (!d->text)
		return 0;
	if (d->cid)
		famez_peer_ids(b, d->peer, &cid, &sid);
	return cid ? scnprintf(to, room, "%u,%u:", cid, sid) :
		     scnprintf(to, room, "%u:", d->peer);
}

/* Copies a message out.  Takes no page fault. */
static int famez_deliver(struct famez_bridge *b, struct famez_delivery *d,
			 const struct famez_message *m)
{
	char prefix[24];
	size_t before = famez_prefix(b, d, prefix, sizeof(prefix)), copied;
	int err = 0;

	d->length = m->length;
	d->sport = m->label.sport;
	if (iov_iter_count(d->to) < before + m->length)
		return -EMSGSIZE;
	pagefault_disable();
	copied = copy_to_iter(prefix, before, d->to);
	if (copied == before)
		copied += copy_to_iter(m->payload, m->length, d->to);
	if (copied == before + m->length && d->answer)
		err = d->answer(d, false);
	pagefault_enable();
	if (copied == before + m->length && !err)
		return 0;
	iov_iter_revert(d->to, copied);
	return -EFAULT;
}

/* A program has read a message: its sender may send as much again. */
static void famez_rx_done(struct famez_bridge *b, u32 id, u32 slot,
			  const struct famez_message *m)
{
	struct famez_remote *r = &b->remotes[id];
	struct famez_inbox *in = &r->in;

	famez_count(&r->counters.rx_messages, 1);
	famez_count(&r->counters.rx_bytes, m->length);
	trace_famez_receive(b->index, id, m->label.type, m->length);
	if (m->mail)
		famez_mail_read(b, id);
	else
		famez_inbox_read(in, m);
	/* there is room again for what could not be drained */
	if (in->rx.own && famez_inbox_drain_left(in))
		famez_again(b, id);
	famez_rx_settle(b, id);
	b->port[slot].first = id + 1;
	WRITE_ONCE(r->slot, slot);
	r->idle = false;
	if (b->ports.used > 1 && test_bit(id, b->active) &&
	    famez_others_wait(b, slot))
		famez_later(b, id);
}

/*
 * One try.  @arm: when there is none, a mark will come for the next.  @sleep: the
 * caller then goes to sleep, and ends that by famez_port_awake().  Whoever finds
 * something for others counts on knowing who sleeps: so that is said before the
 * last look, and taken back before a look at what has come meanwhile.
 */
static int famez_rx_try(struct famez_bridge *b, struct famez_delivery *d,
			bool arm, bool sleep)
{
	struct famez_message m;
	bool asleep = false;
	int err;

	if (famez_lost(b))
		return -ENODEV;
	famez_catch_up(b);
	mutex_lock(&b->rx_lock);
	err = famez_next(b, d->slot, &d->peer, &m);
	if (err && sleep) {
		famez_port_sleep(b, d->slot);
		asleep = true;
	}
	if (err && arm)
		err = famez_arm(b, d->slot, &d->peer, &m);
	if (!err)
		err = famez_deliver(b, d, &m);
	/* what a device that was pulled out says is no message */
	if (famez_lost(b))
		err = -ENODEV;
	if (asleep && err != -EAGAIN)
		famez_port_awake(b, d->slot);
	if (!err)
		famez_rx_done(b, d->peer, d->slot, &m);
	else if (err == -EMSGSIZE)
		famez_count(&b->remotes[d->peer].counters.rx_too_long, 1);
	else if (err == -EAGAIN && arm)
		famez_count(&b->rx_waits, 1);
	/* it leaves what it has found, and what there is behind it for others */
	if ((err == -EMSGSIZE || err == -EFAULT) && famez_others_wait(b, d->slot))
		famez_look_again(b);
	mutex_unlock(&b->rx_lock);
	return err;
}

u32 famez_channel_recv_row(struct famez_bridge *b, struct famez_delivery **d,
			   u32 count)
{
	struct famez_message m;
	u32 n;

	if (famez_lost(b))
		return 0;
	mutex_lock(&b->rx_lock);
	for (n = 0; n < count; n++) {
		/* the same sender's, while it has some, then the next one's */
		if (n && !famez_next_from(b, d[n - 1]->peer, d[n]->slot, &m))
			d[n]->peer = d[n - 1]->peer;
		else if (famez_next(b, d[n]->slot, &d[n]->peer, &m))
			break;
		if (famez_deliver(b, d[n], &m) || famez_lost(b))
			break;
		famez_rx_done(b, d[n]->peer, d[n]->slot, &m);
	}
	mutex_unlock(&b->rx_lock);
	return n;
}

/* Sleeps, as famez_rx_try() has said, until something may have come since @events. */
static long famez_rx_sleep(struct famez_bridge *b, u32 slot,
			   unsigned int events, long left)
{
	struct famez_port *port = &b->port[slot];

	/* who is rung all the time does not sleep, where it would be seen */
	if (signal_pending(current))
		left = -ERESTARTSYS;
	else
		left = wait_event_freezable_timeout(port->wait,
						    READ_ONCE(port->events) != events ||
						    READ_ONCE(b->gone),
						    left);
	famez_port_awake(b, slot);
	if (READ_ONCE(b->gone))
		return -ENODEV;
	/* it may have been woken to look for others, too, and does not */
	if (left < 0)
		famez_look_again(b);
	return left;
}

int famez_channel_recv(struct famez_bridge *b, struct famez_delivery *d,
		       long timeout)
{
	struct famez_port *port = &b->port[d->slot];
	unsigned long start = jiffies;
	unsigned int events;
	long left;
	int err;

	for (;;) {
		left = famez_left(start, timeout);
		events = READ_ONCE(port->events);
		/* who polls edge by edge does not ask again: it sleeps, too */
		err = famez_rx_try(b, d, left || famez_port_waited_for(port),
				   left);
		if (err != -EAGAIN)
			return err;
		if (!left)
			return READ_ONCE(b->gone) ? -ENODEV : -EAGAIN;
		left = famez_rx_sleep(b, d->slot, events, left);
		if (left < 0)
			return left;
	}
}

bool famez_channel_readable(struct famez_bridge *b, u32 slot)
{
	struct famez_message m;
	u32 id;
	int err;

	if (famez_lost(b))
		return false;
	famez_catch_up(b);
	mutex_lock(&b->rx_lock);
	err = famez_next(b, slot, &id, &m);
	if (err)
		err = famez_arm(b, slot, &id, &m);
	mutex_unlock(&b->rx_lock);
	return !err;
}

void famez_rx_empty(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];

	famez_inbox_begin(&r->in);
	if (r->in.rx.own)
		famez_rx_drain(b, id);
}
