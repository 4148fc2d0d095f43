// SPDX-License-Identifier: GPL-2.0
/* Pings: sent for programs, and answered here. */
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/sched/signal.h>

#include "bridge.h"
#include "trace.h"

/* ---- Records that are not for programs -------------------------------------------- */

void famez_send_pong(struct famez_bridge *b, u32 id)
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
	wake_up_all(&r->wait);
}

void famez_take_old_pong(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	unsigned long flags;

	if (!famez_is_old(b, id))
		return;
	spin_lock_irqsave(&b->bell_lock, flags);
	if (r->ping)
		WRITE_ONCE(r->pong_time, ktime_get_ns());
	r->ping = 0;
	spin_unlock_irqrestore(&b->bell_lock, flags);
	wake_up_all(&r->wait);
}

/*
 * One ping is kept while there is no room for its answer; who sends a second one
 * meanwhile loses the first.
 */
void famez_rx_control(struct famez_bridge *b, u32 id,
		      const struct famez_message *m)
{
	struct famez_remote *r = &b->remotes[id];
	struct famez_link l;

	if (m->label.type == FAMEZ_TYPE_LINK && famez_link_record(&l, m->payload, m->length))
		famez_link_heard(b, id, &l);
	if (m->label.type == FAMEZ_TYPE_FLUSHED)
		famez_take_flushed(b, id, m->payload, m->length);
	if (!m->length || m->length > FAMEZ_PING_MAX)
		return;
	trace_famez_receive(b->index, id, m->label.type, m->length);
	if (m->label.type == FAMEZ_TYPE_PING) {
		famez_count(&r->counters.rx_pings, 1);
		memcpy(r->pong, m->payload, m->length);
		r->pong_due = m->length;
		famez_send_pong(b, id);
	} else if (m->label.type == FAMEZ_TYPE_PONG) {
		famez_take_pong(b, r, m->payload, m->length);
	}
}

/* ---- Pinging ----------------------------------------------------------------------- */

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

/* To one that knows no cookies; it goes when the mailslot is free. */
static int famez_ping_old(struct famez_bridge *b, u32 id)
{
	const struct famez_link ping = { .word = FAMEZ_LINK_PING };
	struct famez_remote *r = &b->remotes[id];

	int err;

	if (READ_ONCE(b->gone) || famez_lost(b))
		return -ENODEV;
	err = famez_link_say(b, id, &ping);
	if (err)
		return err;
	mutex_lock(&r->tx_lock);
	famez_count(&r->counters.tx_pings, 1);
	mutex_unlock(&r->tx_lock);
	return 0;
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
		if (famez_is_old(b, id))
			err = famez_ping_old(b, id);
		else
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
	/* it may have waited for the peer to come up */
	if (!generation)
		generation = READ_ONCE(r->generation);
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
