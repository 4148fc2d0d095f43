// SPDX-License-Identifier: GPL-2.0
/*
 * Peers of one fabric in threads, over plain memory: bells, channels, pings,
 * and peers that start anew while messages are on their way.
 *
 * Usage: test-fabric [messages]
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include <famez/ring.h>
#include "fabric-impl.h"
#include "plan.h"

#define PEERS	4	/* ids 1 to 3 */
#define RING	4096U
#define MEMORY	(1U << 20)

static unsigned long messages = 100000;
static uint8_t *memory;
static sem_t doorbell[PEERS];

/* ---- A control area ---------------------------------------------------------- */

static uint32_t place(struct famez_table *t, uint32_t at, uint32_t count,
		      uint32_t stride)
{
	t->offset = htole64(at);
	t->count = htole32(count);
	t->stride = htole32(stride);
	return (at + count * stride + 63) & ~63U;
}

static void lay_out(void)
{
	struct famez_header h = {
		.magic = htole64(FAMEZ_MAGIC), .major = htole32(FAMEZ_MAJOR),
		.minor = htole32(FAMEZ_MINOR), .header_size = htole32(sizeof(h)),
		.fabric = htole64(77), .memory_size = htole64(MEMORY),
		.fam_offset = htole64(MEMORY / 2),
		.fam_size = htole64(MEMORY / 2), .server_id = htole32(3),
		.vectors = htole32(1),
	};
	uint32_t stride = sizeof(struct famez_channel) + RING;
	uint32_t at = FAMEZ_SLOT_SIZE, from, to, n = 0, directory;

	memory = aligned_alloc(4096, MEMORY);
	memset(memory, 0, MEMORY);
	at = place(&h.peers, at, PEERS, sizeof(struct famez_peer));
	at = place(&h.bells, at, PEERS, 2 * FAMEZ_BELL_ROW(PEERS));
	directory = at;
	at = place(&h.directory, at, 6, sizeof(struct famez_direntry));
	at = place(&h.regions, at, 1, sizeof(struct famez_region));
	place(&h.channels, at, 6, stride);
	h.checksum = htole32(famez_header_checksum(&h));
	memcpy(memory + FAMEZ_HEADER_OFFSET, &h, sizeof(h));
	for (from = 1; from < PEERS; from++) {
		struct famez_peer *record = (void *)(memory +
			le64toh(h.peers.offset) + from * sizeof(*record));

		famez_store(&record->state, FAMEZ_PEER_UP);
		sem_init(&doorbell[from], 0, 0);
		for (to = 1; to < PEERS; to++) {
			struct famez_direntry e = {
				.from = htole32(from), .to = htole32(to),
				.offset = htole64(at + n * stride),
				.size = htole32(RING),
			};

			if (from == to)
				continue;
			memcpy(memory + directory + n++ * sizeof(e), &e,
			       sizeof(e));
		}
	}
}

/* ---- A sender that answers each ring by a record of padding -------------------- */

#define ANSWERS		(10 * RING)

static struct famez_channel *answering;	/* by which channel; NULL: nobody does */
static unsigned long answers;

/* It asks to be rung for room as soon as that record is taken out. */
static void answer(struct famez_channel *c)
{
	uint32_t head = famez_load(&c->tx.head);
	uint32_t left = RING - (head & (RING - 1));
	uint32_t size = left < 2 * FAMEZ_RECORD_HEADER ? left :
							 FAMEZ_RECORD_HEADER;
	struct famez_record padding = {
		.length = htole32(size - FAMEZ_RECORD_HEADER),
		.type = htole16(FAMEZ_TYPE_PAD),
	};

	/* a test that failed ends, too */
	if (answers++ == ANSWERS)
		return;
	memcpy(c->data + (head & (RING - 1)), &padding, sizeof(padding));
	famez_store(&c->tx.space_event, head + size - 1);
	famez_store(&c->tx.asks[0].want,
		    famez_load(&c->rx.grants[0].limit) - 1);
	famez_store_release(&c->tx.head, head + size);
}

static void ring(void *context, uint32_t peer, uint32_t vector)
{
	(void)context;
	(void)vector;
	sem_post(&doorbell[peer]);
	if (answering && peer == 2)
		answer(answering);
}

static void count_pong(void *context, uint32_t peer, const void *data,
		       size_t size)
{
	(void)peer;
	(void)data;
	(void)size;
	++*(unsigned long *)context;
}

static struct famez_fabric *start(uint32_t id, unsigned long *pongs)
{
	struct famez_fabric_config config = {
		.memory = memory, .size = MEMORY, .id = id,
		.kind = FAMEZ_KIND_HOST, .vectors = 1, .name = "test",
		.cclass = "test", .ring = ring, .pong = count_pong,
		.context = pongs,
	};
	struct famez_fabric *f;
	int err = famez_fabric_start(&f, &config);

	if (err) {
		fprintf(stderr, "start: %d\n", err);
		exit(1);
	}
	return f;
}

/* ---- Each to each --------------------------------------------------------------- */

struct message {
	uint32_t generation;
	uint32_t number;
	uint8_t rest[600];
};

struct flow {
	struct famez_fabric *f;
	unsigned long sent[PEERS], got[PEERS], pongs, pings;
	uint32_t id;
};

static void die(const char *what, uint32_t a, uint32_t b)
{
	fprintf(stderr, "test-fabric: %s %u, %u\n", what, a, b);
	_exit(1);
}

static bool send_one(struct flow *w, uint32_t to)
{
	struct message m = { .number = w->sent[to] };
	size_t size = 8 + (w->sent[to] * 37) % sizeof(m.rest);
	int err;

	if (w->sent[to] == messages)
		return false;
	if (w->sent[to] % 64 == 0 && w->pings == w->pongs &&
	    !famez_fabric_ping(w->f, to, "ping", 4))
		w->pings++;
	memset(m.rest, w->sent[to], sizeof(m.rest));
	err = famez_fabric_send(w->f, to, 0, 0, &m, size);
	if (err == -EAGAIN || err == -ENOTCONN)
		return false;
	if (err)
		die("send", to, -err);
	w->sent[to]++;
	return true;
}

static bool receive_one(struct flow *w)
{
	struct famez_letter letter;
	struct message m;
	size_t i;

	if (famez_fabric_recv(w->f, 0, &letter, &m, sizeof(m)))
		return false;
	if (m.number != w->got[letter.peer])
		die("wrong number", m.number, w->got[letter.peer]);
	if (letter.size != 8 + (w->got[letter.peer] * 37) % sizeof(m.rest))
		die("wrong size", m.number, letter.size);
	for (i = 8; i < letter.size; i++)
		if (m.rest[i - 8] != (uint8_t)m.number)
			die("torn", m.number, i);
	w->got[letter.peer]++;
	return true;
}

static bool flow_over(const struct flow *w)
{
	uint32_t i;

	for (i = 1; i < PEERS; i++)
		if (i != w->id &&
		    (w->sent[i] < messages || w->got[i] < messages))
			return false;
	return w->pings == w->pongs;
}

static unsigned int through;	/* peers that have all they wait for */

/* Who is through goes on answering until all are. */
static void wait_for_others(struct flow *w)
{
	uint32_t i;

	if (__atomic_add_fetch(&through, 1, __ATOMIC_SEQ_CST) == PEERS - 1)
		for (i = 1; i < PEERS; i++)
			sem_post(&doorbell[i]);
	while (__atomic_load_n(&through, __ATOMIC_SEQ_CST) < PEERS - 1) {
		sem_wait(&doorbell[w->id]);
		famez_fabric_service(w->f);
	}
}

static void *flow_thread(void *argument)
{
	struct flow *w = argument;
	uint32_t to;

	w->f = start(w->id, &w->pongs);
	while (!flow_over(w)) {
		bool moved = false;

		for (to = 1; to < PEERS; to++)
			if (to != w->id)
				moved |= send_one(w, to);
		moved |= receive_one(w);
		if (!moved && !flow_over(w))
			sem_wait(&doorbell[w->id]);
		famez_fabric_service(w->f);
	}
	wait_for_others(w);
	return NULL;
}

static void test_all_to_all(void **state)
{
	pthread_t thread[PEERS];
	struct flow flow[PEERS] = { };
	uint32_t i;

	(void)state;
	for (i = 1; i < PEERS; i++) {
		flow[i].id = i;
		pthread_create(&thread[i], NULL, flow_thread, &flow[i]);
	}
	for (i = 1; i < PEERS; i++)
		pthread_join(thread[i], NULL);
	for (i = 1; i < PEERS; i++)
		famez_fabric_stop(flow[i].f);
}

/* ---- Starting anew ----------------------------------------------------------------- */

#define STARTS		310
#define LAST_LIFE	STARTS	/* it sends something: 50 does not divide it */

static void *restless(void *argument)
{
	uint32_t round;

	(void)argument;
	for (round = 1; round <= STARTS; round++) {
		unsigned long pongs = 0;
		struct famez_fabric *f = start(2, &pongs);
		struct message m = { .generation = round };
		uint32_t n = round % 50, retries = 0;

		while (m.number < n) {
			int err = famez_fabric_send(f, 1, 0, 0, &m, 300);

			if (!err)
				m.number++;
			else if (err == -ENOTCONN || err == -EAGAIN)
				sem_wait(&doorbell[2]);
			else
				die("restless send", round, -err);
			famez_fabric_service(f);
			retries++;
		}
		famez_fabric_stop(f);
	}
	return NULL;
}

/*
 * What each life of a sender sent with success arrives in order, without gaps
 * and once; lives do not mix.  The end of a life may be lost when the next
 * begins before the receiver has looked.
 */
static void test_restarts(void **state)
{
	unsigned long pongs = 0, total = 0, whole = 0;
	struct famez_letter letter;
	uint32_t life = 0, next = 0;
	struct famez_fabric *f;
	pthread_t thread;
	struct message m;

	(void)state;
	f = start(1, &pongs);
	pthread_create(&thread, NULL, restless, NULL);
	while (life < LAST_LIFE || next < LAST_LIFE % 50) {
		int err = famez_fabric_recv(f, 0, &letter, &m, sizeof(m));

		if (err) {
			assert_int_equal(err, -EAGAIN);
			sem_wait(&doorbell[1]);
			famez_fabric_service(f);
			continue;
		}
		assert_int_equal(letter.peer, 2);
		assert_int_equal(letter.size, 300);
		if (m.generation != life) {
			assert_true(m.generation > life);
			whole += next == life % 50;
			life = m.generation;
			next = 0;
		}
		assert_int_equal(m.number, next);
		next++;
		total++;
	}
	pthread_join(thread, NULL);
	famez_fabric_stop(f);
	printf("%u lives, %lu of them whole, %lu messages\n", STARTS, whole,
	       total);
	assert_true(whole > 0);
}

/* ---- Who is there ---------------------------------------------------------------------- */

static void test_nobody(void **state)
{
	unsigned long pongs = 0;
	struct famez_fabric *f = start(1, &pongs);
	struct famez_peer *record = (void *)(memory +
		famez_fabric_layout(f)->peers.offset + 2 * sizeof(*record));

	(void)state;
	assert_int_equal(famez_fabric_send(f, 1, 0, 0, "x", 1), -EINVAL);
	assert_int_equal(famez_fabric_send(f, 2, 0, 0, "x", 1), -ENOTCONN);
	assert_int_equal(famez_fabric_send(f, 0, 0, 0, "x", 1), -EHOSTUNREACH);
	assert_int_equal(famez_fabric_send(f, PEERS, 0, 0, "x", 1), -EHOSTUNREACH);
	famez_store(&record->state, FAMEZ_PEER_ABSENT);
	assert_int_equal(famez_fabric_send(f, 2, 0, 0, "x", 1), -EHOSTUNREACH);
	famez_store(&record->state, FAMEZ_PEER_UP);
	famez_fabric_stop(f);
}

static void check_zero(const void *at, size_t size)
{
	const uint8_t *bytes = at;

	while (size--)
		assert_int_equal(bytes[size], 0);
}

/* What a predecessor has left in the record of an id is not its next owner's. */
static void test_predecessor(void **state)
{
	const struct famez_header *h = (void *)(memory + FAMEZ_HEADER_OFFSET);
	struct famez_peer *record = (void *)(memory + le64toh(h->peers.offset) +
					     sizeof(*record));
	const size_t own = offsetof(struct famez_peer, generation);
	unsigned long pongs = 0;
	struct famez_fabric *f;

	(void)state;
	memset((char *)record + own, 0xff, sizeof(*record) - own);
	f = start(1, &pongs);
	assert_int_equal(famez_load(&record->generation), famez_fabric_generation(f));
	assert_int_equal(famez_load(&record->protocol), 1);
	assert_int_equal(famez_load(&record->features), 0);
	check_zero(record->reserved1, sizeof(record->reserved1));
	check_zero(record->reserved2, sizeof(record->reserved2));
	assert_memory_equal(record->name, "test", 5);
	check_zero(record->name + 4, sizeof(record->name) - 4);
	assert_memory_equal(record->cclass, "test", 5);
	check_zero(record->cclass + 4, sizeof(record->cclass) - 4);
	famez_fabric_stop(f);
}

/* ---- Flushes ---- */

static unsigned int flushes, refused;

static void count_flush(void *context, uint32_t peer, const struct famez_flush *request,
			bool known)
{
	(void)context;
	assert_int_equal(peer, 1);
	assert_int_equal(le64toh(request->cookie), 42);
	flushes += known;
	refused += !known;
}

/* What is longer is one, too, and what asks for more than we know is to be refused. */
static void test_flush(void **state)
{
	union {
		struct famez_flush flush;
		uint8_t bytes[500];
	} r = { .flush.cookie = htole64(42) };
	unsigned long pongs = 0;
	struct famez_fabric *a = start(1, &pongs), *b = start(2, &pongs);
	const size_t least = sizeof(r.flush);
	size_t size, at;

	(void)state;
	b->config.flush = count_flush;
	famez_fabric_service(b);
	famez_fabric_service(a);
	for (size = 0; size <= sizeof(r.bytes); size += size < 100 ? 1 : 50) {
		flushes = 0;
		assert_int_equal(channel_send(a, 2, FAMEZ_TYPE_FLUSH, &r, size), 0);
		famez_fabric_service(b);
		assert_int_equal(flushes, size >= least);
	}
	assert_int_equal(refused, 0);
	flushes = 0;
	for (at = 8; at < sizeof(r.bytes); at += at < 100 ? 1 : 50) {
		r.bytes[at] = 1;
		assert_int_equal(channel_send(a, 2, FAMEZ_TYPE_FLUSH, &r, sizeof(r.bytes)), 0);
		r.bytes[at] = 0;
		refused = 0;
		famez_fabric_service(b);
		assert_int_equal(refused, 1);
	}
	/* a cookie is what makes it one */
	r.flush.cookie = 0;
	assert_int_equal(channel_send(a, 2, FAMEZ_TYPE_FLUSH, &r, least), 0);
	famez_fabric_service(b);
	assert_int_equal(flushes, 0);
	famez_fabric_stop(b);
	famez_fabric_stop(a);
}

/* What a receiver had not read when it started anew is told once. */
static void test_reset(void **state)
{
	unsigned long pongs = 0;
	struct famez_fabric *a = start(1, &pongs), *b = start(2, &pongs);
	char data[16];
	struct famez_letter letter;

	(void)state;
	famez_fabric_service(a);
	famez_fabric_service(b);
	assert_int_equal(famez_fabric_send(a, 2, 0, 0, "lost", 4), 0);
	famez_fabric_stop(b);
	famez_fabric_service(a);
	assert_int_equal(famez_fabric_send(a, 2, 0, 0, "x", 1), -ECONNRESET);
	assert_int_equal(famez_fabric_send(a, 2, 0, 0, "x", 1), -ENOTCONN);
	b = start(2, &pongs);
	famez_fabric_service(a);
	famez_fabric_service(b);
	assert_int_equal(famez_fabric_recv(b, 0, &letter, data, 16), -EAGAIN);
	assert_int_equal(famez_fabric_send(a, 2, 0, 0, "new", 3), 0);
	famez_fabric_service(b);
	assert_int_equal(famez_fabric_recv(b, 0, &letter, data, 16), 0);
	assert_memory_equal(data, "new", 3);
	famez_fabric_stop(b);
	famez_fabric_stop(a);
}

/* What a sender had sent before it ended is still read, and read once. */
static void test_last_words(void **state)
{
	unsigned long pongs = 0;
	struct famez_fabric *a = start(1, &pongs), *b = start(2, &pongs);
	char data[16];
	struct famez_letter letter;

	(void)state;
	famez_fabric_service(a);
	famez_fabric_service(b);
	assert_int_equal(famez_fabric_send(a, 2, 0, 0, "bye", 3), 0);
	famez_fabric_stop(a);
	famez_fabric_service(b);
	a = start(1, &pongs);
	famez_fabric_service(b);
	famez_fabric_service(a);
	assert_int_equal(famez_fabric_send(a, 2, 0, 0, "hi", 2), 0);
	assert_int_equal(famez_fabric_recv(b, 0, &letter, data, 16), 0);
	assert_memory_equal(data, "bye", 3);
	assert_int_equal(famez_fabric_recv(b, 0, &letter, data, 16), 0);
	assert_memory_equal(data, "hi", 2);
	assert_int_equal(famez_fabric_recv(b, 0, &letter, data, 16), -EAGAIN);
	famez_fabric_stop(b);
	famez_fabric_stop(a);
}

static void test_other_switch(void **state)
{
	struct famez_header *h = (void *)(memory + FAMEZ_HEADER_OFFSET);
	unsigned long pongs = 0;
	struct famez_fabric *f = start(1, &pongs);

	(void)state;
	assert_int_equal(famez_fabric_service(f), 0);
	h->fabric = htole64(78);
	assert_int_equal(famez_fabric_service(f), -ENODEV);
	h->fabric = htole64(77);
	famez_fabric_stop(f);
}

/* It holds nobody longer than a look and a look again at a full ring take. */
static void test_answers(void **state)
{
	unsigned long pongs = 0;
	struct famez_fabric *a = start(1, &pongs), *b = start(2, &pongs);
	const struct famez_place *channels = &famez_fabric_layout(a)->channels;
	char data[16];
	struct famez_letter letter;

	(void)state;
	famez_fabric_service(b);
	famez_fabric_service(a);
	/* from 1 to 2, from 1 to 3, from 2 to 1 */
	answering = (void *)(memory + channels->offset + 2 * channels->stride);
	while (!sem_trywait(&doorbell[1]))
		;
	answer(answering);
	assert_int_equal(famez_fabric_recv(a, 0, &letter, data, 16), -EAGAIN);
	answering = NULL;
	/* it has not looked at all of it, and comes back */
	assert_int_equal(sem_trywait(&doorbell[1]), 0);
	assert_in_range(answers, 2, 2 * RING / FAMEZ_RECORD_HEADER);
	famez_fabric_stop(b);
	famez_fabric_stop(a);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_predecessor),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_other_switch),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_all_to_all),
	};

	if (argc > 1)
		messages = strtoul(argv[1], NULL, 0);
	alarm(1800);	/* a lost wake-up hangs */
	lay_out();
	return RUN_PLAN("fabric", tests);
}
