// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/famez_bridge, call by call, with everything that a program can get
 * wrong.  Runs in a guest; a peer sends every message back (famez-flood -e).
 *
 * test-device ECHO-ID ECHO-NAME
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/famez.h>

#include "device.h"

#define BAD	((void *)8)
#define NOBODY	9	/* an id of this fabric that nobody has */

static const char *echo_name;
static long page;

/* ---- Structures ------------------------------------------------------------- */

static void test_unknown_ioctl(void **state)
{
	int fd = open_device(0);

	(void)state;
	assert_int_equal(call(fd, _IO(FAMEZ_IOC_TYPE, 0x7f), NULL), ENOTTY);
	assert_int_equal(call(fd, TIOCGWINSZ, NULL), ENOTTY);
	close(fd);
}

static void test_sizes(void **state)
{
	static const unsigned long commands[] = {
		FAMEZ_IOC_INFO, FAMEZ_IOC_PEERS, FAMEZ_IOC_SEND,
		FAMEZ_IOC_RECV, FAMEZ_IOC_PING, FAMEZ_IOC_EVENT,
	};
	union {
		uint32_t words[2048];
		uint8_t bytes[8192];
	} u;
	int fd = open_device(O_NONBLOCK);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(call(fd, commands[i], NULL), EFAULT);
		assert_int_equal(call(fd, commands[i], BAD), EFAULT);
		memset(&u, 0, sizeof(u));
		assert_int_equal(call(fd, commands[i], &u), EINVAL);
		u.words[0] = 7;
		assert_int_equal(call(fd, commands[i], &u), EINVAL);
		u.words[0] = 8192;
		assert_int_equal(call(fd, commands[i], &u), E2BIG);
		u.words[0] = 0xffffffff;
		assert_int_equal(call(fd, commands[i], &u), E2BIG);
		/* flags that nobody knows */
		u.words[0] = 200;
		u.words[1] = 0x80000000;
		assert_int_equal(call(fd, commands[i], &u), EINVAL);
		/* something beyond what the kernel knows */
		u.words[1] = 0;
		u.bytes[199] = 1;
		assert_int_equal(call(fd, commands[i], &u), E2BIG);
	}
	close(fd);
}

static void test_info(void **state)
{
	struct {
		struct famez_info info;
		char more[32];
	} longer = { .info.size = sizeof(longer) };
	struct famez_info info = { .size = sizeof(info) };
	int fd = open_device(0);

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_INFO, &info), 0);
	assert_int_equal(info.config, FAMEZ_CONFIG_FAMEZ);
	assert_int_equal(info.message_max, FAMEZ_MESSAGE_MAX);
	assert_true(info.id && info.id < info.peers_max);
	assert_true(info.generation && info.fabric);
	assert_int_equal(info.layout_major, 1);
	assert_int_equal(info.layout_minor, 0);
	assert_true(info.vectors_armed && info.vectors_armed <= info.vectors);
	assert_true(info.fam_offset + info.fam_size == info.memory_size);
	/* a newer program's longer structure, zero where it is longer */
	assert_int_equal(call(fd, FAMEZ_IOC_INFO, &longer), 0);
	assert_int_equal(longer.info.generation, info.generation);
	close(fd);
}

/* What the first version had is needed; so is what has grown since, as zero. */
static void test_shorter(void **state)
{
	static const struct {
		unsigned long command;
		uint32_t least;
	} cases[] = {
		{ FAMEZ_IOC_INFO, FAMEZ_INFO_SIZE_VER0 },
		{ FAMEZ_IOC_PEERS, FAMEZ_PEERS_SIZE_VER0 },
		{ FAMEZ_IOC_SEND, FAMEZ_MSG_SIZE_VER0 },
		{ FAMEZ_IOC_RECV, FAMEZ_MSG_SIZE_VER0 },
		{ FAMEZ_IOC_PING, FAMEZ_PING_SIZE_VER0 },
		{ FAMEZ_IOC_EVENT, FAMEZ_EVENT_SIZE_VER0 },
		{ FAMEZ_IOC_BIND, FAMEZ_BIND_SIZE_VER0 },
		{ FAMEZ_IOC_SEND_BATCH, FAMEZ_BATCH_SIZE_VER0 },
		{ FAMEZ_IOC_RECV_BATCH, FAMEZ_BATCH_SIZE_VER0 },
		{ FAMEZ_IOC_NOTIFY, FAMEZ_NOTIFY_SIZE_VER0 },
		{ FAMEZ_IOC_RING, FAMEZ_DOORBELL_SIZE_VER0 },
		{ FAMEZ_IOC_VECTOR, FAMEZ_EVENTFD_SIZE_VER0 },
		{ FAMEZ_IOC_MAPPING, FAMEZ_MAPPING_SIZE_VER0 },
		{ FAMEZ_IOC_REGIONS, FAMEZ_REGIONS_SIZE_VER0 },
		{ FAMEZ_IOC_ALLOW, FAMEZ_ALLOW_SIZE_VER0 },
		{ FAMEZ_IOC_LINK, FAMEZ_LINK_INFO_SIZE_VER0 },
		{ FAMEZ_IOC_FORM, FAMEZ_FORM_SIZE_VER0 },
	};
	uint32_t words[64];
	int fd = open_device(O_NONBLOCK);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(words, 0, sizeof(words));
		words[0] = cases[i].least - 1;
		assert_int_equal(call(fd, cases[i].command, words), EINVAL);
		/* a size that is too small is found before what is beyond it */
		words[0] = 4;
		words[cases[i].least / 4] = 1;
		assert_int_equal(call(fd, cases[i].command, words), EINVAL);
		words[0] = cases[i].least + 4;
		assert_int_equal(call(fd, cases[i].command, words), E2BIG);
	}
	close(fd);
}

/* Entries of another length: a longer one is cleared. */
static void test_strides(void **state)
{
	static const uint32_t strides[] = { FAMEZ_PEER_INFO_SIZE_VER0, 200, 4096 };
	struct famez_peers p = { .size = sizeof(p), .count = 16 };
	char list[16 * 4096], *entry;
	int fd = open_device(0);
	uint32_t i, j;

	(void)state;
	p.peers = (uintptr_t)list;
	for (i = 0; i < sizeof(strides) / sizeof(strides[0]); i++) {
		memset(list, 0x5a, sizeof(list));
		p.count = 16;
		p.stride = strides[i];
		assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), 0);
		for (j = 0; j < p.count; j++) {
			struct famez_peer_info info;

			entry = list + j * p.stride;
			memcpy(&info, entry, 32);
			assert_true(info.id && info.state && !info.fam_use);
			if (p.stride > sizeof(info))
				assert_int_equal(entry[p.stride - 1], 0);
		}
		assert_int_equal(list[p.count * p.stride], 0x5a);
	}
	p.stride = FAMEZ_PEER_INFO_SIZE_VER0 - 1;
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), EINVAL);
	p.stride = 4097;
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), EINVAL);
	close(fd);
}

static void test_peers(void **state)
{
	struct famez_peer_info list[16] = { };
	struct famez_peers p = {
		.size = sizeof(p), .stride = sizeof(list[0]),
	};
	int fd = open_device(0);
	uint32_t all, i, found = 0;

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), 0);
	all = p.count;
	assert_in_range(all, 3, 16);
	p.count = 16;
	p.peers = (uintptr_t)list;
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), 0);
	assert_int_equal(p.count, all);
	for (i = 0; i < all; i++)
		if (list[i].id == echo_id) {
			assert_string_equal(list[i].name, echo_name);
			assert_int_equal(list[i].state, FAMEZ_PEER_STATE_UP);
			assert_int_equal(list[i].kind, FAMEZ_PEER_KIND_BRIDGE);
			found++;
		}
	assert_int_equal(found, 1);
	/* room for one: one is written, all are counted */
	memset(list, 0, sizeof(list));
	p.count = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), 0);
	assert_int_equal(p.count, all);
	assert_int_equal(list[1].state, 0);
	p.count = 16;
	p.peers = (uintptr_t)BAD;
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), EFAULT);
	p.reserved = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_PEERS, &p), EINVAL);
	close(fd);
}

/* ---- Sending ------------------------------------------------------------------ */

static void test_send_errors(void **state)
{
	struct famez_info info = { .size = sizeof(info) };
	struct famez_msg m = { .size = sizeof(m), .peer = echo_id };
	int fd = open_device(O_NONBLOCK);
	char data[FAMEZ_MESSAGE_MAX + 1] = "";

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_INFO, &info), 0);
	assert_int_equal(send_to(fd, info.id, data, 1), EINVAL);
	assert_int_equal(send_to(fd, 0, data, 1), EHOSTUNREACH);
	assert_int_equal(send_to(fd, NOBODY, data, 1), EHOSTUNREACH);
	assert_int_equal(send_to(fd, info.peers_max, data, 1), EHOSTUNREACH);
	assert_int_equal(send_to(fd, 0x80000000, data, 1), EHOSTUNREACH);
	assert_int_equal(send_to(fd, echo_id, data, FAMEZ_MESSAGE_MAX + 1),
			 EMSGSIZE);
	assert_int_equal(send_to(fd, echo_id, data, 0xffffffff), EMSGSIZE);
	assert_int_equal(send_to(fd, echo_id, BAD, 1), EFAULT);
	m.sport = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), EINVAL);
	m.sport = 0;
	m.dport = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), ECONNREFUSED);
	close(fd);
}

/* Half of it in memory that is not there: nothing is sent. */
static void test_send_torn(void **state)
{
	char *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_device(0);

	(void)state;
	munmap(two + page, page);
	memset(two, 'x', page);
	assert_int_equal(send_to(fd, echo_id, two + page - 100, 200), EFAULT);
	/* and the channel goes on with the next */
	provoke(fd, "whole");
	take(fd, "whole");
	munmap(two, page);
	close(fd);
}

static void test_lengths(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 7, 8, 9, 4095, 4096 };
	char out[4096], in[4096];
	int fd = open_device(0);
	uint32_t peer, length;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (j = 0; j < lengths[i]; j++)
			out[j] = random();
		assert_int_equal(send_to(fd, echo_id, out, lengths[i]), 0);
		assert_int_equal(recv_from(fd, &peer, in, 4096, &length), 0);
		assert_int_equal(length, lengths[i]);
		assert_memory_equal(in, out, length);
	}
	close(fd);
}

/* Memory that is touched for the first time by the driver itself. */
static void test_fresh_memory(void **state)
{
	char *fresh = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_device(0);
	uint32_t peer, length;
	char zero[4096] = "";

	(void)state;
	/* each across a page boundary */
	assert_int_equal(send_to(fd, echo_id, fresh + page - 8, 4096), 0);
	assert_int_equal(recv_from(fd, &peer, fresh + 3 * page - 8, 4096,
				   &length), 0);
	assert_int_equal(length, 4096);
	assert_memory_equal(fresh + 3 * page - 8, zero, 4096);
	munmap(fresh, 4 * page);
	close(fd);
}

/* Asked whether a port is open: with no message, and all at once. */
static void test_probe_errors(void **state)
{
	struct famez_msg m = { .size = sizeof(m), .flags = FAMEZ_MSG_PROBE };
	int fd = open_device(0), reader = open(DEVICE, O_RDONLY);

	(void)state;
	m.peer = echo_id;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), 0);
	m.flags |= FAMEZ_MSG_DONTWAIT;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), 0);
	m.dport = 4711;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), ECONNREFUSED);
	assert_int_equal(call(reader, FAMEZ_IOC_SEND, &m), EBADF);
	m.length = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), EINVAL);
	m.length = 0;
	m.flags |= 4;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), EINVAL);
	close(fd);
	close(reader);
}

/* A word of the link layer never waits: who asks for that has something else in mind. */
static void test_link_errors(void **state)
{
	char word[] = "Link CTL Peer-Attribute";
	struct famez_msg m = {
		.size = sizeof(m), .flags = FAMEZ_MSG_LINK, .peer = NOBODY,
		.data = (uintptr_t)word, .length = strlen(word),
	};
	int fd = open_device(0);

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), EHOSTUNREACH);
	m.timeout_ms = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), EINVAL);
	m.timeout_ms = 0;
	m.flags = FAMEZ_MSG_LINK | FAMEZ_MSG_DONTWAIT;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), EINVAL);
	m.flags = FAMEZ_MSG_LINK | FAMEZ_MSG_PROBE;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), EINVAL);
	m.flags = FAMEZ_MSG_LINK;
	m.dport = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_SEND, &m), EINVAL);
	close(fd);
}

static void test_notify_errors(void **state)
{
	struct famez_notify notify = { .size = sizeof(notify) };
	int fd = open_device(0);

	(void)state;
	notify.fd = -1;
	assert_int_equal(call(fd, FAMEZ_IOC_NOTIFY, &notify), 0);
	notify.fd = -2;
	assert_int_equal(call(fd, FAMEZ_IOC_NOTIFY, &notify), EBADF);
	notify.fd = 1000;
	assert_int_equal(call(fd, FAMEZ_IOC_NOTIFY, &notify), EBADF);
	notify.fd = fd;
	assert_int_equal(call(fd, FAMEZ_IOC_NOTIFY, &notify), EINVAL);
	close(fd);
}

/* ---- Receiving ------------------------------------------------------------------ */

static void test_recv_errors(void **state)
{
	int fd = open_device(0), nonblock = open_device(O_NONBLOCK);
	struct famez_msg m = { .size = sizeof(m), .flags = FAMEZ_MSG_DONTWAIT };
	uint32_t peer, length;
	char data[16];

	(void)state;
	assert_int_equal(recv_from(nonblock, &peer, data, 16, &length), EAGAIN);
	assert_int_equal(call(fd, FAMEZ_IOC_RECV, &m), EAGAIN);
	m.flags = 2;
	assert_int_equal(call(fd, FAMEZ_IOC_RECV, &m), EINVAL);
	provoke(fd, "hello");
	/* none of these takes it */
	assert_int_equal(recv_from(fd, &peer, data, 4, &length), EMSGSIZE);
	assert_int_equal(length, 5);
	assert_int_equal(recv_from(fd, &peer, BAD, 16, &length), EFAULT);
	take(nonblock, "hello");
	assert_int_equal(recv_from(nonblock, &peer, data, 16, &length), EAGAIN);
	close(fd);
	close(nonblock);
}

static void test_poll(void **state)
{
	int fd = open_device(0);
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	(void)state;
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(p.revents, POLLOUT);
	provoke(fd, "one");
	provoke(fd, "two");
	take(fd, "one");
	assert_int_equal(poll(&p, 1, -1), 1);
	take(fd, "two");
	poll(&p, 1, 0);
	assert_int_equal(p.revents, POLLOUT);
	close(fd);
}

static void nothing(int signal)
{
	(void)signal;
}

static void test_signal(void **state)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval soon = {
		.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000,
	}, never = { };
	int fd = open_device(0);
	uint32_t peer, length;
	char data[16];

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(recv_from(fd, &peer, data, 16, &length), EINTR);
	assert_int_equal(read(fd, data, 16), -1);
	assert_int_equal(errno, EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	close(fd);
}

/* With SA_RESTART a signal goes unnoticed, and the call goes on as it was. */
static void test_restart(void **state)
{
	struct sigaction action = { .sa_handler = nothing,
				    .sa_flags = SA_RESTART };
	struct itimerval soon = {
		.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000,
	}, never = { };
	int fd = open_device(0), status;
	uint32_t peer, length;
	char data[16];

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	if (!fork()) {
		/* after the parent has been interrupted a few times */
		usleep(200000);
		_exit(send_to(fd, echo_id, "after all", 9));
	}
	assert_int_equal(recv_from(fd, &peer, data, 16, &length), 0);
	assert_int_equal(length, 9);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_true(wait(&status) > 0 && !status);
	close(fd);
}

/* Several readers asleep, one message: one of them has it, exactly once. */
static void test_many_readers(void **state)
{
	enum { READERS = 5 };
	int fd = open_device(0), i, status, got = 0;

	(void)state;
	for (i = 0; i < READERS; i++)
		if (!fork()) {
			uint32_t peer, length;
			char data[16];
			int own = open(DEVICE, O_RDWR);

			_exit(recv_from(own, &peer, data, 16, &length) ||
			      length != 4);
		}
	for (i = 0; i < READERS; i++)
		assert_int_equal(send_to(fd, echo_id, "four", 4), 0);
	for (i = 0; i < READERS; i++) {
		assert_true(wait(&status) > 0);
		got += !status;
	}
	assert_int_equal(got, READERS);
	close(fd);
}

/* ---- Time, modes, events ------------------------------------------------------ */

static void test_timeout(void **state)
{
	struct famez_msg m = { .size = sizeof(m), .timeout_ms = 30 };
	struct famez_event e = { .size = sizeof(e), .timeout_ms = 30 };
	int fd = open_device(0), nonblock = open_device(O_NONBLOCK);

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_RECV, &m), ETIMEDOUT);
	assert_int_equal(call(fd, FAMEZ_IOC_EVENT, &e), ETIMEDOUT);
	/* who does not sleep is told at once */
	assert_int_equal(call(nonblock, FAMEZ_IOC_RECV, &m), EAGAIN);
	assert_int_equal(call(nonblock, FAMEZ_IOC_EVENT, &e), EAGAIN);
	e.flags = FAMEZ_MSG_DONTWAIT;
	assert_int_equal(call(fd, FAMEZ_IOC_EVENT, &e), EAGAIN);
	e.reserved = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_EVENT, &e), EINVAL);
	/* there is a message, and room for one: no time passes */
	provoke(fd, "now");
	m.flags = 0;
	assert_int_equal(call(fd, FAMEZ_IOC_RECV, &m), EMSGSIZE);
	assert_int_equal(m.length, 3);
	take(fd, "now");
	close(nonblock);
	close(fd);
}

/* A signal ends a call that has a timeout: begun anew it would sleep longer. */
static void test_timeout_signal(void **state)
{
	struct sigaction action = { .sa_handler = nothing,
				    .sa_flags = SA_RESTART };
	struct itimerval soon = {
		.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000,
	}, never = { };
	struct famez_msg m = { .size = sizeof(m), .timeout_ms = 3600000 };
	int fd = open_device(0);

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(call(fd, FAMEZ_IOC_RECV, &m), EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	close(fd);
}

static void test_modes(void **state)
{
	int in = open(DEVICE, O_RDONLY), out = open(DEVICE, O_WRONLY);
	struct famez_notify notify = { .size = sizeof(notify), .fd = -1 };
	struct famez_allow allow = { .size = sizeof(allow) };
	struct famez_batch batch = { .size = sizeof(batch) };
	struct famez_event e = { .size = sizeof(e) };
	struct famez_bind bind = { .size = sizeof(bind) };
	uint32_t peer, length;
	char data[16];

	(void)state;
	assert_int_equal(call(in, FAMEZ_IOC_SEND_BATCH, &batch), EBADF);
	assert_int_equal(call(in, FAMEZ_IOC_ALLOW, &allow), EBADF);
	assert_int_equal(call(out, FAMEZ_IOC_RECV_BATCH, &batch), EBADF);
	assert_int_equal(call(out, FAMEZ_IOC_BIND, &bind), EBADF);
	assert_int_equal(call(out, FAMEZ_IOC_NOTIFY, &notify), EBADF);
	assert_int_equal(send_to(in, echo_id, "x", 1), EBADF);
	assert_int_equal(recv_from(out, &peer, data, 16, &length), EBADF);
	assert_int_equal(call(out, FAMEZ_IOC_EVENT, &e), EBADF);
	assert_int_equal(write(in, "1:x", 3), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(read(out, data, 16), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(send_to(out, echo_id, "one way", 7), 0);
	take(in, "one way");
	close(in);
	close(out);
}

/* ---- Text form --------------------------------------------------------------------- */

static int put(int fd, const char *text, size_t size)
{
	ssize_t n = write(fd, text, size);

	if (n >= 0)
		assert_int_equal(n, size);
	return n < 0 ? errno : 0;
}

static void test_text_errors(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{ "hello", EINVAL },
		{ ":hello", EINVAL },
		{ "", EINVAL },
		{ "nobody:hello", EHOSTUNREACH },
		{ "0:hello", EHOSTUNREACH },
		{ "9:hello", EHOSTUNREACH },
		{ "65536:hello", EHOSTUNREACH },
		{ "4294967297:hello", EHOSTUNREACH },
		{ "99999999999999999999:hello", EHOSTUNREACH },
		{ "-1:hello", EHOSTUNREACH },
		{ "a-name-of-more-than-thirty-one-bytes:hello", EINVAL },
	};
	volatile uintptr_t bad = (uintptr_t)BAD;
	int fd = open_device(O_NONBLOCK);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(put(fd, cases[i].text,
				     strlen(cases[i].text)), cases[i].error);
	assert_int_equal(put(fd, "1\0002:hello", 8), EINVAL);
	assert_int_equal(write(fd, (void *)bad, 8), -1);
	assert_int_equal(errno, EFAULT);
	close(fd);
}

static void test_text(void **state)
{
	char line[64], expected[64], by_id[64];
	int fd = open_device(0);

	(void)state;
	snprintf(by_id, sizeof(by_id), "%u:one:two", echo_id);
	snprintf(expected, sizeof(expected), "%u:one:two", echo_id);
	assert_int_equal(put(fd, by_id, strlen(by_id)), 0);
	/* too small a buffer leaves it where it is */
	assert_int_equal(read(fd, line, 3), -1);
	assert_int_equal(errno, EMSGSIZE);
	memset(line, 0, sizeof(line));
	assert_int_equal(read(fd, line, sizeof(line) - 1), strlen(expected));
	assert_string_equal(line, expected);
	/* by name; an empty message */
	snprintf(by_id, sizeof(by_id), "%s:", echo_name);
	assert_int_equal(put(fd, by_id, strlen(by_id)), 0);
	memset(line, 0, sizeof(line));
	assert_true(read(fd, line, sizeof(line) - 1) > 0);
	assert_string_equal(strchr(line, ':'), ":");
	assert_int_equal(put(fd, "server:hello from test-device", 29), 0);
	assert_int_equal(put(fd, "switch:hello from test-device", 29), 0);
	close(fd);
}

/* ---- Ping ---------------------------------------------------------------------------- */

static int ping(int fd, uint32_t peer, uint32_t timeout_ms, uint64_t *ns)
{
	struct famez_ping p = {
		.size = sizeof(p), .peer = peer, .timeout_ms = timeout_ms,
	};
	int err = call(fd, FAMEZ_IOC_PING, &p);

	*ns = p.nanoseconds;
	return err;
}

static void test_ping(void **state)
{
	struct famez_info info = { .size = sizeof(info) };
	int fd = open_device(0);
	uint64_t ns = 0;

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_INFO, &info), 0);
	assert_int_equal(ping(fd, echo_id, 600000, &ns), 0);
	assert_true(ns > 0);
	assert_int_equal(ping(fd, FAMEZ_DEST_SERVER, 600000, &ns), 0);
	assert_int_equal(ping(fd, info.server_id, 600000, &ns), 0);
	assert_int_equal(ping(fd, info.id, 1000, &ns), EINVAL);
	assert_int_equal(ping(fd, NOBODY, 1000, &ns), EHOSTUNREACH);
	assert_int_equal(ping(fd, 70000, 1000, &ns), EHOSTUNREACH);
	assert_int_equal(ping(fd, echo_id, 0, &ns), EINVAL);
	assert_int_equal(ping(fd, echo_id, 3600001, &ns), EINVAL);
	close(fd);
}

/* ---- mmap ------------------------------------------------------------------------------ */

static int map(int fd, size_t length, int prot, int flags, off_t offset)
{
	void *at = mmap(NULL, length, prot, flags, fd, offset);

	if (at == MAP_FAILED)
		return errno;
	munmap(at, length);
	return 0;
}

static void test_mmap_bounds(void **state)
{
	struct famez_info info = { .size = sizeof(info) };
	const int rw = PROT_READ | PROT_WRITE;
	int fd = open_device(0), readonly = open(DEVICE, O_RDONLY);
	off_t end;

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_INFO, &info), 0);
	end = info.fam_size;
	assert_int_equal(map(fd, end, rw, MAP_SHARED, 0), 0);
	assert_int_equal(map(fd, page, rw, MAP_SHARED, end - page), 0);
	assert_int_equal(map(fd, 1, rw, MAP_SHARED, end - page), 0);
	assert_int_equal(map(fd, page, rw, MAP_SHARED, end), EINVAL);
	assert_int_equal(map(fd, 2 * page, rw, MAP_SHARED, end - page), EINVAL);
	assert_int_equal(map(fd, end + page, rw, MAP_SHARED, 0), EINVAL);
	assert_int_equal(map(fd, page, rw, MAP_SHARED, end + (1L << 40)),
			 EINVAL);
	assert_int_equal(map(fd, page, rw, MAP_SHARED, page / 2), EINVAL);
	assert_int_equal(map(fd, page, rw, MAP_PRIVATE, 0), EINVAL);
	assert_int_equal(map(readonly, page, PROT_READ, MAP_SHARED, 0), 0);
	assert_int_equal(map(readonly, page, rw, MAP_SHARED, 0), EACCES);
	close(readonly);
	close(fd);
}

/* Private mappings are for reading, and cannot be turned into more. */
static void test_mmap_private(void **state)
{
	int fd = open_device(0);
	volatile uint64_t *shared, *private;

	(void)state;
	shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);
	private = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, page);
	assert_true(private != MAP_FAILED);
	*shared = ~*shared;
	assert_true(*private == *shared);
	*shared = ~*shared;
	assert_int_equal(mprotect((void *)private, page,
				  PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	munmap((void *)shared, page);
	munmap((void *)private, page);
	close(fd);
}

static void test_mmap_shared(void **state)
{
	struct famez_info info = { .size = sizeof(info) };
	int fd = open_device(0);
	volatile uint64_t *a, *b, *last;
	uint64_t saved;

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_INFO, &info), 0);
	a = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);
	b = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	last = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    info.fam_size - page);
	close(fd);	/* mappings outlive it */
	saved = *a;
	*a = ~saved;
	assert_true(*b == ~saved);
	*a = saved;
	saved = last[page / 8 - 1];
	last[page / 8 - 1] = saved;
	munmap((void *)a, page);
	munmap((void *)b, page);
	munmap((void *)last, page);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_ioctl),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_shorter),
		cmocka_unit_test(test_strides),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_send_errors),
		cmocka_unit_test(test_send_torn),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_fresh_memory),
		cmocka_unit_test(test_probe_errors),
		cmocka_unit_test(test_link_errors),
		cmocka_unit_test(test_notify_errors),
		cmocka_unit_test(test_recv_errors),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_many_readers),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_timeout_signal),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_text_errors),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_mmap_bounds),
		cmocka_unit_test(test_mmap_private),
		cmocka_unit_test(test_mmap_shared),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: test-device ECHO-ID ECHO-NAME\n");
		return 2;
	}
	echo_id = strtoul(argv[1], NULL, 0);
	echo_name = argv[2];
	page = sysconf(_SC_PAGESIZE);
	return RUN_PLAN("device", tests);
}
