// SPDX-License-Identifier: GPL-2.0
/* The two channels with each peer: where they are, and for which generations. */
#include <linux/bitmap.h>

#include "bridge.h"

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
		if (r->out.tx.data || !famez_layout_take(&b->layout, span))
			return;
		r->out.tx.mine = &c->tx;
		r->out.tx.theirs = &c->rx;
		r->out.tx.data = c->data;
		r->out.tx.size = span->size;
		if (b->message_max < longest)
			b->message_max = min_t(u32, longest, FAMEZ_MESSAGE_MAX);
	} else if (span->to == b->id) {
		r = &b->remotes[span->from];
		if (r->in.rx.data || !famez_layout_take(&b->layout, span))
			return;
		r->in.ports = &b->ports;
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

/* ---- Generations -------------------------------------------------------------------- */

/* Under rx_lock and tx_lock. */
static void famez_pair_locked(struct famez_bridge *b, struct famez_remote *r,
			      u32 generation)
{
	u32 own = generation ? b->generation : 0;

	if (famez_tx_in_flight(&r->out.tx))
		r->reset = true;
	WRITE_ONCE(r->generation, generation);
	r->pong_due = 0;
	if (r->out.tx.data)
		famez_out_pair(&r->out, own, generation);
	if (r->in.rx.data)
		famez_inbox_pair(&r->in, own, generation);
}

int famez_channel_pair(struct famez_bridge *b, u32 id, u32 generation)
{
	struct famez_remote *r = &b->remotes[id];
	int err;

	mutex_lock(&b->rx_lock);
	err = generation ? famez_make_boxes(b, id) : 0;
	if (err)
		goto unlock;
	/* what the former sender had sent is still to be delivered */
	famez_rx_empty(b, id);
	mutex_lock(&r->tx_lock);
	famez_pair_locked(b, r, generation);
	mutex_unlock(&r->tx_lock);
	set_bit(id, b->active);
unlock:
	mutex_unlock(&b->rx_lock);
	return err;
}
