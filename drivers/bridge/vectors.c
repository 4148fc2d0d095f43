// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells and interrupts as they are, for programs that bring a protocol of
 * their own: what rings here leaves no mark, and what is heard here says no more
 * than that a vector's interrupt came.
 */
#include <linux/eventfd.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include <famez/compat.h>

#include "bridge.h"

/* ---- Ringing ---------------------------------------------------------------- */

/* Is somebody there, as the switch says? */
static int famez_fabric_target(struct famez_bridge *b, u32 peer, u32 vector)
{
	if (vector >= b->layout.vectors)
		return -EINVAL;
	if (peer >= b->layout.peers.count)
		return -EHOSTUNREACH;
	peer = array_index_nospec(peer, b->layout.peers.count);
	return famez_peer_state(b, peer) == FAMEZ_PEER_ABSENT ? -EHOSTUNREACH : 0;
}

/* Nobody says who is there; the register has this much room. */
static int famez_raw_target(u32 peer, u32 vector)
{
	return peer > U16_MAX || vector > U16_MAX ? -EINVAL : 0;
}

int famez_vector_ring(struct famez_bridge *b, u32 peer, u32 vector)
{
	int err;

	if (famez_lost(b))
		return -ENODEV;
	err = famez_has_messages(b) ? famez_fabric_target(b, peer, vector) :
				      famez_raw_target(peer, vector);
	if (!err)
		famez_doorbell(b, peer, vector);
	return err;
}

/* ---- Listening -------------------------------------------------------------- */

/**
 * struct famez_listener - an eventfd
 * @node: in famez_vector.listeners
 * @owner: whose it is: an open file
 * @eventfd: signalled at each interrupt
 */
struct famez_listener {
	struct list_head node;
	const void *owner;
	struct eventfd_ctx *eventfd;
};

void famez_vector_init(struct famez_vector *v)
{
	spin_lock_init(&v->lock);
	INIT_LIST_HEAD(&v->listeners);
}

/* Under the vector's lock. */
static void famez_listeners_signal(struct famez_vector *v)
{
	struct famez_listener *l;

	list_for_each_entry(l, &v->listeners, node)
		famez_eventfd_signal(l->eventfd);
}

void famez_vector_signal(struct famez_vector *v)
{
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	famez_listeners_signal(v);
	spin_unlock_irqrestore(&v->lock, flags);
}

static struct famez_listener *famez_listener_new(const void *owner, int fd)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(fd);
	struct famez_listener *l;

	if (IS_ERR(eventfd))
		return ERR_CAST(eventfd);
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l) {
		eventfd_ctx_put(eventfd);
		return ERR_PTR(-ENOMEM);
	}
	l->owner = owner;
	l->eventfd = eventfd;
	return l;
}

static void famez_listener_free(struct famez_listener *l)
{
	if (!l)
		return;
	eventfd_ctx_put(l->eventfd);
	kfree(l);
}

/* What @owner has there is the caller's now, or NULL; under the vector's lock. */
static struct famez_listener *famez_listener_take(struct famez_vector *v,
						  const void *owner)
{
	struct famez_listener *l;

	list_for_each_entry(l, &v->listeners, node) {
		if (l->owner != owner)
			continue;
		list_del(&l->node);
		v->listening--;
		return l;
	}
	return NULL;
}

/*
 * Puts one, or none, in the place of what @owner has there; under the vector's
 * lock.  The handler has no more to do than this allows.
 */
static int famez_listener_set(struct famez_vector *v, const void *owner,
			      struct famez_listener *new,
			      struct famez_listener **old)
{
	/* else nobody would tell it that the device goes */
	if (READ_ONCE(v->b->gone))
		return -ENODEV;
	*old = famez_listener_take(v, owner);
	if (!new)
		return 0;
	/* where there was one, there is room for another */
	if (v->listening >= FAMEZ_VECTOR_FILES)
		return -ENOSPC;
	list_add_tail(&new->node, &v->listeners);
	v->listening++;
	return 0;
}

int famez_vector_listen(struct famez_bridge *b, u32 vector, const void *owner,
			int fd)
{
	struct famez_listener *new = NULL, *old = NULL;
	struct famez_vector *v;
	int err;

	if (vector >= b->vectors)
		return -EINVAL;
	v = &b->vector[array_index_nospec(vector, b->vectors)];
	if (fd != -1) {
		new = famez_listener_new(owner, fd);
		if (IS_ERR(new))
			return PTR_ERR(new);
	}
	spin_lock_irq(&v->lock);
	err = famez_listener_set(v, owner, new, &old);
	spin_unlock_irq(&v->lock);
	famez_listener_free(old);
	if (err)
		famez_listener_free(new);
	return err;
}

void famez_vectors_forget(struct famez_bridge *b, const void *owner)
{
	struct famez_listener *l;
	int i;

	for (i = 0; i < b->vectors; i++) {
		spin_lock_irq(&b->vector[i].lock);
		l = famez_listener_take(&b->vector[i], owner);
		spin_unlock_irq(&b->vector[i].lock);
		famez_listener_free(l);
	}
}

static void famez_vector_end(struct famez_vector *v)
{
	struct famez_listener *l, *next;
	LIST_HEAD(all);

	spin_lock_irq(&v->lock);
	famez_listeners_signal(v);
	list_splice_init(&v->listeners, &all);
	v->listening = 0;
	spin_unlock_irq(&v->lock);
	list_for_each_entry_safe(l, next, &all, node)
		famez_listener_free(l);
}

void famez_vectors_end(struct famez_bridge *b)
{
	int i;

	for (i = 0; i < b->vectors; i++)
		famez_vector_end(&b->vector[i]);
}
