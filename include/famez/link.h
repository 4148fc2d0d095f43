/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * The words of the Gen-Z link layer, as F.E.E.'s programs say them: the one reader and
 * the one writer of them, and what a component does about each.
 *
 * They are text.  Words are split at white space, and case matters; attributes are
 * key=value, joined by commas.  Behind all there may be a tracker, "!EZT=<n>": an
 * answer's is one more than that of what it answers, so that a conversation can be
 * followed.  Documentation/genz.rst tells who says what, and when.
 */
#ifndef _FAMEZ_LINK_H
#define _FAMEZ_LINK_H

#ifdef __KERNEL__
#include <linux/kernel.h>
#include <linux/string.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#endif

#include <linux/famez.h>
#include <famez/shm.h>

#define FAMEZ_LINK_ROOM		192	/* bytes that any of them fits into, with a NUL */

enum famez_link_word {
	FAMEZ_LINK_NONE,		/* none of them: a program's message */
	FAMEZ_LINK_PING,
	FAMEZ_LINK_PONG,
	FAMEZ_LINK_DUMP,
	FAMEZ_LINK_ATTRIBUTE,		/* Link CTL Peer-Attribute */
	FAMEZ_LINK_ATTRIBUTES,		/* Link CTL ACK, their answer */
	FAMEZ_LINK_NAK,
	FAMEZ_LINK_RFC,			/* ready for configuration */
	FAMEZ_LINK_WRITE,		/* CTL-Write */
	FAMEZ_LINK_DONE,		/* Standalone Acknowledgment */
};

/**
 * struct famez_link - one such message
 * @word: %FAMEZ_LINK_PING and so on
 * @tracked: it has a tracker
 * @tracker: likewise
 * @cid: component id: of ATTRIBUTES its sender's, of WRITE the receiver's from now on
 * @sid: subnet id, likewise
 * @manager_cid: of WRITE: of the fabric manager
 * @manager_sid: likewise
 * @tag: of WRITE, and of the DONE that answers it
 * @ttc: of RFC: time to configure, in microseconds
 * @ok: of DONE: the reason is OK
 * @cclass: of ATTRIBUTES: its sender's class, printable
 */
struct famez_link {
	__u32 word;
	bool tracked;
	__u32 tracker;
	__u32 cid;
	__u32 sid;
	__u32 manager_cid;
	__u32 manager_sid;
	__u32 tag;
	__u32 ttc;
	bool ok;
	char cclass[FAMEZ_NAME_SIZE];
};

/* ---- Text ---------------------------------------------------------------------------- */

/** struct famez_text - a part of a message, no NUL behind it */
struct famez_text {
	const char *at;
	__u32 length;
};

static inline bool famez_text_is(const struct famez_text *t, const char *word)
{
	return t->length == strlen(word) && !memcmp(t->at, word, t->length);
}

static inline bool famez_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool famez_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline void famez_text_skip(struct famez_text *t, __u32 n)
{
	t->at += n;
	t->length -= n;
}

/* Takes what stands before the first @mark out of @t, and the mark; or all. */
static inline struct famez_text famez_text_cut(struct famez_text *t, char mark)
{
	struct famez_text part = { .at = t->at };

	while (part.length < t->length && t->at[part.length] != mark)
		part.length++;
	famez_text_skip(t, part.length < t->length ? part.length + 1 : part.length);
	return part;
}

/* Takes the next word out of @t; of no length: there is none */
static inline struct famez_text famez_text_word(struct famez_text *t)
{
	struct famez_text word;

	while (t->length && famez_is_space(*t->at))
		famez_text_skip(t, 1);
	word = (struct famez_text){ .at = t->at };
	while (word.length < t->length && !famez_is_space(t->at[word.length]))
		word.length++;
	famez_text_skip(t, word.length);
	return word;
}

/* Is @t a decimal number, and nothing else? */
static inline bool famez_text_number(const struct famez_text *t, __u32 *number)
{
	__u64 n = 0;
	__u32 i;

	for (i = 0; i < t->length && famez_is_digit(t->at[i]) && n <= 0xffffffffU; i++)
		n = n * 10 + (t->at[i] - '0');
	if (!t->length || i < t->length || n > 0xffffffffU)
		return false;
	*number = n;
	return true;
}

/**
 * famez_link_untrack() - cut the tracker off a message
 * @text: the message; all of it stays where no tracker is at its end
 * @tracker: the number, on true
 */
static inline bool famez_link_untrack(struct famez_text *text, __u32 *tracker)
{
	static const char mark[] = "!EZT=";
	const __u32 size = sizeof(mark) - 1;
	struct famez_text number;
	__u32 digits = 0;

	while (digits < text->length && famez_is_digit(text->at[text->length - 1 - digits]))
		digits++;
	if (text->length < size + digits ||
	    memcmp(text->at + text->length - digits - size, mark, size))
		return false;
	number = (struct famez_text){ text->at + text->length - digits, digits };
	if (!famez_text_number(&number, tracker))
		return false;
	text->length -= size + digits;
	return true;
}

/* ---- Reading ------------------------------------------------------------------------- */

/* A class is a word, so that it cannot be mistaken for what follows. */
static inline bool famez_class_ok(const char *cclass, __u32 length)
{
	__u32 i;

	for (i = 0; i < length; i++)
		if (cclass[i] <= ' ' || cclass[i] > '~' || strchr(",=!:", cclass[i]))
			return false;
	return length && length < FAMEZ_NAME_SIZE;
}

#define FAMEZ_HAS_CCLASS	0x01U
#define FAMEZ_HAS_CID		0x02U
#define FAMEZ_HAS_SID		0x04U
#define FAMEZ_HAS_SPACE		0x08U
#define FAMEZ_HAS_MANAGER_CID	0x10U
#define FAMEZ_HAS_MANAGER_SID	0x20U
#define FAMEZ_HAS_TAG		0x40U
#define FAMEZ_HAS_TTC		0x80U
#define FAMEZ_HAS_REASON	0x100U

static inline __u32 famez_link_class(struct famez_link *l, const struct famez_text *value)
{
	/* theirs have a space in it */
	if (!value->length || value->length >= sizeof(l->cclass))
		return 0;
	memset(l->cclass, 0, sizeof(l->cclass));
	memcpy(l->cclass, value->at, value->length);
	return FAMEZ_HAS_CCLASS;
}

/* "27us": the unit is asked for in any case */
static inline __u32 famez_link_ttc(struct famez_link *l, const struct famez_text *value)
{
	struct famez_text number = *value;

	if (value->length < 3 || (value->at[value->length - 2] | 0x20) != 'u' ||
	    (value->at[value->length - 1] | 0x20) != 's')
		return 0;
	number.length -= 2;
	return famez_text_number(&number, &l->ttc) ? FAMEZ_HAS_TTC : 0;
}

static inline __u32 famez_link_space(const struct famez_text *value)
{
	return famez_text_is(value, "0") ? FAMEZ_HAS_SPACE : 0;
}

static inline __u32 famez_link_number(const struct famez_text *value, __u32 *number,
				      __u32 has)
{
	return famez_text_number(value, number) ? has : 0;
}

/* Return: which it is, 0: none, or it cannot be that */
static inline __u32 famez_link_attribute(struct famez_link *l, const struct famez_text *key,
					 const struct famez_text *value)
{
	if (famez_text_is(key, "cclass") || famez_text_is(key, "C-Class"))
		return famez_link_class(l, value);
	if (famez_text_is(key, "CID") || famez_text_is(key, "CID0"))
		return famez_link_number(value, &l->cid, FAMEZ_HAS_CID);
	if (famez_text_is(key, "SID") || famez_text_is(key, "SID0"))
		return famez_link_number(value, &l->sid, FAMEZ_HAS_SID);
	if (famez_text_is(key, "PFMCID"))
		return famez_link_number(value, &l->manager_cid, FAMEZ_HAS_MANAGER_CID);
	if (famez_text_is(key, "PFMSID"))
		return famez_link_number(value, &l->manager_sid, FAMEZ_HAS_MANAGER_SID);
	if (famez_text_is(key, "Tag"))
		return famez_link_number(value, &l->tag, FAMEZ_HAS_TAG);
	if (famez_text_is(key, "Space"))
		return famez_link_space(value);
	if (famez_text_is(key, "TTC"))
		return famez_link_ttc(l, value);
	if (!famez_text_is(key, "Reason"))
		return 0;
	l->ok = famez_text_is(value, "OK");
	return FAMEZ_HAS_REASON;
}

/* Are the attributes in @text all that @need says?  Others are passed over. */
static inline bool famez_link_attributes(struct famez_link *l, struct famez_text text,
					 __u32 need)
{
	struct famez_text key, value;
	__u32 has = 0;

	while (text.length && famez_is_space(*text.at))
		famez_text_skip(&text, 1);
	while (text.length && famez_is_space(text.at[text.length - 1]))
		text.length--;
	while (text.length) {
		value = famez_text_cut(&text, ',');
		key = famez_text_cut(&value, '=');
		has |= famez_link_attribute(l, &key, &value);
	}
	return (has & need) == need;
}

static inline __u32 famez_link_read_ctl(struct famez_link *l, struct famez_text text)
{
	struct famez_text word = famez_text_word(&text);

	if (famez_text_is(&word, "Peer-Attribute"))
		return famez_text_word(&text).length ? FAMEZ_LINK_NONE : FAMEZ_LINK_ATTRIBUTE;
	if (famez_text_is(&word, "NAK"))
		return FAMEZ_LINK_NAK;
	if (famez_text_is(&word, "ACK") &&
	    famez_link_attributes(l, text, FAMEZ_HAS_CCLASS | FAMEZ_HAS_CID | FAMEZ_HAS_SID))
		return FAMEZ_LINK_ATTRIBUTES;
	return FAMEZ_LINK_NONE;
}

static inline __u32 famez_link_read_link(struct famez_link *l, struct famez_text text)
{
	struct famez_text word = famez_text_word(&text);

	if (famez_text_is(&word, "CTL"))
		return famez_link_read_ctl(l, text);
	if (famez_text_is(&word, "RFC") && famez_link_attributes(l, text, FAMEZ_HAS_TTC))
		return FAMEZ_LINK_RFC;
	return FAMEZ_LINK_NONE;
}

static inline __u32 famez_link_read_words(struct famez_link *l, struct famez_text text)
{
	struct famez_text word;

	if (famez_text_is(&text, "ping"))
		return FAMEZ_LINK_PING;
	if (famez_text_is(&text, "pong"))
		return FAMEZ_LINK_PONG;
	if (famez_text_is(&text, "dump"))
		return FAMEZ_LINK_DUMP;
	word = famez_text_word(&text);
	if (famez_text_is(&word, "Link"))
		return famez_link_read_link(l, text);
	if (famez_text_is(&word, "CTL-Write"))
		return famez_link_attributes(l, text, FAMEZ_HAS_SPACE | FAMEZ_HAS_MANAGER_CID |
					     FAMEZ_HAS_MANAGER_SID | FAMEZ_HAS_CID |
					     FAMEZ_HAS_SID | FAMEZ_HAS_TAG) ?
		       FAMEZ_LINK_WRITE : FAMEZ_LINK_NONE;
	if (!famez_text_is(&word, "Standalone"))
		return FAMEZ_LINK_NONE;
	word = famez_text_word(&text);
	return famez_text_is(&word, "Acknowledgment") &&
	       famez_link_attributes(l, text, FAMEZ_HAS_TAG) ? FAMEZ_LINK_DONE : FAMEZ_LINK_NONE;
}

/**
 * famez_link_read() - what a message says
 * @l: that; all zero, but for the tracker, where it is none of the link layer's
 * @at: a private copy of the message
 * @length: bytes of it; what is behind a NUL does not count
 *
 * Context: any
 *
 * Return: bytes of it that are the message, without tracker and NUL
 */
static inline __u32 famez_link_read(struct famez_link *l, const char *at, __u32 length)
{
	struct famez_text text = { at, strnlen(at, length) };
	__u32 tracker = 0, word;
	bool tracked = famez_link_untrack(&text, &tracker);

	memset(l, 0, sizeof(*l));
	word = famez_link_read_words(l, text);
	if (!word)
		memset(l, 0, sizeof(*l));
	l->word = word;
	l->tracked = tracked;
	l->tracker = tracker;
	return text.length;
}

/**
 * famez_link_record() - what a record says, which its sender can still change
 * @l: that
 * @payload: of the record
 * @length: bytes of it
 *
 * Return: true when it is a word of the link layer
 */
static inline bool famez_link_record(struct famez_link *l, const void *payload, __u32 length)
{
	char text[FAMEZ_LINK_ROOM];

	if (length >= sizeof(text))
		return false;
	famez_copy_in(text, payload, length);
	famez_link_read(l, text, length);
	return l->word;
}

/* ---- Writing ------------------------------------------------------------------------- */

static inline int famez_link_format(const struct famez_link *l, char *to, size_t room)
{
	switch (l->word) {
	case FAMEZ_LINK_PING:
		return snprintf(to, room, "ping");
	case FAMEZ_LINK_PONG:
		return snprintf(to, room, "pong");
	case FAMEZ_LINK_DUMP:
		return snprintf(to, room, "dump");
	case FAMEZ_LINK_ATTRIBUTE:
		return snprintf(to, room, "Link CTL Peer-Attribute");
	case FAMEZ_LINK_ATTRIBUTES:
		return snprintf(to, room, "Link CTL ACK cclass=%s,CID0=%u,SID0=%u", l->cclass,
				l->cid, l->sid);
	case FAMEZ_LINK_NAK:
		return snprintf(to, room, "Link CTL NAK");
	case FAMEZ_LINK_RFC:
		return snprintf(to, room, "Link RFC TTC=%uus", l->ttc);
	case FAMEZ_LINK_WRITE:
		return snprintf(to, room,
				"CTL-Write Space=0,PFMCID=%u,PFMSID=%u,CID=%u,SID=%u,Tag=%u",
				l->manager_cid, l->manager_sid, l->cid, l->sid, l->tag);
	case FAMEZ_LINK_DONE:
		return snprintf(to, room, "Standalone Acknowledgment Tag=%u,Reason=%s", l->tag,
				l->ok ? "OK" : "Failed");
	default:
		return 0;
	}
}

/**
 * famez_link_write() - as text
 * @l: what to say
 * @to: %FAMEZ_LINK_ROOM bytes
 *
 * Return: bytes, without the NUL
 */
static inline __u32 famez_link_write(const struct famez_link *l, char *to)
{
	__u32 length = famez_link_format(l, to, FAMEZ_LINK_ROOM);

	if (length && l->tracked)
		length += snprintf(to + length, FAMEZ_LINK_ROOM - length, "!EZT=%u",
				   l->tracker);
	return length;
}

/* ---- What waits for room --------------------------------------------------------------- */

#define FAMEZ_LINK_OWN		0	/* what we, or a program here, begin with */
#define FAMEZ_LINK_ANSWER	1
#define FAMEZ_LINK_DUE		2

/**
 * struct famez_link_due - what is to be said to a peer as soon as there is room
 * @word: one of our own, and an answer: neither pushes the other out.  Who asks twice
 *	before it is answered, loses the first answer
 * @turn: counts what was put there
 */
struct famez_link_due {
	struct famez_link word[FAMEZ_LINK_DUE];
	__u32 turn[FAMEZ_LINK_DUE];
};

static inline void famez_link_put(struct famez_link_due *due, __u32 which,
				  const struct famez_link *l)
{
	due->word[which] = *l;
	due->turn[which]++;
}

/*
 * The peer has another start, or none any more: what it was to be answered, it has asked
 * before.  What we had to say it, stays where it was for a start not seen yet (@seen is 0).
 */
static inline void famez_link_restarts(struct famez_link_due *due, __u32 seen)
{
	due->word[FAMEZ_LINK_ANSWER].word = FAMEZ_LINK_NONE;
	if (seen)
		due->word[FAMEZ_LINK_OWN].word = FAMEZ_LINK_NONE;
}

/* It was said, unless something newer stands there by now. */
static inline void famez_link_said(struct famez_link_due *due, __u32 which, __u32 turn)
{
	if (due->turn[which] == turn)
		due->word[which].word = FAMEZ_LINK_NONE;
}

/* ---- A component ----------------------------------------------------------------------- */

#define FAMEZ_LINK_TTC		27	/* microseconds in which we can be configured */

/**
 * struct famez_component - a peer, as the link layer has it
 * @state: %FAMEZ_LINK_DOWN and so on
 * @cid: own component id, 0: none was given
 * @sid: own subnet id
 * @manager_cid: who has given them
 * @manager_sid: likewise
 * @cclass: own class
 * @switch_cid: of the other end of the link, as it says
 * @switch_sid: likewise
 * @switch_class: likewise
 */
struct famez_component {
	__u32 state;
	__u32 cid;
	__u32 sid;
	__u32 manager_cid;
	__u32 manager_sid;
	char cclass[FAMEZ_NAME_SIZE];
	__u32 switch_cid;
	__u32 switch_sid;
	char switch_class[FAMEZ_NAME_SIZE];
};

/** famez_link_begin() - its other end is there, anew: what to ask it */
static inline void famez_link_begin(struct famez_component *c, struct famez_link *ask)
{
	c->state = FAMEZ_LINK_DOWN;
	c->cid = 0;
	c->sid = 0;
	c->manager_cid = 0;
	c->manager_sid = 0;
	*ask = (struct famez_link){ .word = FAMEZ_LINK_ATTRIBUTE, .tracked = true, .tracker = 1 };
}

/**
 * famez_link_ids() - CID and SID of another, where nobody tells
 * @c: the component
 * @own: own id
 * @id: the other's
 * @cid: 0: none are known
 * @sid: likewise
 *
 * F.E.E.'s manager gives all of them by one rule, and may have.
 */
static inline void famez_link_ids(const struct famez_component *c, __u32 own, __u32 id,
				  __u32 *cid, __u32 *sid)
{
	*cid = own ? c->cid / own * id : 0;
	*sid = *cid ? c->sid : 0;
}

static inline __u32 famez_link_met(struct famez_component *c, const struct famez_link *l,
				   struct famez_link *answer)
{
	c->switch_cid = l->cid;
	c->switch_sid = l->sid;
	memcpy(c->switch_class, l->cclass, sizeof(c->switch_class));
	if (c->state != FAMEZ_LINK_DOWN)
		return FAMEZ_LINK_NONE;
	c->state = FAMEZ_LINK_UP;
	answer->ttc = FAMEZ_LINK_TTC;
	return FAMEZ_LINK_RFC;
}

static inline __u32 famez_link_configure(struct famez_component *c, const struct famez_link *l,
					 struct famez_link *answer)
{
	c->cid = l->cid;
	c->sid = l->sid;
	c->manager_cid = l->manager_cid;
	c->manager_sid = l->manager_sid;
	c->state = FAMEZ_LINK_CONFIGURED;
	answer->tag = l->tag;
	answer->ok = true;
	return FAMEZ_LINK_DONE;
}

/**
 * famez_link_answer() - what a component does about a message, and says
 * @c: the component
 * @l: the message
 * @from_switch: nobody else's changes anything
 * @answer: what to send back, on true
 *
 * What only a switch answers is not answered here.  Context: any; the caller has @c
 * to itself.
 */
static inline bool famez_link_answer(struct famez_component *c, const struct famez_link *l,
				     bool from_switch, struct famez_link *answer)
{
	__u32 word = FAMEZ_LINK_NONE;

	memset(answer, 0, sizeof(*answer));
	if (l->word == FAMEZ_LINK_PING) {
		word = FAMEZ_LINK_PONG;
	} else if (l->word == FAMEZ_LINK_ATTRIBUTE) {
		answer->cid = c->cid;
		answer->sid = c->sid;
		memcpy(answer->cclass, c->cclass, sizeof(answer->cclass));
		word = FAMEZ_LINK_ATTRIBUTES;
	} else if (l->word == FAMEZ_LINK_ATTRIBUTES && from_switch) {
		word = famez_link_met(c, l, answer);
	} else if (l->word == FAMEZ_LINK_WRITE && from_switch) {
		word = famez_link_configure(c, l, answer);
	}
	answer->word = word;
	answer->tracked = l->tracked;
	answer->tracker = l->tracked ? l->tracker + 1 : 0;
	return word;
}

#endif /* _FAMEZ_LINK_H */
