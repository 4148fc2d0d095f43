// SPDX-License-Identifier: GPL-2.0
/*
 * F.E.E.'s mailslots: to and from peers that know nothing newer.
 *
 * The own slot serves all of them, one message at a time.  That it was read, nobody
 * rings for, so who waits looks every tick.  The work takes what comes at once, as the
 * sender's slot is needed: words of the link layer are answered, the rest is kept for
 * whoever reads port 0.
 */
#include <linux/freezer.h>
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "bridge.h"
#include "trace.h"

#define FAMEZ_MAIL_WAIT		(15 * HZ)	/* of who has set no limit: three messages */

static struct famez_slot *famez_slot_of(struct famez_bridge *b, u32 id)
{
	return famez_slot(b->control, id);
}

/* ---- The beginning and the end ------------------------------------------------------------- */

/*
 * Are there some, in what is mapped?  Who listens on fewer vectors does not hear all of
 * them, and id 0 is none that a switch gives: its slot has what all of them need.
 */
static bool famez_mail_there(struct famez_bridge *b)
{
	struct famez_mailbox box;
	struct famez_slot0 first;

	famez_copy_in(&first, b->control, sizeof(first));
	return famez_mailbox_read(&box, &first, b->layout.fam_offset) &&
	       b->id && box.server_id == b->layout.server_id && box.vectors <= b->vectors;
}

void famez_mail_start(struct famez_bridge *b)
{
	struct famez_slot *mine = famez_slot_of(b, b->id);
	struct famez_component c;

	if (!famez_mail_there(b))
		return;
	famez_link_component(b, &c);
	famez_slot_name(mine->nodename, b->name);
	famez_slot_name(mine->cclass, c.cclass);
	mutex_lock(&b->mail_lock);
	/* what was sent before a sleep can still be read, and its sender waits for that */
	if (!b->post.since)
		famez_slot_set_length(mine, 0);
	WRITE_ONCE(b->post.slot, mine);
	mutex_unlock(&b->mail_lock);
	/* what was rung before is not rung again */
	bitmap_fill(b->mail_rung, b->layout.peers.count);
}

void famez_mail_stop(struct famez_bridge *b)
{
	if (b->post.slot && !famez_lost(b))
		famez_slot_name(b->post.slot->cclass, FAMEZ_CLASS_DRIVERLESS);
}

/* ---- A server that knows nothing else ------------------------------------------------------- */

/* When the device was pulled out, or others have written there. */
bool famez_mail_lost(struct famez_bridge *b)
{
	const struct famez_slot0 *first = (const void *)b->control;

	return READ_ONCE(first->slotsize) != cpu_to_le64(FAMEZ_SLOT_SIZE);
}

u32 famez_mail_state(struct famez_bridge *b, u32 id)
{
	char name[FAMEZ_NAME_SIZE], cclass[FAMEZ_NAME_SIZE];

	if (!id || id > b->layout.server_id)
		return FAMEZ_PEER_ABSENT;
	famez_slot_reads(famez_slot_of(b, id), name, cclass);
	return *name || *cclass ? FAMEZ_PEER_ATTACHED : FAMEZ_PEER_ABSENT;
}

void famez_mail_ids(struct famez_bridge *b, u32 id, u32 *cid, u32 *sid)
{
	struct famez_component c;

	famez_link_component(b, &c);
	famez_link_ids(&c, b->id, id, cid, sid);
}

void famez_mail_serve(struct famez_bridge *b)
{
	u32 id;

	famez_mail_look(b);
	for_each_set_bit(id, b->rung, b->layout.peers.count) {
		clear_bit(id, b->rung);
		smp_mb__after_atomic();	/* what is said now is for the next round */
		famez_link_send(b, id);
	}
}

bool famez_is_old(struct famez_bridge *b, u32 id)
{
	char name[FAMEZ_NAME_SIZE], cclass[FAMEZ_NAME_SIZE];

	if (!famez_has_table(b) && id == b->layout.server_id)
		return READ_ONCE(b->post.slot);
	/* our own memory first: this stands before each message */
	return READ_ONCE(b->post.slot) && id && id < b->layout.server_id && id != b->id &&
	       !READ_ONCE(b->remotes[id].generation) &&
	       famez_peer_state(b, id) != FAMEZ_PEER_ABSENT && !famez_peer_generation(b, id) &&
	       famez_slot_reads(famez_slot_of(b, id), name, cclass);
}

void famez_mail_info(struct famez_bridge *b, u32 id, struct famez_peer_info *info)
{
	if (!famez_is_old(b, id) && (famez_has_table(b) || id != b->id))
		return;
	info->state = id == b->id ? FAMEZ_PEER_UP : FAMEZ_PEER_STATE_OLD;
	famez_slot_reads(famez_slot_of(b, id), info->name, info->cclass);
}

/* ---- Receiving ----------------------------------------------------------------------------- */

/* A peer of famez writes into its slot for others, and does not ring us for that. */
static bool famez_may_be_mail(struct famez_bridge *b, u32 id)
{
	return READ_ONCE(b->post.slot) && id && id <= b->layout.server_id && id != b->id &&
	       !famez_peer_generation(b, id) && famez_slot_length(famez_slot_of(b, id)) &&
	       (!famez_has_table(b) || famez_slot_may_be_for(famez_slot_of(b, id), b->id));
}

bool famez_mail_interrupt(struct famez_bridge *b, u32 vector)
{
	if (!famez_may_be_mail(b, vector))
		return false;
	set_bit(vector, b->mail_rung);
	return true;
}

/* Under rx_lock. */
static int famez_mail_take(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	struct famez_link l;
	int err;

	if (!r->mails)
		r->mails = kzalloc(sizeof(*r->mails), GFP_KERNEL);
	if (!r->mails)
		return -ENOMEM;
	err = famez_mails_look(r->mails, famez_slot_of(b, id), &l);
	if (err == -EMSGSIZE) {
		famez_count(&r->counters.rx_garbage, 1);
		dev_warn_ratelimited(&b->dev, "peer %u: no mailslot holds so much as it says\n",
				     id);
	}
	if (err)
		return err;
	if (l.word) {
		famez_link_heard(b, id, &l);
		return 0;
	}
	__set_bit(id, b->port[0].boxed);
	famez_port_wake(b, 0);
	return 0;
}

void famez_mail_look(struct famez_bridge *b)
{
	u32 id;
	int err;

	for_each_set_bit(id, b->mail_rung, b->layout.peers.count) {
		clear_bit(id, b->mail_rung);
		smp_mb__after_atomic();	/* a ring that comes now is for the next look */
		if (!famez_may_be_mail(b, id))
			continue;
		mutex_lock(&b->rx_lock);
		err = famez_mail_take(b, id);
		mutex_unlock(&b->rx_lock);
		if (err == -ENOMEM) {
			set_bit(id, b->mail_rung);
			famez_retry(b);
		}
	}
}

bool famez_mail_next(struct famez_bridge *b, u32 id, struct famez_message *m)
{
	struct famez_remote *r = &b->remotes[id];
	struct famez_mail *mail = r->mails ? famez_mails_peek(r->mails) : NULL;

	if (!mail)
		return false;
	*m = (struct famez_message){
		.payload = mail->text,
		.length = mail->length,
		.label = { .type = FAMEZ_TYPE_DATA },
		.mail = true,
	};
	return true;
}

void famez_mail_read(struct famez_bridge *b, u32 id)
{
	famez_mails_drop(b->remotes[id].mails, famez_slot_of(b, id));
}

/* ---- Sending ------------------------------------------------------------------------------- */

/*
 * Is the own slot free?  Under mail_lock.  What was not read in time is told as lost: to
 * who waits for that, else to the next.
 */
static int famez_mail_free(struct famez_bridge *b)
{
	int err = famez_post_look(&b->post, ktime_get_ns());
	u32 to = b->post.to;

	if (err != -ETIMEDOUT)
		return err;
	if (b->mail_told) {
		*b->mail_told = err;
		b->mail_told = NULL;
	} else if (to < b->layout.peers.count) {
		mutex_lock(&b->remotes[to].tx_lock);
		b->remotes[to].reset = true;
		mutex_unlock(&b->remotes[to].tx_lock);
	}
	return 0;
}

static int famez_mail_try(struct famez_bridge *b, u32 id, struct iov_iter *from)
{
	size_t length = iov_iter_count(from), copied;
	int err;

	if (famez_lost(b) || READ_ONCE(b->gone))
		return -ENODEV;
	if (!famez_is_old(b, id))
		return -ENOTCONN;
	err = famez_mail_free(b);
	if (err)
		return err;
	pagefault_disable();
	copied = copy_from_iter(famez_post_at(&b->post), length, from);
	pagefault_enable();
	if (copied != length) {
		iov_iter_revert(from, copied);
		return -EFAULT;
	}
	famez_post_send(&b->post, id, length, ktime_get_ns());
	/* the one before was read */
	b->mail_told = NULL;
	famez_doorbell(b, id, b->id);
	trace_famez_send(b->index, id, FAMEZ_TYPE_DATA, length);
	return 0;
}

int famez_mail_kernel(struct famez_bridge *b, u32 id, char *text, u32 length)
{
	struct kvec vec = { .iov_base = text, .iov_len = length };
	struct iov_iter from;
	int err;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, length);
	mutex_lock(&b->mail_lock);
	err = famez_mail_try(b, id, &from);
	mutex_unlock(&b->mail_lock);
	if (err == -EAGAIN)
		famez_later(b, id);
	return err;
}

/* A tick, or what remains.  Return: what is left then, or -errno */
static long famez_mail_nap(struct famez_bridge *b, unsigned long start, long timeout)
{
	long left = famez_left(start, timeout);

	if (!left)
		return 0;
	if (signal_pending(current))
		return -ERESTARTSYS;
	left = wait_event_freezable_timeout(b->mail_wait, READ_ONCE(b->gone), 1);
	if (READ_ONCE(b->gone))
		return -ENODEV;
	return left < 0 ? left : famez_left(start, timeout) ?: 1;
}

/* Into the slot, as soon as it is free.  @told: see famez_mail_await(); NULL: nobody waits */
static int famez_mail_post(struct famez_bridge *b, u32 id, struct iov_iter *from,
			   unsigned long start, long timeout, int *told)
{
	long left;
	int err;

	for (;;) {
		mutex_lock(&b->mail_lock);
		err = famez_mail_try(b, id, from);
		if (!err)
			b->mail_told = told;
		mutex_unlock(&b->mail_lock);
		if (err != -EAGAIN)
			return err;
		left = famez_mail_nap(b, start, timeout);
		if (left <= 0)
			return left ?: -EAGAIN;
	}
}

/* Was it read?  @give_up: if not, it is taken back. */
static int famez_mail_answered(struct famez_bridge *b, int *told, bool give_up)
{
	int err;

	mutex_lock(&b->mail_lock);
	if (b->mail_told != told)
		err = *told;
	else if (famez_lost(b))
		err = -ENODEV;
	else
		err = famez_post_look(&b->post, ktime_get_ns());
	if (err == -EAGAIN && give_up) {
		famez_slot_set_length(b->post.slot, 0);
		b->post.since = 0;
		err = -ECANCELED;
	}
	if (err != -EAGAIN && b->mail_told == told)
		b->mail_told = NULL;
	mutex_unlock(&b->mail_lock);
	return err;
}

/* @told: 0, or what became of it, where another sender has found out */
static int famez_mail_await(struct famez_bridge *b, int *told, unsigned long start,
			    long timeout)
{
	long left;
	int err;

	for (;;) {
		err = famez_mail_answered(b, told, false);
		if (err != -EAGAIN)
			return err;
		left = famez_mail_nap(b, start, timeout);
		if (left > 0)
			continue;
		err = famez_mail_answered(b, told, true);
		if (err != -ECANCELED)
			return err;
		return left ? left : -ETIMEDOUT;
	}
}

/* Messages to it were lost, which no sender has been told. */
static bool famez_mail_reset(struct famez_remote *r)
{
	bool reset;

	mutex_lock(&r->tx_lock);
	reset = r->reset;
	r->reset = false;
	mutex_unlock(&r->tx_lock);
	return reset;
}

int famez_mail_send(struct famez_bridge *b, const struct famez_dest *dest, u32 id,
		    struct iov_iter *from, long timeout)
{
	struct famez_remote *r = &b->remotes[id];
	size_t length = iov_iter_count(from);
	unsigned long start = jiffies;
	int err, told = 0;

	if (dest->port)
		return -ECONNREFUSED;
	if (!length || length > FAMEZ_MAIL_MAX)
		return -EMSGSIZE;
	if (famez_mail_reset(r))
		return -ECONNRESET;
	timeout = min_t(long, timeout, FAMEZ_MAIL_WAIT);
	err = famez_mail_post(b, id, from, start, timeout, timeout ? &told : NULL);
	if (!err && timeout)
		err = famez_mail_await(b, &told, start, timeout);
	if (err == -EAGAIN && timeout)
		err = -ETIMEDOUT;
	if (err)
		return err;
	mutex_lock(&r->tx_lock);
	famez_count(&r->counters.tx_messages, 1);
	famez_count(&r->counters.tx_bytes, length);
	mutex_unlock(&r->tx_lock);
	return 0;
}
