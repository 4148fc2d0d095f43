// SPDX-License-Identifier: LGPL-2.1
/* Messages to and from peers that know F.E.E.'s mailslots alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "fabric-impl.h"

static struct famez_slot *slot_of(const struct famez_fabric *f, uint32_t id)
{
	return famez_slot(f->config.memory, id);
}

void mail_start(struct famez_fabric *f)
{
	struct famez_mailbox box;
	struct famez_slot0 globals;
	struct famez_slot *mine;

	famez_copy_in(&globals, f->config.memory, sizeof(globals));
	if (!famez_mailbox_read(&box, &globals, f->layout.fam_offset) ||
	    box.server_id != f->layout.server_id || box.vectors > f->config.vectors ||
	    !f->config.id)
		return;
	mine = slot_of(f, f->config.id);
	f->post.slot = mine;
	famez_slot_set_length(mine, 0);
	famez_slot_name(mine->nodename, f->config.name);
	famez_slot_name(mine->cclass, f->config.cclass);
}

void mail_stop(struct famez_fabric *f)
{
	uint32_t id;

	/* before it is not up: see famez_fabric_is_old() */
	if (f->post.slot && (fabric_has_table(f) || !mail_lost(f)))
		famez_slot_name(f->post.slot->cclass, FAMEZ_CLASS_DRIVERLESS);
	for (id = 0; id < f->layout.peers.count; id++)
		free(f->peers[id].mails);
}

bool famez_fabric_is_old(const struct famez_fabric *f, uint32_t id)
{
	char name[FAMEZ_NAME_SIZE], cclass[FAMEZ_NAME_SIZE];

	if (!fabric_has_table(f) && id == f->layout.server_id)
		return f->post.slot;
	/* our own memory first: this stands before each message */
	return f->post.slot && id && id < f->layout.server_id && id != f->config.id &&
	       !f->peers[id].generation && fabric_state_of(f, id) != FAMEZ_PEER_ABSENT &&
	       !fabric_generation_of(f, id) &&
	       famez_slot_reads(slot_of(f, id), name, cclass);
}

/* ---- A server that knows nothing else -------------------------------------- */

bool mail_lost(const struct famez_fabric *f)
{
	struct famez_slot0 globals;

	famez_copy_in(&globals, f->config.memory, sizeof(globals));
	return famez_le64(globals.slotsize) != FAMEZ_SLOT_SIZE;
}

uint32_t mail_state(const struct famez_fabric *f, uint32_t id)
{
	char name[FAMEZ_NAME_SIZE], cclass[FAMEZ_NAME_SIZE];

	if (!id || id > f->layout.server_id)
		return FAMEZ_PEER_ABSENT;
	famez_slot_reads(slot_of(f, id), name, cclass);
	return *name || *cclass ? FAMEZ_PEER_ATTACHED : FAMEZ_PEER_ABSENT;
}

void mail_info(const struct famez_fabric *f, struct famez_peer_info *info)
{
	uint32_t id = info->id;

	info->state = mail_state(f, id);
	if (info->state == FAMEZ_PEER_ABSENT)
		return;
	if (id == f->config.id)
		info->state = FAMEZ_PEER_UP;
	else if (famez_fabric_is_old(f, id))
		info->state = FAMEZ_PEER_STATE_OLD;
	famez_slot_reads(slot_of(f, id), info->name, info->cclass);
	famez_link_ids(&f->component, f->config.id, id, &info->cid, &info->sid);
}

/* ---- Sending --------------------------------------------------------------- */

/* Is the slot free?  What nobody has read in time was lost. */
static int look(struct famez_fabric *f)
{
	int err = famez_post_look(&f->post, now_ns());

	if (err == -ETIMEDOUT && f->post.to < f->layout.peers.count)
		f->peers[f->post.to].reset = true;
	if (err == -EAGAIN)
		return err;
	if (f->post_wanted)
		f->post_news = true;
	f->post_wanted = false;
	return 0;
}

int mail_send(struct famez_fabric *f, uint32_t id, const void *data, size_t size)
{
	if (!size || size > FAMEZ_MAIL_MAX)
		return -EMSGSIZE;
	if (!fabric_has_table(f) && mail_lost(f))
		return -ENODEV;
	if (look(f)) {
		f->post_wanted = true;
		return -EAGAIN;
	}
	f->post_news = false;
	memcpy(famez_post_at(&f->post), data, size);
	famez_post_send(&f->post, id, size, now_ns());
	f->config.ring(f->config.context, id, f->config.id);
	return 0;
}

/* Is what is in the slot the last message to it?  It was read when another is there. */
static bool is_unread(const struct famez_fabric *f, uint32_t id)
{
	return f->post.to == id && f->post.since && f->post.sent == f->mail_sent;
}

int famez_fabric_unread(struct famez_fabric *f, uint32_t id)
{
	struct peer *p = &f->peers[id];
	int err = 0;

	if (is_unread(f, id))
		err = look(f);
	if (err) {
		f->post_wanted = true;
		return err;
	}
	if (!p->reset)
		return 0;
	p->reset = false;
	return -ETIMEDOUT;
}

void famez_fabric_abandon(struct famez_fabric *f)
{
	f->post.slot = NULL;
}

void famez_fabric_withdraw(struct famez_fabric *f, uint32_t id)
{
	if (!f->post.slot || !is_unread(f, id))
		return;
	famez_slot_set_length(f->post.slot, 0);
	f->post.since = 0;
}

bool famez_fabric_ticks(const struct famez_fabric *f)
{
	return f->post_wanted || f->words_wait;
}

void mail_service(struct famez_fabric *f)
{
	uint32_t id;

	if ((!f->post_wanted && !f->words_wait) || look(f))
		return;
	/* who finds the slot taken again says so */
	f->words_wait = false;
	for (id = 1; id <= f->layout.server_id; id++)
		link_send(f, id);
}

static bool is_there(const struct famez_fabric *f, uint32_t id)
{
	return id && id <= f->layout.server_id &&
	       fabric_state_of(f, id) != FAMEZ_PEER_ABSENT;
}

int famez_fabric_spoof(struct famez_fabric *f, uint32_t from, uint32_t to,
		       const void *data, size_t size)
{
	struct famez_slot *slot;

	if (!f->post.slot)
		return -EOPNOTSUPP;
	if (!is_there(f, from) || !is_there(f, to))
		return -EHOSTUNREACH;
	if (!size || size > FAMEZ_MAIL_MAX)
		return -EMSGSIZE;
	slot = slot_of(f, from);
	if (famez_slot_length(slot))
		return -EAGAIN;
	/* no more than F.E.E.'s write: its owner would not clear what else there is */
	memcpy(slot->buf, data, size);
	slot->buf[size] = '\0';
	famez_slot_set_length(slot, size);
	f->config.ring(f->config.context, to, from);
	return 0;
}

/* ---- Receiving ------------------------------------------------------------- */

/* A peer of famez writes there, too, for others: it does not ring us for that. */
static bool may_be_mail(const struct famez_fabric *f, uint32_t id)
{
	return f->post.slot && id && id <= f->layout.server_id && id != f->config.id &&
	       fabric_state_of(f, id) != FAMEZ_PEER_ABSENT &&
	       !fabric_generation_of(f, id) && famez_slot_length(slot_of(f, id)) &&
	       (!fabric_has_table(f) ||
		famez_slot_may_be_for(slot_of(f, id), f->config.id));
}

void famez_fabric_rung(struct famez_fabric *f, uint32_t vector)
{
	struct famez_link l;
	struct peer *p;

	if (!may_be_mail(f, vector))
		return;
	p = &f->peers[vector];
	if (!p->mails)
		p->mails = calloc(1, sizeof(*p->mails));
	/* without memory it stays where it is, and its sender waits */
	if (!p->mails || famez_mails_look(p->mails, slot_of(f, vector), &l))
		return;
	if (l.word)
		link_heard(f, vector, &l);
}

int mail_recv(struct famez_fabric *f, struct famez_letter *letter, void *data,
	      size_t room)
{
	uint32_t i, id, n = f->layout.peers.count;
	struct famez_mail *mail = NULL;

	for (i = 0; i < n && !mail; i++) {
		id = (f->mail_next + i) % n;
		if (f->peers[id].mails)
			mail = famez_mails_peek(f->peers[id].mails);
	}
	if (!mail)
		return -EAGAIN;
	letter->peer = id;
	letter->sport = 0;
	letter->size = mail->length;
	if (mail->length > room)
		return -EMSGSIZE;
	memcpy(data, mail->text, mail->length);
	famez_mails_drop(f->peers[id].mails, slot_of(f, id));
	f->mail_next = id + 1;
	return 0;
}
