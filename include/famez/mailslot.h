/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * F.E.E.'s mailslots: messages for peers that know nothing newer, and from them.
 *
 * A sender writes its message into its own slot, whoever it is for, and rings the
 * receiver's vector of the sender's id; that alone says for whom it is.  The receiver
 * copies it, and sets the slot's buflen to 0.  Nobody rings then, so a sender that
 * waits looks now and then.  One that is not read in time is taken back, as its slot
 * is needed for others.
 */
#ifndef _FAMEZ_MAILSLOT_H
#define _FAMEZ_MAILSLOT_H

#include <famez/layout.h>
#include <famez/link.h>

#define FAMEZ_MAIL_ROOM		(FAMEZ_SLOT_SIZE - FAMEZ_SLOT_BUF_OFFSET)
#define FAMEZ_MAIL_MAX		(FAMEZ_MAIL_ROOM - 1)	/* a NUL follows */
#define FAMEZ_MAIL_PATIENCE	5000000000ULL		/* nanoseconds to be read in */

#define FAMEZ_CLASS_DRIVERLESS	"Driverless QEMU"	/* attached, and nobody reads */

/** struct famez_mailbox - checked globals of slot 0 */
struct famez_mailbox {
	__u32 clients;
	__u32 vectors;
	__u32 server_id;
};

/**
 * famez_mailbox_read() - is it one?  It has no magic number, but globals that depend on
 * each other
 * @m: what it is, on true
 * @g: a private copy of the memory's first bytes
 * @room: bytes of memory, of which the slots may take all
 */
static inline bool famez_mailbox_read(struct famez_mailbox *m, const struct famez_slot0 *g,
				      __u64 room)
{
	__u64 clients = famez_le64(g->nclients);

	if (famez_le64(g->slotsize) != FAMEZ_SLOT_SIZE ||
	    famez_le64(g->buf_offset) != FAMEZ_SLOT_BUF_OFFSET ||
	    !clients || clients > FAMEZ_VECTORS_MAX - 2 ||
	    famez_le64(g->server_id) != clients + 1 ||
	    famez_le64(g->nevents) != clients + 2 ||
	    (clients + 2) * FAMEZ_SLOT_SIZE > room)
		return false;
	m->clients = clients;
	m->vectors = clients + 2;
	m->server_id = clients + 1;
	return true;
}

/** famez_mailbox_layout() - as there is no header: what is behind the slots is FAM */
static inline void famez_mailbox_layout(struct famez_layout *l, const struct famez_mailbox *m,
					__u64 memory_size)
{
	__u64 end = ((m->server_id + 1) * (__u64)FAMEZ_SLOT_SIZE + 4095) & ~4095ULL;

	memset(l, 0, sizeof(*l));
	l->memory_size = memory_size;
	l->fam_offset = end < memory_size ? end : memory_size;
	l->fam_size = memory_size - l->fam_offset;
	l->vectors = m->vectors;
	l->server_id = m->server_id;
	l->peers.count = m->server_id + 1;
}

/* ---- A slot ---------------------------------------------------------------------------- */

static inline struct famez_slot *famez_slot(void *memory, __u32 id)
{
	return (struct famez_slot *)((char *)memory + (__u64)id * FAMEZ_SLOT_SIZE);
}

/* It has 64 bits, of which nobody needs more than 32. */
static inline __u32 famez_slot_length(struct famez_slot *slot)
{
	__le32 *half = (__le32 *)&slot->buflen;

	/* acquire: the message is read afterwards */
	return famez_load_acquire(&half[0]) | (famez_load(&half[1]) ? 0x80000000U : 0);
}

/* @length: 0: it was read, and its owner may write again */
static inline void famez_slot_set_length(struct famez_slot *slot, __u32 length)
{
	__le32 *half = (__le32 *)&slot->buflen;

	famez_store(&half[1], 0);
	/* release: the message was written, or read, before */
	famez_store_release(&half[0], length);
}

/**
 * famez_slot_may_be_for() - can its message be for this peer?
 * @slot: the sender's, which has rung
 * @id: whom
 *
 * A ring says so, but a peer of famez that goes rings everybody, with what it had last
 * sent perhaps still in its slot.  F.E.E.'s clients leave the field as the switch has
 * cleared it.
 */
static inline bool famez_slot_may_be_for(struct famez_slot *slot, __u32 id)
{
	__u32 responder = famez_load((__le32 *)&slot->last_responder);

	return !responder || responder == id;
}

/**
 * famez_slot_read() - copy the message in a slot; it stays
 * @slot: the sender's
 * @to: %FAMEZ_MAIL_ROOM bytes
 *
 * Return: bytes; -EAGAIN: there is none; -EMSGSIZE: no message is so long
 */
static inline int famez_slot_read(struct famez_slot *slot, char *to)
{
	__u32 length = famez_slot_length(slot);

	if (!length)
		return -EAGAIN;
	if (length > FAMEZ_MAIL_MAX)
		return -EMSGSIZE;
	famez_copy_in(to, slot->buf, length);
	return length;
}

/** famez_slot_name() - write a string of a slot, by its owner or the switch */
static inline void famez_slot_name(char *to, const char *name)
{
	__u32 i;

	/* its end first: it is a string all the time */
	famez_store_byte(&to[FAMEZ_NAME_SIZE - 1], 0);
	for (i = 0; i < FAMEZ_NAME_SIZE - 1 && name[i]; i++)
		famez_store_byte(&to[i], name[i]);
	for (; i < FAMEZ_NAME_SIZE; i++)
		famez_store_byte(&to[i], 0);
}

/**
 * famez_slot_reads() - does its owner read messages?
 * @slot: the slot
 * @name: its name, printable; %FAMEZ_NAME_SIZE bytes
 * @cclass: its class, likewise
 */
static inline bool famez_slot_reads(struct famez_slot *slot, char *name, char *cclass)
{
	famez_copy_string(name, slot->nodename);
	famez_copy_string(cclass, slot->cclass);
	return *cclass && strcmp(cclass, FAMEZ_CLASS_DRIVERLESS);
}

/* ---- What has come, until a program reads it ----------------------------------------------- */

#define FAMEZ_MAILS	8	/* of one sender; the next one stays in its slot */

/**
 * struct famez_mails - messages of one sender
 * @first: place of the next to be read
 * @count: how many there are
 * @held: bytes of one that its slot still holds, as all places are taken; 0: none
 * @mail: they; the place behind the last has what was last looked at
 *
 * The caller serialises.
 */
struct famez_mails {
	__u32 first;
	__u32 count;
	__u32 held;
	struct famez_mail {
		__u32 length;
		char text[FAMEZ_MAIL_ROOM];
	} mail[FAMEZ_MAILS + 1];
};

static inline struct famez_mail *famez_mails_at(struct famez_mails *m, __u32 n)
{
	return &m->mail[(m->first + n) % (FAMEZ_MAILS + 1)];
}

/** famez_mails_peek() - the next to be read, NULL: there is none */
static inline struct famez_mail *famez_mails_peek(struct famez_mails *m)
{
	return m->count ? famez_mails_at(m, 0) : NULL;
}

/* What the slot says now, in the place behind the last. */
static inline int famez_mails_copy(struct famez_mails *m, struct famez_slot *slot,
				   struct famez_link *l)
{
	struct famez_mail *mail = famez_mails_at(m, m->count);
	int length = famez_slot_read(slot, mail->text);

	if (length > 0)
		mail->length = famez_link_read(l, mail->text, length);
	return length;
}

/**
 * famez_mails_look() - the sender has rung: what is in its slot?
 * @m: its messages
 * @slot: its slot
 * @l: a word of the link layer that it was; else famez_link.word is 0
 *
 * Return: 0: it was taken; -EAGAIN: there is none; -EBUSY: there is no place for it,
 * and it stays; -EMSGSIZE: it could be none, and is gone
 */
static inline int famez_mails_look(struct famez_mails *m, struct famez_slot *slot,
				   struct famez_link *l)
{
	int length = famez_mails_copy(m, slot, l);

	m->held = 0;
	if (length == -EAGAIN)
		return length;
	if (length > 0 && !l->word && m->count == FAMEZ_MAILS) {
		m->held = length;
		return -EBUSY;
	}
	famez_slot_set_length(slot, 0);
	if (length < 0)
		return length;
	m->count += !l->word;
	return 0;
}

/**
 * famez_mails_drop() - the next was read; takes the one that waits for its place
 *
 * That one may be gone: who waits too long takes it back, and has then written another,
 * which is not for us before it rings.
 */
static inline void famez_mails_drop(struct famez_mails *m, struct famez_slot *slot)
{
	struct famez_mail *mail = famez_mails_at(m, m->count);
	char now[FAMEZ_MAIL_ROOM];
	__u32 held = m->held;

	m->held = 0;
	m->first = (m->first + 1) % (FAMEZ_MAILS + 1);
	m->count--;
	if (!held || famez_slot_read(slot, now) != (int)held ||
	    memcmp(now, mail->text, held))
		return;
	famez_slot_set_length(slot, 0);
	m->count++;
}

/* ---- The own slot, for sending ----------------------------------------------------------- */

/**
 * struct famez_post - the own slot
 * @slot: the slot
 * @to: for whom the last message was
 * @since: when it was written, or found in the way, in nanoseconds; 0: none is there
 * @sent: counts them
 *
 * The caller serialises.
 */
struct famez_post {
	struct famez_slot *slot;
	__u32 to;
	__u64 since;
	__u32 sent;
};

/**
 * famez_post_look() - what has become of the last message?
 * @p: the own slot
 * @now: in nanoseconds, monotonic
 *
 * Return: 0: it was read, and the slot is free; -EAGAIN: it was not; -ETIMEDOUT: it was
 * not in time, and was taken back from @p->to
 */
static inline int famez_post_look(struct famez_post *p, __u64 now)
{
	if (!famez_slot_length(p->slot)) {
		p->since = 0;
		return 0;
	}
	/* a stranger has written there */
	if (!p->since)
		p->since = now;
	if (now - p->since < FAMEZ_MAIL_PATIENCE)
		return -EAGAIN;
	famez_slot_set_length(p->slot, 0);
	p->since = 0;
	return -ETIMEDOUT;
}

/** famez_post_at() - where the next message is to be written, of up to FAMEZ_MAIL_MAX */
static inline char *famez_post_at(struct famez_post *p)
{
	return p->slot->buf;
}

/** famez_post_send() - it is there; the caller then rings @to's vector of the own id */
static inline void famez_post_send(struct famez_post *p, __u32 to, __u32 length, __u64 now)
{
	__le32 *responder = (__le32 *)&p->slot->last_responder;

	/* theirs are strings */
	famez_store_byte(&p->slot->buf[length], 0);
	famez_store(&responder[0], to);
	famez_store(&responder[1], 0);
	famez_slot_set_length(p->slot, length);
	p->to = to;
	p->since = now;
	p->sent++;
}

#endif /* _FAMEZ_MAILSLOT_H */
