// SPDX-License-Identifier: GPL-2.0
/* The ioctls that send and receive, one message or several. */
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include <famez/compat.h>

#include "chardev.h"

/**
 * struct famez_receipt - a message that goes to a program's struct famez_msg
 * @d: where the message goes
 * @to: its payload
 * @user: the program's structure
 * @msg: what is in it
 * @port: our port
 */
struct famez_receipt {
	struct famez_delivery d;
	struct iov_iter to;
	void __user *user;
	struct famez_msg msg;
	u16 port;
};

static int famez_check_msg(const struct famez_msg *msg, u32 flags)
{
	if (msg->flags & ~flags || msg->sport || msg->reserved ||
	    (msg->sid && !(msg->flags & FAMEZ_MSG_CID)))
		return -EINVAL;
	return 0;
}

#define FAMEZ_NOBODY	(FAMEZ_PEERS_MAX + 1)	/* no id */

/* ---- Sending ----------------------------------------------------------------- */

/* CID and SID as an id, which goes to nobody if nobody has them. */
static u32 famez_find_peer(struct famez_bridge *b, const struct famez_msg *msg)
{
	u32 id = FAMEZ_NOBODY;

	if (famez_enter(b)) {
		famez_link_find(b, msg->peer, msg->sid, &id);
		famez_leave(b);
	}
	return id;
}

static void famez_make_outgoing(struct file *file, const struct famez_msg *msg,
				struct famez_outgoing *out)
{
	out->dest = (struct famez_dest){
		.peer = msg->peer,
		.port = msg->dport,
		.sport = famez_port_of(file),
	};
	if (msg->flags & FAMEZ_MSG_CID)
		out->dest.peer = famez_find_peer(famez_bridge_of(file), msg);
	else if (msg->peer == FAMEZ_DEST_SERVER)
		out->dest.peer = famez_bridge_of(file)->layout.server_id;
	iov_iter_ubuf(&out->from, ITER_SOURCE, u64_to_user_ptr(msg->data),
		      msg->length);
}

static int famez_send_link(struct famez_bridge *b, struct famez_outgoing *out)
{
	char text[FAMEZ_LINK_ROOM];
	size_t length = iov_iter_count(&out->from);
	int err;

	if (out->dest.port || length >= sizeof(text))
		return -EINVAL;
	if (copy_from_iter(text, length, &out->from) != length)
		return -EFAULT;
	if (!famez_enter(b))
		return -ENODEV;
	err = famez_link_tell(b, out->dest.peer, text, length);
	famez_leave(b);
	return err;
}

int famez_ioc_send(struct file *file, void __user *user)
{
	struct famez_outgoing out;
	struct famez_msg msg;
	int err;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	err = famez_get_struct(&msg, sizeof(msg), FAMEZ_MSG_SIZE_VER0, user);
	if (!err)
		err = famez_check_msg(&msg, FAMEZ_MSG_DONTWAIT | FAMEZ_MSG_PROBE |
				      FAMEZ_MSG_LINK | FAMEZ_MSG_CID);
	if (!err && msg.flags & FAMEZ_MSG_PROBE && msg.length)
		err = -EINVAL;
	/* a word never waits, and is no question */
	if (!err && msg.flags & FAMEZ_MSG_LINK &&
	    (msg.flags & (FAMEZ_MSG_DONTWAIT | FAMEZ_MSG_PROBE) || msg.timeout_ms))
		err = -EINVAL;
	if (err)
		return err;
	famez_make_outgoing(file, &msg, &out);
	if (msg.flags & FAMEZ_MSG_LINK)
		return famez_send_link(famez_bridge_of(file), &out);
	if (msg.flags & FAMEZ_MSG_PROBE)
		return famez_endpoint_probe(famez_bridge_of(file), &out.dest,
					    famez_timeout(file, msg.flags, msg.timeout_ms));
	return famez_endpoint_send(famez_bridge_of(file), &out.dest, &out.from,
				   famez_timeout(file, msg.flags, msg.timeout_ms));
}

/* ---- Receiving --------------------------------------------------------------- */

/* Tells who sent it and how long it is. */
static int famez_answer(struct famez_delivery *d, bool fault)
{
	struct famez_receipt *receipt =
		container_of(d, struct famez_receipt, d);
	size_t size = min_t(size_t, receipt->msg.size, sizeof(receipt->msg));

	/* Safe: it leaves what is there, which a restarted call reads again */
	if (fault)
		return fault_in_safe_writeable(receipt->user, size) ? -EFAULT : 0;
	receipt->msg.peer = d->peer;
	receipt->msg.length = d->length;
	receipt->msg.sport = d->sport;
	receipt->msg.dport = receipt->port;
	return famez_put_struct(receipt->user, &receipt->msg,
				sizeof(receipt->msg));
}

/* What is to be received, with @user and @msg set. */
static void famez_make_receipt(struct file *file, struct famez_receipt *receipt)
{
	struct famez_delivery *d = &receipt->d;

	iov_iter_ubuf(&receipt->to, ITER_DEST,
		      u64_to_user_ptr(receipt->msg.data),
		      min_t(u32, receipt->msg.length, FAMEZ_RING_MAX));
	d->to = &receipt->to;
	d->slot = famez_slot_of(file);
	d->answer = famez_answer;
	receipt->port = famez_port_of(file);
}

static int famez_recv_msg(struct file *file, struct famez_receipt *receipt,
			  long timeout)
{
	int err;

	err = famez_endpoint_recv(famez_bridge_of(file), &receipt->d, timeout);
	/* it stays the next: its length helps to read it */
	if (err == -EMSGSIZE && famez_answer(&receipt->d, false))
		return -EFAULT;
	return err;
}

int famez_ioc_recv(struct file *file, void __user *user)
{
	struct famez_receipt receipt = { .user = user };
	struct famez_msg *msg = &receipt.msg;
	int err;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	err = famez_get_struct(msg, sizeof(*msg), FAMEZ_MSG_SIZE_VER0, user);
	if (!err)
		err = famez_check_msg(msg, FAMEZ_MSG_DONTWAIT);
	if (!err && msg->dport)
		err = -EINVAL;
	if (err)
		return err;
	famez_make_receipt(file, &receipt);
	return famez_recv_msg(file, &receipt,
			      famez_timeout(file, msg->flags, msg->timeout_ms));
}

/* ---- Several ------------------------------------------------------------------ */

static int famez_get_batch(struct famez_batch *batch, void __user *user)
{
	int err;

	err = famez_get_struct(batch, sizeof(*batch), FAMEZ_BATCH_SIZE_VER0, user);
	if (err)
		return err;
	if (batch->flags & ~FAMEZ_MSG_DONTWAIT || !batch->count ||
	    batch->count > FAMEZ_BATCH_MAX ||
	    batch->stride < FAMEZ_MSG_SIZE_VER0 ||
	    batch->stride > PAGE_SIZE)
		return -EINVAL;
	return 0;
}

/* The message at @user, whose size is what the batch says. */
static int famez_get_entry(const struct famez_batch *batch, void __user *user,
			   struct famez_msg *msg, u32 flags)
{
	int err = copy_struct_from_user(msg, sizeof(*msg), user, batch->stride);

	if (err)
		return err;
	if (msg->size != batch->stride || msg->timeout_ms)
		return -EINVAL;
	return famez_check_msg(msg, flags);
}

/* How many were done; else why not one. */
static long famez_batch_done(struct famez_batch *batch, void __user *user,
			     u32 done, int err)
{
	if (!done)
		return err;
	/* what is done is done: there is nothing to begin anew */
	batch->error = err == -ERESTARTSYS ? EINTR : -err;
	/* that it cannot be told loses no message */
	if (famez_put_struct(user, batch, sizeof(*batch)))
		return -EFAULT;
	return done;
}

/* As many as the stack has room for, one after the other. */
#define FAMEZ_ROW	8

static void __user *famez_entry(const struct famez_batch *batch, u32 i)
{
	return u64_to_user_ptr(batch->messages + (u64)i * batch->stride);
}

/* The next messages to be sent, up to a bad one. */
static int famez_get_row(struct file *file, const struct famez_batch *batch,
			 u32 first, struct famez_outgoing *row, u32 *count)
{
	struct famez_msg msg;
	int err = 0;
	u32 n = min_t(u32, batch->count - first, FAMEZ_ROW);

	for (*count = 0; *count < n; ++*count) {
		err = famez_get_entry(batch, famez_entry(batch, first + *count),
				      &msg, FAMEZ_MSG_CID);
		if (err)
			break;
		famez_make_outgoing(file, &msg, &row[*count]);
	}
	return err;
}

long famez_ioc_send_batch(struct file *file, void __user *user)
{
	struct famez_outgoing row[FAMEZ_ROW];
	unsigned long start = jiffies;
	u32 i = 0, count, done;
	struct famez_batch batch;
	int err, bad = 0;
	long timeout;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	err = famez_get_batch(&batch, user);
	if (err)
		return err;
	timeout = famez_timeout(file, batch.flags, batch.timeout_ms);
	while (i < batch.count && !err) {
		bad = famez_get_row(file, &batch, i, row, &count);
		err = famez_endpoint_send_row(famez_bridge_of(file), row, count,
					      &done, start, timeout);
		i += done;
		if (!err)
			err = bad;
	}
	return famez_batch_done(&batch, user, i, err);
}

/* Where the next messages go, up to a bad one. */
static int famez_get_receipts(struct file *file, const struct famez_batch *batch,
			      u32 first, struct famez_receipt *row,
			      struct famez_delivery **d, u32 *count)
{
	u32 n = min_t(u32, batch->count - first, FAMEZ_ROW);
	int err;

	for (*count = 0; *count < n; ++*count) {
		struct famez_receipt *r = &row[*count];

		*r = (struct famez_receipt){
			.user = famez_entry(batch, first + *count),
		};
		err = famez_get_entry(batch, r->user, &r->msg, 0);
		if (!err && r->msg.dport)
			err = -EINVAL;
		if (err)
			return err;
		famez_make_receipt(file, r);
		d[*count] = &r->d;
	}
	return 0;
}

/* Those at hand together; one that is not, or does not fit, by itself. */
static int famez_recv_row(struct file *file, struct famez_receipt *row,
			  struct famez_delivery **d, u32 count, u32 *done,
			  long timeout)
{
	int err = 0;

	for (*done = 0; *done < count && !err; *done += !err) {
		*done += famez_endpoint_recv_row(famez_bridge_of(file), d + *done,
						 count - *done);
		if (*done == count)
			break;
		/* sleeps for the first alone */
		err = famez_recv_msg(file, &row[*done], *done ? 0 : timeout);
	}
	return err;
}

long famez_ioc_recv_batch(struct file *file, void __user *user)
{
	struct famez_delivery *d[FAMEZ_ROW];
	struct famez_receipt row[FAMEZ_ROW];
	u32 i = 0, count, done;
	struct famez_batch batch;
	int err, bad = 0;
	long timeout;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	err = famez_get_batch(&batch, user);
	if (err)
		return err;
	timeout = famez_timeout(file, batch.flags, batch.timeout_ms);
	while (i < batch.count && !err) {
		bad = famez_get_receipts(file, &batch, i, row, d, &count);
		err = famez_recv_row(file, row, d, count, &done,
				     i ? 0 : timeout);
		i += done;
		if (!err)
			err = bad;
	}
	return famez_batch_done(&batch, user, i, err);
}
