// SPDX-License-Identifier: GPL-2.0
/* How the two sides of famezctl bench talk, and messages that are measured. */
#include <errno.h>
#include <string.h>
#include "bench.h"

int bench_send_this(struct bench *b, const void *data, size_t size)
{
	int err;

	do {
		err = famez_send(b->famez, b->peer, data, size);
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
static bool is_next(struct bench *b, uint32_t peer,
		    const struct bench_word *word, size_t size)
{
	if (!b->serves || size != sizeof(*word) || word->magic != BENCH_MAGIC ||
	    word->cookie == b->word.cookie)
		return false;
	b->next = *word;
	b->next_peer = peer;
	return true;
}

int bench_recv(struct bench *b, void *data, size_t room, size_t *size)
{
	const struct bench_word *word = data;
	uint32_t peer;
	int err;

	/* what others send, or was left by a run that was interrupted, is not ours */
	do {
		do {
			err = famez_recv(b->famez, &peer, data, room, size);
		} while (watch_again(&err));
		if (err)
			return err;
		if (is_next(b, peer, word, *size))
			return -ECONNRESET;
	} while (peer != b->peer || *size < sizeof(*word) ||
		 word->magic != BENCH_MAGIC || word->cookie != b->word.cookie);
	return 0;
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
