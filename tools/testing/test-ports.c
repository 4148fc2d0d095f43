// SPDX-License-Identifier: GPL-2.0
/*
 * Ports, batches and eventfds, against a peer that runs port-server; in a guest or
 * on the host.
 *
 * test-ports [-d DEVICE|SOCKET] PEER [MESSAGES]
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <famez.h>
#include <linux/famez_fabric.h>

#include "plan.h"

#define STUCK	8
#define BUSY	9
#define ECHO	7
#define NOBODYS	4711

static const char *path;
static uint32_t peer;
static uint32_t messages = 20000;

/* ---- Two of our own endpoints: for commands, and for what is tested ------------- */

static struct famez *control, *f;

static void say(const char *command, char *answer, size_t room)
{
	uint32_t from;
	size_t size;

	assert_int_equal(famez_send_to(control, peer, 1, command,
				       strlen(command)), 0);
	assert_int_equal(famez_recv(control, &from, answer, room - 1, &size), 0);
	assert_int_equal(from, peer);
	answer[size] = 0;
}

static void tell(const char *command, const char *expected)
{
	char answer[128];

	say(command, answer, sizeof(answer));
	if (strcmp(answer, expected))
		fail_msg("%s: \"%s\", not \"%s\"", command, answer, expected);
}

static void tell_port(const char *verb, uint32_t port, uint32_t n,
		      const char *expected)
{
	char command[64];

	snprintf(command, sizeof(command), "%s %u %u", verb, port, n);
	tell(command, expected);
}

static int set_up(void **state)
{
	uint32_t any = 0;

	(void)state;
	assert_int_equal(famez_open(&control, path, 0), 0);
	assert_int_equal(famez_bind(control, &any, 0), 0);
	assert_int_equal(famez_open_endpoint(&f, control), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	famez_close(f);
	famez_close(control);
	return 0;
}

/* A message that begins with its number. */
static int send_number(uint32_t port, uint32_t number, uint32_t size)
{
	char data[FAMEZ_MESSAGE_MAX] = "";

	memcpy(data, &number, sizeof(number));
	return famez_send_to(f, peer, port, data, size);
}

/*
 * Sends on a port until there is no room; how many went.  A ping comes back when
 * the ring was emptied: what has no room after that waits for the program.
 */
static uint32_t fill(uint32_t port, uint32_t size)
{
	uint64_t nanoseconds;
	uint32_t n = 0, full = 0;
	int r;

	famez_set_timeout(f, 1);
	while (full < 2) {
		r = send_number(port, n, size);
		if (!r) {
			n++;
			full = 0;
			continue;
		}
		assert_int_equal(r, -ETIMEDOUT);
		full++;
		assert_int_equal(famez_ping(f, peer, 60000, &nanoseconds), 0);
	}
	famez_set_timeout(f, 0);
	return n;
}

/* ---- Ports ---------------------------------------------------------------------- */

static void test_refused(void **state)
{
	uint32_t port = 4000, other = 4000;
	struct famez *g;

	(void)state;
	assert_int_equal(send_number(NOBODYS, 0, 8), -ECONNREFUSED);
	assert_int_equal(famez_bind(f, &port, 0), 0);
	assert_int_equal(famez_bind(f, &port, 0), -EINVAL);
	assert_int_equal(famez_open_endpoint(&g, f), 0);
	assert_int_equal(famez_bind(g, &other, 0), -EADDRINUSE);
	other = 65536;
	assert_int_equal(famez_bind(g, &other, 0), -EINVAL);
	other = 65535;
	assert_int_equal(famez_bind(g, &other, FAMEZ_BUFFER_MAX + 1), -EINVAL);
	assert_int_equal(famez_bind(g, &other, FAMEZ_BUFFER_MAX), 0);
	famez_close(g);
	assert_int_equal(send_number(NOBODYS, 0, 8), -ECONNREFUSED);
}

/* 63 ports, and the one of @control is among them. */
static void test_all_ports(void **state)
{
	struct famez *g[64];
	uint32_t port;
	int i, n, round;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (n = 0; n < 64; n++) {
			assert_int_equal(famez_open_endpoint(&g[n], f), 0);
			port = 0;
			if (famez_bind(g[n], &port, 1))
				break;
			assert_in_range(port, FAMEZ_PORT_ANY_MIN, 65535);
		}
		assert_int_equal(n, 62);
		port = 0;
		assert_int_equal(famez_bind(g[n], &port, 0), -ENOSPC);
		for (i = 0; i <= n; i++)
			famez_close(g[i]);
	}
}

/* An answer finds the port that asked. */
static void test_echo(void **state)
{
	uint32_t from, port = 0, number, i;
	uint16_t sport;
	size_t size;

	(void)state;
	tell_port("bind", ECHO, 0, "0");
	tell_port("echo", ECHO, 0, "ok");
	assert_int_equal(famez_bind(f, &port, 0), 0);
	for (i = 0; i < 200; i++) {
		assert_int_equal(send_number(ECHO, i, 4 + i * 5), 0);
		assert_int_equal(famez_recv_from(f, &from, &sport, &number,
						 sizeof(number), &size),
				 i ? -EMSGSIZE : 0);
		if (i) {
			char data[FAMEZ_MESSAGE_MAX];

			assert_int_equal(size, 4 + i * 5);
			assert_int_equal(famez_recv_from(f, &from, &sport, data,
							 sizeof(data), &size), 0);
			memcpy(&number, data, sizeof(number));
		}
		assert_int_equal(size, 4 + i * 5);
		assert_int_equal(number, i);
		assert_int_equal(from, peer);
		assert_int_equal(sport, ECHO);
	}
	tell_port("close", ECHO, 0, "ok");
}

/*
 * One that does not read holds up those who send to it, within its buffer; others
 * go on; nothing is lost, and nothing overtakes.
 */
static void test_stuck(void **state)
{
	char expected[32], answer[32];
	uint32_t stuck, i;

	(void)state;
	tell_port("bind", STUCK, 20000, "0");
	tell_port("bind", BUSY, 0, "0");
	tell_port("busy", BUSY, 0, "ok");
	stuck = fill(STUCK, 1000);
	assert_in_range(stuck, 19, 40);
	for (i = 0; i < messages; i++) {
		assert_int_equal(send_number(BUSY, i, 4 + i % 900), 0);
		/* and the stuck one stays so */
		if (i % 1000)
			continue;
		famez_set_timeout(f, 1);
		assert_int_equal(send_number(STUCK, stuck, 1000), -ETIMEDOUT);
		famez_set_timeout(f, 0);
	}
	/* each port has an order of its own, so the answer may come before the last */
	snprintf(expected, sizeof(expected), "%u", messages);
	do {
		say("count 9", answer, sizeof(answer));
	} while ((uint32_t)atoi(answer) < messages);
	tell("count 9", expected);
	tell_port("read", STUCK, stuck, "ok");
	for (i = 0; i < 10; i++)
		assert_int_equal(send_number(STUCK, stuck + i, 1000), 0);
	tell_port("read", STUCK, 10, "ok");
	tell_port("read", STUCK, 1, "Resource temporarily unavailable ");
	tell_port("close", STUCK, 0, "ok");
	tell_port("close", BUSY, 0, "ok");
}

/* A port closed with something unread is told once; one that was read is not. */
static void test_closed(void **state)
{
	(void)state;
	tell_port("bind", STUCK, 0, "0");
	assert_int_equal(send_number(STUCK, 0, 100), 0);
	tell_port("close", STUCK, 0, "ok");
	assert_int_equal(send_number(STUCK, 1, 100), -ECONNRESET);
	assert_int_equal(send_number(STUCK, 1, 100), -ECONNREFUSED);

	tell_port("bind", STUCK, 0, "0");
	assert_int_equal(send_number(STUCK, 0, 100), 0);
	tell_port("read", STUCK, 1, "ok");
	tell_port("close", STUCK, 0, "ok");
	assert_int_equal(send_number(STUCK, 1, 100), -ECONNREFUSED);

	/* the next owner gets none of the former's mail */
	tell_port("bind", STUCK, 0, "0");
	fill(STUCK, 2000);
	tell_port("close", STUCK, 0, "ok");
	tell_port("bind", STUCK, 0, "0");
	assert_int_equal(send_number(STUCK, 0, 100), -ECONNRESET);
	assert_int_equal(send_number(STUCK, 0, 100), 0);
	tell_port("read", STUCK, 1, "ok");
	tell_port("read", STUCK, 1, "Resource temporarily unavailable ");
	tell_port("close", STUCK, 0, "ok");
}

/* Asked whether it is open; full or empty, here and there. */
static void test_probe(void **state)
{
	struct famez_info info = { .size = sizeof(info) };
	uint32_t own = 4000;

	(void)state;
	assert_int_equal(famez_get_info(f, &info), 0);
	assert_int_equal(famez_probe(f, peer, STUCK), -ECONNREFUSED);
	tell_port("bind", STUCK, 0, "0");
	assert_int_equal(famez_probe(f, peer, STUCK), 0);
	fill(STUCK, 2000);
	assert_int_equal(famez_probe(f, peer, STUCK), 0);
	tell_port("close", STUCK, 0, "ok");
	/* which leaves it to the next message to hear of what was lost */
	assert_int_equal(famez_probe(f, peer, STUCK), -ECONNREFUSED);
	assert_int_equal(send_number(STUCK, 0, 100), -ECONNRESET);
	assert_int_equal(send_number(STUCK, 0, 100), -ECONNREFUSED);
	assert_int_equal(famez_probe(f, peer, STUCK), -ECONNREFUSED);
	assert_int_equal(famez_probe(f, peer, 0), 0);

	assert_int_equal(famez_probe(f, FAMEZ_DEST_SERVER, FAMEZ_REGION_PORT), 0);
	assert_int_equal(famez_probe(f, FAMEZ_DEST_SERVER, NOBODYS), -ECONNREFUSED);
	assert_int_equal(famez_probe(f, info.peers_max, 0), -EHOSTUNREACH);
	assert_int_equal(famez_probe(f, info.peers_max - 2, 0), -EHOSTUNREACH);

	assert_int_equal(famez_probe(f, info.id, 0), 0);
	assert_int_equal(famez_probe(f, info.id, own), -ECONNREFUSED);
	assert_int_equal(famez_bind(f, &own, 0), 0);
	assert_int_equal(famez_probe(control, info.id, own), 0);
}

/* ---- Batches -------------------------------------------------------------------- */

static void test_batches(void **state)
{
	struct famez_msg out[32], in[64];
	uint32_t numbers[32], got[64], port = 0, i, n = 0;
	int r;

	(void)state;
	tell_port("bind", ECHO, 0, "0");
	tell_port("echo", ECHO, 0, "ok");
	assert_int_equal(famez_bind(f, &port, 0), 0);
	for (i = 0; i < 32; i++) {
		numbers[i] = i;
		out[i] = (struct famez_msg){
			.data = (uintptr_t)&numbers[i], .length = 4,
			.peer = peer, .dport = ECHO,
		};
	}
	assert_int_equal(famez_send_batch(f, out, 32, sizeof(*out)), 32);
	while (n < 32) {
		for (i = 0; i < 64; i++)
			in[i] = (struct famez_msg){
				.data = (uintptr_t)&got[i], .length = 4,
			};
		r = famez_recv_batch(f, in, 64, sizeof(*in));
		assert_in_range(r, 1, 32 - n);
		for (i = 0; i < (uint32_t)r; i++) {
			assert_int_equal(in[i].peer, peer);
			assert_int_equal(in[i].sport, ECHO);
			assert_int_equal(in[i].dport, port);
			assert_int_equal(in[i].length, 4);
			assert_int_equal(got[i], n++);
		}
	}
	/* a bad one in the middle: what was done is told, and no more is */
	for (i = 0; i < 32; i++)
		numbers[i] = 32 + i;
	out[20].dport = NOBODYS;
	assert_int_equal(famez_send_batch(f, out, 32, sizeof(*out)), 20);
	assert_int_equal(famez_send_batch(f, out + 20, 12, sizeof(*out)), -ECONNREFUSED);
	for (n = 0; n < 20; n++) {
		in[0].length = 4;
		assert_int_equal(famez_recv_batch(f, in, 1, sizeof(*in)), 1);
		assert_int_equal(got[0], 32 + n);
	}
	famez_set_timeout(f, 1);
	in[0].length = 4;
	assert_int_equal(famez_recv_batch(f, in, 1, sizeof(*in)), -ETIMEDOUT);
	assert_int_equal(famez_send_batch(f, out, 0, sizeof(*out)), -EINVAL);
	assert_int_equal(famez_send_batch(f, out, FAMEZ_BATCH_MAX + 1, sizeof(*out)), -EINVAL);
	tell_port("close", ECHO, 0, "ok");
}

static void nothing(int signal)
{
	(void)signal;
}

/* A signal, while there is no room for the next, ends one of which some is done. */
static void test_batch_signal(void **state)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct itimerval soon = {
		.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000,
	}, never = { };
	static struct famez_msg out[FAMEZ_BATCH_MAX];
	static char data[FAMEZ_MESSAGE_MAX];
	struct famez_batch batch = {
		.size = sizeof(batch), .messages = (uintptr_t)out,
		.count = FAMEZ_BATCH_MAX, .stride = sizeof(out[0]),
	};
	uint32_t i;
	int r;

	(void)state;
	/* on the host there is no such structure */
	if (famez_set_eventfd(f, -1) == -EOPNOTSUPP)
		return;
	tell_port("bind", STUCK, 20000, "0");
	for (i = 0; i < FAMEZ_BATCH_MAX; i++)
		out[i] = (struct famez_msg){
			.size = sizeof(out[i]), .data = (uintptr_t)data,
			.length = sizeof(data), .peer = peer, .dport = STUCK,
		};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	r = ioctl(famez_fd(f), FAMEZ_IOC_SEND_BATCH, &batch);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_in_range(r, 1, FAMEZ_BATCH_MAX - 1);
	assert_int_equal(batch.error, EINTR);
	tell_port("close", STUCK, 0, "ok");
}

/* ---- One loop -------------------------------------------------------------------- */

static void add(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

/* An eventfd beside a socket, which says when to send the next. */
static void test_eventfd(void **state)
{
	int epoll = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK), pair[2], r;
	uint32_t port = 0, sent = 0, got = 0, from, number;
	struct epoll_event event;
	uint64_t count;
	size_t size;
	char c = 0;

	(void)state;
	r = famez_set_eventfd(f, fd);
	if (r == -EOPNOTSUPP) {
		/* on the host, famez_fd() is for that */
		close(fd);
		close(epoll);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(famez_set_eventfd(f, 12345), -EBADF);
	assert_int_equal(famez_set_eventfd(f, STDIN_FILENO), -EINVAL);
	tell_port("bind", ECHO, 0, "0");
	tell_port("echo", ECHO, 0, "ok");
	assert_int_equal(famez_bind(f, &port, 0), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	add(epoll, fd);
	add(epoll, pair[0]);
	assert_int_equal(write(pair[1], &c, 1), 1);
	famez_set_timeout(f, 1);
	while (got < 500) {
		assert_int_equal(epoll_wait(epoll, &event, 1, -1), 1);
		if (event.data.fd == pair[0]) {
			assert_int_equal(read(pair[0], &c, 1), 1);
			assert_int_equal(send_number(ECHO, sent++, 4), 0);
			continue;
		}
		assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
		while (!(r = famez_recv(f, &from, &number, 4, &size))) {
			assert_int_equal(number, got++);
			assert_int_equal(write(pair[1], &c, 1), 1);
		}
		assert_int_equal(r, -ETIMEDOUT);
	}
	assert_int_equal(famez_set_eventfd(f, -1), 0);
	close(pair[0]);
	close(pair[1]);
	close(fd);
	close(epoll);
	tell_port("close", ECHO, 0, "ok");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_echo, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stuck, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_probe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_batches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_batch_signal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_eventfd, set_up, tear_down),
	};

	if (argc > 2 && !strcmp(argv[1], "-d")) {
		path = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 2)
		return 2;
	peer = atoi(argv[1]);
	if (argc > 2)
		messages = atoi(argv[2]);
	return RUN_PLAN("ports", tests);
}
