// SPDX-License-Identifier: GPL-2.0
/*
 * The ring by itself: two threads, random lengths, indexes that wrap, and every
 * kind of garbage in what the other side can write.
 *
 * Usage: test-ring [records]
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "plan.h"
#include <famez/ring.h>

static unsigned long records = 1000000;

/* ---- A channel in plain memory ------------------------------------------ */

struct pair {
	struct famez_channel *channel;
	struct famez_tx tx;
	struct famez_rx rx;
	sem_t to_rx, to_tx;	/* the doorbells */
	unsigned long rings;
	uint64_t seed;
	char error[128];	/* the receiver's finding */
};

static struct pair *pair_new(uint32_t size, uint32_t generation)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->channel = aligned_alloc(64, sizeof(*p->channel) + size);
	memset(p->channel, 0x5a, sizeof(*p->channel) + size);
	p->tx = (struct famez_tx){
		.mine = &p->channel->tx, .theirs = &p->channel->rx,
		.data = p->channel->data, .size = size,
	};
	p->rx = (struct famez_rx){
		.mine = &p->channel->rx, .theirs = &p->channel->tx,
		.data = p->channel->data, .size = size,
	};
	assert_true(famez_tx_pair(&p->tx, generation, 8));
	assert_true(famez_rx_pair(&p->rx, 8, generation, 2 * size));
	sem_init(&p->to_rx, 0, 0);
	sem_init(&p->to_tx, 0, 0);
	p->seed = generation;
	return p;
}

static void pair_free(struct pair *p)
{
	free(p->channel);
	free(p);
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
	int err = famez_tx_reserve(&p->tx, length, &payload);

	if (err)
		return err;
	if (!famez_tx_granted(&p->tx, length))
		return -EAGAIN;
	for (i = 0; i < length; i++)
		payload[i] = value >> (i % 8 * 8);
	famez_tx_commit(&p->tx, FAMEZ_TYPE_DATA, length);
	if (famez_tx_must_ring(&p->tx)) {
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
		uint32_t length = random_length(&seed, p->tx.size);
		uint64_t value = random_next(&seed);

		while (try_send(p, length, value)) {
			if (famez_tx_wait(&p->tx, FAMEZ_TYPE_DATA, length))
				sem_post(&p->to_rx);
			if (!try_send(p, length, value))
				break;
			sem_wait(&p->to_tx);
		}
		famez_tx_unwait(&p->tx);
	}
	return NULL;
}

static bool check(struct pair *p, const struct famez_message *m,
		  unsigned long n, uint64_t *seed)
{
	uint32_t length = random_length(seed, p->rx.size);
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

static void *receiver(void *argument)
{
	struct pair *p = argument;
	struct famez_message m;
	uint64_t seed = p->seed;
	unsigned long n;

	for (n = 0; n < records; n++) {
		int err;

		while ((err = famez_rx_peek(&p->rx, &m)) == -EAGAIN) {
			famez_rx_arm(&p->rx);
			err = famez_rx_peek(&p->rx, &m);
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
		famez_rx_consume(&p->rx, &m);
		famez_rx_grant(&p->rx, m.sent);
		if (famez_rx_must_ring(&p->rx))
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
	assert_true(p->tx.head == p->rx.tail);
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
	assert_true(p->tx.head == 0xfffff000);
	pair_free(p);
	two_threads(16384, 0xfffff000 - 8);
}

/* ---- What the algorithm promises, step by step ---------------------------- */

static void put(struct pair *p, uint32_t length)
{
	uint8_t *payload = NULL;

	assert_int_equal(famez_tx_reserve(&p->tx, length, &payload), 0);
	memset(payload, 0xa5, length);
	famez_tx_commit(&p->tx, FAMEZ_TYPE_DATA, length);
}

static void get(struct pair *p, uint32_t length)
{
	struct famez_message m;

	assert_int_equal(famez_rx_peek(&p->rx, &m), 0);
	assert_int_equal(m.length, length);
	famez_rx_consume(&p->rx, &m);
	famez_rx_grant(&p->rx, m.sent);
}

/* one ring for the first message, none until the receiver arms again */
static void test_doorbells(void **state)
{
	struct pair *p = pair_new(4096, 77);
	struct famez_message m;

	(void)state;
	put(p, 10);
	assert_true(famez_tx_must_ring(&p->tx));
	put(p, 10);
	assert_false(famez_tx_must_ring(&p->tx));
	get(p, 10);
	put(p, 10);
	assert_false(famez_tx_must_ring(&p->tx));
	get(p, 10);
	get(p, 10);
	assert_int_equal(famez_rx_peek(&p->rx, &m), -EAGAIN);
	put(p, 10);
	assert_false(famez_tx_must_ring(&p->tx));
	get(p, 10);
	famez_rx_arm(&p->rx);
	put(p, 10);
	assert_true(famez_tx_must_ring(&p->tx));
	pair_free(p);
}

/* a sender asleep on a full ring is rung once, when its message has room */
static void test_room(void **state)
{
	struct pair *p = pair_new(1024, 77);
	uint8_t *payload = NULL;
	int n = 0, rings = 0;

	(void)state;
	while (!famez_tx_reserve(&p->tx, 100, &payload)) {
		put(p, 100);
		n++;
	}
	assert_in_range(n, 7, 8);
	assert_int_equal(famez_tx_reserve(&p->tx, 400, &payload), -EAGAIN);
	famez_tx_wait(&p->tx, FAMEZ_TYPE_DATA, 400);
	while (n--) {
		bool room;

		get(p, 100);
		room = !famez_tx_reserve(&p->tx, 400, &payload);
		if (famez_rx_must_ring(&p->rx)) {
			assert_true(room);
			rings++;
		} else {
			assert_true(!room || rings);
		}
	}
	assert_int_equal(rings, 1);
	famez_tx_unwait(&p->tx);
	put(p, 400);
	get(p, 400);
	assert_false(famez_rx_must_ring(&p->rx));
	pair_free(p);
}

/* no more than the window is ever granted, whatever is drained */
static void test_grant(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;
	uint32_t sent = 0;

	(void)state;
	while (famez_tx_granted(&p->tx, 40)) {
		put(p, 40);
		sent += famez_record_size(40);
		assert_int_equal(famez_rx_peek(&p->rx, &m), 0);
		famez_rx_consume(&p->rx, &m);	/* drained, not read */
	}
	assert_int_equal(sent, 2048);
	/* nothing is in the ring, so the receiver is asked aloud */
	assert_true(famez_tx_wait(&p->tx, FAMEZ_TYPE_DATA, 40));
	assert_false(famez_rx_must_ring(&p->rx));
	famez_rx_grant(&p->rx, m.sent - 1024);
	assert_true(famez_tx_granted(&p->tx, 40));
	assert_true(famez_rx_must_ring(&p->rx));
	pair_free(p);
}

/* a ping does not wait for a program to read */
static void test_ping_needs_no_grant(void **state)
{
	struct pair *p = pair_new(1024, 99);
	uint8_t *payload = NULL;

	(void)state;
	while (!famez_tx_reserve(&p->tx, 40, &payload))
		put(p, 40);
	p->tx.sent = p->rx.limit;	/* and the window is used up */
	assert_false(famez_tx_granted(&p->tx, 40));
	assert_true(famez_tx_wait(&p->tx, FAMEZ_TYPE_PING, 40));
	assert_true(famez_rx_drain_wanted(&p->rx));
	get(p, 40);
	get(p, 40);
	assert_true(famez_rx_must_ring(&p->rx));
	pair_free(p);
}

static void test_too_long(void **state)
{
	struct pair *p = pair_new(1024, 99);
	uint8_t *payload = NULL;

	(void)state;
	assert_int_equal(famez_ring_longest(1024), 488);
	assert_int_equal(famez_tx_reserve(&p->tx, 489, &payload), -EMSGSIZE);
	assert_int_equal(famez_tx_reserve(&p->tx, 0xffffffff, &payload),
			 -EMSGSIZE);
	assert_int_equal(famez_tx_reserve(&p->tx, 488, &payload), 0);
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
	assert_true(famez_rx_pair(&p->rx, 9, 99, 2048));
	assert_false(famez_tx_ready(&p->tx));
	assert_int_equal(famez_rx_peek(&p->rx, &m), -EAGAIN);
	/* until the sender has followed */
	assert_true(famez_tx_pair(&p->tx, 99, 9));
	assert_true(famez_tx_ready(&p->tx));
	assert_int_equal(famez_rx_peek(&p->rx, &m), -EAGAIN);
	put(p, 50);
	get(p, 50);
	assert_false(famez_tx_pair(&p->tx, 99, 9));
	pair_free(p);
}

static void test_newborn_sender(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;

	(void)state;
	put(p, 40);
	assert_int_equal(famez_rx_peek(&p->rx, &m), 0);
	assert_true(famez_tx_pair(&p->tx, 100, 8));
	assert_false(famez_tx_ready(&p->tx));
	assert_int_equal(famez_rx_peek(&p->rx, &m), -EAGAIN);
	assert_true(famez_rx_pair(&p->rx, 8, 100, 2048));
	assert_true(famez_tx_ready(&p->tx));
	put(p, 50);
	get(p, 50);
	/* and down */
	assert_true(famez_tx_pair(&p->tx, 100, 0));
	assert_false(famez_tx_ready(&p->tx));
	assert_int_equal(famez_rx_peek(&p->rx, &m), -EAGAIN);
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
			int err = famez_rx_peek(&p->rx, &m);

			if (err == -EBADMSG)
				famez_rx_resync(&p->rx);
			if (err)
				break;
			assert_true(m.payload >= p->channel->data);
			assert_true(m.payload + m.length <=
				    p->channel->data + 1024);
			famez_rx_consume(&p->rx, &m);
			famez_rx_grant(&p->rx, m.sent);
		}
		/* a lying header may be short, so many may stand in a ring */
		assert_true(i <= 1024 / FAMEZ_RECORD_HEADER);
		famez_rx_must_ring(&p->rx);
		famez_rx_regrant(&p->rx);
		if (!famez_tx_reserve(&p->tx, 488, &payload))
			memset(payload, 0, 488);
		famez_tx_wait(&p->tx, FAMEZ_TYPE_DATA, 488);
		pair_free(p);
	}
}

/* After the garbage has stopped, messages pass again. */
static void test_recovery(void **state)
{
	static const uint32_t heads[] = { 1, 0x80000000, 1032, 7, 0xfffffff8 };
	struct famez_message m;
	uint8_t *payload = NULL;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct pair *p = pair_new(1024, 99);
		int tries;

		put(p, 40);
		famez_store(&p->channel->tx.head, p->tx.head + heads[i]);
		if (famez_rx_peek(&p->rx, &m) == -EBADMSG)
			famez_rx_resync(&p->rx);
		/* the sender may see a full ring, and asks; that mends it */
		for (tries = 0; tries < 3; tries++) {
			if (!famez_tx_reserve(&p->tx, 48, &payload))
				break;
			assert_true(famez_tx_wait(&p->tx, FAMEZ_TYPE_DATA,
						  48));
			if (famez_rx_peek(&p->rx, &m) == -EBADMSG)
				famez_rx_resync(&p->rx);
		}
		put(p, 48);
		while (famez_rx_peek(&p->rx, &m) == -EBADMSG) {
			famez_rx_resync(&p->rx);
			put(p, 48);
		}
		while (!famez_rx_peek(&p->rx, &m) && m.length != 48)
			famez_rx_consume(&p->rx, &m);
		get(p, 48);
		put(p, 56);
		get(p, 56);
		pair_free(p);
	}
}

/* A spoilt record costs what the ring held, and the window heals. */
static void test_window_heals(void **state)
{
	struct pair *p = pair_new(1024, 99);
	struct famez_message m;
	int round;

	(void)state;
	for (round = 0; round < 50; round++) {
		while (famez_tx_granted(&p->tx, 100) &&
		       p->tx.head - p->rx.tail < 512)
			put(p, 100);
		memset(p->channel->data, 0xff, 1024);
		assert_int_equal(famez_rx_peek(&p->rx, &m), -EBADMSG);
		famez_rx_resync(&p->rx);
		if (!famez_tx_granted(&p->tx, 100)) {
			assert_true(famez_tx_wait(&p->tx, FAMEZ_TYPE_DATA,
						  100));
			assert_true(famez_rx_regrant(&p->rx));
		}
		put(p, 100);
		get(p, 100);
	}
	pair_free(p);
}

static void test_regrant_only_when_asked(void **state)
{
	struct pair *p = pair_new(1024, 99);

	(void)state;
	assert_false(famez_rx_regrant(&p->rx));
	put(p, 40);
	get(p, 40);
	assert_false(famez_rx_regrant(&p->rx));
	famez_tx_wait(&p->tx, FAMEZ_TYPE_DATA, 40);
	assert_false(famez_rx_regrant(&p->rx));
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
		cmocka_unit_test(test_grant),
		cmocka_unit_test(test_ping_needs_no_grant),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_newborn_receiver),
		cmocka_unit_test(test_newborn_sender),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_window_heals),
		cmocka_unit_test(test_regrant_only_when_asked),
		cmocka_unit_test(test_threads_smallest),
		cmocka_unit_test(test_threads_wrap),
	};

	if (argc > 1)
		records = strtoul(argv[1], NULL, 0);
	alarm(1800);	/* a lost wake-up hangs */
	return RUN_PLAN("ring", tests);
}
