// SPDX-License-Identifier: GPL-2.0
/*
 * The bridge as a component of Gen-Z's link layer: what it hears and says.  Nothing
 * here waits: what there is no room for goes when there is some.
 */
#include <linux/nospec.h>

#include "bridge.h"

void famez_link_init(struct famez_bridge *b)
{
	spin_lock_init(&b->link_lock);
	strscpy(b->component.cclass, famez_own_class(), sizeof(b->component.cclass));
}

void famez_link_component(struct famez_bridge *b, struct famez_component *c)
{
	spin_lock(&b->link_lock);
	*c = b->component;
	spin_unlock(&b->link_lock);
}

/* Two at once may leave a mixture, of what both were called: nothing hangs on it. */
static void famez_link_publish(struct famez_bridge *b)
{
	struct famez_component c;

	famez_link_component(b, &c);
	if (famez_has_table(b))
		famez_slot_name(famez_record(b, b->id)->cclass, c.cclass);
	if (READ_ONCE(b->post.slot))
		famez_slot_name(b->post.slot->cclass, c.cclass);
}

int famez_link_set_class(struct famez_bridge *b, const char *name, size_t length)
{
	if (!famez_class_ok(name, length))
		return -EINVAL;
	spin_lock(&b->link_lock);
	memset(b->component.cclass, 0, sizeof(b->component.cclass));
	memcpy(b->component.cclass, name, length);
	spin_unlock(&b->link_lock);
	if (!famez_enter(b))
		return -ENODEV;
	if (!famez_lost(b))
		famez_link_publish(b);
	famez_leave(b);
	return 0;
}

/* ---- Saying ------------------------------------------------------------------------------ */

/* Return: false when there is no room */
static bool famez_link_try(struct famez_bridge *b, u32 id, const struct famez_link *l)
{
	char text[FAMEZ_LINK_ROOM];
	u32 length = famez_link_write(l, text);

	if (famez_is_old(b, id))
		return famez_mail_kernel(b, id, text, length) != -EAGAIN;
	return famez_tx_kernel(b, id, FAMEZ_TYPE_LINK, text, length) != -EAGAIN;
}

/* Its place is kept meanwhile: who rings when there is room, asks famez_link_calls(). */
static bool famez_link_send_one(struct famez_bridge *b, u32 id, u32 which)
{
	struct famez_link_due *due = &b->remotes[id].link_due;
	struct famez_link l;
	u32 turn;

	spin_lock(&b->link_lock);
	l = due->word[which];
	turn = due->turn[which];
	spin_unlock(&b->link_lock);
	if (!l.word || !famez_link_try(b, id, &l))
		return false;
	spin_lock(&b->link_lock);
	famez_link_said(due, which, turn);
	spin_unlock(&b->link_lock);
	return true;
}

bool famez_link_calls(struct famez_bridge *b, u32 id)
{
	const struct famez_link_due *due = &b->remotes[id].link_due;

	return READ_ONCE(due->word[FAMEZ_LINK_OWN].word) ||
	       READ_ONCE(due->word[FAMEZ_LINK_ANSWER].word);
}

void famez_link_send(struct famez_bridge *b, u32 id)
{
	/* nearly always; who says something has us come again */
	if (!famez_link_calls(b, id))
		return;
	famez_link_send_one(b, id, FAMEZ_LINK_ANSWER);
	/* there may be a program that waits for its turn */
	if (famez_link_send_one(b, id, FAMEZ_LINK_OWN))
		famez_wake_remote(b, id);
}

static void famez_link_put_due(struct famez_bridge *b, u32 id, u32 which,
			       const struct famez_link *l)
{
	spin_lock(&b->link_lock);
	famez_link_put(&b->remotes[id].link_due, which, l);
	spin_unlock(&b->link_lock);
	/* the work does it: who says something may hold the locks that this takes */
	famez_again(b, id);
}

int famez_link_say(struct famez_bridge *b, u32 id, const struct famez_link *l)
{
	bool busy;

	spin_lock(&b->link_lock);
	busy = b->remotes[id].link_due.word[FAMEZ_LINK_OWN].word;
	if (!busy)
		famez_link_put(&b->remotes[id].link_due, FAMEZ_LINK_OWN, l);
	spin_unlock(&b->link_lock);
	if (busy)
		return -EAGAIN;
	famez_again(b, id);
	return 0;
}

void famez_link_restarts_of(struct famez_bridge *b, u32 id)
{
	struct famez_remote *r = &b->remotes[id];

	spin_lock(&b->link_lock);
	famez_link_restarts(&r->link_due, READ_ONCE(r->generation));
	spin_unlock(&b->link_lock);
}

void famez_link_start(struct famez_bridge *b)
{
	struct famez_link ask;

	spin_lock(&b->link_lock);
	famez_link_begin(&b->component, &ask);
	spin_unlock(&b->link_lock);
	/* whatever else was to be said was for its last start, or ours */
	famez_link_put_due(b, b->layout.server_id, FAMEZ_LINK_OWN, &ask);
}

/* ---- Hearing ----------------------------------------------------------------------------- */

void famez_link_heard(struct famez_bridge *b, u32 id, const struct famez_link *l)
{
	struct famez_link answer;
	bool answers;

	if (l->word == FAMEZ_LINK_PONG) {
		famez_take_old_pong(b, id);
		return;
	}
	if (l->word == FAMEZ_LINK_PING)
		famez_count(&b->remotes[id].counters.rx_pings, 1);
	spin_lock(&b->link_lock);
	answers = famez_link_answer(&b->component, l, id == b->layout.server_id, &answer);
	spin_unlock(&b->link_lock);
	if (answers)
		famez_link_put_due(b, id, FAMEZ_LINK_ANSWER, &answer);
}

/* ---- For programs ------------------------------------------------------------------------ */

int famez_link_tell(struct famez_bridge *b, u32 id, const char *text, size_t length)
{
	struct famez_peer_info info;
	struct famez_link l;
	int err;

	if (famez_lost(b))
		return -ENODEV;
	famez_link_read(&l, text, length);
	if (!l.word)
		return -EINVAL;
	err = famez_check_dest(b, id);
	if (err)
		return err;
	id = array_index_nospec(id, b->layout.peers.count);
	famez_peer_info(b, id, &info);
	if (!info.state)
		return -EHOSTUNREACH;
	if (info.state == FAMEZ_PEER_ATTACHED)
		return -ENOTCONN;
	return famez_link_say(b, id, &l) ? -EBUSY : 0;
}

int famez_link_find(struct famez_bridge *b, u32 cid, u32 sid, u32 *id)
{
	struct famez_peer_info info;
	u32 i;

	for (i = 0; cid && i < b->layout.peers.count; i++) {
		famez_peer_info(b, i, &info);
		if (!info.state || info.cid != cid || info.sid != sid)
			continue;
		*id = i;
		return 0;
	}
	return -EHOSTUNREACH;
}
