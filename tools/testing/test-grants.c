// SPDX-License-Identifier: GPL-2.0
/*
 * Ports on one channel, step by step: grants, boxes, owners that change, and
 * garbage in the words that tell of them.
 */
#include "pair.h"

/* ---- The receiver's part ------------------------------------------------------ */

static uint32_t open_port(struct pair *p, uint32_t port, uint32_t incarnation,
			  uint32_t window)
{
	int slot = famez_port_place(&p->ports);

	assert_true(slot > 0);
	assert_int_equal(famez_port_check(&p->ports, port, 5), port);
	p->ports.slot[slot] = (struct famez_port_id){
		.port = port, .incarnation = incarnation, .window = window,
	};
	p->ports.used = famez_ports_used(&p->ports);
	pair_make_box(p, slot);
	return slot;
}

static void close_port(struct pair *p, uint32_t slot)
{
	struct famez_box *box;

	famez_inbox_close(&p->in, slot, true, &box);
	free(box);
	famez_port_forget(&p->ports, slot);
	p->ports.used = famez_ports_used(&p->ports);
}

/* The next message to a port has this length, and is read; or there is none. */
static int read_port(struct pair *p, uint32_t slot)
{
	struct famez_message m;
	int err;

	famez_inbox_begin(&p->in);
	while ((err = peek_port(p, slot, &m)) == 1)
		famez_inbox_skip(&p->in, &m);
	if (err)
		return err;
	famez_inbox_read(&p->in, &m);
	return m.length;
}

/* Empties the ring into the boxes. */
static void drain(struct pair *p)
{
	uint32_t before = p->in.rx.tail;
	struct famez_message m;

	famez_inbox_begin(&p->in);
	while (!famez_inbox_peek_ring(&p->in, &m) &&
	       famez_inbox_stash(&p->in, &m))
		;
	famez_inbox_drained(&p->in, before);
}

/* ---- The sender's --------------------------------------------------------------- */

static int send_port(struct pair *p, uint32_t port, uint32_t length)
{
	uint8_t *payload;
	uint32_t slot;
	int err;

	err = famez_out_find(&p->out, port, &slot);
	if (!err)
		err = famez_out_room(&p->out, FAMEZ_TYPE_DATA, slot, length,
				     &payload);
	if (err)
		return err;
	memset(payload, port, length);
	famez_out_commit(&p->out, FAMEZ_TYPE_DATA, slot, 33, length);
	return 0;
}

/* As often as there is room, with the ring emptied each time. */
static int fill(struct pair *p, uint32_t port, uint32_t length)
{
	int n = 0;

	for (;;) {
		drain(p);
		if (send_port(p, port, length))
			return n;
		n++;
	}
}

/* ---- What is promised ------------------------------------------------------------- */

static void test_order(void **state)
{
	struct pair *p = pair_new(4096, 77);
	uint32_t a = open_port(p, 5, 1000, 0), b = open_port(p, 6, 0xfffffff8, 0);
	int i;

	(void)state;
	for (i = 0; i < 12; i++)
		assert_int_equal(send_port(p, i % 3 ? i % 3 + 4 : 0, 10 + i), 0);
	for (i = 2; i < 12; i += 3)
		assert_int_equal(read_port(p, b), 10 + i);
	assert_int_equal(read_port(p, b), -EAGAIN);
	for (i = 1; i < 12; i += 3)
		assert_int_equal(read_port(p, a), 10 + i);
	for (i = 0; i < 12; i += 3)
		assert_int_equal(read_port(p, 0), 10 + i);
	assert_int_equal(read_port(p, 0), -EAGAIN);
	pair_free(p);
}

/* A port that nobody reads takes its buffer and no more; the next is free. */
static void test_buffer(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t a = open_port(p, 5, 1000, 3000), b = open_port(p, 6, 2000, 1);
	int n = fill(p, 5, 40), i;

	(void)state;
	assert_int_equal(n, 3000 / famez_record_size(40));
	/* at least the longest message */
	assert_int_equal(fill(p, 6, famez_ring_longest(1024)), 1);
	assert_int_equal(read_port(p, b), famez_ring_longest(1024));
	for (i = 0; i < 100; i++) {
		assert_int_equal(send_port(p, 6, 100), 0);
		assert_int_equal(read_port(p, b), 100);
		assert_int_equal(send_port(p, 0, 100), 0);
		assert_int_equal(read_port(p, 0), 100);
		assert_int_equal(send_port(p, 5, 40), -EAGAIN);
	}
	while (n--)
		assert_int_equal(read_port(p, a), 40);
	assert_int_equal(read_port(p, a), -EAGAIN);
	assert_int_equal(send_port(p, 5, 40), 0);
	pair_free(p);
}

/* Who waits for a grant is rung when it comes, not for other ports' room. */
static void test_want(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t a = open_port(p, 5, 1000, 1), slot;
	int n = fill(p, 5, 40);

	(void)state;
	assert_int_equal(famez_out_find(&p->out, 5, &slot), 0);
	assert_int_equal(slot, a);
	famez_out_wait(&p->out, slot, 40);
	famez_inbox_must_ring(&p->in);
	assert_int_equal(send_port(p, 0, 100), 0);
	assert_int_equal(read_port(p, 0), 100);
	assert_false(famez_inbox_must_ring(&p->in));
	assert_int_equal(read_port(p, a), 40);
	assert_true(famez_inbox_must_ring(&p->in));
	assert_int_equal(send_port(p, 5, 40), 0);
	famez_out_unwait(&p->out, slot);
	while (n--)
		assert_int_equal(read_port(p, a), 40);
	assert_false(famez_inbox_must_ring(&p->in));
	pair_free(p);
}

/* The last record that was sent gets a flag of a later version. */
static void flag_last(struct pair *p, uint32_t length)
{
	uint32_t at = (p->out.tx.head - famez_record_size(length)) & (p->out.tx.size - 1);
	struct famez_record *record = (void *)(p->channel->data + at);

	assert_int_equal(le32toh(record->length), length);
	record->flags = htole16(0x8000);
}

/* It is skipped and counted, and its port loses no room by it, whatever stands before it. */
static void test_flags(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t slot = open_port(p, 5, 1000, 600), i;
	int all = 600 / famez_record_size(40), n;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_int_equal(send_port(p, 5, 40), 0);
		flag_last(p, 40);
		assert_int_equal(read_port(p, slot), -EAGAIN);
		assert_int_equal(p->in.discarded, i + 1);
	}
	/* behind some that are in the box by then, and before others */
	for (i = 0; i < 100; i++) {
		p->in.discarded = 0;
		for (n = 0; n < all; n++) {
			assert_int_equal(send_port(p, 5, 40), 0);
			if (n == (int)(i % all) || n == all - 1)
				flag_last(p, 40);
			drain(p);
		}
		/* of what stands behind nothing unread, the room is there at once */
		assert_int_equal(famez_out_granted(&p->out, slot, 40), !(i % all));
		assert_int_equal(p->in.discarded, (int)(i % all) == all - 1 ? 1 : 2);
		for (n = all - p->in.discarded; n; n--)
			assert_int_equal(read_port(p, slot), 40);
		assert_int_equal(read_port(p, slot), -EAGAIN);
		assert_int_equal(p->in.box[slot]->limit - p->out.ports[slot].sent, 600);
	}
	/* nobody's */
	p->in.discarded = 0;
	assert_int_equal(send_port(p, 5, 40), 0);
	flag_last(p, 40);
	close_port(p, slot);
	assert_int_equal(read_port(p, 0), -EAGAIN);
	assert_int_equal(p->in.discarded, 1);
	pair_free(p);
}

/* Longer than the receiver takes: not sent, though the ring has room; nor read. */
static void test_message_max(void **state)
{
	struct pair *p = pair_new(16384, 77);
	uint32_t slot = open_port(p, 5, 1000, 20000);

	(void)state;
	p->in.rx.message_max = 5000;
	assert_true(famez_inbox_refresh(&p->in));
	assert_int_equal(send_port(p, 5, 5001), -EMSGSIZE);
	assert_int_equal(send_port(p, 5, 5000), 0);
	assert_int_equal(read_port(p, slot), 5000);
	p->in.rx.message_max = 0;
	assert_true(famez_inbox_refresh(&p->in));
	assert_int_equal(send_port(p, 5, FAMEZ_RX_MESSAGE_MAX + 1), -EMSGSIZE);
	/* what all take, whatever a stranger wrote there */
	famez_store(&p->channel->rx.message_max, 1);
	assert_int_equal(send_port(p, 5, FAMEZ_RX_MESSAGE_MAX), 0);
	assert_int_equal(read_port(p, slot), FAMEZ_RX_MESSAGE_MAX);
	/* it is in no later message's way, nor in another's */
	famez_store(&p->channel->rx.message_max, 8000);
	assert_int_equal(send_port(p, 5, 8000), 0);
	assert_int_equal(send_port(p, 5, 10), 0);
	assert_int_equal(read_port(p, slot), 10);
	assert_int_equal(p->in.discarded, 1);
	assert_true(famez_inbox_refresh(&p->in));
	/* what was said by who is not there any more is not heard */
	assert_true(famez_inbox_pair(&p->in, 9, 77));
	assert_int_equal(send_port(p, 0, 5000), -EAGAIN);
	assert_true(famez_out_pair(&p->out, 77, 9));
	assert_int_equal(send_port(p, 0, 5000), -EMSGSIZE);
	pair_free(p);
}

/* A limit that has wrapped around meets nothing of what was discarded long ago. */
static void test_flags_forgotten(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t slot = open_port(p, 5, 1000, 600);
	const uint32_t step = (1 << 30) - 128;	/* the last ends shortly before the first */
	int i;

	(void)state;
	assert_int_equal(send_port(p, 5, 40), 0);
	flag_last(p, 40);
	assert_int_equal(read_port(p, slot), -EAGAIN);
	for (i = 0; i < 4; i++) {
		p->out.ports[slot].sent += step;
		p->in.box[slot]->limit += step;
		p->in.box[slot]->read += step;
		famez_store(&p->channel->rx.grants[slot].limit, p->in.box[slot]->limit);
		assert_int_equal(send_port(p, 5, 40), 0);
		assert_int_equal(read_port(p, slot), 40);
		assert_int_equal(p->in.box[slot]->limit - p->out.ports[slot].sent, 600);
	}
	pair_free(p);
}

/* ---- Owners that change ----------------------------------------------------------- */

static void test_refused(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t slot;

	(void)state;
	assert_int_equal(send_port(p, 5, 10), -ECONNREFUSED);
	slot = open_port(p, 5, 1000, 0);
	assert_int_equal(send_port(p, 5, 10), 0);
	assert_int_equal(send_port(p, 6, 10), -ECONNREFUSED);
	assert_int_equal(famez_port_check(&p->ports, 5, 0), -EADDRINUSE);
	assert_int_equal(read_port(p, slot), 10);
	close_port(p, slot);
	/* all was read: nothing is lost */
	assert_int_equal(send_port(p, 5, 10), -ECONNREFUSED);
	pair_free(p);
}

/* What was unread, in the ring and in the box, is discarded, counted, and told. */
static void test_closed(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t slot = open_port(p, 5, 1000, 0), next;

	(void)state;
	assert_int_equal(send_port(p, 5, 10), 0);
	drain(p);
	assert_int_equal(send_port(p, 5, 20), 0);
	close_port(p, slot);
	next = open_port(p, 5, 2000, 0);
	/* another place, so that the sender hears of the former owner's end */
	assert_int_not_equal(next, slot);
	assert_int_equal(read_port(p, next), -EAGAIN);
	assert_int_equal(p->in.discarded, 2);
	assert_int_equal(send_port(p, 5, 30), -ECONNRESET);
	assert_int_equal(send_port(p, 5, 30), 0);
	assert_int_equal(read_port(p, next), 30);
	pair_free(p);
}

/* The place is another's before its sender has looked: told, to be sure. */
static void test_place_again(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t slot = open_port(p, 5, 1000, 0), other;

	(void)state;
	assert_int_equal(send_port(p, 5, 10), 0);
	assert_int_equal(read_port(p, slot), 10);
	close_port(p, slot);
	/* 62 others, and then this one */
	do {
		other = open_port(p, 7, 3000, 0);
		close_port(p, other);
	} while (other != slot);
	other = open_port(p, 7, 3001, 0);
	while (other != slot) {
		close_port(p, other);
		other = open_port(p, 7, 3001, 0);
	}
	assert_int_equal(send_port(p, 7, 20), 0);
	assert_int_equal(send_port(p, 5, 10), -ECONNRESET);
	assert_int_equal(send_port(p, 5, 10), -ECONNREFUSED);
	assert_int_equal(read_port(p, slot), 20);
	pair_free(p);
}

/* The same port at the same place: what is in the ring is still the former owner's. */
static void test_same_place(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t slot = open_port(p, 5, 1000, 0), other;

	(void)state;
	assert_int_equal(send_port(p, 5, 10), 0);
	close_port(p, slot);
	do {
		other = open_port(p, 5, 3000, 0);
		if (other != slot)
			close_port(p, other);
	} while (other != slot);
	assert_int_equal(read_port(p, slot), -EAGAIN);
	assert_int_equal(p->in.discarded, 1);
	assert_int_equal(send_port(p, 5, 20), -ECONNRESET);
	assert_int_equal(send_port(p, 5, 20), 0);
	assert_int_equal(read_port(p, slot), 20);
	pair_free(p);
}

/* More losses than are kept: the oldest are forgotten, the others told. */
static void test_many_losses(void **state)
{
	struct pair *p = pair_new(4096, 77);
	uint32_t slots[FAMEZ_OUT_LOST + 1], i;

	(void)state;
	for (i = 0; i <= FAMEZ_OUT_LOST; i++) {
		slots[i] = open_port(p, 100 + i, 1000 + i, 0);
		assert_int_equal(send_port(p, 100 + i, 10), 0);
	}
	for (i = 0; i <= FAMEZ_OUT_LOST; i++) {
		close_port(p, slots[i]);
		famez_out_sweep(&p->out);
	}
	assert_int_equal(send_port(p, 100, 10), -ECONNREFUSED);
	for (i = 1; i <= FAMEZ_OUT_LOST; i++) {
		assert_int_equal(send_port(p, 100 + i, 10), -ECONNRESET);
		assert_int_equal(send_port(p, 100 + i, 10), -ECONNREFUSED);
	}
	pair_free(p);
}

static void test_all_places(void **state)
{
	struct pair *p = pair_new(512, 77);
	uint32_t i;

	(void)state;
	for (i = 1; i < FAMEZ_GRANTS; i++)
		open_port(p, i, i, 0);
	assert_int_equal(famez_port_place(&p->ports), -ENOSPC);
	for (i = 1; i < FAMEZ_GRANTS; i++)
		assert_int_equal(send_port(p, i, 0), i < 22 ? 0 : -EAGAIN);
	close_port(p, 30);
	assert_int_equal(famez_port_place(&p->ports), 30);
	assert_int_equal(famez_port_check(&p->ports, 0, 0), FAMEZ_PORT_ANY_MIN);
	pair_free(p);
}

/* A sender that is another: none of the former's mail counts against its grant. */
static void test_sender_restarts(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t slot = open_port(p, 5, 1000, 0);
	int n = fill(p, 5, 40), i;

	(void)state;
	assert_true(famez_out_pair(&p->out, 78, 8));
	assert_true(famez_inbox_pair(&p->in, 8, 78));
	assert_int_equal(fill(p, 5, 40), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(read_port(p, slot), 40);
	assert_int_equal(fill(p, 5, 40), n);
	for (i = 0; i < n; i++)
		assert_int_equal(read_port(p, slot), 40);
	assert_int_equal(p->in.box[slot]->stale, 0);
	pair_free(p);
}

/* ---- Garbage ------------------------------------------------------------------------ */

static uint32_t random_word(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

/*
 * Any word of the grants, of the asks, and of the label of a record.  Nothing is
 * read or written outside (the sanitizers see to that), and after a refresh an
 * honest pair goes on.
 */
static void test_garbage(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint32_t a = open_port(p, 5, 1000, 0), i, j;
	uint64_t seed = 99;

	(void)state;
	open_port(p, 6, 2000, 0);
	for (i = 0; i < 20000; i++) {
		uint32_t *words = (uint32_t *)p->channel;
		uint32_t count = (sizeof(*p->channel) + 1024) / 4;

		send_port(p, 5, 10);
		send_port(p, 6, 10);
		for (j = 0; j < 3; j++) {
			uint32_t at = random_word(&seed) % count;

			words[at] = i % 2 ? random_word(&seed) :
					    words[at] + 1;
		}
		for (j = 0; j < 7; j++) {
			send_port(p, 5 + j % 2, random_word(&seed) % 100);
			read_port(p, j % 3);
		}
		famez_out_sweep(&p->out);
		famez_inbox_refresh(&p->in);
		famez_out_refresh(&p->out);
		drain(p);
		for (j = 0; j < 3; j++)
			while (read_port(p, j) >= 0)
				;
	}
	assert_true(famez_out_pair(&p->out, 79, 8));
	assert_true(famez_inbox_pair(&p->in, 8, 79));
	for (j = 0; j < 3; j++)
		while (read_port(p, j) >= 0)
			;
	for (i = 0; i < 1000; i++) {
		assert_int_equal(send_port(p, 5, 40), 0);
		assert_int_equal(read_port(p, a), 40);
	}
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_want),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_flags_forgotten),
		cmocka_unit_test(test_message_max),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_place_again),
		cmocka_unit_test(test_same_place),
		cmocka_unit_test(test_many_losses),
		cmocka_unit_test(test_all_places),
		cmocka_unit_test(test_sender_restarts),
		cmocka_unit_test(test_garbage),
	};

	return RUN_PLAN("grants", tests);
}
