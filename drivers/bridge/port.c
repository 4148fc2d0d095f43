// SPDX-License-Identifier: GPL-2.0
/*
 * The ports of this bridge: who has them, who waits at them, who wakes whom.
 *
 * Port 0 is there from start to end; the others belong to an open file each.  A
 * port has a place in a table of FAMEZ_GRANTS, the same in all channels.
 */
#include <linux/bitmap.h>
#include <linux/eventfd.h>
#include <linux/random.h>
#include <linux/slab.h>

#include <famez/compat.h>

#include "bridge.h"

/* ---- Waiting and waking ------------------------------------------------------------ */

/* Under bell_lock. */
static void famez_port_wake_locked(struct famez_port *port)
{
	struct famez_watch *watch;

	WRITE_ONCE(port->events, port->events + 1);
	list_for_each_entry(watch, &port->watches, list)
		famez_eventfd_signal(watch->eventfd);
	wake_up_interruptible_all(&port->wait);
}

void famez_port_wake(struct famez_bridge *b, u32 slot)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	famez_port_wake_locked(&b->port[slot]);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

void famez_ports_wake(struct famez_bridge *b)
{
	unsigned long flags;
	u32 slot;

	spin_lock_irqsave(&b->bell_lock, flags);
	for (slot = 0; slot < b->ports.used; slot++)
		famez_port_wake_locked(&b->port[slot]);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

bool famez_port_wake_reader(struct famez_bridge *b, u32 slot)
{
	lockdep_assert_held(&b->bell_lock);
	/* nobody else: whoever it is will look */
	if (b->ports.used == 1)
		slot = 0;
	else if (!b->sleeping)
		return false;
	else if (!(b->sleeping & BIT_ULL(slot)))
		slot = __ffs64(b->sleeping);
	famez_port_wake_locked(&b->port[slot]);
	return true;
}

void famez_port_sleep(struct famez_bridge *b, u32 slot)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	if (!b->port[slot].sleepers++)
		b->sleeping |= BIT_ULL(slot);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

void famez_port_awake(struct famez_bridge *b, u32 slot)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	if (!--b->port[slot].sleepers)
		b->sleeping &= ~BIT_ULL(slot);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

bool famez_port_waited_for(struct famez_port *port)
{
	return READ_ONCE(port->sleepers) || wq_has_sleeper(&port->wait) ||
	       !list_empty_careful(&port->watches);
}

bool famez_others_wait(struct famez_bridge *b, u32 slot)
{
	u32 i;

	for (i = 0; i < b->ports.used; i++)
		if (i != slot && famez_port_waited_for(&b->port[i]))
			return true;
	return false;
}

void famez_watch_add(struct famez_bridge *b, u32 slot, struct famez_watch *watch)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	list_add(&watch->list, &b->port[slot].watches);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

void famez_watch_remove(struct famez_bridge *b, struct famez_watch *watch)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	list_del_init(&watch->list);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

/* ---- Boxes: under rx_lock ------------------------------------------------------------ */

static int famez_make_box(struct famez_inbox *in, u32 slot)
{
	struct famez_box *box;

	if (in->box[slot] || !in->rx.data)
		return 0;
	box = kvzalloc(famez_inbox_box_bytes(in, slot), GFP_KERNEL_ACCOUNT);
	if (!box)
		return -ENOMEM;
	famez_inbox_set_box(in, slot, box);
	return 0;
}

int famez_make_boxes(struct famez_bridge *b, u32 id)
{
	u32 slot;
	int err = 0;

	for (slot = 0; slot < b->ports.used && !err; slot++)
		if (famez_port_is_open(&b->ports, slot))
			err = famez_make_box(&b->remotes[id].in, slot);
	return err;
}

/* ---- Opening and closing: under rx_lock ----------------------------------------------- */

static void famez_port_set_used(struct famez_bridge *b)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	b->ports.used = famez_ports_used(&b->ports);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

static void famez_port_close_locked(struct famez_bridge *b, u32 slot)
{
	struct famez_box *box;
	u32 id;

	for (id = 0; id < b->layout.peers.count; id++) {
		struct famez_inbox *in = &b->remotes[id].in;

		if (!in->rx.data && !in->box[slot])
			continue;
		if (famez_inbox_close(in, slot, !famez_lost(b), &box))
			famez_ring(b, id);
		kvfree(box);
		famez_count(&b->remotes[id].counters.rx_discarded,
			    in->discarded);
		in->discarded = 0;
	}
	bitmap_free(b->port[slot].boxed);
	b->port[slot].boxed = NULL;
	famez_port_forget(&b->ports, slot);
	famez_port_set_used(b);
}

/* Everyone who is up can send to it from here on. */
static int famez_port_open_at(struct famez_bridge *b, u32 slot,
			      const struct famez_port_id *owner)
{
	u32 id;
	int err = 0;

	b->port[slot].boxed = bitmap_zalloc(b->layout.peers.count, GFP_KERNEL);
	if (!b->port[slot].boxed)
		return -ENOMEM;
	b->ports.slot[slot] = *owner;
	famez_port_set_used(b);
	for (id = 0; id < b->layout.peers.count && !err; id++)
		if (b->remotes[id].generation)
			err = famez_make_box(&b->remotes[id].in, slot);
	if (err)
		famez_port_close_locked(b, slot);
	return err;
}

static int famez_port_bind_locked(struct famez_bridge *b, u32 port,
				  u32 window)
{
	struct famez_port_id owner = { .window = window };
	int slot, err;

	err = famez_port_check(&b->ports, port, get_random_u32());
	if (err < 0)
		return err;
	owner.port = err;
	slot = famez_port_place(&b->ports);
	if (slot < 0)
		return slot;
	do {
		owner.incarnation = get_random_u32();
	} while (!owner.incarnation);
	err = famez_port_open_at(b, slot, &owner);
	return err ? err : slot;
}

int famez_port_bind(struct famez_bridge *b, u32 port, u32 window)
{
	unsigned int flags;
	int slot;

	mutex_lock(&b->rx_lock);
	/* who frees memory may wait for a flush, and that for the lock */
	flags = memalloc_noio_save();
	slot = famez_port_bind_locked(b, port, window);
	memalloc_noio_restore(flags);
	mutex_unlock(&b->rx_lock);
	return slot;
}

bool famez_port_own(struct famez_bridge *b, u32 port)
{
	bool own;

	mutex_lock(&b->rx_lock);
	own = !port || famez_port_taken(&b->ports, port);
	mutex_unlock(&b->rx_lock);
	return own;
}

void famez_port_close(struct famez_bridge *b, u32 slot)
{
	mutex_lock(&b->rx_lock);
	famez_port_close_locked(b, slot);
	mutex_unlock(&b->rx_lock);
}

/* ---- Life ------------------------------------------------------------------------------ */

void famez_ports_init(struct famez_bridge *b)
{
	u32 slot;

	for (slot = 0; slot < FAMEZ_GRANTS; slot++) {
		init_waitqueue_head(&b->port[slot].wait);
		INIT_LIST_HEAD(&b->port[slot].watches);
	}
	b->ports.used = 1;
}

int famez_ports_alloc(struct famez_bridge *b)
{
	b->port[0].boxed = bitmap_zalloc(b->layout.peers.count, GFP_KERNEL);
	return b->port[0].boxed ? 0 : -ENOMEM;
}

void famez_ports_free(struct famez_bridge *b)
{
	u32 slot;

	for (slot = 0; slot < FAMEZ_GRANTS; slot++)
		bitmap_free(b->port[slot].boxed);
}
