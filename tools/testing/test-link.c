// SPDX-License-Identifier: GPL-2.0
/*
 * <famez/link.h> and <famez/mailslot.h>: what is a word of the link layer, what is
 * answered to it, and a slot's handshake.  The texts are those of F.E.E.'s programs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <famez/link.h>
#include <famez/mailslot.h>

#include "plan.h"

static struct famez_link read_link(const char *text)
{
	struct famez_link l;

	famez_link_read(&l, text, strlen(text));
	return l;
}

static __u32 word(const char *text)
{
	return read_link(text).word;
}

/* ---- Reading ------------------------------------------------------------------- */

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(word("ping"), FAMEZ_LINK_PING);
	assert_int_equal(word("pong!EZT=4"), FAMEZ_LINK_PONG);
	assert_int_equal(word("dump"), FAMEZ_LINK_DUMP);
	assert_int_equal(word("Link CTL Peer-Attribute"), FAMEZ_LINK_ATTRIBUTE);
	assert_int_equal(word("Link \t CTL\nPeer-Attribute!EZT=1"), FAMEZ_LINK_ATTRIBUTE);
	assert_int_equal(word("Link CTL ACK cclass=FabricSwitch,CID0=1500,SID0=27!EZT=2"),
			 FAMEZ_LINK_ATTRIBUTES);
	assert_int_equal(word("Link CTL ACK C-Class=FEEadapter,CID0=0,SID0=0"),
			 FAMEZ_LINK_ATTRIBUTES);
	assert_int_equal(word("Link CTL NAK whatever"), FAMEZ_LINK_NAK);
	assert_int_equal(word("Link RFC TTC=27us!EZT=1"), FAMEZ_LINK_RFC);
	assert_int_equal(word("Link RFC TTC=27uS"), FAMEZ_LINK_RFC);
	assert_int_equal(word("CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=200,SID=27,Tag=1!EZT=2"),
			 FAMEZ_LINK_WRITE);
	assert_int_equal(word("Standalone Acknowledgment Tag=1,Reason=OK!EZT=3"),
			 FAMEZ_LINK_DONE);
}

static void test_no_words(void **state)
{
	static const char * const texts[] = {
		"", " ", "Ping", "ping ", "pingpong", "ping!EZT=", "ping!EZT=x", "dump it",
		"!EZT=", "link CTL Peer-Attribute", "Link", "Link CTL", "Link CTL ACK",
		"Link CTL Peer-Attributes", "Link CTL Peer-Attribute please",
		"Link CTL ACK cclass=a,CID0=1", "Link CTL ACK cclass=,CID0=1,SID0=2",
		"Link CTL ACK cclass=0123456789012345678901234567890123,CID0=1,SID0=2",
		"Link CTL ACK cclass=a,CID0=,SID0=2", "Link CTL ACK cclass=a,CID0=x,SID0=2",
		"Link CTL ACK cclass=a,CID0=-1,SID0=2", "Link RFC", "Link RFC TTC=27",
		"Link RFC TTC=27ms", "Link RFC TTC=us", "Link RFC TTC=4294967296us",
		"Link RFC 27us", "CTL-Write", "Standalone", "Standalone Acknowledgment",
		"Standalone Acknowledgment Tag=99999999999999999999",
		"CTL-Write Space=1,PFMCID=1500,PFMSID=27,CID=200,SID=27,Tag=1",
		"CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=200,SID=27",
		"CTL-Write Space=0,PFMSID=27,CID=200,SID=27,Tag=1",
	};
	struct famez_link none = { };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct famez_link l = read_link(texts[i]);

		if (memcmp(&l, &none, sizeof(l)))
			fail_msg("'%s' is taken for word %u", texts[i], l.word);
	}
}

static void test_values(void **state)
{
	struct famez_link l;

	(void)state;
	l = read_link("CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=200,SID=28,Tag=4294967295!EZT=2");
	assert_int_equal(l.manager_cid, 1500);
	assert_int_equal(l.manager_sid, 27);
	assert_int_equal(l.cid, 200);
	assert_int_equal(l.sid, 28);
	assert_int_equal(l.tag, 4294967295U);
	assert_true(l.tracked);
	assert_int_equal(l.tracker, 2);
	l = read_link("Link CTL ACK cclass=Driverless QEMU,CID0=3,SID0=4,More=5");
	assert_string_equal(l.cclass, "Driverless QEMU");
	assert_int_equal(l.cid, 3);
	assert_int_equal(l.sid, 4);
	assert_false(l.tracked);
	assert_true(read_link("Standalone Acknowledgment Tag=7,Reason=OK").ok);
	assert_false(read_link("Standalone Acknowledgment Tag=7,Reason=Late").ok);
	assert_int_equal(read_link("Standalone Acknowledgment Tag=7").tag, 7);
	assert_int_equal(read_link("Link RFC TTC=31us").ttc, 31);
}

/* What is left of a program's message */
static void left(const char *text, size_t length, const char *message)
{
	struct famez_link l;

	assert_int_equal(famez_link_read(&l, text, length), strlen(message));
	assert_int_equal(l.word, FAMEZ_LINK_NONE);
}

static void test_messages(void **state)
{
	(void)state;
	left("hello", 5, "hello");
	left("hello!EZT=12", 12, "hello");
	left("hello!EZT=", 10, "hello!EZT=");
	left("hello!EZT=99999999999", 21, "hello!EZT=99999999999");
	left("a!EZT=1!EZT=2", 13, "a!EZT=1");
	left("hello\0there!EZT=1", 17, "hello");
	left("!EZT=5", 6, "");
	left("", 0, "");
	left("\0", 1, "");
}

static void test_classes(void **state)
{
	static const char * const bad[] = { "", "a b", "a,b", "a=b", "a!b", "a:b", "\x1b", "\xff" };
	size_t i;

	(void)state;
	assert_true(famez_class_ok("DiscreteBridge", 14));
	assert_true(famez_class_ok("0123456789012345678901234567890", 31));
	assert_false(famez_class_ok("01234567890123456789012345678901", 32));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(famez_class_ok(bad[i], strlen(bad[i])));
}

/* ---- Writing --------------------------------------------------------------------- */

static void test_round(void **state)
{
	static const char * const texts[] = {
		"ping", "pong!EZT=4", "dump", "Link CTL Peer-Attribute!EZT=1", "Link CTL NAK",
		"Link CTL ACK cclass=0123456789012345678901234567890,CID0=4294967295,SID0=4294967295!EZT=4294967295",
		"Link RFC TTC=27us!EZT=1",
		"CTL-Write Space=0,PFMCID=4294967295,PFMSID=4294967295,CID=4294967295,SID=4294967295,Tag=4294967295!EZT=4294967295",
		"Standalone Acknowledgment Tag=1,Reason=OK!EZT=3",
		"Standalone Acknowledgment Tag=1,Reason=Failed",
	};
	char text[FAMEZ_LINK_ROOM];
	struct famez_link l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		l = read_link(texts[i]);
		assert_int_not_equal(l.word, FAMEZ_LINK_NONE);
		assert_int_equal(famez_link_write(&l, text), strlen(texts[i]));
		assert_string_equal(text, texts[i]);
	}
	l = (struct famez_link){ .tracked = true };
	assert_int_equal(famez_link_write(&l, text), 0);
}

/* ---- What a component does ----------------------------------------------------------- */

/* @c is told @text; what it says, or "" */
static const char *told(struct famez_component *c, const char *text, bool by_switch)
{
	static char answer[FAMEZ_LINK_ROOM];
	struct famez_link l = read_link(text), out;

	*answer = '\0';
	if (famez_link_answer(c, &l, by_switch, &out))
		famez_link_write(&out, answer);
	return answer;
}

#define ATTRIBUTES	"Link CTL ACK cclass=FabricSwitch,CID0=1500,SID0=27"
#define WRITE		"CTL-Write Space=0,PFMCID=1500,PFMSID=27,CID=200,SID=27,Tag=1"

static void test_component(void **state)
{
	struct famez_component c = { .cclass = "Debugger" };
	struct famez_link ask;
	char text[FAMEZ_LINK_ROOM];

	(void)state;
	famez_link_begin(&c, &ask);
	famez_link_write(&ask, text);
	assert_string_equal(text, "Link CTL Peer-Attribute!EZT=1");
	/* who is not the switch changes nothing */
	assert_string_equal(told(&c, "Link CTL ACK cclass=x,CID0=1,SID0=2", false), "");
	assert_string_equal(told(&c, WRITE, false), "");
	assert_int_equal(c.state, FAMEZ_LINK_DOWN);
	assert_string_equal(told(&c, ATTRIBUTES "!EZT=2", true),
			    "Link RFC TTC=27us!EZT=3");
	assert_int_equal(c.state, FAMEZ_LINK_UP);
	assert_string_equal(c.switch_class, "FabricSwitch");
	assert_int_equal(c.switch_cid, 1500);
	assert_string_equal(told(&c, "Link CTL Peer-Attribute", true),
			    "Link CTL ACK cclass=Debugger,CID0=0,SID0=0");
	assert_string_equal(told(&c, WRITE "!EZT=4", true),
			    "Standalone Acknowledgment Tag=1,Reason=OK!EZT=5");
	assert_int_equal(c.state, FAMEZ_LINK_CONFIGURED);
	assert_int_equal(c.manager_cid, 1500);
	assert_string_equal(told(&c, "Link CTL Peer-Attribute!EZT=6", true),
			    "Link CTL ACK cclass=Debugger,CID0=200,SID0=27!EZT=7");
	assert_string_equal(told(&c, ATTRIBUTES "!EZT=8", true), "");
	assert_int_equal(c.state, FAMEZ_LINK_CONFIGURED);
	assert_string_equal(told(&c, "ping!EZT=8", false), "pong!EZT=9");
	assert_string_equal(told(&c, "ping", false), "pong");
	assert_string_equal(told(&c, "Link RFC TTC=27us", false), "");
	assert_string_equal(told(&c, "hello", true), "");
	famez_link_begin(&c, &ask);
	assert_int_equal(c.cid, 0);
}

/* ---- Slots ------------------------------------------------------------------------------ */

static struct famez_slot0 globals(uint64_t clients)
{
	return (struct famez_slot0){
		.slotsize = htole64(FAMEZ_SLOT_SIZE),
		.buf_offset = htole64(FAMEZ_SLOT_BUF_OFFSET),
		.nclients = htole64(clients),
		.nevents = htole64(clients + 2),
		.server_id = htole64(clients + 1),
	};
}

static void test_mailbox(void **state)
{
	struct famez_slot0 g = globals(14);
	struct famez_mailbox m;
	size_t i;

	(void)state;
	assert_true(famez_mailbox_read(&m, &g, 8192));
	assert_int_equal(m.clients, 14);
	assert_int_equal(m.vectors, 16);
	assert_int_equal(m.server_id, 15);
	assert_false(famez_mailbox_read(&m, &g, 8191));
	for (i = 0; i < sizeof(g) / sizeof(__le64); i++) {
		g = globals(14);
		((__le64 *)&g)[i] ^= htole64(1);
		assert_false(famez_mailbox_read(&m, &g, 8192));
	}
	g = globals(0);
	assert_false(famez_mailbox_read(&m, &g, 8192));
	g = globals(UINT64_MAX);
	assert_false(famez_mailbox_read(&m, &g, 1ULL << 40));
	g = globals(FAMEZ_VECTORS_MAX - 2);
	assert_true(famez_mailbox_read(&m, &g, 1ULL << 40));
	g = globals(FAMEZ_VECTORS_MAX - 1);
	assert_false(famez_mailbox_read(&m, &g, 1ULL << 40));
}

static void test_slot(void **state)
{
	struct famez_slot slot = { .buf = "stale" };
	char name[FAMEZ_NAME_SIZE], cclass[FAMEZ_NAME_SIZE], text[FAMEZ_MAIL_ROOM];
	static const uint64_t absurd[] = { 384, 0x80000000, 0xffffffff, 1ULL << 32, UINT64_MAX };
	size_t i;

	(void)state;
	assert_int_equal(famez_slot_read(&slot, text), -EAGAIN);
	slot.buflen = htole64(FAMEZ_MAIL_MAX);
	assert_int_equal(famez_slot_read(&slot, text), FAMEZ_MAIL_MAX);
	for (i = 0; i < sizeof(absurd) / sizeof(*absurd); i++) {
		slot.buflen = htole64(absurd[i]);
		assert_int_equal(famez_slot_read(&slot, text), -EMSGSIZE);
		famez_slot_set_length(&slot, 0);
		assert_int_equal(slot.buflen, 0);
	}
	assert_false(famez_slot_reads(&slot, name, cclass));
	famez_slot_name(slot.cclass, FAMEZ_CLASS_DRIVERLESS);
	assert_false(famez_slot_reads(&slot, name, cclass));
	famez_slot_name(slot.cclass, "Debugger");
	memset(slot.nodename, 'x', sizeof(slot.nodename));
	assert_true(famez_slot_reads(&slot, name, cclass));
	assert_int_equal(strlen(name), FAMEZ_NAME_SIZE - 1);
	assert_string_equal(cclass, "Debugger");
	/* nothing of the longer one is left */
	assert_string_equal(slot.cclass + 9, "");
	assert_memory_equal(slot.buf, "stale", 6);
}

/* Its owner writes a message */
static void write_slot(struct famez_slot *slot, const char *text)
{
	strcpy(slot->buf, text);
	famez_slot_set_length(slot, strlen(text));
}

static void reads(struct famez_mails *m, struct famez_slot *slot, const char *text)
{
	struct famez_mail *mail = famez_mails_peek(m);

	assert_non_null(mail);
	assert_int_equal(mail->length, strlen(text));
	assert_memory_equal(mail->text, text, mail->length);
	famez_mails_drop(m, slot);
}

static void test_mails(void **state)
{
	static struct famez_mails m;
	struct famez_slot slot = { };
	struct famez_link l;
	char text[16];
	int i, round;

	(void)state;
	assert_int_equal(famez_mails_look(&m, &slot, &l), -EAGAIN);
	assert_null(famez_mails_peek(&m));
	slot.buflen = htole64(1000);
	assert_int_equal(famez_mails_look(&m, &slot, &l), -EMSGSIZE);
	assert_int_equal(slot.buflen, 0);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < FAMEZ_MAILS; i++) {
			snprintf(text, sizeof(text), "%d!EZT=4", i);
			write_slot(&slot, text);
			assert_int_equal(famez_mails_look(&m, &slot, &l), 0);
			assert_int_equal(slot.buflen, 0);
		}
		/* without a place: words of the link layer all the same */
		write_slot(&slot, "ping");
		assert_int_equal(famez_mails_look(&m, &slot, &l), 0);
		assert_int_equal(l.word, FAMEZ_LINK_PING);
		write_slot(&slot, "late");
		assert_int_equal(famez_mails_look(&m, &slot, &l), -EBUSY);
		assert_int_equal(slot.buflen, htole64(4));
		/* taken back, and another is there, for somebody else */
		if (round == 1)
			write_slot(&slot, "else");
		reads(&m, &slot, "0");
		assert_int_equal(slot.buflen, round == 1 ? htole64(4) : 0);
		for (i = 1; i < FAMEZ_MAILS; i++) {
			snprintf(text, sizeof(text), "%d", i);
			reads(&m, &slot, text);
		}
		if (round != 1)
			reads(&m, &slot, "late");
		assert_null(famez_mails_peek(&m));
	}
}

static void test_post(void **state)
{
	struct famez_slot slot;
	struct famez_post p = { .slot = &slot };
	uint64_t now = 1000;

	(void)state;
	memset(&slot, 0xff, sizeof(slot));
	/* somebody has written there */
	assert_int_equal(famez_post_look(&p, now), -EAGAIN);
	now += FAMEZ_MAIL_PATIENCE - 1;
	assert_int_equal(famez_post_look(&p, now), -EAGAIN);
	assert_int_equal(famez_post_look(&p, ++now), -ETIMEDOUT);
	assert_int_equal(famez_post_look(&p, now), 0);
	memcpy(famez_post_at(&p), "hello", 5);
	famez_post_send(&p, 3, 5, now);
	assert_int_equal(slot.buflen, htole64(5));
	assert_int_equal(slot.last_responder, htole64(3));
	assert_true(famez_slot_may_be_for(&slot, 3));
	assert_false(famez_slot_may_be_for(&slot, 4));
	assert_string_equal(slot.buf, "hello");
	assert_int_equal(slot.peer_id, UINT64_MAX);
	assert_int_equal(famez_post_look(&p, now + 1), -EAGAIN);
	famez_slot_set_length(&slot, 0);
	assert_int_equal(famez_post_look(&p, now + 2), 0);
	famez_post_send(&p, 4, FAMEZ_MAIL_MAX, now);
	assert_int_equal(slot.buf[FAMEZ_MAIL_MAX], 0);
	assert_int_equal(famez_post_look(&p, now + FAMEZ_MAIL_PATIENCE), -ETIMEDOUT);
	assert_int_equal(p.to, 4);
	assert_int_equal(slot.buflen, 0);
}

/* What waits for room, with something newer or of another kind behind it. */
static void test_due(void **state)
{
	struct famez_link ping = { .word = FAMEZ_LINK_PING };
	struct famez_link pong = { .word = FAMEZ_LINK_PONG };
	struct famez_link_due due = { };
	uint32_t turn;

	(void)state;
	famez_link_put(&due, FAMEZ_LINK_OWN, &ping);
	famez_link_put(&due, FAMEZ_LINK_ANSWER, &pong);
	assert_int_equal(due.word[FAMEZ_LINK_OWN].word, FAMEZ_LINK_PING);
	turn = due.turn[FAMEZ_LINK_ANSWER];
	famez_link_put(&due, FAMEZ_LINK_ANSWER, &pong);
	famez_link_said(&due, FAMEZ_LINK_ANSWER, turn);
	assert_int_equal(due.word[FAMEZ_LINK_ANSWER].word, FAMEZ_LINK_PONG);
	famez_link_said(&due, FAMEZ_LINK_ANSWER, due.turn[FAMEZ_LINK_ANSWER]);
	assert_int_equal(due.word[FAMEZ_LINK_ANSWER].word, FAMEZ_LINK_NONE);
	assert_int_equal(due.word[FAMEZ_LINK_OWN].word, FAMEZ_LINK_PING);
	/* a start that was not seen yet, and the next */
	famez_link_put(&due, FAMEZ_LINK_ANSWER, &pong);
	famez_link_restarts(&due, 0);
	assert_int_equal(due.word[FAMEZ_LINK_ANSWER].word, FAMEZ_LINK_NONE);
	assert_int_equal(due.word[FAMEZ_LINK_OWN].word, FAMEZ_LINK_PING);
	famez_link_restarts(&due, 1);
	assert_int_equal(due.word[FAMEZ_LINK_OWN].word, FAMEZ_LINK_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_no_words),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_component),
		cmocka_unit_test(test_mailbox),
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_mails),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_due),
	};

	return RUN_PLAN("link", tests);
}
