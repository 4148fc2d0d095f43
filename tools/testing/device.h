/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs that test /dev/famez_bridge in a guest have in common.  The
 * echo is a peer that sends every message back (famez-flood -e).
 */
#ifndef FAMEZ_TESTING_DEVICE_H
#define FAMEZ_TESTING_DEVICE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/famez.h>

#include "plan.h"

#define DEVICE	"/dev/famez_bridge"

static uint32_t echo_id;

static inline int open_device(int flags)
{
	int fd = open(DEVICE, O_RDWR | flags);

	assert_true(fd >= 0);
	return fd;
}

/* An errno, 0 where it worked. */
static inline int call(int fd, unsigned long command, void *argument)
{
	return ioctl(fd, command, argument) < 0 ? errno : 0;
}

static inline int send_to(int fd, uint32_t peer, const void *data,
			  uint32_t length)
{
	struct famez_msg m = {
		.size = sizeof(m), .peer = peer, .length = length,
		.data = (uintptr_t)data,
	};

	return call(fd, FAMEZ_IOC_SEND, &m);
}

static inline int recv_from(int fd, uint32_t *peer, void *data, uint32_t room,
			    uint32_t *length)
{
	struct famez_msg m = {
		.size = sizeof(m), .length = room, .data = (uintptr_t)data,
	};
	int err = call(fd, FAMEZ_IOC_RECV, &m);

	*peer = m.peer;
	*length = m.length;
	return err;
}

/* Sends to the echo, and waits until it came back; it is not taken. */
static inline void provoke(int fd, const char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(send_to(fd, echo_id, text, strlen(text)), 0);
	assert_int_equal(poll(&p, 1, -1), 1);
	assert_true(p.revents & POLLIN);
}

static inline void take(int fd, const char *text)
{
	uint32_t peer, length;
	char data[64];

	assert_int_equal(recv_from(fd, &peer, data, sizeof(data), &length), 0);
	assert_int_equal(peer, echo_id);
	assert_int_equal(length, strlen(text));
	assert_memory_equal(data, text, length);
}

#endif /* FAMEZ_TESTING_DEVICE_H */
