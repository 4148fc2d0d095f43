// SPDX-License-Identifier: GPL-2.0
/*
 * What an open file waits for, and its memory.
 *
 * A program's memory is touched inside with page faults off, under a lock that
 * other programs need.  Where that fails, it is faulted in outside.
 */
#include <linux/eventfd.h>
#include <linux/freezer.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "chardev.h"

long famez_timeout(struct file *file, u32 flags, u32 milliseconds)
{
	if (flags & FAMEZ_MSG_DONTWAIT || file->f_flags & O_NONBLOCK)
		return 0;
	/* not 0 jiffies: that would be no sleep at all */
	return milliseconds ? msecs_to_jiffies(milliseconds) + 1 :
			      MAX_SCHEDULE_TIMEOUT;
}

/* What a call that slept for @timeout tells its program. */
static int famez_outcome(int err, long timeout)
{
	if (!timeout || timeout == MAX_SCHEDULE_TIMEOUT)
		return err;
	if (err == -EAGAIN)
		return -ETIMEDOUT;
	/* begun anew it would sleep as long again */
	return err == -ERESTARTSYS ? -EINTR : err;
}

int famez_endpoint_send(struct famez_bridge *b, const struct famez_dest *dest,
			struct iov_iter *from, long timeout)
{
	int err;

	for (;;) {
		if (!famez_enter(b))
			return -ENODEV;
		err = famez_channel_send(b, dest, from, timeout);
		famez_leave(b);
		if (err != -EFAULT)
			return famez_outcome(err, timeout);
		if (fault_in_iov_iter_readable(from, iov_iter_count(from)))
			return -EFAULT;
		if (signal_pending(current))
			return famez_outcome(-ERESTARTSYS, timeout);
	}
}

int famez_endpoint_probe(struct famez_bridge *b, const struct famez_dest *dest,
			 long timeout)
{
	int err;

	if (!famez_enter(b))
		return -ENODEV;
	err = famez_channel_probe(b, dest, timeout);
	famez_leave(b);
	return famez_outcome(err, timeout);
}

int famez_endpoint_recv(struct famez_bridge *b, struct famez_delivery *d,
			long timeout)
{
	int err;

	for (;;) {
		if (!famez_enter(b))
			return -ENODEV;
		err = famez_channel_recv(b, d, timeout);
		famez_leave(b);
		if (err != -EFAULT)
			return famez_outcome(err, timeout);
		if (fault_in_iov_iter_writeable(d->to,
						min_t(size_t, d->length + 24,
						      iov_iter_count(d->to))))
			return -EFAULT;
		if (d->answer && d->answer(d, true))
			return -EFAULT;
		if (signal_pending(current))
			return famez_outcome(-ERESTARTSYS, timeout);
	}
}

/* What cannot go at once goes by itself: it sleeps, or has its memory faulted in. */
int famez_endpoint_send_row(struct famez_bridge *b, struct famez_outgoing *row,
			    u32 count, u32 *done, unsigned long start,
			    long timeout)
{
	u32 sent;
	int err = 0;

	for (*done = 0; *done < count && !err; *done += !err) {
		if (!famez_enter(b))
			return -ENODEV;
		err = famez_channel_send_row(b, row + *done, count - *done, &sent);
		famez_leave(b);
		*done += sent;
		if (*done == count)
			return err;
		if (err != -EFAULT && err != -EAGAIN)
			return err;
		/* not 0 when the time is over: that is another error */
		err = famez_endpoint_send(b, &row[*done].dest, &row[*done].from,
					  timeout ? max(famez_left(start, timeout), 1L) : 0);
	}
	return err;
}

u32 famez_endpoint_recv_row(struct famez_bridge *b, struct famez_delivery **d,
			    u32 count)
{
	u32 n;

	if (!famez_enter(b))
		return 0;
	n = famez_channel_recv_row(b, d, count);
	famez_leave(b);
	return n;
}

bool famez_endpoint_pending(struct famez_file *f)
{
	bool pending;

	spin_lock(&f->b->events_lock);
	pending = f->cursor != f->b->events.next;
	spin_unlock(&f->b->events_lock);
	return pending;
}

/* The next event: 0, -EAGAIN or -ENODEV. */
static int famez_take_event(struct famez_file *f, struct famez_event *event,
			    u64 *before)
{
	struct famez_bridge *b = f->b;
	bool got, lost;
	u32 epoch;

	if (!famez_enter(b))
		return -ENODEV;
	lost = famez_lost(b);
	epoch = famez_peers_epoch(b);
	spin_lock(&b->events_lock);
	*before = f->cursor;
	got = famez_events_get(&b->events, &f->cursor, epoch, event);
	spin_unlock(&b->events_lock);
	famez_leave(b);
	if (got)
		return 0;
	return lost ? -ENODEV : -EAGAIN;
}

void famez_endpoint_event_undo(struct famez_file *f, u64 before)
{
	spin_lock(&f->b->events_lock);
	f->cursor = before;
	spin_unlock(&f->b->events_lock);
	wake_up_interruptible_all(&f->b->event_wait);
}

int famez_endpoint_event(struct famez_file *f, struct famez_event *event,
			 u64 *before, long timeout)
{
	struct famez_bridge *b = f->b;
	unsigned int wakes;
	long left = timeout;
	int err;

	for (;;) {
		wakes = READ_ONCE(b->wakes);
		err = famez_take_event(f, event, before);
		if (err != -EAGAIN || !left)
			return famez_outcome(err, timeout);
		left = wait_event_freezable_timeout(b->event_wait,
						    famez_endpoint_pending(f) ||
						    READ_ONCE(b->wakes) != wakes,
						    left);
		if (left < 0)
			return famez_outcome(left, timeout);
	}
}

/* ---- Port and eventfd ------------------------------------------------------------- */

int famez_endpoint_bind(struct famez_file *f, u32 *port, u32 buffer)
{
	struct famez_bridge *b = f->b;
	int slot = -EINVAL;

	if (!famez_enter(b))
		return -ENODEV;
	mutex_lock(&f->lock);
	if (f->slot)
		goto unlock;
	slot = famez_lost(b) ? -ENODEV : famez_port_bind(b, *port, buffer);
	if (slot < 0)
		goto unlock;
	*port = b->ports.slot[slot].port;
	WRITE_ONCE(f->port, *port);
	WRITE_ONCE(f->slot, slot);
	if (f->watch.eventfd) {
		famez_watch_remove(b, &f->watch);
		famez_watch_add(b, slot, &f->watch);
		/* it could be sent to since it was bound */
		if (famez_channel_readable(b, slot))
			famez_port_wake(b, slot);
	}
unlock:
	mutex_unlock(&f->lock);
	famez_leave(b);
	return slot < 0 ? slot : 0;
}

int famez_endpoint_watch(struct famez_file *f, struct eventfd_ctx *eventfd)
{
	struct famez_bridge *b = f->b;
	struct eventfd_ctx *old;

	if (!famez_enter(b))
		return -ENODEV;
	mutex_lock(&f->lock);
	famez_watch_remove(b, &f->watch);
	old = f->watch.eventfd;
	f->watch.eventfd = eventfd;
	if (eventfd)
		famez_watch_add(b, f->slot, &f->watch);
	/* what is there by now has rung already, or is not armed for us */
	if (eventfd && famez_channel_readable(b, f->slot))
		famez_port_wake(b, f->slot);
	mutex_unlock(&f->lock);
	famez_leave(b);
	if (old)
		eventfd_ctx_put(old);
	return 0;
}

void famez_endpoint_release(struct famez_file *f)
{
	struct famez_bridge *b = f->b;

	famez_watch_remove(b, &f->watch);
	if (f->watch.eventfd)
		eventfd_ctx_put(f->watch.eventfd);
	/* once the device has gone, the rest goes with the bridge */
	if (!f->slot || !famez_enter(b))
		return;
	famez_port_close(b, f->slot);
	famez_leave(b);
}
