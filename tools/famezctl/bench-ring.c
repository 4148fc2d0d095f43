// SPDX-License-Identifier: GPL-2.0
/*
 * Records through a ring in FAM, and what no record can do better than: a word in FAM,
 * there and back, that both look at all the time.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "bench.h"
#include "famezctl.h"

#define RING_NAME	"famezctl.bench.ring"
#define RING_SIZE	65536
#define RING_LOOKS	1000000	/* neither is to sleep while the other works */
#define WORD_NAME	"famezctl.bench.word"
#define WORD_BACK	32	/* not in the same cache line */
#define WORD_LOOKS	0x1000000

const char *ring_missing(const struct bench *b)
{
	return b->info.server_id < b->info.peers_max ? NULL : "it needs a switch";
}

/* ---- Records ---------------------------------------------------------------------- */

static int open_ring(struct bench *b, struct famez_ring **ring, int flags)
{
	int err = famez_ring_open(ring, b->famez, RING_NAME, RING_SIZE, flags);

	if (!err)
		famez_ring_set_looks(*ring, RING_LOOKS);
	return err;
}

static int connect_ring(struct famez_ring *ring)
{
	int err;

	do {
		err = famez_ring_connect(ring);
	} while (watch_again(&err));
	return err;
}

static int send_record(struct famez_ring *ring, const void *data, size_t size)
{
	int err;

	do {
		err = famez_ring_send(ring, data, size);
	} while (watch_again(&err));
	return err;
}

static int peek_record(struct famez_ring *ring, const void **data, size_t *size)
{
	int err;

	do {
		err = famez_ring_peek(ring, data, size);
	} while (watch_again(&err));
	return err;
}

static int take_record(struct famez_ring *ring)
{
	const void *data;
	size_t size;
	int err = peek_record(ring, &data, &size);

	if (!err && size != BENCH_SMALL)
		err = -EPROTO;
	return err ? err : famez_ring_consume(ring);
}

/* What is sent back is sent from where it lies. */
static int echo_records(struct famez_ring *ring, uint32_t count)
{
	const void *data;
	size_t size;
	int err = 0;

	while (!err && count--) {
		err = peek_record(ring, &data, &size);
		if (!err)
			err = send_record(ring, data, size);
		if (!err)
			err = famez_ring_consume(ring);
	}
	return err;
}

static int sink_records(struct famez_ring *ring, uint32_t count)
{
	static const uint8_t answer[BENCH_SMALL];
	int err = 0;

	while (!err && count--)
		err = take_record(ring);
	return err ? err : send_record(ring, answer, sizeof(answer));
}

static int serve_ring(struct bench *b, int (*work)(struct famez_ring *, uint32_t))
{
	struct famez_ring *ring;
	int err = open_ring(b, &ring, 0);

	if (!err)
		err = bench_say(b, 0);
	if (!err)
		err = connect_ring(ring);
	if (!err)
		err = work(ring, b->word.count);
	famez_ring_close(ring);
	return err;
}

int ring_echo(struct bench *b)
{
	return serve_ring(b, echo_records);
}

int ring_sink(struct bench *b)
{
	return serve_ring(b, sink_records);
}

/* How long it took; the other side has opened the ring when it answers. */
static int measure_ring(struct bench *b, enum bench_op op, uint32_t count,
			int (*work)(struct famez_ring *, uint32_t), double *seconds)
{
	struct famez_ring *ring = NULL;
	uint64_t start = 0;
	int err = bench_ask(b, op, count, NULL);

	if (!err)
		err = open_ring(b, &ring, FAMEZ_RING_SECOND);
	if (!err)
		err = connect_ring(ring);
	if (!err) {
		start = clock_ns();
		err = work(ring, count);
	}
	*seconds = (clock_ns() - start) / 1e9;
	famez_ring_close(ring);
	famez_region_remove(b->famez, RING_NAME);
	return err;
}

/* The answer is looked at, the next question goes, and the answer's room with it. */
static int ask_records(struct famez_ring *ring, uint32_t count)
{
	static const uint8_t data[BENCH_SMALL];
	const void *answer;
	size_t size;
	int err = send_record(ring, data, sizeof(data));

	while (!err && count--) {
		err = peek_record(ring, &answer, &size);
		if (!err && size != sizeof(data))
			err = -EPROTO;
		if (!err && count)
			err = send_record(ring, data, sizeof(data));
		if (!err)
			err = famez_ring_consume(ring);
	}
	return err;
}

static int send_records(struct famez_ring *ring, uint32_t count)
{
	static const uint8_t data[BENCH_SMALL];
	int err = 0;

	while (!err && count--)
		err = send_record(ring, data, sizeof(data));
	return err ? err : take_record(ring);
}

/* The clock takes longer than a round trip: so it is asked once. */
int ring_round_trips(struct bench *b, uint32_t count, struct run *run)
{
	double seconds;
	int err = measure_ring(b, BENCH_RING_ECHO, BENCH_FAST(count), ask_records, &seconds);

	if (!err)
		run_add(run, seconds * 1e9 / BENCH_FAST(count));
	return err;
}

int ring_stream(struct bench *b, uint32_t count, struct run *run)
{
	double seconds;
	int err = measure_ring(b, BENCH_RING_SINK, 10 * BENCH_FAST(count), send_records,
			       &seconds);

	if (!err)
		run_add(run, 10 * BENCH_FAST(count) / seconds);
	return err;
}

/* ---- A word ------------------------------------------------------------------------ */

static int map_words(struct bench *b, uint32_t **words)
{
	struct famez_region_info region;
	void *at;
	int err;

	err = famez_region_open(b->famez, WORD_NAME, 4096, FAMEZ_REGION_CREATE, &region,
				sizeof(region));
	if (!err)
		err = famez_map(b->famez, region.offset, 4096, FAMEZ_MAP_WRITE, &at);
	if (!err)
		*words = at;
	return err;
}

static int await_word(const uint32_t *word, uint32_t value)
{
	uint32_t looks = 0;
	int err;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
		if (++looks % WORD_LOOKS)
			continue;
		err = -EINTR;
		if (!watch_again(&err))
			return err;
	}
	return 0;
}

int word_echo(struct bench *b)
{
	uint32_t *words, i;
	int err = map_words(b, &words);

	if (err)
		return err;
	words[0] = 0;
	words[WORD_BACK] = 0;
	err = bench_say(b, 0);
	for (i = 1; !err && i <= b->word.count; i++) {
		err = await_word(&words[0], i);
		__atomic_store_n(&words[WORD_BACK], i, __ATOMIC_RELEASE);
	}
	munmap(words, 4096);
	return err;
}

int word_round_trips(struct bench *b, uint32_t count, struct run *run)
{
	uint32_t *words, i;
	uint64_t start;
	int err;

	count = BENCH_FAST(count);
	err = bench_ask(b, BENCH_WORD_ECHO, count, NULL);
	if (!err)
		err = map_words(b, &words);
	if (err)
		return err;
	start = clock_ns();
	for (i = 1; !err && i <= count; i++) {
		__atomic_store_n(&words[0], i, __ATOMIC_RELEASE);
		err = await_word(&words[WORD_BACK], i);
	}
	if (!err)
		run_add(run, (clock_ns() - start) / (double)count);
	munmap(words, 4096);
	famez_region_remove(b->famez, WORD_NAME);
	return err;
}
