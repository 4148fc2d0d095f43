// SPDX-License-Identifier: GPL-2.0
/* famezctl bench --serve: does what the other side asks for. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"
#include "famezctl.h"

static int serve_echo(struct bench *b)
{
	uint8_t data[FAMEZ_MESSAGE_MAX] __attribute__((__aligned__(8)));
	uint32_t i;
	size_t size;
	int err;

	err = bench_say(b, 0);
	for (i = 0; !err && i < b->word.count; i++) {
		err = bench_recv(b, data, sizeof(data), &size);
		if (!err)
			err = bench_send_this(b, data, size);
	}
	return err;
}

static int serve_sink(struct bench *b)
{
	uint8_t data[FAMEZ_MESSAGE_MAX] __attribute__((__aligned__(8)));
	uint64_t before = interrupts();
	uint32_t i;
	size_t size;
	int err;

	err = bench_say(b, 0);
	for (i = 0; !err && i < b->word.count; i++)
		err = bench_recv(b, data, sizeof(data), &size);
	return err ? err : bench_say(b, interrupts() - before);
}

static int serve_sink_batch(struct bench *b)
{
	uint32_t left = b->word.count, n;
	int err = bench_say(b, 0);

	while (!err && left) {
		err = bench_recv_batch(b, &n);
		left -= err || n > left ? left : n;
	}
	return err ? err : bench_say(b, 0);
}

static int (*const serve[BENCH_OPS])(struct bench *b) = {
	[BENCH_ECHO] = serve_echo,
	[BENCH_SINK] = serve_sink,
	[BENCH_SINK_BATCH] = serve_sink_batch,
	[BENCH_DOORBELL] = doorbell_echo,
	[BENCH_TCP_OPEN] = tcp_accept,
	[BENCH_TCP_ECHO] = tcp_echo,
	[BENCH_TCP_SINK] = tcp_sink,
	[BENCH_RING_ECHO] = ring_echo,
	[BENCH_RING_SINK] = ring_sink,
	[BENCH_WORD_ECHO] = word_echo,
};

/* The next request of anyone, however long that takes. */
static void next_request(struct bench *b)
{
	uint8_t data[FAMEZ_MESSAGE_MAX];
	size_t size;
	int err;

	b->word = b->next;
	b->peer = b->next_peer;
	b->port = b->next_port;
	b->next = (struct bench_word){ };
	while (b->word.magic != BENCH_MAGIC || b->word.op >= BENCH_OPS) {
		err = famez_recv_from(b->famez, &b->peer, &b->port, data,
				      sizeof(data), &size);
		if (err)
			die("cannot receive: %s", error_text(err));
		if (size == sizeof(b->word))
			memcpy(&b->word, data, sizeof(b->word));
	}
}

void bench_serve(void)
{
	struct bench b = {
		.famez = open_device(0),
		.tcp = -1,
		.serves = true,
	};
	uint32_t port = BENCH_PORT;
	int err;

	err = famez_bind(b.famez, &port, 0);
	if (err == -EADDRINUSE)
		die("port %u is taken; does a bench serve here already?", port);
	if (err)
		die("cannot bind port %u: %s", port, error_text(err));
	puts("serving; famezctl bench, run by a peer, measures");
	flush_output();
	for (;;) {
		next_request(&b);
		watch_begin();
		err = serve[b.word.op](&b);
		watch_end();
		if (err == -ENODEV)
			die("the switch or the device has gone; start it again");
		if (err)
			fprintf(stderr, "%s: peer %u broke off: %s\n",
				program.name, b.peer, error_text(err));
	}
}
