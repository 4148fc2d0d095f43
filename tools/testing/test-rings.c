// SPDX-License-Identifier: GPL-2.0
/*
 * User-space rings, by the library: in a guest, or on the host.  Leaves no region behind.
 *
 * test-rings [-n RECORDS] [DEVICE|SOCKET]; without, on a switch of its own
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <famez.h>
#include <linux/famez_fabric.h>

#include "plan.h"
#include "switch.h"

#define NAME	"test-rings"
#define SIZE	4096U
#define HANG_MS	60000

static const char *path;
static uint32_t records = 20000;

/* Two programs in one: each end has a peer of its own, where that can be. */
static struct famez *first_peer, *second_peer;
static struct famez_ring *a, *b;

/* ---- Both ends -------------------------------------------------------------------- */

static int open_first(int flags)
{
	return famez_ring_open(&a, first_peer, NAME, SIZE, flags);
}

static int open_second(int flags)
{
	return famez_ring_open(&b, second_peer, NAME, SIZE, flags | FAMEZ_RING_SECOND);
}

/* They meet by calls of each in turn: nobody sleeps here. */
static int meet(void)
{
	int i, ra = -EAGAIN, rb = -EAGAIN;

	for (i = 0; i < 100 && (ra || rb); i++) {
		ra = famez_ring_connect(a);
		rb = famez_ring_connect(b);
	}
	return ra ? ra : rb;
}

static int set_up_pair(void **state)
{
	(void)state;
	assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
	assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
	assert_int_equal(meet(), 0);
	return 0;
}

static void close_end(struct famez_ring **r)
{
	famez_ring_close(*r);
	*r = NULL;
}

static int tear_down(void **state)
{
	(void)state;
	close_end(&a);
	close_end(&b);
	famez_region_remove(first_peer, NAME);
	return 0;
}

static int send_text(struct famez_ring *r, const char *text)
{
	return famez_ring_send(r, text, strlen(text));
}

/* 0: what has come is that text */
static int recv_text(struct famez_ring *r, const char *text)
{
	char data[64];
	size_t size;
	int err = famez_ring_recv(r, data, sizeof(data), &size);

	if (err)
		return err;
	assert_int_equal(size, strlen(text));
	assert_memory_equal(data, text, size);
	return 0;
}

static void receive_all(struct famez_ring *r)
{
	char data[SIZE];
	size_t size;
	int i, err = 0;

	for (i = 0; i < 1000 && err != -EAGAIN; i++) {
		err = famez_ring_recv(r, data, sizeof(data), &size);
		assert_true(!err || err == -ECONNRESET || err == -EBADMSG || err == -EAGAIN);
	}
	assert_int_equal(err, -EAGAIN);
}

/* Whatever was spoilt: a few calls of both, and records pass. */
static void recovers(void)
{
	char data[SIZE];
	size_t size;
	int i;

	for (i = 0; i < 8; i++) {
		famez_ring_send(a, "x", 1);
		famez_ring_send(b, "x", 1);
		famez_ring_recv(a, data, sizeof(data), &size);
		famez_ring_recv(b, data, sizeof(data), &size);
	}
	assert_int_equal(meet(), 0);
	/* each puts its half right when it has nothing to do */
	for (i = 0; i < 2; i++) {
		receive_all(a);
		receive_all(b);
	}
	assert_int_equal(send_text(a, "well"), 0);
	assert_int_equal(send_text(b, "fine"), 0);
	assert_int_equal(recv_text(b, "well"), 0);
	assert_int_equal(recv_text(a, "fine"), 0);
}

/* The region's bytes, as any stranger has them. */
static uint32_t *stranger(size_t *words)
{
	struct famez_region_info region;
	void *at;

	assert_int_equal(famez_region_open(first_peer, NAME, 0, 0, &region, sizeof(region)), 0);
	assert_int_equal(famez_map(first_peer, region.offset, region.length, FAMEZ_MAP_WRITE,
				   &at), 0);
	*words = region.length / 4;
	return at;
}

/* ---- Opening ---------------------------------------------------------------------- */

static void test_open_errors(void **state)
{
	struct famez_region_info region;

	(void)state;
	assert_int_equal(open_first(4), -EINVAL);
	assert_null(a);
	assert_int_equal(famez_ring_open(&a, first_peer, "a b", SIZE, 0), -EINVAL);
	assert_int_equal(famez_ring_open(&a, first_peer, NAME, 0, 0), -ENOENT);
	assert_int_equal(famez_ring_open(&a, first_peer, NAME, (256U << 20) + 1, 0), -EINVAL);
	assert_int_equal(famez_ring_open(&a, first_peer, NAME, 256U << 20, 0), -ENOSPC);
	famez_ring_close(NULL);

	/* one that is there has to be large enough, and is not for kernels */
	assert_int_equal(famez_region_open(first_peer, NAME, 4096, FAMEZ_REGION_CREATE,
					   &region, sizeof(region)), 0);
	assert_int_equal(open_first(0), -EFBIG);
	assert_int_equal(famez_ring_open(&a, first_peer, NAME, 0, 0), -EFBIG);
	famez_region_remove(first_peer, NAME);
	assert_int_equal(famez_region_open(first_peer, NAME, 4096,
					   FAMEZ_REGION_CREATE | FAMEZ_REGION_DAX, &region,
					   sizeof(region)), 0);
	assert_int_equal(open_first(0), -EBUSY);
	famez_region_remove(first_peer, NAME);
	assert_int_equal(famez_region_open(first_peer, NAME, 4 * SIZE,
					   FAMEZ_REGION_CREATE | FAMEZ_REGION_SCRATCH,
					   &region, sizeof(region)), 0);
	assert_int_equal(open_first(0), 0);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(famez_ring_open(&a, first_peer, NAME, 70000, 0), 0);
	assert_int_equal(famez_ring_record_max(a), 131072 / 2 - 24);
	/* the other end has the same, whatever it asked for */
	assert_int_equal(open_second(0), 0);
	assert_int_equal(famez_ring_record_max(b), 131072 / 2 - 24);
	close_end(&b);
	assert_int_equal(famez_ring_open(&b, second_peer, NAME, 131073, 0), -EFBIG);
	close_end(&a);
	famez_region_remove(first_peer, NAME);
	assert_int_equal(famez_ring_open(&a, first_peer, NAME, 1, 0), 0);
	assert_int_equal(famez_ring_record_max(a), 4096 / 2 - 24);
}

static void test_taken(void **state)
{
	struct famez_ring *r;

	(void)state;
	assert_int_equal(famez_ring_open(&r, second_peer, NAME, SIZE, 0), -EADDRINUSE);
	assert_null(r);
	assert_int_equal(famez_ring_open(&r, first_peer, NAME, SIZE, FAMEZ_RING_SECOND),
			 -EADDRINUSE);
	/* nothing of that was noticed */
	assert_int_equal(send_text(a, "still"), 0);
	assert_int_equal(recv_text(b, "still"), 0);
	close_end(&a);
	assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
}

/* The handle by which it was opened is not needed any more. */
static void test_handle_closed(void **state)
{
	(void)state;
	famez_close(second_peer);
	assert_int_equal(send_text(a, "one"), 0);
	assert_int_equal(recv_text(b, "one"), 0);
	close_end(&b);
	assert_int_equal(famez_open(&second_peer, path, 0), 0);
}

static void words_are_zero(const uint32_t *words, size_t from, size_t to)
{
	while (from < to)
		assert_int_equal(words[from++], 0);
}

/* Of the area, both ends, and the halves that each has of two channels. */
static void reserved_is_zero(void)
{
	size_t words, i, at;
	uint32_t *memory = stranger(&words);

	words_are_zero(memory, 2, 16);
	for (i = 0; i < 2; i++) {
		at = 1024 + i * (2048 + SIZE) / 4;
		words_are_zero(memory, 16 * i + 19, 16 * i + 32);
		words_are_zero(memory, at + 5, at + 16);
		words_are_zero(memory, at + 17, at + 32);
		words_are_zero(memory, at + 163, at + 176);
		words_are_zero(memory, at + 177, at + 192);
	}
	munmap(memory, words * 4);
}

/* What was there before says nothing; memory is seldom zero. */
static void test_garbage_before(void **state)
{
	size_t words, i, round;
	uint32_t *memory, seed = 1;

	(void)state;
	assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
	for (round = 0; round < 4; round++) {
		close_end(&a);
		memory = stranger(&words);
		for (i = 0; i < words; i++) {
			seed = seed * 1664525 + 1013904223;
			memory[i] = round ? seed >> (round - 1) : ~0U;
		}
		munmap(memory, words * 4);
		assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
		assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
		assert_int_equal(meet(), 0);
		assert_int_equal(send_text(a, "through"), 0);
		assert_int_equal(recv_text(b, "through"), 0);
		assert_int_equal(send_text(b, "and back"), 0);
		assert_int_equal(recv_text(a, "and back"), 0);
		reserved_is_zero();
		close_end(&b);
	}
}

/* Another version's, and in use: it is left alone. */
static void test_another_version(void **state)
{
	struct famez_ring *r;
	uint32_t *memory;
	size_t words;

	(void)state;
	memory = stranger(&words);
	memory[1] += 1 << 24;
	assert_int_equal(famez_ring_open(&r, second_peer, NAME, SIZE, 0), -EPROTONOSUPPORT);
	close_end(&b);
	assert_int_equal(open_second(0), -EPROTONOSUPPORT);
	close_end(&a);
	assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
	munmap(memory, words * 4);
}

/* ---- Records ---------------------------------------------------------------------- */

static void test_records(void **state)
{
	uint8_t out[SIZE], in[SIZE];
	size_t max = famez_ring_record_max(a), i, size;
	const void *at;
	void *to;

	(void)state;
	for (i = 0; i <= max; i++) {
		memset(out, i, i);
		assert_int_equal(famez_ring_send(i & 1 ? a : b, out, i), 0);
		assert_int_equal(famez_ring_recv(i & 1 ? b : a, in, sizeof(in), &size), 0);
		assert_int_equal(size, i);
		assert_memory_equal(in, out, i);
	}
	assert_int_equal(famez_ring_send(a, out, max + 1), -EMSGSIZE);
	assert_int_equal(famez_ring_send(a, out, SIZE_MAX), -EMSGSIZE);

	/* too long for the room: it stays */
	assert_int_equal(send_text(a, "longer"), 0);
	assert_int_equal(famez_ring_recv(b, in, 5, &size), -EMSGSIZE);
	assert_int_equal(size, 6);
	assert_int_equal(recv_text(b, "longer"), 0);

	/* in place */
	assert_int_equal(famez_ring_commit(a), -EINVAL);
	assert_int_equal(famez_ring_consume(b), -EINVAL);
	assert_int_equal(famez_ring_reserve(a, 100, &to), 0);
	assert_int_equal(famez_ring_reserve(a, 3, &to), 0);
	memcpy(to, "abc", 3);
	assert_int_equal(famez_ring_peek(b, &at, &size), -EAGAIN);
	assert_int_equal(famez_ring_commit(a), 0);
	assert_int_equal(famez_ring_commit(a), -EINVAL);
	assert_int_equal(famez_ring_peek(b, &at, &size), 0);
	assert_int_equal(famez_ring_peek(b, &at, &size), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(at, "abc", 3);
	assert_int_equal(famez_ring_consume(b), 0);
	assert_int_equal(famez_ring_consume(b), -EINVAL);
	assert_int_equal(famez_ring_peek(b, &at, &size), -EAGAIN);
	/* a second one takes the first back, even if it fails */
	assert_int_equal(famez_ring_reserve(a, 3, &to), 0);
	assert_int_equal(famez_ring_reserve(a, max + 1, &to), -EMSGSIZE);
	assert_int_equal(famez_ring_commit(a), -EINVAL);
}

static bool is_ready(const struct famez_ring *r, int timeout)
{
	struct pollfd p = { .fd = famez_ring_fd(r), .events = POLLIN };

	assert_true(poll(&p, 1, timeout) >= 0);
	return p.revents;
}

static uint32_t fill(struct famez_ring *r, size_t size)
{
	uint8_t data[SIZE] = { };
	uint32_t n = 0;
	int err;

	while (!(err = famez_ring_send(r, data, size)))
		n++;
	assert_int_equal(err, -EAGAIN);
	return n;
}

/* After -EAGAIN the descriptor tells when it is worth another try. */
static void test_event_loop(void **state)
{
	uint8_t data[SIZE];
	uint32_t n, i;
	size_t size;

	(void)state;
	assert_int_equal(recv_text(b, ""), -EAGAIN);
	assert_int_equal(recv_text(b, ""), -EAGAIN);
	assert_false(is_ready(b, 0));
	assert_int_equal(send_text(a, "wake"), 0);
	assert_true(is_ready(b, HANG_MS));
	assert_int_equal(recv_text(b, "wake"), 0);
	assert_int_equal(recv_text(b, ""), -EAGAIN);
	/* who did not ask is not woken */
	n = fill(a, 100);
	assert_in_range(n, SIZE / 128 - 2, SIZE / 128);
	assert_int_equal(famez_ring_send(a, data, 100), -EAGAIN);
	assert_false(is_ready(a, 0));
	for (i = 0; i < n; i++)
		assert_int_equal(famez_ring_recv(b, data, sizeof(data), &size), 0);
	assert_true(is_ready(a, HANG_MS));
	assert_in_range(fill(a, 100), n - 1, n + 1);
}

static void test_timeouts(void **state)
{
	(void)state;
	close_end(&a);
	close_end(&b);
	assert_int_equal(open_first(0), 0);
	famez_ring_set_timeout(a, 20);
	assert_int_equal(famez_ring_connect(a), -ETIMEDOUT);
	assert_int_equal(open_second(0), 0);
	assert_int_equal(famez_ring_connect(a), 0);
	assert_int_equal(recv_text(a, ""), -ETIMEDOUT);
	while (!send_text(a, "full"))
		;
	assert_int_equal(send_text(a, "full"), -ETIMEDOUT);
	assert_int_equal(famez_ring_connect(b), 0);
	/* who polls only looks at the clock now and then */
	famez_ring_set_looks(a, FAMEZ_RING_POLL);
	assert_int_equal(recv_text(a, ""), -ETIMEDOUT);
	assert_int_equal(recv_text(b, "full"), 0);
	assert_int_equal(send_text(b, "back"), 0);
	assert_int_equal(recv_text(a, "back"), 0);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void test_signal(void **state)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct itimerspec soon = { .it_value.tv_nsec = 20000000,
					 .it_interval.tv_nsec = 20000000 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;

	(void)state;
	close_end(&a);
	assert_int_equal(open_first(0), 0);
	sigaction(SIGUSR1, &action, NULL);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
	assert_int_equal(meet(), 0);
	assert_int_equal(recv_text(a, ""), -EINTR);
	timer_delete(timer);
}

/* Polled only: closing and opening are seen. */
static void test_poll_only(void **state)
{
	int i;

	(void)state;
	famez_ring_set_looks(b, FAMEZ_RING_POLL);
	for (i = 0; i < 100; i++) {
		assert_int_equal(recv_text(b, ""), -EAGAIN);
		assert_int_equal(send_text(a, "looked for"), 0);
		assert_int_equal(recv_text(b, "looked for"), 0);
	}
	close_end(&a);
	assert_int_equal(recv_text(b, ""), -ENOTCONN);
	assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
	assert_int_equal(meet(), 0);
	assert_int_equal(send_text(a, "again"), 0);
	assert_int_equal(recv_text(b, "again"), 0);
}

/* ---- Coming and going ----------------------------------------------------------- */

static void test_absent(void **state)
{
	(void)state;
	assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
	assert_int_equal(send_text(a, "nobody"), -ENOTCONN);
	assert_int_equal(recv_text(a, ""), -ENOTCONN);
	assert_int_equal(famez_ring_connect(a), -EAGAIN);
	assert_false(is_ready(a, 0));
	assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
	assert_true(is_ready(a, HANG_MS));
	assert_int_equal(famez_ring_connect(a), 0);
}

/* What was sent before a close is received; then there is nobody. */
static void test_close(void **state)
{
	int round;

	(void)state;
	for (round = 0; round < 3; round++) {
		assert_int_equal(send_text(b, "one"), 0);
		assert_int_equal(send_text(b, "two"), 0);
		assert_int_equal(recv_text(a, "one"), 0);
		if (round)
			assert_int_equal(send_text(a, "unread"), 0);
		close_end(&b);
		if (round)
			assert_int_equal(send_text(a, "x"), -ECONNRESET);
		assert_int_equal(send_text(a, "x"), -ENOTCONN);
		assert_int_equal(recv_text(a, "two"), 0);
		assert_int_equal(recv_text(a, ""), -ENOTCONN);
		assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
		assert_int_equal(meet(), 0);
		assert_int_equal(recv_text(a, ""), -EAGAIN);
		assert_int_equal(recv_text(b, ""), -EAGAIN);
	}
	/* closed, and taken anew, before that was noticed */
	assert_int_equal(send_text(a, "unread"), 0);
	close_end(&b);
	assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
	assert_int_equal(send_text(a, "x"), -ECONNRESET);
	assert_int_equal(recv_text(a, ""), -ECONNRESET);
	assert_int_equal(meet(), 0);
	assert_int_equal(send_text(a, "new"), 0);
	assert_int_equal(recv_text(b, "new"), 0);
	assert_int_equal(recv_text(a, ""), -EAGAIN);
	/* a reservation for one who has gone */
	assert_int_equal(send_text(a, "unread"), 0);
}

static void test_reserved_then_gone(void **state)
{
	void *to;

	(void)state;
	assert_int_equal(famez_ring_reserve(a, 10, &to), 0);
	close_end(&b);
	assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
	assert_int_equal(recv_text(a, ""), -ECONNRESET);
	memset(to, 0, 10);
	assert_int_equal(famez_ring_commit(a), -EINVAL);
	assert_int_equal(meet(), 0);
	assert_int_equal(recv_text(b, ""), -EAGAIN);
}

/* What the former one left unread does not keep a newcomer out. */
static void test_leftovers(void **state)
{
	(void)state;
	assert_int_equal(send_text(b, "one"), 0);
	assert_int_equal(send_text(b, "two"), 0);
	assert_int_equal(recv_text(a, "one"), 0);
	close_end(&b);
	assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
	assert_int_equal(meet(), 0);
	assert_int_equal(send_text(b, "three"), 0);
	assert_int_equal(recv_text(a, "three"), 0);
}

/* Who comes, sends, and goes while the other one connects, has been there. */
static void test_brief(void **state)
{
	pid_t pid;
	int i;

	(void)state;
	assert_int_equal(open_first(0), 0);
	for (i = 0; i < 50; i++) {
		pid = fork();
		if (!pid) {
			if (famez_open(&second_peer, path, 0) || open_second(0) ||
			    famez_ring_connect(b) || send_text(b, "brief"))
				end_child(1);
			close_end(&b);
			end_child(0);
		}
		assert_int_equal(famez_ring_connect(a), 0);
		assert_int_equal(recv_text(a, "brief"), 0);
		assert_int_equal(recv_text(a, ""), -ENOTCONN);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

/* Or before the other one connects. */
static void test_early(void **state)
{
	(void)state;
	assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
	assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
	assert_int_equal(famez_ring_connect(b), 0);
	assert_int_equal(send_text(b, "early"), 0);
	close_end(&b);
	assert_int_equal(famez_ring_connect(a), 0);
	assert_int_equal(recv_text(a, "early"), 0);
	assert_int_equal(recv_text(a, ""), -ENOTCONN);
}

/* The first one leaves before it has seen that there is a second. */
static void test_unseen(void **state)
{
	(void)state;
	assert_int_equal(open_first(FAMEZ_NONBLOCK), 0);
	assert_int_equal(open_second(FAMEZ_NONBLOCK), 0);
	assert_int_equal(recv_text(b, ""), -EAGAIN);
	assert_int_equal(recv_text(b, ""), -EAGAIN);
	assert_false(is_ready(b, 0));
	close_end(&a);
	assert_true(is_ready(b, HANG_MS));
	assert_int_equal(recv_text(b, ""), -ENOTCONN);
}

/* A program that has the second end, and has sent one record when this returns. */
static pid_t start_child(void)
{
	pid_t pid = fork();
	size_t size;
	char data[8];

	if (pid)
		return pid;
	if (famez_open(&second_peer, path, 0) || open_second(0) || famez_ring_connect(b) ||
	    send_text(b, "alive"))
		end_child(1);
	/* until it is killed */
	while (!famez_ring_recv(b, data, sizeof(data), &size) && *data != 'q')
		famez_ring_send(b, data, size);
	end_child(0);
}

/* On the host the switch may have yet to notice that a former one has died. */
static void hear_child(void)
{
	int err;

	do {
		assert_int_equal(famez_ring_connect(a), 0);
		err = recv_text(a, "alive");
	} while (err == -ECONNRESET);
	assert_int_equal(err, 0);
}

static void kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Killed, and back; and nobody else may have its end meanwhile. */
static void test_killed(void **state)
{
	pid_t pid;
	int round;

	(void)state;
	assert_int_equal(open_first(0), 0);
	for (round = 0; round < 3; round++) {
		pid = start_child();
		hear_child();
		assert_int_equal(open_second(0), -EADDRINUSE);
		assert_int_equal(send_text(a, "hello"), 0);
		assert_int_equal(recv_text(a, "hello"), 0);
		kill_child(pid);
		/* in a guest, of which both are, nothing tells before somebody asks */
		if (round) {
			assert_int_equal(recv_text(a, ""), -ECONNRESET);
			assert_int_equal(recv_text(a, ""), -ENOTCONN);
			assert_int_equal(send_text(a, "x"), -ENOTCONN);
		}
	}
	pid = start_child();
	hear_child();
	assert_int_equal(send_text(a, "q"), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- Strangers -------------------------------------------------------------------- */

/* Any word of what lies before the rings, by values of all sorts. */
static void test_spoilt(void **state)
{
	static const uint32_t values[] = { 0, ~0U, 1, 0x80000000 };
	size_t words, i, v, ring = SIZE / 4, half = 2048 / 4;
	uint32_t *memory = stranger(&words);

	(void)state;
	for (i = 0; i < words; i++) {
		size_t at = i < 1024 ? 0 : (i - 1024) % (ring + half);

		/* of the grants nothing is used; the rings are for the test below */
		if (i < 1024 && i > 48)
			i = 1024;
		if (at > 32 && (at < 160 || at > 192))
			continue;
		for (v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			memory[i] = values[v];
			recovers();
			assert_int_equal(send_text(a, "before"), 0);
			memory[i] = values[v];
			recovers();
		}
	}
	munmap(memory, words * 4);
}

static void test_spoilt_records(void **state)
{
	size_t words, i, n;
	uint32_t *memory = stranger(&words), seed = 7;
	int round;

	(void)state;
	for (round = 0; round < 200; round++) {
		fill(a, 20 + round);
		for (n = 0; n < 20; n++) {
			seed = seed * 1664525 + 1013904223;
			i = 1024 + 512 + (seed >> 8) % (SIZE / 4);
			memory[i] = seed >> (seed >> 28);
		}
		receive_all(b);
		recovers();
	}
	munmap(memory, words * 4);
}

/* Taken for gone, and back: nothing comes twice, and both are woken. */
static void test_word_spoilt(void **state)
{
	uint32_t *memory, round;
	size_t words;
	int i, err;

	(void)state;
	memory = stranger(&words);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 5; i++) {
			assert_int_equal(send_text(a, "old"), 0);
			assert_int_equal(recv_text(b, "old"), 0);
		}
		assert_int_equal(recv_text(a, ""), -EAGAIN);
		memory[16 + round % 2] = 0x12345678;
		/* it takes the other for gone, who is rung, and puts that right */
		recv_text(b, "");
		assert_true(is_ready(a, HANG_MS));
		for (i = 0; i < 10; i++) {
			err = recv_text(a, "");
			assert_true(err && err != -EBADMSG);
			err = recv_text(b, "");
			assert_true(err && err != -EBADMSG);
		}
		assert_int_equal(meet(), 0);
		assert_int_equal(send_text(a, "new"), 0);
		assert_int_equal(recv_text(b, "new"), 0);
	}
	munmap(memory, words * 4);
}

/* What would have woken the receiver is spoilt: who finds no room rings once more. */
static void test_sleeper_spoilt(void **state)
{
	uint32_t *memory, round;
	size_t words;

	(void)state;
	memory = stranger(&words);
	for (round = 0; round < 3; round++) {
		receive_all(b);
		assert_int_equal(recv_text(b, ""), -EAGAIN);
		assert_false(is_ready(b, 0));
		memory[(4096 + 640 + 8) / 4] ^= 0x40000000;
		fill(a, 100 + round);
		assert_true(is_ready(b, HANG_MS));
	}
	munmap(memory, words * 4);
}

/* Records of types that are to come are skipped, and their room is given back. */
static void test_other_types(void **state)
{
	uint32_t *memory, i;
	size_t words;

	(void)state;
	memory = stranger(&words);
	fill(a, 40);
	for (i = (4096 + 2048) / 4; i + 1 < (4096 + 2048 + SIZE) / 4; i++)
		if (memory[i] == 40 && memory[i + 1] == FAMEZ_TYPE_DATA)
			memory[i + 1] = 99;
	assert_int_equal(recv_text(b, ""), -EAGAIN);
	assert_true(is_ready(a, HANG_MS));
	assert_int_equal(send_text(a, "room"), 0);
	assert_int_equal(recv_text(b, "room"), 0);
	munmap(memory, words * 4);
}

/* Who does not see that we live takes our end; then it is that one's. */
static void test_stolen(void **state)
{
	uint32_t *memory, other[2];
	size_t words;
	void *to;

	(void)state;
	memory = stranger(&words);
	/* the second end's owner says that the first is its own, too */
	memcpy(other, memory + 32, sizeof(other));
	memcpy(memory + 16, other, sizeof(other));
	assert_int_equal(famez_ring_reserve(a, 5, &to), 0);
	assert_int_equal(recv_text(a, ""), -ESTALE);
	assert_int_equal(famez_ring_commit(a), -EINVAL);
	assert_int_equal(send_text(a, "x"), -ESTALE);
	assert_int_equal(famez_ring_connect(a), -ESTALE);
	close_end(&a);
	assert_memory_equal(memory + 16, other, sizeof(other));
	munmap(memory, words * 4);
}

/* ---- Nobody sleeps on -------------------------------------------------------------- */

static void send_numbers(struct famez_ring *r)
{
	uint8_t data[1000];
	uint32_t i;
	int err = 0;

	for (i = 0; i < records && !err; i++) {
		memset(data, i, sizeof(data));
		memcpy(data, &i, sizeof(i));
		err = famez_ring_send(r, data, 4 + i * 37 % 997);
	}
	if (err)
		end_child(1);
}

static void recv_numbers(struct famez_ring *r)
{
	uint8_t data[1000];
	uint32_t i, n;
	size_t size;

	for (i = 0; i < records; i++) {
		assert_int_equal(famez_ring_recv(r, data, sizeof(data), &size), 0);
		memcpy(&n, data, sizeof(n));
		assert_int_equal(n, i);
		assert_int_equal(size, 4 + i * 37 % 997);
		if (size > 4)
			assert_int_equal(data[size - 1], (uint8_t)i);
	}
}

static void stream(uint32_t looks, uint32_t looks_there)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (famez_open(&second_peer, path, 0) || open_second(0) ||
		    famez_ring_connect(b))
			end_child(2);
		famez_ring_set_looks(b, looks_there);
		send_numbers(b);
		recv_numbers(b);
		close_end(&b);
		famez_close(second_peer);
		end_child(0);
	}
	assert_int_equal(open_first(0), 0);
	famez_ring_set_looks(a, looks);
	assert_int_equal(famez_ring_connect(a), 0);
	recv_numbers(a);
	send_numbers(a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Each sleeps whenever there is nothing to do. */
static void test_sleepers(void **state)
{
	(void)state;
	stream(0, 0);
}

static void test_lookers(void **state)
{
	(void)state;
	stream(100, 3);
}

static void test_polled(void **state)
{
	(void)state;
	stream(FAMEZ_RING_POLL, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open_errors, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_sizes, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_taken, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_handle_closed, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_garbage_before, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_another_version, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_records, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_event_loop, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_timeouts, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_signal, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_poll_only, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_absent, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_close, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_reserved_then_gone, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_leftovers, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_unseen, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_brief, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_early, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_killed, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_spoilt, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_spoilt_records, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_word_spoilt, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_sleeper_spoilt, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_other_types, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_stolen, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_sleepers, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_lookers, NULL, tear_down),
		cmocka_unit_test_setup_teardown(test_polled, NULL, tear_down),
	};
	struct switch_process own = { .pid = 0 };
	int c, r;

	while ((c = getopt(argc, argv, "n:")) != -1) {
		if (c != 'n')
			return 2;
		records = strtoul(optarg, NULL, 0);
	}
	path = argv[optind];
	if (!path) {
		if (start_switch(&own, "16M", "14", NULL))
			return 1;
		path = own.path;
	}
	/* for all tests: an id is not given anew while its process lives */
	if (famez_open(&first_peer, path, 0) || famez_open(&second_peer, path, 0))
		return 1;
	r = RUN_PLAN("rings", tests);
	famez_close(first_peer);
	famez_close(second_peer);
	if (own.pid && stop_switch(&own, SIGTERM))
		return 1;
	return r;
}
