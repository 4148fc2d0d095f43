// SPDX-License-Identifier: GPL-2.0
/*
 * libfamez on a real switch: messages between programs on the host.  Each peer
 * is a process of its own; $FAMEZ_SERVER names the switch.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <famez.h>
#include "plan.h"
#include "switch.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define HANG_S		120	/* generous: what takes longer hangs */
#define WAKE_MS		20000	/* what is due must wake a poll before */
#define ROLES		4

static struct switch_process the_switch;

static int group_setup(void **state)
{
	(void)state;
	return start_switch(&the_switch, "16M", "14", NULL);
}

static int group_teardown(void **state)
{
	(void)state;
	return stop_switch(&the_switch, SIGTERM);
}

/* ---- Processes that play together ----------------------------------------- */

/* Common memory of the players of one test. */
static struct stage {
	atomic_int arrived;
	atomic_int mark;
	atomic_int more;
	atomic_int seen;
	uint32_t ids[ROLES];
	int players;
} *stage;

typedef void (*role_t)(struct famez *handle, int me);

/* In a child, cmocka's asserts would go on with its tests. */
#define CHECK(what) do { \
	if (!(what)) { \
		fprintf(stderr, "%s:%d: %s (errno %d)\n", __func__, __LINE__, \
			#what, errno); \
		end_child(1); \
	} \
} while (0)

#define CHECK_IS(call, expected) do { \
	int is_ = (call), should_ = (expected); \
	if (is_ != should_) { \
		fprintf(stderr, "%s:%d: %s is %d, not %d\n", __func__, \
			__LINE__, #call, is_, should_); \
		end_child(1); \
	} \
} while (0)

static void nap(void)
{
	usleep(500);
}

/* All are here; what arrives in the meantime stays where it is. */
static void meet(void)
{
	int round = atomic_fetch_add(&stage->arrived, 1) / stage->players;

	while (atomic_load(&stage->arrived) < (round + 1) * stage->players)
		nap();
}

static void wait_mark(int mark)
{
	while (atomic_load(&stage->mark) < mark)
		nap();
}

static void play(role_t role, int me, int flags)
{
	struct famez_info info = { .size = sizeof(info) };
	struct famez *handle;

	alarm(HANG_S);
	CHECK_IS(famez_open(&handle, the_switch.path, flags), 0);
	CHECK_IS(famez_get_info(handle, &info), 0);
	stage->ids[me] = info.id;
	meet();
	role(handle, me);
	meet();
	famez_close(handle);
	end_child(0);
}

/* Each role in a process; all must end well. */
static void run_flags(int flags, int count, const role_t *roles)
{
	pid_t pids[ROLES];
	int i, status;

	memset(stage, 0, sizeof(*stage));
	stage->players = count;
	for (i = 0; i < count; i++) {
		pids[i] = fork();
		if (!pids[i])
			play(roles[i], i, flags);
	}
	for (i = 0; i < count; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

#define RUN_FLAGS(flags, ...) do { \
	const role_t roles_[] = { __VA_ARGS__ }; \
	run_flags(flags, ARRAY_SIZE(roles_), roles_); \
} while (0)

#define RUN(...) RUN_FLAGS(0, __VA_ARGS__)

/* ---- Messages ------------------------------------------------------------- */

static uint8_t pattern(uint32_t seed, size_t i)
{
	return (seed * 2654435761U + i * 40503U) >> 13;
}

static void fill(uint8_t *data, size_t size, uint32_t seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = pattern(seed, i);
}

static void check_filled(const uint8_t *data, size_t size, uint32_t seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		CHECK(data[i] == pattern(seed, i));
}

static void wake_up(struct famez *handle)
{
	struct pollfd p = { .fd = famez_fd(handle), .events = POLLIN };

	CHECK_IS(poll(&p, 1, WAKE_MS), 1);
}

static void send_sizes(struct famez *handle, int me)
{
	uint8_t data[FAMEZ_MESSAGE_MAX];
	size_t size;

	(void)me;
	for (size = 0; size <= sizeof(data); size++) {
		fill(data, size, size);
		CHECK_IS(famez_send(handle, stage->ids[1], data, size), 0);
	}
}

static void recv_sizes(struct famez *handle, int me)
{
	uint8_t data[FAMEZ_MESSAGE_MAX];
	struct famez_info info = { .size = sizeof(info) };
	size_t size, got;
	uint32_t peer;

	(void)me;
	CHECK_IS(famez_get_info(handle, &info), 0);
	CHECK_IS(info.message_max, FAMEZ_MESSAGE_MAX);
	CHECK(info.layout_major == 1 && info.layout_minor == 0);
	for (size = 0; size <= sizeof(data); size++) {
		CHECK_IS(famez_recv(handle, &peer, data, sizeof(data), &got),
			 0);
		CHECK(peer == stage->ids[0]);
		CHECK(got == size);
		check_filled(data, size, size);
	}
}

static void test_all_sizes(void **state)
{
	(void)state;
	RUN(send_sizes, recv_sizes);
}

/* Sends sequence numbers until there is no room; how many went. */
static uint32_t send_until_full(struct famez *handle, uint32_t peer,
				uint32_t from)
{
	uint32_t data[25] = { };
	int r;

	for (;; from++) {
		data[0] = from;
		r = famez_send(handle, peer, data, sizeof(data));
		if (r == -EAGAIN)
			return from;
		CHECK_IS(r, 0);
	}
}

static void recv_sequence(struct famez *handle, uint32_t from, uint32_t to)
{
	uint32_t data[25], peer;
	size_t size;
	int r;

	while (from < to) {
		r = famez_recv(handle, &peer, data, sizeof(data), &size);
		if (r == -EAGAIN) {
			wake_up(handle);
			continue;
		}
		CHECK_IS(r, 0);
		CHECK(size == sizeof(data));
		CHECK_IS(data[0], from);
		from++;
	}
}

/*
 * Full is only what stays full once the receiver has had its say: it may take
 * messages out of the ring into its port's buffer.
 */
static void send_full(struct famez *handle, int me)
{
	uint32_t n, more, peer = stage->ids[1];
	uint64_t ns;
	size_t size;

	(void)me;
	for (more = 0, n = 1; n != more;) {
		n = more;
		CHECK_IS(famez_ping(handle, peer, WAKE_MS, &ns), 0);
		more = send_until_full(handle, peer, n);
	}
	CHECK(n > 20);
	atomic_store(&stage->mark, n);
	/* the receiver makes room, which wakes us */
	do {
		wake_up(handle);
		CHECK_IS(famez_recv(handle, &peer, NULL, 0, &size), -EAGAIN);
		more = send_until_full(handle, stage->ids[1], n);
	} while (more == n);
	atomic_store(&stage->more, more);
}

static void recv_full(struct famez *handle, int me)
{
	uint32_t peer;
	size_t size;
	int n, more, r;

	(void)me;
	/* answers the pings, and takes no message */
	while (!(n = atomic_load(&stage->mark))) {
		r = famez_recv(handle, &peer, NULL, 0, &size);
		CHECK(r == -EAGAIN || r == -EMSGSIZE);
		nap();
	}
	recv_sequence(handle, 0, n);
	while (!(more = atomic_load(&stage->more)))
		nap();
	recv_sequence(handle, n, more);
}

static void test_full(void **state)
{
	(void)state;
	RUN_FLAGS(FAMEZ_NONBLOCK, send_full, recv_full);
}

static void send_2000(struct famez *handle, int me)
{
	uint32_t data[250] = { }, i;

	(void)me;
	for (i = 0; i < 2000; i++) {
		data[0] = i;
		CHECK_IS(famez_send(handle, stage->ids[1], data, sizeof(data)),
			 0);
	}
}

static void recv_2000_late(struct famez *handle, int me)
{
	uint32_t data[250], i, peer;
	size_t size;

	(void)me;
	for (i = 0; i < 2000; i++) {
		if (i % 500 == 0)
			usleep(200000);	/* the sender falls asleep */
		CHECK_IS(famez_recv(handle, &peer, data, sizeof(data), &size),
			 0);
		CHECK(size == sizeof(data) && data[0] == i);
	}
}

static void test_blocking_sender(void **state)
{
	(void)state;
	RUN(send_2000, recv_2000_late);
}

static void recv_one(struct famez *handle, int me)
{
	char data[16];
	uint32_t peer;
	size_t size;

	(void)me;
	CHECK_IS(famez_recv(handle, &peer, data, sizeof(data), &size), 0);
	CHECK(size == 3 && !memcmp(data, "end", 3));
}

static void ping_both(struct famez *handle, int me)
{
	struct famez_info info = { .size = sizeof(info) };
	uint32_t i;
	uint64_t ns;

	(void)me;
	CHECK_IS(famez_get_info(handle, &info), 0);
	for (i = 0; i < 200; i++) {
		CHECK_IS(famez_ping(handle, info.server_id, WAKE_MS, &ns), 0);
		CHECK(ns > 0 && ns < WAKE_MS * 1000000ULL);
		CHECK_IS(famez_ping(handle, stage->ids[1], WAKE_MS, &ns), 0);
	}
	CHECK_IS(famez_ping(handle, FAMEZ_DEST_SERVER, WAKE_MS, &ns), 0);
	CHECK_IS(famez_ping(handle, info.id, WAKE_MS, &ns), -EINVAL);
	CHECK_IS(famez_ping(handle, info.peers_max, WAKE_MS, &ns),
		 -EHOSTUNREACH);
	CHECK_IS(famez_send(handle, stage->ids[1], "end", 3), 0);
}

static void test_ping(void **state)
{
	(void)state;
	RUN(ping_both, recv_one);
}

static void ping_deaf(struct famez *handle, int me)
{
	uint64_t ns;

	(void)me;
	CHECK_IS(famez_ping(handle, stage->ids[1], 50, &ns), -ETIMEDOUT);
	atomic_store(&stage->mark, 1);
	/* the late answer to the first is not taken for the second's */
	CHECK_IS(famez_ping(handle, stage->ids[1], WAKE_MS, &ns), 0);
	CHECK_IS(famez_send(handle, stage->ids[1], "end", 3), 0);
}

static void deaf_at_first(struct famez *handle, int me)
{
	wait_mark(1);
	recv_one(handle, me);
}

static void test_ping_timeout(void **state)
{
	(void)state;
	RUN(ping_deaf, deaf_at_first);
}

static void leaves_at_ping(struct famez *handle, int me)
{
	struct pollfd p = { .fd = famez_fd(handle), .events = POLLIN };
	uint32_t peer;
	size_t size;
	char c;

	(void)me;
	CHECK_IS(famez_recv(handle, &peer, &c, 1, &size), -EAGAIN);
	atomic_store(&stage->mark, 1);
	CHECK_IS(poll(&p, 1, WAKE_MS), 1);
	end_child(0);
}

static void ping_leaver(struct famez *handle, int me)
{
	uint64_t ns;
	int err;

	wait_mark(1);
	err = famez_ping(handle, stage->ids[!me], 1000 * HANG_S, &ns);
	/* the switch may have something to tell, too: then it has gone before */
	CHECK(err == -ECONNRESET || err == -ENOTCONN || err == -EHOSTUNREACH);
	atomic_store(&stage->seen, err == -ECONNRESET);
	end_child(0);
}

/* Who pings one that goes does not wait for the answer. */
static void test_ping_of_the_gone(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		RUN_FLAGS(FAMEZ_NONBLOCK, leaves_at_ping, ping_leaver);
		if (atomic_load(&stage->seen))
			break;
	}
	assert_true(i < 100);
}

static void talk_to_server(struct famez *handle, int me)
{
	struct famez_info info = { .size = sizeof(info) };
	uint32_t id;
	int i;

	(void)me;
	CHECK_IS(famez_get_info(handle, &info), 0);
	CHECK_IS(famez_lookup(handle, "server", &id), 0);
	CHECK(id == info.server_id);
	for (i = 0; i < 1000; i++)
		CHECK_IS(famez_send(handle, id, "is anybody there?", 17), 0);
	CHECK_IS(famez_send(handle, FAMEZ_DEST_SERVER, "", 0), 0);
}

static void test_to_server(void **state)
{
	(void)state;
	RUN(talk_to_server);
}

static void send_too_long(struct famez *handle, int me)
{
	uint8_t data[FAMEZ_MESSAGE_MAX + 1];

	(void)me;
	fill(data, sizeof(data), 5);
	CHECK_IS(famez_send(handle, stage->ids[1], data, sizeof(data)),
		 -EMSGSIZE);
	CHECK_IS(famez_send(handle, stage->ids[1], data, 100), 0);
	CHECK_IS(famez_send(handle, stage->ids[1], data, 101), 0);
}

static void recv_too_short(struct famez *handle, int me)
{
	uint8_t data[200];
	uint32_t peer;
	size_t size = 0;

	(void)me;
	CHECK_IS(famez_recv(handle, &peer, data, 99, &size), -EMSGSIZE);
	CHECK(size == 100);
	size = 0;
	CHECK_IS(famez_recv(handle, &peer, NULL, 0, &size), -EMSGSIZE);
	CHECK(size == 100);
	CHECK_IS(famez_recv(handle, &peer, data, 100, &size), 0);
	CHECK(size == 100);
	check_filled(data, 100, 5);
	CHECK_IS(famez_recv(handle, &peer, data, sizeof(data), &size), 0);
	CHECK(size == 101);
}

static void test_emsgsize(void **state)
{
	(void)state;
	RUN(send_too_long, recv_too_short);
}

/* ---- Everyone to everyone ------------------------------------------------- */

#define CROWD		3
#define CROWD_MESSAGES	4000

struct crowd_message {
	uint32_t sequence;
	uint32_t sum;
	uint8_t data[2000];
};

static uint32_t checksum(const uint8_t *data, size_t size, uint32_t sum)
{
	while (size--)
		sum = (sum ^ *data++) * 16777619U;
	return sum;
}

static size_t crowd_header(void)
{
	return offsetof(struct crowd_message, data);
}

static bool crowd_send(struct famez *handle, uint32_t peer, uint32_t sequence)
{
	struct crowd_message m = { .sequence = sequence };
	size_t size = (sequence * 7919U) % sizeof(m.data);
	int r;

	fill(m.data, size, sequence + peer);
	m.sum = checksum(m.data, size, sequence);
	r = famez_send(handle, peer, &m, crowd_header() + size);
	CHECK(r == 0 || r == -EAGAIN);
	return !r;
}

/* Return: who sent, or -1 when there is nothing */
static int crowd_recv(struct famez *handle, uint32_t *sequences)
{
	struct crowd_message m;
	uint32_t peer;
	size_t size;
	int r, who;

	r = famez_recv(handle, &peer, &m, sizeof(m), &size);
	if (r == -EAGAIN)
		return -1;
	CHECK_IS(r, 0);
	for (who = 0; stage->ids[who] != peer; who++)
		CHECK(who < CROWD);
	CHECK_IS(m.sequence, sequences[who]);
	CHECK(m.sum == checksum(m.data, size - crowd_header(), m.sequence));
	sequences[who]++;
	return who;
}

static void crowd(struct famez *handle, int me)
{
	uint32_t sent[CROWD] = { }, received[CROWD] = { };
	bool moved, done;
	int i;

	do {
		moved = false;
		done = true;
		for (i = 0; i < CROWD; i++) {
			if (i == me)
				continue;
			if (sent[i] < CROWD_MESSAGES &&
			    crowd_send(handle, stage->ids[i], sent[i])) {
				sent[i]++;
				moved = true;
			}
			done = done && sent[i] == CROWD_MESSAGES &&
			       received[i] == CROWD_MESSAGES;
		}
		while (crowd_recv(handle, received) >= 0) {
			moved = true;
			done = false;
		}
		if (!moved && !done)
			wake_up(handle);
	} while (!done);
}

static void test_crowd(void **state)
{
	(void)state;
	RUN_FLAGS(FAMEZ_NONBLOCK, crowd, crowd, crowd);
}

/* ---- famez_fd() ----------------------------------------------------------- */

/* ---- Room that another call has heard of ---------------------------------- */

static bool is_ready(struct famez *handle)
{
	struct pollfd p = { .fd = famez_fd(handle), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static int recv_any(struct famez *handle)
{
	uint8_t data[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;

	return famez_recv(handle, &peer, data, sizeof(data), &size);
}

#define STRAYS	8	/* rings that may still be on their way from the switch */

/* The switch has no more to say: it has configured the peer, and heard what it is. */
static void settle(struct famez *handle)
{
	struct famez_link_info link = { .size = sizeof(link) };
	uint64_t ns;
	int i;

	do
		CHECK_IS(recv_any(handle), -EAGAIN);
	while (!famez_get_link(handle, &link) && link.state != FAMEZ_LINK_CONFIGURED);
	for (i = 0; i < 2; i++)
		CHECK_IS(famez_ping(handle, FAMEZ_DEST_SERVER, WAKE_MS, &ns), 0);
}

/* Is there nothing to be read, nor to tell, after so many looks? */
static bool is_quiet(struct famez *handle, int looks)
{
	while (looks-- && is_ready(handle))
		CHECK_IS(recv_any(handle), -EAGAIN);
	return !is_ready(handle);
}

/* Until there is no more room; then the receiver reads all of it. */
static void fill_and_read(struct famez *from, struct famez *to, uint32_t id)
{
	uint8_t data[2000] = { };
	int r = 0;

	while (!r)
		r = famez_send(from, id, data, sizeof(data));
	CHECK_IS(r, -EAGAIN);
	for (r = 0; !r;)
		r = recv_any(to);
	CHECK_IS(r, -EAGAIN);
}

/* A call that finds nothing may take in the ring that tells of room. */
static void hear_of_room(struct famez *from, int me)
{
	struct famez_info info = { .size = sizeof(info) };
	struct famez *to;

	(void)me;
	CHECK_IS(famez_open(&to, the_switch.path, FAMEZ_NONBLOCK), 0);
	CHECK_IS(famez_get_info(to, &info), 0);
	settle(from);
	settle(to);
	fill_and_read(from, to, info.id);
	CHECK_IS(recv_any(from), -EAGAIN);
	CHECK(is_ready(from));
	/* it is sent to: that is all there was to tell */
	CHECK_IS(famez_send(from, info.id, "x", 1), 0);
	CHECK(is_quiet(from, STRAYS));
	/* who never comes back to it is not kept awake for ever */
	CHECK_IS(recv_any(to), 0);
	fill_and_read(from, to, info.id);
	CHECK(is_quiet(from, 100));
	famez_close(to);
}

/* In a process of its own, whose ids are free again when it has ended. */
static void test_room_told(void **state)
{
	(void)state;
	RUN_FLAGS(FAMEZ_NONBLOCK, hear_of_room);
}

#define BURSTS	2000

static void send_bursts(struct famez *handle, int me)
{
	uint32_t data[25] = { }, i;

	(void)me;
	for (i = 0; i < BURSTS; i++) {
		data[0] = i;
		CHECK_IS(famez_send(handle, stage->ids[1], data, sizeof(data)),
			 0);
		if (i % 17 == 0)
			usleep(1000);
	}
}

/* One call per wake-up, as the laziest event loop does it. */
static void recv_per_wakeup(struct famez *handle, int me)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	uint32_t data[25], peer, i = 0, idle = 0;
	size_t size;
	int r;

	(void)me;
	CHECK_IS(epoll_ctl(epoll, EPOLL_CTL_ADD, famez_fd(handle), &event), 0);
	while (i < BURSTS) {
		CHECK_IS(epoll_wait(epoll, &event, 1, WAKE_MS), 1);
		r = famez_recv(handle, &peer, data, sizeof(data), &size);
		if (r == -EAGAIN) {
			idle++;
			continue;
		}
		CHECK_IS(r, 0);
		CHECK_IS(data[0], i);
		i++;
	}
	/* some wake-ups are for nothing, but it does not spin */
	CHECK(idle < BURSTS + 100);
	while ((r = famez_recv(handle, &peer, data, sizeof(data), &size)) !=
	       -EAGAIN)
		CHECK_IS(r, 0);
}

/* The blocking sender needs a handle without FAMEZ_NONBLOCK. */
static void recv_per_wakeup_alone(struct famez *handle, int me)
{
	struct famez *other;
	struct famez_info info = { .size = sizeof(info) };

	CHECK_IS(famez_open(&other, the_switch.path, FAMEZ_NONBLOCK), 0);
	CHECK_IS(famez_get_info(other, &info), 0);
	stage->ids[me] = info.id;
	meet();
	recv_per_wakeup(other, me);
	famez_close(other);
	(void)handle;
}

static void send_bursts_alone(struct famez *handle, int me)
{
	meet();
	send_bursts(handle, me);
}

static void test_epoll(void **state)
{
	(void)state;
	RUN(send_bursts_alone, recv_per_wakeup_alone);
}

/* ---- Coming and going ----------------------------------------------------- */

static void die(struct famez *handle, int me)
{
	(void)handle;
	(void)me;
	/* the other is not to wait for us */
	atomic_fetch_add(&stage->arrived, 1);
	atomic_store(&stage->mark, 1);
	kill(getpid(), SIGKILL);
}

static void see_death(struct famez *handle, int me)
{
	int i, r = 0;

	(void)me;
	wait_mark(1);
	for (i = 0; i < WAKE_MS && r != -EHOSTUNREACH; i++) {
		r = famez_send(handle, stage->ids[1], "x", 1);
		CHECK(r == 0 || r == -EAGAIN || r == -ECONNRESET ||
		      r == -ENOTCONN || r == -EHOSTUNREACH);
		usleep(1000);
	}
	CHECK_IS(r, -EHOSTUNREACH);
}

static void test_killed_peer(void **state)
{
	pid_t pids[2];
	int i, status;

	(void)state;
	memset(stage, 0, sizeof(*stage));
	stage->players = 2;
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			play(i ? die : see_death, i, FAMEZ_NONBLOCK);
	}
	assert_int_equal(waitpid(pids[1], &status, 0), pids[1]);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(waitpid(pids[0], &status, 0), pids[0]);
	assert_int_equal(status, 0);
}

/* A blocked sender is not left asleep when its receiver dies. */
static void sleep_until_death(struct famez *handle, int me)
{
	static char data[4000];
	int r;

	(void)me;
	do {
		r = famez_send(handle, stage->ids[1], data, sizeof(data));
		atomic_store(&stage->mark, 1);
	} while (!r);
	CHECK(r == -EHOSTUNREACH || r == -ECONNRESET || r == -ENOTCONN);
}

static void die_later(struct famez *handle, int me)
{
	uint64_t ns;

	/* so that the channel is up, and fills */
	CHECK_IS(famez_ping(handle, stage->ids[0], WAKE_MS, &ns), 0);
	wait_mark(1);
	usleep(200000);
	die(handle, me);
}

static void test_sender_of_killed(void **state)
{
	pid_t pids[2];
	int i, status;

	(void)state;
	memset(stage, 0, sizeof(*stage));
	stage->players = 2;
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			play(i ? die_later : sleep_until_death, i, 0);
	}
	assert_int_equal(waitpid(pids[1], &status, 0), pids[1]);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(waitpid(pids[0], &status, 0), pids[0]);
	assert_int_equal(status, 0);
}

/* Who says goodbye is still heard; a newcomer reaches one that sleeps. */
static void send_and_go(struct famez *handle, int me)
{
	uint32_t i;

	for (i = 0; i < 10; i++) {
		struct famez *guest;

		CHECK_IS(famez_open(&guest, the_switch.path, 0), 0);
		CHECK_IS(famez_send(guest, stage->ids[1], &i, sizeof(i)), 0);
		famez_close(guest);
	}
	(void)handle;
	(void)me;
}

static void recv_guests(struct famez *handle, int me)
{
	uint32_t i, n, peer;
	size_t size;

	(void)me;
	for (i = 0; i < 10; i++) {
		CHECK_IS(famez_recv(handle, &peer, &n, sizeof(n), &size), 0);
		CHECK_IS(n, i);
		CHECK(peer != stage->ids[0]);
	}
}

static void test_guests(void **state)
{
	(void)state;
	RUN(send_and_go, recv_guests);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(struct famez *handle, int me)
{
	struct sigaction action = { .sa_handler = on_alarm,
				    .sa_flags = SA_RESTART };
	struct itimerval timer = { .it_value.tv_usec = 100000 };
	uint32_t peer;
	size_t size;
	char c;

	(void)me;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK_IS(famez_recv(handle, &peer, &c, 1, &size), -EINTR);
}

static void test_interrupted(void **state)
{
	(void)state;
	RUN(interrupted);
}

/* ---- Timeouts ------------------------------------------------------------- */

#define TIMEOUT_MS	100

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void wait_in_vain(struct famez *handle, int me)
{
	struct famez_event event = { .size = sizeof(event) };
	double start = now_ms();
	uint32_t peer;
	size_t size;
	char c;
	int r;

	(void)me;
	famez_set_timeout(handle, TIMEOUT_MS);
	CHECK_IS(famez_recv(handle, &peer, &c, 1, &size), -ETIMEDOUT);
	CHECK(now_ms() - start >= TIMEOUT_MS);
	/* there may be some of the test before */
	do {
		start = now_ms();
		r = famez_next_event(handle, &event);
	} while (!r);
	CHECK_IS(r, -ETIMEDOUT);
	CHECK(now_ms() - start >= TIMEOUT_MS);
	atomic_store(&stage->mark, 1);
}

/* Keeps the other one awake, with nothing that it waits for. */
static void ping_always(struct famez *handle, int me)
{
	uint64_t ns;

	(void)me;
	while (!atomic_load(&stage->mark))
		famez_ping(handle, stage->ids[0], 10, &ns);
}

static void test_recv_timeout(void **state)
{
	(void)state;
	RUN(wait_in_vain);
	RUN(wait_in_vain, ping_always);
}

static void send_to_deaf(struct famez *handle, int me)
{
	uint32_t data[250] = { };
	double start;
	int r;

	(void)me;
	famez_set_timeout(handle, TIMEOUT_MS);
	for (;; data[0]++) {
		start = now_ms();
		r = famez_send(handle, stage->ids[1], data, sizeof(data));
		if (r)
			break;
	}
	CHECK_IS(r, -ETIMEDOUT);
	CHECK(now_ms() - start >= TIMEOUT_MS);
	CHECK(data[0] > 5);
	/* with no timeout, it comes to that one's turn */
	famez_set_timeout(handle, 0);
	atomic_store(&stage->mark, data[0]);
	CHECK_IS(famez_send(handle, stage->ids[1], data, sizeof(data)), 0);
}

static void hear_late(struct famez *handle, int me)
{
	uint32_t data[250], i, n, peer;
	uint64_t ns;
	size_t size;

	(void)me;
	/* so that the channel is up, and fills */
	CHECK_IS(famez_ping(handle, stage->ids[0], WAKE_MS, &ns), 0);
	while (!(n = atomic_load(&stage->mark)))
		nap();
	/* what timed out was not sent */
	for (i = 0; i <= n; i++) {
		CHECK_IS(famez_recv(handle, &peer, data, sizeof(data), &size),
			 0);
		CHECK_IS(data[0], i);
	}
}

static void test_send_timeout(void **state)
{
	(void)state;
	RUN(send_to_deaf, hear_late);
}

/* ---- Events --------------------------------------------------------------- */

/* A short life in a process of its own: it says its id, and waits for its end. */
static void live(const atomic_int *end, int at)
{
	struct famez_info info = { .size = sizeof(info) };
	struct famez *handle;
	int r;

	alarm(HANG_S);
	/* ids of those who have just died come back after a while */
	while ((r = famez_open(&handle, the_switch.path, 0)) == -EUSERS)
		nap();
	CHECK_IS(r, 0);
	CHECK_IS(famez_get_info(handle, &info), 0);
	CHECK_IS(famez_send(handle, stage->ids[0], &info, sizeof(info)), 0);
	while (atomic_load(end) < at)
		nap();
	famez_close(handle);
	end_child(0);
}

/* One that ends well, one that is killed. */
static void two_lives(struct famez *handle, int me)
{
	int status;
	pid_t pid;

	(void)handle;
	(void)me;
	pid = fork();
	if (!pid)
		live(&stage->mark, 1);
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	/* who comes with the same id before a look hides that this one left */
	while (!atomic_load(&stage->seen))
		nap();
	pid = fork();
	if (!pid)
		live(&stage->mark, 1000);
	wait_mark(2);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
}

/* The next event of one peer. */
static void next_of(struct famez *handle, uint32_t peer,
		    struct famez_event *event)
{
	static uint32_t epoch;

	do {
		CHECK_IS(famez_next_event(handle, event), 0);
		CHECK((int32_t)(event->epoch - epoch) >= 0);
		epoch = event->epoch;
	} while (event->peer != peer);
}

static void see_life(struct famez *handle, int mark)
{
	struct famez_event event = { .size = sizeof(event) };
	struct famez_info info = { .size = sizeof(info) };
	uint32_t peer;
	size_t size;

	CHECK_IS(famez_recv(handle, &peer, &info, sizeof(info), &size), 0);
	CHECK(size == sizeof(info) && peer == info.id);
	/* who had this id in the test before may have to leave yet */
	do
		next_of(handle, peer, &event);
	while (event.type != FAMEZ_EVENT_JOINED);
	next_of(handle, peer, &event);
	CHECK_IS(event.type, FAMEZ_EVENT_UP);
	CHECK(event.generation == info.generation);
	atomic_store(&stage->mark, mark);
	next_of(handle, peer, &event);
	CHECK_IS(event.type, FAMEZ_EVENT_DOWN);
	CHECK(event.generation == info.generation);
	next_of(handle, peer, &event);
	CHECK_IS(event.type, FAMEZ_EVENT_LEFT);
	atomic_store(&stage->seen, 1);
}

static void see_lives(struct famez *handle, int me)
{
	(void)me;
	see_life(handle, 1);
	see_life(handle, 2);
}

static void test_events(void **state)
{
	(void)state;
	RUN(see_lives, two_lives);
}

#define LIVES	200	/* each has two events or more, 256 are kept */

static void many_lives(struct famez *handle, int me)
{
	int i, status;
	pid_t pid;

	(void)handle;
	(void)me;
	for (i = 1; i <= LIVES + 1; i++) {
		pid = fork();
		if (!pid)
			live(&stage->mark, i);
		CHECK(waitpid(pid, &status, 0) == pid && !status);
		/* the last one is seen by a follower who has caught up */
		while (i == LIVES && !atomic_load(&stage->more))
			nap();
	}
}

static void see_many(struct famez *handle, int me)
{
	struct famez_event event = { .size = sizeof(event) };
	struct famez_info info = { .size = sizeof(info) };
	uint32_t i, peer;
	size_t size;
	int r;

	(void)me;
	for (i = 1; i <= LIVES; i++) {
		CHECK_IS(famez_recv(handle, &peer, &info, sizeof(info), &size),
			 0);
		atomic_store(&stage->mark, i);
	}
	CHECK_IS(famez_next_event(handle, &event), 0);
	CHECK_IS(event.type, FAMEZ_EVENT_OVERFLOW);
	CHECK(event.peer == 0 && event.generation == 0 && event.epoch);
	famez_set_timeout(handle, 500);
	while (!(r = famez_next_event(handle, &event)))
		CHECK(event.type != FAMEZ_EVENT_OVERFLOW);
	CHECK_IS(r, -ETIMEDOUT);
	famez_set_timeout(handle, 0);
	atomic_store(&stage->more, 1);
	see_life(handle, LIVES + 1);
}

static void test_overflow(void **state)
{
	(void)state;
	RUN(see_many, many_lives);
}

/* Takes messages until there is nothing to wake up for. */
static void quieten(struct famez *handle)
{
	struct pollfd p = { .fd = famez_fd(handle), .events = POLLIN };
	char data[sizeof(struct famez_info)];
	uint32_t peer;
	size_t size;
	int i, r;

	for (i = 0; poll(&p, 1, 300); i++) {
		r = famez_recv(handle, &peer, data, sizeof(data), &size);
		CHECK(r == -EAGAIN || r == 0);
		CHECK(i < 1000);
	}
}

static void see_by_fd(struct famez *handle, int me)
{
	struct pollfd p = { .fd = famez_fd(handle), .events = POLLIN };
	struct famez_event event = { .size = sizeof(event) };
	uint32_t peer;
	size_t size;
	int i;

	(void)me;
	/* two come and go, for which nobody here asks */
	atomic_store(&stage->seen, 1);
	atomic_store(&stage->mark, 2);
	while (!atomic_load(&stage->more)) {
		famez_recv(handle, &peer, NULL, 0, &size);
		nap();
	}
	quieten(handle);
	CHECK_IS(famez_next_event(handle, &event), 0);
	/* now somebody has, and there are more */
	CHECK_IS(famez_recv(handle, &peer, NULL, 0, &size), -EAGAIN);
	CHECK_IS(poll(&p, 1, 0), 1);
	for (i = 0; !famez_next_event(handle, &event); i++)
		CHECK(i < 1000);
	CHECK_IS(poll(&p, 1, 0), 0);
}

static void live_by_fd(struct famez *handle, int me)
{
	two_lives(handle, me);
	atomic_store(&stage->more, 1);
}

static void test_event_fd(void **state)
{
	(void)state;
	RUN_FLAGS(FAMEZ_NONBLOCK, see_by_fd, live_by_fd);
}

/* ---- Doorbells -------------------------------------------------------------- */

enum { RINGS = 100 };

/* How often it was signalled since. */
static int taken(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) < 0)
		CHECK_IS(errno, EAGAIN);
	return count;
}

/* Waits to be rung @rings times in all. */
static void be_rung(struct famez *handle, int rings)
{
	uint32_t peer;
	size_t size;

	while (atomic_load(&stage->more) < rings)
		nap();
	wake_up(handle);
	CHECK_IS(famez_recv(handle, &peer, NULL, 0, &size), -EAGAIN);
	atomic_store(&stage->mark, rings);
}

static void refuse_ears(struct famez *handle, int fd)
{
	struct famez_info info = { .size = sizeof(info) };
	int pipes[2];

	CHECK_IS(famez_get_info(handle, &info), 0);
	CHECK_IS(famez_doorbell_eventfd(handle, info.vectors_armed, fd), -EINVAL);
	CHECK_IS(famez_doorbell_eventfd(handle, 3, 1000), -EBADF);
	CHECK_IS(famez_doorbell_eventfd(handle, 3, -2), -EBADF);
	CHECK_IS(pipe(pipes), 0);
	CHECK_IS(famez_doorbell_eventfd(handle, 3, pipes[1]), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
}

static void hear(struct famez *handle, int me)
{
	int fd = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
	int i, copy = dup(other);

	(void)me;
	CHECK_IS(famez_doorbell_eventfd(handle, 4, fd), 0);
	CHECK_IS(famez_doorbell_eventfd(handle, 3, fd), 0);
	CHECK_IS(famez_doorbell_eventfd(handle, 4, -1), 0);
	refuse_ears(handle, fd);
	meet();
	for (i = 0; i < RINGS; i++) {
		be_rung(handle, i + 1);
		CHECK_IS(taken(fd), 1);
	}
	/* on the other vector */
	be_rung(handle, RINGS + 1);
	CHECK_IS(taken(fd), 0);
	CHECK_IS(famez_doorbell_eventfd(handle, 3, other), 0);
	close(other);
	be_rung(handle, RINGS + 2);
	CHECK_IS(taken(fd), 0);
	CHECK_IS(taken(copy), 1);
}

static void ring_once(struct famez *handle, uint32_t vector)
{
	int rings = atomic_load(&stage->more) + 1;

	CHECK_IS(famez_doorbell(handle, stage->ids[0], vector), 0);
	atomic_store(&stage->more, rings);
	wait_mark(rings);
}

static void ring(struct famez *handle, int me)
{
	struct famez_info info = { .size = sizeof(info) };
	int i;

	CHECK_IS(famez_get_info(handle, &info), 0);
	CHECK_IS(famez_doorbell(handle, 13, 3), -EHOSTUNREACH);
	CHECK_IS(famez_doorbell(handle, FAMEZ_DEST_SERVER, 3), 0);
	CHECK_IS(famez_doorbell(handle, info.peers_max, 3), -EHOSTUNREACH);
	CHECK_IS(famez_doorbell(handle, stage->ids[0], info.vectors), -EINVAL);
	CHECK_IS(famez_doorbell(handle, stage->ids[me], 3), 0);
	meet();
	for (i = 0; i < RINGS; i++)
		ring_once(handle, 3);
	ring_once(handle, 4);
	ring_once(handle, 3);
}

static void test_doorbells(void **state)
{
	(void)state;
	RUN_FLAGS(FAMEZ_NONBLOCK, hear, ring);
}

/* ---- FAM and peers -------------------------------------------------------- */

static void *map_all(struct famez *handle, uint64_t *size)
{
	struct famez_info info = { .size = sizeof(info) };
	void *fam;

	CHECK_IS(famez_get_info(handle, &info), 0);
	*size = info.fam_size;
	CHECK_IS(famez_map(handle, 0, info.fam_size, 1, &fam), 0);
	return fam;
}

static void write_fam(struct famez *handle, int me)
{
	uint64_t size;
	uint8_t *fam = map_all(handle, &size);

	(void)me;
	fill(fam, 100000, 1);
	fill(fam + size - 5000, 5000, 2);
	atomic_store(&stage->mark, 1);
}

static void read_fam(struct famez *handle, int me)
{
	uint64_t size;
	uint8_t *fam = map_all(handle, &size);

	(void)me;
	wait_mark(1);
	check_filled(fam, 100000, 1);
	check_filled(fam + size - 5000, 5000, 2);
}

static void test_fam(void **state)
{
	(void)state;
	RUN(write_fam, read_fam);
}

static void see_peers(struct famez *handle, int me)
{
	struct famez_peer_info *peers;
	size_t count, i, found = 0;
	uint32_t id;
	char name[32];

	CHECK_IS(famez_get_peers(handle, &peers, &count, sizeof(*peers)), 0);
	CHECK(count >= 3);
	for (i = 0; i < count; i++) {
		if (peers[i].id != stage->ids[0] &&
		    peers[i].id != stage->ids[1])
			continue;
		found++;
		CHECK_IS(peers[i].state, FAMEZ_PEER_STATE_UP);
		CHECK_IS(peers[i].kind, FAMEZ_PEER_KIND_HOST);
		CHECK(!strcmp(peers[i].cclass, "HostProgram"));
		CHECK(peers[i].generation);
		CHECK_IS(famez_lookup(handle, peers[i].name, &id), 0);
		CHECK(id == peers[i].id);
	}
	CHECK_IS(found, 2);
	free(peers);
	snprintf(name, sizeof(name), "%.20s.%d", program_invocation_short_name,
		 getpid());
	CHECK_IS(famez_lookup(handle, name, &id), 0);
	CHECK(id == stage->ids[me]);
}

static void test_peers(void **state)
{
	(void)state;
	RUN(see_peers, see_peers);
}

/* ---- Programs ------------------------------------------------------------- */

/*
 * Runs a shell script; "tries COMMAND" repeats it until it succeeds, "spawn
 * COMMAND" lets it run in the background until the end.
 */
static void run_script(const char *script)
{
	static const char start[] =
		"set -e; PATH=$PWD/build/bin:$PWD/build/examples:$PATH\n"
		"pids=; t=$(mktemp -d); trap 'rm -rf $t; kill $pids' EXIT\n"
		"spawn() { \"$@\" & pids=\"$pids $!\"; }; spawn sleep 60\n"
		"tries() { for i in $(seq 100); do \"$@\" 2>>$t/errors &&\n"
		"return; sleep 0.1; done; cat $t/errors >&2; return 1; }\n";
	char *whole;
	int status;

	assert_true(asprintf(&whole, "%s%s", start, script) > 0);
	setenv("FAMEZ_DEVICE", the_switch.path, 1);
	status = system(whole);
	unsetenv("FAMEZ_DEVICE");
	free(whole);
	assert_int_equal(status, 0);
}

static void test_examples(void **state)
{
	(void)state;
	run_script("FAMEZ_NAME=ann hello_fabric | grep 'hello from ann'");
	run_script("ring count >$t/out & count=$!\n"
		   "ring two words\n"
		   "wait $count\n"
		   "grep -q '2 words, 8 bytes' $t/out");
	run_script("spawn env FAMEZ_NAME=srv request-reply serve\n"
		   "ask() { [ \"$(request-reply srv loud)\" = LOUD ]; }\n"
		   "tries ask");
	run_script("spawn env FAMEZ_NAME=loop epoll-loop >$t/out\n"
		   "tries famez-client send loop hi\n"
		   "tries grep -q ': hi$' $t/out\n"
		   /* who comes when it is there for sure; but who has left before
		    * anybody looked has never come
		    */
		   "come() { famez-client peers >$t/1; grep -q 'event 2' $t/out; }\n"
		   "tries come");
	run_script("spawn env FAMEZ_NAME=srv service >$t/out\n"
		   "tries service srv two words\n"
		   "tries grep -q '5 bytes from' $t/out\n"
		   "grep -q '3 bytes from' $t/out");
	run_script("mkfifo $t/in; exec 3<>$t/in\n"
		   "spawn sh -c 'FAMEZ_NAME=ann exec chat server <&3' >$t/out\n"
		   "say() { (sleep 0.2; echo hi; sleep 0.2) | chat ann;\n"
		   "grep -q ': hi$' $t/out; }\n"
		   "tries say");
}

static void test_commands(void **state)
{
	(void)state;
	run_script("famezctl list --json | grep '^\\[' >$t/1\n"
		   "famezctl info --json | grep '\"config\":\"famez\"' >$t/1\n"
		   "famezctl peers --json | grep '\"self\":true' >$t/1\n"
		   "famezctl ping server -c 2 -i 1 | grep ' 0% lost' >$t/1\n"
		   "famezctl ping server -j | grep '\"received\":3' >$t/1");
	run_script("head -c 9999 /dev/urandom >$t/in\n"
		   "famezctl write 1001 --input $t/in\n"
		   "famezctl read 1001 9999 --output $t/out\n"
		   "cmp $t/in $t/out\n"
		   "famezctl dump 1001 20 >$t/line\n"
		   "grep -q '^000003e9  .*|$' $t/line\n"
		   "head -c 99 /dev/zero | famezctl write 4K\n"
		   "[ $(famezctl dump 4K 99 | wc -l) = 4 ]\n"
		   "[ $(famezctl dump --all 4K 99 | wc -l) = 8 ]");
	run_script("spawn env FAMEZ_NAME=ear famez-client listen >$t/heard\n"
		   "spawn env FAMEZ_NAME=eye famezctl monitor -j >$t/seen\n"
		   "tries famezctl ping eye -c 1 >$t/1\n"
		   /* likewise, its name */
		   "said() { FAMEZ_NAME=bob famez-client send ear some words;\n"
		   "grep -q '^[0-9]* (bob): some words$' $t/heard; }\n"
		   "tries said\n"
		   /* one that is gone before anybody looks is not told of by name */
		   "spawn env FAMEZ_NAME=bob famez-client listen >$t/1\n"
		   "tries grep -q '\"up\",\"peer\":[0-9]*,\"name\":\"bob\"' $t/seen\n"
		   "kill $!; pids=${pids% *}\n"
		   "tries grep -q '\"left\",\"peer\":[0-9]*,\"name\":\"bob\"' $t/seen");
	run_script("! famezctl recv -t 0.1 >$t/1 2>&1 || exit 1\n"
		   "! famezctl monitor -t 0.1 >$t/1 2>&1 || exit 1\n"
		   "famez-client info 2>$t/2 || [ $? = 2 ]\n"
		   "grep -q 'no verb' $t/2");
}

/* ---- The switch goes ------------------------------------------------------ */

static void outlive_switch(const struct switch_process *sw)
{
	struct famez *handle;
	uint64_t size, ns;
	uint32_t peer;
	int heard = eventfd(0, EFD_NONBLOCK);
	uint8_t *fam;
	size_t got;
	char c;

	alarm(HANG_S);
	CHECK_IS(famez_open(&handle, sw->path, 0), 0);
	CHECK_IS(famez_ping(handle, FAMEZ_DEST_SERVER, WAKE_MS, &ns), 0);
	fam = map_all(handle, &size);
	CHECK_IS(famez_doorbell_eventfd(handle, 3, heard), 0);
	atomic_store(&stage->mark, 1);
	CHECK_IS(famez_recv(handle, &peer, &c, 1, &got), -ENODEV);
	/* nobody waits for ever */
	CHECK_IS(taken(heard), 1);
	CHECK_IS(famez_doorbell_eventfd(handle, 3, heard), -ENODEV);
	CHECK_IS(famez_doorbell(handle, 1, 3), -ENODEV);
	CHECK_IS(famez_send(handle, FAMEZ_DEST_SERVER, "", 0), -ENODEV);
	wake_up(handle);
	fill(fam, size, 1);
	check_filled(fam, size, 1);
	munmap(fam, size);
	fam = map_all(handle, &size);
	check_filled(fam, size, 1);
	famez_close(handle);
	check_filled(fam, size, 1);
	end_child(0);
}

static void test_switch_goes(void **state)
{
	static const int signals[] = { SIGTERM, SIGKILL };
	struct switch_process sw;
	int status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < 2; i++) {
		atomic_store(&stage->mark, 0);
		assert_int_equal(start_switch(&sw, "16M", "14", NULL), 0);
		pid = fork();
		if (!pid)
			outlive_switch(&sw);
		wait_mark(1);
		usleep(50000);
		stop_switch(&sw, signals[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void fill_switch(const struct switch_process *sw)
{
	struct famez *handles[3];

	alarm(HANG_S);
	CHECK_IS(famez_open(&handles[0], sw->path, 0), 0);
	CHECK_IS(famez_open(&handles[1], sw->path, 0), 0);
	CHECK_IS(famez_open(&handles[2], sw->path, 0), -EUSERS);
	CHECK(!handles[2]);
	famez_close(handles[0]);
	famez_close(handles[1]);
	end_child(0);
}

static void test_switch_full(void **state)
{
	struct switch_process sw;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(start_switch(&sw, "16M", "2", NULL), 0);
	pid = fork();
	if (!pid)
		fill_switch(&sw);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	stop_switch(&sw, SIGTERM);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_ping_timeout),
		cmocka_unit_test(test_ping_of_the_gone),
		cmocka_unit_test(test_to_server),
		cmocka_unit_test(test_all_sizes),
		cmocka_unit_test(test_emsgsize),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_blocking_sender),
		cmocka_unit_test(test_epoll),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_room_told),
		cmocka_unit_test(test_guests),
		cmocka_unit_test(test_killed_peer),
		cmocka_unit_test(test_sender_of_killed),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_recv_timeout),
		cmocka_unit_test(test_send_timeout),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_event_fd),
		cmocka_unit_test(test_doorbells),
		cmocka_unit_test(test_fam),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_switch_full),
		cmocka_unit_test(test_switch_goes),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stage == MAP_FAILED)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return run_plan(cmocka_run_group_tests(tests, group_setup,
					       group_teardown),
			sizeof(tests) / sizeof(tests[0]));
}
