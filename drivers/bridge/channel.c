// SPDX-License-Identifier: GPL-2.0
/* The two channels with each peer: where they are, and for which generations. */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "bridge.h"

/* ---- Down and up --------------------------------------------------------------------- */

/* Under rx_lock.  What the sender had sent is still to be delivered. */
static void famez_in_down(struct famez_bridge *b, u32 id)
{
	struct famez_inbox *in = &b->remotes[id].in;

	famez_rx_empty(b, id);
	if (in->rx.data)
		famez_inbox_pair(in, 0, 0);
}

/* Under tx_lock.  What was on its way is lost, and a sender is told. */
static void famez_out_down(struct famez_remote *r)
{
	if (famez_found_forget(&r->found) || famez_out_in_flight(&r->out))
		r->reset = true;
	if (r->out.tx.data)
		famez_out_pair(&r->out, 0, 0);
}

/* Under rx_lock and tx_lock. */
static void famez_ends_up(struct famez_bridge *b, struct famez_remote *r)
{
	if (!r->generation)
		return;
	if (r->out.tx.data)
		famez_out_pair(&r->out, b->generation, r->generation);
	if (r->in.rx.data)
		famez_inbox_pair(&r->in, b->generation, r->generation);
}

int famez_channel_pair(struct famez_bridge *b, u32 id, u32 generation)
{
	struct famez_remote *r = &b->remotes[id];
	int err;

	mutex_lock(&b->rx_lock);
	err = generation ? famez_make_boxes(b, id) : 0;
	if (err)
		goto unlock;
	famez_in_down(b, id);
	mutex_lock(&r->tx_lock);
	famez_out_down(r);
	WRITE_ONCE(r->generation, generation);
	r->refused = 0;
	r->pong_due = 0;
	famez_ends_up(b, r);
	mutex_unlock(&r->tx_lock);
	set_bit(id, b->active);
unlock:
	mutex_unlock(&b->rx_lock);
	return err;
}

/* ---- From place to place --------------------------------------------------------------- */

/* Under rx_lock and tx_lock; marks of the peer are looked at under bell_lock. */
static void famez_ends_use(struct famez_bridge *b, struct famez_remote *r)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	r->in.ports = &b->ports;
	famez_found_lose(&r->found, &r->out, &r->in);
	famez_found_use(&r->found, &r->out, &r->in, b->generation,
			r->generation);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

/* Under rx_lock.  Those with something to read stay. */
static void famez_drop_boxes(struct famez_inbox *in)
{
	u32 slot;

	for (slot = 0; slot < FAMEZ_GRANTS; slot++)
		kvfree(famez_inbox_drop_box(in, slot));
}

static void famez_channel_place(struct famez_bridge *b, struct famez_remote *r)
{
	lockdep_assert_held(&b->rx_lock);
	if (!r->generation)
		famez_drop_boxes(&r->in);
	famez_found_charge(&r->found, &b->layout,
			   famez_inbox_has_boxes(&r->in));
	mutex_lock(&r->tx_lock);
	famez_ends_use(b, r);
	mutex_unlock(&r->tx_lock);
}

static int famez_channel_move_locked(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	bool both = r->out.tx.data && r->in.rx.data;
	int err = 0;

	famez_channel_place(b, r);
	/* until they are paired, who sends waits */
	if (r->generation)
		err = famez_make_boxes(b, id);
	if (err) {
		r->found.out = NULL;
		r->found.in = NULL;
		famez_channel_place(b, r);
	}
	mutex_lock(&r->tx_lock);
	famez_ends_up(b, r);
	/* it is here before the answer is: who sends to it later waits for another */
	if (r->out.tx.data && id == FAMEZ_ASK_PEER(b->asker.ask)) {
		r->wants = false;
		b->for_sender = false;
	}
	mutex_unlock(&r->tx_lock);
	set_bit(id, b->active);
	/* one without the other: somebody has spoilt it; the switch puts it right */
	if (both && !r->out.tx.data != !r->in.rx.data)
		set_bit(id, b->wanted);
	return err;
}

int famez_channel_move(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];
	bool moved;
	int err = 0;

	mutex_lock(&b->rx_lock);
	moved = famez_found_new(&r->found, &r->out, &r->in);
	if (moved)
		err = famez_channel_move_locked(b, id);
	mutex_unlock(&b->rx_lock);
	if (moved && READ_ONCE(r->generation)) {
		famez_ring(b, id);
		famez_wake_remote(b, id);
	}
	return err;
}

void famez_channel_lose(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];

	mutex_lock(&b->rx_lock);
	mutex_lock(&r->tx_lock);
	famez_found_lose(&r->found, &r->out, &r->in);
	mutex_unlock(&r->tx_lock);
	mutex_unlock(&b->rx_lock);
}
