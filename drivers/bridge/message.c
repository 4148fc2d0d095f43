// SPDX-License-Identifier: GPL-2.0
/* The ioctls that send and receive, one message or several. */
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "chardev.h"
#include "compat.h"

/**
 * struct famez_receipt - a message that goes to a program's struct famez_msg
 * @d: where the message goes
 * @user: the program's structure
 * @msg: what is in it
 * @port: our port
 */
struct famez_receipt {
	struct famez_delivery d;
	void __user *user;
	struct famez_msg msg;
	u16 port;
};

static int famez_check_msg(const struct famez_msg *msg, u32 flags)
{
	return msg->flags & ~flags || msg->sport ? -EINVAL : 0;
}

/* ---- Sending ----------------------------------------------------------------- */

static int famez_send_msg(struct file *file, const struct famez_msg *msg,
			  long timeout)
{
	struct famez_bridge *b = famez_bridge_of(file);
	struct famez_dest dest = {
		.peer = msg->peer,
		.port = msg->dport,
		.sport = famez_port_of(file),
	};
	struct iov_iter from;

	if (dest.peer == FAMEZ_DEST_SERVER)
		dest.peer = b->layout.server_id;
	iov_iter_ubuf(&from, ITER_SOURCE, u64_to_user_ptr(msg->data),
		      msg->length);
	return famez_endpoint_send(b, &dest, &from, timeout);
}

int famez_ioc_send(struct file *file, void __user *user)
{
	struct famez_msg msg;
	int err;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	err = famez_get_struct(&msg, sizeof(msg),
			       offsetofend(struct famez_msg, peer), user);
	if (!err)
		err = famez_check_msg(&msg, FAMEZ_MSG_DONTWAIT);
	if (err)
		return err;
	return famez_send_msg(file, &msg,
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

static int famez_recv_msg(struct file *file, struct famez_receipt *receipt,
			  long timeout)
{
	struct famez_delivery *d = &receipt->d;
	struct iov_iter to;
	int err;

	iov_iter_ubuf(&to, ITER_DEST, u64_to_user_ptr(receipt->msg.data),
		      min_t(u32, receipt->msg.length, FAMEZ_RING_MAX));
	d->to = &to;
	d->slot = famez_slot_of(file);
	d->answer = famez_answer;
	receipt->port = famez_port_of(file);
	err = famez_endpoint_recv(famez_bridge_of(file), d, timeout);
	/* it stays the next: its length helps to read it */
	if (err == -EMSGSIZE && famez_answer(d, false))
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
	err = famez_get_struct(msg, sizeof(*msg),
			       offsetofend(struct famez_msg, peer), user);
	if (!err)
		err = famez_check_msg(msg, FAMEZ_MSG_DONTWAIT);
	if (!err && msg->dport)
		err = -EINVAL;
	if (err)
		return err;
	return famez_recv_msg(file, &receipt,
			      famez_timeout(file, msg->flags, msg->timeout_ms));
}

/* ---- Several ------------------------------------------------------------------ */

static int famez_get_batch(struct famez_batch *batch, void __user *user)
{
	int err;

	err = famez_get_struct(batch, sizeof(*batch), sizeof(*batch), user);
	if (err)
		return err;
	if (batch->flags & ~FAMEZ_MSG_DONTWAIT || !batch->count ||
	    batch->count > FAMEZ_BATCH_MAX ||
	    batch->stride < offsetofend(struct famez_msg, timeout_ms) ||
	    batch->stride > PAGE_SIZE)
		return -EINVAL;
	return 0;
}

/* The message at @user, whose size is what the batch says. */
static int famez_get_entry(const struct famez_batch *batch, void __user *user,
			   struct famez_msg *msg)
{
	int err = copy_struct_from_user(msg, sizeof(*msg), user, batch->stride);

	if (err)
		return err;
	if (msg->size != batch->stride || msg->timeout_ms)
		return -EINVAL;
	return famez_check_msg(msg, 0);
}

static int famez_send_entry(struct file *file, const struct famez_batch *batch,
			    void __user *user, long timeout)
{
	struct famez_msg msg;
	int err = famez_get_entry(batch, user, &msg);

	return err ? err : famez_send_msg(file, &msg, timeout);
}

static int famez_recv_entry(struct file *file, const struct famez_batch *batch,
			    void __user *user, long timeout)
{
	struct famez_receipt receipt = { .user = user };
	int err = famez_get_entry(batch, user, &receipt.msg);

	if (!err && receipt.msg.dport)
		err = -EINVAL;
	return err ? err : famez_recv_msg(file, &receipt, timeout);
}

/* How many were done; else why not one. */
static long famez_batch_done(struct famez_batch *batch, void __user *user,
			     u32 done, int err)
{
	if (!done)
		return err;
	batch->error = -err;
	/* that it cannot be told loses no message */
	if (famez_put_struct(user, batch, sizeof(*batch)))
		return -EFAULT;
	return done;
}

long famez_ioc_send_batch(struct file *file, void __user *user)
{
	struct famez_batch batch;
	unsigned long start = jiffies;
	long timeout;
	int err;
	u32 i;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	err = famez_get_batch(&batch, user);
	if (err)
		return err;
	timeout = famez_timeout(file, batch.flags, batch.timeout_ms);
	for (i = 0; i < batch.count && !err; i += !err)
		err = famez_send_entry(file, &batch,
				       u64_to_user_ptr(batch.messages +
						       (u64)i * batch.stride),
				       famez_left(start, timeout));
	return famez_batch_done(&batch, user, i, err);
}

long famez_ioc_recv_batch(struct file *file, void __user *user)
{
	struct famez_batch batch;
	long timeout;
	int err;
	u32 i;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	err = famez_get_batch(&batch, user);
	if (err)
		return err;
	timeout = famez_timeout(file, batch.flags, batch.timeout_ms);
	for (i = 0; i < batch.count && !err; i += !err)
		err = famez_recv_entry(file, &batch,
				       u64_to_user_ptr(batch.messages +
						       (u64)i * batch.stride),
				       i ? 0 : timeout);
	return famez_batch_done(&batch, user, i, err);
}
