// SPDX-License-Identifier: GPL-2.0
/*
 * The ring by itself: two threads, random lengths, indexes that wrap, and every
 * kind of garbage in what the other side can write.
 *
 * Usage: test-ring [records]
 */
#include <pthread.h>
#include <unistd.h>

#include "pair.h"

static unsigned long records = 1000000;

static void unwait(struct pair *p)
{
	famez_out_unwait(&p->out, 0);
	famez_tx_unwait(&p->out.tx);
}

/* xorshift: both threads know what comes next */
static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint32_t random_length(uint64_t *seed, uint32_t size)
{
	uint32_t longest = famez_ring_longest(size);
	uint64_t r = random_next(seed);

	/* mostly short, at times the longest there can be */
	if (r % 64 == 0)
		return longest;
	return (r >> 8) % (r % 4 ? 64 : longest + 1);
}

/* ---- Two threads ---------------------------------------------------------- */

static int try_send(struct pair *p, uint32_t length, uint64_t value)
{
	uint8_t *payload = NULL;
	uint32_t i;
	int err = famez_tx_reserve(&p->out.tx, length, &payload);

	if (err)
		return err;
	if (!famez_out_granted(&p->out, 0, length))
		return -EAGAIN;
	for (i = 0; i < length; i++)
		payload[i] = value >> (i % 8 * 8);
	famez_out_commit(&p->out, FAMEZ_TYPE_DATA, 0, 0, length);
	if (famez_tx_must_ring(&p->out.tx)) {
		p->rings++;
		sem_post(&p->to_rx);
	}
	return 0;
}

static void *sender(void *argument)
{
	struct pair *p = argument;
	uint64_t seed = p->seed;
	unsigned long n;

	for (n = 0; n < records; n++) {
		uint32_t length = random_length(&seed, p->out.tx.size);
		uint64_t value = random_next(&seed);

		while (try_send(p, length, value)) {
			if (famez_out_wait(&p->out, 0, length))
				sem_post(&p->to_rx);
			if (!try_send(p, length, value))
				break;
			sem_wait(&p->to_tx);
		}
		unwait(p);
	}
	return NULL;
}

static bool check(struct pair *p, const struct famez_message *m,
		  unsigned long n, uint64_t *seed)
{
	uint32_t length = random_length(seed, p->in.rx.size);
	uint64_t value = random_next(seed);
	uint32_t i;

	if (m->length != length) {
		snprintf(p->error, sizeof(p->error),
			 "record %lu has %u bytes, not %u", n, m->length,
			 length);
		return false;
	}
	for (i = 0; i < length; i++) {
		if (m->payload[i] == (uint8_t)(value >> (i % 8 * 8)))
			continue;
		snprintf(p->error, sizeof(p->error),
			 "record %lu is wrong at byte %u", n, i);
		return false;
	}
	return true;
}

/* The next message: from the buffer, or from the ring; drains when asked. */
static int next_message(struct pair *p, struct famez_message *m)
{
	uint32_t before = p->in.rx.tail;
	int err;

	famez_inbox_begin(&p->in);
	if (famez_inbox_drain_wanted(&p->in)) {
		while (!famez_inbox_peek_ring(&p->in, m) &&
		       famez_inbox_stash(&p->in, m))
			;
		famez_inbox_drained(&p->in, before);
	}
	err = peek_port(p, 0, m);
	if (famez_inbox_must_ring(&p->in))
		sem_post(&p->to_tx);
	return err;
}

static void *receiver(void *argument)
{
	struct pair *p = argument;
	struct famez_message m;
	uint64_t seed = p->seed;
	unsigned long n;

	for (n = 0; n < records; n++) {
		int err;

		while ((err = next_message(p, &m)) == -EAGAIN) {
			famez_inbox_arm(&p->in);
			err = next_message(p, &m);
			if (err != -EAGAIN)
				break;
			sem_wait(&p->to_rx);
		}
		if (err) {
			snprintf(p->error, sizeof(p->error),
				 "record %lu: error %d", n, err);
			break;
		}
		if (!check(p, &m, n, &seed))
			break;
		famez_inbox_read(&p->in, &m);
		if (famez_inbox_must_ring(&p->in))
			sem_post(&p->to_tx);
	}
	/* the sender would wait for ever for a receiver that gave up */
	if (p->error[0]) {
		fprintf(stderr, "test-ring: %s\n", p->error);
		_exit(1);
	}
	return NULL;
}

static void two_threads(uint32_t size, uint32_t generation)
{
	struct pair *p = pair_new(size, generation);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, receiver, p), 0);
	sender(p);
	pthread_join(thread, NULL);
	assert_string_equal(p->error, "");
	assert_true(p->out.tx.head == p->in.rx.tail);
	printf("ring of %u: %lu records, %lu doorbells\n", size, records,
	       p->rings);
	pair_free(p);
}

static void test_threads_smallest(void **state)
{
	(void)state;
	two_threads(FAMEZ_RING_MIN, 12345);
}

/* the index passes 2^32 within the first records, and again later */
static void test_threads_wrap(void **state)
{
	struct pair *p = pair_new(16384, 0xfffff000 - 8);

	(void)state;
	assert_true(p->out.tx.head == 0xfffff000);
	pair_free(p);
	two_threads(16384, 0xfffff000 - 8);
}

/* ---- What the algorithm promises, step by step ---------------------------- */

static void put_type(struct pair *p, uint16_t type, uint32_t length)
{
	uint8_t *payload = NULL;

	assert_int_equal(famez_tx_reserve(&p->out.tx, length, &payload), 0);
	memset(payload, 0xa5, length);
	famez_out_commit(&p->out, type, 0, 0, length);
}

static void put(struct pair *p, uint32_t length)
{
	put_type(p, FAMEZ_TYPE_DATA, length);
}

static int look(struct pair *p, struct famez_message *m)
{
	famez_inbox_begin(&p->in);
	return peek_port(p, 0, m);
}

static void get(struct pair *p, uint32_t length)
{
	struct famez_message m;

	assert_int_equal(look(p, &m), 0);
	assert_int_equal(m.length, length);
	famez_inbox_read(&p->in, &m);
}

/* What the driver does for a sender that asks; true when that is rung. */
static bool drain(struct pair *p)
{
	uint32_t before = p->in.rx.tail;
	struct famez_message m;
	int err;

	famez_inbox_begin(&p->in);
	if (!famez_inbox_drain_wanted(&p->in))
		return false;
	do {
		err = famez_inbox_peek_ring(&p->in, &m);
		if (err == 1)
			famez_inbox_skip(&p->in, &m);
	} while (err == 1 || (!err && famez_inbox_stash(&p->in, &m)));
	famez_inbox_drained(&p->in, before);
	return famez_inbox_must_ring(&p->in);
}

/* one ring for the first message, none until the receiver arms again */
static void test_doorbells(void **state)
{
	struct pair *p = pair_new(4096, 77);
	struct famez_message m;

	(void)state;
	put(p, 10);
	assert_true(famez_tx_must_ring(&p->out.tx));
	put(p, 10);
	assert_false(famez_tx_must_ring(&p->out.tx));
	get(p, 10);
	put(p, 10);
	assert_false(famez_tx_must_ring(&p->out.tx));
	get(p, 10);
	get(p, 10);
	assert_int_equal(look(p, &m), -EAGAIN);
	put(p, 10);
	assert_false(famez_tx_must_ring(&p->out.tx));
	get(p, 10);
	famez_inbox_arm(&p->in);
	put(p, 10);
	assert_true(famez_tx_must_ring(&p->out.tx));
	assert_false(famez_inbox_must_ring(&p->in));
	pair_free(p);
}

/* a sender asleep on a full ring is rung once, when its message has room */
static void test_room(void **state)
{
	struct pair *p = pair_new(1024, 77);
	int n = 0, rings = 0;
	uint8_t *payload;

	(void)state;
	while (!famez_tx_reserve(&p->out.tx, 100, &payload)) {
		put(p, 100);
		n++;
	}
	assert_in_range(n, 7, 8);
	assert_int_equal(famez_tx_reserve(&p->out.tx, 400, &payload), -EAGAIN);
	famez_out_wait(&p->out, 0, 400);
	while (n--) {
		bool room;

		get(p, 100);
		room = !famez_tx_reserve(&p->out.tx, 400, &payload);
		if (famez_inbox_must_ring(&p->in)) {
			assert_true(room);
			rings++;
		} else {
			assert_true(!room || rings);
		}
	}
	assert_int_equal(rings, 1);
	unwait(p);
	put(p, 400);
	get(p, 400);
	assert_false(famez_inbox_must_ring(&p->in));
	pair_free(p);
}

/* Fills ring and buffer; the number of messages. */
static int fill(struct pair *p, uint32_t length)
{
	uint8_t *payload;
	int n = 0;

	for (;;) {
		if (!famez_out_room(&p->out, FAMEZ_TYPE_DATA, 0, length, &payload)) {
			put(p, length);
			n++;
		} else if (!famez_out_help(&p->out, FAMEZ_TYPE_DATA, 0, length) ||
			   !drain(p)) {
			return n;
		}
	}
}

/* no more than the window is ever granted, and it is used to the end */
static void test_window(void **state)
{
	struct pair *p = pair_new(1024, 99);
	int n = fill(p, 40);

	(void)state;
	assert_int_equal(n, 2048 / famez_record_size(40));
	assert_false(famez_out_granted(&p->out, 0, 40));
	while (n--)
		get(p, 40);
	assert_int_equal(fill(p, 40), 2048 / famez_record_size(40));
	pair_free(p);
}

/* a ping does not wait for a program to read, nor for its window */
/*
 * A sender that finds the window used up, and the ring emptied, asks for help once,
 * however often it is woken: two that wait for each other would ring for ever.
 */
static void test_asks_once(void **state)
{
	struct pair *p = pair_new(1024, 99);
	int n = fill(p, 40);

	(void)state;
	if (famez_out_help(&p->out, FAMEZ_TYPE_PING, 0, 40))
		drain(p);
	assert_int_equal(p->in.rx.tail, p->out.tx.head);
	famez_out_wait(&p->out, 0, 40);
	drain(p);
	famez_inbox_must_ring(&p->in);
	assert_false(famez_out_wait(&p->out, 0, 40));
	assert_false(famez_out_help(&p->out, FAMEZ_TYPE_DATA, 0, 40));
	/* and is rung when a program has read */
	get(p, 40);
	assert_true(famez_inbox_must_ring(&p->in));
	assert_true(famez_out_granted(&p->out, 0, 40));
	while (--n)
		get(p, 40);
	pair_free(p);
}

static void test_ping_passes(void **state)
{
	struct pair *p = pair_new(1024, 99);
	uint8_t *payload;
	int n;

	(void)state;
	n = fill(p, 40);
	while (famez_out_room(&p->out, FAMEZ_TYPE_PING, 0, 40, &payload)) {
		assert_true(famez_out_help(&p->out, FAMEZ_TYPE_PING, 0, 40));
		assert_true(drain(p));
	}
	put_type(p, FAMEZ_TYPE_PING, 40);
	famez_out_drain(&p->out, 0);
	assert_true(drain(p));
	assert_true(p->in.rx.tail == p->out.tx.head);
	while (n--)
		get(p, 40);
	pair_free(p);
}

/* who asks for help is rung, even where there is nothing left to do */
static void test_help_is_answered(void **state)
{
	struct pair *p = pair_new(1024, 99);
	uint8_t *payload;
	int n = 0;

	(void)state;
	while (!famez_tx_reserve(&p->out.tx, 40, &payload)) {
		put(p, 40);
		n++;
	}
	assert_true(famez_out_help(&p->out, FAMEZ_TYPE_PING, 0, 40));
	while (n--)
		get(p, 40);
	famez_inbox_must_ring(&p->in);
	assert_true(drain(p));
	/* but once for each time: no two honest peers ring for ever */
	assert_false(drain(p));
	pair_free(p);
}

/* a sender that sleeps for room behind a record of the driver's is rung */
static void test_control_makes_room(void **state)
{
	struct pair *p = pair_new(1024, 77);
	struct famez_message m;
	uint8_t *payload;
	int rings = 0;

	(void)state;
	put(p, 400);
	put_type(p, FAMEZ_TYPE_PONG, 64);
	assert_int_equal(famez_tx_reserve(&p->out.tx, 488, &payload), -EAGAIN);
	famez_out_wait(&p->out, 0, 488);
	p->in.rx.drained = p->out.tx.drain;	/* and no help is under way */
	get(p, 400);
	rings += famez_inbox_must_ring(&p->in);
	assert_int_equal(look(p, &m), 1);
	famez_inbox_skip(&p->in, &m);
	rings += famez_inbox_must_ring(&p->in);
	assert_int_equal(famez_tx_reserve(&p->out.tx, 488, &payload), 0);
	assert_int_equal(rings, 1);
	pair_free(p);
}

/* a sender that never stops does not keep its receiver for ever */
static void test_budget(void **state)
{
	struct pair *p = pair_new(1024, 77);
	struct famez_message m;
	int n = 0;

	(void)state;
	famez_inbox_begin(&p->in);
	put_type(p, FAMEZ_TYPE_PONG, 8);
	while (famez_inbox_peek_ring(&p->in, &m) == 1) {
		famez_inbox_skip(&p->in, &m);
		put_type(p, FAMEZ_TYPE_PONG, 8);
		n++;
	}
	assert_int_equal(famez_inbox_peek_ring(&p->in, &m), -EBUSY);
	assert_in_range(n, 16, 32);
	famez_inbox_begin(&p->in);
	assert_int_equal(famez_inbox_peek_ring(&p->in, &m), 1);
	pair_free(p);
}

static void test_too_long(void **state)
{
	struct pair *p = pair_new(1024, 99);
	uint8_t *payload = NULL;

	(void)state;
	assert_int_equal(famez_ring_longest(1024), 488);
	assert_int_equal(famez_tx_reserve(&p->out.tx, 489, &payload), -EMSGSIZE);
	assert_int_equal(famez_tx_reserve(&p->out.tx, 0xffffffff, &payload),
			 -EMSGSIZE);
	assert_int_equal(famez_tx_reserve(&p->out.tx, 488, &payload), 0);
	pair_free(p);
}

/* ---- Generations ---------------------------------------------------------- */

static void test_newborn_receiver(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;

	(void)state;
	put(p, 40);
	/* the receiver starts anew: nothing of the old is read */
	assert_true(famez_inbox_pair(&p->in, 9, 99));
	assert_false(famez_tx_ready(&p->out.tx));
	assert_int_equal(look(p, &m), -EAGAIN);
	/* until the sender has followed */
	assert_true(famez_out_pair(&p->out, 99, 9));
	assert_true(famez_tx_ready(&p->out.tx));
	assert_int_equal(look(p, &m), -EAGAIN);
	put(p, 50);
	get(p, 50);
	assert_false(famez_out_pair(&p->out, 99, 9));
	pair_free(p);
}

static void reserved_is_zero(const struct pair *p)
{
	static const uint8_t zero[64];
	const struct famez_channel *c = p->channel;

	assert_memory_equal(c->tx.reserved0, zero, sizeof(c->tx.reserved0));
	assert_memory_equal(c->tx.reserved1, zero, sizeof(c->tx.reserved1));
	assert_memory_equal(c->rx.reserved0, zero, sizeof(c->rx.reserved0));
	assert_memory_equal(c->rx.reserved1, zero, sizeof(c->rx.reserved1));
}

/* What a later version has left in the halves does not outlive its pair. */
static void test_reserved(void **state)
{
	struct pair *p = pair_new(1024, 99);

	(void)state;
	reserved_is_zero(p);
	memset(p->channel, 0xff, sizeof(*p->channel));
	assert_true(famez_out_pair(&p->out, 200, 8));
	assert_true(famez_inbox_pair(&p->in, 8, 200));
	reserved_is_zero(p);
	put(p, 40);
	get(p, 40);
	pair_free(p);
}

static void test_newborn_sender(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;

	(void)state;
	put(p, 40);
	assert_int_equal(look(p, &m), 0);
	put(p, 60);
	assert_true(famez_out_pair(&p->out, 200, 8));
	assert_false(famez_tx_ready(&p->out.tx));
	/* what was known of the former sender's is there, and nothing else */
	get(p, 40);
	assert_int_equal(look(p, &m), -EAGAIN);
	assert_true(famez_inbox_pair(&p->in, 8, 200));
	assert_true(famez_tx_ready(&p->out.tx));
	assert_int_equal(look(p, &m), -EAGAIN);
	put(p, 50);
	get(p, 50);
	/* and down */
	assert_true(famez_out_pair(&p->out, 200, 0));
	assert_false(famez_tx_ready(&p->out.tx));
	assert_int_equal(look(p, &m), -EAGAIN);
	pair_free(p);
}

/* The buffer keeps what former senders sent, and never overflows for it. */
static void test_leftovers(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;
	uint32_t life;
	int n[6];

	(void)state;
	for (life = 0; life < 6; life++) {
		n[life] = fill(p, 100);
		famez_out_drain(&p->out, 0);
		drain(p);
		/* what was granted found room */
		assert_true(p->in.rx.tail == p->out.tx.head);
		assert_true(famez_out_pair(&p->out, 100 + life, 8));
		assert_true(famez_inbox_pair(&p->in, 8, 100 + life));
	}
	assert_in_range(n[0], 14, 16);
	assert_int_equal(n[1], 0);
	while (n[0]--)
		get(p, 100);
	/* its whole window is the present sender's again */
	assert_int_equal(look(p, &m), -EAGAIN);
	assert_int_equal(p->in.box[0]->stale, 0);
	assert_int_equal(p->in.box[0]->window, 2048);
	assert_in_range(fill(p, 100), 14, 16);
	pair_free(p);
}

/* nothing in the buffer grows old by the bytes that pass through it */
static void test_long_life(void **state)
{
	struct pair *p = pair_new(FAMEZ_RING_MAX, 99);
	uint32_t longest = famez_ring_longest(FAMEZ_RING_MAX);
	uint64_t bytes;

	(void)state;
	for (bytes = 0; bytes < 5ULL << 30; bytes += longest) {
		uint8_t *payload;

		assert_int_equal(famez_out_room(&p->out, FAMEZ_TYPE_DATA, 0,
						longest, &payload), 0);
		famez_out_commit(&p->out, FAMEZ_TYPE_DATA, 0, 0, longest);
		famez_out_drain(&p->out, 0);
		assert_true(drain(p));
		get(p, longest);
	}
	pair_free(p);
}

/* ---- Garbage --------------------------------------------------------------- */

/* Whatever the halves and the ring hold: no loop, no byte outside, no crash. */
static void test_garbage(void **state)
{
	uint64_t seed = 4711;
	unsigned int round, i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		struct pair *p = pair_new(1024, 99);
		uint32_t *words = (uint32_t *)p->channel;
		size_t n = (sizeof(*p->channel) + 1024) / 4;
		struct famez_message m;
		uint8_t *payload;
		uint32_t at;

		for (i = 0; i < round % 8; i++)
			put(p, 40);
		for (i = 0; i < 1 + round % 16; i++) {
			at = random_next(&seed) % (round % 2 ? 64 : n);
			words[at] = round % 3 ? random_next(&seed) :
				random_next(&seed) % 4096;
		}
		for (i = 0; i < 100; i++) {
			int err;

			drain(p);
			err = look(p, &m);
			if (err && err != 1)
				break;
			assert_true(m.length <= 1024);
			if (!m.boxed) {
				assert_true(m.payload >= p->channel->data);
				assert_true(m.payload + m.length <=
					    p->channel->data + 1024);
			}
			if (err)
				famez_inbox_skip(&p->in, &m);
			else
				famez_inbox_read(&p->in, &m);
		}
		/* a lying header may be short, so many may stand in a ring */
		assert_true(i <= 2 * 1024 / FAMEZ_RECORD_HEADER);
		if (!famez_tx_reserve(&p->out.tx, 488, &payload))
			memset(payload, 0, 488);
		famez_out_wait(&p->out, 0, 488);
		pair_free(p);
	}
}

/* Each of these is found, and nothing is read for it. */
/* A limit behind what was sent, or far in front of it, grants nothing. */
static void test_bad_limits(void **state)
{
	struct pair *p = pair_new(1024, 99);
	__le32 *limit = &p->channel->rx.grants[0].limit;

	(void)state;
	assert_true(famez_out_granted(&p->out, 0, 40));
	famez_store(limit, p->out.ports[0].sent - 8);
	assert_false(famez_out_granted(&p->out, 0, 40));
	famez_store(limit, p->out.ports[0].sent - 0x40000000);
	assert_false(famez_out_granted(&p->out, 0, 40));
	famez_store(limit, p->out.ports[0].sent + famez_record_size(40) - 1);
	assert_false(famez_out_granted(&p->out, 0, 40));
	famez_store(limit, p->out.ports[0].sent + famez_record_size(40));
	assert_true(famez_out_granted(&p->out, 0, 40));
	pair_free(p);
}

static void test_bad_numbers(void **state)
{
	static const uint32_t lengths[] = {
		41 + 1000, 0x7fffffff, 0x80000000, 0xffffffe0, 0xffffffe8,
		0xfffffff0, 0xfffffff8, 0xffffffff
	};
	static const uint32_t heads[] = { 1024, 1032, 0x80000000 };
	struct famez_message m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct pair *p = pair_new(1024, 99);
		uint32_t at = p->out.tx.head & 1023;

		put(p, 40);
		famez_store((__le32 *)(p->channel->data + at), lengths[i]);
		assert_int_equal(famez_rx_peek(&p->in.rx, &m), -EBADMSG);
		pair_free(p);
	}
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct pair *p = pair_new(1024, 99);

		put(p, 40);
		famez_store(&p->channel->tx.head, p->out.tx.head + heads[i]);
		assert_int_equal(famez_rx_peek(&p->in.rx, &m), -EBADMSG);
		pair_free(p);
	}
}

/* A head where no record ends, which stays, is no more work than one where one does. */
static void test_unaligned_head(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;
	uint32_t bits;

	(void)state;
	for (bits = 1; bits < 8; bits++) {
		put(p, 40);
		famez_store(&p->channel->tx.head, p->out.tx.head | bits);
		get(p, 40);
		assert_int_equal(look(p, &m), -EAGAIN);
		assert_int_equal(p->in.garbage, 0);
		/* nor behind garbage */
		put(p, 40);
		memset(p->channel->data, 0xff, 1024);
		famez_store(&p->channel->tx.head, p->out.tx.head | bits);
		assert_int_equal(look(p, &m), -EBUSY);
		assert_int_equal(look(p, &m), -EAGAIN);
		p->in.garbage = 0;
	}
	pair_free(p);
}

/* A grant of a port that is not there: taken back as soon as somebody looks. */
static void test_stray_grant(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_grant *g = &p->channel->rx.grants[FAMEZ_GRANTS - 1];

	(void)state;
	famez_store(&g->port, 9);
	famez_store(&g->incarnation, 77);
	assert_true(famez_inbox_refresh(&p->in));
	assert_int_equal(famez_load(&g->port), 0);
	assert_int_equal(famez_load(&g->incarnation), 0);
	assert_false(famez_inbox_refresh(&p->in));
	pair_free(p);
}

/* Of a full ring, no tail makes room that is not the receiver's. */
static void test_bad_tails(void **state)
{
	static const uint32_t beyond[] = { 8, 1024, 0x7fffffff, 0x80000000, 0xfffffbf8 };
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;
	uint8_t *payload;
	size_t i;

	(void)state;
	while (!famez_tx_reserve(&p->out.tx, 40, &payload))
		put(p, 40);
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		famez_store(&p->channel->rx.tail, p->out.tx.head + beyond[i]);
		assert_int_equal(famez_tx_reserve(&p->out.tx, 40, &payload), -EAGAIN);
	}
	/* the room of a record is there when it is read */
	famez_store(&p->channel->rx.tail, p->in.rx.tail);
	assert_int_equal(famez_tx_reserve(&p->out.tx, 40, &payload), -EAGAIN);
	assert_int_equal(famez_rx_peek(&p->in.rx, &m), 0);
	famez_rx_consume(&p->in.rx, &m);
	assert_int_equal(famez_tx_reserve(&p->out.tx, 40, &payload), 0);
	pair_free(p);
}

/*
 * What the driver does at both ends when it is rung; a few turns of that are
 * all it takes.
 */
static void settle(struct pair *p)
{
	int i;

	for (i = 0; i < 4; i++) {
		famez_inbox_refresh(&p->in);
		famez_out_refresh(&p->out);
		drain(p);
	}
}

/* Each word of both halves spoilt, one by one: then messages pass again. */
static void test_recovery(void **state)
{
	static const uint32_t values[] = {
		0, 1, 7, 8, 1032, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff
	};
	size_t words = offsetof(struct famez_channel, data) / 4, at, v;
	struct famez_message m;
	uint8_t *payload;

	(void)state;
	for (at = 0; at < words; at++)
		for (v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			struct pair *p = pair_new(1024, 99);
			__le32 *word = (__le32 *)p->channel + at;
			int i;

			put(p, 40);
			famez_store(word, values[v]);
			if (!look(p, &m))
				famez_inbox_read(&p->in, &m);
			if (famez_out_room(&p->out, FAMEZ_TYPE_DATA, 0, 400,
					   &payload))
				famez_out_help(&p->out, FAMEZ_TYPE_DATA, 0, 400);
			settle(p);
			while (!look(p, &m))
				famez_inbox_read(&p->in, &m);
			for (i = 0; i < 50; i++) {
				put(p, 400);
				get(p, 400);
			}
			pair_free(p);
		}
}

/* A spoilt record costs what the ring held, and the window heals. */
static void test_window_heals(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;
	int round, n;

	(void)state;
	for (round = 0; round < 50; round++) {
		while (famez_out_granted(&p->out, 0, 100) &&
		       p->out.tx.head - p->in.rx.tail < 512)
			put(p, 100);
		memset(p->channel->data, 0xff, 1024);
		assert_int_equal(look(p, &m), -EBUSY);
		assert_int_equal(p->in.garbage, round + 1);
		assert_true(famez_inbox_must_ring(&p->in));
		/* also for one that never sleeps, and so leaves no events */
		if (!famez_out_granted(&p->out, 0, 100)) {
			assert_true(famez_out_help(&p->out, FAMEZ_TYPE_DATA, 0,
						   100));
			assert_true(drain(p));
		}
		put(p, 100);
		get(p, 100);
	}
	n = fill(p, 100);
	assert_in_range(n, 14, 16);
	pair_free(p);
}

/* ---- Bells ------------------------------------------------------------------ */

static void test_bells(void **state)
{
	uint8_t rung = 200, seen = 200;
	int i;

	(void)state;
	assert_false(famez_bell_take(&rung, &seen));
	/* a counter that wraps would hide the 256th */
	for (i = 0; i < 256; i++)
		famez_bell_raise(&rung, &seen);
	assert_true(famez_bell_take(&rung, &seen));
	assert_false(famez_bell_take(&rung, &seen));
}

static void test_passed(void **state)
{
	(void)state;
	assert_true(famez_passed(10, 11, 10));
	assert_false(famez_passed(10, 10, 5));
	assert_false(famez_passed(10, 12, 11));
	assert_true(famez_passed(0xffffffff, 5, 0xfffffff0));
	assert_false(famez_passed(5, 5, 0xfffffff0));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passed),
		cmocka_unit_test(test_bells),
		cmocka_unit_test(test_doorbells),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_asks_once),
		cmocka_unit_test(test_ping_passes),
		cmocka_unit_test(test_help_is_answered),
		cmocka_unit_test(test_control_makes_room),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_newborn_receiver),
		cmocka_unit_test(test_newborn_sender),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_long_life),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_bad_limits),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_unaligned_head),
		cmocka_unit_test(test_stray_grant),
		cmocka_unit_test(test_bad_tails),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_window_heals),
		cmocka_unit_test(test_threads_smallest),
		cmocka_unit_test(test_threads_wrap),
	};

	if (argc > 1)
		records = strtoul(argv[1], NULL, 0);
	alarm(1800);	/* a lost wake-up hangs */
	return RUN_PLAN("ring", tests);
}
