// SPDX-License-Identifier: GPL-2.0
/* The two channels with each peer: messages, pings, and port 0. */
#include <linux/bitmap.h>
#include <linux/freezer.h>
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "bridge.h"
#include "trace.h"

/* ---- Finding channels -------------------------------------------------------- */

/* Takes up one of ours; the first of a pair counts. */
static void famez_channel_take(struct famez_bridge *b,
			       const struct famez_span *span)
{
	struct famez_channel *c = (void *)(b->control + span->offset);
	u32 longest = famez_ring_longest(span->size);
	struct famez_remote *r;

	if (span->from == b->id) {
		r = &b->remotes[span->to];
		if (r->tx.data || !famez_layout_take(&b->layout, span))
			return;
		r->tx.mine = &c->tx;
		r->tx.theirs = &c->rx;
		r->tx.data = c->data;
		r->tx.size = span->size;
		if (b->message_max < longest)
			b->message_max = min_t(u32, longest, FAMEZ_MESSAGE_MAX);
	} else if (span->to == b->id) {
		r = &b->remotes[span->from];
		if (r->in.rx.data || !famez_layout_take(&b->layout, span))
			return;
		r->in.rx.mine = &c->rx;
		r->in.rx.theirs = &c->tx;
		r->in.rx.data = c->data;
		r->in.rx.size = span->size;
	}
}

void famez_channels_find(struct famez_bridge *b)
{
	struct famez_direntry entry;
	struct famez_span span;
	u32 i;

	for (i = 0; i < b->layout.directory.count; i++) {
		famez_copy_in(&entry, b->control + b->layout.directory.offset +
				      (u64)i * b->layout.directory.stride,
			      sizeof(entry));
		if (famez_direntry_read(&b->layout, &entry, &span))
			famez_channel_take(b, &span);
		/* a stranger may have made it as long as the memory */
		cond_resched();
	}
}

/*
 * What is left of @timeout jiffies since @start.  Time runs on while a call that
 * is woken again and again does not sleep.
 */
static long famez_left(unsigned long start, long timeout)
{
	if (timeout == MAX_SCHEDULE_TIMEOUT)
		return timeout;
	return max(timeout - (long)(jiffies - start), 0L);
}

/* ---- Sending ------------------------------------------------------------------- */

/* May something be sent to this peer now?  Under tx_lock. */
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
	if (!r->generation)
		return -ENOTCONN;
	return r->tx.data ? 0 : -ENOBUFS;
}

/* Writes a record that has room.  Under tx_lock; takes no page fault. */
static int famez_tx_write(struct famez_bridge *b, u32 id, u16 type,
			  struct iov_iter *from, u8 *payload)
{
	struct famez_remote *r = &b->remotes[id];
	size_t length = iov_iter_count(from), copied;

	pagefault_disable();
	copied = copy_from_iter(payload, length, from);
	pagefault_enable();
	if (copied != length) {
		iov_iter_revert(from, copied);
		return -EFAULT;
	}
	famez_tx_commit(&r->tx, type, length);
	trace_famez_send(b->index, id, type, length);
	if (type == FAMEZ_TYPE_DATA) {
		famez_count(&r->counters.tx_messages, 1);
		famez_count(&r->counters.tx_bytes, length);
	} else if (type == FAMEZ_TYPE_PING) {
		famez_count(&r->counters.tx_pings, 1);
	}
	/* a ping is not for the program that reads: empty the ring up to it */
	if (type != FAMEZ_TYPE_DATA)
		famez_tx_drain(&r->tx);
	if ((famez_tx_must_ring(&r->tx) || type != FAMEZ_TYPE_DATA) &&
	    !famez_ring(b, id))
		return -ENODEV;
	/* the device may have been pulled out, and taken nothing */
	return famez_lost(b) ? -ENODEV : 0;
}

/*
 * One try.  @sleeper is the holder of turn: it alone leaves the events by which
 * the receiver knows that somebody sleeps, and takes them back.
 */
static int famez_tx_try(struct famez_bridge *b, u32 id, u16 type,
			struct iov_iter *from, bool sleeper)
{
	struct famez_remote *r = &b->remotes[id];
	size_t length = iov_iter_count(from);
	u8 *payload;
	bool help;
	int err;

	err = famez_tx_state(b, id, type);
	if (err)
		return err;
	if (length > FAMEZ_MESSAGE_MAX)
		return -EMSGSIZE;
	err = famez_tx_room(&r->tx, type, length, &payload);
	if (err == -EAGAIN) {
		help = sleeper ? famez_tx_wait(&r->tx, length) :
				 famez_tx_help(&r->tx, type, length);
		if (help)
			famez_ring(b, id);
		err = famez_tx_room(&r->tx, type, length, &payload);
	}
	return err ? err : famez_tx_write(b, id, type, from, payload);
}

static int famez_tx_try_locked(struct famez_bridge *b, u32 id, u16 type,
			       struct iov_iter *from, bool sleeper)
{
	struct famez_remote *r = &b->remotes[id];
	int err;

	mutex_lock(&r->tx_lock);
	err = famez_tx_try(b, id, type, from, sleeper);
	mutex_unlock(&r->tx_lock);
	return err;
}

/* Becomes the sleeper. */
static int famez_tx_take_turn(struct famez_remote *r, unsigned long start,
			      long timeout)
{
	long left;
	bool mine;

	for (;;) {
		mutex_lock(&r->tx_lock);
		mine = !r->sleeper;
		r->sleeper = true;
		if (mine)
			famez_count(&r->counters.tx_waits, 1);
		mutex_unlock(&r->tx_lock);
		if (mine)
			return 0;
		left = wait_event_freezable_timeout(r->turn,
						    !READ_ONCE(r->sleeper),
						    famez_left(start, timeout));
		if (left <= 0)
			return left ? left : -EAGAIN;
	}
}

static void famez_tx_give_turn(struct famez_bridge *b, struct famez_remote *r)
{
	mutex_lock(&r->tx_lock);
	if (r->tx.own && !famez_lost(b))
		famez_tx_unwait(&r->tx);
	WRITE_ONCE(r->sleeper, false);
	mutex_unlock(&r->tx_lock);
	wake_up_interruptible(&r->turn);
}

/* Tells a sleeper, and nobody else again, that its peer is another now. */
static int famez_tx_reset(struct famez_remote *r)
{
	mutex_lock(&r->tx_lock);
	r->reset = false;
	mutex_unlock(&r->tx_lock);
	return -ECONNRESET;
}

static int famez_tx_sleep(struct famez_bridge *b, u32 id,
			  struct iov_iter *from, long timeout)
{
	struct famez_remote *r = &b->remotes[id];
	u32 generation = READ_ONCE(r->generation);
	unsigned long start = jiffies;
	unsigned int rings;
	long left;
	int err;

	err = famez_tx_take_turn(r, start, timeout);
	if (err)
		return err;
	for (;;) {
		left = famez_left(start, timeout);
		rings = READ_ONCE(r->rings);
		err = famez_tx_try_locked(b, id, FAMEZ_TYPE_DATA, from, true);
		if (err != -EAGAIN || !left)
			break;
		/* likewise in the next: see famez_channel_recv() */
		err = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		left = wait_event_freezable_timeout(r->wait,
						    READ_ONCE(r->rings) != rings,
						    left);
		err = left < 0 ? left : 0;
		if (!err && READ_ONCE(r->generation) != generation)
			err = famez_tx_reset(r);
		if (err)
			break;
	}
	famez_tx_give_turn(b, r);
	return err;
}

static int famez_check_dest(struct famez_bridge *b, u32 id)
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

int famez_channel_send(struct famez_bridge *b, u32 id, struct iov_iter *from,
		       long timeout)
{
	int err = famez_check_dest(b, id);

	if (err)
		return err;
	id = array_index_nospec(id, b->layout.peers.count);
	/* nobody overtakes one that sleeps: it might never find room */
	err = -EAGAIN;
	if (!READ_ONCE(b->remotes[id].sleeper))
		err = famez_tx_try_locked(b, id, FAMEZ_TYPE_DATA, from, false);
	if (err == -EAGAIN && timeout)
		err = famez_tx_sleep(b, id, from, timeout);
	if (err)
		famez_count_failure(&b->remotes[id], err);
	return err;
}

/* Something small of the kernel's own; never sleeps for room. */
static int famez_tx_kernel(struct famez_bridge *b, u32 id, u16 type,
			   void *data, size_t length)
{
	struct kvec vec = { .iov_base = data, .iov_len = length };
	struct iov_iter from;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, length);
	return famez_tx_try_locked(b, id, type, &from, false);
}

/* ---- Pings ----------------------------------------------------------------------- */

static void famez_send_pong(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];

	/* no room: it rings when it has emptied the ring */
	if (r->pong_due && famez_tx_kernel(b, id, FAMEZ_TYPE_PONG, r->pong,
					   r->pong_due) != -EAGAIN)
		r->pong_due = 0;
}

static void famez_take_pong(struct famez_bridge *b, struct famez_remote *r,
			    const u8 *payload, u32 length)
{
	unsigned long flags;
	u64 cookie;

	if (length != sizeof(cookie))
		return;
	memcpy(&cookie, payload, sizeof(cookie));
	spin_lock_irqsave(&b->bell_lock, flags);
	if (cookie && cookie == r->ping) {
		r->ping = 0;
		WRITE_ONCE(r->pong_time, ktime_get_ns());
	}
	spin_unlock_irqrestore(&b->bell_lock, flags);
	wake_up_interruptible_all(&r->wait);
}

/*
 * A record that is not for a program; under rx_lock.  One ping is kept while
 * there is no room for its answer; who sends a second one meanwhile loses the
 * first.
 */
static void famez_rx_control(struct famez_bridge *b, u32 id,
			     const struct famez_message *m)
{
	struct famez_remote *r = &b->remotes[id];

	if (!m->length || m->length > FAMEZ_PING_MAX)
		return;
	trace_famez_receive(b->index, id, m->type, m->length);
	if (m->type == FAMEZ_TYPE_PING) {
		famez_count(&r->counters.rx_pings, 1);
		memcpy(r->pong, m->payload, m->length);
		r->pong_due = m->length;
		famez_send_pong(b, id);
	} else if (m->type == FAMEZ_TYPE_PONG) {
		famez_take_pong(b, r, m->payload, m->length);
	}
}

/* What a ping waits for: @cookie, 0 for none. */
static void famez_ping_expect(struct famez_bridge *b, struct famez_remote *r,
			      u64 cookie)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	r->ping = cookie;
	if (cookie)
		WRITE_ONCE(r->pong_time, 0);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

/* Sends a ping; waits for room. */
static int famez_ping_send(struct famez_bridge *b, u32 id, u64 cookie,
			   unsigned long start, long timeout)
{
	struct famez_remote *r = &b->remotes[id];
	unsigned int rings;
	long left;
	int err;

	for (;;) {
		rings = READ_ONCE(r->rings);
		err = famez_tx_kernel(b, id, FAMEZ_TYPE_PING, &cookie,
				      sizeof(cookie));
		if (err != -EAGAIN)
			return err;
		if (signal_pending(current))
			return -ERESTARTSYS;
		left = wait_event_interruptible_timeout(r->wait,
							READ_ONCE(r->rings) != rings,
							famez_left(start, timeout));
		if (left <= 0)
			return left ? left : -ETIMEDOUT;
	}
}

static bool famez_ping_over(struct famez_bridge *b, struct famez_remote *r,
			    u32 generation)
{
	return READ_ONCE(r->pong_time) || READ_ONCE(b->gone) ||
	       READ_ONCE(r->generation) != generation || famez_lost(b);
}

static int famez_ping_wait(struct famez_bridge *b, struct famez_remote *r,
			   u32 generation, long left)
{
	left = wait_event_interruptible_timeout(r->wait,
						famez_ping_over(b, r, generation),
						left);
	if (left < 0)
		return left;
	if (READ_ONCE(r->pong_time))
		return 0;
	if (READ_ONCE(b->gone) || famez_lost(b))
		return -ENODEV;
	return left ? -ECONNRESET : -ETIMEDOUT;
}

static int famez_ping_one(struct famez_bridge *b, u32 id, unsigned long start,
			  long timeout, u64 *nanoseconds)
{
	struct famez_remote *r = &b->remotes[id];
	u32 generation = READ_ONCE(r->generation);
	u64 began = ktime_get_ns();
	u64 cookie;
	int err;

	/* random, so that a late answer to an earlier ping is not taken for it */
	cookie = get_random_u64() | 1;
	famez_ping_expect(b, r, cookie);
	err = famez_ping_send(b, id, cookie, start, timeout);
	if (!err)
		err = famez_ping_wait(b, r, generation,
				      famez_left(start, timeout));
	famez_ping_expect(b, r, 0);
	if (!err)
		*nanoseconds = READ_ONCE(r->pong_time) - began;
	return err;
}

/* One ping of a peer at a time: the right to it, or false. */
static bool famez_ping_begin(struct famez_bridge *b, struct famez_remote *r)
{
	unsigned long flags;
	bool mine;

	spin_lock_irqsave(&b->bell_lock, flags);
	mine = !r->pinging;
	r->pinging = true;
	spin_unlock_irqrestore(&b->bell_lock, flags);
	return mine;
}

static void famez_ping_end(struct famez_bridge *b, struct famez_remote *r)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	r->pinging = false;
	spin_unlock_irqrestore(&b->bell_lock, flags);
	wake_up_interruptible_all(&r->wait);
}

int famez_channel_ping(struct famez_bridge *b, u32 id, unsigned int timeout_ms,
		       u64 *nanoseconds)
{
	long timeout = msecs_to_jiffies(timeout_ms), left;
	unsigned long start = jiffies;
	struct famez_remote *r;
	int err;

	err = famez_check_dest(b, id);
	if (err)
		return err;
	id = array_index_nospec(id, b->layout.peers.count);
	r = &b->remotes[id];
	left = wait_event_interruptible_timeout(r->wait,
						READ_ONCE(b->gone) ||
						famez_ping_begin(b, r),
						timeout);
	if (left <= 0)
		return left ? left : -ETIMEDOUT;
	if (READ_ONCE(b->gone))
		return -ENODEV;
	err = famez_ping_one(b, id, start, timeout, nanoseconds);
	famez_ping_end(b, r);
	return err;
}

/* ---- Receiving: all of it under rx_lock ------------------------------------------- */

/* Rings if what was taken out says so, and tells of garbage. */
static void famez_rx_settle(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];

	if (famez_inbox_must_ring(&r->in) && !famez_ring(b, id))
		r->in.ring = true;
	if (!r->in.garbage)
		return;
	famez_count(&r->counters.rx_garbage, r->in.garbage);
	r->in.garbage = 0;
	dev_warn_ratelimited(&b->dev, "peer %u: garbage in its ring, what the ring held is lost\n",
			     id);
}

/* The next message for a program in a ring; takes out all that stand before. */
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

/* Empties the ring into the buffer, as far as that takes it. */
static int famez_rx_drain(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	u32 before = r->in.rx.tail;
	struct famez_message m;
	int err;

	do {
		err = famez_rx_next(b, id, &m);
	} while (!err && famez_inbox_stash(&r->in, &m));
	famez_inbox_drained(&r->in, before);
	return err;
}

static int famez_rx_service(struct famez_bridge *b, u32 id)
{
	struct famez_inbox *in = &b->remotes[id].in;
	struct famez_message m;

	if (!in->rx.own)
		return 0;
	in->ring |= famez_rx_refresh(&in->rx);
	/* it is for the sender to put its half right */
	in->ring |= !famez_rx_ready(&in->rx);
	return famez_inbox_drain_wanted(in) ? famez_rx_drain(b, id) :
					      famez_rx_next(b, id, &m);
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
	r->in.ring |= famez_tx_refresh(&r->tx);
	mutex_unlock(&r->tx_lock);
	famez_send_pong(b, id);
	famez_rx_settle(b, id);
	mutex_unlock(&b->rx_lock);
	return busy || err == -EBUSY;
}

/*
 * The next message from one peer, whether in its buffer or in its ring, within
 * what is left of the budget.
 */
static int famez_next_more(struct famez_bridge *b, u32 id,
			   struct famez_message *m)
{
	struct famez_remote *r = &b->remotes[id];
	int err;

	err = famez_inbox_peek(&r->in, m);
	if (err == 1)
		err = famez_rx_next(b, id, m);
	famez_rx_settle(b, id);
	if (err == -EBUSY) {
		r->busy = true;
		famez_again(b, id);
	}
	return err;
}

static int famez_next_from(struct famez_bridge *b, u32 id,
			   struct famez_message *m)
{
	famez_inbox_begin(&b->remotes[id].in);
	return famez_next_more(b, id, m);
}

/* The next message from those in a part of the ids. */
static int famez_next_in(struct famez_bridge *b, u32 *id, u32 from, u32 to,
			 struct famez_message *m)
{
	for (*id = find_next_bit(b->active, to, from); *id < to;
	     *id = find_next_bit(b->active, to, *id + 1))
		if (!famez_next_from(b, *id, m))
			return 0;
	return -EAGAIN;
}

/* The next message from anyone, each in turn. */
static int famez_next(struct famez_bridge *b, u32 *id, struct famez_message *m)
{
	u32 n = b->layout.peers.count;

	if (!famez_next_in(b, id, b->rx_next, n, m))
		return 0;
	return famez_next_in(b, id, 0, min(b->rx_next, n), m);
}

/*
 * Nothing from this peer: asks it to ring for its next, and looks once more.  All
 * rounds share a budget: a sender could answer each by a record, for ever.
 */
static int famez_arm_one(struct famez_bridge *b, u32 id,
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
		err = famez_next_more(b, id, m);
	} while (err == -EAGAIN && tail != in->rx.tail);
	if (err != -EAGAIN)
		set_bit(id, b->active);
	return err;
}

static int famez_arm(struct famez_bridge *b, u32 *id, struct famez_message *m)
{
	for_each_set_bit(*id, b->active, b->layout.peers.count)
		if (!famez_arm_one(b, *id, m))
			return 0;
	return -EAGAIN;
}

/* Copies a message out.  Takes no page fault. */
static int famez_deliver(struct famez_delivery *d,
			 const struct famez_message *m)
{
	char prefix[16];
	size_t before = 0, copied;

	if (d->text)
		before = scnprintf(prefix, sizeof(prefix), "%u:", d->peer);
	d->length = m->length;
	if (iov_iter_count(d->to) < before + m->length)
		return -EMSGSIZE;
	pagefault_disable();
	copied = copy_to_iter(prefix, before, d->to);
	if (copied == before)
		copied += copy_to_iter(m->payload, m->length, d->to);
	pagefault_enable();
	if (copied == before + m->length)
		return 0;
	iov_iter_revert(d->to, copied);
	return -EFAULT;
}

/* A program has read a message: its sender may send as much again. */
static void famez_rx_done(struct famez_bridge *b, u32 id,
			  const struct famez_message *m)
{
	struct famez_remote *r = &b->remotes[id];
	struct famez_inbox *in = &r->in;

	famez_count(&r->counters.rx_messages, 1);
	famez_count(&r->counters.rx_bytes, m->length);
	trace_famez_receive(b->index, id, m->type, m->length);
	famez_inbox_read(in, m);
	/* there is room again for what could not be drained */
	if (in->rx.own && famez_inbox_drain_wanted(in))
		famez_again(b, id);
	famez_rx_settle(b, id);
	b->rx_next = id + 1;
}

/* One try; @sleeper: when there is none, a mark will come for the next. */
static int famez_rx_try(struct famez_bridge *b, struct famez_delivery *d,
			bool sleeper)
{
	struct famez_message m;
	int err;

	if (famez_lost(b))
		return -ENODEV;
	famez_catch_up(b);
	mutex_lock(&b->rx_lock);
	err = famez_next(b, &d->peer, &m);
	if (err && sleeper)
		err = famez_arm(b, &d->peer, &m);
	if (!err)
		err = famez_deliver(d, &m);
	/* what a device that was pulled out says is no message */
	if (famez_lost(b))
		err = -ENODEV;
	if (!err)
		famez_rx_done(b, d->peer, &m);
	else if (err == -EMSGSIZE)
		famez_count(&b->remotes[d->peer].counters.rx_too_long, 1);
	else if (err == -EAGAIN && sleeper)
		famez_count(&b->rx_waits, 1);
	mutex_unlock(&b->rx_lock);
	return err;
}

int famez_channel_recv(struct famez_bridge *b, struct famez_delivery *d,
		       long timeout)
{
	unsigned long start = jiffies;
	unsigned int events;
	long left;
	int err;

	for (;;) {
		left = famez_left(start, timeout);
		events = READ_ONCE(b->rx_events);
		/* who polls edge by edge does not ask again: it sleeps, too */
		err = famez_rx_try(b, d, left || wq_has_sleeper(&b->rx_wait));
		if (err != -EAGAIN)
			return err;
		if (READ_ONCE(b->gone))
			return -ENODEV;
		if (!left)
			return -EAGAIN;
		/* who is rung all the time does not sleep, where it would be seen */
		if (signal_pending(current))
			return -ERESTARTSYS;
		left = wait_event_freezable_timeout(b->rx_wait,
						    READ_ONCE(b->rx_events) != events,
						    left);
		if (left < 0)
			return left;
	}
}

bool famez_channel_readable(struct famez_bridge *b)
{
	struct famez_message m;
	u32 id;
	int err;

	if (famez_lost(b))
		return false;
	famez_catch_up(b);
	mutex_lock(&b->rx_lock);
	err = famez_next(b, &id, &m);
	if (err)
		err = famez_arm(b, &id, &m);
	mutex_unlock(&b->rx_lock);
	return !err;
}

/* ---- Generations -------------------------------------------------------------------- */

/* Port 0's buffer for what a peer sends; made when it first comes up. */
static int famez_make_buffer(struct famez_inbox *in)
{
	struct famez_channel *buffer;

	if (in->buffer || !in->rx.data)
		return 0;
	buffer = kvzalloc(famez_inbox_bytes(in), GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	famez_inbox_set_buffer(in, buffer);
	return 0;
}

/* Under rx_lock and tx_lock. */
static void famez_pair_locked(struct famez_bridge *b, struct famez_remote *r,
			      u32 generation)
{
	u32 own = generation ? b->generation : 0;

	if (famez_tx_in_flight(&r->tx))
		r->reset = true;
	WRITE_ONCE(r->generation, generation);
	r->pong_due = 0;
	if (r->tx.data)
		famez_tx_pair(&r->tx, own, generation);
	if (r->in.rx.data)
		famez_inbox_pair(&r->in, own, generation);
}

int famez_channel_pair(struct famez_bridge *b, u32 id, u32 generation)
{
	struct famez_remote *r = &b->remotes[id];
	int err;

	mutex_lock(&b->rx_lock);
	err = generation ? famez_make_buffer(&r->in) : 0;
	if (err)
		goto unlock;
	/* what the former sender had sent is still to be delivered */
	famez_inbox_begin(&r->in);
	if (r->in.rx.own)
		famez_rx_drain(b, id);
	mutex_lock(&r->tx_lock);
	famez_pair_locked(b, r, generation);
	mutex_unlock(&r->tx_lock);
	set_bit(id, b->active);
unlock:
	mutex_unlock(&b->rx_lock);
	return err;
}
