// SPDX-License-Identifier: GPL-2.0
/*
 * The same by TCP, which famezctl bench compares messages with: without delays
 * (TCP_NODELAY), and all else as the kernel has it.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"
#include "famezctl.h"

#define READ_SIZE	65536	/* what the receiver of a stream reads at a time */

/* ---- Connecting --------------------------------------------------------------- */

static int set_up(int fd)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return -errno;
	return 0;
}

static int connect_any(const struct addrinfo *address)
{
	int fd = -1;

	for (; address && fd < 0; address = address->ai_next) {
		fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || !connect(fd, address->ai_addr, address->ai_addrlen))
			continue;
		close(fd);
		fd = -1;
	}
	return fd;
}

const char *tcp_missing(const struct bench *b)
{
	return b->tcp < 0 ? "it needs --tcp" : NULL;
}

int tcp_connect(struct bench *b, const char *host)
{
	struct addrinfo hints = {
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
	}, *found;
	uint64_t port = 0;
	char text[8];
	int err;

	err = bench_ask(b, BENCH_TCP_OPEN, 0, &port);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%u", (uint16_t)port);
	err = getaddrinfo(host, text, &hints, &found);
	if (err)
		die("--tcp %s: %s", host, gai_strerror(err));
	b->tcp = connect_any(found);
	if (b->tcp < 0)
		die("--tcp %s: cannot connect to port %s there: %s; is it the machine of that peer?",
		    host, text, strerror(errno));
	freeaddrinfo(found);
	return set_up(b->tcp);
}

/* A socket that listens, at a port that the kernel chooses */
static int listen_anywhere(uint64_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&address, &length)) {
		err = -errno;
		close(fd);
		return err;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

int tcp_accept(struct bench *b)
{
	struct pollfd caller = { .events = POLLIN };
	uint64_t port = 0;
	int err;

	if (b->tcp >= 0)
		close(b->tcp);
	b->tcp = -1;
	caller.fd = listen_anywhere(&port);
	if (caller.fd < 0)
		return caller.fd;
	err = bench_say(b, port);
	if (!err && poll(&caller, 1, BENCH_SILENCE * 1000) != 1)
		err = -ETIMEDOUT;
	if (!err)
		b->tcp = accept4(caller.fd, NULL, NULL, SOCK_CLOEXEC);
	if (!err)
		err = b->tcp < 0 ? -errno : set_up(b->tcp);
	close(caller.fd);
	return err;
}

/* ---- Bytes ---------------------------------------------------------------------- */

static int send_small(struct bench *b)
{
	uint8_t data[BENCH_SMALL] = { };
	ssize_t n;
	int err;

	do {
		n = send(b->tcp, data, sizeof(data), MSG_NOSIGNAL);
		err = n < 0 ? -errno : 0;
	} while (watch_again(&err));
	return err;
}

/* Reads @bytes, up to @at_once at a time. */
static int receive(struct bench *b, uint64_t bytes, size_t at_once)
{
	static uint8_t data[READ_SIZE];
	ssize_t n;
	int err;

	while (bytes) {
		do {
			n = recv(b->tcp, data, bytes < at_once ? bytes : at_once, 0);
			err = n < 0 ? -errno : 0;
		} while (watch_again(&err));
		if (err)
			return err;
		if (!n)
			return -ECONNRESET;
		bytes -= n;
	}
	return 0;
}

/* ---- Both sides -------------------------------------------------------------- */

int tcp_round_trips(struct bench *b, uint32_t count, struct run *run)
{
	uint64_t before = 0, now;
	uint32_t i;
	int err;

	err = bench_ask(b, BENCH_TCP_ECHO, count + BENCH_AWAKE, NULL);
	for (i = 0; !err && i < count + BENCH_AWAKE; i++) {
		err = send_small(b);
		if (!err)
			err = receive(b, BENCH_SMALL, BENCH_SMALL);
		now = clock_ns();
		if (i >= BENCH_AWAKE)
			run_add(run, now - before);
		before = now;
	}
	return err;
}

int tcp_echo(struct bench *b)
{
	uint32_t i;
	int err = bench_say(b, 0);

	for (i = 0; !err && i < b->word.count; i++) {
		err = receive(b, BENCH_SMALL, BENCH_SMALL);
		if (!err)
			err = send_small(b);
	}
	return err;
}

int tcp_stream(struct bench *b, uint32_t count, struct run *run)
{
	uint64_t start;
	uint32_t i;
	int err;

	count = BENCH_ONE_WAY(count);
	err = bench_ask(b, BENCH_TCP_SINK, count, NULL);
	start = clock_ns();
	for (i = 0; !err && i < count; i++)
		err = send_small(b);
	if (!err)
		err = receive(b, BENCH_SMALL, BENCH_SMALL);
	if (!err)
		run_add(run, count * 1e9 / (clock_ns() - start));
	return err;
}

int tcp_sink(struct bench *b)
{
	int err = bench_say(b, 0);

	if (!err)
		err = receive(b, (uint64_t)b->word.count * BENCH_SMALL,
			      READ_SIZE);
	return err ? err : send_small(b);
}
