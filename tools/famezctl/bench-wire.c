// SPDX-License-Identifier: GPL-2.0
/* How the two sides of famezctl bench talk, and messages that are measured. */
#include <errno.h>
#include <string.h>
#include "bench.h"

int bench_send_this(struct bench *b, const void *data, size_t size)
{
	int err;

	do {
		err = famez_send_to(b->famez, b->peer, b->port, data, size);
	} while (watch_again(&err));
	return err;
}

/* All messages that are measured carry the word: only its first bytes differ. */
int bench_send(struct bench *b, size_t size)
{
	static uint8_t data[FAMEZ_MESSAGE_MAX];

	memcpy(data, &b->word, sizeof(b->word));
	return bench_send_this(b, data, size);
}

/* Whether what has come asks for something else, and is kept. */
static bool is_next(struct bench *b, uint32_t peer, uint16_t port,
		    const struct bench_word *word, size_t size)
{
	if (!b->serves || size != sizeof(*word) || word->magic != BENCH_MAGIC ||
	    word->cookie == b->word.cookie)
		return false;
	b->next = *word;
	b->next_peer = peer;
	b->next_port = port;
	return true;
}

int bench_recv(struct bench *b, void *data, size_t room, size_t *size)
{
	const struct bench_word *word = data;
	uint32_t peer;
	uint16_t port;
	int err;

	/* what others send, or was left by a run that was interrupted, is not ours */
	do {
		do {
			err = famez_recv_from(b->famez, &peer, &port, data, room,
					      size);
		} while (watch_again(&err));
		if (err)
			return err;
		if (is_next(b, peer, port, word, *size))
			return -ECONNRESET;
	} while (peer != b->peer || *size < sizeof(*word) ||
		 word->magic != BENCH_MAGIC || word->cookie != b->word.cookie);
	return 0;
}

/* Sends at most @count, and tells how many. */
int bench_send_batch(struct bench *b, uint32_t *count)
{
	static uint8_t data[BENCH_SMALL];
	struct famez_msg messages[BENCH_BATCH] = { };
	uint32_t i;
	int n, err;

	memcpy(data, &b->word, sizeof(b->word));
	if (*count > BENCH_BATCH)
		*count = BENCH_BATCH;
	for (i = 0; i < *count; i++) {
		messages[i].data = (uintptr_t)data;
		messages[i].length = sizeof(data);
		messages[i].peer = b->peer;
		messages[i].dport = b->port;
	}
	do {
		n = famez_send_batch(b->famez, messages, *count, sizeof(*messages));
		err = n < 0 ? n : 0;
	} while (watch_again(&err));
	*count = n;
	return err;
}

/* Receives what is there, and tells how many. */
int bench_recv_batch(struct bench *b, uint32_t *count)
{
	static struct {
		struct bench_word word;
		uint8_t rest[FAMEZ_MESSAGE_MAX];
	} data[BENCH_BATCH];
	struct famez_msg messages[BENCH_BATCH] = { };
	int i, n, err;

	for (i = 0; i < BENCH_BATCH; i++) {
		messages[i].data = (uintptr_t)&data[i];
		messages[i].length = sizeof(data[i]);
	}
	do {
		n = famez_recv_batch(b->famez, messages, BENCH_BATCH, sizeof(*messages));
		err = n < 0 ? n : 0;
	} while (watch_again(&err));
	*count = 0;
	for (i = 0; i < n; i++) {
		if (is_next(b, messages[i].peer, messages[i].sport,
			    &data[i].word, messages[i].length))
			return -ECONNRESET;
		*count += messages[i].peer == b->peer &&
			  messages[i].sport == b->port;
	}
	return err;
}

int bench_say(struct bench *b, uint64_t value)
{
	b->word.value = value;
	return bench_send(b, sizeof(b->word));
}

int bench_hear(struct bench *b, uint64_t *value)
{
	uint8_t data[FAMEZ_MESSAGE_MAX] __attribute__((__aligned__(8)));
	const struct bench_word *word = (void *)data;
	size_t size;
	int err;

	err = bench_recv(b, data, sizeof(data), &size);
	if (!err && word->op != b->word.op)
		err = -EPROTO;
	if (!err && value)
		*value = word->value;
	return err;
}

int bench_ask(struct bench *b, enum bench_op op, uint32_t count,
	      uint64_t *value)
{
	int err;

	b->word.op = op;
	b->word.count = count;
	err = bench_say(b, value ? *value : 0);
	return err ? err : bench_hear(b, value);
}
