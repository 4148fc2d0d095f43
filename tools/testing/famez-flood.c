// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of random length, which sequence numbers determine, to and from
 * several peers at once; none may be lost, doubled, torn or out of order.
 *
 * famez-flood [-d PATH] [-t ID,...] [-f ID,...] -n COUNT [-m LONGEST] [-b]
 * famez-flood [-d PATH] -a LAST ...	to and from all with ids from 1 on but its own,
 *					as soon as they all are up
 * famez-flood [-d PATH] -e [-n COUNT]	send everything back to its sender
 *
 * In a guest each receiver has a process that sends to it and may sleep; on the
 * host, where a handle is the peer, one loop does all.  With -b the reader never
 * sleeps.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/famez_fabric.h>

#include "message.h"

#define PEERS	64
#define LEAST	sizeof(uint32_t)	/* its head: the sequence number */

struct stream {
	uint32_t peer;
	uint32_t next;		/* sequence number of the next message */
};

static const char *path;
static struct stream to[PEERS], from[PEERS];
static size_t n_to, n_from;
static uint32_t count, longest = FAMEZ_MESSAGE_MAX;
static bool busy;
static uint32_t all;	/* -a */

static void fail(const char *what, int err)
{
	fprintf(stderr, "famez-flood: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void check(uint32_t peer, const uint8_t *message, size_t size)
{
	struct stream *s = from;
	uint32_t number = 0;

	while (s < from + n_from && s->peer != peer)
		s++;
	if (s == from + n_from) {
		fprintf(stderr, "a message from peer %u, who sends none\n",
			peer);
		exit(1);
	}
	if (size >= LEAST)
		memcpy(&number, message, LEAST);
	if (number != s->next) {
		fprintf(stderr, "peer %u: message %u came, not %u\n", peer,
			number, s->next);
		exit(1);
	}
	if (!message_whole(message, size, LEAST, longest)) {
		fprintf(stderr, "peer %u: message %u is torn\n", peer, number);
		exit(1);
	}
	s->next++;
}

static bool all_received(void)
{
	size_t i;

	for (i = 0; i < n_from; i++)
		if (from[i].next < count)
			return false;
	return true;
}

/* ---- All of them ------------------------------------------------------------- */

static bool all_up(struct famez *f, uint32_t last)
{
	struct famez_peer_info *peers;
	size_t count, i, up = 0;
	int err;

	err = famez_get_peers(f, &peers, &count, sizeof(*peers));
	if (err)
		fail("peers", err);
	for (i = 0; i < count; i++)
		up += peers[i].id >= 1 && peers[i].id <= last &&
		      peers[i].state == FAMEZ_PEER_STATE_UP;
	free(peers);
	return up == last;
}

/* Each of them waits for all by an endpoint that then goes on to be used. */
static void await_all(struct famez *f, uint32_t last)
{
	struct pollfd p = { .fd = famez_fd(f), .events = POLLIN | POLLPRI };
	struct famez_event event = { .size = sizeof(event) };
	int err;

	for (;;) {
		while (!(err = famez_next_event(f, &event)))
			;
		if (err != -EAGAIN && err != -EOVERFLOW)
			fail("event", err);
		if (all_up(f, last))
			return;
		poll(&p, 1, -1);
	}
}

static void name_all(struct famez *f, uint32_t last)
{
	struct famez_info info = { .size = sizeof(info) };
	uint32_t id;
	int err;

	err = famez_get_info(f, &info);
	if (err)
		fail("info", err);
	for (id = 1; id <= last && n_to < PEERS; id++) {
		if (id == info.id)
			continue;
		to[n_to++].peer = id;
		from[n_from++].peer = id;
	}
}

/* -a: who it is about is known by now. */
static void begin(struct famez *f)
{
	if (!all)
		return;
	name_all(f, all);
	await_all(f, all);
}

/* ---- In a guest ------------------------------------------------------------ */

static void send_all(struct stream *s)
{
	uint8_t message[FAMEZ_MESSAGE_MAX];
	struct famez *f;
	int err;

	err = famez_open(&f, path, 0);
	if (err)
		fail("open", err);
	for (; s->next < count; s->next++) {
		uint32_t length = message_compose(message, &s->next,
						  LEAST, longest);

		err = famez_send(f, s->peer, message, length);
		if (err)
			fail("send", err);
	}
	famez_close(f);
}

static void receive_all(struct famez *f)
{
	uint8_t message[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;
	int err;

	while (!all_received()) {
		err = famez_recv(f, &peer, message, sizeof(message), &size);
		if (err == -EAGAIN)
			continue;
		if (err)
			fail("recv", err);
		check(peer, message, size);
	}
}

static int flood_guest(void)
{
	struct famez *f;
	int status, err, bad = 0;
	size_t i;

	err = famez_open(&f, path, FAMEZ_NONBLOCK);
	if (err)
		fail("open", err);
	begin(f);
	if (!busy) {
		famez_close(f);
		err = famez_open(&f, path, 0);
		if (err)
			fail("open", err);
	}
	if (busy) {
		printf("awake\n");
		fflush(stdout);
	}
	for (i = 0; i < n_to; i++) {
		if (!fork()) {
			send_all(&to[i]);
			exit(0);
		}
	}
	receive_all(f);
	while (wait(&status) > 0)
		bad |= status;
	famez_close(f);
	return bad ? 1 : 0;
}

/* ---- On the host ------------------------------------------------------------ */

static bool receive_some(struct famez *f)
{
	uint8_t message[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;
	int err;

	err = famez_recv(f, &peer, message, sizeof(message), &size);
	if (err == -EAGAIN)
		return false;
	if (err)
		fail("recv", err);
	check(peer, message, size);
	return true;
}

static bool send_some(struct famez *f, struct stream *s)
{
	uint8_t message[FAMEZ_MESSAGE_MAX];
	uint32_t length;
	int err;

	if (s->next == count)
		return false;
	length = message_compose(message, &s->next, LEAST, longest);
	err = famez_send(f, s->peer, message, length);
	if (err == -EAGAIN)
		return false;
	if (err)
		fail("send", err);
	s->next++;
	return true;
}

/*
 * A host peer lives only while its process does: it leaves when those it sent
 * to have read all, which it learns by a pong behind its last message, or because
 * they have left themselves.
 */
static void part(struct famez *f)
{
	uint64_t ns;
	size_t i;
	int err;

	for (i = 0; i < n_to; i++) {
		err = famez_ping(f, to[i].peer, 600000, &ns);
		if (err && err != -ENOTCONN && err != -EHOSTUNREACH &&
		    err != -ECONNRESET)
			fail("last ping", err);
	}
}

static int flood_host(void)
{
	struct pollfd p;
	struct famez *f;
	bool sending;
	int err;

	err = famez_open(&f, path, FAMEZ_NONBLOCK);
	if (err)
		fail("open", err);
	begin(f);
	p = (struct pollfd){ .fd = famez_fd(f), .events = POLLIN };
	do {
		bool moved = receive_some(f);
		size_t i;

		sending = false;
		for (i = 0; i < n_to; i++) {
			moved |= send_some(f, &to[i]);
			sending |= to[i].next < count;
		}
		if (!moved && (sending || !all_received()))
			poll(&p, 1, -1);
	} while (sending || !all_received());
	part(f);
	famez_close(f);
	return 0;
}

/* ---- Echo -------------------------------------------------------------------- */

static int echo(void)
{
	uint8_t message[FAMEZ_MESSAGE_MAX];
	struct famez *f;
	uint32_t peer, n;
	size_t size;
	int err;

	err = famez_open(&f, path, 0);
	if (err)
		fail("open", err);
	printf("echo: ready\n");
	fflush(stdout);
	for (n = 0; !count || n < count; n++) {
		err = famez_recv(f, &peer, message, sizeof(message), &size);
		if (!err)
			err = famez_send(f, peer, message, size);
		/* who asked may be gone */
		if (err && err != -EHOSTUNREACH && err != -ENOTCONN &&
		    err != -ECONNRESET)
			fail("echo", err);
	}
	famez_close(f);
	return 0;
}

static size_t parse_peers(char *list, struct stream *s)
{
	size_t n = 0;
	char *word;

	for (word = strtok(list, ","); word && n < PEERS;
	     word = strtok(NULL, ","))
		s[n++].peer = strtoul(word, NULL, 0);
	return n;
}

static bool is_device(void)
{
	struct stat st;

	return !path || (!stat(path, &st) && S_ISCHR(st.st_mode));
}

int main(int argc, char **argv)
{
	bool echoes = false;
	size_t i;
	int c, ret;

	while ((c = getopt(argc, argv, "d:t:f:n:m:a:eb")) != -1) {
		switch (c) {
		case 'd':
			path = optarg;
			break;
		case 't':
			n_to = parse_peers(optarg, to);
			break;
		case 'f':
			n_from = parse_peers(optarg, from);
			break;
		case 'n':
			count = strtoul(optarg, NULL, 0);
			break;
		case 'm':
			longest = strtoul(optarg, NULL, 0);
			break;
		case 'a':
			all = strtoul(optarg, NULL, 0);
			break;
		case 'e':
			echoes = true;
			break;
		case 'b':
			busy = true;
			break;
		default:
			return 2;
		}
	}
	if (longest < LEAST || longest > FAMEZ_MESSAGE_MAX)
		return 2;
	if (echoes)
		return echo();
	ret = is_device() ? flood_guest() : flood_host();
	if (ret)
		return ret;
	for (i = 0; i < n_from; i++)
		printf("from %u: %u messages, all in order and whole\n",
		       from[i].peer, from[i].next);
	return 0;
}
