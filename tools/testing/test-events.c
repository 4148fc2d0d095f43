// SPDX-License-Identifier: GPL-2.0
/*
 * Peer events.  Runs in a guest, in two parts, as others have to do something
 * meanwhile:
 *
 * test-events life	says "watching": then one program, and nobody else, is to
 *			come; says "up": then it is to be killed
 * test-events churn	while programs come and go all the time
 */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

#define PEERS	64

/* May sleep. */
static struct famez_event next_event(int fd)
{
	struct famez_event e = { .size = sizeof(e) };

	assert_int_equal(call(fd, FAMEZ_IOC_EVENT, &e), 0);
	return e;
}

static bool waiting(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	return poll(&p, 1, 0) == 1 && p.revents == POLLPRI;
}

static bool older(uint32_t epoch, uint32_t than)
{
	return (int32_t)(epoch - than) < 0;
}

/* Who has this id, if someone has; and the epoch of that. */
static uint32_t list_peer(int fd, uint32_t id, struct famez_peer_info *info)
{
	struct famez_peer_info list[PEERS];
	struct famez_peers p = {
		.size = sizeof(p), .stride = sizeof(list[0]), .count = PEERS,
		.peers = (uintptr_t)list,
	};

	memset(info, 0, sizeof(*info));
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), 0);
	for (uint32_t i = 0; i < p.count; i++)
		if (list[i].id == id)
			*info = list[i];
	return p.epoch;
}

static uint32_t epoch_now(int fd)
{
	struct famez_peer_info nobody;

	return list_peer(fd, 0, &nobody);
}

/* ---- A program's life ----------------------------------------------------------- */

static int reader, follower, edges;
static struct famez_event birth;
static uint32_t epoch_up;

static void nothing(int signal)
{
	(void)signal;
}

static void every_20_ms(void (*handler)(int signal), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	struct itimerval often = {
		.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000,
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void no_alarm(void)
{
	struct itimerval never = { };

	setitimer(ITIMER_REAL, &never, NULL);
}

static void test_quiet(void **state)
{
	struct famez_event e = { .size = sizeof(e),
				 .flags = FAMEZ_MSG_DONTWAIT };

	(void)state;
	reader = open_device(0);
	follower = open_device(0);
	assert_false(waiting(reader));
	assert_int_equal(call(reader, FAMEZ_IOC_EVENT, &e), EAGAIN);
	e.flags = 0;
	every_20_ms(nothing, 0);
	assert_int_equal(call(reader, FAMEZ_IOC_EVENT, &e), EINTR);
	no_alarm();
}

static volatile sig_atomic_t alarms;

static void watching(int signal)
{
	(void)signal;
	if (++alarms == 3 && write(STDOUT_FILENO, "watching\n", 9) != 9)
		abort();
}

/* The sleep goes on across signals: nobody comes before there were three. */
static void test_birth(void **state)
{
	uint32_t before = epoch_now(reader);
	struct famez_event joined;

	(void)state;
	every_20_ms(watching, SA_RESTART);
	joined = next_event(reader);
	no_alarm();
	assert_true(alarms >= 3);
	assert_int_equal(joined.type, FAMEZ_EVENT_JOINED);
	assert_int_equal(joined.generation, 0);
	assert_false(older(joined.epoch, before + 1));
	birth = next_event(reader);
	assert_int_equal(birth.type, FAMEZ_EVENT_UP);
	assert_int_equal(birth.peer, joined.peer);
	assert_true(birth.generation);
	assert_false(older(birth.epoch, joined.epoch));
}

static void test_list_agrees(void **state)
{
	struct famez_peer_info info;

	(void)state;
	epoch_up = list_peer(reader, birth.peer, &info);
	assert_false(older(epoch_up, birth.epoch));
	assert_int_equal(info.state, 2);
	assert_int_equal(info.kind, 3);
	assert_int_equal(info.generation, birth.generation);
}

/* What one file has read, another has still to read; a new one starts now. */
static void test_cursors(void **state)
{
	int late = open_device(O_NONBLOCK);
	struct famez_event e = { .size = sizeof(e) };

	(void)state;
	assert_false(waiting(reader));
	assert_true(waiting(follower));
	assert_false(waiting(late));
	assert_int_equal(call(late, FAMEZ_IOC_EVENT, &e), EAGAIN);
	assert_int_equal(next_event(follower).type, FAMEZ_EVENT_JOINED);
	assert_true(waiting(follower));
	close(late);
}

static int epoll_of(int fd, uint32_t events)
{
	struct epoll_event e = { .events = events };
	int set = epoll_create1(0);

	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e), 0);
	return set;
}

/* An event waits, unread: the level stays, the edge passes. */
static void test_epoll(void **state)
{
	int level = epoll_of(follower, EPOLLPRI);
	struct epoll_event e;

	(void)state;
	edges = epoll_of(follower, EPOLLPRI | EPOLLET);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(epoll_wait(level, &e, 1, 0), 1);
		assert_int_equal(e.events, EPOLLPRI);
	}
	/* whatever interrupt comes may make one more */
	assert_int_equal(epoll_wait(edges, &e, 1, -1), 1);
	while (epoll_wait(edges, &e, 1, 0) == 1)
		;
	assert_true(waiting(follower));
	close(level);
}

static void test_death(void **state)
{
	struct pollfd p = { .fd = reader, .events = POLLPRI };
	struct famez_peer_info info;
	struct epoll_event edge;
	struct famez_event e;

	(void)state;
	printf("up\n");
	fflush(stdout);
	assert_int_equal(poll(&p, 1, -1), 1);
	assert_int_equal(p.revents, POLLPRI);
	assert_int_equal(epoll_wait(edges, &edge, 1, -1), 1);
	e = next_event(reader);
	assert_int_equal(e.type, FAMEZ_EVENT_DOWN);
	assert_int_equal(e.peer, birth.peer);
	assert_int_equal(e.generation, birth.generation);
	e = next_event(reader);
	assert_int_equal(e.type, FAMEZ_EVENT_LEFT);
	assert_int_equal(e.peer, birth.peer);
	assert_int_equal(e.generation, 0);
	assert_false(older(e.epoch, epoch_up + 1));
	assert_false(older(list_peer(reader, birth.peer, &info), e.epoch));
	assert_int_equal(info.state, 0);
	/* the follower is told the same, in its own time */
	assert_int_equal(next_event(follower).type, FAMEZ_EVENT_UP);
	assert_int_equal(next_event(follower).type, FAMEZ_EVENT_DOWN);
	assert_int_equal(next_event(follower).epoch, e.epoch);
}

/* ---- Programs come and go ------------------------------------------------------------ */

/* What a follower knows of a peer: the last event, and which start is up. */
static struct famez_event last[PEERS];

/* Nothing doubled, nothing missing, nothing out of order. */
static void follow(const struct famez_event *e)
{
	static const uint32_t before[][2] = {
		[FAMEZ_EVENT_JOINED] = { FAMEZ_EVENT_LEFT },
		[FAMEZ_EVENT_UP] = { FAMEZ_EVENT_JOINED, FAMEZ_EVENT_DOWN },
		[FAMEZ_EVENT_DOWN] = { FAMEZ_EVENT_UP },
		[FAMEZ_EVENT_LEFT] = { FAMEZ_EVENT_JOINED, FAMEZ_EVENT_DOWN },
	};
	static uint32_t epoch;
	struct famez_event *known;

	assert_in_range(e->type, FAMEZ_EVENT_JOINED, FAMEZ_EVENT_LEFT);
	assert_in_range(e->peer, 1, PEERS - 1);
	known = &last[e->peer];
	if (known->type) {
		assert_true(known->type == before[e->type][0] ||
			    known->type == before[e->type][1]);
		assert_false(older(e->epoch, epoch));
	}
	if (e->type == FAMEZ_EVENT_DOWN && known->type)
		assert_int_equal(e->generation, known->generation);
	if (e->type == FAMEZ_EVENT_UP)
		assert_true(e->generation);
	epoch = e->epoch;
	*known = *e;
}

static struct famez_event by_a_child(int fd)
{
	struct famez_event e = { .size = sizeof(e) };
	int pipes[2], status;

	assert_int_equal(pipe(pipes), 0);
	if (!fork()) {
		int err = call(fd, FAMEZ_IOC_EVENT, &e);

		_exit(err || write(pipes[1], &e, sizeof(e)) != sizeof(e));
	}
	assert_true(wait(&status) > 0 && !status);
	assert_int_equal(read(pipes[0], &e, sizeof(e)), sizeof(e));
	close(pipes[0]);
	close(pipes[1]);
	return e;
}

/* The cursor is the file's: whoever shares it takes the next. */
static void test_order(void **state)
{
	int fd = open_device(0), other = dup(fd);

	(void)state;
	for (int i = 0; i < 60; i++) {
		struct famez_event e;

		if (i % 10 == 9)
			e = by_a_child(fd);
		else
			e = next_event(i % 2 ? fd : other);
		follow(&e);
	}
	close(fd);
	close(other);
}

static void test_starts_now(void **state)
{
	int fd = open_device(0), late;
	uint32_t epoch = epoch_now(fd);

	(void)state;
	/* time passes */
	while (older(next_event(fd).epoch, epoch + 4))
		;
	epoch = epoch_now(fd);
	late = open_device(0);
	assert_false(older(next_event(late).epoch, epoch));
	close(fd);
	close(late);
}

/* Who missed some is told so once, and what to list; then it goes on. */
static void test_overflow(void **state)
{
	int idle = open_device(0), busy = open_device(0);
	struct famez_event e, newest = { };
	struct famez_peer_info nobody;

	(void)state;
	for (int i = 0; i <= FAMEZ_EVENTS; i++) {
		newest = next_event(busy);
		assert_int_not_equal(newest.type, FAMEZ_EVENT_OVERFLOW);
	}
	assert_true(waiting(idle));
	e = next_event(idle);
	assert_int_equal(e.type, FAMEZ_EVENT_OVERFLOW);
	assert_false(e.peer || e.generation);
	assert_false(older(e.epoch, newest.epoch));
	assert_false(older(list_peer(idle, 0, &nobody), e.epoch));
	memset(last, 0, sizeof(last));
	for (int i = 0; i < 8; i++) {
		struct famez_event next = next_event(idle);

		follow(&next);
		assert_false(older(next.epoch, e.epoch));
	}
	close(idle);
	close(busy);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest life[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_birth),
		cmocka_unit_test(test_list_agrees),
		cmocka_unit_test(test_cursors),
		cmocka_unit_test(test_epoll),
		cmocka_unit_test(test_death),
	};
	const struct CMUnitTest churn[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_starts_now),
		cmocka_unit_test(test_overflow),
	};

	(void)echo_id;
	if (argc == 2 && !strcmp(argv[1], "life"))
		return RUN_PLAN("events: life", life);
	if (argc == 2 && !strcmp(argv[1], "churn"))
		return RUN_PLAN("events: churn", churn);
	fprintf(stderr, "usage: test-events life|churn\n");
	return 2;
}
